/**
 * A pipe, as in pipe(7): a ring of 64 KiB between descriptions of a reader and a writer. A write of up to 4,096 bytes is
 * taken whole or not at all; a longer one as far as there is room. No reader: EPIPE. No writer: end of file after the last byte.
 */
import { AGAIN, Errno, SysError } from '../errno.ts'
import { WaitQueue } from '../process/wait-queue.ts'
import { copyBytes } from './copy-bytes.ts'
import { FileKind, type FileSystem, Inode } from '../vfs/inode.ts'
import { O, OpenFile, Poll } from '../vfs/open-file.ts'

export const PIPE_ATOMIC = 4096

export class Pipe {
  readonly capacity: number
  readonly #atomic: number
  /** made at the first write and given up when the pipe runs empty after its writer is gone */
  #ring: Uint8Array | undefined = undefined
  #start = 0
  length = 0
  hasReader = true
  hasWriter = true
  readonly readers = new WaitQueue()
  readonly writers = new WaitQueue()

  constructor(capacity: number) {
    this.capacity = capacity
    this.#atomic = Math.min(PIPE_ATOMIC, capacity)
  }

  read(into: Uint8Array): number {
    const length = this.length
    if (length === 0) return this.hasWriter && into.length > 0 ? AGAIN : 0
    const count = into.length < length ? into.length : length
    const ring = this.#ring!
    const start = this.#start
    const head = this.capacity - start
    if (count <= head) copyBytes(ring, start, into, 0, count)
    else {
      copyBytes(ring, start, into, 0, head)
      copyBytes(ring, 0, into, head, count - head)
    }
    this.length = length - count
    if (this.length === 0) this.#start = 0
    else this.#start = count < head ? start + count : count - head
    // A writer of up to PIPE_ATOMIC bytes that found too little room waits as well, so wake whenever it could go on.
    if (count > 0 && !this.writers.isEmpty && this.capacity - this.length >= this.#atomic) this.writers.wakeAll()
    return count
  }

  write(from: Uint8Array): number {
    if (!this.hasReader) throw SysError.of(Errno.EPIPE)
    const room = this.capacity - this.length
    let count = from.length
    if (count > room) {
      if (room === 0 || count <= this.#atomic) return AGAIN
      count = room
    }
    if (count === 0) return 0
    const ring = (this.#ring ??= new Uint8Array(this.capacity))
    let end = this.#start + this.length
    if (end >= this.capacity) end -= this.capacity
    const tail = this.capacity - end
    if (count <= tail) copyBytes(from, 0, ring, end, count)
    else {
      copyBytes(from, 0, ring, end, tail)
      copyBytes(from, tail, ring, 0, count - tail)
    }
    this.length += count
    if (!this.readers.isEmpty) this.readers.wakeAll()
    return count
  }

  /** Whether any atomic write would be taken. */
  get hasRoom(): boolean {
    return this.capacity - this.length >= this.#atomic
  }

  closeReader(): void {
    this.hasReader = false
    this.#ring = undefined
    this.length = 0
    this.writers.wakeAll()
  }
  closeWriter(): void {
    this.hasWriter = false
    this.readers.wakeAll()
  }
}

/** The nameless inode of a pipe; both ends share it. */
export class PipeInode extends Inode {
  readonly pipe: Pipe

  constructor(fs: FileSystem, ino: number, capacity: number) {
    super(fs, ino, FileKind.Fifo, 0o600)
    this.uid = this.gid = 1000
    this.pipe = new Pipe(capacity)
  }

  /** Another description of one end, as opening /proc/PID/fd/N gives. Ends are made by `Vfs.pipe`. */
  override open(_flags: number): OpenFile {
    throw SysError.of(Errno.ENXIO)
  }
}

export class PipeReader extends OpenFile {
  readonly #pipe: Pipe

  constructor(inode: PipeInode) {
    super(inode, O.RDONLY)
    this.#pipe = inode.pipe
  }

  /** bytes that have been written and not read */
  get waiting(): number {
    return this.#pipe.length
  }

  override get readers(): WaitQueue {
    return this.#pipe.readers
  }
  override get writers(): WaitQueue {
    return this.#pipe.writers
  }
  override read(into: Uint8Array): number {
    return this.#pipe.read(into)
  }
  override write(_from: Uint8Array): number {
    throw SysError.of(Errno.EBADF)
  }
  override poll(): number {
    return (this.#pipe.length > 0 ? Poll.IN : 0) | (this.#pipe.hasWriter ? 0 : Poll.HUP)
  }
  protected override close(): void {
    this.#pipe.closeReader()
  }
}

export class PipeWriter extends OpenFile {
  readonly #pipe: Pipe

  constructor(inode: PipeInode) {
    super(inode, O.WRONLY)
    this.#pipe = inode.pipe
  }

  override get readers(): WaitQueue {
    return this.#pipe.readers
  }
  override get writers(): WaitQueue {
    return this.#pipe.writers
  }
  override read(_into: Uint8Array): number {
    throw SysError.of(Errno.EBADF)
  }
  override write(from: Uint8Array): number {
    return this.#pipe.write(from)
  }
  override poll(): number {
    if (!this.#pipe.hasReader) return Poll.OUT | Poll.ERR
    return this.#pipe.hasRoom ? Poll.OUT : 0
  }
  protected override close(): void {
    this.#pipe.closeWriter()
  }
}
