/**
 * Who runs next. Waking a process only puts it on the run queue; one dispatcher resumes one process at a time, each as its own
 * coroutine. A process that gave the processor away goes to a second queue, so that work which was waited for comes first.
 * Every 16 ms the dispatcher passes through a macrotask: the port, timers and deadlines of the host are served there.
 */
import type { Clock } from '../clock.ts'
import type { Process } from './process.ts'

/** A process may compute this long before a yielding call takes the processor away. */
const SLICE_MS = 4
/** The host's other tasks wait at most this long. */
const TURN_MS = 16
/** After so many woken processes one that was preempted has its turn. */
const FAIR = 8
/** Waiting calls and pages of 4 KiB read or written between two looks at the clock by a running process. */
const FUEL = 256

export interface SchedulerHooks {
  /** Resumes or starts a process. */
  run(process: Process): void
  switched(process: Process | undefined): void
  /** The host's other tasks have just had their turn. */
  turn(): void
}

export class Scheduler {
  #current: Process | undefined = undefined
  /** Calls (and pages of data) until the running process looks at the clock. */
  fuel = 0
  readonly #clock: Clock
  readonly #macrotask: (task: () => void) => void
  readonly #hooks: SchedulerHooks
  readonly #woken: Process[] = []
  readonly #preempted: Process[] = []
  #scheduled = false
  #turnStart = 0
  #sliceStart = 0
  #last: Process | undefined = undefined
  #dispatches = 0
  readonly #resolved = Promise.resolve()
  readonly #microtask = (): void => this.#dispatch()
  readonly #newTurn = (): void => {
    this.#turnStart = this.#clock.monotonic()
    this.#hooks.turn()
    this.#dispatch()
  }

  constructor(clock: Clock, macrotask: (task: () => void) => void, hooks: SchedulerHooks) {
    this.#clock = clock
    this.#macrotask = macrotask
    this.#hooks = hooks
  }

  /** The process whose code runs now. */
  get current(): Process | undefined {
    return this.#current
  }

  /** Says whose code runs from here on; undefined when it suspends or is done. */
  switchTo(process: Process | undefined): void {
    this.#current = process
    this.#hooks.switched(process)
  }

  /** Puts a process on the run queue. */
  enqueue(process: Process): void {
    this.#woken.push(process)
    this.#schedule()
  }

  /** The current process goes on when those that are ready have had their turn. */
  enqueuePreempted(process: Process): void {
    this.#preempted.push(process)
    this.#schedule()
  }

  /** The running process has used up its fuel: whether it must give the processor away, its slice being over or it being stopped. */
  mustYield(process: Process): boolean {
    this.fuel = FUEL
    if (process.stopped) return true
    return this.#clock.monotonic() - this.#sliceStart >= SLICE_MS
  }

  /** Processor time of a process, in milliseconds; that of the running one up to now. */
  cpuMsOf(process: Process): number {
    return process.cpuMs + (process === this.#last ? this.#clock.monotonic() - this.#sliceStart : 0)
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    // Outside of any process a task of the host is running, so the host has just had its turn.
    if (!this.#current) this.#turnStart = this.#clock.monotonic()
    void this.#resolved.then(this.#microtask)
  }

  /** The process resumed by the dispatch before has run by now: its promise's reaction stood before this microtask in the queue. */
  #dispatch(): void {
    const now = this.#clock.monotonic()
    if (this.#last) {
      this.#last.cpuMs += now - this.#sliceStart
      this.#last = undefined
    }
    if (this.#woken.length === 0 && this.#preempted.length === 0) {
      this.#scheduled = false
      return
    }
    if (now - this.#turnStart >= TURN_MS) {
      this.#macrotask(this.#newTurn)
      return
    }
    this.#dispatches++
    const next = this.#next()!
    this.#last = next
    this.#sliceStart = now
    this.fuel = FUEL
    this.#hooks.run(next)
    void this.#resolved.then(this.#microtask)
  }

  #next(): Process | undefined {
    if (this.#preempted.length > 0 && (this.#woken.length === 0 || this.#dispatches % FAIR === 0)) return this.#preempted.shift()
    return this.#woken.shift()
  }
}
