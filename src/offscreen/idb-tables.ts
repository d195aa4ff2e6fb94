/**
 * A store's tables in IndexedDB, one database a principal, one `readwrite` transaction a commit. A Web Lock makes this document
 * the single writer; a database that is deleted or upgraded under us is closed at once and every later call fails as `lost`.
 */
import { deleteDB, type DBSchema, type IDBPDatabase, type IDBPTransaction, openDB } from 'idb'
import { type Head, type Tables, type TablesChange, TablesError } from '../orchestrator/store/tables.ts'

interface Schema extends DBSchema {
  segment: { key: number; value: Uint8Array }
  chunk: { key: string; value: Uint8Array }
  head: { key: 'head'; value: Head }
  snapshot: { key: string; value: Head }
}

const ALL = ['segment', 'chunk', 'head', 'snapshot'] as const
const LOCK_WAIT_MS = 2_000

export class IdbTables implements Tables {
  readonly #db: IDBPDatabase<Schema>
  readonly #unlock: () => void
  #state: 'open' | 'lost' | 'closed' = 'open'

  private constructor(db: IDBPDatabase<Schema>, unlock: () => void) {
    this.#db = db
    this.#unlock = unlock
  }

  /** Opens or creates the database `name`. Throws TablesError `locked` while another document is the writer. */
  static async open(name: string): Promise<IdbTables> {
    const unlock = await lock(name)
    try {
      let lose = (): void => {}
      const db = await openDB<Schema>(name, 1, {
        upgrade: (fresh) => {
          for (const store of ALL) fresh.createObjectStore(store)
        },
        blocking: () => lose(),
        terminated: () => lose(),
      })
      const tables = new IdbTables(db, unlock)
      lose = () => tables.#lose()
      return tables
    } catch (error) {
      unlock()
      throw failureOf(error, 'Cannot open the store')
    }
  }

  /** Removes the database; whoever has it open loses it. */
  static async remove(name: string): Promise<void> {
    await deleteDB(name)
  }

  head(): Promise<Head | undefined> {
    return this.#reading(() => this.#db.get('head', 'head'))
  }
  segment(id: number): Promise<Uint8Array | undefined> {
    return this.#reading(() => this.#db.get('segment', id))
  }
  chunk(hash: string): Promise<Uint8Array | undefined> {
    return this.#reading(() => this.#db.get('chunk', hash))
  }
  segmentIds(): Promise<number[]> {
    return this.#reading(() => this.#db.getAllKeys('segment'))
  }
  chunkHashes(): Promise<string[]> {
    return this.#reading(() => this.#db.getAllKeys('chunk'))
  }
  snapshots(): Promise<ReadonlyMap<string, Head>> {
    return this.#reading(async () => {
      const tx = this.#db.transaction('snapshot')
      const [names, heads] = await Promise.all([tx.store.getAllKeys(), tx.store.getAll(), tx.done])
      return new Map(names.map((name, i) => [name, heads[i]!]))
    })
  }

  async commit(change: TablesChange): Promise<void> {
    this.#check('Cannot commit')
    const tx = this.#begin(change.durability)
    // Its own failure is reported below; until then it must not be an unhandled rejection.
    tx.done.catch(() => {})
    try {
      const current = await tx.objectStore('head').get('head')
      if ((current?.gen ?? 0) !== change.expect) throw new TablesError('conflict', 'Cannot commit: another writer has committed')
      await Promise.all([...put(tx, change), tx.done])
    } catch (error) {
      undo(tx)
      // A request whose transaction has failed says only that it was aborted; the transaction says why.
      const reason: unknown = nameOf(error) === 'AbortError' ? await tx.done.catch((why: unknown) => why) : error
      throw failureOf(reason, 'Cannot commit')
    }
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return
    if (this.#state === 'open') this.#db.close()
    this.#state = 'closed'
    this.#unlock()
  }

  #begin(durability: TablesChange['durability']): Writing {
    try {
      return this.#db.transaction(ALL, 'readwrite', { durability })
    } catch (error) {
      throw failureOf(error, 'Cannot commit')
    }
  }

  #lose(): void {
    if (this.#state !== 'open') return
    this.#state = 'lost'
    this.#db.close()
    this.#unlock()
  }

  #check(action: string): void {
    if (this.#state !== 'open') throw new TablesError('lost', `${action}: the database has been closed`)
  }

  async #reading<T>(read: () => Promise<T>): Promise<T> {
    this.#check('Cannot read the store')
    try {
      return await read()
    } catch (error) {
      throw failureOf(error, 'Cannot read the store')
    }
  }
}

type Writing = IDBPTransaction<Schema, typeof ALL, 'readwrite'>

/** Asks for every write of the change. */
function put(tx: Writing, change: TablesChange): Promise<unknown>[] {
  const asked: Promise<unknown>[] = []
  const ask = (write: Promise<unknown>): void => {
    // One that is refused takes the whole transaction with it, and that is where it is reported.
    write.catch(() => {})
    asked.push(write)
  }
  for (const { hash, bytes } of change.chunks) ask(tx.objectStore('chunk').put(bytes, hash))
  for (const { id, bytes } of change.segments) ask(tx.objectStore('segment').put(bytes, id))
  for (const id of change.dropSegments) ask(tx.objectStore('segment').delete(id))
  for (const hash of change.dropChunks) ask(tx.objectStore('chunk').delete(hash))
  ask(tx.objectStore('head').put(change.head, 'head'))
  return asked
}

/** Without it a transaction that lost one of its puts would commit the others by itself. */
function undo(tx: Writing): void {
  try {
    tx.abort()
  } catch {
    // It has been aborted already.
  }
}

const nameOf = (error: unknown): string => (error instanceof Error || error instanceof DOMException ? error.name : '')

function failureOf(error: unknown, action: string): TablesError {
  if (error instanceof TablesError) return error
  const name = nameOf(error)
  if (name === 'QuotaExceededError') return new TablesError('quota', `${action}: no space left`, { cause: error })
  if (name === 'InvalidStateError') return new TablesError('lost', `${action}: the database has been closed`, { cause: error })
  return new TablesError('io', `${action}: ${name || 'unknown error'}`, { cause: error })
}

/** Holds the writer's Web Lock of a database until the result is called. A document that is being replaced gets a moment to end. */
function lock(name: string): Promise<() => void> {
  return new Promise((resolve, reject) => {
    const held = new Promise<void>((release) => {
      navigator.locks
        .request(`tidepool store ${name}`, { signal: AbortSignal.timeout(LOCK_WAIT_MS) }, () => {
          resolve(release)
          return held
        })
        .catch(() => reject(new TablesError('locked', 'Cannot open the store: another document uses it')))
    })
  })
}
