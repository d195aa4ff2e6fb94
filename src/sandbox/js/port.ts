/**
 * The script's end of its port: output by credit, requests by number, and the one last message. Messages and their order are those of
 * protocol/js-wire.ts. The script holds nothing of it.
 */
import { encodeFromScript, type FromScript, parseToScript, type ScriptOp, type ScriptStart, type ToScript } from '../../protocol/js-wire.ts'
import type { JsHost } from './js-host.ts'

const NONE = new Uint8Array(0)

export type Answer = Extract<ToScript, { t: 'answer' }>

/** A request to the cell that was refused; `code` is the error's name. */
export class RequestError extends Error {
  readonly code: string
  constructor(code: string) {
    super(code)
    this.code = code
  }
}

interface Waiting {
  readonly op: ScriptOp
  readonly bytes: Uint8Array
  readonly resolve: (answer: Answer) => void
  readonly reject: (error: Error) => void
}

export class CellPort {
  readonly #host: JsHost
  readonly #asked = new Map<number, Waiting>()
  readonly #queue: Waiting[] = []
  #requests = 0
  #most = 1
  #started: ((start: ScriptStart) => void) | undefined
  onCredit: (fd: 1 | 2, bytes: number) => void = () => {}
  isClosed = false

  constructor(host: JsHost) {
    this.#host = host
    host.listen((raw) => this.#hear(raw))
  }

  /** Says that the script may come, and waits for it. */
  start(): Promise<ScriptStart> {
    return new Promise((resolve) => {
      this.#started = resolve
      this.send({ t: 'ready' })
    })
  }

  refuse(reason: string): void {
    this.send({ t: 'refused', reason: reason.slice(0, 400) })
    this.isClosed = true
  }

  send(message: FromScript): void {
    if (!this.isClosed) this.#host.send(encodeFromScript(message))
  }

  /** The last message: whatever comes later is not sent. */
  end(status: number, result: Uint8Array): void {
    this.send({ t: 'end', status: status & 0xff, bytes: result })
    this.isClosed = true
  }

  /** Requests beyond the limit wait for those before. Rejects with RequestError. */
  ask(op: ScriptOp, bytes: Uint8Array = NONE): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ op, bytes, resolve, reject })
      this.#askNext()
    })
  }

  get isIdle(): boolean {
    return this.#asked.size === 0 && this.#queue.length === 0
  }

  #askNext(): void {
    while (this.#asked.size < this.#most && this.#queue.length > 0) {
      const next = this.#queue.shift()!
      const req = ++this.#requests
      this.#asked.set(req, next)
      this.send({ t: 'ask', req, op: next.op, bytes: next.bytes })
    }
  }

  #hear(raw: unknown): void {
    const message = parseToScript(raw)
    switch (message?.t) {
      case 'start':
        this.#most = message.limits.requests
        this.#started?.(message)
        this.#started = undefined
        return
      case 'credit':
        return this.onCredit(message.fd, message.bytes)
      case 'answer':
        return this.#settle(message)
      case undefined:
    }
  }

  #settle(answer: Answer): void {
    const asked = this.#asked.get(answer.req)
    this.#asked.delete(answer.req)
    if (answer.code === undefined) asked?.resolve(answer)
    else asked?.reject(new RequestError(answer.code))
    this.#askNext()
  }
}
