/**
 * The isolated world's bridge: one private MessagePort to the page on one side, a runtime Port to the service worker on the other.
 * It adds nothing to what the page says; it reads each message, keeps ids single-use, answers the DOM imports of its own document,
 * and ends calls whose way is gone. The Port is opened when there is something to say and again after it was lost.
 */
import { BtcpError, type Effects } from '../protocol/error.ts'
import {
  errorOf,
  isAnswer,
  isNotification,
  isRequest,
  notification,
  parseMessage,
  resultOf,
  type Message,
  type RequestMessage,
} from '../protocol/message.ts'
import { portTransport, type Transport } from '../protocol/transport.ts'
import { runDomImport } from './dom/imports.ts'

/** `effects` is what the call can have done: nothing as long as the service worker has not said that it began. */
interface Pending {
  effects: Effects
}
type End = 'DISCONNECTED' | 'TAB_GONE' | 'CAPABILITY_DENIED'
const REASON: Record<End, string> = {
  DISCONNECTED: 'Cannot finish the call: the connection to the extension was lost',
  TAB_GONE: 'Cannot finish the call: its document was left',
  CAPABILITY_DENIED: 'Cannot call: Tidepool is switched off for this site',
}

export class Bridge {
  readonly #page: (message: Message) => void
  readonly #connectPort: () => Transport
  readonly #pending = new Map<number, Pending>()
  /** the imports of this document that run */
  readonly #imports = new Map<number, AbortController>()
  #lastId = 0
  #service: Transport | undefined
  #on = true

  /** `connectPort` throws when the extension is gone (updated, removed). */
  constructor(page: (message: Message) => void, connectPort: () => Transport) {
    this.#page = page
    this.#connectPort = connectPort
  }

  /** A message from the page: anything at all. */
  fromPage(value: unknown): void {
    let message: Message
    try {
      message = parseMessage(value)
    } catch (error) {
      return this.#refuse(value, error)
    }
    if (isRequest(message)) this.#forward(message)
    else if (isNotification(message) && message.method === 'notifications/cancelled') this.#toService(message)
  }

  /** The site was switched on (again), or something changed that the page should hear of. */
  connect(): void {
    this.#on = true
    if (this.#service) return
    if (this.#open()) this.#page(notification('notifications/connected', {}))
  }

  /** The document is being left: nothing that was under way may reach the next one, nor this one when it comes back. */
  leave(): void {
    this.#service?.close()
    this.#service = undefined
    this.#endImports()
    this.#end('TAB_GONE')
  }

  #forward(message: RequestMessage): void {
    const { id } = message
    if (id <= this.#lastId)
      return this.#page(errorOf(id, new BtcpError('INVALID_REQUEST', `Cannot run "${message.method}": duplicate id ${id}`)))
    this.#lastId = id
    if (!this.#on)
      return this.#page(errorOf(id, new BtcpError('CAPABILITY_DENIED', REASON.CAPABILITY_DENIED, { effects: 'none', missing: [] })))
    this.#pending.set(id, { effects: 'none' })
    if (!this.#toService(message)) this.#end('DISCONNECTED')
  }

  #toService(message: Message): boolean {
    if (!this.#open()) return false
    try {
      this.#service?.send(message)
      return true
    } catch {
      return false
    }
  }

  #open(): boolean {
    if (this.#service) return true
    let service: Transport
    try {
      service = this.#connectPort()
    } catch {
      return false
    }
    this.#service = service
    service.listen(
      (value) => this.#fromService(parseMessage(value), service),
      () => this.#lost(service),
    )
    return true
  }

  #fromService(message: Message, service: Transport): void {
    if (isRequest(message)) return void this.#answerImport(message, service)
    if (isAnswer(message)) {
      if (message.id !== null && this.#pending.delete(message.id)) this.#page(message)
      return
    }
    if (message.method === 'notifications/started') return this.#started(message.params['requestId'])
    if (message.method === 'notifications/off') return this.#off()
    if (message.method === 'notifications/cancelled') return this.#imports.get(message.params['requestId'] as number)?.abort()
    this.#page(message)
  }

  #started(id: unknown): void {
    const call = this.#pending.get(id as number)
    if (call) call.effects = 'unknown'
  }

  /** An answer for a Port that is gone has nobody to go to. A request that comes late, because the page held this document meanwhile, may have
   *  been given up since: what was sent behind it is heard first. */
  async #answerImport({ id, method, params }: RequestMessage, service: Transport): Promise<void> {
    const ended = new AbortController()
    this.#imports.set(id, ended)
    try {
      if (isLate(params['sent'])) await new Promise((resolve) => setTimeout(resolve, LATE_PAUSE_MS))
      if (ended.signal.aborted) return
      const value = await runDomImport(method, params, ended.signal)
      if (this.#service === service) service.send(resultOf(id, value))
    } catch (error) {
      if (this.#service === service) service.send(errorOf(id, error))
    } finally {
      if (this.#imports.get(id) === ended) this.#imports.delete(id)
    }
  }

  /** Who asked for them is gone. */
  #endImports(): void {
    for (const ended of this.#imports.values()) ended.abort()
    this.#imports.clear()
  }

  #off(): void {
    this.#on = false
    this.#service?.close()
    this.#service = undefined
    this.#endImports()
    this.#end('CAPABILITY_DENIED')
    this.#page(notification('notifications/disconnected', { reason: 'off' }))
  }

  #lost(service: Transport): void {
    if (this.#service !== service) return
    this.#service = undefined
    this.#endImports()
    if (this.#pending.size === 0) return
    this.#end('DISCONNECTED')
    this.#page(notification('notifications/disconnected', { reason: 'lost' }))
    this.connect()
  }

  #end(code: End): void {
    for (const [id, { effects }] of this.#pending) this.#page(errorOf(id, new BtcpError(code, REASON[code], { effects })))
    this.#pending.clear()
  }

  #refuse(value: unknown, error: unknown): void {
    const id = typeof value === 'object' && value !== null ? (value as { id?: unknown }).id : undefined
    const known = typeof id === 'number' && Number.isSafeInteger(id) && id > this.#lastId
    if (known) this.#lastId = id
    this.#page(errorOf(known ? id : null, error))
  }
}

/** The Port to the service worker. Its name tells other contexts of the extension that it is not for them. */
export function servicePort(): Transport {
  return portTransport(chrome.runtime.connect({ name: 'page' }))
}

/** Longer than a request is under way to a document that does nothing. */
const LATE_MS = 200
const LATE_PAUSE_MS = 50
const isLate = (sent: unknown): boolean => typeof sent === 'number' && Date.now() - sent > LATE_MS
