/**
 * Every way out of a browsing context that exists without Python: those that a worker has, and those that a document has besides. The same
 * code is tried in a cell's frame, in a worker of it, and on a page without the policy, which shows that the ways work.
 */

/** Addresses of the watched server (tests/support/watched-server.ts). */
export interface Target {
  readonly http: string
  readonly ws: string
  /** counts connections on which nothing was said */
  readonly bare: string
  readonly stun: string
  readonly quic: string
}

/** `path` names the way and the place that tries it. */
type Way = (target: Target, path: string) => unknown

const scriptBlob = (text: string): string => URL.createObjectURL(new Blob([text], { type: 'text/javascript' }))
const load = (address: string): Promise<unknown> => import(/* @vite-ignore */ address)
const settle = (target: EventTarget, ...events: string[]): Promise<unknown> =>
  new Promise((resolve) => events.forEach((name) => target.addEventListener(name, resolve)))

export const WORKER_WAYS: Readonly<Record<string, Way>> = {
  fetch: ({ http }, path) => fetch(http + path),
  'fetch without CORS': ({ http }, path) => fetch(http + path, { mode: 'no-cors' }),
  'fetch that outlives': ({ http }, path) => fetch(http + path, { keepalive: true, method: 'POST', body: 'x' }),
  XMLHttpRequest({ http }, path) {
    const request = new XMLHttpRequest()
    request.open('GET', http + path)
    request.send()
    return settle(request, 'loadend')
  },
  'synchronous XMLHttpRequest'({ http }, path) {
    const request = new XMLHttpRequest()
    request.open('GET', http + path, false)
    request.send()
  },
  WebSocket: ({ ws }, path) => settle(new WebSocket(ws + path), 'open', 'error', 'close'),
  WebSocketStream({ ws }, path) {
    const { WebSocketStream } = globalThis as unknown as { WebSocketStream: new (address: string) => { opened: Promise<unknown> } }
    return new WebSocketStream(ws + path).opened
  },
  EventSource: ({ http }, path) => settle(new EventSource(http + path), 'open', 'error'),
  WebTransport: ({ quic }) => new WebTransport(`${quic}/`).ready,
  FontFace: ({ http }, path) => new FontFace('out', `url(${http}${path})`).load(),
  'import of http': ({ http }, path) => load(http + path),
  'import of data': ({ http }, path) => load(`data:text/javascript,import ${JSON.stringify(http + path)}`),
  'import of a blob': ({ http }, path) => load(scriptBlob(`import ${JSON.stringify(http + path)}`)),
  importScripts({ http }, path) {
    const { importScripts } = globalThis as unknown as { importScripts: (address: string) => void }
    importScripts(http + path)
  },
  'nested worker of http': ({ http }, path) => settle(new Worker(http + path), 'error'),
  'nested worker of a blob': ({ http }, path) =>
    settle(
      new Worker(scriptBlob(`fetch(${JSON.stringify(http + path)}, { mode: 'no-cors' }).finally(() => postMessage(0))`)),
      'message',
      'error',
    ),
}

/** A document's; each changes and navigates nothing but what it has made itself. */
export const DOCUMENT_WAYS: Readonly<Record<string, Way>> = {
  sendBeacon: ({ http }, path) => navigator.sendBeacon(http + path, 'x'),
  fetchLater({ http }, path) {
    const { fetchLater } = globalThis as unknown as { fetchLater: (address: string, init: object) => unknown }
    return fetchLater(http + path, { activateAfter: 0 })
  },
  'shared worker': ({ http }, path) => settle(new SharedWorker(http + path), 'error'),
  image: ({ http }, path) => settle(Object.assign(new Image(), { src: http + path }), 'load', 'error'),
  audio: ({ http }, path) => settle(new Audio(http + path), 'error'),
  script: ({ http }, path) => added('script', { src: http + path }),
  stylesheet: ({ http }, path) => added('link', { rel: 'stylesheet', href: http + path }),
  'style with an address': ({ http }, path) => added('div', { style: `background: url(${http}${path}); width: 9px; height: 9px` }, 300),
  'imported style': ({ http }, path) => added('style', { textContent: `@import url(${http}${path})` }, 300),
  prefetch: ({ http }, path) => added('link', { rel: 'prefetch', href: http + path }),
  preload: ({ http }, path) => added('link', { rel: 'preload', as: 'image', href: http + path }),
  modulepreload: ({ http }, path) => added('link', { rel: 'modulepreload', href: http + path }),
  iframe: ({ http }, path) => added('iframe', { src: http + path }),
  'frame within a frame': ({ http }, path) => added('iframe', { srcdoc: `<img src="${http}${path}">` }, 500),
  object: ({ http }, path) => added('object', { data: http + path }),
  embed: ({ http }, path) => added('embed', { src: http + path }),
  form({ http }, path) {
    const frame = Object.assign(document.createElement('iframe'), { name: 'form' })
    const form = Object.assign(document.createElement('form'), { action: http + path, target: 'form' })
    document.body.append(frame, form)
    form.submit()
    return new Promise((resolve) => setTimeout(resolve, 300))
  },
  'window.open': ({ http }, path) => {
    const opened = window.open(http + path)
    return new Promise((resolve) => setTimeout(() => resolve(opened?.close()), 500))
  },
  'link with a ping': ({ http }, path) => {
    const link = Object.assign(document.createElement('a'), { ping: http + path, href: '#' })
    document.body.append(link)
    link.click()
  },
}

/** What no policy closes in a document. No guest is ever in one; a worker has none of them. */
export const DOCUMENT_ONLY_WAYS: Readonly<Record<string, Way>> = {
  WebRTC: async ({ stun }) => {
    const connection = new RTCPeerConnection({ iceServers: [{ urls: stun }] })
    connection.createDataChannel('out')
    await connection.setLocalDescription(await connection.createOffer())
    await new Promise((resolve) => setTimeout(resolve, 500))
    connection.close()
  },
  preconnect: ({ bare }) => added('link', { rel: 'preconnect', href: bare }, 500),
}

/** Adds an element to the document and waits until it has loaded or failed, or for a time. */
function added(name: string, properties: Record<string, string>, waitMs?: number): Promise<unknown> {
  const element = document.createElement(name)
  for (const [key, value] of Object.entries(properties))
    if (key === 'textContent') element.textContent = value
    else element.setAttribute(key, value)
  const done = waitMs === undefined ? settle(element, 'load', 'error') : new Promise((resolve) => setTimeout(resolve, waitMs))
  document.body.append(element)
  return done
}

const PATIENCE_MS = 1_500

/** Tries each way on its own path `/PLACE/WAY`; gives what came of each: `done`, or the error's name. */
export async function tryWays(ways: Readonly<Record<string, Way>>, target: Target, place: string): Promise<Record<string, string>> {
  const tried = Object.entries(ways).map(async ([name, way]) => [name, await outcome(() => way(target, wayPath(place, name)))] as const)
  return Object.fromEntries(await Promise.all(tried))
}

export const wayPath = (place: string, name: string): string => `/${place}/${name.replaceAll(' ', '-')}`

async function outcome(attempt: () => unknown): Promise<string> {
  try {
    await Promise.race([attempt(), new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))])
    return 'done'
  } catch (error) {
    return error instanceof Error || error instanceof DOMException ? error.name : 'failed'
  }
}
