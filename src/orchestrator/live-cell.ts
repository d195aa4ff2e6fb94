/**
 * One live cell seen from the trusted side: says what the broker says, reads what the cell says, and believes none of it. Corresponds to
 * docs/protocol.md section 7. A cell that breaks the wire's rules (unknown messages, journal out of order, more output than it has credit
 * for, floods) is ended; what it had made durable stays.
 */
import {
  CELL_WIRE_VERSION,
  type Change,
  type FsOp,
  type FsValue,
  type OutputFd,
  type RunUsage,
  type ToBroker,
  type ToCell,
} from '../protocol/cell.ts'
import { parseToBroker } from '../protocol/cell-parse.ts'
import { BtcpError } from '../protocol/error.ts'
import type { Limits } from '../protocol/limits.ts'
import type { Principal } from '../protocol/principal.ts'
import { EIO, ENOSPC } from './file-error.ts'
import type { CellHandle, Mount, Platform } from './platform.ts'
import { Snippets } from './snippets.ts'
import { StoreViolation } from './store/staging.ts'
import type { Store } from './store/store.ts'
import { TablesError } from './store/tables.ts'

export interface CellBoot {
  readonly env: Readonly<Record<string, string>>
  readonly seed?: number
  readonly memories: number
  /** trees of the host that it sees */
  readonly mounts: readonly Mount[]
  /** hears every system call */
  readonly trace?: (lines: string) => void
  /** hears that the cell will probably be ended */
  readonly expectEnd?: () => void
}

/** What a run hears of its cell. */
export interface RunEvents {
  /** Output; its bytes are credited again when the result is settled. */
  output(fd: OutputFd, bytes: Uint8Array): Promise<void> | void
  /** A program of the run asks for a tool; never rejects. Both are JSON text. */
  ask(request: string): Promise<string>
  /** So many bytes of standard input are no longer under way. */
  took(bytes: number): void
  /** The run has ended; what it did is being made durable. */
  exiting(): void
  /** The run has ended and what it did is durable, or `lost` says why it is not. */
  exit(exit: RunExit): void
  /** The cell has ended before the run. */
  lost(reason: string): void
}

export interface RunExit {
  readonly status: number
  readonly signal?: number
  readonly usage: RunUsage
  readonly changed: readonly Change[]
  readonly error?: { readonly errno: number; readonly message: string }
  /** the files could not be kept */
  readonly unsaved?: Error
}

interface CellRun {
  readonly events: RunEvents
  readonly credit: Record<OutputFd, number>
}
interface Answer {
  /** it is given when what was done is durable */
  readonly isDurable: boolean
  resolve(value: FsValue): void
  reject(error: Error): void
}

/** An operation that the cell refused; `errno` is WASI's. */
export class CellFsError extends Error {
  override readonly name = 'CellFsError'
  readonly errno: number
  constructor(errno: number, message: string) {
    super(message)
    this.errno = errno
  }
}

const BOOT_MS = 15_000
/** Operations that change nothing: they show what a running command has written, durable or not. */
const READING: ReadonlySet<FsOp['op']> = new Set(['read', 'list', 'stat'])
/** A file operation that takes longer is stuck, and the cell with it. */
const FS_MS = 60_000
const FAULTS_OPEN = 512
/** Each process asks for one tool at a time, and one that has ended may have asked. */
const ASKS_OPEN = 512
const TOO_MUCH_ASKED = JSON.stringify({
  error: { btcpCode: 'BUSY', message: 'Cannot call a tool: others wait with too much data (limit messageBytes)' },
})
/** Messages a second; more is a flood. One that carries nothing (a beat, an answer nobody waits for) counts as fifty. */
const TALK_PER_SECOND = 100_000
const IDLE_TALK = 50

