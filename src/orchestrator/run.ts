/**
 * One run in a cell, from the words of the caller to its end: input goes in, output comes out by credit, signals and the
 * deadline reach it. What is asked before the cell is there (a signal, a closed output) is done when it is.
 */
import type { Change, OutputFd } from '../protocol/cell.ts'
import { BtcpError } from '../protocol/error.ts'
import type { Limits } from '../protocol/limits.ts'
import { CellFsError, type LiveCell, lostError, type RunExit } from './live-cell.ts'
import type { CancelSignal, Platform } from './platform.ts'
import { TablesError } from './store/tables.ts'
import { Watchdog } from './watchdog.ts'

export interface RunSpec {
  readonly argv: readonly string[]
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: Uint8Array | AsyncIterable<Uint8Array>
  readonly timeoutMs?: number
  /** ends the run by KILL; it then rejects with CANCELLED */
  readonly signal?: CancelSignal
  /** Takes output; the cell may send on when the result is settled. What it throws ends the run. */
  output(fd: 1 | 2, bytes: Uint8Array): Promise<void> | void
  /** Takes what the program tells on descriptor 3; without it there is none. */
  readonly result?: (bytes: Uint8Array) => void
  /** Answers a program of the run that asks for a tool (JSON text); never rejects. Without it there are no tools. */
  readonly ask?: (request: string) => Promise<string>
  /** it has no deadline: who started it ends it */
  readonly endless?: boolean
}

export interface RunOutcome {
  /** 0 … 255; 128 + signal where a signal ended it */
  readonly status: number
  readonly signal?: number
  readonly timedOut: boolean
  readonly durationMs: number
  readonly changed: readonly Change[]
}

export const SIGKILL = 9
const STDIN_PIECE = 256 * 1024
const NO_TOOLS = JSON.stringify({ error: { btcpCode: 'UNSUPPORTED', message: 'Cannot call a tool: there are none here' } })

export class Run {
  readonly call: string
  readonly #spec: RunSpec
  readonly #platform: Platform
  readonly #limits: Limits
  readonly #done = Promise.withResolvers<RunOutcome>()
  #cell: LiveCell | undefined
  #watchdog: Watchdog | undefined
  #startedAt = 0
  #over = false
  /** settles when everything that was sent has been read */
  #readers: Promise<unknown> = Promise.resolve()
  /** bytes of standard input that the cell has not taken yet, and who waits for that */
  #underWay = 0
  #onTaken: () => void = () => {}

  constructor(call: string, spec: RunSpec, platform: Platform, limits: Limits) {
    this.call = call
    this.#spec = spec
    this.#platform = platform
    this.#limits = limits
  }

