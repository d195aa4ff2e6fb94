/**
 * Reading the cell's wire (cell.ts): both sides parse what they receive, each field by its own type, and drop the original.
 * A cell is hostile to the broker; the broker is trusted by the cell, which checks all the same, so that a mistake is found where it is.
 * Bounds: strings by the limits of what they are, bytes by `messageBytes`, numbers by what they count.
 */
import type { CellMount, Change, FileStat, FileType, FsOp, FsValue, ListEntry, RunUsage, ToBroker, ToCell } from './cell.ts'
import { LIMITS, type Limits } from './limits.ts'
import { isRecord, own, type Parsed } from './parse.ts'

type Fields = Record<string, unknown>

class Unreadable extends Error {}

/** What a cell said, or why it is nothing that a cell says. */
export function parseToBroker(value: unknown, limits: Limits = LIMITS): Parsed<ToBroker> {
  return parsed(() => toBroker(record(value, 'message'), limits))
}

/** What the broker said, or why it cannot be. */
export function parseToCell(value: unknown): Parsed<ToCell> {
  return parsed(() => toCell(record(value, 'message')))
}

function parsed<T>(read: () => T): Parsed<T> {
  try {
    return { ok: true, value: read() }
  } catch (error) {
    return { ok: false, at: '', reason: error instanceof Unreadable ? error.message : 'a message that cannot be read' }
  }
}

const CHANGES = 100
const REASON = 500
const PROOFS = 64

function toBroker(m: Fields, limits: Limits): ToBroker {
  const t = text(m, 't', 16)
  switch (t) {
    case 'ready':
      return { t, version: natural(m, 'version'), proof: list(m, 'proof', PROOFS, (item) => asText(item, 'proof', REASON)) }
    case 'refused':
      return { t, reason: text(m, 'reason', REASON) }
    case 'out':
      return { t, call: callOf(m), fd: outputFd(m), bytes: bytes(m, 'bytes', limits.messageBytes) }
    case 'exit':
      return {
        t,
        call: callOf(m),
        status: natural(m, 'status', 255),
        ...optional(m, 'signal', () => ({ signal: natural(m, 'signal', 64) })),
        usage: usage(record(own(m, 'usage'), 'usage')),
        changed: list(m, 'changed', CHANGES, (item) => change(record(item, 'changed'), limits)),
        seq: natural(m, 'seq'),
        ...failure(m),
      }
    case 'fault':
      return { t, req: natural(m, 'req'), mount: natural(m, 'mount'), ino: natural(m, 'ino'), index: natural(m, 'index') }
    case 'journal':
      return {
        t,
        seq: natural(m, 'seq'),
        records: bytes(m, 'records', limits.messageBytes),
        blobs: blobs(m, limits),
        barrier: bool(m, 'barrier'),
        urgent: bool(m, 'urgent'),
      }
    case 'answer':
      return {
        t,
        req: natural(m, 'req'),
        ...optional(m, 'value', () => ({ value: fsValue(record(own(m, 'value'), 'value'), limits) })),
        seq: natural(m, 'seq'),
        ...failure(m),
      }
    case 'beat':
      return { t, memories: natural(m, 'memories'), memoryBytes: natural(m, 'memoryBytes'), processes: natural(m, 'processes') }
    default:
      throw new Unreadable(`a message "${t}" that no cell sends`)
  }
}

