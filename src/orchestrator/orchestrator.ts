/**
 * The trusted core: gives each principal its cell, runs commands and file operations in it, and holds the limits over all of
 * them. Platform-neutral: the extension's offscreen document and Node run this same code over their Platform.
 */
import type { FsOp, FsValue } from '../protocol/cell.ts'
import { BtcpError } from '../protocol/error.ts'
import { type Limits, LIMITS } from '../protocol/limits.ts'
import { type Principal, principalKey } from '../protocol/principal.ts'
import { CallBucket, CallQueue } from './call-queue.ts'
import { CellPool } from './cell-pool.ts'
import type { LiveCell } from './live-cell.ts'
import { CollectedOutput, type StreamCut } from './output.ts'
import type { CancelSignal, Platform } from './platform.ts'
import { PythonSessions } from './python-sessions.ts'
import { Run, type RunOutcome, type RunSpec } from './run.ts'

export interface OrchestratorSettings {
  readonly limits?: Limits
  /** of every run in every cell */
  readonly env?: Readonly<Record<string, string>>
  /** with a seed, clock and randomness of the cells repeat */
  readonly seed?: number
  /** hears every system call of every cell, as strace(1) prints them */
  readonly trace?: (lines: string) => void
}

export interface StartedRun {
  readonly call: string
  readonly done: Promise<RunOutcome>
  kill(signal: number): void
  /** Nobody reads this output any more: who writes to it gets SIGPIPE. */
  closeOutput(fd: 1 | 2): void
}

export interface CollectedRun extends RunOutcome {
  readonly stdout: Uint8Array<ArrayBuffer>
  readonly stderr: Uint8Array<ArrayBuffer>
  readonly cuts: readonly (StreamCut & { readonly path?: string })[]
  /** the limit that ended it */
  readonly limit?: 'outputKeptBytes'
}

const STATUS_PIPE = 141
const KEPT_DIRECTORY = '/tmp/.out'

export class Orchestrator {
  readonly limits: Limits
  readonly platform: Platform
  /** interpreters that live on between calls */
  readonly python: PythonSessions
  readonly #pool: CellPool
  readonly #queue: CallQueue
  readonly #bucket: CallBucket
  readonly #kept = new WeakMap<LiveCell, string[]>()

  constructor(platform: Platform, settings: OrchestratorSettings = {}) {
    this.limits = settings.limits ?? LIMITS
    this.platform = platform
    const { env = {}, seed, trace } = settings
    this.#pool = new CellPool(platform, this.limits, { env, ...(seed === undefined ? {} : { seed }), ...(trace ? { trace } : {}) })
    this.python = new PythonSessions(this.#pool, platform, this.limits, (cell, call, output) => this.#keep(cell, call, output))
    this.#queue = new CallQueue(this.limits)
    this.#bucket = new CallBucket(this.limits, () => platform.clock.monotonic())
  }

  /** Lets one tool call of the principal begin when it is its turn; call the result when it has ended. Throws BtcpError RATE_LIMITED,
   *  BUSY, CANCELLED. `most`: so many of them run at a time. */
  admit(principal: Principal, signal?: CancelSignal, most = this.limits.callsConcurrent): Promise<() => void> {
    this.#bucket.take(principalKey(principal))
    return this.#queue.enter(principalKey(principal), most, signal)
  }

  /** Lets a call begin that another one waits for: it needs no place of its own. Throws BtcpError RATE_LIMITED. */
  admitNested(principal: Principal): void {
    this.#bucket.take(principalKey(principal))
  }

  /** Starts a run whose output is streamed to `spec.output`. */
  start(principal: Principal, spec: RunSpec, call = this.platform.newId()): StartedRun {
    const run = new Run(call, spec, this.platform, this.limits)
    const done = this.#inCell(principal, spec.signal, (cell) => run.in(cell))
    return { call, done, kill: (signal) => run.kill(signal), closeOutput: (fd) => run.closeOutput(fd) }
  }

  /** Runs to the end and gives back what was printed; where `spec.output` is given it hears everything, too. `unlimited`: someone
   *  reads all of it there, so it is no error that the answer cannot hold it. */
  async run(
    principal: Principal,
    spec: Omit<RunSpec, 'output'> & Partial<Pick<RunSpec, 'output'>>,
    options: { readonly call?: string; readonly maxOutputBytes?: number; readonly unlimited?: boolean } = {},
  ): Promise<CollectedRun> {
    const call = options.call ?? this.platform.newId()
    const output = new CollectedOutput(this.limits, options.maxOutputBytes)
    const run: Run = new Run(call, { ...spec, output: (fd, bytes) => take(fd, bytes) }, this.platform, this.limits)
    const take = (fd: 1 | 2, bytes: Uint8Array): Promise<void> | void => {
      if (!output.take(fd, bytes) && !options.unlimited) for (const stream of [1, 2] as const) run.closeOutput(stream)
      return spec.output?.(fd, bytes)
    }
    return this.#inCell(principal, spec.signal, async (cell) => {
      const outcome = await run.in(cell)
      const over = output.isOver && !options.unlimited && !outcome.timedOut
      const cuts = await this.#keep(cell, call, output)
      return {
        ...outcome,
        ...(over ? { status: STATUS_PIPE, limit: 'outputKeptBytes' as const } : {}),
        stdout: output.returned(1),
        stderr: output.returned(2),
        cuts,
      }
    })
  }

  /** Runs one file operation; what it changed is durable. Throws CellFsError, BtcpError. */
  fs(principal: Principal, op: FsOp): Promise<FsValue> {
    return this.#pool.use(principal, (cell) => cell.fs(op))
  }

  /** Ends the principal's cell and removes its files. */
  async forget(principal: Principal): Promise<void> {
    this.platform.external?.end(principal)
    await this.#pool.leave(principal)
    await this.platform.forget(principal)
  }

  /** Ends all cells and closes what files lie in. Idempotent. */
  dispose(): Promise<void> {
    this.platform.external?.end()
    return this.#pool.dispose()
  }

  async #inCell<T>(principal: Principal, signal: RunSpec['signal'], work: (cell: LiveCell) => Promise<T>): Promise<T> {
    if (signal?.aborted) throw new BtcpError('CANCELLED', 'Cannot begin the call: it was cancelled', { effects: 'none' })
    return this.#pool.use(principal, work)
  }

  /** Puts what the answer does not hold into files of the sandbox; those of the last few calls stay. */
  async #keep(cell: LiveCell, call: string, output: CollectedOutput): Promise<(StreamCut & { path?: string })[]> {
    const cuts: (StreamCut & { path?: string })[] = []
    for (const cut of output.cuts()) {
      const path = `${KEPT_DIRECTORY}/${call}${cut.fd === 1 ? '' : '.stderr'}`
      const op = { op: 'write', path, bytes: output.kept(cut.fd), mode: 'replace', offset: 0, mkdirs: true } as const
      // Without room for it the answer says what was cut, and names no file.
      cuts.push(
        await cell.fs(op).then(
          () => ({ ...cut, path }),
          () => cut,
        ),
      )
    }
    await this.#forgetOld(
      cell,
      cuts.flatMap(({ path }) => path ?? []),
    )
    return cuts
  }

  async #forgetOld(cell: LiveCell, paths: readonly string[]): Promise<void> {
    const kept = [...(this.#kept.get(cell) ?? []), ...paths]
    for (const path of kept.splice(0, kept.length - this.limits.outputKeptCalls))
      await cell.fs({ op: 'remove', path, recursive: false }).catch(() => {})
    this.#kept.set(cell, kept)
  }
}
