/** A signal of our own, where there is no AbortController: it is given once, to all who listen. */
import type { CancelSignal } from './platform.ts'

export class CancelSource implements CancelSignal {
  readonly #listeners = new Set<() => void>()
  aborted = false

  /** Aborts when `other` does, too; the result lets go of it. */
  follow(other: CancelSignal | undefined): () => void {
    const abort = (): void => this.abort()
    if (other?.aborted) this.abort()
    else other?.addEventListener('abort', abort, { once: true })
    return () => other?.removeEventListener('abort', abort)
  }

  abort(): void {
    if (this.aborted) return
    this.aborted = true
    for (const listener of this.#listeners) listener()
    this.#listeners.clear()
  }

  addEventListener(_type: 'abort', listener: () => void): void {
    if (!this.aborted) this.#listeners.add(listener)
  }
  removeEventListener(_type: 'abort', listener: () => void): void {
    this.#listeners.delete(listener)
  }
}
