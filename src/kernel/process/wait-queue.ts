/**
 * Who waits for something: an intrusive list, first come first served. Corresponds to Linux's wait_queue_head.
 * A woken waiter has left its queue; waking only marks a process runnable, it never runs one.
 */

/** A place in at most one queue at a time. */
export class Waiter {
  /** Makes the one who waits runnable; must not throw and must not run it. */
  readonly wake: () => void
  queue: WaitQueue | undefined = undefined
  previous: Waiter | undefined = undefined
  next: Waiter | undefined = undefined

  constructor(wake: () => void) {
    this.wake = wake
  }

  /** Leaves the queue it is in, if any. */
  leave(): void {
    this.queue?.remove(this)
  }
}

export class WaitQueue {
  #first: Waiter | undefined = undefined
  #last: Waiter | undefined = undefined

  get isEmpty(): boolean {
    return this.#first === undefined
  }

  /** Appends; a waiter that is in this queue already stays where it is, one in another queue leaves it. */
  add(waiter: Waiter): void {
    if (waiter.queue === this) return
    waiter.queue?.remove(waiter)
    waiter.queue = this
    waiter.previous = this.#last
    waiter.next = undefined
    if (this.#last) this.#last.next = waiter
    else this.#first = waiter
    this.#last = waiter
  }

  /** A waiter that is not in this queue is no error. */
  remove(waiter: Waiter): void {
    if (waiter.queue !== this) return
    if (waiter.previous) waiter.previous.next = waiter.next
    else this.#first = waiter.next
    if (waiter.next) waiter.next.previous = waiter.previous
    else this.#last = waiter.previous
    waiter.queue = undefined
    waiter.previous = undefined
    waiter.next = undefined
  }

  wakeOne(): void {
    const waiter = this.#first
    if (!waiter) return
    this.remove(waiter)
    waiter.wake()
  }

  /** Those who come while it runs are not woken. */
  wakeAll(): void {
    const last = this.#last
    if (!last) return
    for (;;) {
      const waiter = this.#first
      if (!waiter) return
      this.remove(waiter)
      waiter.wake()
      if (waiter === last) return
    }
  }
}
