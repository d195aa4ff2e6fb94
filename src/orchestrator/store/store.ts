/**
 * A principal's file system as a log of immutable segments (architecture.md section 5): takes a cell's journal, commits it up to
 * the last barrier in one transaction, gives a cell what it boots from and the contents that it asks for.
 * Invariants: the image equals the head in the tables; nothing of a group is committed before its barrier; `committed` is told
 * only for what the tables have taken. One commit is under way at a time; groups that arrive meanwhile wait.
 */
import { JournalWriter } from '../../protocol/journal.ts'
import type { Limits } from '../../protocol/limits.ts'
import { FsImage, hexOf } from './fs-image.ts'
import { pack, type Piece } from './pack.ts'
import { type JournalPart, Staging, StoreViolation, writeExtents } from './staging.ts'
import { type Head, type SegmentRef, STORE_FORMAT, type Tables, TablesError, type TablesChange } from './tables.ts'

export interface StoreHost {
  readonly sha256: (bytes: Uint8Array) => Promise<Uint8Array>
  /** calls once after `ms`; the result cancels; for what is `idle` nobody waits */
  readonly timer: (ms: number, then: () => void, idle?: 'idle') => () => void
  readonly limits: Limits
}

/** What the store tells the cell's side. */
export interface StoreEvents {
  readonly committed: (seq: number) => void
  readonly failed: (seq: number, error: TablesError) => void
  /** the journal was hostile; what stood before it is kept */
  readonly violated: (violation: StoreViolation) => void
}

export interface JournalMessage extends JournalPart {
  readonly seq: number
  readonly barrier: boolean
  readonly urgent: boolean
}

interface Group {
  readonly parts: readonly JournalPart[]
  readonly seq: number
}
interface Waiter {
  readonly seq: number
  readonly resolve: () => void
  readonly reject: (error: TablesError) => void
}

/** Content that cannot be given: it is missing or not what its name says. The cell answers EIO for that file. */
export class ContentError extends Error {
  override readonly name = 'ContentError'
}

const CACHED_CHUNKS = 8
const REWRITE_FROM_BYTES = 256 * 1024
const REWRITE_FROM_DELTAS = 256
const IDLE_MS = 2_000
/** what a message costs besides its content */
const MESSAGE_BYTES = 256
/** How many sparse chunks are laid together at a time. */
const REPACK_CHUNKS = 64
const EMPTY: Head = { gen: 0, fmt: STORE_FORMAT, base: null, deltas: [], nextSegment: 1 }

export class Store {
  readonly #tables: Tables
  readonly #host: StoreHost
  #head: Head
  #image: FsImage
  #staging: Staging
  #events: StoreEvents | undefined

  /** messages since the last barrier, and how large they are */
  #open: JournalPart[] = []
  #openBytes = 0
  /** whole groups that arrived during a commit */
  #waiting: Group[] = []
  /** the last message that came, the last one that is staged, the last one that is committed */
  #received = 0
  #staged = 0
  #committed = 0
  /** the last barrier that came */
  #barrier = 0
  #violated = false
  #strict = false
  /** the last commit may still be lost by a power cut */
  #relaxed = false
  #waiters: Waiter[] = []
  #cancelTimer: (() => void) | undefined
  #cancelIdle: (() => void) | undefined
  #queue: Promise<unknown> = Promise.resolve()
  #committing = false
  #closed = false
  #lost = false
  readonly #cache = new Map<string, Uint8Array>()

  private constructor(tables: Tables, host: StoreHost, head: Head, image: FsImage) {
    this.#tables = tables
    this.#host = host
    this.#head = head
    this.#image = image
    this.#staging = new Staging(image, host.limits)
  }

  /** Reads the head and its segments. Throws TablesError `io` when they are damaged or of another form. */
  static async open(tables: Tables, host: StoreHost): Promise<Store> {
    const head = (await tables.head()) ?? EMPTY
    if (head.fmt !== STORE_FORMAT)
      throw new TablesError('io', `Cannot open the store: its form is ${head.fmt}, this version reads ${STORE_FORMAT}`)
    const store = new Store(tables, host, head, await readImage(tables, host, head))
    store.#staging.dropOrphans(store.#image.orphans())
    store.#scheduleIdle()
    return store
  }

