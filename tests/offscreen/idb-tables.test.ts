/** The contract suites over IndexedDB, here the one of fake-indexeddb; tests/extension runs them in Chromium. */
import 'fake-indexeddb/auto'
import { afterEach, describe, expect, test } from 'vitest'
import { IdbTables } from '../../src/offscreen/idb-tables.ts'
import { Store } from '../../src/orchestrator/store/store.ts'
import { FakeCell, utf8 } from '../contract/fake-cell.ts'
import { storeContract, storeHost } from '../contract/store.ts'
import { lockedTablesContract, tablesContract, type TablesSubject } from '../contract/tables.ts'
import { rejected } from '../contract/check.ts'

let count = 0
const subject = (): TablesSubject => {
  const name = `store${count++}`
  return { open: () => IdbTables.open(name) }
}

describe('tables in IndexedDB', () => {
  for (const [name, check] of Object.entries({ ...tablesContract, ...lockedTablesContract })) test(name, () => check(subject()))

  test('T105: notice that the database is deleted under them', async () => {
    const tables = await IdbTables.open('deleted')
    await new Promise<void>((resolve, reject) => {
      const request = indexedDB.deleteDatabase('deleted')
      request.addEventListener('success', () => resolve())
      request.addEventListener('error', () => reject(new Error('not deleted')))
    })
    expect((await rejected(tables.head())).failure).toBe('lost')
    await tables.close()
  })
})
describe('a full disk', () => {
  const put = Object.getOwnPropertyDescriptor(IDBObjectStore.prototype, 'put')!
  afterEach(() => Object.defineProperty(IDBObjectStore.prototype, 'put', put))

  /** The `nth` put from now on, and those after it, fail as the browser's do. */
  function failFrom(nth: number): void {
    let count = 0
    const value = function (this: IDBObjectStore, ...args: unknown[]): unknown {
      if (++count >= nth) throw new DOMException('no room', 'QuotaExceededError')
      return Reflect.apply(put.value as (...rest: unknown[]) => unknown, this, args)
    }
    Object.defineProperty(IDBObjectStore.prototype, 'put', { ...put, value })
  }

  test('T103: at every put leaves the tables as they were, and what was refused goes in when there is room', async () => {
    for (let nth = 1; nth <= 4; nth++) {
      const tables = await IdbTables.open(`full${nth}`)
      const store = await Store.open(tables, storeHost())
      const { seq } = store.attach({ committed: () => {}, failed: () => {}, violated: () => {} })
      const cell = new FakeCell((message) => store.receive(message), seq)
      cell.makeRoot()
      cell.write(1, 'before', utf8('b'))
      cell.barrier()
      await store.flush()
      const head = await tables.head()
      for (const name of ['one', 'two']) cell.write(1, name, crypto.getRandomValues(new Uint8Array(60_000)))
      cell.barrier()
      failFrom(nth)
      expect((await rejected(store.waitFor(cell.seq))).failure).toBe('quota')
      expect(await tables.head()).toEqual(head)
      expect([(await tables.segmentIds()).length, (await tables.chunkHashes()).length]).toEqual([1, 1])
      Object.defineProperty(IDBObjectStore.prototype, 'put', put)
      await store.waitFor(cell.seq)
      expect([(await tables.segmentIds()).length, (await tables.chunkHashes()).length]).toEqual([2, 3])
      await store.close()
    }
  })
})

describe('the store in IndexedDB', () => {
  for (const [name, check] of Object.entries(storeContract)) test(name, { timeout: 30_000 }, () => check(subject()))
})
