/**
 * One interpreter that lives on between calls: a run without a deadline that reads its requests, line by line, from standard input and
 * tells a record for each on descriptor 3. The cell sends a record after everything that was printed before it, so output and records stay
 * together. At a call's deadline KeyboardInterrupt is sent first; what does not stop then is killed, and the session with it.
 */
import type { PythonRecord } from '../protocol/code-record.ts'
import { BtcpError } from '../protocol/error.ts'
import type { Limits } from '../protocol/limits.ts'
import { ENOSPC } from './file-error.ts'
import { CellFsError, type LiveCell } from './live-cell.ts'
import type { CollectedRun } from './orchestrator.ts'
import { CollectedOutput } from './output.ts'
import type { CancelSignal, Platform } from './platform.ts'
import { pythonArgv, type PythonOutcome, type PythonRequest, readRecord } from './python-run.ts'
import { deadlineOf, Run } from './run.ts'
import { TextQueue } from './text-queue.ts'
import { ToldLines } from './told-lines.ts'

export interface SessionRequest extends PythonRequest {
  readonly stdin: string
}
/** Puts what an answer cannot hold into files of the cell. */
export type KeepOutput = (cell: LiveCell, call: string, output: CollectedOutput) => Promise<CollectedRun['cuts']>

interface Current {
  readonly request: SessionRequest
  /** undefined: the interpreter has ended, or told nothing that can be read */
  readonly done: PromiseWithResolvers<PythonRecord | undefined>
  timedOut: boolean
}

const SIGINT = 2
const STATUS_PIPE = 141
const STATUS_KILLED = 137
const NO_TOOLS = JSON.stringify({
  error: { btcpCode: 'CAPABILITY_DENIED', message: 'Cannot call a tool: no call of this session is running' },
})

export class PythonSession {
  readonly cell: LiveCell
  readonly #platform: Platform
  readonly #limits: Limits
  readonly #keep: KeepOutput
  readonly #requests: TextQueue
  readonly #run: Run
  readonly #lines: ToldLines
  #output: CollectedOutput
  #current: Current | undefined
  #cancelIdle: (() => void) | undefined
  #status = 0
  #last: PythonRecord | undefined
  /** for which it was lost, without anybody's wish */
  #failure: unknown
  /** why it is over */
  ended: string | undefined
  /** settles when the interpreter is gone */
  readonly over: Promise<void>

