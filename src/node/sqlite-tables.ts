/**
 * A store's tables in one SQLite database (node:sqlite, WAL), opened by the trusted parent only. A lock file with the writer's
 * process makes it the single writer; the lock of a process that is gone is taken over. Compare `TablesChange`: the head's
 * generation is compared inside the transaction, so that even two writers cannot both commit.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { type Head, type Tables, type TablesChange, TablesError } from '../orchestrator/store/tables.ts'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS segment (id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS chunk (hash TEXT PRIMARY KEY, bytes BLOB NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS head (id INTEGER PRIMARY KEY CHECK (id = 1), gen INTEGER NOT NULL, json TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS snapshot (name TEXT PRIMARY KEY, json TEXT NOT NULL) STRICT;`

export class SqliteTables implements Tables {
  readonly #db: DatabaseSync
  readonly #unlock: () => void
  readonly #statements = new Map<string, StatementSync>()
  #closed = false

  private constructor(db: DatabaseSync, unlock: () => void) {
    this.#db = db
    this.#unlock = unlock
  }

  /** Opens or creates the store in `directory`, of at most so many pages. Throws TablesError `locked` while another live process has it. */
  static open(directory: string, mostPages?: number): SqliteTables {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    const unlock = lock(join(directory, 'lock'))
    try {
      const db = new DatabaseSync(join(directory, 'tidepool.sqlite'), { timeout: 2_000 })
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;')
      db.exec(SCHEMA)
      if (mostPages !== undefined) db.exec(`PRAGMA max_page_count = ${mostPages}`)
      return new SqliteTables(db, unlock)
    } catch (error) {
      unlock()
      throw failureOf(error, 'Cannot open the store')
    }
  }

  async head(): Promise<Head | undefined> {
    return headOf(this.#get('SELECT json FROM head WHERE id = 1')?.json)
  }
  async segment(id: number): Promise<Uint8Array | undefined> {
    return bytesOf(this.#get('SELECT bytes FROM segment WHERE id = ?', id)?.bytes)
  }
  async chunk(hash: string): Promise<Uint8Array | undefined> {
    return bytesOf(this.#get('SELECT bytes FROM chunk WHERE hash = ?', hash)?.bytes)
  }
  async segmentIds(): Promise<number[]> {
    return this.#all('SELECT id FROM segment').map((row) => Number(row.id))
  }
  async chunkHashes(): Promise<string[]> {
    return this.#all('SELECT hash FROM chunk').map((row) => String(row.hash))
  }
  async snapshots(): Promise<ReadonlyMap<string, Head>> {
    const heads = new Map<string, Head>()
    for (const row of this.#all('SELECT name, json FROM snapshot')) {
      const head = headOf(row.json)
      if (head) heads.set(String(row.name), head)
    }
    return heads
  }

  async commit(change: TablesChange): Promise<void> {
    if (this.#closed) throw new TablesError('lost', 'Cannot commit: the store is closed')
    try {
      this.#db.exec(`PRAGMA synchronous = ${change.durability === 'strict' ? 'FULL' : 'NORMAL'}`)
      this.#db.exec('BEGIN IMMEDIATE')
      this.#write(change)
      this.#db.exec('COMMIT')
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw failureOf(error, 'Cannot commit')
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    this.#statements.clear()
    this.#db.close()
    this.#unlock()
  }

  #write(change: TablesChange): void {
    const gen = Number(this.#get('SELECT gen FROM head WHERE id = 1')?.gen ?? 0)
    if (gen !== change.expect) throw new TablesError('conflict', 'Cannot commit: another writer has committed')
    for (const { hash, bytes } of change.chunks) this.#run('INSERT OR IGNORE INTO chunk VALUES (?, ?)', hash, bytes)
    for (const { id, bytes } of change.segments) this.#run('INSERT INTO segment VALUES (?, ?)', id, bytes)
    for (const id of change.dropSegments) this.#run('DELETE FROM segment WHERE id = ?', id)
    for (const hash of change.dropChunks) this.#run('DELETE FROM chunk WHERE hash = ?', hash)
    this.#run('INSERT OR REPLACE INTO head VALUES (1, ?, ?)', change.head.gen, JSON.stringify(change.head))
  }

  #run(sql: string, ...values: SQLInputValue[]): void {
    this.#prepared(sql).run(...values)
  }
  #get(sql: string, ...values: SQLInputValue[]): Record<string, unknown> | undefined {
    return this.#reading(() => this.#prepared(sql).get(...values))
  }
  #all(sql: string): Record<string, unknown>[] {
    return this.#reading(() => this.#prepared(sql).all())
  }
  #reading<T>(read: () => T): T {
    if (this.#closed) throw new TablesError('lost', 'Cannot read: the store is closed')
    try {
      return read()
    } catch (error) {
      throw failureOf(error, 'Cannot read the store')
    }
  }
  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql)
    if (known) return known
    const statement = this.#db.prepare(sql)
    this.#statements.set(sql, statement)
    return statement
  }
}

const bytesOf = (value: unknown): Uint8Array | undefined => (value instanceof Uint8Array ? value : undefined)
const headOf = (json: unknown): Head | undefined => (typeof json === 'string' ? (JSON.parse(json) as Head) : undefined)

const SQLITE = { busy: 5, full: 13 } as const

function failureOf(error: unknown, action: string): TablesError {
  if (error instanceof TablesError) return error
  const code = (error as { errcode?: unknown }).errcode
  const kind = typeof code === 'number' ? code & 0xff : undefined
  if (kind === SQLITE.full) return new TablesError('quota', `${action}: no space left`, { cause: error })
  if (kind === SQLITE.busy) return new TablesError('locked', `${action}: another process holds it`, { cause: error })
  return new TablesError('io', `${action}: ${(error as Error).message}`, { cause: error })
}

/** Takes the lock file, or throws `locked`. Its text is the writer's process and when that was started. */
function lock(path: string): () => void {
  const mine = `${process.pid} ${startOf(process.pid)}\n`
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      writeFileSync(path, mine, { flag: 'wx', mode: 0o600 })
      return () => unlock(path, mine)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw new TablesError('io', 'Cannot lock the store', { cause: error })
    }
    if (isHeld(path)) throw new TablesError('locked', 'Cannot open the store: another process uses it')
    rmSync(path, { force: true })
  }
  throw new TablesError('locked', 'Cannot open the store: another process uses it')
}

function unlock(path: string, mine: string): void {
  if (existsSync(path) && readFileSync(path, 'utf8') === mine) rmSync(path, { force: true })
}

function isHeld(path: string): boolean {
  let text = ''
  try {
    text = readFileSync(path, 'utf8')
  } catch {
    return false
  }
  const [pid = '', started = ''] = text.trim().split(' ')
  const id = Number(pid)
  if (!Number.isInteger(id) || id <= 0) return false
  try {
    process.kill(id, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
  return startOf(id) === started
}

/** When the process was started, as the system counts it; a pid that has been given again has another. Where the system does not
 *  tell, the pid alone decides. */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '?'
  } catch {
    return '?'
  }
}
