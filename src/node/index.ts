/**
 * The package: `Sandbox.create()` gives a program a Unix computer of its own, without network and without the host's files but those that
 * it mounts. See docs/protocol.md section 6.
 */
import { Orchestrator } from '../orchestrator/orchestrator.ts'
import { SandboxCore } from '../orchestrator/sandbox.ts'
import { type LimitName, limitsWith } from '../protocol/limits.ts'
import { mountTree } from './mounts.ts'
import { nodePlatform } from './node-platform.ts'

export { FileError } from '../orchestrator/file-error.ts'
export type { CancelSignal } from '../orchestrator/platform.ts'
export type { FileStat, ListEntry } from '../orchestrator/sandbox.ts'
export type { JsOptions, JsResult, PythonOptions, PythonResult } from '../orchestrator/sandbox-code.ts'
export type { BufferRunOptions, OutputListener, RunOptions, RunResult, TextRunOptions } from '../orchestrator/sandbox-run.ts'
export type { CodeError, RichItem } from '../protocol/code-record.ts'
export { BtcpError, type BtcpCode, type BtcpErrorData } from '../protocol/error.ts'
export { type LimitName, LIMITS } from '../protocol/limits.ts'
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
  /** The computer is started by the first thing that is asked of it. Throws MountError, RangeError (limits). */
  static async create(options: SandboxOptions = {}): Promise<Sandbox> {
    const limits = limitsWith(options.limits)
    const mounts = Object.entries(options.mounts ?? {}).map(([target, host]) => mountTree({ host, target }, limits.mountEntries))
    const platform = nodePlatform({ mounts, ...(options.store === undefined ? {} : { store: options.store }) })
    const { env, seed } = options
    const orchestrator = new Orchestrator(platform, { limits, ...(env ? { env } : {}), ...(seed === undefined ? {} : { seed }) })
    return new Sandbox(orchestrator, { kind: 'local', name: 'sandbox' })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.destroy()
  }
}
