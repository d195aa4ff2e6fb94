/**
 * A principal's file system (architecture.md section 5): takes a cell's journal, commits it up to the last barrier in one
 * transaction, gives a cell what it boots from and the contents that it asks for.
 * Invariants: nothing of a group is committed before its barrier; `committed` is told only for what the tables have taken. One
 * commit is under way at a time; groups that arrive meanwhile wait.
 */
import type { Limits } from '../../protocol/limits.ts'
import { SegmentLog } from './segment-log.ts'
import { type JournalPart, Staging, StoreViolation } from './staging.ts'
import { type Tables, TablesError } from './tables.ts'

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

const IDLE_MS = 2_000
/** what a message costs besides its content */
const MESSAGE_BYTES = 256
export class Store {
  readonly #log: SegmentLog
  readonly #host: StoreHost
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

  private constructor(log: SegmentLog, host: StoreHost) {
    this.#log = log
    this.#host = host
    this.#staging = new Staging(log.image, host.limits)
    this.#staging.dropOrphans(log.image.orphans())
  }

  /** Throws TablesError `io` when what lies in the tables is damaged or of another form. */
  static async open(tables: Tables, host: StoreHost): Promise<Store> {
    const store = new Store(await SegmentLog.open(tables, host.sha256), host)
    store.#scheduleIdle()
    return store
  }

  get generation(): number {
    return this.#log.generation
  }
  /** The sequence number that the next journal message must follow. */
  get seq(): number {
    return this.#received
  }
  /** Another writer has committed, or the tables are gone: nothing can be committed any more, and what is here is out of date. */
  get isLost(): boolean {
    return this.#log.isLost
  }
  get inodeCount(): number {
    return this.#log.image.inodeCount
  }

  /** A cell is connected: it boots from the head, so nothing may be staged. */
  attach(events: StoreEvents): { readonly metadata: readonly Uint8Array[]; readonly seq: number } {
    this.#events = events
    this.#violated = false
    return { metadata: this.#log.image.metadata(), seq: this.#received }
  }

  /** The cell has gone: commits up to the last barrier that came, drops the rest and what no name leads to. After it the next
   *  cell may boot. What cannot be committed is dropped: it was never acknowledged. */
  async detach(): Promise<void> {
    this.#events = undefined
    this.#open = []
    this.#openBytes = 0
    await this.flush().catch(() => {})
    await this.#serially(async () => {
      this.#staging = new Staging(this.#log.image, this.#host.limits)
      this.#staging.dropOrphans(this.#log.image.orphans())
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
    const extent = this.#staging.hides(ino, index) ? undefined : this.#log.image.inode(ino)?.extents.get(index)
    if (!extent) return new Uint8Array(0)
    return this.#log.content(extent)
  }

  /** What is best done when nothing else is to do: see SegmentLog. */
  tidy(): Promise<void> {
    return this.#serially(() => this.#log.tidy())
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#cancelIdle?.()
    await this.flush().catch(() => {})
    this.#cancelTimer?.()
    await this.#log.close()
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
      this.#staging = new Staging(this.#log.image, this.#host.limits)
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
      await this.#log.commit(this.#staging, strict ? 'strict' : 'relaxed')
      this.#staging = new Staging(this.#log.image, this.#host.limits)
      this.#relaxed = !strict
      this.#committing = false
      this.#scheduleIdle()
      this.#settle(seq)
    } catch (error) {
      this.#committing = false
      const failure = error instanceof TablesError ? error : new TablesError('io', 'Cannot commit', { cause: error })
      this.#fail(seq, failure)
      throw failure
    } finally {
      for (const group of this.#waiting.splice(0)) this.#stage(group)
    }
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

  #fail(seq: number, error: TablesError): void {
    this.#events?.failed(seq, error)
    const failed = this.#waiters.filter((waiter) => waiter.seq <= seq)
    this.#waiters = this.#waiters.filter((waiter) => waiter.seq > seq)
    for (const waiter of failed) waiter.reject(error)
  }

  #scheduleIdle(): void {
    this.#cancelIdle?.()
    if (this.#closed || !this.#log.isWorthTidying) return
    this.#cancelIdle = this.#host.timer(IDLE_MS, () => void this.tidy().catch(() => {}), 'idle')
  }
}
