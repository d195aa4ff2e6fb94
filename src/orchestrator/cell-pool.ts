/**
 * The live cells, one a principal: boots them when they are needed, lends them memories, drops the idle ones. Invariant: a
 * principal's next cell boots only after what the former one left has been committed or dropped, so two never write.
 */
import { BtcpError } from '../protocol/error.ts'
import type { Limits } from '../protocol/limits.ts'
import { type Principal, principalKey } from '../protocol/principal.ts'
import { LiveCell } from './live-cell.ts'
import { type Borrower, MemoryLending } from './memory-lending.ts'
import type { CellHandle, Platform } from './platform.ts'
import { Store } from './store/store.ts'
import { TablesError } from './store/tables.ts'
import { toolMount } from './tool-mount.ts'

export interface CellSettings {
  readonly env: Readonly<Record<string, string>>
  readonly seed?: number
  /** hears every system call of every cell */
  readonly trace?: (lines: string) => void
}

/** So long a cell that needs memories waits until idle ones have given theirs back. */
const GIVE_BACK_MS = 500
const LOOK_AGAIN_MS = 100

/** A cell that boots or lives, and the memories that it has borrowed. */
interface Tenant {
  readonly borrower: Borrower
  readonly cell: Promise<LiveCell>
  live: LiveCell | undefined
  /** it is getting, or has, what its present users may need */
  drawing: Promise<void> | undefined
}

/** A place for one principal's cell and its store. */
interface Berth {
  readonly principal: Principal
  readonly store: Store
  tenant: Tenant | undefined
  /** what the last tenant left is being settled */
  settling: Promise<void>
  /** a cell that was started before it is needed, because the tenant will probably be ended; nothing has been said to it */
  spare: Promise<CellHandle> | undefined
  /** runs and file operations that hold the cell */
  users: number
  /** what lives on in the cell between them, so that it is not dropped for being idle */
  residents: number
  cancelIdle: (() => void) | undefined
  lastUse: number
}

/** A cell that was started in advance and is not needed after all is ended. */
const SPARE_MS = 5_000

export class CellPool {
  readonly #platform: Platform
  readonly #limits: Limits
  readonly #settings: CellSettings
  readonly #lending: MemoryLending
  readonly #berths = new Map<string, Promise<Berth>>()
  /** those of them that are open */
  readonly #open = new Set<Berth>()
  readonly #closing = new Map<string, Promise<void>>()
  #disposed = false

  constructor(platform: Platform, limits: Limits, settings: CellSettings) {
    this.#platform = platform
    this.#limits = limits
    this.#settings = settings
    this.#lending = new MemoryLending(limits)
  }

