/**
 * One budget of wasm memories over all cells: a browser gives a renderer 125 for all sites together (kernel.md section 1). Every
 * cell has a few reserved, a busy one may draw what the others leave, an idle one gives back; those of a cell that was ended by force stay
 * debited until the engine has let them go. Invariant: what is lent and debited never exceeds the budget while each cell holds to it.
 */
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
    const room = this.#free() + Math.max(borrower.lent, borrower.held)
    borrower.lent = Math.max(this.#limits.memoriesCellReserved, Math.min(this.#limits.processesAlive, room))
    return borrower.lent
  }

  /** An idle cell keeps its reserve only. What it still holds counts until it has let it go. */
  giveBack(borrower: Borrower): number {
    borrower.lent = this.#limits.memoriesCellReserved
    return borrower.lent
  }

  /** The cell has ended. By force: the result is to be called when its memories are free again. */
  close(borrower: Borrower): () => void {
    if (!this.#borrowers.delete(borrower)) return () => {}
    let debit = Math.max(borrower.lent, borrower.held)
    this.#debit += debit
    return () => {
      this.#debit -= debit
      debit = 0
    }
  }

  #free(): number {
    let taken = this.#debit
    for (const { lent, held } of this.#borrowers) taken += Math.max(this.#limits.memoriesCellReserved, lent, held)
    return this.#limits.memoriesBroker - taken
  }
}
