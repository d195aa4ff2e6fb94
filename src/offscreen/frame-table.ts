/**
 * The frames, one a principal, because workers of one frame can reach each other. A frame without cells is kept for the next one and
 * dropped by age; at most `framesLive` are there.
 */
import type { CellHandle } from '../orchestrator/platform.ts'
import type { Limits } from '../protocol/limits.ts'
import { CellFrame } from './cell-frame.ts'

interface Place {
  readonly frame: Promise<CellFrame>
  /** undefined while it loads */
  loaded: CellFrame | undefined
  lastUse: number
  expiry: ReturnType<typeof setTimeout> | undefined
}

export class FrameTable {
  readonly #limits: Limits
  readonly #places = new Map<string, Place>()

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** Starts a cell in the frame of `key`. Rejects when there is no room for one more frame, or it does not load. */
  async startCell(key: string): Promise<CellHandle> {
    const place = this.#places.get(key) ?? this.#open(key)
    place.lastUse = performance.now()
    clearTimeout(place.expiry)
    return (await place.frame).startCell()
  }

  #open(key: string): Place {
    if (this.#places.size >= this.#limits.framesLive) this.#dropOldest()
    const drop = (): void => this.#drop(key, place)
    const rests = (): void => {
      clearTimeout(place.expiry)
      place.expiry = setTimeout(drop, this.#limits.cellIdleMs)
    }
    const place: Place = {
      frame: CellFrame.load({ rests, died: drop }),
      loaded: undefined,
      lastUse: 0,
      expiry: undefined,
    }
    place.frame.then((frame) => (place.loaded = frame), drop)
    this.#places.set(key, place)
    return place
  }

  #dropOldest(): void {
    const idle = [...this.#places].filter(([, { loaded }]) => loaded?.isEmpty).toSorted(([, a], [, b]) => a.lastUse - b.lastUse)
    const [oldest] = idle
    if (!oldest) throw new Error('the limit framesLive is reached')
    this.#drop(...oldest)
  }

  #drop(key: string, place: Place): void {
    clearTimeout(place.expiry)
    if (this.#places.get(key) === place) this.#places.delete(key)
    place.loaded?.remove()
  }
}
