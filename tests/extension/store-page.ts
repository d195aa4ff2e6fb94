/** Runs the contract suites of the store over IndexedDB in the page that loads it; `window.storeContract()` gives what failed. */
import { IdbTables } from '../../src/offscreen/idb-tables.ts'
import type { Contract } from '../contract/check.ts'
import { storeContract } from '../contract/store.ts'
import { lockedTablesContract, tablesContract, type TablesSubject } from '../contract/tables.ts'

declare global {
  interface Window {
    storeContract(): Promise<{ passed: string[]; failed: string[] }>
  }
}

window.storeContract = async () => {
  const passed: string[] = []
  const failed: string[] = []
  const suites: Record<string, Contract<TablesSubject>> = { tables: tablesContract, locked: lockedTablesContract, store: storeContract }
  for (const [suite, contract] of Object.entries(suites))
    for (const [name, check] of Object.entries(contract)) {
      const database = `${suite} ${name}`
      try {
        await check({ open: () => IdbTables.open(database) })
        passed.push(database)
      } catch (error) {
        failed.push(`${database}: ${String(error)}`)
      }
    }
  return { passed, failed }
}
