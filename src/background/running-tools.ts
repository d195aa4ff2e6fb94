/**
 * The installed tools that run in a call of a page: the called one, and those that its programs have called since. An import of a tool is
 * carried out only while the tool is here, for whom the person installed it, and given up when it has ended; how many there were is told in the
 * audit.
 */
import { BtcpError } from '../protocol/error.ts'
import type { InstalledTool } from '../protocol/installed-tool.ts'

interface Run {
  readonly tool: InstalledTool
  runs: number
  readonly ended: AbortController
  /** aborted when it has ended, or the call has */
  readonly signal: AbortSignal
}

export class RunningTools {
  readonly #call: AbortSignal
  readonly #runs = new Map<string, Run>()
  #imports = 0

  /** `call` is aborted when the call is. */
  constructor(call: AbortSignal) {
    this.#call = call
  }

  begin(tool: InstalledTool): void {
    const run = this.#runs.get(tool.tool.name)
    if (run?.tool.sha256 === tool.sha256) {
      run.runs += 1
      return
    }
    run?.ended.abort(over())
    const ended = new AbortController()
    this.#runs.set(tool.tool.name, { tool, runs: 1, ended, signal: AbortSignal.any([this.#call, ended.signal]) })
  }

  end({ tool, sha256 }: InstalledTool): void {
    const run = this.#runs.get(tool.name)
    if (run?.tool.sha256 !== sha256 || --run.runs > 0) return
    this.#runs.delete(tool.name)
    run.ended.abort(over())
  }

  /** The tool, and what ends its imports. */
  find(name: string): Pick<Run, 'tool' | 'signal'> | undefined {
    return this.#runs.get(name)
  }

  countImport(): void {
    this.#imports += 1
  }

  /** What the call's row of the audit says of imports. */
  counted(): { readonly imports?: number } {
    return this.#imports > 0 ? { imports: this.#imports } : {}
  }
}

const over = (): BtcpError =>
  new BtcpError('CANCELLED', 'Cannot finish the import: the tool that asked for it has ended', { effects: 'unknown' })
