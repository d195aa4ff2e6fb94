/**
 * The Ports of documents: one a document, with the caller that the browser named. A request of the page becomes an answer on the
 * same Port or none at all; a DOM import goes to the document that made the call and to no other. When the Port is gone, so
 * is the document: its calls are cancelled and its imports answer TAB_GONE.
 */
import { BtcpError } from '../protocol/error.ts'
import {
  errorOf,
  isAnswer,
  isNotification,
  isRequest,
  notification,
  parseMessage,
  request,
  resultOf,
  thrownError,
  type Message,
  type RequestMessage,
} from '../protocol/message.ts'
import type { JsonObject, JsonValue } from '../protocol/parse.ts'
import type { Origin } from '../protocol/principal.ts'
import type { Transport } from '../protocol/transport.ts'
import type { Caller } from './sender.ts'

export interface Incoming {
  readonly port: TabPort
  readonly request: RequestMessage
  /** aborted when the page cancels, leaves, or the site is switched off; the reason is the error to answer with */
  readonly signal: AbortSignal
}
type Answer = (incoming: Incoming) => Promise<JsonValue>
interface DomCall {
  readonly resolve: (value: JsonValue) => void
  readonly reject: (error: Error) => void
}

const ports = new Set<TabPort>()
/** Messages that were no messages; a page that sends many loses its Port. */
const BAD_MESSAGES = 100

export class TabPort {
  readonly caller: Caller
  readonly #transport: Transport
  readonly #answer: Answer
  readonly #running = new Map<number, AbortController>()
  readonly #domCalls = new Map<number, DomCall>()
  #lastId = 0
  #lastDomId = 0
  #bad = 0

  constructor(caller: Caller, transport: Transport, answer: Answer) {
    this.caller = caller
    this.#transport = transport
    this.#answer = answer
    ports.add(this)
    transport.listen(
      (message) => this.#receive(message),
      () => this.#gone(),
    )
  }

  notify(method: string, params: JsonObject = {}): void {
    if (ports.has(this)) this.#send(notification(method, params))
  }

  /** Runs a DOM import in this document. */
  async runInDocument(name: string, params: JsonObject, signal: AbortSignal): Promise<JsonValue> {
    if (!ports.has(this)) throw tabGone()
    const id = ++this.#lastDomId
    const giveUp = (): void => {
      this.#domCalls.get(id)?.reject(signal.reason as Error)
      this.notify('notifications/cancelled', { requestId: id })
    }
    signal.addEventListener('abort', giveUp)
    try {
      return await new Promise<JsonValue>((resolve, reject) => {
        this.#domCalls.set(id, { resolve, reject })
        this.#send(request(id, `dom/${name}`, { ...params, sent: Date.now() }))
      })
    } finally {
      signal.removeEventListener('abort', giveUp)
      this.#domCalls.delete(id)
    }
  }

  /** The site was switched off: every call ends, the document is told, the Port is closed. */
  switchOff(): void {
    for (const controller of this.#running.values())
      controller.abort(
        new BtcpError('CAPABILITY_DENIED', 'Cannot finish the call: Tidepool was switched off for this site', {
          effects: 'unknown',
          missing: [],
        }),
      )
    this.notify('notifications/off')
    this.#gone()
    this.#transport.close()
  }

  #receive(value: unknown): void {
    let message: Message
    try {
      message = parseMessage(value)
    } catch (error) {
      return this.#refuse(error)
    }
    if (isRequest(message)) void this.#serve(message)
    else if (isAnswer(message)) this.#settleDomCall(message)
    else if (isNotification(message) && message.method === 'notifications/cancelled') this.#cancel(message.params['requestId'])
  }

  /** No message of ours: dropped and counted. */
  #refuse(error: unknown): void {
    this.#bad += 1
    this.#send(errorOf(null, error))
    if (this.#bad < BAD_MESSAGES) return
    console.warn(`Closed a Port of ${this.caller.origin}: ${this.#bad} messages could not be read`)
    this.#gone()
    this.#transport.close()
  }

  async #serve(message: RequestMessage): Promise<void> {
    const { id } = message
    if (id <= this.#lastId)
      return this.#send(errorOf(id, new BtcpError('INVALID_REQUEST', `Cannot run "${message.method}": duplicate id ${id}`)))
    this.#lastId = id
    const controller = new AbortController()
    this.#running.set(id, controller)
    let answer: Message
    try {
      answer = resultOf(id, await this.#answer({ port: this, request: message, signal: controller.signal }))
    } catch (error) {
      if (!(error instanceof BtcpError)) console.error('A route failed:', error)
      answer = errorOf(id, error)
    }
    this.#running.delete(id)
    this.#send(answer)
  }

  #cancel(id: unknown): void {
    this.#running
      .get(id as number)
      ?.abort(new BtcpError('CANCELLED', 'Cannot finish the call: the page cancelled it', { effects: 'unknown' }))
  }

  #settleDomCall(message: Extract<Message, { id: number | null }>): void {
    const call = this.#domCalls.get(message.id ?? 0)
    if (!call) return
    if ('error' in message) call.reject(thrownError(message.error))
    else if ('result' in message) call.resolve(message.result)
  }

  #gone(): void {
    if (!ports.delete(this)) return
    for (const call of this.#domCalls.values()) call.reject(tabGone())
    for (const controller of this.#running.values()) controller.abort(tabGone())
  }

  #send(message: Message): void {
    try {
      this.#transport.send(message)
    } catch {
      // The document is gone, or the answer is beyond what a Port carries; the first needs no answer.
      if (!ports.has(this) || !('result' in message)) return
      const tooLarge = new BtcpError('INTERNAL_ERROR', 'Cannot answer: the result is too large for one message', {
        limit: 'messageBytes',
        effects: 'unknown',
      })
      this.#transport.send(errorOf(message.id, tooLarge))
    }
  }
}

const tabGone = (): BtcpError => new BtcpError('TAB_GONE', 'Cannot finish the call: its document was left', { effects: 'unknown' })

export const portsOf = (origin: Origin): TabPort[] => [...ports].filter((port) => port.caller.origin === origin)