export class LiveCell {
  readonly #platform: Platform
  readonly #limits: Limits
  readonly #store: Store
  readonly #handle: CellHandle
  readonly #mounts: readonly Mount[]
  readonly #snippets: Snippets
  readonly #runs = new Map<string, CellRun>()
  readonly #answers = new Map<number, Answer>()
  #requests = 0
  #trace: CellBoot['trace']
  #expectEnd: CellBoot['expectEnd']
  #faultsOpen = 0
  #asksOpen = 0
  #askedLength = 0
  #talk = { second: 0, count: 0 }
  #ended: string | undefined
  readonly #onBeat = new Set<() => void>()
  readonly #end = Promise.withResolvers<string>()
  readonly #ready = Promise.withResolvers<void>()
  /** what the last beat said */
  memories = 0
  memoryBytes = 0

  private constructor(platform: Platform, limits: Limits, store: Store, handle: CellHandle, mounts: readonly Mount[]) {
    this.#platform = platform
    this.#limits = limits
    this.#store = store
    this.#handle = handle
    this.#mounts = mounts
    this.#snippets = new Snippets(platform, limits, (message) => this.#say(message))
  }

  /** Starts a cell over what the store holds and waits until it has proved itself. Throws BtcpError SANDBOX_ERROR. */
  static async boot(
    principal: Principal,
    platform: Platform,
    limits: Limits,
    store: Store,
    boot: CellBoot,
    started: Promise<CellHandle> = platform.startCell(principal),
  ): Promise<LiveCell> {
    const handle = await started.catch((error: unknown) => {
      throw new BtcpError('SANDBOX_ERROR', `Cannot start a cell: ${error instanceof Error ? error.message : 'it did not start'}`, {
        effects: 'none',
      })
    })
    const cell = new LiveCell(platform, limits, store, handle, boot.mounts)
    handle.port.listen(
      (message) => cell.#hear(message),
      () => cell.terminate('the cell ended'),
    )
    cell.#boot(boot)
    const cancel = platform.timer(BOOT_MS, () => cell.terminate('the cell did not get ready'))
    await cell.#ready.promise.finally(cancel)
    return cell
  }

  /** Resolves with the reason when the cell has ended. Its store is to be detached then, before another one boots. */
  get ended(): Promise<string> {
    return this.#end.promise
  }
  get isLive(): boolean {
    return this.#ended === undefined
  }
  get isIdle(): boolean {
    return this.#runs.size === 0 && this.#answers.size === 0
  }

