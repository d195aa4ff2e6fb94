/** Inodes of file systems that exist only in code: directories with a fixed or computed listing, and files whose text is made at open. */
import { Errno, SysError } from '../errno.ts'
import { copyBytes } from '../io/copy-bytes.ts'
import { WaitQueue } from '../process/wait-queue.ts'
import { type ByteString, bytesOf } from '../vfs/byte-string.ts'
import { type DirEntry, Directory, FileKind, type FileSystem, Inode, Symlink } from '../vfs/inode.ts'
import { OpenDirectory } from '../vfs/open-directory.ts'
import { OpenFile, Whence } from '../vfs/open-file.ts'

const idle = new WaitQueue()

/** A directory whose inodes are made once. */
export class FixedDirectory extends Directory {
  readonly #children = new Map<ByteString, Inode>()

  add<T extends Inode>(name: ByteString, inode: T): T {
    this.#children.set(name, inode)
    inode.parent = this
    inode.name = name
    return inode
  }
  override lookup(name: ByteString): Inode | undefined {
    return this.#children.get(name)
  }
  override list(): DirEntry[] {
    return [...this.#children].map(([name, { ino, kind }]) => ({ name, ino, kind }))
  }
  override open(flags: number): OpenFile {
    return new OpenDirectory(this, flags)
  }
}

/** A symlink whose target is computed at each reading. */
export class TextLink extends Symlink {
  readonly #target: () => ByteString

  constructor(fs: FileSystem, ino: number, target: () => ByteString) {
    super(fs, ino)
    this.#target = target
  }
  override readTarget(): ByteString {
    return this.#target()
  }
}

/** A file whose content is taken when it is opened; its size reads 0, as in proc(5). */
export class TextFile extends Inode {
  readonly #text: () => ByteString

  constructor(fs: FileSystem, ino: number, mode: number, text: () => ByteString) {
    super(fs, ino, FileKind.File, mode)
    this.#text = text
  }
  override open(flags: number): OpenFile {
    return new OpenBytes(this, flags, bytesOf(this.#text()))
  }
}

/** A description over bytes that never change. */
export class OpenBytes extends OpenFile {
  readonly #bytes: Uint8Array

  constructor(inode: Inode, flags: number, bytes: Uint8Array) {
    super(inode, flags)
    this.#bytes = bytes
  }
  override get readers(): WaitQueue {
    return idle
  }
  override get writers(): WaitQueue {
    return idle
  }
  override read(into: Uint8Array): number {
    const count = this.pread(into, this.offset)
    this.offset += count
    return count
  }
  override pread(into: Uint8Array, at: number): number {
    if (at < 0) throw SysError.of(Errno.EINVAL)
    const count = Math.max(0, Math.min(into.length, this.#bytes.length - at))
    copyBytes(this.#bytes, at, into, 0, count)
    return count
  }
  override write(_from: Uint8Array): number {
    throw SysError.of(Errno.EBADF)
  }
  override seek(offset: number, whence: number): number {
    const from = whence === Whence.Set ? 0 : whence === Whence.Cur ? this.offset : whence === Whence.End ? this.#bytes.length : Number.NaN
    if (!(from + offset >= 0)) throw SysError.of(Errno.EINVAL)
    return (this.offset = from + offset)
  }
}
