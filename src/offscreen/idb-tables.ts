/**
 * A store's tables in IndexedDB, one database a principal, one `readwrite` transaction a commit. A Web Lock makes this document
 * the single writer; a database that is deleted or upgraded under us is closed at once and every later call fails as `lost`.
 */
import { type DBSchema, type IDBPDatabase, openDB } from 'idb'
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
    try {
      const tx = this.#db.transaction(ALL, 'readwrite', { durability: change.durability })
      // The transaction's own failure is reported below; its promise must not be an unhandled rejection meanwhile.
      tx.done.catch(() => {})
      const current = await tx.objectStore('head').get('head')
      if ((current?.gen ?? 0) !== change.expect) {
        tx.abort()
        throw new TablesError('conflict', 'Cannot commit: another writer has committed')
      }
      const work: Promise<unknown>[] = [tx.objectStore('head').put(change.head, 'head')]
      for (const { hash, bytes } of change.chunks) work.push(tx.objectStore('chunk').put(bytes, hash))
      for (const { id, bytes } of change.segments) work.push(tx.objectStore('segment').put(bytes, id))
      for (const id of change.dropSegments) work.push(tx.objectStore('segment').delete(id))
      for (const hash of change.dropChunks) work.push(tx.objectStore('chunk').delete(hash))
      await Promise.all([...work, tx.done])
    } catch (error) {
      throw failureOf(error, 'Cannot commit')
    }
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return
    if (this.#state === 'open') this.#db.close()
    this.#state = 'closed'
    this.#unlock()
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

function failureOf(error: unknown, action: string): TablesError {
  if (error instanceof TablesError) return error
  const name = error instanceof Error || error instanceof DOMException ? error.name : ''
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
