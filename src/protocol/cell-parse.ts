/**
 * Parsers of the cell's wire: `unknown` as it came over the broker port → a message made of what was checked, or a reason. Each
 * property is read once. What a parser cannot know (that a call exists, that records make sense) is its caller's to check.
 */
import {
  CELL_WIRE_VERSION,
  type CellMount,
  type Change,
  type FsOp,
  type FsValue,
  type ListEntry,
  type OutputFd,
  type ToBroker,
  type ToCell,
} from './cell.ts'
import type { FileStat, FileType } from './cell.ts'
import { JS_MESSAGE_BYTES } from './js-wire.ts'
import { LIMITS, type LimitName, type Limits } from './limits.ts'
import { isRecord, own, type Parsed, Refused } from './parse.ts'

/** Wider than any errno. */
const ERRNO_MAX = 255
const SIGNAL_MAX = 64
const CALL_LENGTH = 128
const MESSAGE_LENGTH = 1_000
const CHANGES = 100
const TRACE_LENGTH = 1_000_000
const BLOBS = 4_096
const MOUNTS = 64
const STREAMS = 100_000
const MODE_MAX = 0o7777
const U32 = 0xffffffff
const FILE_TYPES: readonly FileType[] = ['file', 'directory', 'symlink', 'device', 'fifo']
const CHANGE_KINDS: readonly Change['kind'][] = ['created', 'modified', 'removed']

export function parseToCell(message: unknown): Parsed<ToCell> {
  return attempt(() => {
    const m = new Reader(message, '')
    switch (m.text('t', 16)) {
      case 'boot':
        return readBoot(m)
      case 'run':
        return {
          t: 'run',
          call: m.call(),
          argv: m.list('argv', LIMITS.argumentBytes, (item, at) => textOf(item, at, LIMITS.argumentBytes)),
          ...m.optional('cwd', () => ({ cwd: m.text('cwd', LIMITS.pathBytes) })),
          ...m.optional('env', () => ({ env: m.environment('env') })),
          stdin: m.flag('stdin'),
          ...m.optional('result', () => ({ result: m.flag('result') })),
        }
      case 'stdin':
        return { t: 'stdin', call: m.call(), bytes: m.get('bytes') === null ? null : m.bytes('bytes', LIMITS.messageBytes) }
      case 'credit':
        return { t: 'credit', call: m.call(), fd: m.stream(), bytes: m.whole('bytes', U32) }
      case 'kill':
        return { t: 'kill', call: m.call(), signal: m.whole('signal', SIGNAL_MAX) }
      case 'close':
        return { t: 'close', call: m.call(), fd: m.stream() }
      case 'reply':
        return { t: 'reply', req: m.whole('req'), answer: m.text('answer', LIMITS.messageBytes) }
      case 'fs':
        return { t: 'fs', req: m.whole('req'), op: readOp(m.inner('op')) }
      case 'chunk':
        return {
          t: 'chunk',
          req: m.whole('req'),
          ...m.optional('bytes', () => ({ bytes: m.bytes('bytes', LIMITS.messageBytes) })),
          ...m.optional('errno', () => ({ errno: m.whole('errno', ERRNO_MAX) })),
        }
      case 'committed':
        return { t: 'committed', seq: m.whole('seq') }
      case 'commitFailed':
        return { t: 'commitFailed', seq: m.whole('seq'), errno: m.whole('errno', ERRNO_MAX) }
      case 'allow':
        return { t: 'allow', memories: m.whole('memories', U32) }
      case 'snippetSaid':
        return { t: 'snippetSaid', snippet: m.whole('snippet'), bytes: m.bytes('bytes', JS_MESSAGE_BYTES) }
      case 'snippetEnded':
        return { t: 'snippetEnded', snippet: m.whole('snippet'), reason: m.text('reason', MESSAGE_LENGTH) }
      default:
        return m.refuse('t', 'is no message to a cell')
    }
  })
}

