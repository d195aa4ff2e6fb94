/**
 * Random histories of a file system against a model: whatever is written, renamed, cut, removed, committed, refused by the disk or
 * lost with its cell, the store holds exactly what stood at the last barrier, before and after it is opened again.
 */
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemoryTables } from '../../src/orchestrator/store/memory-tables.ts'
import { Store } from '../../src/orchestrator/store/store.ts'
import { type Tables, type TablesChange, TablesError } from '../../src/orchestrator/store/tables.ts'
import { chunkCount, chunkOffset, readJournal, SMALL_CHUNK } from '../../src/protocol/journal.ts'
import { FakeCell } from '../contract/fake-cell.ts'
import { storeHost } from '../contract/store.ts'

type Step =
  | { readonly do: 'write' | 'rewrite' | 'truncate' | 'remove' | 'rename'; readonly at: number; readonly bytes: number }
  | { readonly do: 'mkdir' | 'barrier' | 'flush' | 'break' | 'mend' | 'crash' | 'reopen' | 'tidy'; readonly at: number }

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constantFrom('write', 'rewrite', 'truncate', 'remove', 'rename'),
      at: fc.nat(20),
      bytes: fc.nat(150_000),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constantFrom('mkdir', 'barrier', 'barrier'), at: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('flush', 'break', 'mend', 'crash', 'reopen', 'tidy'), at: fc.nat(20) }) },
)

interface Node {
  readonly ino: number
  readonly directory: boolean
  content: Uint8Array
}
/** path → what is there; the root is '' */
type Tree = Map<string, Node>

class Disk implements Pick<Tables, 'commit'> {
  readonly tables = new MemoryTables()
  broken = false
  async commit(change: TablesChange): Promise<void> {
    if (this.broken) throw new TablesError('quota', 'Cannot commit: no space left')
    return this.tables.commit(change)
  }
  open(): Tables {
    const { tables } = this
    return {
      head: () => tables.head(),
      segment: (id) => tables.segment(id),
      chunk: (hash) => tables.chunk(hash),
      segmentIds: () => tables.segmentIds(),
      chunkHashes: () => tables.chunkHashes(),
      snapshots: () => tables.snapshots(),
      commit: (change) => this.commit(change),
      close: async () => {},
    }
  }
}

class History {
  readonly disk = new Disk()
  store!: Store
  cell!: FakeCell
  /** what the cell has, what stood at the last barrier, and what has been committed */
  now: Tree = new Map()
  barrier: Tree = new Map()
  committed: Tree = new Map()
  #next = 2
  #salt = 0

  async open(): Promise<void> {
    this.store = await Store.open(this.disk.open(), storeHost())
    this.attach()
  }
  attach(): void {
    const { metadata, seq } = this.store.attach({
      committed: () => {},
      failed: () => {},
      violated: (violation) => {
        throw violation
      },
    })
    this.cell = new FakeCell((message) => this.store.receive(message), seq)
    if (metadata.length === 0) this.cell.makeRoot()
  }

  async play(action: Step): Promise<void> {
    const paths = [...this.now.keys()]
    const path = paths[action.at % Math.max(1, paths.length)]
    const node = path === undefined ? undefined : this.now.get(path)
    switch (action.do) {
      case 'write':
        return this.#create(this.#directory(action.at), false, action.bytes)
      case 'mkdir':
        return this.#create(this.#directory(action.at), true, 0)
      case 'rewrite':
        if (node && !node.directory) this.#put(node, this.#bytes(action.bytes), 0)
        return
      case 'truncate':
        if (node && !node.directory) this.#cut(node, action.bytes % (node.content.length + 1))
        return
      case 'remove':
        if (path !== undefined && node && !this.#children(path)) this.#remove(path, node)
        return
      case 'rename':
        if (path !== undefined && node) this.#rename(path, node, this.#directory(action.bytes))
        return
      case 'barrier':
        this.cell.barrier()
        this.barrier = copyOf(this.now)
        return
      case 'flush':
        await this.store.flush().then(
          () => (this.committed = this.barrier),
          () => {},
        )
        return
      case 'tidy':
        await this.store.tidy().catch(() => {})
        return
      case 'break':
        this.disk.broken = true
        return
      case 'mend':
        this.disk.broken = false
        return
      case 'crash':
      case 'reopen':
        return this.#restart(action.do === 'reopen')
    }
  }

  async #restart(reopen: boolean): Promise<void> {
    if (!this.disk.broken) this.committed = this.barrier
    await this.store.detach()
    if (reopen) {
      await this.store.close()
      this.disk.broken = false
      await this.open()
    } else {
      this.attach()
    }
    this.now = copyOf(this.committed)
    this.barrier = copyOf(this.committed)
    await this.check()
  }

