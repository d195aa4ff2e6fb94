/**
 * The hard time limit of one run: at the deadline its processes are killed, and if the cell does not confirm that at once the cell itself is.
 * Nothing that a guest does can hold it up: only the trusted side's timers count.
 */
import type { Platform } from './platform.ts'

export interface Watched {
  /** asks the cell to kill the run's processes */
  kill(): void
  /** the cell is slow to confirm: it will probably be ended, and the next one may be started */
  prepare(): void
  /** ends the cell */
  terminate(reason: string): void
}

/** A cell that has not confirmed after this part of its time is slow. */
const SLOW_PART = 5

export class Watchdog {
  readonly #platform: Platform
  readonly #confirmMs: number
  readonly #watched: Watched
  #cancel: (() => void) | undefined
  /** the deadline has passed */
  expired = false
  #killed = false

  constructor(platform: Platform, confirmMs: number, watched: Watched) {
    this.#platform = platform
    this.#confirmMs = confirmMs
    this.#watched = watched
  }

  start(deadlineMs: number): void {
    this.#cancel = this.#platform.timer(deadlineMs, () => {
      this.expired = true
      this.kill()
    })
  }

  /** Kills the run now, the cell if that does not help. */
  kill(): void {
    if (this.#killed) return
    this.#killed = true
    this.#cancel?.()
    this.#watched.kill()
    const slow = this.#confirmMs / SLOW_PART
    this.#cancel = this.#platform.timer(slow, () => {
      this.#watched.prepare()
      this.#cancel = this.#platform.timer(this.#confirmMs - slow, () => this.#watched.terminate('cell restarted'))
    })
  }

  /** The run has ended. */
  stop(): void {
    this.#killed = true
    this.#cancel?.()
  }
}