function toCell(m: Fields): ToCell {
  const t = text(m, 't', 16)
  switch (t) {
    case 'boot':
      return {
        t,
        version: natural(m, 'version'),
        limits: limitsOf(record(own(m, 'limits'), 'limits')),
        env: strings(record(own(m, 'env'), 'env')),
        ...optional(m, 'seed', () => ({ seed: number(m, 'seed') })),
        metadata: list(m, 'metadata', 1_000, (item) => asBytes(item, 'metadata')),
        seq: natural(m, 'seq'),
        mounts: list(m, 'mounts', 1_000, (item) => mount(record(item, 'mounts'))),
        memories: natural(m, 'memories'),
      }
    case 'run':
      return {
        t,
        call: callOf(m),
        argv: list(m, 'argv', 100_000, (item) => asText(item, 'argv')),
        ...optional(m, 'cwd', () => ({ cwd: text(m, 'cwd') })),
        ...optional(m, 'env', () => ({ env: strings(record(own(m, 'env'), 'env')) })),
        stdin: bool(m, 'stdin'),
      }
    case 'stdin':
      return { t, call: callOf(m), bytes: own(m, 'bytes') === null ? null : bytes(m, 'bytes') }
    case 'credit':
      return { t, call: callOf(m), fd: outputFd(m), bytes: natural(m, 'bytes') }
    case 'kill':
      return { t, call: callOf(m), signal: natural(m, 'signal', 64) }
    case 'close':
      return { t, call: callOf(m), fd: outputFd(m) }
    case 'fs':
      return { t, req: natural(m, 'req'), op: fsOp(record(own(m, 'op'), 'op')) }
    case 'chunk':
      return {
        t,
        req: natural(m, 'req'),
        ...optional(m, 'bytes', () => ({ bytes: bytes(m, 'bytes') })),
        ...optional(m, 'errno', () => ({ errno: natural(m, 'errno', 255) })),
      }
    case 'committed':
      return { t, seq: natural(m, 'seq') }
    case 'commitFailed':
      return { t, seq: natural(m, 'seq'), errno: natural(m, 'errno', 255) }
    case 'allow':
      return { t, memories: natural(m, 'memories') }
    default:
      throw new Unreadable(`a message "${t}" that no broker sends`)
  }
}

function fsOp(m: Fields): FsOp {
  const op = text(m, 'op', 16)
  const path = (key = 'path'): string => text(m, key)
  switch (op) {
    case 'read':
      return { op, path: path(), offset: natural(m, 'offset'), length: natural(m, 'length') }
    case 'write':
      return {
        op,
        path: path(),
        bytes: bytes(m, 'bytes'),
        mode: oneOf(m, 'mode', ['replace', 'append', 'at']),
        offset: natural(m, 'offset'),
        mkdirs: bool(m, 'mkdirs'),
      }
    case 'list':
      return {
        op,
        path: path(),
        recursive: bool(m, 'recursive'),
        limit: natural(m, 'limit'),
        ...optional(m, 'cursor', () => ({ cursor: text(m, 'cursor') })),
      }
    case 'stat':
      return { op, path: path(), follow: bool(m, 'follow') }
    case 'remove':
      return { op, path: path(), recursive: bool(m, 'recursive') }
    case 'move':
      return { op, from: path('from'), to: path('to'), overwrite: bool(m, 'overwrite') }
    case 'mkdir':
      return { op, path: path(), parents: bool(m, 'parents'), mode: natural(m, 'mode', 0o7777) }
    case 'sync':
      return { op }
    default:
      throw new Unreadable(`a file operation "${op}" that does not exist`)
  }
}

const TYPES = ['file', 'directory', 'symlink', 'device', 'fifo'] as const satisfies readonly FileType[]
const ENTRIES = 10_000

function fsValue(m: Fields, limits: Limits): FsValue {
  const op = text(m, 'op', 16)
  switch (op) {
    case 'read':
      return { op, bytes: bytes(m, 'bytes', limits.messageBytes), size: natural(m, 'size'), eof: bool(m, 'eof') }
    case 'write':
      return { op, path: text(m, 'path', limits.pathBytes), bytes: natural(m, 'bytes'), size: natural(m, 'size') }
    case 'list':
      return {
        op,
        entries: list(m, 'entries', ENTRIES, (item) => entry(record(item, 'entries'), limits)),
        ...optional(m, 'next', () => ({ next: text(m, 'next', limits.pathBytes) })),
      }
    case 'stat':
      return { op, stat: stat(record(own(m, 'stat'), 'stat'), limits) }
    case 'remove':
    case 'move':
    case 'mkdir':
    case 'sync':
      return { op }
    default:
      throw new Unreadable(`an answer "${op}" to nothing`)
  }
}

function stat(m: Fields, limits: Limits): FileStat {
  return {
    type: oneOf(m, 'type', TYPES),
    size: natural(m, 'size'),
    mtime: number(m, 'mtime'),
    mode: natural(m, 'mode', 0o7777),
    nlink: natural(m, 'nlink'),
    ...optional(m, 'target', () => ({ target: text(m, 'target', limits.pathBytes) })),
  }
}

