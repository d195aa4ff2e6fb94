/**
 * What the store does on every kind of tables: the same suite runs on SQLite, on memory, on fake-indexeddb under vitest, and on
 * IndexedDB in real Chromium.
 */
import { Store, type StoreHost, type StoreEvents } from '../../src/orchestrator/store/store.ts'
import { type Tables, type TablesChange, TablesError } from '../../src/orchestrator/store/tables.ts'
import { LARGE_CHUNK, readJournal, SMALL_CHUNK } from '../../src/protocol/journal.ts'
import { limitsWith } from '../../src/protocol/limits.ts'
import { type Contract, equal, rejected } from './check.ts'
import { FakeCell, utf8 } from './fake-cell.ts'
import type { TablesSubject } from './tables.ts'

export const storeHost = (limits = limitsWith({ commitDelayMs: 60_000 })): StoreHost => ({
  sha256: async (bytes) => new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(bytes))),
  timer: (ms, then) => {
    const id = setTimeout(then, ms)
    return () => clearTimeout(id)
  },
  limits,
})

const SILENT: StoreEvents = { committed: () => {}, failed: () => {}, violated: () => {} }

/** A store with a cell that has written the usual directories. */
async function begin(tables: Tables, events: StoreEvents = SILENT): Promise<{ store: Store; cell: FakeCell }> {
  const store = await Store.open(tables, storeHost())
  const { seq, metadata } = store.attach(events)
  const cell = new FakeCell((message) => store.receive(message), seq)
  if (metadata.length === 0) cell.makeRoot()
  return { store, cell }
}

/** The tree that a cell would boot from: path → kind and size, sorted. */
function tree(metadata: readonly Uint8Array[]): string[] {
  const inodes = new Map<number, { kind: number; size: number }>()
  const names: [number, string, number][] = []
  for (const stream of metadata)
    for (const record of readJournal(stream)) {
      if (record.t === 'inode') inodes.set(record.ino, record)
      if (record.t === 'entry') names.push([record.dir, new TextDecoder().decode(record.name), record.ino])
    }
  const paths = (dir: number, above: string): string[] =>
    names
      .filter(([d]) => d === dir)
      .flatMap(([, name, ino]) => [`${above}/${name} ${inodes.get(ino)?.kind} ${inodes.get(ino)?.size}`, ...paths(ino, `${above}/${name}`)])
  return paths(1, '').toSorted()
}

/** Tables whose commits fail while `failing` is set. */
function breakable(tables: Tables): { tables: Tables; fail: (error: Error | undefined) => void } {
  let failing: Error | undefined
  const commit = async (change: TablesChange): Promise<void> => {
    if (failing) throw failing
    return tables.commit(change)
  }
  const proxy = new Proxy(tables, {
    get: (target, key) => {
      if (key === 'commit') return commit
      const value: unknown = Reflect.get(target, key)
      return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value
    },
  })
  return { tables: proxy, fail: (error) => (failing = error) }
}

