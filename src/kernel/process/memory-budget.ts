/**
 * How many wasm memories the cell holds and how large they are. A browser gives a renderer 125 memories for all sites together, so
 * the broker lends each cell an allowance; running out is EAGAIN, as a full process table is. A memory that was given up counts until
 * the engine has collected it. Bytes: no process may grow when the cell's sum has reached its limit.
 */
import type { WasmMemory } from '../wasi/webassembly.ts'

export class MemoryBudget {
  allowance: number
  readonly limitBytes: number
  /** sum over all memories that are held */
  bytes = 0
  /** How many memories were given up because they had grown too large to keep, since the start. */
  drops = 0
  #held = 0
  #uncollected = 0
  readonly #collected = new FinalizationRegistry<undefined>(() => {
    this.#uncollected--
  })

  readonly #took: () => void

  /** `took` is called after each memory that is taken. */
  constructor(allowance: number, limitBytes: number, took: () => void = () => {}) {
    this.allowance = allowance
    this.limitBytes = limitBytes
    this.#took = took
  }

  /** Memories in being: those in use, those kept for the next process, and those not yet collected. */
  get count(): number {
    return this.#held + this.#uncollected
  }
  get uncollected(): number {
    return this.#uncollected
  }
  get held(): number {
    return this.#held
  }
  get hasRoom(): boolean {
    return this.count < this.allowance
  }
  get freeBytes(): number {
    return Math.max(0, this.limitBytes - this.bytes)
  }

  take(memory: WasmMemory): void {
    this.#held++
    this.bytes += memory.buffer.byteLength
    this.#took()
  }

  /** The cell keeps no reference to the memory any more. */
  drop(memory: WasmMemory): void {
    this.#held--
    this.#uncollected++
    this.bytes -= memory.buffer.byteLength
    this.#collected.register(memory, undefined)
  }
}
