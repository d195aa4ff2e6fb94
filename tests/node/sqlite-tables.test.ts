/** The contract suites over SQLite, its lock, and kills at any time. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { SqliteTables } from '../../src/node/sqlite-tables.ts'
import { Store } from '../../src/orchestrator/store/store.ts'
import { rejected } from '../contract/check.ts'
import { FakeCell, utf8 } from '../contract/fake-cell.ts'
import { storeContract, storeHost } from '../contract/store.ts'
import { lockedTablesContract, tablesContract, type TablesSubject } from '../contract/tables.ts'
import { killedWriter } from '../support/killed-writer.ts'

const scratch = mkdtempSync(join(tmpdir(), 'tidepool-sqlite-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))
let count = 0
const directory = (): string => join(scratch, `store${count++}`)
const subject = (): TablesSubject => {
  const path = directory()
  return { open: async () => SqliteTables.open(path) }
}

describe('tables in SQLite', () => {
  for (const [name, check] of Object.entries({ ...tablesContract, ...lockedTablesContract })) test(name, () => check(subject()))

  test('take over the lock of a process that is gone', async () => {
    const path = directory()
    await SqliteTables.open(path).close()
    writeFileSync(join(path, 'lock'), '999999999 1\n')
    await SqliteTables.open(path).close()
  })
  test('take over the lock of a process whose number another process has now', async () => {
    const path = directory()
    await SqliteTables.open(path).close()
    writeFileSync(join(path, 'lock'), `${process.pid} 1\n`)
    await SqliteTables.open(path).close()
  })
})

describe('a full disk', () => {
  test('T103: refuses a commit entirely and says that it is full', async () => {
    const path = directory()
    await SqliteTables.open(path).close()
    const limit = new DatabaseSync(join(path, 'tidepool.sqlite'))
    const pages = Number(limit.prepare('PRAGMA page_count').get()?.page_count)
    limit.close()
    const tables = SqliteTables.open(path, pages + 60)
    const store = await Store.open(tables, storeHost())
    const { seq } = store.attach({ committed: () => {}, failed: () => {}, violated: () => {} })
    const cell = new FakeCell((message) => store.receive(message), seq)
    cell.makeRoot()
    cell.write(1, 'small', utf8('s'))
    cell.barrier()
    await store.flush()
    const head = await tables.head()
    const file = cell.write(1, 'large', new Uint8Array(randomBytes(2_000_000)))
    cell.barrier()
    expect((await rejected(store.waitFor(cell.seq))).failure).toBe('quota')
    expect([await tables.head(), (await tables.chunkHashes()).length]).toEqual([head, 1])
    cell.unlink(1, 'large', file)
    cell.barrier()
    await store.waitFor(cell.seq)
    await store.close()
  })
})

describe('the store in SQLite', () => {
  for (const [name, check] of Object.entries(storeContract)) test(name, () => check(subject()))
})

describe('a writer that is killed', () => {
  test('T99: has lost nothing that was acknowledged, and the tree is whole', { timeout: 60_000 }, async () => {
    const path = directory()
    let before = 0
    for (let round = 0; round < 8; round++) {
      const acknowledged = await killedWriter('store-writer.ts', path, 60 + round * 35)
      expect(acknowledged).toBeGreaterThan(before)
      before = acknowledged
      const store = await Store.open(SqliteTables.open(path), storeHost())
      expect(store.inodeCount).toBeGreaterThanOrEqual(1 + acknowledged)
      for (let i = 1; i <= acknowledged; i++) expect(new TextDecoder().decode(await store.content(i + 1, 0))).toBe(`content of ${i + 1}`)
      await store.close()
    }
  })
})
