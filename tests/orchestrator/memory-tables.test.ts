/** The contract suites over tables in memory. */
import { describe, test } from 'vitest'
import { MemoryTables } from '../../src/orchestrator/store/memory-tables.ts'
import type { Head, Tables, TablesChange } from '../../src/orchestrator/store/tables.ts'
import { storeContract } from '../contract/store.ts'
import { tablesContract, type TablesSubject } from '../contract/tables.ts'

/** Memory does not outlive its object: what `open` gives again is the same tables behind a new door. */
class Door implements Tables {
  readonly #inner: MemoryTables
  #open = true
  constructor(inner: MemoryTables) {
    this.#inner = inner
  }
  head(): Promise<Head | undefined> {
    return this.#inner.head()
  }
  segment(id: number): Promise<Uint8Array | undefined> {
    return this.#inner.segment(id)
  }
  chunk(hash: string): Promise<Uint8Array | undefined> {
    return this.#inner.chunk(hash)
  }
  segmentIds(): Promise<number[]> {
    return this.#inner.segmentIds()
  }
  chunkHashes(): Promise<string[]> {
    return this.#inner.chunkHashes()
  }
  snapshots(): Promise<ReadonlyMap<string, Head>> {
    return this.#inner.snapshots()
  }
  async commit(change: TablesChange): Promise<void> {
    if (!this.#open) await this.#inner.close()
    return this.#inner.commit(change)
  }
  async close(): Promise<void> {
    this.#open = false
  }
}

const subject = (): TablesSubject => {
  const inner = new MemoryTables()
  return { open: async () => new Door(inner) }
}

describe('tables in memory', () => {
  for (const [name, check] of Object.entries(tablesContract)) test(name, () => check(subject()))
})
describe('the store in memory', () => {
  for (const [name, check] of Object.entries(storeContract)) test(name, () => check(subject()))
})
