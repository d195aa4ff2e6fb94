/** What keeps a script alive: timers, requests, work of the host. When nothing is left of it and the module is through, it ends. */
export class Activity {
  #count = 0
  readonly #rests: () => void

  /** `rests` is called each time that nothing is left. */
  constructor(rests: () => void) {
    this.#rests = rests
  }

  get isNone(): boolean {
    return this.#count === 0
  }

  begin(): void {
    this.#count++
  }

  end(): void {
    if (--this.#count === 0) this.#rests()
  }

  /** The promise as it is, counted until it settles. */
  async during<T>(work: Promise<T>): Promise<T> {
    this.begin()
    try {
      return await work
    } finally {
      this.end()
    }
  }
}
