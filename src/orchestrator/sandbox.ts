/**
 * `Sandbox`: one computer of its own as a program uses it (docs/protocol.md section 6). The host's package adds `create`.
 */
import type { FileStat, FsOp, FsValue, ListEntry } from '../protocol/cell.ts'
import type { Capability } from '../protocol/capability.ts'
import { BtcpError } from '../protocol/error.ts'
import type { PackageFile } from '../protocol/installed-tool.ts'
import { joinedBytes } from '../protocol/joined-bytes.ts'
import type { JsonObject } from '../protocol/parse.ts'
import type { Owner } from '../protocol/principal.ts'
import type { Tool, ToolResult } from '../protocol/tool.ts'
import { shellArgv } from './catalog.ts'
import { FileError, startError } from './file-error.ts'
import { CellFsError } from './live-cell.ts'
import { localClerk } from './local-desk.ts'
import { type CallOptions, LocalTools, type RegisteredTools, type RegisterOptions } from './local-tools.ts'
import type { Orchestrator } from './orchestrator.ts'
import { jsIn, type JsOptions, type JsResult, type OwnSandbox, pythonIn, type PythonOptions, type PythonResult } from './sandbox-code.ts'
import { type BufferRunOptions, endOf, listenerOf, type RunResult, type TextRunOptions } from './sandbox-run.ts'

export type { FileStat, ListEntry }

const READ_PART = 1024 * 1024
const LIST_PART = 10_000

export class SandboxCore {
  readonly #orchestrator: Orchestrator
  readonly #principal: Owner
  readonly #tools: LocalTools

  constructor(orchestrator: Orchestrator, principal: Owner) {
    this.#orchestrator = orchestrator
    this.#principal = principal
    this.#tools = new LocalTools(orchestrator, principal)
  }

  /** Runs a bash command line to its end, or to the deadline. Rejects with BtcpError CANCELLED, BUSY, SANDBOX_ERROR. */
  run(command: string, options: BufferRunOptions): Promise<RunResult<Uint8Array>>
  run(command: string, options?: TextRunOptions): Promise<RunResult>
  async run(command: string, options: TextRunOptions | BufferRunOptions = {}): Promise<RunResult | RunResult<Uint8Array>> {
    const { text } = this.#orchestrator.platform
    const { cwd, env, stdin, signal, timeoutMs } = options
    const listener = listenerOf(text, options)
    const clerk = localClerk(this.#orchestrator, this.#tools)
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
          ask: clerk.ask,
        },
        { unlimited: listener !== undefined },
      )
      .catch((error: unknown) => {
        throw error instanceof CellFsError ? startError(error.errno, 'bash', cwd) : error
      })
      .finally(clerk.end)
    await listener?.end()
    const rest = endOf(run)
    if (options.encoding === 'buffer') return { stdout: run.stdout, stderr: run.stderr, ...rest }
    return { stdout: text.decode(run.stdout).text, stderr: text.decode(run.stderr).text, ...rest }
  }

  /** Runs Python code, or a file of the sandbox, to its end, or to the deadline. Rejects as `run` does. */
  python(code: string | { readonly path: string }, options: PythonOptions = {}): Promise<PythonResult> {
    return pythonIn(this.#own, code, options)
  }
  /** Ends a session of `python`; why it had ended before, if it had. */
  endPython(session: string): Promise<string | undefined> {
    return this.#orchestrator.python.end(this.#principal, session)
  }

  /** Runs JavaScript as a module, to its end, or to the deadline. */
  js(code: string, options: JsOptions = {}): Promise<JsResult> {
    return jsIn(this.#own, code, options)
  }

  /** The tools that `callTool` knows: those of the computer, and those that are registered. */
  tools(): readonly Tool[] {
    return this.#tools.list()
  }
  /** Adds the tools of a package. They run in cells of their own and may what `grants` says. Rejects with BtcpError INVALID_PARAMS. */
  registerTool(files: readonly PackageFile[], options?: RegisterOptions): Promise<RegisteredTools> {
    return this.#tools.register(files, options)
  }
  /** What the tool failed at is a result with `isError`. Rejects with BtcpError TOOL_NOT_FOUND, INVALID_PARAMS, CAPABILITY_DENIED, TIMEOUT,
   *  CANCELLED, TAB_GONE, BUSY, RATE_LIMITED, SANDBOX_ERROR. */
  callTool(name: string, args: JsonObject = {}, options?: CallOptions): Promise<ToolResult> {
    return this.#tools.call(name, args, options)
  }
  /** A registered tool may these, too, from now on. */
  grant(tool: string, capabilities: readonly Capability[]): Promise<void> {
    return this.#tools.grant(tool, capabilities)
  }
  /** It may these no more, or nothing; its running calls that need one have ended with CAPABILITY_DENIED when this resolves. */
  revoke(tool: string, capabilities?: readonly Capability[]): Promise<void> {
    return this.#tools.revoke(tool, capabilities)
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
    const whole = joinedBytes(parts)
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

  get #own(): OwnSandbox {
    return { orchestrator: this.#orchestrator, principal: this.#principal, tools: this.#tools }
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
}