  get generation(): number {
    return this.#head.gen
  }
  /** The sequence number that the next journal message must follow. */
  get seq(): number {
    return this.#received
  }
  /** Another writer has committed, or the tables are gone: nothing can be committed any more, and what is here is out of date. */
  get isLost(): boolean {
    return this.#lost
  }
  get inodeCount(): number {
    return this.#image.inodeCount
  }

  /** A cell is connected: it boots from the head, so nothing may be staged. */
  attach(events: StoreEvents): { readonly metadata: readonly Uint8Array[]; readonly seq: number } {
    this.#events = events
    this.#violated = false
    return { metadata: this.#image.metadata(), seq: this.#received }
  }

  /** The cell has gone: commits up to the last barrier that came, drops the rest and what no name leads to. After it the next
   *  cell may boot. What cannot be committed is dropped: it was never acknowledged. */
  async detach(): Promise<void> {
    this.#events = undefined
    this.#open = []
    this.#openBytes = 0
    await this.flush().catch(() => {})
    await this.#serially(async () => {
      this.#staging = new Staging(this.#image, this.#host.limits)
      this.#staging.dropOrphans(this.#image.orphans())
      this.#staged = this.#committed = this.#barrier = this.#received
      for (const waiter of this.#waiters.splice(0)) waiter.reject(new TablesError('io', 'Cannot commit: the cell has ended'))
    })
    if (!this.#staging.isEmpty) await this.flush().catch(() => {})
  }

  /** Takes one message. Throws StoreViolation when it is out of order or too much; later findings go to `violated`. */
  receive(message: JournalMessage): void {
    if (message.seq !== this.#received + 1)
      throw new StoreViolation(`Cannot take the journal: message ${message.seq} after ${this.#received}`)
    this.#received = message.seq
    this.#openBytes += MESSAGE_BYTES + message.records.length + message.blobs.reduce((sum, blob) => sum + blob.length, 0)
    if (this.#openBytes > this.#host.limits.fsBytes * 2) throw new StoreViolation('Cannot take the journal: too much before a barrier')
    this.#open.push({ records: message.records, blobs: message.blobs })
    if (!message.barrier) return
    this.#barrier = message.seq
    const group: Group = { parts: this.#open, seq: message.seq }
    this.#open = []
    this.#openBytes = 0
    if (this.#committing) this.#waiting.push(group)
    else this.#stage(group)
    if (message.urgent) this.waitFor(message.seq, true).catch(() => {})
    else this.#cancelTimer ??= this.#host.timer(this.#host.limits.commitDelayMs, () => void this.flush().catch(() => {}))
  }

  /** Resolves when everything up to message `seq` is committed; rejects with the TablesError of a commit that failed, or with a
   *  StoreViolation when no barrier has come that holds the message. */
  waitFor(seq: number, strict = false): Promise<void> {
    if (seq > this.#barrier)
      return Promise.reject(new StoreViolation(`Cannot wait for message ${seq}: the last barrier was ${this.#barrier}`))
    if (seq <= this.#committed && !(strict && this.#relaxed)) return Promise.resolve()
    this.#strict ||= strict
    const done = new Promise<void>((resolve, reject) => this.#waiters.push({ seq, resolve, reject }))
    this.flush().catch(() => {})
    return done
  }

  /** Commits what stands before the last barrier. */
  flush(): Promise<void> {
    return this.#serially(() => this.#commit())
  }

  /** Chunk `index` of file `ino`; empty where nothing was written. Throws ContentError. */
  async content(ino: number, index: number): Promise<Uint8Array> {
    const staged = this.#staging.content(ino, index)
    if (staged) return staged.slice()
    const extent = this.#staging.hides(ino, index) ? undefined : this.#image.inode(ino)?.extents.get(index)
    if (!extent) return new Uint8Array(0)
    const chunk = await this.#chunk(extent.hash)
    if (extent.offset + extent.length > chunk.length) throw new ContentError('Cannot read content: its chunk is too short')
    return chunk.slice(extent.offset, extent.offset + extent.length)
  }

  /** Writes a new base if the deltas have outgrown the old one, and drops what no head reaches. */
  tidy(): Promise<void> {
    return this.#serially(async () => {
      try {
        await this.#repack()
        if (this.#outgrown()) await this.#rewrite()
        await this.#collect()
      } catch (error) {
        throw this.#failure(error)
      }
    })
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#cancelIdle?.()
    await this.flush().catch(() => {})
    this.#cancelTimer?.()
    await this.#tables.close()
  }

  #serially<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#queue.then(work, work)
    this.#queue = done.catch(() => {})
    return done
  }

  #stage(group: Group): void {
    if (this.#violated) return
    try {
      this.#staging.apply(group.parts)
      this.#staged = group.seq
    } catch (error) {
      if (!(error instanceof StoreViolation)) throw error
      const { groups } = this.#staging
      this.#staging = new Staging(this.#image, this.#host.limits)
      for (const good of groups) this.#staging.apply(good)
      this.#violated = true
      this.#events?.violated(error)
    }
  }

  async #commit(): Promise<void> {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    const seq = this.#staged
    const strict = this.#strict
    if (this.#staging.isEmpty && !(strict && this.#relaxed)) return this.#settle(seq)
    this.#strict = false
    this.#committing = true
    try {
      await this.#write(strict)
      this.#relaxed = !strict
      this.#committing = false
      this.#settle(seq)
    } catch (error) {
      this.#committing = false
      const failure = this.#failure(error)
      this.#fail(seq, failure)
      throw failure
    } finally {
      for (const group of this.#waiting.splice(0)) this.#stage(group)
    }
  }

  async #write(strict: boolean): Promise<void> {
    const packed = await pack(pieces(this.#staging), this.#host.sha256)
    const delta = this.#staging.encode(packed.placement)
    const ref = await this.#segmentRef(this.#head.nextSegment, delta)
    const next: Head = {
      ...this.#head,
      gen: this.#head.gen + 1,
      deltas: delta.length > 0 ? [...this.#head.deltas, ref] : this.#head.deltas,
      nextSegment: ref.id + 1,
    }
    await this.#tables.commit({
      ...change(this.#head.gen, next, strict),
      segments: delta.length > 0 ? [{ id: ref.id, bytes: delta }] : [],
      chunks: packed.chunks.filter(({ hash }) => !this.#image.isReferenced(hash)),
    })
    this.#head = next
    this.#image.fold(this.#staging, packed.placement)
    this.#staging = new Staging(this.#image, this.#host.limits)
    this.#scheduleIdle()
  }

  #settle(seq: number): void {
    if (seq > this.#committed) {
      this.#committed = seq
      this.#events?.committed(seq)
    }
    const ready = this.#waiters.filter((waiter) => waiter.seq <= seq)
    this.#waiters = this.#waiters.filter((waiter) => waiter.seq > seq)
    for (const waiter of ready) waiter.resolve()
  }

  #failure(error: unknown): TablesError {
    const failure = error instanceof TablesError ? error : new TablesError('io', 'Cannot commit', { cause: error })
    this.#lost ||= failure.failure === 'conflict' || failure.failure === 'lost'
    return failure
  }

  #fail(seq: number, error: TablesError): void {
    this.#events?.failed(seq, error)
    const failed = this.#waiters.filter((waiter) => waiter.seq <= seq)
    this.#waiters = this.#waiters.filter((waiter) => waiter.seq > seq)
    for (const waiter of failed) waiter.reject(error)
  }

  async #segmentRef(id: number, bytes: Uint8Array): Promise<SegmentRef> {
    return { id, bytes: bytes.length, sha256: hexOf(await this.#host.sha256(bytes)) }
  }

  async #chunk(hash: string): Promise<Uint8Array> {
    const cached = this.#cache.get(hash)
    if (cached) return cached
    const bytes = await this.#tables.chunk(hash)
    if (!bytes) throw new ContentError('Cannot read content: its chunk is missing')
    if (hexOf(await this.#host.sha256(bytes)) !== hash) throw new ContentError('Cannot read content: its chunk is damaged')
    this.#cache.set(hash, bytes)
    const [oldest] = this.#cache.keys()
    if (this.#cache.size > CACHED_CHUNKS && oldest !== undefined) this.#cache.delete(oldest)
    return bytes
  }

  #scheduleIdle(): void {
    this.#cancelIdle?.()
    if (this.#closed || (!this.#outgrown() && !this.#image.isWorthTidying)) return
    this.#cancelIdle = this.#host.timer(IDLE_MS, () => void this.tidy().catch(() => {}), 'idle')
  }

  #outgrown(): boolean {
    const deltas = this.#head.deltas.reduce((sum, delta) => sum + delta.bytes, 0)
    return this.#head.deltas.length > REWRITE_FROM_DELTAS || deltas > Math.max(this.#head.base?.bytes ?? 0, REWRITE_FROM_BYTES)
  }

  /** Lays what is left of sparse chunks together anew; the collection then drops them. One that is damaged stays as it is. */
  async #repack(): Promise<void> {
    const left: Piece[] = []
    for (const [hash, used] of this.#image.sparse().slice(0, REPACK_CHUNKS)) {
      const chunk = await this.#chunk(hash).catch(() => undefined)
      if (chunk)
        for (const { ino, index, extent } of used)
          left.push({ ino, index, bytes: chunk.slice(extent.offset, extent.offset + extent.length) })
    }
    if (left.length === 0) return
    const { placement, chunks } = await pack(left, this.#host.sha256)
    const writer = new JournalWriter()
    writeExtents(writer, placement)
    const delta = writer.take()
    const ref = await this.#segmentRef(this.#head.nextSegment, delta)
    const next: Head = { ...this.#head, gen: this.#head.gen + 1, deltas: [...this.#head.deltas, ref], nextSegment: ref.id + 1 }
    await this.#tables.commit({ ...change(this.#head.gen, next, false), segments: [{ id: ref.id, bytes: delta }], chunks })
    this.#head = next
    this.#image.relocate(placement)
  }

  async #rewrite(): Promise<void> {
    const base = this.#image.base()
    const ref = await this.#segmentRef(this.#head.nextSegment, base)
    const next: Head = { ...this.#head, gen: this.#head.gen + 1, base: ref, deltas: [], nextSegment: ref.id + 1 }
    await this.#tables.commit({ ...change(this.#head.gen, next, false), segments: [{ id: ref.id, bytes: base }] })
    this.#head = next
  }

  async #collect(): Promise<void> {
    const segments = new Set(refsOf(this.#head).map((ref) => ref.id))
    const chunks = new Set(this.#image.referenced())
    for (const head of (await this.#tables.snapshots()).values()) {
      for (const ref of refsOf(head)) segments.add(ref.id)
      for (const hash of (await readImage(this.#tables, this.#host, head)).referenced()) chunks.add(hash)
    }
    const dropSegments = (await this.#tables.segmentIds()).filter((id) => !segments.has(id))
    const dropChunks = (await this.#tables.chunkHashes()).filter((hash) => !chunks.has(hash))
    this.#image.clearReleased()
    if (dropSegments.length === 0 && dropChunks.length === 0) return
    const next: Head = { ...this.#head, gen: this.#head.gen + 1 }
    await this.#tables.commit({ ...change(this.#head.gen, next, false), dropSegments, dropChunks })
    for (const hash of dropChunks) this.#cache.delete(hash)
    this.#head = next
  }
}

const refsOf = (head: Head): SegmentRef[] => (head.base ? [head.base, ...head.deltas] : [...head.deltas])

function change(expect: number, head: Head, strict: boolean): TablesChange {
  const durability = strict ? 'strict' : 'relaxed'
  return { expect, head, segments: [], chunks: [], dropSegments: [], dropChunks: [], durability }
}

function* pieces(staging: Staging): Generator<Piece> {
  for (const [ino, staged] of staging.inodes()) for (const [index, bytes] of staged.content) yield { ino, index, bytes }
}

async function readImage(tables: Tables, host: StoreHost, head: Head): Promise<FsImage> {
  const image = new FsImage()
  for (const ref of refsOf(head)) {
    const bytes = await tables.segment(ref.id)
    if (!bytes) throw new TablesError('io', `Cannot open the store: segment ${ref.id} is missing`)
    if (hexOf(await host.sha256(bytes)) !== ref.sha256) throw new TablesError('io', `Cannot open the store: segment ${ref.id} is damaged`)
    image.load(bytes)
  }
  image.finishLoad()
  return image
}