/** `limits` are the cell's: what is larger than they allow is refused. */
export function parseToBroker(message: unknown, limits: Limits): Parsed<ToBroker> {
  return attempt(() => {
    const m = new Reader(message, '')
    switch (m.text('t', 16)) {
      case 'ready':
        return { t: 'ready', version: m.whole('version', U32), proof: m.list('proof', 64, (item, at) => textOf(item, at, 200)) }
      case 'refused':
        return { t: 'refused', reason: m.text('reason', MESSAGE_LENGTH) }
      case 'trace':
        return { t: 'trace', lines: m.text('lines', TRACE_LENGTH) }
      case 'took':
        return { t: 'took', call: m.call(), bytes: m.whole('bytes', U32) }
      case 'out':
        return { t: 'out', call: m.call(), fd: m.stream(), bytes: m.bytes('bytes', limits.outputCreditBytes) }
      case 'ask':
        return { t: 'ask', req: m.whole('req'), call: m.call(), request: m.text('request', limits.messageBytes) }
      case 'exit':
        return {
          t: 'exit',
          call: m.call(),
          status: m.whole('status', 255),
          ...m.optional('signal', () => ({ signal: m.whole('signal', SIGNAL_MAX) })),
          usage: readUsage(m.inner('usage')),
          changed: m.list('changed', CHANGES, (item, at) => readChange(new Reader(item, at), limits)),
          seq: m.whole('seq'),
          ...m.optional('error', () => ({ error: readError(m.inner('error')) })),
        }
      case 'fault':
        return { t: 'fault', req: m.whole('req'), mount: m.whole('mount', MOUNTS), ino: m.whole('ino', U32), index: m.whole('index', U32) }
      case 'journal':
        return readJournalMessage(m, limits)
      case 'answer':
        return {
          t: 'answer',
          req: m.whole('req'),
          ...m.optional('value', () => ({ value: readValue(m.inner('value'), limits) })),
          seq: m.whole('seq'),
          ...m.optional('error', () => ({ error: readError(m.inner('error')) })),
        }
      case 'beat':
        return {
          t: 'beat',
          memories: m.whole('memories', U32),
          memoryBytes: m.whole('memoryBytes'),
          processes: m.whole('processes', U32),
        }
      case 'snippetStart':
        return { t: 'snippetStart', snippet: m.whole('snippet') }
      case 'snippetEnd':
        return { t: 'snippetEnd', snippet: m.whole('snippet') }
      case 'snippetSay':
        return { t: 'snippetSay', snippet: m.whole('snippet'), bytes: m.bytes('bytes', limits.messageBytes) }
      case 'snippetTook':
        return { t: 'snippetTook', snippet: m.whole('snippet'), bytes: m.whole('bytes', U32) }
      default:
        return m.refuse('t', 'is no message of a cell')
    }
  })
}

function readBoot(m: Reader): ToCell {
  if (m.whole('version', U32) !== CELL_WIRE_VERSION) return m.refuse('version', `is not ${CELL_WIRE_VERSION}`)
  return {
    t: 'boot',
    version: CELL_WIRE_VERSION,
    limits: readLimits(m.inner('limits')),
    env: m.environment('env'),
    ...m.optional('seed', () => ({ seed: m.number('seed') })),
    metadata: m.list('metadata', STREAMS, (item, at) => bytesOf(item, at, Number.MAX_SAFE_INTEGER)),
    seq: m.whole('seq'),
    mounts: m.list('mounts', MOUNTS, (item, at) => readMount(new Reader(item, at))),
    memories: m.whole('memories', U32),
    ...m.optional('trace', () => ({ trace: m.flag('trace') })),
  }
}

function readLimits(m: Reader): Limits {
  const limits: Partial<Record<LimitName, number>> = {}
  for (const name of Object.keys(LIMITS) as LimitName[]) {
    const value = m.number(name)
    if (value < 0) m.refuse(name, 'is negative')
    limits[name] = value
  }
  return limits as Limits
}

function readMount(m: Reader): CellMount {
  const target = m.text('target', LIMITS.pathBytes)
  if (!target.startsWith('/')) m.refuse('target', 'is no absolute path')
  return {
    mount: m.whole('mount', MOUNTS),
    target,
    readOnly: m.flag('readOnly'),
    metadata: m.list('metadata', STREAMS, (item, at) => bytesOf(item, at, Number.MAX_SAFE_INTEGER)),
  }
}

