/**
 * The isolated world's script, at document_start: takes the private channel from the in-page script and starts the bridge. A prerendered
 * document connects when it is shown. Injected a second time (the site was switched on again), it only wakes the first.
 */
import { Bridge, servicePort } from './bridge.ts'
import { OFFER_EVENT, WANT_EVENT } from './handover.ts'

const world = globalThis as { tidepoolBridge?: Bridge }

function start(page: MessagePort): void {
  const bridge = new Bridge((message) => page.postMessage(message, []), servicePort)
  world.tidepoolBridge = bridge
  page.addEventListener('message', (event) => bridge.fromPage(event.data))
  page.start()
  addEventListener('pagehide', () => bridge.leave())
  // Only contexts of this extension can send this; it carries nothing but "come".
  chrome.runtime.onMessage.addListener((message: unknown) => {
    if (message === 'connect') bridge.connect()
  })
  if ('prerendering' in document && document.prerendering)
    document.addEventListener('prerenderingchange', () => bridge.connect(), { once: true })
  else bridge.connect()
}

function takeOffer(event: Event): void {
  const [port] = (event as MessageEvent).ports ?? []
  if (!port) return
  event.preventDefault()
  event.stopImmediatePropagation()
  document.removeEventListener(OFFER_EVENT, takeOffer, true)
  start(port)
}

if (world.tidepoolBridge) world.tidepoolBridge.connect()
else {
  document.addEventListener(OFFER_EVENT, takeOffer, true)
  document.dispatchEvent(new Event(WANT_EVENT))
}
