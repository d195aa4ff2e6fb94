/** The broker's MessagePort as the cell sees it. It is never closed from the other side without the worker being ended as well. */
import type { CellPort } from '../cell/cell.ts'

export function brokerPort(port: MessagePort): CellPort {
  return {
    send: (message, transfer = []) => port.postMessage(message, [...transfer]),
    listen(onMessage) {
      port.addEventListener('message', (event) => onMessage(event.data))
      port.start()
    },
    close: () => port.close(),
  }
}