function readOp(m: Reader): FsOp {
  const path = (key = 'path'): string => m.text(key, LIMITS.pathBytes)
  switch (m.text('op', 16)) {
    case 'read':
      return { op: 'read', path: path(), offset: m.whole('offset'), length: m.whole('length') }
    case 'write': {
      const mode = m.oneOf('mode', ['replace', 'append', 'at'] as const)
      const bytes = m.bytes('bytes', LIMITS.messageBytes)
      return { op: 'write', path: path(), bytes, mode, offset: m.whole('offset'), mkdirs: m.flag('mkdirs') }
    }
    case 'list':
      return {
        op: 'list',
        path: path(),
        recursive: m.flag('recursive'),
        limit: m.whole('limit', U32),
        ...m.optional('cursor', () => ({ cursor: m.text('cursor', 2 * LIMITS.pathBytes) })),
      }
    case 'stat':
      return { op: 'stat', path: path(), follow: m.flag('follow') }
    case 'remove':
      return { op: 'remove', path: path(), recursive: m.flag('recursive') }
    case 'move':
      return { op: 'move', from: path('from'), to: path('to'), overwrite: m.flag('overwrite') }
    case 'mkdir':
      return { op: 'mkdir', path: path(), parents: m.flag('parents'), mode: m.whole('mode', MODE_MAX) }
    case 'sync':
      return { op: 'sync' }
    default:
      return m.refuse('op', 'is no file operation')
  }
}

function readUsage(m: Reader): { durationMs: number; processes: number } {
  const durationMs = m.number('durationMs')
  if (durationMs < 0) m.refuse('durationMs', 'is negative')
  return { durationMs, processes: m.whole('processes', U32) }
}

function readChange(m: Reader, limits: Limits): Change {
  return { path: m.text('path', limits.pathBytes), kind: m.oneOf('kind', CHANGE_KINDS) }
}

function readError(m: Reader): { errno: number; message: string } {
  return { errno: m.whole('errno', ERRNO_MAX), message: m.text('message', MESSAGE_LENGTH + LIMITS.pathBytes) }
}

function readJournalMessage(m: Reader, limits: Limits): ToBroker {
  const records = m.bytes('records', limits.messageBytes)
  let left = limits.messageBytes - records.length
  const blobs = m.list('blobs', BLOBS, (item, at) => {
    const blob = bytesOf(item, at, left)
    left -= blob.length
    return blob
  })
  return { t: 'journal', seq: m.whole('seq'), records, blobs, barrier: m.flag('barrier'), urgent: m.flag('urgent') }
}

function readValue(m: Reader, limits: Limits): FsValue {
  switch (m.text('op', 16)) {
    case 'read':
      return { op: 'read', bytes: m.bytes('bytes', limits.messageBytes), size: m.whole('size'), eof: m.flag('eof') }
    case 'write':
      return { op: 'write', path: m.text('path', limits.pathBytes), bytes: m.whole('bytes'), size: m.whole('size') }
    case 'list':
      return {
        op: 'list',
        entries: m.list('entries', limits.fsInodes, (item, at) => readEntry(new Reader(item, at), limits)),
        ...m.optional('next', () => ({ next: m.text('next', 2 * limits.pathBytes) })),
      }
    case 'stat':
      return { op: 'stat', stat: readStat(m.inner('stat'), limits) }
    case 'remove':
      return { op: 'remove' }
    case 'move':
      return { op: 'move' }
    case 'mkdir':
      return { op: 'mkdir' }
    case 'sync':
      return { op: 'sync' }
    default:
      return m.refuse('op', 'is no answer of a file operation')
  }
}

function readEntry(m: Reader, limits: Limits): ListEntry {
  return {
    name: m.text('name', limits.pathBytes),
    type: m.oneOf('type', FILE_TYPES),
    size: m.whole('size'),
    mtime: m.number('mtime'),
    mode: m.whole('mode', MODE_MAX),
  }
}

function readStat(m: Reader, limits: Limits): FileStat {
  return {
    type: m.oneOf('type', FILE_TYPES),
    size: m.whole('size'),
    mtime: m.number('mtime'),
    mode: m.whole('mode', MODE_MAX),
    nlink: m.whole('nlink', U32),
    ...m.optional('target', () => ({ target: m.text('target', limits.pathBytes) })),
  }
}

