/**
 * What outlives the service worker: rows of `storage.local` (kept) and `storage.session` (until the browser closes), each read
 * once and then held in memory, and written in order. Only trusted contexts of the extension can read either.
 * Invariant: memory is never behind storage, since this worker is the only writer.
 */
import browser from 'webextension-polyfill'

type Area = 'local' | 'session'

/** One row: a value with a name. `read` gives the value as last written; `write` resolves when the browser has it. */
export class Row<T> {
  readonly #area: Area
  readonly #key: string
  readonly #parse: (stored: unknown) => T
  #loaded: Promise<void> | undefined
  #value: T | undefined

  constructor(area: Area, key: string, parse: (stored: unknown) => T) {
    this.#area = area
    this.#key = key
    this.#parse = parse
  }

  async read(): Promise<T> {
    await (this.#loaded ??= this.#load())
    return this.#value as T
  }

  async write(value: T): Promise<void> {
    await (this.#loaded ??= this.#load())
    this.#value = value
    await browser.storage[this.#area].set({ [this.#key]: value })
  }

  /** Leaves nothing in storage; what is read then is what was never written. */
  async clear(): Promise<void> {
    await (this.#loaded ??= this.#load())
    this.#value = this.#parse(undefined)
    await browser.storage[this.#area].remove(this.#key)
  }

  async #load(): Promise<void> {
    const stored = await browser.storage[this.#area].get(this.#key)
    this.#value = this.#parse(stored[this.#key])
  }
}

/** Rows that come one a site. */
export class SiteRows<T> {
  readonly #area: Area
  readonly #name: string
  readonly #parse: (stored: unknown) => T
  readonly #rows = new Map<string, Row<T>>()

  constructor(area: Area, name: string, parse: (stored: unknown) => T) {
    this.#area = area
    this.#name = name
    this.#parse = parse
  }

  of(origin: string): Row<T> {
    let row = this.#rows.get(origin)
    if (!row) this.#rows.set(origin, (row = new Row(this.#area, `${this.#name} ${origin}`, this.#parse)))
    return row
  }

  /** The origins that have a row in storage. */
  async origins(): Promise<string[]> {
    const prefix = `${this.#name} `
    const all = await browser.storage[this.#area].get(null)
    return Object.keys(all).flatMap((key) => (key.startsWith(prefix) ? [key.slice(prefix.length)] : []))
  }
}

/** Keeps content scripts out of both areas; by default `storage.local` is open to them. */
export async function closeStorage(): Promise<void> {
  await chrome.storage.local.setAccessLevel({ accessLevel: 'TRUSTED_CONTEXTS' })
  await chrome.storage.session.setAccessLevel({ accessLevel: 'TRUSTED_CONTEXTS' })
}
