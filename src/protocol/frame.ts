/**
 * The wire between the offscreen document and a cell's frame (it creates, feeds and ends workers, nothing more), and between a frame
 * and its workers (it gives them compiled modules). The broker port of a cell goes through the frame unopened. Both ends hold our own
 * code; they parse all the same, because the frame's renderer is shared with guests. Corresponds to the last part of docs/protocol.md section 7.
 */
import { isRecord, own } from './parse.ts'

/** The first message to a frame; the private port comes with it. */
export const FRAME_GREETING = 'tidepool: frame'

/** Offscreen document → frame, on the private port. */
export type ToFrame =
  /** Start a cell; its broker port is transferred with this message. */
  { readonly t: 'start'; readonly cell: string } | { readonly t: 'end'; readonly cell: string } | { readonly t: 'ping' }

/** Frame → offscreen document. */
export type FromFrame =
  | { readonly t: 'open' }
  | { readonly t: 'pong' }
  /** The worker could not start or has failed by itself. */
  | { readonly t: 'ended'; readonly cell: string; readonly reason: string }

/** Frame → worker. The first message is `start`; the cell's broker port and the feed port, on which the others come, come with it. */
export type ToWorker =
  | { readonly t: 'start'; readonly modules: readonly BuiltModule[] }
  /** `module` is a WebAssembly.Module; without it there is none of that name, or its bytes are not those of the build. */
  | { readonly t: 'module'; readonly name: string; readonly module?: unknown }
  | { readonly t: 'bytes'; readonly name: string; readonly bytes?: Uint8Array }
  /** what a cell of this frame had kept under that key */
  | { readonly t: 'kept'; readonly name: string; readonly module?: unknown }
  /** The worker of a script has failed by itself, or could not be started. */
  | { readonly t: 'snippetEnded'; readonly snippet: number; readonly reason: string }

/** Worker → frame, on the feed port. */
export type FromWorker =
  /** a module compiled, or its bytes (a guest reads the file) */
  | { readonly t: 'need' | 'read'; readonly name: string }
  /** a tool's module by its key, from the cell that compiled it or for a later one (docs/decisions/0019-frame-module-cache.md) */
  | { readonly t: 'find'; readonly name: string }
  | { readonly t: 'keep'; readonly name: string; readonly module: unknown }
  /** A worker for a script; with `snippetStart` comes the port that the script gets. */
  | { readonly t: 'snippetStart' | 'snippetEnd'; readonly snippet: number }

/** Frame → worker of a script: the one message; its port comes with it. */
export interface ToScriptWorker {
  readonly t: 'script'
}

/** A module of wasm/dist and the programs in it, as wasm/dist/lock.json names them. */
export interface BuiltModule {
  readonly name: string
  readonly programs: readonly string[]
  /** length of its file */
  readonly bytes: number
}

const CELL = /^[0-9a-f-]{1,64}$/
const REASON = 300
const KEY = 5_000

export function parseToFrame(message: unknown): ToFrame | undefined {
  if (!isRecord(message)) return undefined
  const t = own(message, 't')
  if (t === 'ping') return { t }
  const cell = own(message, 'cell')
  if ((t !== 'start' && t !== 'end') || typeof cell !== 'string' || !CELL.test(cell)) return undefined
  return { t, cell }
}

export function parseFromFrame(message: unknown): FromFrame | undefined {
  if (!isRecord(message)) return undefined
  const t = own(message, 't')
  if (t === 'open' || t === 'pong') return { t }
  const cell = own(message, 'cell')
  const reason = own(message, 'reason')
  if (t !== 'ended' || typeof cell !== 'string' || !CELL.test(cell) || typeof reason !== 'string') return undefined
  return { t, cell, reason: reason.slice(0, REASON) }
}

export function parseFromWorker(message: unknown): FromWorker | undefined {
  if (!isRecord(message)) return undefined
  const t = own(message, 't')
  const name = own(message, 'name')
  if (t === 'need' || t === 'read' || t === 'find') return typeof name === 'string' ? { t, name } : undefined
  if (t === 'keep') return typeof name === 'string' && name.length <= KEY ? { t, name, module: own(message, 'module') } : undefined
  const snippet = own(message, 'snippet')
  return (t === 'snippetStart' || t === 'snippetEnd') && isWhole(snippet) ? { t, snippet } : undefined
}

export function parseToScriptWorker(message: unknown): ToScriptWorker | undefined {
  return isRecord(message) && own(message, 't') === 'script' ? { t: 'script' } : undefined
}

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0

/** What a frame of the same build says to its worker; undefined for anything else. */
export function parseToWorker(message: unknown): ToWorker | undefined {
  if (!isRecord(message)) return undefined
  const t = own(message, 't')
  if (t === 'start') {
    const modules = parseModules(own(message, 'modules'))
    return modules && { t, modules }
  }
  if (t === 'snippetEnded') return parseSnippetEnded(message)
  const name = own(message, 'name')
  if (typeof name !== 'string') return undefined
  const module = own(message, 'module')
  const bytes = own(message, 'bytes')
  if (t === 'module' || t === 'kept') return module === undefined ? { t, name } : { t, name, module }
  if (t === 'bytes') return bytes instanceof Uint8Array ? { t, name, bytes } : { t, name }
  return undefined
}

function parseSnippetEnded(message: Record<string, unknown>): ToWorker | undefined {
  const snippet = own(message, 'snippet')
  const reason = own(message, 'reason')
  if (!isWhole(snippet) || typeof reason !== 'string') return undefined
  return { t: 'snippetEnded', snippet, reason: reason.slice(0, REASON) }
}

function parseModules(value: unknown): BuiltModule[] | undefined {
  if (!Array.isArray(value)) return undefined
  const modules: BuiltModule[] = []
  for (const one of value as unknown[]) {
    const [name, programs, bytes] = isRecord(one) ? ['name', 'programs', 'bytes'].map((key) => own(one, key)) : []
    if (typeof name !== 'string' || !isTextArray(programs) || typeof bytes !== 'number') return undefined
    modules.push({ name, programs: [...programs], bytes })
  }
  return modules
}

const isTextArray = (value: unknown): value is string[] => Array.isArray(value) && value.every((one) => typeof one === 'string')
