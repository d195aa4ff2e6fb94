/**
 * A regular file of a MemFs: sparse chunks, written in place. Reading and writing never wait: content that only the store has is
 * asked for and the call answers AGAIN. The modification time is set lazily (at close, stat, or after 50 ms).
 */
import { chunkCapacity, chunkCount, chunkOffset, LARGE_CHUNK, LARGE_FROM, MAX_FILE_BYTES } from '../../protocol/journal.ts'
import { AGAIN, Errno, SysError } from '../errno.ts'
import { copyBytes } from '../io/copy-bytes.ts'
import { WaitQueue } from '../process/wait-queue.ts'
import { FileKind, Inode } from '../vfs/inode.ts'
import type { OpenFile } from '../vfs/open-file.ts'
import { Chunk } from './chunk.ts'
import type { MemFs } from './mem-fs.ts'
import { OpenMemFile } from './open-mem-file.ts'

const READ_AHEAD = 8

export const BLOCK = 4096
/** What a chunk with `length` bytes of content counts against the quota. */
export const chargeOf = (length: number): number => Math.ceil(length / BLOCK) * BLOCK

const indexOf = (at: number): number => (at < LARGE_FROM ? at >>> 16 : 64 + Math.floor((at - LARGE_FROM) / LARGE_CHUNK))

export class MemFile extends Inode {
  declare readonly fs: MemFs
  readonly chunks: (Chunk | undefined)[] = []
  /** Below this index an absent entry of `chunks` is content of the store, from here on a hole. */
  bootChunks = 0
  /** booted with holes: `chunks` has all that there is */
  sparse = false
  /** the file's size when it was booted: the last boot chunk ends there */
  bootSize = 0
  /** bytes charged to the quota */
  charged = 0
  /** descriptions that are open */
  opens = 0
  /** lowest chunk count since the last inode record (`keepChunks`) */
  lowChunks = 0
  /** written since the modification time was set */
  written = false
  #waiters: WaitQueue | undefined = undefined

  constructor(fs: MemFs, ino: number, mode: number) {
    super(fs, ino, FileKind.File, mode)
  }

  override open(flags: number): OpenFile {
    return new OpenMemFile(this, flags)
  }

