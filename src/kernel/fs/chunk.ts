/**
 * File content in memory: chunks as `protocol/journal.ts` cuts them, and the memory that they live in.
 * A chunk's bytes from `length` on are unspecified and read as zeroes. Only what the store has may be evicted.
 */
import { chunkCapacity, LARGE_CHUNK, SMALL_CHUNK } from '../../protocol/journal.ts'
import { copyBytes } from '../io/copy-bytes.ts'
import type { MemFile } from './mem-file.ts'

const FIRST_BYTES = 256
const RECYCLED_BYTES = 16 * 1024 * 1024

export class Chunk {
  readonly file: MemFile
  readonly index: number
  /** undefined: only the store has it */
  bytes: Uint8Array | undefined = undefined
  /** how many bytes from its beginning have content */
  length: number
  /** waits for the next journal message */
  dirty = false
  /** the store has it, or will when the message `seq` is committed */
  stored: boolean
  seq = 0
  /** read since the last look of the evictor */
  used = false
  faulting = false
  /** what the last fault failed with; told once */
  errno = 0
  /** cut off from its file */
  gone = false

  constructor(file: MemFile, index: number, length: number, stored: boolean) {
    this.file = file
    this.index = index
    this.length = length
    this.stored = stored
  }
}

export class ChunkMemory {
  /** bytes of all resident chunks */
  residentBytes = 0
  readonly #limit: number
  readonly #clean = new Set<Chunk>()
  readonly #small: Uint8Array[] = []
  readonly #large: Uint8Array[] = []

  /** Above `limit` resident bytes, what is clean gives way to what is faulted in. */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Makes room for `need` bytes, keeping what is there; `full` takes a whole chunk at once. */
  reserve(chunk: Chunk, need: number, full: boolean): Uint8Array {
    const old = chunk.bytes
    if (old && old.length >= need) return old
    const capacity = chunkCapacity(chunk.index)
    let size = capacity
    if (!full && need <= capacity / 2) {
      size = FIRST_BYTES
      while (size < need) size *= 2
    }
    const bytes = this.#take(size)
    if (old) {
      copyBytes(old, 0, bytes, 0, Math.min(chunk.length, old.length))
      this.#give(old)
    }
    this.residentBytes += size - (old?.length ?? 0)
    chunk.bytes = bytes
    return bytes
  }

  /** Takes bytes that arrived from the store. */
  adopt(chunk: Chunk, bytes: Uint8Array): void {
    if (this.residentBytes + bytes.length > this.#limit) this.evict(this.residentBytes + bytes.length - this.#limit)
    this.residentBytes += bytes.length
    chunk.bytes = bytes
    this.#clean.add(chunk)
  }

  release(chunk: Chunk): void {
    const { bytes } = chunk
    this.#clean.delete(chunk)
    if (!bytes) return
    chunk.bytes = undefined
    this.residentBytes -= bytes.length
    this.#give(bytes)
  }

  markDirty(chunk: Chunk): void {
    this.#clean.delete(chunk)
  }
  /** The store has the chunk as it is. */
  markClean(chunk: Chunk): void {
    if (chunk.bytes && !chunk.dirty && !chunk.gone) this.#clean.add(chunk)
  }

  /** Drops clean chunks, the longest unused first, until `bytes` are free or none is left; tells how many became free. */
  evict(bytes: number): number {
    const before = this.residentBytes
    for (let pass = 0; pass < 2 && before - this.residentBytes < bytes; pass++) {
      for (const chunk of this.#clean) {
        if (chunk.used && pass === 0) {
          chunk.used = false
          continue
        }
        this.release(chunk)
        if (before - this.residentBytes >= bytes) break
      }
    }
    return before - this.residentBytes
  }

  #take(size: number): Uint8Array {
    if (size === SMALL_CHUNK) return this.#small.pop() ?? new Uint8Array(size)
    if (size === LARGE_CHUNK) return this.#large.pop() ?? new Uint8Array(size)
    return new Uint8Array(size)
  }

  #give(bytes: Uint8Array): void {
    if (bytes.byteLength !== bytes.buffer.byteLength) return
    const list = bytes.length === SMALL_CHUNK ? this.#small : bytes.length === LARGE_CHUNK ? this.#large : undefined
    if (list && list.length * bytes.length < RECYCLED_BYTES) list.push(bytes)
  }
}
