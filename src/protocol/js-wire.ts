/**
 * The wire between a script's worker or process and the `js` process of its cell: what a script prints, reads and asks of files.
 * A message is one byte array: the length of its header (u32, little-endian), the header as ASCII JSON, then raw bytes. So whoever carries
 * it sees nothing but bytes, and whoever reads it copies nothing but what it has checked. The cell takes the script for hostile.
 */
import { isRecord, type JsonObject, own, type Parsed } from './parse.ts'

const KiB = 1024

/** What a script may have sent without its being taken; more is a flood. */
export const JS_WINDOW_BYTES = 4096 * KiB
/** Messages that may wait at the cell. */
export const JS_WINDOW_MESSAGES = 1024
/** The longest message of a script. */
export const JS_MESSAGE_BYTES = 1088 * KiB
/** Output of one stream that may be under way. Of both it is less than a process's channel holds (208 KiB on Linux): what a script that never
 *  rests has sent would else wait for its next turn, and with it the word that it has ended. */
export const JS_OUTPUT_CREDIT = 64 * KiB
/** What one request reads or writes at most. */
export const JS_PART_BYTES = 256 * KiB
/** The longest request for a tool. */
export const JS_TOOL_BYTES = 1024 * KiB
const HEADER_BYTES = 128 * KiB
const PATH_LENGTH = 8 * KiB
const REASON_LENGTH = 500
const MODE_MAX = 0o7777

/** Cell → script. */
export type ToScript =
  | ({ readonly t: 'start' } & ScriptStart)
  | { readonly t: 'credit'; readonly fd: 1 | 2; readonly bytes: number }
  /** `code` names the error (`ENOENT`); without it the request was done. */
  | { readonly t: 'answer'; readonly req: number; readonly code?: string; readonly value?: unknown; readonly bytes: Uint8Array }

/** `tool`: a module whose default export is called; `node`: a program as they are written for Node. */
export type ScriptForm = 'script' | 'tool' | 'node'

export interface ScriptStart {
  /** how messages about errors name the script */
  readonly name: string
  /** absolute, where it is a file */
  readonly path?: string
  readonly code: string
  readonly args: readonly string[]
  readonly form: ScriptForm
  readonly env: Readonly<Record<string, string>>
  /** print the value at the end */
  readonly print: boolean
  /** the end brings the result */
  readonly result: boolean
  readonly limits: {
    readonly timers: number
    readonly requests: number
    readonly outputBytes: number
    readonly resultBytes: number
    /** of all files of a program for Node */
    readonly moduleBytes: number
  }
}

/** Script → cell. */
export type FromScript =
  /** The worker is shut in and waits for its script. */
  | { readonly t: 'ready' }
  | { readonly t: 'refused'; readonly reason: string }
  | { readonly t: 'out'; readonly fd: 1 | 2; readonly bytes: Uint8Array }
  | { readonly t: 'ask'; readonly req: number; readonly op: ScriptOp; readonly bytes: Uint8Array }
  /** The last message. `bytes` is the result's line where one was asked for. */
  | { readonly t: 'end'; readonly status: number; readonly bytes: Uint8Array }

/** Paths are absolute or relative to the process's directory. */
export type ScriptOp =
  /** standard input */
  | { readonly op: 'input'; readonly length: number }
  | { readonly op: 'cwd' }
  | { readonly op: 'read'; readonly path: string; readonly offset: number; readonly length: number }
  /** `bytes` go to the file: instead of what it holds, behind it, or from `offset` on */
  | { readonly op: 'write'; readonly path: string; readonly how: 'replace' | 'append' | 'at'; readonly offset: number }
  | { readonly op: 'list' | 'unlink' | 'rmdir' | 'readlink' | 'realpath'; readonly path: string }
  | { readonly op: 'stat'; readonly path: string; readonly follow: boolean }
  | { readonly op: 'mkdir'; readonly path: string; readonly recursive: boolean }
  | { readonly op: 'remove'; readonly path: string; readonly recursive: boolean; readonly force: boolean }
  | { readonly op: 'rename'; readonly path: string; readonly to: string }
  | { readonly op: 'symlink'; readonly path: string; readonly target: string }
  | { readonly op: 'chmod'; readonly path: string; readonly mode: number }
  /** a tool, or the list of those that may be called: `bytes` are the JSON of tool-request.ts, as is what is answered */
  | { readonly op: 'tool' }

const NONE = new Uint8Array(0)

