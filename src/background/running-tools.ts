/**
 * The installed tools that run in a call of a page: the called one, and those that its programs have called since. An import of a tool is
 * carried out only while the tool is here, for whom the person installed it; how many there were is told in the audit.
 */
import type { InstalledTool } from '../protocol/installed-tool.ts'

export class RunningTools {
  readonly #runs = new Map<string, { readonly tool: InstalledTool; runs: number }>()
  #imports = 0

  begin(tool: InstalledTool): void {
    const run = this.#runs.get(tool.tool.name)
    if (run?.tool.sha256 === tool.sha256) run.runs += 1
    else this.#runs.set(tool.tool.name, { tool, runs: 1 })
  }

  end({ tool, sha256 }: InstalledTool): void {
    const run = this.#runs.get(tool.name)
    if (run?.tool.sha256 === sha256 && --run.runs === 0) this.#runs.delete(tool.name)
  }

  find(name: string): InstalledTool | undefined {
    return this.#runs.get(name)?.tool
  }

  countImport(): void {
    this.#imports += 1
  }

  /** What the call's row of the audit says of imports. */
  counted(): { readonly imports?: number } {
    return this.#imports > 0 ? { imports: this.#imports } : {}
  }
}
