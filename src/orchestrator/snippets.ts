/**
 * The processes of a cell's scripts, where the platform starts them: each is started, spoken to and ended as the cell says, and dies with
 * it. What the two say to each other goes past here as bytes, bounded; neither is believed. One process waits ready once there was a first.
 */
import type { ToBroker, ToCell } from '../protocol/cell.ts'
import { JS_MESSAGE_BYTES, JS_WINDOW_BYTES } from '../protocol/js-wire.ts'
import type { Limits } from '../protocol/limits.ts'
import type { Platform, SnippetHandle } from './platform.ts'

type FromCell = Extract<ToBroker, { t: 'snippetStart' | 'snippetSay' | 'snippetTook' | 'snippetEnd' }>

interface Snippet {
  handle: SnippetHandle | undefined
  /** messages for a process that is not there yet */
  readonly early: Uint8Array[]
  /** bytes that the cell has not taken yet */
  untaken: number
}

export class Snippets {
  readonly #platform: Platform
  readonly #limits: Limits
  readonly #say: (message: ToCell) => void
  readonly #live = new Map<number, Snippet>()
  #spare: Promise<SnippetHandle> | undefined
  #isOver = false

  constructor(platform: Platform, limits: Limits, say: (message: ToCell) => void) {
    this.#platform = platform
    this.#limits = limits
    this.#say = say
  }

  take(message: FromCell): void {
    const { snippet } = message
    switch (message.t) {
      case 'snippetStart':
        return this.#start(snippet)
      case 'snippetSay':
        return this.#pass(snippet, message.bytes)
      case 'snippetTook': {
        const live = this.#live.get(snippet)
        if (live) live.untaken = Math.max(0, live.untaken - message.bytes)
        return
      }
      case 'snippetEnd':
        this.#remove(snippet)
        return this.#prepare()
    }
  }

  /** The cell has ended: so do its scripts. */
  end(): void {
    this.#isOver = true
    for (const snippet of this.#live.keys()) this.#remove(snippet)
    void this.#spare?.then(terminate, () => {})
    this.#spare = undefined
  }

  #start(snippet: number): void {
    if (this.#live.has(snippet)) return
    if (this.#live.size >= this.#limits.jsWorkers) return this.#say({ t: 'snippetEnded', snippet, reason: 'too many scripts run' })
    const live: Snippet = { handle: undefined, early: [], untaken: 0 }
    this.#live.set(snippet, live)
    const starting = this.#spare ?? this.#open()
    this.#spare = undefined
    starting.then(
      (handle) => (this.#live.get(snippet) === live ? this.#join(snippet, live, handle) : handle.terminate()),
      () => this.#lose(snippet, 'it could not be started'),
    )
  }

  #join(snippet: number, live: Snippet, handle: SnippetHandle): void {
    live.handle = handle
    handle.listen(
      (raw) => this.#hear(snippet, live, raw),
      (reason) => this.#lose(snippet, reason),
    )
    for (const bytes of live.early.splice(0)) this.#pass(snippet, bytes)
  }

  #hear(snippet: number, live: Snippet, raw: unknown): void {
    if (this.#live.get(snippet) !== live) return
    const isMessage = raw instanceof Uint8Array && raw.length <= JS_MESSAGE_BYTES
    if (!isMessage) return this.#lose(snippet, 'it broke the rules of its port: a message is no byte array')
    live.untaken += raw.length
    if (live.untaken > JS_WINDOW_BYTES) return this.#lose(snippet, 'it broke the rules of its port: it floods it')
    this.#say({ t: 'snippetSaid', snippet, bytes: raw })
  }

  #pass(snippet: number, bytes: Uint8Array): void {
    const live = this.#live.get(snippet)
    if (!live) return
    if (!live.handle) return void live.early.push(bytes)
    try {
      live.handle.send(bytes)
    } catch {
      this.#lose(snippet, 'its process is gone')
    }
  }

  #lose(snippet: number, reason: string): void {
    if (this.#remove(snippet)) this.#say({ t: 'snippetEnded', snippet, reason: reason.slice(0, 200) })
  }

  #remove(snippet: number): boolean {
    this.#live.get(snippet)?.handle?.terminate()
    return this.#live.delete(snippet)
  }

  #prepare(): void {
    if (this.#isOver) return
    this.#spare ??= this.#open()
    this.#spare.catch(() => (this.#spare = undefined))
  }

  #open(): Promise<SnippetHandle> {
    return this.#platform.startSnippet?.(this.#limits) ?? Promise.reject(new Error('there are no scripts here'))
  }
}

const terminate = (handle: SnippetHandle): void => handle.terminate()