/** One message of the header and the bytes behind it. */
export function encodeScriptMessage(header: JsonObject, bytes: Uint8Array = NONE): Uint8Array<ArrayBuffer> {
  const text = JSON.stringify(header).replace(/[^\x20-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  const message = new Uint8Array(4 + text.length + bytes.length)
  new DataView(message.buffer).setUint32(0, text.length, true)
  for (let i = 0; i < text.length; i++) message[4 + i] = text.charCodeAt(i)
  message.set(bytes, 4 + text.length)
  return message
}

export function encodeFromScript(message: FromScript): Uint8Array<ArrayBuffer> {
  if (!('bytes' in message)) return encodeScriptMessage({ ...message })
  const { bytes, ...header } = message
  return encodeScriptMessage(header, bytes)
}

/** What a script's side says, which is anything at all. */
export function parseFromScript(raw: unknown): Parsed<FromScript> {
  return attempt(() => {
    const { header, bytes } = split(raw, JS_MESSAGE_BYTES, HEADER_BYTES)
    switch (header.word('t')) {
      case 'ready':
        return { t: 'ready' }
      case 'refused':
        return { t: 'refused', reason: header.text('reason', REASON_LENGTH) }
      case 'out':
        return { t: 'out', fd: header.stream(), bytes: bounded(bytes, JS_OUTPUT_CREDIT) }
      case 'ask':
        return readAsk(header, bytes)
      case 'end':
        return { t: 'end', status: header.whole('status', 255), bytes }
      default:
        return refuse('is no message of a script')
    }
  })
}

/** What the cell says to its script; the two are of one build. */
export function parseToScript(raw: unknown): ToScript | undefined {
  const parsed = attempt((): ToScript => {
    const { header, bytes } = split(raw, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)
    const value = header.all as ToScript
    return value.t === 'answer' ? { ...value, bytes } : value
  })
  return parsed.ok ? parsed.value : undefined
}

function readAsk(header: Header, bytes: Uint8Array): FromScript {
  const op = readOp(header.inner('op'))
  return { t: 'ask', req: header.whole('req'), op, bytes: bounded(bytes, op.op === 'tool' ? JS_TOOL_BYTES : JS_PART_BYTES) }
}

function readOp(m: Header): ScriptOp {
  const op = m.word('op')
  const path = (key = 'path'): string => m.text(key, PATH_LENGTH)
  switch (op) {
    case 'input':
      return { op, length: m.whole('length', JS_PART_BYTES) }
    case 'cwd':
    case 'tool':
      return { op }
    case 'read':
      return { op, path: path(), offset: m.whole('offset'), length: m.whole('length', JS_PART_BYTES) }
    case 'write':
      return { op, path: path(), how: m.oneOf('how', ['replace', 'append', 'at'] as const), offset: m.whole('offset') }
    case 'list':
    case 'unlink':
    case 'rmdir':
    case 'readlink':
    case 'realpath':
      return { op, path: path() }
    case 'stat':
      return { op, path: path(), follow: m.flag('follow') }
    case 'mkdir':
      return { op, path: path(), recursive: m.flag('recursive') }
    case 'remove':
      return { op, path: path(), recursive: m.flag('recursive'), force: m.flag('force') }
    case 'rename':
      return { op, path: path(), to: path('to') }
    case 'symlink':
      return { op, path: path(), target: path('target') }
    case 'chmod':
      return { op, path: path(), mode: m.whole('mode', MODE_MAX) }
    default:
      return refuse('asks for nothing that there is')
  }
}

class Refused extends Error {}
function refuse(reason: string): never {
  throw new Refused(reason)
}

function attempt<T>(read: () => T): Parsed<T> {
  try {
    return { ok: true, value: read() }
  } catch (error) {
    return { ok: false, at: '', reason: error instanceof Refused ? error.message : 'cannot be read' }
  }
}

/** The header and a copy of nothing: `bytes` is a view of the message, which nobody else can write to. */
function split(raw: unknown, most: number, mostHeader: number): { readonly header: Header; readonly bytes: Uint8Array } {
  if (!(raw instanceof Uint8Array) || !(raw.buffer instanceof ArrayBuffer) || raw.buffer.resizable) return refuse('is no byte array')
  if (raw.length < 4) return refuse('is too short')
  if (raw.length > most) return refuse(`is longer than ${most} bytes`)
  const length = new DataView(raw.buffer, raw.byteOffset, 4).getUint32(0, true)
  if (length > mostHeader || length > raw.length - 4) return refuse('has a header that is too long')
  return { header: new Header(JSON.parse(asciiOf(raw.subarray(4, 4 + length)))), bytes: raw.subarray(4 + length) }
}

const PIECE = 8192
function asciiOf(bytes: Uint8Array): string {
  let text = ''
  for (let at = 0; at < bytes.length; at += PIECE) text += String.fromCharCode(...bytes.subarray(at, at + PIECE))
  return text
}

function bounded(bytes: Uint8Array, most: number): Uint8Array {
  return bytes.length > most ? refuse(`carries more than ${most} bytes`) : bytes
}

/** Own properties of an object that JSON.parse has made. */
class Header {
  readonly #of: Record<string, unknown>

  constructor(value: unknown) {
    this.#of = isRecord(value) ? value : refuse('has no header')
  }

  get all(): unknown {
    return this.#of
  }
  inner(key: string): Header {
    return new Header(own(this.#of, key))
  }
  word(key: string): string {
    return this.text(key, 16)
  }
  text(key: string, length: number): string {
    const value = own(this.#of, key)
    if (typeof value !== 'string') return refuse(`has no text "${key}"`)
    return value.length > length ? refuse(`has more than ${length} characters in "${key}"`) : value
  }
  whole(key: string, most = Number.MAX_SAFE_INTEGER): number {
    const value = own(this.#of, key)
    const isWhole = Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most
    return isWhole ? (value as number) : refuse(`has no whole number up to ${most} in "${key}"`)
  }
  flag(key: string): boolean {
    const value = own(this.#of, key)
    return typeof value === 'boolean' ? value : refuse(`has neither true nor false in "${key}"`)
  }
  stream(): 1 | 2 {
    const value = own(this.#of, 'fd')
    return value === 1 || value === 2 ? value : refuse('writes to neither 1 nor 2')
  }
  oneOf<T extends string>(key: string, values: readonly T[]): T {
    const value = own(this.#of, key)
    return values.find((one) => one === value) ?? refuse(`has none of ${values.join(', ')} in "${key}"`)
  }
}