  /** The store gives exactly what is committed. */
  async check(): Promise<void> {
    const { metadata } = this.store.attach({ committed: () => {}, failed: () => {}, violated: () => {} })
    this.cell.seq = this.store.seq
    expect(await treeOf(this.store, metadata)).toEqual(described(this.committed))
  }

  #directory(at: number): string {
    const directories = ['', ...[...this.now].filter(([, node]) => node.directory).map(([path]) => path)]
    return directories[at % directories.length]!
  }
  #inoOf(directory: string): number {
    return directory === '' ? 1 : this.now.get(directory)!.ino
  }
  #children(path: string): boolean {
    return [...this.now.keys()].some((other) => other.startsWith(`${path}/`))
  }
  #bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length)
    bytes.fill(++this.#salt & 0xff)
    if (length > 1) bytes[0] = this.#salt >> 8
    return bytes
  }

  #create(directory: string, isDirectory: boolean, length: number): void {
    const ino = this.#next++
    const path = `${directory}/n${ino}`
    const node: Node = { ino, directory: isDirectory, content: new Uint8Array(0) }
    if (isDirectory) this.cell.mkdir(this.#inoOf(directory), `n${ino}`, ino)
    else {
      this.cell.attributes(ino, 0, 0)
      this.cell.entry(this.#inoOf(directory), `n${ino}`, ino)
      this.#put(node, this.#bytes(length), 0)
    }
    this.now.set(path, node)
  }
  #put(node: Node, content: Uint8Array, keep: number): void {
    node.content = content
    this.cell.attributes(node.ino, content.length, keep)
    for (let index = keep; index < chunkCount(content.length); index++)
      this.cell.data(node.ino, index, content.subarray(chunkOffset(index), chunkOffset(index + 1)))
  }
  #cut(node: Node, length: number): void {
    this.#put(node, node.content.slice(0, length), Math.floor(length / SMALL_CHUNK))
  }
  #remove(path: string, node: Node): void {
    this.cell.unlink(this.#inoOf(path.slice(0, path.lastIndexOf('/'))), path.slice(path.lastIndexOf('/') + 1), node.ino)
    this.now.delete(path)
  }
  #rename(path: string, node: Node, into: string): void {
    if (into === path || into.startsWith(`${path}/`)) return
    const name = `r${++this.#salt}`
    this.cell.entry(this.#inoOf(into), name, node.ino)
    this.cell.entry(this.#inoOf(path.slice(0, path.lastIndexOf('/'))), path.slice(path.lastIndexOf('/') + 1), 0)
    for (const [other, moved] of this.now)
      if (other === path || other.startsWith(`${path}/`)) {
        this.now.delete(other)
        this.now.set(`${into}/${name}${other.slice(path.length)}`, moved)
      }
  }
}

const copyOf = (tree: Tree): Tree => new Map([...tree].map(([path, node]) => [path, { ...node }]))
const described = (tree: Tree): string[] =>
  [...tree].map(([path, { directory, content }]) => `${path} ${directory ? 'd' : `${content.length} ${sum(content)}`}`).toSorted()
const sum = (bytes: Uint8Array): number => bytes.reduce((total, byte, i) => (total * 31 + byte + i) % 1_000_000_007, 7)

async function treeOf(store: Store, metadata: readonly Uint8Array[]): Promise<string[]> {
  const inodes = new Map<number, { kind: number; size: number }>()
  const names: [number, string, number][] = []
  for (const stream of metadata)
    for (const record of readJournal(stream)) {
      if (record.t === 'inode') inodes.set(record.ino, record)
      if (record.t === 'entry') names.push([record.dir, new TextDecoder().decode(record.name), record.ino])
    }
  const out: string[] = []
  const walk = async (dir: number, above: string): Promise<void> => {
    for (const [, name, ino] of names.filter(([d]) => d === dir)) {
      const { kind, size } = inodes.get(ino)!
      const path = `${above}/${name}`
      const content = new Uint8Array(size)
      for (let index = 0; index < (kind === 1 ? chunkCount(size) : 0); index++)
        content.set(await store.content(ino, index), chunkOffset(index))
      out.push(`${path} ${kind === 2 ? 'd' : `${size} ${sum(content)}`}`)
      if (kind === 2) await walk(ino, path)
    }
  }
  await walk(1, '')
  return out.toSorted()
}

test('T99: any history ends with what stood at the last barrier that could be committed', { timeout: 60_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 60 }), async (steps) => {
      const history = new History()
      await history.open()
      for (const action of steps) await history.play(action)
      await history.play({ do: 'mend', at: 0 })
      await history.play({ do: 'barrier', at: 0 })
      await history.play({ do: 'reopen', at: 0 })
    }),
    { numRuns: 150 },
  )
})
