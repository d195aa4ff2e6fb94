/**
 * The only place where a system call suspends. A call that must wait registers its process with a queue and answers WOULD_BLOCK; the
 * shim then awaits `slow`, and makes the same call again when the process was resumed. How far a call came is kept in the process.
 */
import { Errno } from '../errno.ts'
import { UNWIND, type ProcessTable } from '../process/process-table.ts'
import type { Process } from '../process/process.ts'
import type { Scheduler } from '../process/scheduler.ts'
import { Waiter, type WaitQueue } from '../process/wait-queue.ts'
import { WOULD_BLOCK } from './shim.ts'

export class Blocking {
  readonly #scheduler: Scheduler
  readonly #table: ProcessTable
  readonly #resumed: (process: Process) => void

  /** `resumed` is called for each process that goes on. */
  constructor(scheduler: Scheduler, table: ProcessTable, resumed: (process: Process) => void) {
    this.#scheduler = scheduler
    this.#table = table
    this.#resumed = resumed
  }

  /** Lets the process wait for `queue`. EINTR instead, once for each time that a caught signal came. */
  wait(process: Process, queue: WaitQueue): number {
    if (process.signals.interrupted) return this.interrupt(process)
    queue.add(process.waiter)
    return WOULD_BLOCK
  }

  /** As `wait`, but for something short that no signal breaks off. */
  waitUninterrupted(process: Process, queue: WaitQueue): number {
    queue.add(process.waiter)
    return WOULD_BLOCK
  }

  /** For a call that waits for several queues: one more. */
  alsoWait(process: Process, queue: WaitQueue): void {
    const waiter = new Waiter(() => process.wake())
    process.moreWaiters.push(waiter)
    queue.add(waiter)
  }

  interrupt(process: Process): number {
    process.signals.interrupted = false
    return Errno.EINTR
  }

  /** At the start of each call that may wait: whether it must give the processor away first. It costs a decrement. */
  mustYield(process: Process): boolean {
    if (--this.#scheduler.fuel >= 0 || !this.#scheduler.mustYield(process)) return false
    process.yielding = true
    return true
  }

  /** Lets all others that are ready have their turn, then the call is made again. */
  yield(process: Process): number {
    process.yielding = true
    return WOULD_BLOCK
  }

  /** Work done for the running process, in pages of 4 KiB. */
  charge(bytes: number): void {
    this.#scheduler.fuel -= bytes >>> 12
  }

  readonly slow = (): Promise<number> => {
    const process = this.#scheduler.current!
    this.#scheduler.switchTo(undefined)
    return new Promise<number>((resolve) => {
      process.resume = resolve
      if (!process.yielding) return
      process.yielding = false
      process.queued = true
      this.#scheduler.enqueuePreempted(process)
    })
  }

  /** For own modules: throws where the process has ended meanwhile. */
  readonly setcur = (pid: number): number => {
    if (this.setcurForeign(pid) === 1) throw UNWIND
    return 0
  }

  /** For foreign modules: 1 where the process has ended meanwhile. */
  readonly setcurForeign = (pid: number): number => {
    const process = this.#table.ofCoroutine(pid)
    this.#scheduler.switchTo(process)
    if (!process.alive) return 1
    process.endWait()
    this.#resumed(process)
    return 0
  }
}
