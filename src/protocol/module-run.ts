/**
 * How the orchestrator starts the kernel's program for WebAssembly tools: `wasm-tool OPTIONS`, the input on standard input, its end told on
 * descriptor 3 (tool-record.ts).
 */
import type { WasmAbi } from './installed-tool.ts'

export const WASM_TOOL = 'wasm-tool'

export interface ModuleRun {
  /** absolute path in the cell */
  readonly path: string
  /** of the package, for the frame's cache of compiled modules; together with `path` it names the module */
  readonly sha256: string
  readonly abi: Exclude<WasmAbi, 'stdio'>
  /** `execute` of abi `btcp`; the others of abi `library`. `check`: only load it, and tell what it exports (`tidepool tool check`). */
  readonly entry: 'execute' | 'library_call' | 'library_check' | 'get_metadata' | 'check'
  readonly memoryInitial?: number
  readonly memoryMaximum?: number
  readonly strict?: boolean
}

export const moduleArgv = (run: ModuleRun): string[] => [WASM_TOOL, JSON.stringify(run)]
