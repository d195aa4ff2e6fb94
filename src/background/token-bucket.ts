/** A token bucket: `size` at once, then `perSecond`. Time is an argument, so that a test needs none. */
export class TokenBucket {
  readonly #size: number
  readonly #perSecond: number
  #tokens: number
  #at: number

  constructor(size: number, perSecond: number, now: number) {
    this.#size = size
    this.#perSecond = perSecond
    this.#tokens = size
    this.#at = now
  }

  /** Takes one, and answers 0; or answers after how many milliseconds there will be one. */
  take(now: number): number {
    this.#tokens = Math.min(this.#size, this.#tokens + (Math.max(0, now - this.#at) / 1_000) * this.#perSecond)
    this.#at = now
    if (this.#tokens < 1) return Math.ceil(((1 - this.#tokens) / this.#perSecond) * 1_000)
    this.#tokens -= 1
    return 0
  }
}
