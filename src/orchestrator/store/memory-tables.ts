/**
 * Tables in plain memory, for a sandbox that keeps nothing: what is committed lives as long as this object, so that a killed
 * cell's files outlive the cell all the same.
 */
import { type Head, type Tables, type TablesChange, TablesError } from './tables.ts'

export class MemoryTables implements Tables {
  #head: Head | undefined
  readonly #segments = new Map<number, Uint8Array>()
  readonly #chunks = new Map<string, Uint8Array>()
  #closed = false

  async head(): Promise<Head | undefined> {
    return this.#head
  }
  async segment(id: number): Promise<Uint8Array | undefined> {
    return this.#segments.get(id)
  }
  async chunk(hash: string): Promise<Uint8Array | undefined> {
    return this.#chunks.get(hash)
  }
  async segmentIds(): Promise<number[]> {
    return [...this.#segments.keys()]
  }
  async chunkHashes(): Promise<string[]> {
    return [...this.#chunks.keys()]
  }
  async snapshots(): Promise<ReadonlyMap<string, Head>> {
    return new Map()
  }

  async commit(change: TablesChange): Promise<void> {
    if (this.#closed) throw new TablesError('lost', 'Cannot commit: the tables are closed')
    if ((this.#head?.gen ?? 0) !== change.expect) throw new TablesError('conflict', 'Cannot commit: another writer has committed')
    for (const { id, bytes } of change.segments) this.#segments.set(id, bytes)
    for (const { hash, bytes } of change.chunks) if (!this.#chunks.has(hash)) this.#chunks.set(hash, bytes)
    for (const id of change.dropSegments) this.#segments.delete(id)
    for (const hash of change.dropChunks) this.#chunks.delete(hash)
    this.#head = change.head
  }

  async close(): Promise<void> {
    this.#closed = true
  }
}
