/** `EventEmitter` as far as programs need it for standard input and for `process`. */
type Listener = (...values: unknown[]) => unknown

export class Emitter {
  readonly #listeners = new Map<unknown, { readonly listener: Listener; readonly call: Listener }[]>()

  on(name: unknown, listener: Listener): this {
    return this.#add(name, listener, listener)
  }
  once(name: unknown, listener: Listener): this {
    return this.#add(name, listener, (...values) => {
      this.off(name, listener)
      listener(...values)
    })
  }
  off(name: unknown, listener: Listener): this {
    this.#listeners.set(
      name,
      this.#of(name).filter((known) => known.listener !== listener),
    )
    return this
  }
  addListener(name: unknown, listener: Listener): this {
    return this.on(name, listener)
  }
  removeListener(name: unknown, listener: Listener): this {
    return this.off(name, listener)
  }
  removeAllListeners(name?: unknown): this {
    if (name === undefined) this.#listeners.clear()
    else this.#listeners.delete(name)
    return this
  }
  listenerCount(name: unknown): number {
    return this.#of(name).length
  }
  emit(name: unknown, ...values: unknown[]): boolean {
    const listeners = this.#of(name)
    for (const { call } of listeners) call.apply(this, values)
    return listeners.length > 0
  }

  #add(name: unknown, listener: Listener, call: Listener): this {
    if (typeof listener !== 'function') throw new TypeError('The "listener" argument must be of type function')
    this.#listeners.set(name, [...this.#of(name), { listener, call }])
    return this
  }
  #of(name: unknown) {
    return this.#listeners.get(name) ?? []
  }
}
