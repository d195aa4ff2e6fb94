/** An open directory. Reading from cookie 0 takes a snapshot of the names; later cookies index it, as WASI's fd_readdir wants. */
import { Errno, SysError } from '../errno.ts'
import { WaitQueue } from '../process/wait-queue.ts'
import { type DirEntry, type Directory, FileKind } from './inode.ts'
import { OpenFile, Whence } from './open-file.ts'

const none: readonly DirEntry[] = []

export class OpenDirectory extends OpenFile {
  readonly directory: Directory
  #snapshot = none
  static readonly #idle = new WaitQueue()

  constructor(directory: Directory, flags: number) {
    super(directory, flags)
    this.directory = directory
  }

  /** The entries with `.` and `..` first; index = cookie. Cookie 0 takes them anew. */
  entries(cookie: number): readonly DirEntry[] {
    if (cookie === 0) {
      const { directory } = this
      const up = directory.parent ?? directory
      this.#snapshot =
        directory.nlink === 0
          ? none
          : [
              { name: '.', ino: directory.ino, kind: FileKind.Directory },
              { name: '..', ino: up.ino, kind: FileKind.Directory },
              ...directory.list(),
            ]
    }
    return this.#snapshot
  }

  override get readers(): WaitQueue {
    return OpenDirectory.#idle
  }
  override get writers(): WaitQueue {
    return OpenDirectory.#idle
  }
  override read(_into: Uint8Array): number {
    throw SysError.of(Errno.EISDIR)
  }
  override write(_from: Uint8Array): number {
    throw SysError.of(Errno.EBADF)
  }
  /** The position counts entries, as getdents64 leaves it. */
  override seek(offset: number, whence: number): number {
    const to = whence === Whence.Set ? offset : whence === Whence.Cur ? this.offset + offset : -1
    if (to < 0) throw SysError.of(Errno.EINVAL)
    return (this.offset = to)
  }
}
