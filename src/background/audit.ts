/**
 * The audit: one row a call, kept in IndexedDB, the newest 5,000. A row is written when a call is decided and again when it has
 * ended, so a worker that dies in between leaves a row that says so. Arguments are kept as a digest only.
 */
import { LIMITS } from '../protocol/limits.ts'
import type { AuditRow } from '../protocol/panel.ts'
import type { JsonValue } from '../protocol/parse.ts'

const TABLE = 'calls'
/** Rows above the limit before the oldest are deleted: not at every call. */
const SLACK = 100

let opened: Promise<IDBDatabase> | undefined

function database(): Promise<IDBDatabase> {
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
  return opened
}

const answerOf = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error ?? new Error('Cannot use the audit')))
  })

const table = async (mode: IDBTransactionMode): Promise<IDBObjectStore> =>
  (await database()).transaction(TABLE, mode, { durability: 'relaxed' }).objectStore(TABLE)

type Begun = Omit<AuditRow, 'seq' | 'digest' | 'argumentBytes'>

/** Begins a row; call the result with how the call ended. Nobody waits for either: the call goes first, and what has ended by the
 *  time the row is written is written once. */
export function begin(row: Begun, args: JsonValue): (end: Partial<AuditRow>) => void {
  let ended: Partial<AuditRow> = {}
  const written = record(row, args, () => ended)
  written.catch(complain)
  return (end) => {
    ended = end
    written.then((begun) => (begun.outcome === 'running' ? rewrite({ ...begun, ...end }) : undefined)).catch(complain)
  }
}

const complain = (error: unknown): void => console.error('Cannot write the audit:', error)

async function record(row: Begun, args: JsonValue, ended: () => Partial<AuditRow>): Promise<AuditRow> {
  await new Promise((resolve) => setTimeout(resolve, 0))
  const bytes = new TextEncoder().encode(JSON.stringify(args))
  const digest = hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
  const full = { ...row, digest, argumentBytes: bytes.length, ...ended() }
  const seq = Number(await answerOf((await table('readwrite')).add(full)))
  if (seq % SLACK === 0) await trim(seq)
  return { ...full, seq }
}

async function rewrite(row: AuditRow): Promise<void> {
  await answerOf((await table('readwrite')).put(row))
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

async function trim(newest: number): Promise<void> {
  await answerOf((await table('readwrite')).delete(IDBKeyRange.upperBound(newest - LIMITS.auditRows)))
}

/** The newest rows first, at most as many as are kept. */
export async function rows(): Promise<AuditRow[]> {
  const all = (await answerOf((await table('readonly')).getAll())) as AuditRow[]
  return all.toReversed().slice(0, LIMITS.auditRows)
}
