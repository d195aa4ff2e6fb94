/**
 * One sandboxed frame: the place where the workers of one principal live, apart from those of every other. It is pinged while it
 * holds cells, because nothing tells when its renderer has died: a frame that does not answer is thrown away with its cells.
 */
import type { FromFrame, ToFrame } from '../protocol/frame.ts'
import type { CellHandle } from '../orchestrator/platform.ts'
import { messagePortTransport } from './message-port.ts'

const PAGE = 'src/sandbox/frame/index.html'
const START_MS = 10_000
const PING_MS = 1_000
/** A machine under load may be slow to answer; a dead renderer never does. */
const MISSED_PINGS = 5

export class CellFrame {
  readonly #element: HTMLIFrameElement
  readonly #port: MessagePort
  /** per cell: tells its holder that it has ended */
  readonly #cells = new Map<string, () => void>()
  readonly #onDead: () => void
  #timer: ReturnType<typeof setInterval> | undefined
  #unanswered = 0

  private constructor(element: HTMLIFrameElement, port: MessagePort, onDead: () => void) {
    this.#element = element
    this.#port = port
    this.#onDead = onDead
    port.addEventListener('message', (event: MessageEvent<FromFrame>) => this.#receive(event.data))
  }

  /** Loads a frame. `onDead` is called once when it has to be given up. */
  static async load(onDead: () => void): Promise<CellFrame> {
    const element = document.createElement('iframe')
    element.src = chrome.runtime.getURL(PAGE)
    const loaded = new Promise((resolve) => element.addEventListener('load', resolve, { once: true }))
    document.body.append(element)
    const { port1, port2 } = new MessageChannel()
    const ready = new Promise<void>((resolve, reject) => {
      port1.addEventListener('message', () => resolve(), { once: true })
      setTimeout(() => reject(new Error('Cannot start a cell: its frame does not answer')), START_MS)
    })
    port1.start()
    try {
      await loaded
      element.contentWindow?.postMessage({ t: 'host' }, '*', [port2])
      await ready
    } catch (error) {
      element.remove()
      throw error
    }
    return new CellFrame(element, port1, onDead)
  }

  get isEmpty(): boolean {
    return this.#cells.size === 0
  }

  startCell(): CellHandle {
    const id = crypto.randomUUID()
    const { port1, port2 } = new MessageChannel()
    const { transport, closeFromOutside } = messagePortTransport(port1)
    this.#cells.set(id, closeFromOutside)
    this.#send({ t: 'cell', id }, [port2])
    this.#timer ??= setInterval(() => this.#ping(), PING_MS)
    return {
      port: transport,
      terminate: () => {
        if (!this.#cells.delete(id)) return
        this.#send({ t: 'end', id })
        transport.close()
        this.#rest()
      },
    }
  }

  remove(): void {
    clearInterval(this.#timer)
    this.#element.remove()
    this.#port.close()
    const ended = [...this.#cells.values()]
    this.#cells.clear()
    for (const end of ended) end()
  }

  #receive(message: FromFrame): void {
    this.#unanswered = 0
    if (message.t !== 'ended') return
    console.warn(`A cell has ended by itself: ${message.reason}`)
    const end = this.#cells.get(message.id)
    this.#cells.delete(message.id)
    this.#rest()
    end?.()
  }

  #ping(): void {
    this.#unanswered += 1
    if (this.#unanswered <= MISSED_PINGS) return this.#send({ t: 'ping' })
    this.#onDead()
    this.remove()
  }

  #rest(): void {
    if (!this.isEmpty) return
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#unanswered = 0
  }

  #send(message: ToFrame, transfer: Transferable[] = []): void {
    this.#port.postMessage(message, transfer)
  }
}