  run(call: string, spec: Omit<Extract<ToCell, { t: 'run' }>, 't' | 'call'>, events: RunEvents): void {
    if (this.#ended !== undefined) return events.lost(this.#ended)
    const credit = this.#limits.outputCreditBytes
    this.#runs.set(call, { events, credit: { 1: credit, 2: credit, 3: spec.result ? credit : 0 } })
    this.#say({ t: 'run', call, ...spec })
  }
  stdin(call: string, bytes: Uint8Array | null): void {
    if (this.#runs.has(call)) this.#say({ t: 'stdin', call, bytes })
  }
  kill(call: string, signal: number): void {
    if (this.#runs.has(call)) this.#say({ t: 'kill', call, signal })
  }
  /** Nobody reads this output any more. */
  closeOutput(call: string, fd: OutputFd): void {
    if (this.#runs.has(call)) this.#say({ t: 'close', call, fd })
  }
  allow(memories: number): void {
    this.#say({ t: 'allow', memories })
  }
  /** Allows no more than that. Resolves when the cell says that it holds no more, or after `ms`; with what it said last, if it did. */
  shrinkTo(memories: number, ms: number): Promise<number | undefined> {
    this.allow(memories)
    return new Promise((resolve) => {
      let last: number | undefined
      const settle = (): void => {
        cancel()
        this.#onBeat.delete(heard)
        resolve(last)
      }
      const heard = (): void => {
        last = this.memories
        if (last <= memories) settle()
      }
      const cancel = this.#platform.timer(ms, settle)
      this.#onBeat.add(heard)
    })
  }

  /** Runs one file operation; what it changed is durable when this resolves. Throws CellFsError, BtcpError SANDBOX_ERROR. */
  fs(op: FsOp): Promise<FsValue> {
    if (this.#ended !== undefined) return Promise.reject(lostError(this.#ended))
    const req = ++this.#requests
    const cancel = this.#platform.timer(FS_MS, () => this.terminate('cell restarted'))
    return new Promise<FsValue>((resolve, reject) => {
      this.#answers.set(req, { isDurable: !READING.has(op.op), resolve, reject })
      this.#say({ t: 'fs', req, op })
    }).finally(cancel)
  }

  /** The cell will probably be ended. */
  expectEnd(): void {
    if (this.#ended === undefined) this.#expectEnd?.()
  }

  /** Ends the cell at once. */
  terminate(reason: string): void {
    if (this.#ended !== undefined) return
    this.#ended = reason
    this.#handle.port.close()
    this.#handle.terminate()
    this.#snippets.end()
    const runs = [...this.#runs.values()]
    const answers = [...this.#answers.values()]
    this.#runs.clear()
    this.#answers.clear()
    for (const { events } of runs) events.lost(reason)
    for (const answer of answers) answer.reject(lostError(reason))
    this.#ready.promise.catch(() => {})
    this.#ready.reject(lostError(reason))
    this.#end.resolve(reason)
  }

  #boot(boot: CellBoot): void {
    const { metadata, seq } = this.#store.attach({
      committed: (through) => this.#say({ t: 'committed', seq: through }),
      failed: (through, error) => {
        this.#say({ t: 'commitFailed', seq: through, errno: error.failure === 'quota' ? ENOSPC : EIO })
        if (this.#store.isLost) this.terminate(`its files have another writer (${error.message})`)
      },
      violated: (violation) => this.terminate(violation.message),
    })
    const mounts = this.#mounts.map((mount, i) => ({
      mount: i + 1,
      target: mount.target,
      readOnly: mount.readOnly,
      metadata: mount.metadata,
    }))
    const { env, seed, memories, trace, expectEnd } = boot
    this.#trace = trace
    this.#expectEnd = expectEnd
    const more = seed === undefined ? {} : { seed }
    this.#say({
      t: 'boot',
      version: CELL_WIRE_VERSION,
      limits: this.#limits,
      env,
      ...more,
      metadata,
      seq,
      mounts,
      memories,
      ...(trace ? { trace: true } : {}),
    })
  }

  #say(message: ToCell): void {
    if (this.#ended !== undefined) return
    try {
      this.#handle.port.send(message)
    } catch {
      this.terminate('the cell ended')
    }
  }

  #hear(raw: unknown): void {
    if (this.#ended === undefined) this.#countTalk(1)
    if (this.#ended !== undefined) return
    try {
      const parsed = parseToBroker(raw, this.#limits)
      if (!parsed.ok) return this.terminate(`the cell broke the wire's rules: ${parsed.reason}`)
      this.#take(parsed.value)
    } catch (error) {
      this.terminate(error instanceof Error ? error.message : 'the cell broke the rules')
    }
  }

  #take(message: ToBroker): void {
    switch (message.t) {
      case 'ready':
        if (message.version !== CELL_WIRE_VERSION) return this.terminate('the cell speaks another version of the wire')
        return this.#ready.resolve()
      case 'refused':
        return this.terminate(`the cell refused to run: ${message.reason.slice(0, 200)}`)
      case 'trace':
        return this.#trace ? this.#trace(message.lines) : this.#countIdleTalk()
      case 'took':
        return this.#runs.get(message.call)?.events.took(message.bytes)
      case 'out':
        return this.#takeOutput(message.call, message.fd, message.bytes)
      case 'ask':
        return this.#takeAsk(message)
      case 'exit':
        return this.#takeExit(message)
      case 'fault':
        return this.#takeFault(message.req, message.mount, message.ino, message.index)
      case 'journal':
        return this.#store.receive(message)
      case 'answer':
        return this.#takeAnswer(message)
      case 'snippetStart':
      case 'snippetSay':
      case 'snippetTook':
      case 'snippetEnd':
        return this.#snippets.take(message)
      case 'beat':
        this.memories = message.memories
        this.memoryBytes = message.memoryBytes
        for (const heard of this.#onBeat) heard()
        return this.#countIdleTalk()
    }
  }

  #takeOutput(call: string, fd: OutputFd, bytes: Uint8Array): void {
    const run = this.#runs.get(call)
    if (!run || bytes.length === 0) return this.#countIdleTalk()
    run.credit[fd] -= bytes.length
    if (run.credit[fd] < 0) return this.terminate('the cell sent more output than it had credit for')
    const settled = (): void => {
      run.credit[fd] += bytes.length
      if (this.#runs.get(call) === run) this.#say({ t: 'credit', call, fd, bytes: bytes.length })
    }
    const done = run.events.output(fd, bytes)
    if (done) void done.then(settled, settled)
    else settled()
  }

  #takeAsk({ req, call, request }: Extract<ToBroker, { t: 'ask' }>): void {
    const run = this.#runs.get(call)
    if (!run) return this.#countIdleTalk()
    if (++this.#asksOpen > ASKS_OPEN) return this.terminate('the cell asks for too much at once')
    this.#askedLength += request.length
    const answered = this.#askedLength > 2 * this.#limits.messageBytes ? Promise.resolve(TOO_MUCH_ASKED) : run.events.ask(request)
    void answered
      .then((answer) => this.#say({ t: 'reply', req, answer }))
      .finally(() => {
        this.#asksOpen--
        this.#askedLength -= request.length
      })
  }

  #takeExit(message: Extract<ToBroker, { t: 'exit' }>): void {
    const run = this.#runs.get(message.call)
    if (!run) return this.#countIdleTalk()
    const { t: _t, call, seq, ...exit } = message
    run.events.exiting()
    void this.#store.waitFor(seq).then(
      () => this.#finish(call, run, exit),
      (unsaved: Error) =>
        unsaved instanceof StoreViolation ? this.terminate(unsaved.message) : this.#finish(call, run, { ...exit, unsaved }),
    )
  }

  #finish(call: string, run: CellRun, exit: RunExit): void {
    if (this.#runs.get(call) !== run) return
    this.#runs.delete(call)
    run.events.exit(exit)
  }

  #takeAnswer(message: Extract<ToBroker, { t: 'answer' }>): void {
    const answer = this.#answers.get(message.req)
    if (!answer) return this.#countIdleTalk()
    const { value, error } = message
    const settle = (then: () => void): void => {
      if (this.#answers.delete(message.req)) then()
    }
    if (error) return settle(() => answer.reject(new CellFsError(error.errno, error.message)))
    if (!value) return this.terminate('the cell answered nothing')
    if (!answer.isDurable) return settle(() => answer.resolve(value))
    void this.#store.waitFor(message.seq).then(
      () => settle(() => answer.resolve(value)),
      (unsaved: Error) => {
        if (unsaved instanceof StoreViolation) return this.terminate(unsaved.message)
        const errno = unsaved instanceof TablesError && unsaved.failure === 'quota' ? ENOSPC : EIO
        settle(() => answer.reject(new CellFsError(errno, unsaved.message)))
      },
    )
  }

  #takeFault(req: number, mount: number, ino: number, index: number): void {
    if (++this.#faultsOpen > FAULTS_OPEN) return this.terminate('the cell asks for too much at once')
    const source = mount === 0 ? this.#store : this.#mounts[mount - 1]
    const content = source ? source.content(ino, index) : Promise.reject(new Error('no such mount'))
    void content
      .then(
        (bytes) => this.#say({ t: 'chunk', req, bytes }),
        () => this.#say({ t: 'chunk', req, errno: EIO }),
      )
      .finally(() => this.#faultsOpen--)
  }

  #countIdleTalk(): void {
    this.#countTalk(IDLE_TALK)
  }

  #countTalk(weight: number): void {
    const second = Math.floor(this.#platform.clock.monotonic() / 1000)
    if (second !== this.#talk.second) this.#talk = { second, count: 0 }
    this.#talk.count += weight
    if (this.#talk.count > TALK_PER_SECOND) this.terminate('the cell floods its port')
  }
}

/** Why a call that was under way in a cell has no result. */
export function lostError(reason: string): BtcpError {
  return new BtcpError('SANDBOX_ERROR', `Cannot finish the call: ${reason}`, { effects: 'unknown' })
}
