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
    const frame = await place.frame
    // Found dead meanwhile: another one is opened.
    return this.#places.get(key) === place ? frame.startCell() : await this.startCell(key)
  }

  /** Removes the frame of `key`, whose cells have ended. */
  async forget(key: string): Promise<void> {
    const place = this.#places.get(key)
    if (!place) return
    await place.frame.catch(() => undefined)
    this.#drop(key, place)
  }

  #open(key: string): Place {
    if (this.#places.size >= this.#limits.framesLive) this.#dropOldest()
    const drop = (): void => this.#drop(key, place)
    const rests = (): void => {
      clearTimeout(place.expiry)
      place.expiry = setTimeout(drop, this.#limits.cellIdleMs)
    }
    const place: Place = {
      frame: CellFrame.load({ rests, died: () => this.#dropDead(key, place) }),
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

  /** All sandboxed frames share a renderer, and nothing else tells that it has died: the frames that do not answer either go with the one
   *  that was found first, so that the next call does not meet them. */
  #dropDead(key: string, place: Place): void {
    this.#drop(key, place)
    for (const [other, beside] of this.#places) if (beside.loaded?.isDoubtful) this.#drop(other, beside)
  }

  #drop(key: string, place: Place): void {
    clearTimeout(place.expiry)
    if (this.#places.get(key) === place) this.#places.delete(key)
    place.loaded?.remove()
  }
}