export const storeContract: Contract<TablesSubject> = {
  'gives back files, directories and links after it is opened again': async ({ open }) => {
    const { store, cell } = await begin(await open())
    const dir = cell.mkdir(1, 'docs')
    const file = cell.write(dir, 'a.txt', utf8('hello'))
    cell.symlink(1, 'link', 'docs/a.txt')
    cell.barrier()
    await store.waitFor(cell.seq)
    await store.close()

    const again = await begin(await open())
    equal(tree(again.store.attach(SILENT).metadata), ['/docs 2 0', '/docs/a.txt 1 5', '/link 3 10'])
    equal(await again.store.content(file, 0), utf8('hello'))
    equal(await again.store.content(file, 1), new Uint8Array(0))
    await again.store.close()
  },
  'commits nothing of a group before its barrier': async ({ open }) => {
    const { store, cell } = await begin(await open())
    cell.write(1, 'whole', utf8('1'))
    cell.barrier()
    cell.write(1, 'half', utf8('2'))
    cell.post()
    await store.detach()
    equal(tree(store.attach(SILENT).metadata), ['/whole 1 1'])
    await store.close()
  },
  'merges barriers into one commit and tells the last of them': async ({ open }) => {
    const told: number[] = []
    const { store, cell } = await begin(await open(), { ...SILENT, committed: (seq) => told.push(seq) })
    for (let i = 0; i < 10; i++) {
      cell.write(1, `file${i}`, utf8('x'))
      cell.barrier()
    }
    await store.waitFor(cell.seq)
    equal(told, [10])
    equal(store.generation, 1)
    await store.close()
  },
  'overwrites, truncates and extends files': async ({ open }) => {
    const { store, cell } = await begin(await open())
    const big = new Uint8Array(SMALL_CHUNK * 3).fill(7)
    const file = cell.write(1, 'f', big)
    cell.barrier()
    await store.flush()
    cell.truncate(file, SMALL_CHUNK + 10, 1)
    cell.data(file, 1, big.slice(0, 10))
    cell.barrier()
    await store.flush()
    equal((await store.content(file, 0)).length, SMALL_CHUNK)
    equal((await store.content(file, 1)).length, 10)
    equal((await store.content(file, 2)).length, 0)
    await store.close()
    const again = await begin(await open())
    equal((await again.store.content(file, 1)).length, 10)
    equal((await again.store.content(file, 2)).length, 0)
    await again.store.close()
  },
  'gives contents back before they are committed': async ({ open }) => {
    const { store, cell } = await begin(await open())
    const file = cell.write(1, 'f', utf8('soon'))
    cell.barrier()
    equal(await store.content(file, 0), utf8('soon'))
    await store.close()
  },
  'keeps contents of large files in large chunks': async ({ open }) => {
    const { store, cell } = await begin(await open())
    const file = cell.create(1, 'large', 5 * 1024 * 1024)
    const chunk = crypto.getRandomValues(new Uint8Array(SMALL_CHUNK))
    const large = new Uint8Array(LARGE_CHUNK)
    large.set(chunk, 1000)
    cell.data(file, 64, large)
    cell.barrier()
    await store.flush()
    equal((await store.content(file, 64)).length, LARGE_CHUNK)
    equal((await store.content(file, 64))[1001], chunk[1])
    await store.close()
  },
  'keeps 10,000 small files in one delta and few chunks, and boots with them': async ({ open }) => {
    const tables = await open()
    const { store, cell } = await begin(tables)
    for (let i = 0; i < 10_000; i++) cell.write(1, `file-${i}`, utf8(`content of ${i}`))
    cell.barrier()
    await store.waitFor(cell.seq)
    equal((await tables.segmentIds()).length, 1)
    equal((await tables.chunkHashes()).length, 1)
    await store.close()
    const again = await begin(await open())
    equal(again.store.inodeCount, 10_001)
    await again.store.close()
  },
  'stores equal contents once': async ({ open }) => {
    const tables = await open()
    const { store, cell } = await begin(tables)
    const content = new Uint8Array(SMALL_CHUNK).fill(3)
    for (const name of ['a', 'b', 'c']) cell.write(1, name, content)
    cell.barrier()
    await store.flush()
    equal((await tables.chunkHashes()).length, 1)
    await store.close()
  },
  'drops contents and segments that nothing reaches': async ({ open }) => {
    const tables = await open()
    const { store, cell } = await begin(tables)
    const gone = cell.write(1, 'gone', crypto.getRandomValues(new Uint8Array(SMALL_CHUNK)))
    const kept = cell.write(1, 'kept', crypto.getRandomValues(new Uint8Array(SMALL_CHUNK)))
    cell.barrier()
    await store.flush()
    cell.unlink(1, 'gone', gone)
    cell.barrier()
    await store.flush()
    await store.tidy()
    equal((await tables.chunkHashes()).length, 1)
    equal((await store.content(kept, 0)).length, SMALL_CHUNK)
    await store.close()
  },
  'lays what is left of sparse chunks together anew': async ({ open }) => {
    const tables = await open()
    const { store, cell } = await begin(tables)
    const files = Array.from({ length: 200 }, (_, i) => cell.write(1, `f${i}`, new Uint8Array(1_000).fill(i)))
    cell.barrier()
    await store.flush()
    for (const [i, ino] of files.entries()) if (i % 4 !== 3) cell.unlink(1, `f${i}`, ino)
    cell.barrier()
    await store.flush()
    await store.tidy()
    const hashes = await tables.chunkHashes()
    equal(hashes.length, 1)
    equal((await tables.chunk(hashes[0]!))?.length, 50_000)
    await store.close()
    const again = await begin(await open())
    for (const [i, ino] of files.entries())
      equal(await again.store.content(ino, 0), i % 4 === 3 ? new Uint8Array(1_000).fill(i) : new Uint8Array(0))
    await again.store.close()
  },
  'writes a new base when deltas outgrow it, and nothing changes by that': async ({ open }) => {
    const tables = await open()
    const { store, cell } = await begin(tables)
    for (let i = 0; i < 300; i++) {
      cell.write(1, `f${i}`, utf8(`${i}`))
      cell.barrier()
      await store.flush()
    }
    const before = tree(store.attach(SILENT).metadata)
    await store.tidy()
    equal((await tables.segmentIds()).length, 1)
    equal((await tables.head())?.deltas.length, 0)
    await store.close()
    const again = await begin(await open())
    equal(tree(again.store.attach(SILENT).metadata), before)
    await again.store.close()
  },
  'forgets a file that was open and had no name when its cell died': async ({ open }) => {
    const { store, cell } = await begin(await open())
    const file = cell.write(1, 'open', utf8('x'))
    cell.barrier()
    cell.entry(1, 'open', 0)
    cell.barrier()
    await store.detach()
    equal(tree(store.attach(SILENT).metadata), [])
    equal(store.inodeCount, 1)
    equal(await store.content(file, 0), new Uint8Array(0))
    await store.close()
  },
  'reuses an inode number for something else': async ({ open }) => {
    const { store, cell } = await begin(await open())
    const file = cell.write(1, 'a', utf8('old'))
    cell.barrier()
    await store.flush()
    cell.unlink(1, 'a', file)
    cell.mkdir(1, 'a', file)
    cell.barrier()
    await store.flush()
    equal(tree(store.attach(SILENT).metadata), ['/a 2 0'])
    await store.close()
    const again = await begin(await open())
    equal(tree(again.store.attach(SILENT).metadata), ['/a 2 0'])
    equal(await again.store.content(file, 0), new Uint8Array(0))
    await again.store.close()
  },
  'T103: answers a full disk with the failure, keeps the head, and commits when there is room again': async ({ open }) => {
    const { tables, fail } = breakable(await open())
    const failures: [number, string][] = []
    const { store, cell } = await begin(tables, { ...SILENT, failed: (seq, error) => failures.push([seq, error.failure]) })
    const first = cell.write(1, 'first', utf8('1'))
    cell.barrier()
    await store.flush()
    fail(new TablesError('quota', 'Cannot commit: no space left'))
    cell.write(1, 'second', utf8('2'))
    cell.barrier()
    equal((await rejected(store.waitFor(cell.seq))).failure, 'quota')
    equal(failures, [[2, 'quota']])
    equal(tree(store.attach(SILENT).metadata), ['/first 1 1'])
    equal((await tables.head())?.gen, store.generation)
    fail(undefined)
    cell.barrier()
    await store.waitFor(cell.seq)
    equal(tree(store.attach(SILENT).metadata), ['/first 1 1', '/second 1 1'])
    equal(await store.content(first, 0), utf8('1'))
    await store.close()
  },
  'T103: what could not be committed is gone with its cell': async ({ open }) => {
    const { tables, fail } = breakable(await open())
    const { store, cell } = await begin(tables)
    cell.write(1, 'kept', utf8('1'))
    cell.barrier()
    await store.flush()
    fail(new Error('disk on fire'))
    cell.write(1, 'lost', utf8('2'))
    cell.barrier()
    await store.detach()
    fail(undefined)
    equal(tree(store.attach(SILENT).metadata), ['/kept 1 1'])
    await store.close()
  },
  'T104: a chunk that is missing or altered fails its own files only': async ({ open }) => {
    const tables = await open()
    const { store, cell } = await begin(tables)
    const bad = cell.write(1, 'bad', new Uint8Array(SMALL_CHUNK).fill(1))
    const good = cell.write(1, 'good', new Uint8Array(SMALL_CHUNK).fill(2))
    cell.barrier()
    await store.close()
    const opened = await open()
    const head = (await opened.head())!
    const [first] = await hashOf(new Uint8Array(SMALL_CHUNK).fill(1))
    await opened.commit({
      expect: head.gen,
      head: { ...head, gen: head.gen + 1 },
      segments: [],
      chunks: [],
      dropSegments: [],
      dropChunks: [first],
      durability: 'strict',
    })
    const again = await Store.open(opened, storeHost())
    equal((await rejected(again.content(bad, 0))).name, 'ContentError')
    equal((await again.content(good, 0)).length, SMALL_CHUNK)
    await again.close()

    const altered = await open()
    const now = (await altered.head())!
    const bytes = new Uint8Array(SMALL_CHUNK).fill(1)
    bytes[77] = 0
    await altered.commit({
      expect: now.gen,
      head: { ...now, gen: now.gen + 1 },
      segments: [],
      chunks: [{ hash: first, bytes }],
      dropSegments: [],
      dropChunks: [],
      durability: 'strict',
    })
    const last = await Store.open(altered, storeHost())
    equal((await rejected(last.content(bad, 0))).name, 'ContentError')
    equal((await last.content(good, 0)).length, SMALL_CHUNK)
    await last.close()
  },
  'T104: an unknown form is not opened': async ({ open }) => {
    const tables = await open()
    const head = { gen: 1, fmt: 99, base: null, deltas: [], nextSegment: 1 }
    await tables.commit({ expect: 0, head, segments: [], chunks: [], dropSegments: [], dropChunks: [], durability: 'relaxed' })
    equal((await rejected(Store.open(tables, storeHost()))).failure, 'io')
    await tables.close()
  },
}

async function hashOf(bytes: Uint8Array): Promise<[string]> {
  return [(await storeHost().sha256(bytes)).toHex()]
}
