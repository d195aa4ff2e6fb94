/**
 * A tool that somebody installed: what its package says of it (tool-package.ts reads that), and what the installation added. Where it runs
 * and what it is there (a cell of its own, src/orchestrator/installed-call.ts) follows from `implementation`.
 */
import type { Tool } from './tool.ts'

/** What a module exports and how it is called: docs/protocol.md section 5. */
export type WasmAbi = 'btcp' | 'stdio' | 'library'

/** All paths are relative to the package's root, which the tool's cell sees at `PACKAGE_ROOT`. */
export type Implementation =
  | {
      readonly type: 'wasm'
      readonly module: string
      readonly abi: WasmAbi
      /** pages, besides the budgets */
      readonly memoryInitial?: number
      readonly memoryMaximum?: number
      /** an import that is not granted traps */
      readonly strict?: boolean
    }
  | {
      readonly type: 'python'
      readonly start: PythonStart
      /** what is put before `sys.path`: directories and wheels */
      readonly path: readonly string[]
      readonly inPackage?: StartsInPackage
    }
  | {
      readonly type: 'js'
      readonly module: string
      /** `function`: `export default (args, btcp) => result`; `stdio`: a script that reads standard input and prints, as under Node */
      readonly form: 'function' | 'stdio'
      readonly inPackage?: StartsInPackage
    }
  /** A process of the host's that speaks JSON-RPC 2.0 by lines (Node only). */
  | { readonly type: 'external'; readonly command: readonly string[] }

/** Its working directory is the package's root, as programs of published folders expect; else it is the tool's own /home/user. */
export type StartsInPackage = true

export type PythonStart =
  | { readonly run: 'file'; readonly file: string }
  /** `python -m module`, or the call of one of its functions */
  | { readonly run: 'module'; readonly module: string; readonly call?: string }

/** A variable of the tool's environment that its user is asked for. */
export interface Secret {
  /** the variable */
  readonly name: string
  readonly description: string
}

export interface PackagedTool {
  readonly tool: Tool
  readonly implementation: Implementation
  readonly secrets: readonly Secret[]
  /** variables of its environment with their defaults, which the installation may override (`tool_vars`) */
  readonly variables: Readonly<Record<string, string>>
  /** calls of it that run at a time; more wait */
  readonly maxConcurrent: number
}

/** What a package holds, whatever form its files have. */
export interface PackageManifest {
  readonly name: string
  readonly version: string
  readonly description: string
  /** who made it, by its own word */
  readonly provider?: string
  /** Markdown, by its own word */
  readonly readme?: string
  readonly tools: readonly PackagedTool[]
}

export interface PackageFile {
  /** relative, `/` between its parts, none of them empty, `.` or `..` */
  readonly path: string
  readonly bytes: Uint8Array<ArrayBuffer>
}

export interface InstalledTool extends PackagedTool {
  /** the manifest's name and version */
  readonly manifest: string
  readonly version: string
  /** of the package, in hexadecimal (`packageDigest`): with another one it is another principal */
  readonly sha256: string
  /** variables and secrets as they stand */
  readonly env: Readonly<Record<string, string>>
}

/** Where a tool's cell sees its package, read-only. */
export const PACKAGE_ROOT = '/opt/tool'
