/** A MessagePort as a transport. A port does not say that its other side is gone, so whoever knows it calls `closeFromOutside`. */
import type { Transport } from '../protocol/transport.ts'

export function messagePortTransport(port: MessagePort): { transport: Transport; closeFromOutside: () => void } {
  let open = true
  let onClosed = (): void => undefined
  const close = (): void => {
    open = false
    port.close()
  }
  const transport: Transport = {
    send(message) {
      if (!open) throw new Error('Cannot send: the port is closed')
      port.postMessage(message)
    },
    listen(onMessage, onClose) {
      onClosed = onClose
      port.addEventListener('message', (event: MessageEvent) => {
        if (open) onMessage(event.data)
      })
      port.start()
    },
    close,
  }
  const closeFromOutside = (): void => {
    if (!open) return
    close()
    onClosed()
  }
  return { transport, closeFromOutside }
}
