/**
 * How the orchestrator starts the kernel's program for WebAssembly tools: `wasm-tool OPTIONS`, the input on standard input, its end told on
 * descriptor 3 (tool-record.ts).
 */
import type { WasmAbi } from './installed-tool.ts'
import { isRecord, own, type Parsed } from './parse.ts'

export const WASM_TOOL = 'wasm-tool'

export interface ModuleRun {
  /** absolute path in the cell */
  readonly path: string
  /** of the package, for the frame's cache of compiled modules; together with `path` it names the module */
  readonly sha256: string
  readonly abi: WasmAbi
  /** `execute` of abi `btcp`; the others of abi `library`. `check`, of any: only load it, and tell what it exports (`tidepool tool check`). */
  readonly entry: 'execute' | 'library_call' | 'library_check' | 'get_metadata' | 'check'
  readonly memoryInitial?: number
  readonly memoryMaximum?: number
  readonly strict?: boolean
}

export const moduleArgv = (run: ModuleRun): string[] => [WASM_TOOL, JSON.stringify(run)]

const ENTRIES: Readonly<Record<WasmAbi, readonly ModuleRun['entry'][]>> = {
  btcp: ['execute', 'get_metadata', 'check'],
  library: ['library_call', 'library_check', 'get_metadata', 'check'],
  stdio: ['check'],
}
const ABIS = Object.keys(ENTRIES) as WasmAbi[]
const PATH_LENGTH = 4_096
const SHA256 = /^[0-9a-f]{64}$/
const MOST_PAGES = 65_536

/** Reads OPTIONS, which anyone in a cell may write. */
export function parseModuleRun(text: string): Parsed<ModuleRun> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return refused('', 'is no JSON')
  }
  if (!isRecord(value)) return refused('', 'is no object')
  const path = own(value, 'path')
  const sha256 = own(value, 'sha256')
  const abi = ABIS.find((known) => known === own(value, 'abi'))
  const [initial, maximum] = [own(value, 'memoryInitial'), own(value, 'memoryMaximum')]
  const strict = own(value, 'strict')
  if (typeof path !== 'string' || !path.startsWith('/') || path.length > PATH_LENGTH) return refused('/path', 'is no absolute path')
  if (typeof sha256 !== 'string' || !SHA256.test(sha256)) return refused('/sha256', 'is no SHA-256')
  if (!abi) return refused('/abi', 'is none of btcp, library and stdio')
  const entry = ENTRIES[abi].find((known) => known === own(value, 'entry'))
  if (!entry) return refused('/entry', 'is no entry of this ABI')
  if (!isPages(initial)) return refused('/memoryInitial', 'is no number of pages')
  if (!isPages(maximum)) return refused('/memoryMaximum', 'is no number of pages')
  return {
    ok: true,
    value: {
      path,
      sha256,
      abi,
      entry,
      ...(initial === undefined ? {} : { memoryInitial: initial }),
      ...(maximum === undefined ? {} : { memoryMaximum: maximum }),
      ...(strict === true ? { strict } : {}),
    },
  }
}

const isPages = (value: unknown): value is number | undefined =>
  value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= MOST_PAGES)

const refused = (at: string, reason: string): { ok: false; at: string; reason: string } => ({ ok: false, at, reason })
