/**
 * The orchestrator's platform in Node: a cell is a locked child process, files lie in SQLite or in memory.
 */
import { hash, randomUUID } from 'node:crypto'
import type { Mount, Platform } from '../orchestrator/platform.ts'
import { MemoryTables } from '../orchestrator/store/memory-tables.ts'
import type { Tables } from '../orchestrator/store/tables.ts'
import { startCellProcess } from './cell-child.ts'
import { startScriptProcess } from './script-child.ts'
import { SqliteTables } from './sqlite-tables.ts'
import { textCodec } from './text.ts'

export interface NodePlatformOptions {
  /** the directory that files are kept in; without it they are gone with the process */
  readonly store?: string
  readonly mounts: readonly Mount[]
}

export function nodePlatform({ store, mounts }: NodePlatformOptions): Platform {
  return {
    startCell: startCellProcess,
    startSnippet: startScriptProcess,
    tables: async (): Promise<Tables> => (store === undefined ? new MemoryTables() : SqliteTables.open(store)),
    mounts: () => mounts,
    clock: { now: () => performance.timeOrigin + performance.now(), monotonic: () => performance.now() },
    timer(ms, then, idle) {
      const id = setTimeout(then, ms)
      // A cell is unref'ed, too: what keeps the program alive is a call that is under way, by its deadline.
      if (idle) id.unref()
      return () => clearTimeout(id)
    },
    // At once: for what is hashed here, at most 256 KiB, a turn of the thread pool costs more than the hash.
    sha256: async (bytes) => hash('sha256', bytes, 'buffer'),
    text: textCodec,
    newId: randomUUID,
  }
}
