/**
 * The package: `Sandbox.create()` gives a program a Unix computer of its own, without network and without the host's files but those that
 * it mounts. See docs/protocol.md section 6.
 */
import { Orchestrator } from '../orchestrator/orchestrator.ts'
import type { RegisteredTools, RegisterOptions } from '../orchestrator/local-tools.ts'
import { SandboxCore } from '../orchestrator/sandbox.ts'
import type { PackageFile } from '../protocol/installed-tool.ts'
import { type LimitName, type Limits, limitsWith } from '../protocol/limits.ts'
import { mountTree } from './mounts.ts'
import { nodePlatform } from './node-platform.ts'
import { readPackageFiles } from './package-source.ts'

export { FileError } from '../orchestrator/file-error.ts'
export type { CallOptions, RegisteredTools, RegisterOptions } from '../orchestrator/local-tools.ts'
export type { CancelSignal } from '../orchestrator/platform.ts'
export type { FileStat, ListEntry } from '../orchestrator/sandbox.ts'
export type { JsOptions, JsResult, PythonOptions, PythonResult } from '../orchestrator/sandbox-code.ts'
export type { BufferRunOptions, OutputListener, RunOptions, RunResult, TextRunOptions } from '../orchestrator/sandbox-run.ts'
export type { ToolPage } from '../orchestrator/tool-page.ts'
export type { Capability } from '../protocol/capability.ts'
export type { CodeError, RichItem } from '../protocol/code-record.ts'
export { BtcpError, type BtcpCode, type BtcpErrorData } from '../protocol/error.ts'
export { type LimitName, LIMITS } from '../protocol/limits.ts'
export type { PackageFile } from '../protocol/installed-tool.ts'
export type { JsonObject, JsonValue } from '../protocol/parse.ts'
export type { Tool, ToolResult } from '../protocol/tool.ts'
export type { ImportName } from '../protocol/tool-imports.ts'
export { VERSION } from '../protocol/version.ts'
export { MountError } from './mounts.ts'

export interface SandboxOptions {
  /** the directory that files are kept in between runs; without it nothing is kept */
  readonly store?: string
  /** directories of the host that the sandbox sees, read-only: the path inside → the directory */
  readonly mounts?: Readonly<Record<string, string>>
  /** rows of the limits table to change */
  readonly limits?: Partial<Record<LimitName, number>>
  /** environment of every command */
  readonly env?: Readonly<Record<string, string>>
  /** with a seed, clock and randomness repeat */
  readonly seed?: number
}

export class Sandbox extends SandboxCore {
  readonly #limits: Limits

  private constructor(orchestrator: Orchestrator, limits: Limits) {
    super(orchestrator, { kind: 'local', name: 'sandbox' })
    this.#limits = limits
  }

  /** The computer is started by the first thing that is asked of it. Throws MountError, RangeError (limits). */
  static async create(options: SandboxOptions = {}): Promise<Sandbox> {
    const limits = limitsWith(options.limits)
    const mounts = Object.entries(options.mounts ?? {}).map(([target, host]) => mountTree({ host, target }, limits.mountEntries))
    const platform = nodePlatform({ mounts, ...(options.store === undefined ? {} : { store: options.store }) })
    const { env, seed } = options
    const orchestrator = new Orchestrator(platform, { limits, ...(env ? { env } : {}), ...(seed === undefined ? {} : { seed }) })
    return new Sandbox(orchestrator, limits)
  }

  /** Adds the tools of a package: a directory, a zip archive or a module of this machine, or the files themselves. They run in cells of their
   *  own and may what `grants` says. Rejects with BtcpError INVALID_PARAMS. */
  override async registerTool(source: string | readonly PackageFile[], options?: RegisterOptions): Promise<RegisteredTools> {
    return await super.registerTool(typeof source === 'string' ? await readPackageFiles(source, this.#limits) : source, options)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.destroy()
  }
}
