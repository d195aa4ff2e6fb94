/** The contract suites over IndexedDB, here the one of fake-indexeddb; tests/extension runs them in Chromium. */
import 'fake-indexeddb/auto'
import { describe, expect, test } from 'vitest'
import { IdbTables } from '../../src/offscreen/idb-tables.ts'
import { storeContract } from '../contract/store.ts'
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
describe('the store in IndexedDB', () => {
  for (const [name, check] of Object.entries(storeContract)) test(name, { timeout: 30_000 }, () => check(subject()))
})
