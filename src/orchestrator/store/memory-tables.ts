/**
 * Tables in plain memory, for a sandbox that keeps nothing: what is committed lives as long as the disk that they are opened on, so that
 * files outlive a cell that was killed, or left because it was idle.
 */
import { type Head, type Tables, type TablesChange, TablesError } from './tables.ts'

/** What was committed. */
export class MemoryDisk {
  head: Head | undefined
  readonly segments = new Map<number, Uint8Array>()
  readonly chunks = new Map<string, Uint8Array>()
}

export class MemoryTables implements Tables {
  readonly #disk: MemoryDisk
  #closed = false

  constructor(disk = new MemoryDisk()) {
    this.#disk = disk
  }

  async head(): Promise<Head | undefined> {
    return this.#disk.head
  }
  async segment(id: number): Promise<Uint8Array | undefined> {
    return this.#disk.segments.get(id)
  }
  async chunk(hash: string): Promise<Uint8Array | undefined> {
    return this.#disk.chunks.get(hash)
  }
  async segmentIds(): Promise<number[]> {
    return [...this.#disk.segments.keys()]
  }
  async chunkHashes(): Promise<string[]> {
    return [...this.#disk.chunks.keys()]
  }
  async snapshots(): Promise<ReadonlyMap<string, Head>> {
    return new Map()
  }

  async commit(change: TablesChange): Promise<void> {
    if (this.#closed) throw new TablesError('lost', 'Cannot commit: the tables are closed')
    if ((this.#disk.head?.gen ?? 0) !== change.expect) throw new TablesError('conflict', 'Cannot commit: another writer has committed')
    for (const { id, bytes } of change.segments) this.#disk.segments.set(id, bytes)
    for (const { hash, bytes } of change.chunks) if (!this.#disk.chunks.has(hash)) this.#disk.chunks.set(hash, bytes)
    for (const id of change.dropSegments) this.#disk.segments.delete(id)
    for (const hash of change.dropChunks) this.#disk.chunks.delete(hash)
    this.#disk.head = change.head
  }

  async close(): Promise<void> {
    this.#closed = true
  }
}
