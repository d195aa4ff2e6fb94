/**
 * One sandboxed frame: the place where the workers of one principal live, apart from those of every other. It is pinged while it
 * holds cells, because nothing tells when its renderer has died: a frame that does not answer is given up with its cells.
 */
import type { CellHandle } from '../orchestrator/platform.ts'
import { FRAME_GREETING, parseFromFrame, type ToFrame } from '../protocol/frame.ts'
import { messagePortTransport } from './message-port.ts'

const PAGE = 'src/sandbox/frame/index.html'
const OPEN_MS = 10_000
const PING_MS = 400
/** A renderer under load is slow to answer, a dead one never does. Counted in pings, so that a pause of this document counts for nothing. */
const PINGS_UNANSWERED = 4
/** So many make a frame silent: it is given up as well where another frame of its renderer has been found dead. */
const PINGS_SILENT = 2

export class CellFrame {
  readonly #element: HTMLIFrameElement
  readonly #port: MessagePort
  /** per cell: tells its holder that it has ended */
  readonly #cells = new Map<string, () => void>()
  readonly #onRest: () => void
  readonly #onDead: () => void
  #pings: ReturnType<typeof setInterval> | undefined
  #unanswered = 0
  #isDead = false

  private constructor(element: HTMLIFrameElement, port: MessagePort, events: FrameEvents) {
    this.#element = element
    this.#port = port
    this.#onRest = events.rests
    this.#onDead = events.died
    port.addEventListener('message', (event) => this.#receive(event.data))
  }

  /** Loads a frame into this document. Rejects when it does not answer. */
  static async load(events: FrameEvents): Promise<CellFrame> {
    const element = document.createElement('iframe')
    element.src = chrome.runtime.getURL(PAGE)
    const { port1, port2 } = new MessageChannel()
    try {
      await within(OPEN_MS, greet(element, port1, port2))
    } catch (error) {
      element.remove()
      port1.close()
      throw error
    }
    return new CellFrame(element, port1, events)
  }

  get isEmpty(): boolean {
    return this.#cells.size === 0
  }

  /** It holds no cell, so nothing is lost with it and nobody pings it, or it has not answered for a while. */
  get isDoubtful(): boolean {
    return this.isEmpty || this.#unanswered >= PINGS_SILENT
  }

  startCell(): CellHandle {
    if (this.#isDead) throw new Error('its frame has ended')
    const cell = crypto.randomUUID()
    const { port1, port2 } = new MessageChannel()
    const { transport, closeFromOutside } = messagePortTransport(port1)
    this.#cells.set(cell, closeFromOutside)
    this.#send({ t: 'start', cell }, [port2])
    this.#pings ??= setInterval(() => this.#ping(), PING_MS)
    return {
      port: transport,
      terminate: () => {
        if (!this.#cells.delete(cell)) return
        this.#send({ t: 'end', cell })
        transport.close()
        this.#restIfEmpty()
      },
    }
  }

  /** Ends the frame and every cell in it. Idempotent. */
  remove(): void {
    this.#isDead = true
    clearInterval(this.#pings)
    this.#element.remove()
    this.#port.close()
    const ended = [...this.#cells.values()]
    this.#cells.clear()
    for (const end of ended) end()
  }

  #receive(data: unknown): void {
    const message = parseFromFrame(data)
    if (!message) return
    this.#unanswered = 0
    if (message.t !== 'ended') return
    console.warn(`A cell has ended by itself: ${message.reason}`)
    const end = this.#cells.get(message.cell)
    this.#cells.delete(message.cell)
    this.#restIfEmpty()
    end?.()
  }

  #ping(): void {
    this.#unanswered += 1
    if (this.#unanswered <= PINGS_UNANSWERED) return this.#send({ t: 'ping' })
    console.warn('A frame does not answer any more')
    this.#onDead()
    this.remove()
  }

  #restIfEmpty(): void {
    if (!this.isEmpty) return
    clearInterval(this.#pings)
    this.#pings = undefined
    this.#unanswered = 0
    this.#onRest()
  }

  #send(message: ToFrame, transfer: Transferable[] = []): void {
    this.#port.postMessage(message, transfer)
  }
}

export interface FrameEvents {
  /** Its last cell has ended. */
  readonly rests: () => void
  /** It does not answer and is removed with its cells. */
  readonly died: () => void
}

/** Puts the frame into the document, gives it its port and waits until it answers there. */
async function greet(element: HTMLIFrameElement, ours: MessagePort, theirs: MessagePort): Promise<void> {
  const loaded = new Promise((resolve) => element.addEventListener('load', resolve, { once: true }))
  const answered = new Promise<void>((resolve) =>
    ours.addEventListener('message', (event) => parseFromFrame(event.data)?.t === 'open' && resolve(), { once: true }),
  )
  document.body.append(element)
  await loaded
  // The frame's origin is opaque, so no address can be named; what is in it is fixed by `frame-src 'self'`.
  element.contentWindow?.postMessage(FRAME_GREETING, '*', [theirs])
  ours.start()
  await answered
}

async function within(ms: number, work: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error('its frame does not answer')), ms)
  await Promise.race([work, late.promise]).finally(() => clearTimeout(timer))
}
