/** An open regular file of a MemFs. The file lives while a name or a description is left. */
import { AGAIN, Errno, SysError } from '../errno.ts'
import type { WaitQueue } from '../process/wait-queue.ts'
import { O, OpenFile, Whence } from '../vfs/open-file.ts'
import type { MemFile } from './mem-file.ts'

export class OpenMemFile extends OpenFile {
  readonly #file: MemFile
  #wrote = false
  /** the journal message that a sync under way waits for */
  #syncSeq = 0

  constructor(file: MemFile, flags: number) {
    super(file, flags)
    this.#file = file
    file.opens++
  }

  override get readers(): WaitQueue {
    return this.#file.waiters
  }
  override get writers(): WaitQueue {
    return this.#file.waiters
  }

  override read(into: Uint8Array): number {
    if ((this.flags & O.ACCMODE) === O.WRONLY) throw SysError.of(Errno.EBADF)
    const count = this.#file.readAt(into, this.offset)
    if (count > 0) this.offset += count
    return count
  }

  override write(from: Uint8Array): number {
    if ((this.flags & O.ACCMODE) === O.RDONLY) throw SysError.of(Errno.EBADF)
    if (this.flags & O.APPEND) this.offset = this.#file.size
    this.#wrote = true
    const count = this.#file.writeAt(from, this.offset)
    if (count > 0) this.offset += count
    return count
  }

  override pread(into: Uint8Array, at: number): number {
    if (!this.readable) throw SysError.of(Errno.EBADF)
    if (at < 0) throw SysError.of(Errno.EINVAL)
    return this.#file.readAt(into, at)
  }

  override pwrite(from: Uint8Array, at: number): number {
    if (!this.writable) throw SysError.of(Errno.EBADF)
    if (at < 0) throw SysError.of(Errno.EINVAL)
    this.#wrote = true
    return this.#file.writeAt(from, this.flags & O.APPEND ? this.#file.size : at)
  }

  override seek(offset: number, whence: number): number {
    const from = whence === Whence.Set ? 0 : whence === Whence.Cur ? this.offset : whence === Whence.End ? this.#file.size : Number.NaN
    const to = from + offset
    if (!(to >= 0)) throw SysError.of(Errno.EINVAL)
    if (!Number.isSafeInteger(to)) throw SysError.of(Errno.EOVERFLOW)
    return (this.offset = to)
  }

  override truncate(size: number): number {
    if (!this.writable || size < 0) throw SysError.of(Errno.EINVAL)
    this.#wrote = true
    return this.#file.setSize(size)
  }

  override sync(): number {
    const { journal } = this.#file.fs
    if (!journal || this.#file.volatile || this.#file.nlink === 0) return 0
    let state = this.#syncSeq === 0 ? AGAIN : journal.stateOf(this.#syncSeq)
    if (state <= 0 && (this.#syncSeq === 0 || this.#file.touched)) {
      this.#syncSeq = journal.post(true, true)
      state = journal.stateOf(this.#syncSeq)
    }
    if (state === AGAIN) {
      journal.wakeWhenSettled(this.#file.waiters)
      return AGAIN
    }
    this.#syncSeq = 0
    if (state !== 0) throw SysError.of(state)
    return 0
  }

  protected override close(): void {
    const file = this.#file
    file.opens--
    if (file.nlink === 0) {
      if (file.opens === 0) file.fs.release(file)
    } else if (this.#wrote) file.fs.closed(file)
  }
}
