/**
 * The audit: one row a call, kept in IndexedDB, the newest 5,000. Rows are written together, a quarter of a second after the first of
 * them, so that a call does not wait for its own row; a call that still runs by then gets its end in a second write, and one whose
 * worker has died stays `running`. Arguments are kept as a digest only.
 */
import { LIMITS } from '../protocol/limits.ts'
import type { AuditRow } from '../protocol/panel.ts'
import type { JsonValue } from '../protocol/parse.ts'
import { rotateLog } from './log-rotation.ts'

type Begun = Omit<AuditRow, 'seq' | 'digest' | 'argumentBytes'>
/** A call's row on its way to the table: `seq` and the digest are there once it has been written. */
interface Entry {
  row: Begun & Partial<AuditRow>
  args: JsonValue | undefined
}

const TABLE = 'calls'
/** Rows above the limit before the oldest are deleted: not at every call. */
const SLACK = 100
const WRITE_AFTER_MS = 250

let opened: Promise<IDBDatabase> | undefined
const unwritten = new Set<Entry>()
let timer: ReturnType<typeof setTimeout> | undefined
let writing = Promise.resolve()

/** Begins a row; call the result with how the call ended. Nobody waits for either. */
export function begin(row: Begun, args: JsonValue): (end: Partial<AuditRow>) => void {
  const entry: Entry = { row, args }
  writeSoon(entry)
  return (end) => {
    entry.row = { ...entry.row, ...end }
    writeSoon(entry)
  }
}

/** The newest rows first, at most as many as are kept. */
export async function rows(): Promise<AuditRow[]> {
  await write()
  const all = (await answerOf((await table('readonly')).getAll())) as AuditRow[]
  return all.toReversed().slice(0, LIMITS.auditRows)
}

function writeSoon(entry: Entry): void {
  unwritten.add(entry)
  timer ??= setTimeout(() => void write().catch((error: unknown) => console.error('Cannot write the audit:', error)), WRITE_AFTER_MS)
}

/** Writes what has come together, after what is being written. */
async function write(): Promise<void> {
  clearTimeout(timer)
  timer = undefined
  writing = writing.catch(() => undefined).then(writeAll)
  await writing
}

async function writeAll(): Promise<void> {
  const entries = [...unwritten]
  unwritten.clear()
  if (entries.length === 0) return
  for (const entry of entries) await addDigest(entry)
  const store = await table('readwrite')
  const written = entries.map(async (entry) => {
    const seq = Number(await answerOf(store.put(entry.row)))
    entry.row = { ...entry.row, seq }
    return seq
  })
  const newest = Math.max(...(await Promise.all(written)))
  if (newest % SLACK < entries.length) await answerOf((await table('readwrite')).delete(IDBKeyRange.upperBound(newest - LIMITS.auditRows)))
}

async function addDigest(entry: Entry): Promise<void> {
  if (entry.args === undefined) return
  const bytes = new TextEncoder().encode(JSON.stringify(entry.args))
  entry.args = undefined
  const digest = hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
  entry.row = { ...entry.row, digest, argumentBytes: bytes.length }
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

async function database(): Promise<IDBDatabase> {
  await rotateLog()
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open('tidepool audit', 1)
    request.addEventListener('upgradeneeded', () => request.result.createObjectStore(TABLE, { keyPath: 'seq', autoIncrement: true }))
    request.addEventListener('success', () => {
      request.result.addEventListener('close', () => (opened = undefined))
      resolve(request.result)
    })
    request.addEventListener('error', () => {
      opened = undefined
      reject(request.error ?? new Error('Cannot open the audit'))
    })
  })
  return await opened
}

const table = async (mode: IDBTransactionMode): Promise<IDBObjectStore> =>
  (await database()).transaction(TABLE, mode, { durability: 'relaxed' }).objectStore(TABLE)

const answerOf = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error ?? new Error('Cannot use the audit')))
  })
