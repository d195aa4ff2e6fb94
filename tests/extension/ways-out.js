/**
 * Every way out of a worker that exists without Python, tried one after the other. `tryWaysOut(port, tell)` tells for each what became of it.
 * It runs as hostile code in the place of a cell, and in an ordinary worker as the positive control.
 */
/* oxlint-disable no-eval, typescript/no-implied-eval -- whether they are shut is what this tries */
globalThis.tryWaysOut = async (port) => {
  const http = `http://127.0.0.1:${port}`
  const settled = (promise) =>
    Promise.race([
      promise.then(
        () => 'open',
        (error) => error?.name ?? 'shut',
      ),
      new Promise((resolve) => setTimeout(() => resolve('silent'), 1500)),
    ])
  const opened = (target, good, ...bad) =>
    new Promise((resolve, reject) => {
      target.addEventListener(good, resolve)
      for (const name of bad) target.addEventListener(name, () => reject(new Error(name)))
    })
  const ways = {
    fetch: () => fetch(`${http}/fetch`),
    'fetch no-cors': () => fetch(`${http}/no-cors`, { mode: 'no-cors' }),
    'fetch keepalive': () => fetch(`${http}/keepalive`, { method: 'POST', body: 'x', keepalive: true }),
    'fetch https': () => fetch(`https://127.0.0.1:${port}/https`, { mode: 'no-cors' }),
    'fetch of a Request': () => fetch(new Request(`${http}/request`)),
    XMLHttpRequest: () => {
      const request = new XMLHttpRequest()
      request.open('GET', `${http}/xhr`)
      request.send()
      return opened(request, 'load', 'error')
    },
    'synchronous XMLHttpRequest': async () => {
      const request = new XMLHttpRequest()
      request.open('GET', `${http}/sync`, false)
      request.send()
    },
    WebSocket: () => opened(new WebSocket(`ws://127.0.0.1:${port}/ws`), 'open', 'error', 'close'),
    WebSocketStream: () => new WebSocketStream(`ws://127.0.0.1:${port}/wss`).opened,
    EventSource: () => opened(new EventSource(`${http}/events`), 'open', 'error'),
    WebTransport: () => new WebTransport(`https://127.0.0.1:${port}/transport`).ready,
    importScripts: async () => importScripts(`${http}/script.js`),
    'import()': () => import(`${http}/module.js`),
    'import() of data': () => import('data:text/javascript,fetch("' + http + '/data")'),
    'a worker of its own': async () => {
      const source = URL.createObjectURL(new Blob([`fetch('${http}/nested').then(() => postMessage('open'), () => postMessage('shut'))`]))
      const worker = new Worker(source)
      const { data } = await opened(worker, 'message', 'error')
      if (data !== 'open') throw new Error(data)
    },
    RTCPeerConnection: async () => {
      const connection = new RTCPeerConnection({ iceServers: [{ urls: `stun:127.0.0.1:${port}` }] })
      connection.createDataChannel('x')
      await connection.setLocalDescription()
      await new Promise((resolve) => setTimeout(resolve, 1000))
    },
    sendBeacon: async () => {
      if (!navigator.sendBeacon(`${http}/beacon`, 'x')) throw new Error('refused')
    },
    'the browser cache': () => caches.open('x').then((cache) => cache.add(`${http}/cache`)),
    indexedDB: () => opened(indexedDB.open('x'), 'success', 'error'),
    'files of the origin': () => navigator.storage.getDirectory(),
    'extension API': async () => chrome.runtime.sendMessage('x'),
    'a report': async () => {
      new ReportingObserver(() => {}).observe()
      throw new Error('nothing is sent')
    },
    'compiling from the network': () => WebAssembly.compileStreaming(fetch(`${http}/wasm`)),
    eval: async () => (0, eval)('1'),
    Function: async () => new Function('return 1')(),
  }
  const out = {}
  for (const [name, way] of Object.entries(ways))
    try {
      out[name] = await settled(Promise.resolve(way()))
    } catch (error) {
      out[name] = error?.name ?? 'shut'
    }
  return out
}