function attempt<T>(read: () => T): Parsed<T> {
  try {
    return { ok: true, value: read() }
  } catch (error) {
    if (error instanceof Refused) return { ok: false, at: error.at, reason: `${error.at} ${error.message}`.trim() }
    return { ok: false, at: '', reason: 'cannot be read' }
  }
}

function textOf(value: unknown, at: string, length: number): string {
  if (typeof value !== 'string') throw new Refused(at, 'is no text')
  if (value.length > length) throw new Refused(at, `is longer than ${length}`)
  return value
}

/** Bytes that nobody else can write to: a shared or resizable buffer is refused. */
function bytesOf(value: unknown, at: string, length: number): Uint8Array {
  if (!(value instanceof Uint8Array) || !(value.buffer instanceof ArrayBuffer) || value.buffer.resizable)
    throw new Refused(at, 'is no byte array')
  if (value.length > length) throw new Refused(at, `has more than ${length} bytes`)
  return value
}

/** Reads own properties of one object, each at most once where its value is used. */
class Reader {
  readonly #of: Record<string, unknown>
  readonly #at: string
  readonly #read = new Map<string, unknown>()

  constructor(value: unknown, at: string) {
    if (!isRecord(value)) throw new Refused(at, 'is no object')
    this.#of = value
    this.#at = at
  }

  get(key: string): unknown {
    if (!this.#read.has(key)) this.#read.set(key, own(this.#of, key))
    return this.#read.get(key)
  }
  refuse(key: string, reason: string): never {
    throw new Refused(`${this.#at}/${key}`, reason)
  }
  inner(key: string): Reader {
    return new Reader(this.get(key), `${this.#at}/${key}`)
  }
  /** What `read` gives when the property is there, else nothing. */
  optional<T extends object>(key: string, read: () => T): Partial<T> {
    return this.get(key) === undefined ? {} : read()
  }
  text(key: string, length: number): string {
    return textOf(this.get(key), `${this.#at}/${key}`, length)
  }
  call(): string {
    return this.text('call', CALL_LENGTH)
  }
  number(key: string): number {
    const value = this.get(key)
    if (typeof value !== 'number' || !Number.isFinite(value)) return this.refuse(key, 'is no finite number')
    return value
  }
  whole(key: string, most = Number.MAX_SAFE_INTEGER): number {
    const value = this.get(key)
    if (!Number.isSafeInteger(value) || (value as number) < 0 || (value as number) > most)
      return this.refuse(key, `is no whole number up to ${most}`)
    return value as number
  }
  flag(key: string): boolean {
    const value = this.get(key)
    return typeof value === 'boolean' ? value : this.refuse(key, 'is neither true nor false')
  }
  stream(): OutputFd {
    const value = this.get('fd')
    return value === 1 || value === 2 || value === 3 ? value : this.refuse('fd', 'is none of 1, 2 and 3')
  }
  oneOf<T extends string>(key: string, values: readonly T[]): T {
    const value = this.get(key)
    return values.find((one) => one === value) ?? this.refuse(key, `is none of ${values.join(', ')}`)
  }
  bytes(key: string, length: number): Uint8Array {
    return bytesOf(this.get(key), `${this.#at}/${key}`, length)
  }
  list<T>(key: string, length: number, read: (item: unknown, at: string) => T): T[] {
    const value = this.get(key)
    if (!Array.isArray(value)) return this.refuse(key, 'is no list')
    const count = value.length
    if (count > length) return this.refuse(key, `has more than ${length} items`)
    const items: T[] = []
    for (let i = 0; i < count; i++) items.push(read(value[i], `${this.#at}/${key}/${i}`))
    return items
  }
  environment(key: string): Record<string, string> {
    const value = this.get(key)
    if (!isRecord(value)) return this.refuse(key, 'is no object')
    const env: Record<string, string> = Object.create(null) as Record<string, string>
    for (const name of Object.keys(value)) {
      if (name === '' || name.includes('=') || name.includes('\0')) return this.refuse(key, 'has a name that no variable can have')
      const text = textOf(value[name], `${this.#at}/${key}/${name}`, LIMITS.argumentBytes)
      if (text.includes('\0')) return this.refuse(key, 'has a value with a NUL')
      env[name] = text
    }
    return env
  }
}
