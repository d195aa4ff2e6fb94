/**
 * One budget of wasm memories over all cells: a browser gives a renderer 125 for all sites together (kernel.md section 1). Every
 * cell has a few reserved, a busy one may draw what the others leave, an idle one gives back when it is asked; those of a cell that was ended by force stay
 * debited until the engine has let them go. Invariant: what is lent and debited never exceeds the budget while each cell holds to it.
 */
import { MEMORIES_UNTOLD } from '../protocol/cell.ts'
import type { Limits } from '../protocol/limits.ts'

export interface Borrower {
  /** what it may hold now */
  lent: number
  /** what it said that it holds */
  held: number
}

export class MemoryLending {
  readonly #limits: Limits
  readonly #borrowers = new Set<Borrower>()
  #debit = 0

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** Whether there is no room for one more cell. */
  get isFull(): boolean {
    return this.#free() < this.#limits.memoriesCellReserved
  }

  /** A new cell with its reserve; undefined when there is no room for one more. */
  open(): Borrower | undefined {
    if (this.isFull) return undefined
    const borrower = { lent: this.#limits.memoriesCellReserved, held: 0 }
    this.#borrowers.add(borrower)
    return borrower
  }

  /** A busy cell's new allowance: what one command's processes may need, if the others leave that much. */
  draw(borrower: Borrower): number {
    borrower.lent = Math.max(this.#limits.memoriesCellReserved, Math.min(this.#limits.processesAlive, this.#room(borrower)))
    return borrower.lent
  }

  /** Whether it would not get all that one command's processes may need. */
  isShort(borrower: Borrower): boolean {
    return this.#room(borrower) < this.#limits.processesAlive
  }

  /** Whether it may hold more than its reserve. */
  isRich(borrower: Borrower): boolean {
    return this.#taken(borrower) > this.#limits.memoriesCellReserved
  }

  /** An idle cell's new allowance: its reserve. All that it had counts until `held` says that it has let it go. */
  giveBack(borrower: Borrower): number {
    borrower.held = this.#taken(borrower)
    borrower.lent = this.#limits.memoriesCellReserved
    return borrower.lent
  }

  /** The cell has ended and had told of `told` memories. The result is to be called when they are free again. */
  close(borrower: Borrower, told: number): () => void {
    if (!this.#borrowers.delete(borrower)) return () => {}
    let debit = Math.min(this.#taken(borrower), told + MEMORIES_UNTOLD)
    this.#debit += debit
    return () => {
      this.#debit -= debit
      debit = 0
    }
  }

  #taken({ lent, held }: Borrower): number {
    return Math.max(this.#limits.memoriesCellReserved, lent, held)
  }

  #room(borrower: Borrower): number {
    return this.#free() + this.#taken(borrower)
  }

  #free(): number {
    let taken = this.#debit
    for (const borrower of this.#borrowers) taken += this.#taken(borrower)
    return this.#limits.memoriesBroker - taken
  }
}
