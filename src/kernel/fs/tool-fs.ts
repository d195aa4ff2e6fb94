/** /bin and /usr/bin: a regular file for each program of the catalog. Its content is the module's bytes, fetched at the first read. */
import { AGAIN, Errno, SysError } from '../errno.ts'
import { copyBytes } from '../io/copy-bytes.ts'
import { WaitQueue } from '../process/wait-queue.ts'
import { type Directory, FileKind, FileSystem, Inode } from '../vfs/inode.ts'
import { OpenFile, Whence } from '../vfs/open-file.ts'
import type { ProgramCatalog } from './program-catalog.ts'
import { FixedDirectory } from './text-file.ts'

export class ToolFs extends FileSystem {
  override readonly dev: number
  override readonly type = 'toolfs'
  override readonly root: Directory

  constructor(programs: ProgramCatalog, dev: number, sec: number) {
    super()
    this.readOnly = false
    this.dev = dev
    const root = new FixedDirectory(this, 1, 0o755)
    root.setTime(sec, 0)
    this.root = root
    let ino = 2
    for (const name of programs.names()) {
      const program = programs.find(name)
      if (!program) continue
      const file = root.add(name, new ProgramFile(this, ino++, program.module, program.size, programs))
      file.setTime(sec, 0)
    }
  }
}

/** What spawn recognises: `module` names the code, the path's last component the program. */
export class ProgramFile extends Inode {
  readonly module: string
  readonly #programs: ProgramCatalog
  readonly #waiters = new WaitQueue()
  #asked = false
  #bytes: Uint8Array | undefined = undefined
  #failed = false

  constructor(fs: FileSystem, ino: number, module: string, size: number, programs: ProgramCatalog) {
    super(fs, ino, FileKind.File, 0o755)
    this.module = module
    this.size = size
    this.#programs = programs
  }
  override open(flags: number): OpenFile {
    return new OpenProgramFile(this, flags)
  }

  get waiters(): WaitQueue {
    return this.#waiters
  }

  /** undefined until the bytes are there; then `waiters` are woken. EIO when they cannot be had, and the next read asks again. */
  get bytes(): Uint8Array | undefined {
    if (!this.#asked) {
      this.#asked = true
      this.#programs.read(this.module, (bytes) => {
        this.#bytes = bytes
        this.#failed = bytes === undefined
        this.#waiters.wakeAll()
      })
    }
    if (this.#failed) {
      this.#failed = this.#asked = false
      throw SysError.of(Errno.EIO)
    }
    return this.#bytes
  }
}

class OpenProgramFile extends OpenFile {
  declare readonly inode: ProgramFile

  override get readers(): WaitQueue {
    return this.inode.waiters
  }
  override get writers(): WaitQueue {
    return this.inode.waiters
  }
  override read(into: Uint8Array): number {
    const count = this.pread(into, this.offset)
    if (count > 0) this.offset += count
    return count
  }
  override pread(into: Uint8Array, at: number): number {
    const { bytes } = this.inode
    if (!bytes) return AGAIN
    const count = Math.max(0, Math.min(into.length, bytes.length - at))
    copyBytes(bytes, at, into, 0, count)
    return count
  }
  override write(_from: Uint8Array): number {
    throw SysError.of(Errno.EBADF)
  }
  override seek(offset: number, whence: number): number {
    const from = whence === Whence.Set ? 0 : whence === Whence.Cur ? this.offset : whence === Whence.End ? this.inode.size : Number.NaN
    if (!(from + offset >= 0)) throw SysError.of(Errno.EINVAL)
    return (this.offset = from + offset)
  }
}
