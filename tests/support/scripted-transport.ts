/** A transport whose other side is the test: it hears what is sent, says what it likes, and can be gone. */
import type { Transport } from '../../src/protocol/transport.ts'

export class ScriptedTransport implements Transport {
  readonly sent: unknown[] = []
  closed = false
  #onMessage: (message: unknown) => void = () => undefined
  #onClose = (): void => undefined

  send(message: unknown): void {
    if (this.closed) throw new Error('closed')
    this.sent.push(structuredClone(message))
  }
  listen(onMessage: (message: unknown) => void, onClose: () => void): void {
    this.#onMessage = onMessage
    this.#onClose = onClose
  }
  close(): void {
    this.closed = true
  }

  say(message: unknown): void {
    this.#onMessage(message)
  }
  /** The other side is gone. */
  drop(): void {
    this.closed = true
    this.#onClose()
  }
}
