/**
 * Memories for new instances. Creating one is what the browser allows only so many of, so a memory outlives its instance: it is cleared
 * and serves any other module. Growing one is bounded by the process limit; what a process may have of it, its instance's quota says.
 */
import { Errno, SysError } from '../errno.ts'
import { GuestMemory } from '../wasi/memory.ts'
import { PAGE, wasm } from '../wasi/webassembly.ts'
import type { MemoryBudget } from './memory-budget.ts'

/** A memory without an instance. */
export interface SpareMemory {
  readonly guest: GuestMemory
  /** So many pages, counted from the first, may differ from zero. */
  readonly dirtyPages: number
}

export class MemoryPool {
  readonly #budget: MemoryBudget
  readonly #maximum: number
  readonly #evict: () => SpareMemory | undefined
  readonly #spare: SpareMemory[] = []

  /** `evict` gives the memory of an idle instance; it is asked where there is no spare memory and none may be made. */
  constructor(budget: MemoryBudget, maximumPages: number, evict: () => SpareMemory | undefined) {
    this.#budget = budget
    this.#maximum = maximumPages
    this.#evict = evict
  }

  /** A memory of at least `pages` pages, all zero. `preferSpare`: take an idle instance's rather than make one. */
  take(pages: number, preferSpare: boolean): GuestMemory {
    const spare = this.#spare.pop() ?? (preferSpare || !this.#budget.hasRoom ? this.#evict() : undefined)
    return spare ? this.#cleared(spare, pages) : this.#create(pages)
  }

  give(spare: SpareMemory): void {
    this.#spare.push(spare)
  }

  /** Gives up one spare memory, one larger than `bytes` where there is one. */
  drop(bytes: number): boolean {
    const index = this.#spare.findIndex((spare) => spare.guest.bytes > bytes)
    const [spare] = index < 0 ? [] : this.#spare.splice(index, 1)
    if (spare) this.#budget.drop(spare.guest.memory)
    return spare !== undefined
  }

  #create(pages: number): GuestMemory {
    if (!this.#budget.hasRoom) throw SysError.of(Errno.EAGAIN)
    if (pages > this.#maximum || this.#budget.freeBytes < pages * PAGE) throw SysError.of(Errno.ENOMEM)
    const memory = unlessFull(() => new wasm.Memory({ initial: pages, maximum: this.#maximum }))
    this.#budget.take(memory)
    return new GuestMemory(memory, (bytes) => (this.#budget.bytes += bytes))
  }

  #cleared(spare: SpareMemory, pages: number): GuestMemory {
    const { guest } = spare
    guest.refresh()
    guest.u8.fill(0, 0, spare.dirtyPages * PAGE)
    try {
      growTo(guest, pages)
    } catch (error) {
      this.#budget.drop(guest.memory)
      throw error
    }
    return guest
  }
}

/** ENOMEM where the memory cannot become so large. */
export function growTo(guest: GuestMemory, pages: number): void {
  const more = pages - guest.bytes / PAGE
  if (more <= 0) return
  try {
    guest.memory.grow(more)
  } catch {
    throw SysError.of(Errno.ENOMEM)
  }
  guest.refresh()
}

/** The engine may have no room left although the cell's allowance has: other cells' memories that are not collected yet. */
function unlessFull<T>(make: () => T): T {
  try {
    return make()
  } catch (error) {
    throw error instanceof RangeError ? SysError.of(Errno.EAGAIN) : error
  }
}
