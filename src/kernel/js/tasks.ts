/** The work of a process as generators: each runs until it gives a queue to wait for, and goes on in the turn after that was woken. */
import { Waiter, type WaitQueue } from '../process/wait-queue.ts'

/** Work that may wait: it gives the queue that it waits for. */
export type Waiting<T> = Generator<WaitQueue, T, void>

export interface Task {
  readonly steps: Waiting<void>
  readonly waiter: Waiter
  isReady: boolean
}

export class Tasks {
  readonly #tasks = new Set<Task>()
  readonly #wake: () => void

  /** `wake` is called when one may go on; it must not run any. */
  constructor(wake: () => void) {
    this.#wake = wake
  }

  begin(steps: Waiting<void>): Task {
    const task: Task = {
      steps,
      isReady: true,
      waiter: new Waiter(() => {
        task.isReady = true
        this.#wake()
      }),
    }
    this.#tasks.add(task)
    return task
  }

  /** Every task that is ready, also those that these begin, as long as `may` holds. */
  runReady(may: () => boolean): void {
    for (const task of this.#tasks) if (task.isReady && may()) this.#advance(task)
  }

  /** Takes over a task: whoever calls goes on with its steps. */
  take(task: Task): Waiting<void> {
    this.#tasks.delete(task)
    task.waiter.leave()
    return task.steps
  }

  /** Gives all of them up. */
  close(): void {
    for (const task of this.#tasks) {
      task.waiter.leave()
      task.steps.return()
    }
    this.#tasks.clear()
  }

  #advance(task: Task): void {
    task.isReady = false
    const { done, value } = task.steps.next()
    if (done) this.#tasks.delete(task)
    else value.add(task.waiter)
  }
}
