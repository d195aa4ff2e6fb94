/**
 * The orchestrator's platform in Node: a cell is a locked child process, files lie in SQLite or in memory; those of a tool below those of the
 * sandbox that it is installed in.
 */
import { hash, randomUUID } from 'node:crypto'
import { promises as disk } from 'node:fs'
import { join } from 'node:path'
import { MemoryPackages } from '../orchestrator/memory-packages.ts'
import type { Mount, Platform } from '../orchestrator/platform.ts'
import { type Principal, principalKey } from '../protocol/principal.ts'
import { MemoryDisk, MemoryTables } from '../orchestrator/store/memory-tables.ts'
import type { Tables } from '../orchestrator/store/tables.ts'
import { startCellProcess } from './cell-child.ts'
import { DirectoryPackages } from './directory-packages.ts'
import { ExternalTools } from './external-tool.ts'
import { startScriptProcess } from './script-child.ts'
import { SqliteTables } from './sqlite-tables.ts'
import { textCodec } from './text.ts'

export interface NodePlatformOptions {
  /** the directory that files are kept in; without it they are gone with the process */
  readonly store?: string
  readonly mounts: readonly Mount[]
}

export function nodePlatform({ store, mounts }: NodePlatformOptions): Platform {
  const disks = new Map<string, MemoryDisk>()
  const diskOf = (principal: Principal): MemoryDisk => {
    const key = principalKey(principal)
    const disk = disks.get(key) ?? new MemoryDisk()
    disks.set(key, disk)
    return disk
  }
  return {
    startCell: startCellProcess,
    startSnippet: startScriptProcess,
    tables: async (principal): Promise<Tables> =>
      store === undefined ? new MemoryTables(diskOf(principal)) : SqliteTables.open(directoryOf(store, principal)),
    async forget(principal) {
      disks.delete(principalKey(principal))
      // A sandbox's own directory is its user's to remove.
      if (store !== undefined && principal.kind === 'tool') await disk.rm(directoryOf(store, principal), { recursive: true, force: true })
    },
    packages: store === undefined ? new MemoryPackages() : new DirectoryPackages(join(store, 'packages')),
    external: new ExternalTools(),
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

const directoryOf = (store: string, principal: Principal): string =>
  principal.kind === 'tool' ? join(store, 'tools', hash('sha256', principalKey(principal))) : store
