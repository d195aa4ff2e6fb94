/** A run as a program that owns the sandbox asks for it and gets it back (docs/protocol.md section 6). */
import type { CollectedRun } from './orchestrator.ts'
import type { CancelSignal, TextCodec } from './platform.ts'

export interface RunOptions {
  /** default /home/user */
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** empty when it is left out */
  readonly stdin?: string | Uint8Array | AsyncIterable<Uint8Array>
  /** ends the command by KILL; `run` then rejects with code CANCELLED */
  readonly signal?: CancelSignal
  /** default 30 s, at most 300 s */
  readonly timeoutMs?: number
  /** `buffer` gives output as bytes; otherwise it is text, and bytes that are no UTF-8 become U+FFFD */
  readonly encoding?: 'utf8' | 'buffer'
}

/** Called with output as it comes; the command goes on when the result is settled. With a listener output has no limit. */
export type OutputListener<T> = (data: T) => void | Promise<void>

export interface TextRunOptions extends RunOptions {
  readonly encoding?: 'utf8'
  readonly onStdout?: OutputListener<string>
  readonly onStderr?: OutputListener<string>
}
export interface BufferRunOptions extends RunOptions {
  readonly encoding: 'buffer'
  readonly onStdout?: OutputListener<Uint8Array>
  readonly onStderr?: OutputListener<Uint8Array>
}

export interface RunResult<T = string> {
  readonly stdout: T
  readonly stderr: T
  /** 0 … 255; 128 + signal where a signal ended it */
  readonly exitCode: number
  readonly signal?: string
  /** the deadline has passed; what was printed until then is there */
  readonly timedOut: boolean
  readonly durationMs: number
  /** what stdout and stderr hold is not all: `path` is a file of the sandbox with more of it */
  readonly truncated?: readonly { readonly stream: 'stdout' | 'stderr'; readonly bytes: number; readonly path?: string }[]
  /** the limit that ended it, when one did: more output than `outputKeptBytes` */
  readonly limit?: string
}

const SIGNALS: Readonly<Record<number, string>> = {
  1: 'HUP',
  2: 'INT',
  3: 'QUIT',
  6: 'ABRT',
  8: 'FPE',
  9: 'KILL',
  10: 'USR1',
  12: 'USR2',
  13: 'PIPE',
  14: 'ALRM',
  15: 'TERM',
}
/** What hears the output, as the options want it. */
export function listenerOf(text: TextCodec, options: TextRunOptions | BufferRunOptions): Listener | undefined {
  const { onStdout, onStderr } = options
  if (!onStdout && !onStderr) return undefined
  if (options.encoding === 'buffer')
    return { take: (fd, bytes) => told((fd === 1 ? options.onStdout : options.onStderr)?.(bytes)), end: () => {} }
  const decoders = { 1: text.decoder(), 2: text.decoder() }
  const tell = (fd: 1 | 2, piece: string): void | Promise<void> =>
    piece === '' ? undefined : told((fd === 1 ? options.onStdout : options.onStderr)?.(piece))
  return {
    take: (fd, bytes) => tell(fd, decoders[fd](bytes)),
    end: async () => {
      for (const fd of [1, 2] as const) await tell(fd, decoders[fd]())
    },
  }
}

/** A listener may give anything back (`stream.write` a boolean): only a promise is waited for. */
const told = (given: unknown): void | Promise<void> => {
  if (typeof (given as PromiseLike<unknown> | undefined)?.then === 'function') return Promise.resolve(given).then(() => {})
}

interface Listener {
  readonly take: (fd: 1 | 2, bytes: Uint8Array) => void | Promise<void>
  readonly end: () => void | Promise<void>
}

export function endOf(run: CollectedRun): Omit<RunResult, 'stdout' | 'stderr'> {
  const truncated = run.cuts.map(({ fd, bytes, path }) => ({
    stream: fd === 1 ? ('stdout' as const) : ('stderr' as const),
    bytes,
    ...(path === undefined ? {} : { path }),
  }))
  return {
    exitCode: run.status,
    ...(run.signal === undefined ? {} : { signal: SIGNALS[run.signal] ?? String(run.signal) }),
    timedOut: run.timedOut,
    durationMs: run.durationMs,
    ...(truncated.length > 0 ? { truncated } : {}),
    ...(run.limit ? { limit: run.limit } : {}),
  }
}
