/**
 * The browser as the orchestrator's platform: a frame per principal with a worker per cell, IndexedDB, Web Crypto. Idle frames are
 * kept for the next cell and dropped by age; at most `framesLive` are there.
 */
import { LIMITS } from '../protocol/limits.ts'
import { type Principal, principalKey } from '../protocol/principal.ts'
import type { CellHandle, Platform, TextCodec } from '../orchestrator/platform.ts'
import { CellFrame } from './cell-frame.ts'
import { IdbTables } from './idb-tables.ts'

interface Framed {
  readonly frame: Promise<CellFrame>
  live: CellFrame | undefined
  lastUse: number
}

/** Frames by principal. */
class FrameTable {
  readonly #frames = new Map<string, Framed>()

  async startCell(principal: Principal): Promise<CellHandle> {
    const key = principalKey(principal)
    let framed = this.#frames.get(key)
    if (!framed) {
      this.#dropOldest()
      framed = this.#load(key)
    }
    framed.lastUse = performance.now()
    return (await framed.frame).startCell()
  }

  #load(key: string): Framed {
    const forget = (): void => void this.#frames.delete(key)
    const framed: Framed = { frame: CellFrame.load(forget), live: undefined, lastUse: 0 }
    framed.frame.then((frame) => (framed.live = frame), forget)
    this.#frames.set(key, framed)
    return framed
  }

  #dropOldest(): void {
    if (this.#frames.size < LIMITS.framesLive) return
    const idle = [...this.#frames].filter(([, { live }]) => live?.isEmpty).toSorted(([, a], [, b]) => a.lastUse - b.lastUse)
    const [oldest] = idle
    if (!oldest) return
    this.#frames.delete(oldest[0])
    oldest[1].live?.remove()
  }
}

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

export function webPlatform(): Platform {
  const frames = new FrameTable()
  return {
    startCell: async (principal) => await frames.startCell(principal),
    tables: async (principal) => await IdbTables.open(`files ${principalKey(principal)}`),
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
