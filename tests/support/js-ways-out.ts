/**
 * A script that tries every way out of where it runs, and tells what came of each: `done`, or the error's name. It is the same text in `js`
 * in Node and in the extension, and, as a control, where nothing is shut.
 */

/** Each is an expression over `http` and `ws`, the addresses of the watched server. */
const WAYS: Readonly<Record<string, string>> = {
  fetch: "fetch(http + '/js/fetch', { mode: 'no-cors' })",
  XMLHttpRequest:
    "new Promise((resolve) => { const r = new XMLHttpRequest(); r.open('GET', http + '/js/XMLHttpRequest'); r.onloadend = resolve; r.send() })",
  WebSocket: "new Promise((resolve) => { const s = new WebSocket(ws + '/js/WebSocket'); s.onclose = s.onerror = resolve })",
  EventSource: "new Promise((resolve) => { const s = new EventSource(http + '/js/EventSource'); s.onopen = s.onerror = resolve })",
  WebTransport: 'new WebTransport(http).ready',
  RTCPeerConnection: 'new RTCPeerConnection()',
  sendBeacon: "navigator.sendBeacon(http + '/js/sendBeacon', 'x')",
  'a nested worker': "new Worker(http + '/js/worker')",
  'a shared worker': "new SharedWorker(http + '/js/shared-worker')",
  importScripts: "importScripts(http + '/js/importScripts')",
  location: 'location.assign',
  'window.open': "window.open(http + '/js/window.open')",
  form: "document.createElement('form')",
  prefetch: "document.createElement('link')",
  image: 'new Image()',
  BroadcastChannel: "new BroadcastChannel('x')",
  MessageChannel: 'new MessageChannel()',
  postMessage: 'postMessage(1)',
  close: 'close()',
  indexedDB: "indexedDB.open('x')",
  caches: "caches.open('x')",
  'navigator.storage': 'navigator.storage.getDirectory()',
  'a blob address': "URL.createObjectURL(new Blob(['1']))",
  WebAssembly: 'new WebAssembly.Memory({ initial: 1 })',
  SharedArrayBuffer: 'new SharedArrayBuffer(1)',
  chrome: 'chrome.runtime',
  process: 'process.pid',
  'process.kill': 'process.kill(process.ppid, 0)',
  'process.getBuiltinModule': "process.getBuiltinModule('node:fs')",
  'process.binding': "process.binding('fs')",
  require: "require('node:fs')",
  'module.require': "module.require('node:fs')",
  'the host name': "process.getBuiltinModule('node:os').hostname()",
  'flags of the engine': "process.getBuiltinModule('node:v8').setFlagsFromString('--allow-natives-syntax')",
  'another database': "new (process.getBuiltinModule('node:sqlite').DatabaseSync)('/tmp/out.db').exec(\"ATTACH '/etc/passwd' AS x\")",
  'the environment': 'process.env',
  'the arguments of the process': 'process.argv',
  eval: "(0, eval)('1')",
  Function: "new Function('return 1')()",
  'a constructor of functions': "(() => {}).constructor('return 1')()",
  'a constructor of async functions': "(async () => {}).constructor('return 1')()",
  'a constructor of generators': "(function* () {}).constructor('yield 1')()",
  'a timer of text': "setTimeout('1')",
  'stack frames as objects': '(Error.prepareStackTrace = (e, sites) => sites)',
}

export const JS_WAYS = Object.keys(WAYS)

/** `args` are the two addresses. */
export const jsWaysScript = `const [http, ws] = args
const WAYS = {
${Object.entries(WAYS)
  .map(([name, code]) => `  ${JSON.stringify(name)}: () => ${code},`)
  .join('\n')}
}
const outcomes = {}
for (const [name, way] of Object.entries(WAYS)) {
  try {
    await Promise.race([way(), new Promise((resolve) => setTimeout(resolve, 500))])
    outcomes[name] = 'done'
  } catch (error) {
    outcomes[name] = error.name
  }
}
console.log(JSON.stringify(outcomes))
`

/**
 * Looks for objects of the host's: whatever the runtime hands to functions of the language that the script has replaced. Prints the
 * kinds of those that have a power.
 */
export const jsLeakScript = `const seen = new Set()
const look = (value) => {
  if (typeof value !== 'object' || value === null) return
  for (const name of ['pid', 'postMessage', 'binding', 'channel', 'dlopen', 'getBuiltinModule', 'fetch', 'importScripts'])
    if (name in value && value !== globalThis) seen.add(name)
}
const replace = (holder, names) => {
  for (const name of names) {
    const original = holder[name]
    holder[name] = function (...values) {
      look(this)
      for (let i = 0; i < values.length; i++) look(values[i])
      return Reflect.apply(original, this, values)
    }
  }
}
const { apply } = Reflect
replace(Map.prototype, ['get', 'set', 'delete', 'has'])
replace(Set.prototype, ['add'])
replace(Array.prototype, ['push', 'shift', 'splice', 'slice', 'map', 'filter', 'join'])
replace(Promise.prototype, ['then', 'catch', 'finally'])
replace(Function.prototype, ['bind'])
replace(Object, ['entries', 'fromEntries', 'assign', 'keys'])
replace(JSON, ['stringify', 'parse'])
for (const name of ['handle', 'cmd', 'port', 'ports', 'then', 'domain', 'callback', 'constructor'])
  if (name !== 'then' && name !== 'constructor')
    Object.defineProperty(Object.prototype, name, { configurable: true, get() { look(this); return undefined }, set(value) { look(this); look(value) } })
await fs.writeFile('leak', 'x')
await fs.readFile('leak', 'utf8')
await new Promise((resolve) => setTimeout(resolve, 5))
await stdout.write('')
console.error(new Error('x').stack)
console.log(JSON.stringify([...seen]))
`
