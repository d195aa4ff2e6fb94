/**
 * A transport: what carries messages between two parties of the wire. Three methods; the unhappy cases stand beside them.
 * Corresponds to a MessagePort or a runtime Port, and is what the two look like to code that must not care which it is.
 */
export interface Transport {
  /** Hands `message` over. Throws when the other side is known to be gone or the message is too large to be carried; a message
   *  to a side that is gone without our knowing is lost, and `onClose` follows. */
  send(message: unknown): void
  /** Calls `onMessage` for each message, in order, and `onClose` once when the other side is gone. What a handler throws must
   *  not stop the messages behind it. */
  listen(onMessage: (message: unknown) => void, onClose: () => void): void
  /** Ends it from this side: nothing more arrives here, and `onClose` is not called. Twice is once. */
  close(): void
}

/** As much of `chrome.runtime.Port` as a transport needs. */
interface PortLike {
  postMessage(message: unknown): void
  disconnect(): void
  readonly onMessage: { addListener(fn: (message: unknown) => void): void }
  readonly onDisconnect: { addListener(fn: () => void): void }
}

/** A runtime Port as a transport. `lastError` is read by the caller's `onClose`, where the browser wants it. */
export function portTransport(port: PortLike): Transport {
  let open = true
  return {
    send(message) {
      if (!open) throw new Error('Cannot send: the port is closed')
      port.postMessage(message)
    },
    listen(onMessage, onClose) {
      port.onMessage.addListener((message) => {
        if (open) onMessage(message)
      })
      port.onDisconnect.addListener(() => {
        if (!open) return
        open = false
        onClose()
      })
    },
    close() {
      if (!open) return
      open = false
      port.disconnect()
    },
  }
}
