/**
 * A wheel (PyPA binary distribution format, PEP 427) that the person adds to a site: what its file is called, which ones run here, and
 * what is asked of the site's folder of wheels. Extension page, service worker and orchestrator read names by this one parser, and
 * pip in the cell has the same rule (wasm/python/lib/pip/_wheel.py).
 */
import { LIMITS } from './limits.ts'
import { isRecord, own, type Parsed } from './parse.ts'

export interface WheelName {
  readonly name: string
  readonly version: string
}

/** A wheel that lies in the folder. */
export interface Wheel {
  readonly file: string
  /** in bytes */
  readonly size: number
}

/** What a person wants of a site's wheels. Each is answered with the wheels that are there then. */
export type WheelOp =
  | { readonly op: 'list' }
  /** One part in base64, of at most `fsWriteBytes` bytes. Parts come in order; with the last one the wheel is there, whole. */
  | { readonly op: 'add'; readonly file: string; readonly offset: number; readonly bytes: string; readonly last: boolean }
  | { readonly op: 'remove'; readonly file: string }

const NATIVE = 'pyemscripten_2026_0_wasm32'
const PURE_PYTHONS = ['py3', 'py314', 'cp314']
const NAME =
  /^(?<name>[A-Za-z0-9][A-Za-z0-9._]*)-(?<version>[A-Za-z0-9._!+]+)(?:-\d[A-Za-z0-9_.]*)?-(?<python>[A-Za-z0-9_.]+)-(?<abi>[A-Za-z0-9_.]+)-(?<platform>[A-Za-z0-9_.]+)\.whl$/
/** Some bytes of a name are left for the name that a file has while it comes. */
const NAME_BYTES = LIMITS.nameBytes - 5
const MAGIC = [0x50, 0x4b, 0x03, 0x04]
const BASE64_LENGTH = 4 * Math.ceil(LIMITS.fsWriteBytes / 3)

/** Reads a file's name, which is then safe as the last part of a path; or says in plain words why it is not that of a wheel for here. */
export function parseWheelName(file: string): Parsed<WheelName> {
  const parts = file.length <= NAME_BYTES ? NAME.exec(file)?.groups : undefined
  if (!parts) return refused('file', nameFault(file))
  const { name = '', version = '', python = '', abi = '', platform = '' } = parts
  const pythons = python.split('.')
  const isPure = abi === 'none' && platform === 'any' && PURE_PYTHONS.some((tag) => pythons.includes(tag))
  const isNative = pythons.includes('cp314') && (abi === 'cp314' || abi === 'abi3') && platform === NATIVE
  if (isPure || isNative) return { ok: true, value: { name, version } }
  const tags = `${python}-${abi}-${platform}`
  return refused('file', `it is made for another Python or machine (${tags}); what runs here is py3-none-any or cp314-cp314-${NATIVE}`)
}

function nameFault(file: string): string {
  if (/ ?\(\d+\)\.whl$/.test(file)) return 'the browser has put a number in brackets into its name: take it out again'
  return 'its name is not that of a wheel, like NAME-VERSION-py3-none-any.whl'
}

/** Why a file is no wheel that can be added, in plain words; `head` is how it begins, four bytes of it. */
export function wheelFault(file: string, size: number, head: Uint8Array, most = LIMITS.wheelBytes): string | undefined {
  const name = parseWheelName(file)
  if (!name.ok) return name.reason
  if (size > most) return `it is larger than ${most / 1024 / 1024} MiB (limit wheelBytes)`
  return MAGIC.every((byte, i) => head[i] === byte) ? undefined : 'it is no zip file, which a wheel is inside'
}

export function parseWheelOp(value: unknown): Parsed<WheelOp> {
  if (!isRecord(value)) return refused('', 'is no object')
  const op = own(value, 'op')
  if (op === 'list') return { ok: true, value: { op } }
  const file = own(value, 'file')
  if (typeof file !== 'string') return refused('file', 'is no text')
  const name = parseWheelName(file)
  if (op === 'remove') return name.ok ? { ok: true, value: { op, file } } : name
  if (op !== 'add') return refused('op', 'is none of list, add and remove')
  return name.ok ? parsePart(value, file) : name
}

function parsePart(value: Record<string, unknown>, file: string): Parsed<WheelOp> {
  const offset = own(value, 'offset')
  const bytes = own(value, 'bytes')
  const last = own(value, 'last')
  if (!isWhole(offset) || offset > LIMITS.wheelBytes) return refused('offset', 'is no whole number up to limit wheelBytes')
  if (typeof bytes !== 'string' || bytes.length > BASE64_LENGTH) return refused('bytes', 'is no text up to limit fsWriteBytes')
  if (typeof last !== 'boolean') return refused('last', 'is neither true nor false')
  return { ok: true, value: { op: 'add', file, offset, bytes, last } }
}

const isWhole = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0
const refused = (at: string, reason: string): { ok: false; at: string; reason: string } => ({ ok: false, at, reason })