  /** Whoever waits for content or for a commit; made when it is needed, since most files of a tree are never opened. */
  get waiters(): WaitQueue {
    return (this.#waiters ??= new WaitQueue())
  }

  override refresh(): void {
    if (this.written) this.fs.settleTime(this)
  }

  override get blocks(): number {
    return this.charged / 512
  }

  readAt(into: Uint8Array, at: number): number {
    const { size } = this
    if (at >= size) return 0
    const want = Math.min(into.length, size - at)
    for (let done = 0; ;) {
      const index = indexOf(at)
      const inChunk = at - chunkOffset(index)
      const count = Math.min(want - done, chunkCapacity(index) - inChunk)
      const chunk = this.chunks[index] ?? this.#bootChunk(index)
      if (chunk === undefined) into.fill(0, done, done + count)
      else {
        const bytes = chunk.bytes ?? this.#absent(chunk)
        if (!bytes) return done > 0 ? done : AGAIN
        chunk.used = true
        const there = Math.min(count, chunk.length - inChunk)
        if (there > 0) copyBytes(bytes, inChunk, into, done, there)
        if (there < count) into.fill(0, done + Math.max(there, 0), done + count)
      }
      done += count
      if (done === want) return done
      at += count
    }
  }

  writeAt(from: Uint8Array, at: number): number {
    let want = from.length
    if (want === 0) return 0
    if (at + want > MAX_FILE_BYTES) {
      if (at >= MAX_FILE_BYTES) throw SysError.of(Errno.EFBIG)
      want = MAX_FILE_BYTES - at
    }
    let done = 0
    while (done < want) {
      const count = this.#writeChunk(from, done, want - done, at + done)
      if (count === 0) break
      done += count
    }
    if (done === 0) return AGAIN
    if (at + done > this.size) this.size = at + done
    if (!this.written || !this.touched || this.changedBy !== this.fs.changes.current) this.fs.noteWrite(this)
    return done
  }

  /** Bytes taken; 0 when content must be faulted in first. */
  #writeChunk(from: Uint8Array, done: number, want: number, at: number): number {
    const index = indexOf(at)
    const inChunk = at - chunkOffset(index)
    let count = Math.min(want, chunkCapacity(index) - inChunk)
    let chunk = this.chunks[index] ?? this.#bootChunk(index)
    if (chunk && !chunk.bytes && (inChunk > 0 || count < chunk.length)) {
      if (!this.#absent(chunk)) return 0
    }
    const length = chunk ? chunk.length : 0
    let end = inChunk + count
    if (end > length) {
      count = this.fs.charge(this, length, end) - inChunk
      if (count <= 0) {
        if (done > 0) return 0
        throw SysError.of(Errno.ENOSPC)
      }
      end = inChunk + count
    }
    chunk ??= this.chunks[index] = new Chunk(this, index, 0, false)
    let { bytes } = chunk
    if (bytes === undefined || bytes.length < end) bytes = this.fs.memory.reserve(chunk, end, this.#followsFull(index))
    if (inChunk > length) bytes.fill(0, length, inChunk)
    copyBytes(from, done, bytes, inChunk, count)
    if (end > length) chunk.length = end
    if (!chunk.dirty) this.fs.noteDirty(chunk)
    return count
  }

  /** 0, or AGAIN until the chunk that the new end lies in is there. */
  setSize(size: number): number {
    if (size > MAX_FILE_BYTES) throw SysError.of(Errno.EFBIG)
    if (size < this.size) {
      const keep = chunkCount(size)
      const last = keep - 1
      const inLast = keep > 0 ? size - chunkOffset(last) : 0
      const cut = keep > 0 ? (this.chunks[last] ?? this.#bootChunk(last)) : undefined
      if (cut && cut.length > inLast) {
        if (!cut.bytes && !this.#absent(cut)) return AGAIN
        this.fs.uncharge(this, cut.length, inLast)
        cut.length = inLast
        if (!cut.dirty) this.fs.noteDirty(cut)
      }
      this.#dropFrom(keep)
    }
    if (size !== this.size) this.size = size
    this.fs.noteWrite(this)
    return 0
  }

  /** Gives the content's memory and quota back. */
  dropContent(): void {
    this.#dropFrom(0)
  }

  #dropFrom(keep: number): void {
    if (this.bootChunks > keep) {
      for (let i = keep; i < this.bootChunks; i++) if (!this.chunks[i]) this.fs.uncharge(this, this.#bootLength(i), 0)
      this.bootChunks = keep
    }
    this.chunks.forEach((chunk, index) => {
      if (index < keep || !chunk) return
      this.fs.uncharge(this, chunk.length, 0)
      chunk.gone = true
      chunk.length = 0
      this.fs.memory.release(chunk)
    })
    if (this.chunks.length > keep) this.chunks.length = keep
    if (this.lowChunks > keep) this.lowChunks = keep
  }

  /** Whether a writer goes on from a full chunk, so that this one will probably be filled, too. */
  #followsFull(index: number): boolean {
    return index > 0 && this.chunks[index - 1]?.length === chunkCapacity(index - 1)
  }

  #bootLength(index: number): number {
    return Math.min(chunkCapacity(index), this.bootSize - chunkOffset(index))
  }

  #bootChunk(index: number): Chunk | undefined {
    if (index >= this.bootChunks) return undefined
    return (this.chunks[index] = new Chunk(this, index, this.#bootLength(index), true))
  }

  /** The bytes if the fault is answered at once; else it is under way. What it failed with is thrown, once. */
  #absent(chunk: Chunk): Uint8Array | undefined {
    if (chunk.errno === 0) {
      const end = Math.min(chunk.index + READ_AHEAD, chunkCount(this.size))
      this.fs.fault(chunk)
      for (let i = chunk.index + 1; i < end; i++) {
        const next = this.chunks[i] ?? this.#bootChunk(i)
        if (next?.stored && !next.bytes && next.errno === 0) this.fs.fault(next)
      }
    }
    const { errno } = chunk
    if (errno === 0) return chunk.bytes
    chunk.errno = 0
    throw SysError.of(errno)
  }
}