function entry(m: Fields, limits: Limits): ListEntry {
  return {
    name: text(m, 'name', limits.pathBytes),
    type: oneOf(m, 'type', TYPES),
    size: natural(m, 'size'),
    mtime: number(m, 'mtime'),
    mode: natural(m, 'mode', 0o7777),
  }
}

function mount(m: Fields): CellMount {
  return {
    mount: natural(m, 'mount'),
    target: text(m, 'target'),
    readOnly: bool(m, 'readOnly'),
    metadata: list(m, 'metadata', 1_000, (item) => asBytes(item, 'metadata')),
  }
}

function usage(m: Fields): RunUsage {
  return { durationMs: number(m, 'durationMs'), processes: natural(m, 'processes') }
}

function change(m: Fields, limits: Limits): Change {
  return { path: text(m, 'path', limits.pathBytes), kind: oneOf(m, 'kind', ['created', 'modified', 'removed']) }
}

function failure(m: Fields): { error?: { errno: number; message: string } } {
  return optional(m, 'error', () => {
    const error = record(own(m, 'error'), 'error')
    return { error: { errno: natural(error, 'errno', 255), message: text(error, 'message', REASON) } }
  })
}

function blobs(m: Fields, limits: Limits): Uint8Array[] {
  let left = limits.fsBytes * 2
  return list(m, 'blobs', 1_000_000, (item) => {
    const blob = asBytes(item, 'blobs')
    left -= blob.length
    if (left < 0) throw new Unreadable('blobs that are too large')
    return blob
  })
}

function limitsOf(m: Fields): Limits {
  const out: Record<string, number> = {}
  for (const name of Object.keys(LIMITS)) out[name] = number(m, name)
  return out as Limits
}

function strings(m: Fields): Record<string, string> {
  const out: Record<string, string> = {}
  for (const key of Object.keys(m)) out[key] = text(m, key)
  return out
}

function callOf(m: Fields): string {
  return text(m, 'call', 200)
}
function outputFd(m: Fields): 1 | 2 {
  const fd = own(m, 'fd')
  if (fd !== 1 && fd !== 2) throw new Unreadable('"fd" is not 1 or 2')
  return fd
}

function optional<T extends object>(m: Fields, key: string, read: () => T): T | Record<string, never> {
  return own(m, key) === undefined ? {} : read()
}
function record(value: unknown, what: string): Fields {
  if (!isRecord(value)) throw new Unreadable(`"${what}" is no object`)
  return value
}
function list<T>(m: Fields, key: string, most: number, read: (item: unknown) => T): T[] {
  const value = own(m, key)
  if (!Array.isArray(value) || value.length > most) throw new Unreadable(`"${key}" is no list of at most ${most}`)
  return Array.from(value as unknown[], read)
}
function asText(value: unknown, what: string, most = Infinity): string {
  if (typeof value !== 'string' || value.length > most) throw new Unreadable(`"${what}" is no text of its length`)
  return value
}
function text(m: Fields, key: string, most?: number): string {
  return asText(own(m, key), key, most)
}
function oneOf<T extends string>(m: Fields, key: string, words: readonly T[]): T {
  const value = own(m, key)
  const word = words.find((candidate) => candidate === value)
  if (word === undefined) throw new Unreadable(`"${key}" is none of its words`)
  return word
}
function bool(m: Fields, key: string): boolean {
  const value = own(m, key)
  if (typeof value !== 'boolean') throw new Unreadable(`"${key}" is not true or false`)
  return value
}
function number(m: Fields, key: string): number {
  const value = own(m, key)
  if (typeof value !== 'number' || !Number.isFinite(value)) throw new Unreadable(`"${key}" is no number`)
  return value
}
function natural(m: Fields, key: string, most = Number.MAX_SAFE_INTEGER): number {
  const value = own(m, key)
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > most) throw new Unreadable(`"${key}" is no count`)
  return value
}
function asBytes(value: unknown, what: string, most = Infinity): Uint8Array {
  // A view of another realm or of a shared buffer is none: the bytes could change while they are read.
  if (!(value instanceof Uint8Array) || !(value.buffer instanceof ArrayBuffer) || value.length > most)
    throw new Unreadable(`"${what}" is no bytes`)
  return value
}
function bytes(m: Fields, key: string, most?: number): Uint8Array {
  return asBytes(own(m, key), key, most)
}