  /** Runs in `cell` to the end. Throws BtcpError: SANDBOX_ERROR when the cell is lost, CANCELLED. */
  async in(cell: LiveCell): Promise<RunOutcome> {
    const { argv, cwd, env, stdin, signal } = this.#spec
    if (signal?.aborted) throw cancelled('none')
    this.#cell = cell
    this.#startedAt = this.#platform.clock.monotonic()
    this.#watchdog = new Watchdog(this.#platform, this.#limits.killConfirmMs, {
      kill: () => this.kill(SIGKILL),
      prepare: () => cell.expectEnd(),
      terminate: (reason) => cell.terminate(reason),
    })
    const abort = (): void => this.#watchdog?.kill()
    signal?.addEventListener('abort', abort, { once: true })
    cell.run(
      this.call,
      {
        argv,
        ...(cwd === undefined ? {} : { cwd }),
        ...(env ? { env } : {}),
        stdin: stdin !== undefined,
        ...(this.#spec.result ? { result: true } : {}),
      },
      {
        output: (fd, bytes) => this.#output(fd, bytes),
        ask: this.#spec.ask ?? (() => Promise.resolve(NO_TOOLS)),
        took: (bytes) => this.#took(bytes),
        exiting: () => this.#watchdog?.stop(),
        exit: (exit) => this.#exit(exit),
        lost: (reason) => this.#lost(reason),
      },
    )
    if (!this.#spec.endless) this.#watchdog.start(deadlineOf(this.#spec.timeoutMs, this.#limits))
    if (stdin) void this.#feed(stdin)
    try {
      return await this.#done.promise
    } finally {
      this.#over = true
      this.#onTaken()
      this.#watchdog.stop()
      signal?.removeEventListener('abort', abort)
    }
  }

  /** Ends it by KILL, and the cell with it if that does not help. */
  end(): void {
    this.#watchdog?.kill()
  }
  kill(signal: number): void {
    this.#cell?.kill(this.call, signal)
  }
  /** Nobody reads this output any more: who writes to it gets SIGPIPE. */
  closeOutput(fd: OutputFd): void {
    this.#cell?.closeOutput(this.call, fd)
  }

  /** A reader that fails ends the run with its error, and nothing else. */
  #output(fd: OutputFd, bytes: Uint8Array): Promise<void> | void {
    const fail = (error: unknown): void => {
      this.#done.reject(error)
      this.kill(SIGKILL)
    }
    if (fd === 3) {
      this.#spec.result?.(bytes)
      return
    }
    try {
      const taken = this.#spec.output(fd, bytes)?.catch(fail)
      if (taken) this.#readers = Promise.all([this.#readers, taken])
      return taken
    } catch (error) {
      fail(error)
    }
  }

  #exit(exit: RunExit): void {
    if (exit.error) return this.#done.reject(new CellFsError(exit.error.errno, exit.error.message))
    if (this.#spec.signal?.aborted) return this.#done.reject(cancelled('unknown'))
    if (exit.unsaved) return this.#done.reject(unsavedError(exit.unsaved))
    const { status, signal, usage, changed } = exit
    const timedOut = this.#watchdog?.expired ?? false
    const outcome = { status, ...(signal === undefined ? {} : { signal }), timedOut, durationMs: usage.durationMs, changed }
    void this.#readers.then(() => this.#done.resolve(outcome))
  }

  #lost(reason: string): void {
    if (this.#spec.signal?.aborted) return this.#done.reject(cancelled('unknown'))
    if (!this.#watchdog?.expired) return this.#done.reject(lostError(reason))
    const durationMs = this.#platform.clock.monotonic() - this.#startedAt
    this.#done.resolve({ status: 128 + SIGKILL, signal: SIGKILL, timedOut: true, durationMs, changed: [] })
  }

  #took(bytes: number): void {
    this.#underWay = Math.max(0, this.#underWay - bytes)
    this.#onTaken()
  }

  async #roomForInput(): Promise<void> {
    while (this.#underWay >= this.#limits.outputCreditBytes && !this.#over) await new Promise<void>((resolve) => (this.#onTaken = resolve))
  }

  async #feed(stdin: Uint8Array | AsyncIterable<Uint8Array>): Promise<void> {
    try {
      for await (const bytes of stdin instanceof Uint8Array ? [stdin] : stdin)
        for (let at = 0; at < bytes.length; at += STDIN_PIECE) {
          await this.#roomForInput()
          if (this.#over) return
          const piece = bytes.slice(at, at + STDIN_PIECE)
          this.#underWay += piece.length
          this.#cell?.stdin(this.call, piece)
        }
      this.#cell?.stdin(this.call, null)
    } catch {
      this.#done.reject(new BtcpError('SANDBOX_ERROR', 'Cannot read standard input', { effects: 'unknown' }))
      this.kill(SIGKILL)
    }
  }
}

function unsavedError(reason: Error): BtcpError {
  const why = reason instanceof TablesError && reason.failure === 'quota' ? 'no space left' : 'the store failed'
  return new BtcpError('SANDBOX_ERROR', `Cannot keep the files of the command: ${why}`, { effects: 'unknown' })
}

export function deadlineOf(timeoutMs: number | undefined, limits: Limits): number {
  return Math.min(limits.runTimeoutMaxMs, Math.max(limits.runTimeoutMinMs, timeoutMs ?? limits.runTimeoutMs))
}

function cancelled(effects: 'none' | 'unknown'): BtcpError {
  return new BtcpError('CANCELLED', 'Cannot finish the call: it was cancelled', { effects })
}