  /** Runs `work` with the principal's cell, which is booted if there is none. */
  async use<T>(principal: Principal, work: (cell: LiveCell) => Promise<T>): Promise<T> {
    let berth = await this.#berth(principal)
    while (!this.#open.has(berth) || berth.store.isLost) {
      if (berth.store.isLost) await this.#leave(principalKey(principal))
      berth = await this.#berth(principal)
    }
    berth.users++
    berth.cancelIdle?.()
    berth.cancelIdle = undefined
    try {
      const tenant = await this.#tenant(berth)
      const cell = await tenant.cell
      // Once for all that use it at a time, and before any of them begins.
      await (tenant.drawing ??= this.#draw(tenant, cell))
      return await work(cell)
    } finally {
      berth.users--
      berth.lastUse = this.#platform.clock.monotonic()
      if (berth.users === 0) this.#rest(berth)
    }
  }

  /** Keeps the principal's cell, which is in use, from being dropped for being idle, until the result is called. It still gives way where
   *  another principal's needs its room. */
  stay(principal: Principal): () => void {
    const key = principalKey(principal)
    const berth = [...this.#open].find((one) => principalKey(one.principal) === key)
    if (!berth) return () => {}
    berth.residents++
    return () => {
      berth.residents--
      if (berth.users === 0 && berth.residents === 0 && this.#open.has(berth)) this.#rest(berth)
    }
  }

  async #draw({ borrower }: Tenant, cell: LiveCell): Promise<void> {
    if (this.#lending.isShort(borrower)) await this.#reclaim(borrower)
    cell.allow(this.#lending.draw(borrower))
  }

  /** Ends the principal's cell, if it has one, and closes its store. */
  async leave(principal: Principal): Promise<void> {
    await this.#leave(principalKey(principal))
  }

  /** Ends every cell. Everything that was acknowledged is kept. */
  async dispose(): Promise<void> {
    this.#disposed = true
    await Promise.all([...this.#berths.keys()].map((key) => this.#leave(key)))
    await Promise.all(this.#closing.values())
  }

  #berth(principal: Principal): Promise<Berth> {
    if (this.#disposed)
      return Promise.reject(new BtcpError('SANDBOX_ERROR', 'Cannot start a cell: the sandbox is closed', { effects: 'none' }))
    const key = principalKey(principal)
    const known = this.#berths.get(key)
    if (known) return known
    const opened = this.#openBerth(principal, key)
    this.#berths.set(key, opened)
    opened.catch(() => this.#berths.delete(key))
    return opened
  }

  async #openBerth(principal: Principal, key: string): Promise<Berth> {
    await this.#closing.get(key)
    if (this.#berths.size > this.#limits.framesLive) await this.#makeRoom()
    if (this.#berths.size > this.#limits.framesLive)
      throw new BtcpError('BUSY', `Cannot start a cell: ${this.#limits.framesLive} others are busy`, {
        effects: 'none',
        limit: 'framesLive',
      })
    try {
      const store = await Store.open(await this.#platform.tables(principal), {
        sha256: (bytes) => this.#platform.sha256(bytes),
        timer: (ms, then, idle) => this.#platform.timer(ms, then, idle),
        limits: this.#limits,
      })
      const berth: Berth = {
        principal,
        store,
        tenant: undefined,
        settling: Promise.resolve(),
        spare: undefined,
        users: 0,
        residents: 0,
        cancelIdle: undefined,
        lastUse: 0,
      }
      this.#open.add(berth)
      return berth
    } catch (error) {
      if (!(error instanceof TablesError)) throw error
      throw new BtcpError(error.failure === 'locked' ? 'BUSY' : 'SANDBOX_ERROR', error.message, { effects: 'none' })
    }
  }

  async #tenant(berth: Berth): Promise<Tenant> {
    if (berth.tenant) return berth.tenant
    if (this.#memoryBytes > this.#limits.allCellsMemoryBytes) await this.#makeRoom()
    if (this.#lending.isFull) await this.#reclaim()
    if (this.#lending.isFull) {
      await this.#makeRoom()
      await this.#memoriesFree()
    }
    if (berth.tenant) return berth.tenant
    const borrower = this.#lending.open()
    if (!borrower) throw new BtcpError('BUSY', 'Cannot start a cell: the limit memoriesBroker is reached', { effects: 'none' })
    // The next one shall not have to wait for it.
    if (this.#lending.isFull) void this.#leaveOldest(({ residents }) => residents === 0)
    const tenant: Tenant = { borrower, cell: berth.settling.then(() => this.#boot(berth, borrower)), live: undefined, drawing: undefined }
    berth.tenant = tenant
    void tenant.cell.then(
      (cell) => {
        tenant.live = cell
        void cell.ended.then(() => this.#vacate(berth, tenant))
      },
      () => this.#vacate(berth, tenant),
    )
    return tenant
  }

  /** What the live cells said that they use. */
  get #memoryBytes(): number {
    return [...this.#open].reduce((sum, berth) => sum + (berth.tenant?.live?.memoryBytes ?? 0), 0)
  }

  async #boot(berth: Berth, borrower: Borrower): Promise<LiveCell> {
    const { spare, principal } = berth
    berth.spare = undefined
    const isTool = principal.kind === 'tool'
    const mounts = isTool ? [await toolMount(this.#platform, principal)] : this.#platform.mounts(principal)
    // The environment of the owner's commands is no business of a tool's.
    const env = isTool ? {} : this.#settings.env
    const boot = { ...this.#settings, env, mounts, memories: borrower.lent, expectEnd: () => this.#prepare(berth) }
    return LiveCell.boot(principal, this.#platform, this.#limits, berth.store, boot, spare)
  }

  /** Starts the next cell of the berth, so that the command after one that had to be ended by force finds it ready. */
  #prepare(berth: Berth): void {
    if (berth.spare || !this.#open.has(berth)) return
    const spare = this.#platform.startCell(berth.principal)
    berth.spare = spare
    spare.catch(() => (berth.spare = undefined))
    this.#platform.timer(SPARE_MS, () => berth.spare === spare && this.#dropSpare(berth), 'idle')
  }

  #dropSpare(berth: Berth): void {
    void berth.spare?.then(
      (handle) => handle.terminate(),
      () => {},
    )
    berth.spare = undefined
  }

  /** The berth's cell has ended: what it left is settled before the next use boots another. */
  #vacate(berth: Berth, tenant: Tenant): void {
    if (berth.tenant !== tenant) return
    berth.tenant = undefined
    const free = this.#lending.close(tenant.borrower, tenant.live?.memories ?? 0)
    this.#platform.timer(this.#limits.memoriesTerminatedHoldMs, free, 'idle')
    berth.settling = berth.store.detach()
  }

  #rest(berth: Berth): void {
    if (berth.tenant) berth.tenant.drawing = undefined
    berth.cancelIdle?.()
    if (berth.residents > 0) return
    berth.cancelIdle = this.#platform.timer(this.#limits.cellIdleMs, () => void this.#leave(principalKey(berth.principal)), 'idle')
  }

  /** Has idle cells give back what another could use. Until then they keep it, so that their next command finds its instances. */
  async #reclaim(except?: Borrower): Promise<void> {
    const idle = [...this.#open].filter((berth) => berth.users === 0).flatMap(({ tenant }) => tenant ?? [])
    const rich = idle.filter(({ borrower }) => borrower !== except && this.#lending.isRich(borrower))
    await Promise.all(rich.map((tenant) => this.#giveBack(tenant)))
  }

  async #giveBack({ borrower, live }: Tenant): Promise<void> {
    if (!live) return
    borrower.held = (await live.shrinkTo(this.#lending.giveBack(borrower), GIVE_BACK_MS)) ?? borrower.held
  }

  /** The memories of a cell that left are free a little later. */
  async #memoriesFree(): Promise<void> {
    const { memoriesTerminatedHoldMs } = this.#limits
    for (let waited = 0; this.#lending.isFull && waited <= memoriesTerminatedHoldMs; waited += LOOK_AGAIN_MS)
      await new Promise<void>((resolve) => this.#platform.timer(LOOK_AGAIN_MS, resolve))
  }

  /** Drops the idle cell that was used longest ago; one in which something lives on only where there is no other. */
  async #makeRoom(): Promise<void> {
    if (!(await this.#leaveOldest(({ residents }) => residents === 0))) await this.#leaveOldest(() => true)
  }

  /** Of the idle cells that `may` go; false where there is none. */
  async #leaveOldest(may: (berth: Berth) => boolean): Promise<boolean> {
    const idle = [...this.#open].filter((berth) => berth.users === 0 && may(berth))
    const [oldest] = idle.toSorted((a, b) => a.lastUse - b.lastUse)
    if (oldest) await this.#leave(principalKey(oldest.principal))
    return oldest !== undefined
  }

  async #leave(key: string): Promise<void> {
    const opened = this.#berths.get(key)
    const berth = await opened?.catch(() => undefined)
    if (!berth || this.#berths.get(key) !== opened) return
    berth.cancelIdle?.()
    this.#berths.delete(key)
    this.#open.delete(berth)
    const closed = this.#close(berth).finally(() => this.#closing.delete(key))
    this.#closing.set(key, closed)
    await closed
  }

  async #close(berth: Berth): Promise<void> {
    this.#dropSpare(berth)
    const { tenant } = berth
    if (tenant) {
      const cell = tenant.live ?? (await tenant.cell.catch(() => undefined))
      cell?.terminate('the sandbox is closed')
      this.#vacate(berth, tenant)
    }
    await berth.settling
    await berth.store.close()
  }
}
