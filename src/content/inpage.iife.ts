/**
 * The in-page provider: `window.btcp` (docs/protocol.md section 1), in the page's own world from document_start. It holds no
 * power: everything it says is hostile input to the extension, and a page that breaks it breaks only itself.
 * It stands on captured built-ins (pristine.ts), so that a page's patched prototypes change neither calls nor results.
 */
/* oxlint-disable typescript/unbound-method -- `uncurry` makes `this` the first argument of each */
import { OFFER_EVENT, WANT_EVENT } from './handover.ts'
import { announce } from './discovery.ts'
import { createProvider } from './provider.ts'
import { createWire } from './wire.ts'
import { defineProperty, getOwnPropertyDescriptor, getter, uncurry } from './pristine.ts'

const add = uncurry(EventTarget.prototype.addEventListener)
const remove = uncurry(EventTarget.prototype.removeEventListener)
const dispatch = uncurry(EventTarget.prototype.dispatchEvent)
const PortEvent = MessageEvent
const start = uncurry(MessagePort.prototype.start)
const post = uncurry(MessagePort.prototype.postMessage) as (port: MessagePort, message: unknown) => void
const dataOf = getter<MessageEvent, unknown>(MessageEvent.prototype, 'data')

/** Offers the isolated world `port` until it is taken. */
function handOver(port: MessagePort): void {
  const offer = (): void => {
    const taken = !dispatch(document, new PortEvent(OFFER_EVENT, { ports: [port], cancelable: true }))
    if (taken) remove(document, WANT_EVENT, offer)
  }
  add(document, WANT_EVENT, offer)
  offer()
}

function install(): void {
  const { port1, port2 } = new MessageChannel()
  const wire = createWire((message) => post(port1, message))
  add(port1, 'message', (event) => wire.receive(dataOf(event as MessageEvent)))
  start(port1)
  handOver(port2)
  const provider = createProvider(wire)
  defineProperty(window, 'btcp', { value: provider, writable: false, enumerable: true, configurable: false })
  defineProperty(window, 'btcpReady', { value: true, writable: false, enumerable: true, configurable: false })
  announce(provider)
}

/** A provider that cannot be replaced is in place already: this script's own of earlier, or someone else's. */
const taken = getOwnPropertyDescriptor(window, 'btcp')
if (taken === undefined || taken.configurable) install()
