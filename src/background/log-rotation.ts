/**
 * Keeps a killed browser from costing a site its files. Chromium keeps all IndexedDB databases of the extension in one LevelDB. After a kill
 * the last record of its log can be torn; the next start reads over it but goes on writing behind it into the same log, and the start
 * after that takes the torn record for corruption and deletes every database (measured on Chromium 156). So once in the life of the
 * browser, before anything is written, enough is written and deleted again that LevelDB begins a new log and drops the torn one.
 */
import { Row } from './state.ts'

const DATABASE = 'tidepool log'
const TABLE = 'filling'
/** LevelDB begins a new log after at most 4 MiB; a value of 64 KiB or more would not lie in it. */
const PIECE_BYTES = 48 * 1024
const PIECES_A_STEP = 32
const STEPS = 4

const rotated = new Row('session', 'log rotated', (stored) => stored === true)
let rotating: Promise<void> | undefined

/** Resolves when the log of this life of the browser is a new one. Everything that writes to a database waits for it. */
export function rotateLog(): Promise<void> {
  rotating ??= rotateOnce().catch((error: unknown) => console.error('Cannot begin a new log:', error))
  return rotating
}

async function rotateOnce(): Promise<void> {
  if (await rotated.read()) return
  const database = await open()
  try {
    for (let step = 0; step < STEPS; step += 1) await inTransaction(database, fill)
    await inTransaction(database, (table) => void table.clear())
  } finally {
    database.close()
  }
  await rotated.write(true)
}

function fill(table: IDBObjectStore): void {
  for (let piece = 0; piece < PIECES_A_STEP; piece += 1) table.add(new Uint8Array(PIECE_BYTES))
}

function open(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1)
    request.addEventListener('upgradeneeded', () => request.result.createObjectStore(TABLE, { autoIncrement: true }))
    request.addEventListener('success', () => resolve(request.result))
    request.addEventListener('error', () => reject(request.error ?? new Error('the database does not open')))
  })
}

function inTransaction(database: IDBDatabase, work: (table: IDBObjectStore) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const transaction = database.transaction(TABLE, 'readwrite', { durability: 'relaxed' })
    transaction.addEventListener('complete', () => resolve())
    transaction.addEventListener('abort', () => reject(transaction.error ?? new Error('the transaction was aborted')))
    work(transaction.objectStore(TABLE))
  })
}
