/** What every implementation of `Tables` does. `open` gives the same database each time. */
import { type Head, type Tables, type TablesChange } from '../../src/orchestrator/store/tables.ts'
import { type Contract, equal, rejected } from './check.ts'

export interface TablesSubject {
  readonly open: () => Promise<Tables>
}

const bytes = (...values: number[]): Uint8Array => new Uint8Array(values)
const headOf = (gen: number): Head => ({
  gen,
  fmt: 1,
  base: null,
  deltas: [{ id: gen, bytes: 3, sha256: 'ab'.repeat(32) }],
  nextSegment: gen + 1,
})
const change = (expect: number, more: Partial<TablesChange> = {}): TablesChange => ({
  expect,
  head: headOf(expect + 1),
  segments: [{ id: expect + 1, bytes: bytes(1, 2, 3) }],
  chunks: [],
  dropSegments: [],
  dropChunks: [],
  durability: 'relaxed',
  ...more,
})

export const tablesContract: Contract<TablesSubject> = {
  'are empty at first': async ({ open }) => {
    const tables = await open()
    equal(await tables.head(), undefined)
    equal(await tables.segmentIds(), [])
    equal(await tables.chunkHashes(), [])
    equal(await tables.snapshots(), new Map())
    equal(await tables.segment(1), undefined)
    equal(await tables.chunk('00'), undefined)
    await tables.close()
  },
  'give back what was committed, also after they are opened again': async ({ open }) => {
    const first = await open()
    await first.commit(change(0, { chunks: [{ hash: 'aa', bytes: bytes(9, 8) }], durability: 'strict' }))
    await first.close()
    const tables = await open()
    equal(await tables.head(), headOf(1))
    equal(await tables.segment(1), bytes(1, 2, 3))
    equal(await tables.chunk('aa'), bytes(9, 8))
    equal(await tables.segmentIds(), [1])
    equal(await tables.chunkHashes(), ['aa'])
    await tables.close()
  },
  'keep a content that is there already': async ({ open }) => {
    const tables = await open()
    await tables.commit(change(0, { chunks: [{ hash: 'aa', bytes: bytes(1) }] }))
    await tables.commit(change(1, { chunks: [{ hash: 'aa', bytes: bytes(1) }] }))
    equal(await tables.chunk('aa'), bytes(1))
    equal(await tables.chunkHashes(), ['aa'])
    await tables.close()
  },
  'drop what a commit names': async ({ open }) => {
    const tables = await open()
    await tables.commit(
      change(0, {
        chunks: [
          { hash: 'aa', bytes: bytes(1) },
          { hash: 'bb', bytes: bytes(2) },
        ],
      }),
    )
    await tables.commit(change(1, { dropSegments: [1], dropChunks: ['aa'] }))
    equal(await tables.segmentIds(), [2])
    equal(await tables.chunkHashes(), ['bb'])
    await tables.close()
  },
  'T106: refuse a commit on top of another generation, entirely': async ({ open }) => {
    const tables = await open()
    await tables.commit(change(0))
    const error = await rejected(
      tables.commit(change(0, { segments: [{ id: 7, bytes: bytes(7) }], chunks: [{ hash: 'cc', bytes: bytes(7) }] })),
    )
    equal(error.failure, 'conflict')
    equal(await tables.head(), headOf(1))
    equal(await tables.segmentIds(), [1])
    equal(await tables.chunkHashes(), [])
    await tables.commit(change(1))
    equal((await tables.head())?.gen, 2)
    await tables.close()
  },
  'refuse to commit and to read after they are closed': async ({ open }) => {
    const tables = await open()
    await tables.close()
    await tables.close()
    equal((await rejected(tables.commit(change(0)))).failure, 'lost')
  },
}

/** What those besides do that outlive their process: one writer at a time. */
export const lockedTablesContract: Contract<TablesSubject> = {
  'T106: have one writer at a time': async ({ open }) => {
    const first = await open()
    equal((await rejected(open())).failure, 'locked')
    await first.close()
    await (await open()).close()
  },
}
