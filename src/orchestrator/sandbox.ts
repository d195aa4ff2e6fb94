/**
 * `Sandbox`: one computer of its own as a program uses it (docs/protocol.md section 6). The host's package adds `create`.
 */
import type { FileStat, FsOp, FsValue, ListEntry } from '../protocol/cell.ts'
import { BtcpError } from '../protocol/error.ts'
import type { Principal } from '../protocol/principal.ts'
import { shellArgv } from './catalog.ts'
import { FileError, startError } from './file-error.ts'
import { CellFsError } from './live-cell.ts'
import type { CollectedRun, Orchestrator } from './orchestrator.ts'
import type { CancelSignal } from './platform.ts'

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

export type { FileStat, ListEntry }

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
const READ_PART = 1024 * 1024
const LIST_PART = 10_000

export class SandboxCore {
  readonly #orchestrator: Orchestrator
  readonly #principal: Principal

  constructor(orchestrator: Orchestrator, principal: Principal) {
    this.#orchestrator = orchestrator
    this.#principal = principal
  }

  /** Runs a bash command line to its end, or to the deadline. Rejects with BtcpError CANCELLED, BUSY, SANDBOX_ERROR. */
  run(command: string, options: BufferRunOptions): Promise<RunResult<Uint8Array>>
  run(command: string, options?: TextRunOptions): Promise<RunResult>
  async run(command: string, options: TextRunOptions | BufferRunOptions = {}): Promise<RunResult | RunResult<Uint8Array>> {
    const { text } = this.#orchestrator.platform
    const { cwd, env, stdin, signal, timeoutMs } = options
    const listener = this.#listener(options)
    const run = await this.#orchestrator
      .run(
        this.#principal,
        {
          argv: shellArgv(command),
          ...(cwd === undefined ? {} : { cwd }),
          ...(env ? { env } : {}),
          ...(stdin === undefined ? {} : { stdin: typeof stdin === 'string' ? text.encode(stdin) : stdin }),
          ...(signal ? { signal } : {}),
          ...(timeoutMs === undefined ? {} : { timeoutMs }),
          ...(listener ? { output: listener.take } : {}),
        },
        { unlimited: listener !== undefined },
      )
      .catch((error: unknown) => {
        throw error instanceof CellFsError ? startError(error.errno, 'bash', cwd) : error
      })
    await listener?.end()
    const rest = endOf(run)
    if (options.encoding === 'buffer') return { stdout: run.stdout, stderr: run.stderr, ...rest }
    return { stdout: text.decode(run.stdout).text, stderr: text.decode(run.stderr).text, ...rest }
  }

  readFile(path: string, encoding: 'utf8'): Promise<string>
  readFile(path: string): Promise<Uint8Array<ArrayBuffer>>
  /** The whole file. Rejects with FileError. */
  async readFile(path: string, encoding?: 'utf8'): Promise<string | Uint8Array<ArrayBuffer>> {
    const parts: Uint8Array[] = []
    let bytes = 0
    for (;;) {
      const part = await this.#fs({ op: 'read', path, offset: bytes, length: READ_PART }, 'read', path)
      parts.push(part.bytes)
      bytes += part.bytes.length
      if (part.eof || part.bytes.length === 0) break
    }
    const whole = new Uint8Array(bytes)
    let at = 0
    for (const part of parts) {
      whole.set(part, at)
      at += part.length
    }
    return encoding === 'utf8' ? this.#orchestrator.platform.text.decode(whole).text : whole
  }

  /** The file is then exactly `content`; it is durable when this resolves. */
  async writeFile(path: string, content: string | Uint8Array, options: { readonly mkdirs?: boolean } = {}): Promise<void> {
    const bytes = typeof content === 'string' ? this.#orchestrator.platform.text.encode(content) : content
    const step = this.#orchestrator.limits.fsWriteBytes
    for (let at = 0; at === 0 || at < bytes.length; at += step) {
      const mode = at === 0 ? 'replace' : 'append'
      await this.#fs(
        { op: 'write', path, bytes: bytes.slice(at, at + step), mode, offset: 0, mkdirs: options.mkdirs ?? false },
        'write',
        path,
      )
    }
  }

  /** All entries, sorted as the sandbox lists them. */
  async listDir(path: string, options: { readonly recursive?: boolean } = {}): Promise<ListEntry[]> {
    const entries: ListEntry[] = []
    let cursor: string | undefined
    do {
      const op: FsOp = {
        op: 'list',
        path,
        recursive: options.recursive ?? false,
        limit: LIST_PART,
        ...(cursor === undefined ? {} : { cursor }),
      }
      const part = await this.#fs(op, 'list', path)
      entries.push(...part.entries)
      cursor = part.next
    } while (cursor !== undefined)
    return entries
  }

  /** A symbolic link is described itself, unless `follow` is set. */
  async stat(path: string, options: { readonly follow?: boolean } = {}): Promise<FileStat> {
    return (await this.#fs({ op: 'stat', path, follow: options.follow ?? false }, 'stat', path)).stat
  }
  async remove(path: string, options: { readonly recursive?: boolean } = {}): Promise<void> {
    await this.#fs({ op: 'remove', path, recursive: options.recursive ?? false }, 'remove', path)
  }
  async mkdir(path: string, options: { readonly parents?: boolean; readonly mode?: number } = {}): Promise<void> {
    await this.#fs({ op: 'mkdir', path, parents: options.parents ?? false, mode: options.mode ?? 0o755 }, 'create', path)
  }
  async rename(from: string, to: string, options: { readonly overwrite?: boolean } = {}): Promise<void> {
    await this.#fs({ op: 'move', from, to, overwrite: options.overwrite ?? true }, 'rename', from)
  }

  /** Ends what runs and closes the store. What was acknowledged is kept. Idempotent. */
  destroy(): Promise<void> {
    return this.#orchestrator.dispose()
  }

  async #fs<Op extends FsOp['op']>(op: Extract<FsOp, { op: Op }>, action: string, path: string): Promise<Extract<FsValue, { op: Op }>> {
    try {
      const value = await this.#orchestrator.fs(this.#principal, op)
      if (value.op !== op.op) throw new BtcpError('SANDBOX_ERROR', `Cannot ${action} "${path}": the cell answered something else`)
      return value as Extract<FsValue, { op: Op }>
    } catch (error) {
      throw error instanceof CellFsError ? new FileError(action, path, error.errno) : error
    }
  }

  #listener(options: TextRunOptions | BufferRunOptions): Listener | undefined {
    const { onStdout, onStderr } = options
    if (!onStdout && !onStderr) return undefined
    if (options.encoding === 'buffer')
      return { take: (fd, bytes) => (fd === 1 ? options.onStdout : options.onStderr)?.(bytes), end: () => {} }
    const decoders = { 1: this.#orchestrator.platform.text.decoder(), 2: this.#orchestrator.platform.text.decoder() }
    const tell = (fd: 1 | 2, piece: string): void | Promise<void> =>
      piece === '' ? undefined : (fd === 1 ? options.onStdout : options.onStderr)?.(piece)
    return {
      take: (fd, bytes) => tell(fd, decoders[fd](bytes)),
      end: async () => {
        for (const fd of [1, 2] as const) await tell(fd, decoders[fd]())
      },
    }
  }
}

interface Listener {
  readonly take: (fd: 1 | 2, bytes: Uint8Array) => void | Promise<void>
  readonly end: () => void | Promise<void>
}

function endOf(run: CollectedRun): Omit<RunResult, 'stdout' | 'stderr'> {
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
