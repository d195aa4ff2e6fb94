/**
 * The browser as the orchestrator's platform: a frame per principal with a worker per cell, IndexedDB, Web Crypto. No trees of the
 * host are seen here: a page has none.
 */
import type { Platform, TextCodec } from '../orchestrator/platform.ts'
import { LIMITS, type Limits } from '../protocol/limits.ts'
import { principalKey } from '../protocol/principal.ts'
import { FrameTable } from './frame-table.ts'
import { IdbTables } from './idb-tables.ts'
import { PackageStore } from './package-store.ts'

const encoder = new TextEncoder()
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const loose = new TextDecoder('utf-8', { ignoreBOM: true })

const text: TextCodec = {
  encode: (string) => encoder.encode(string),
  decode(bytes) {
    try {
      return { text: strict.decode(bytes), lossy: false }
    } catch {
      return { text: loose.decode(bytes), lossy: true }
    }
  },
  decoder() {
    const stream = new TextDecoder('utf-8', { ignoreBOM: true })
    return (bytes) => (bytes ? stream.decode(bytes, { stream: true }) : stream.decode())
  },
}

export function webPlatform(limits: Limits = LIMITS): Platform {
  const frames = new FrameTable(limits)
  return {
    startCell: (principal) => frames.startCell(principalKey(principal)),
    tables: (principal) => IdbTables.open(`files ${principalKey(principal)}`),
    async forget(principal) {
      await frames.forget(principalKey(principal))
      await IdbTables.remove(`files ${principalKey(principal)}`)
    },
    packages: new PackageStore(),
    mounts: () => [],
    clock: { now: () => Date.now(), monotonic: () => performance.now() },
    timer(ms, then) {
      const id = setTimeout(then, ms)
      return () => clearTimeout(id)
    },
    sha256: async (bytes) => new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)),
    text,
    newId: () => crypto.randomUUID(),
  }
}