  constructor(cell: LiveCell, platform: Platform, limits: Limits, keep: KeepOutput) {
    this.cell = cell
    this.#platform = platform
    this.#limits = limits
    this.#keep = keep
    this.#requests = new TextQueue(platform.text)
    this.#lines = new ToldLines(limits)
    this.#output = new CollectedOutput(limits)
    this.#run = new Run(
      platform.newId(),
      {
        argv: pythonArgv(limits, 'session'),
        stdin: this.#requests,
        endless: true,
        output: (fd, bytes) => this.#take(fd, bytes),
        result: (bytes) => this.#hear(bytes),
        ask: (request) => this.#current?.request.ask?.(request) ?? Promise.resolve(NO_TOOLS),
      },
      platform,
      limits,
    )
    this.over = this.#run.in(cell).then(
      ({ status, signal }) =>
        this.#finish(
          signal === undefined ? `its code ended the interpreter (exit status ${status})` : `the interpreter was ended by signal ${signal}`,
          status,
        ),
      (error: unknown) => {
        if (this.ended === undefined) this.#failure = error
        this.#finish('its computer was restarted', STATUS_KILLED)
      },
    )
  }

  /** Runs one request; the caller sees to it that there is one at a time. What it changed is durable. Throws BtcpError SANDBOX_ERROR and
   *  CellFsError where the interpreter is lost or could not start. */
  async call(call: string, request: SessionRequest, maxOutputBytes?: number): Promise<PythonOutcome> {
    this.#cancelIdle?.()
    this.#output.limitTo(maxOutputBytes ?? this.#limits.outputReturnedBytes)
    const current: Current = { request, done: Promise.withResolvers(), timedOut: false }
    this.#current = current
    const began = this.#platform.clock.monotonic()
    const stop = this.#watch(current)
    if (this.ended !== undefined) current.done.resolve(undefined)
    else this.#requests.push(`${JSON.stringify(lineOf(request))}\n`)
    const record = await current.done.promise.finally(stop)
    if (this.#failure !== undefined) throw this.#failure
    const durationMs = this.#platform.clock.monotonic() - began
    return await this.#outcome(call, current, record, durationMs)
  }

  /** Ends the interpreter; resolves when it is gone. */
  async end(reason: string): Promise<void> {
    this.ended ??= reason
    this.#run.end()
    await this.over
  }

  /** So long it waits for the next call. */
  rest(onIdle: () => void): void {
    this.#cancelIdle = this.#platform.timer(this.#limits.pythonSessionIdleMs, onIdle, 'idle')
  }

  /** The deadline and the caller's signal interrupt, then kill. */
  #watch(current: Current): () => void {
    const { timeoutMs, signal } = current.request
    let cancel = (): void => {}
    const interrupt = (why: string): void => {
      cancel()
      this.#run.kill(SIGINT)
      cancel = this.#platform.timer(this.#limits.killConfirmMs, () => void this.end(why))
    }
    const abort = (): void => interrupt('a call was cancelled, and KeyboardInterrupt did not stop it')
    cancel = this.#platform.timer(deadlineOf(timeoutMs, this.#limits), () => {
      current.timedOut = true
      interrupt('a call was not over at its deadline, and KeyboardInterrupt did not stop it')
    })
    listen(signal, abort)
    return () => {
      cancel()
      signal?.removeEventListener('abort', abort)
    }
  }

  async #outcome(call: string, { timedOut }: Current, record: PythonRecord | undefined, durationMs: number): Promise<PythonOutcome> {
    const output = this.#output
    this.#output = new CollectedOutput(this.#limits)
    this.#current = undefined
    const over = output.isOver && !timedOut
    const isLive = this.cell.isLive
    const cuts = isLive ? await this.#keep(this.cell, call, output) : []
    if (isLive) await this.#save()
    return {
      status: over ? STATUS_PIPE : (record?.exitCode ?? this.#status),
      timedOut,
      durationMs,
      changed: [],
      stdout: output.returned(1),
      stderr: output.returned(2),
      cuts,
      ...(over ? { limit: 'outputKeptBytes' as const } : {}),
      ...(record ? { record } : {}),
    }
  }

  /** What the code has changed is durable, or it is said. */
  async #save(): Promise<void> {
    try {
      await this.cell.fs({ op: 'sync' })
    } catch (error) {
      if (!(error instanceof CellFsError)) return
      const why = error.errno === ENOSPC ? 'no space left' : 'the store failed'
      throw new BtcpError('SANDBOX_ERROR', `Cannot keep the files of the code: ${why}`, { effects: 'unknown' })
    }
  }

  #take(fd: 1 | 2, bytes: Uint8Array): Promise<void> | void {
    if (!this.#output.take(fd, bytes)) void this.end('it printed more than is kept (limit outputKeptBytes)')
    return this.#current?.request.output?.(fd, bytes)
  }

  #hear(bytes: Uint8Array): void {
    for (const line of this.#lines.take(bytes)) {
      const record = readRecord(line, this.#platform.text, this.#limits)
      // One that ends the interpreter is an answer when it is gone.
      if (record?.ends) this.#last = record
      else this.#current?.done.resolve(record)
    }
  }

  #finish(reason: string, status: number): void {
    this.ended ??= reason
    this.#status = status
    this.#cancelIdle?.()
    this.#requests.end()
    this.#current?.done.resolve(this.#last)
  }
}

function listen(signal: CancelSignal | undefined, abort: () => void): void {
  if (signal?.aborted) abort()
  else signal?.addEventListener('abort', abort, { once: true })
}

/** As _tidepool_run.py reads it. */
function lineOf({ source, isPath, args, stdin, cwd, env, quiet }: SessionRequest): object {
  return { source, isPath, args, stdin, cwd: cwd ?? null, env: env ?? {}, quiet: quiet ?? false }
}
