/**
 * Entry of the process of one script: a locked child like a cell's (cell-process.ts), with the heap bounded by a flag of its parent's. Its
 * channel carries byte arrays (protocol/js-wire.ts). The script is the one module that can be loaded after the lock, and only once.
 */
import { registerHooks } from 'node:module'
import type { JsHost, LoadedModule } from '../js/js-host.ts'
import { runScript } from '../js/runtime.ts'
import { failsToImport, lockDown } from './lockdown.ts'

// Taken before the lock removes the globals.
const { process, performance, setTimeout, clearTimeout, setImmediate, crypto, URL } = globalThis
const { TextDecoder, TextEncoder, URLSearchParams, atob, btoa, structuredClone, queueMicrotask, DOMException } = globalThis
const exit = (process as unknown as { reallyExit(code: number): never }).reallyExit.bind(process)
const send = process.send?.bind(process)
if (!send) throw new Error('Cannot start: a script needs the channel to its parent')
process.on('disconnect', () => exit(0))

/** The address of the script, as its stack traces have it. */
const SCRIPT = 'tidepool:script'
/** What ECMAScript has and a script does not: memories that others count, and what they could share. */
const REMOVED = ['WebAssembly', 'SharedArrayBuffer']

let source: string | undefined
function allowScript(): void {
  registerHooks({
    resolve(specifier, context, next) {
      if (specifier !== SCRIPT || source === undefined) return next(specifier, context)
      return { url: SCRIPT, format: 'module', shortCircuit: true }
    },
    load(url, context, next) {
      if (url !== SCRIPT || source === undefined) return next(url, context)
      const text = source
      source = undefined
      return { format: 'module', source: text, shortCircuit: true }
    },
  })
}

async function prove(): Promise<void> {
  await lockDown()
  for (const name of REMOVED) if (!Reflect.deleteProperty(globalThis, name)) throw new Error(`"${name}" cannot be removed`)
  allowScript()
  for (const name of ['node:fs', SCRIPT, 'data:text/javascript,export default 1'])
    if (!(await failsToImport(name))) throw new Error(`the self-test failed: ${name.slice(0, 20)} can be imported`)
}

function load(text: string): LoadedModule {
  source = text
  return { address: SCRIPT, done: import(/* @vite-ignore */ SCRIPT) }
}

const timers = new Map<number, NodeJS.Timeout>()
let timerIds = 0
function startTimer(task: () => void, milliseconds: number): number {
  const id = ++timerIds
  timers.set(
    id,
    setTimeout(() => {
      timers.delete(id)
      task()
    }, milliseconds),
  )
  return id
}
function stopTimer(id: number): void {
  clearTimeout(timers.get(id))
  timers.delete(id)
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const now = performance.now.bind(performance)
for (const name of ['createObjectURL', 'revokeObjectURL']) Reflect.deleteProperty(URL, name)

const host: JsHost = {
  prove,
  // What cannot be sent is for a parent that is gone, and `disconnect` follows.
  send: (message) => void send(message, undefined, undefined, () => {}),
  listen: (hear) => void process.on('message', hear),
  load,
  onUncaught: (listener) => {
    process.on('uncaughtException', listener)
    process.on('unhandledRejection', listener)
  },
  setTimeout: startTimer,
  clearTimeout: stopTimer,
  macrotask: (task) => void setImmediate(task),
  now,
  encode: (text) => encoder.encode(text),
  decode: (bytes) => decoder.decode(bytes),
  getRandomValues: (into) => crypto.getRandomValues(into as Uint8Array<ArrayBuffer>),
  globals: { TextDecoder, TextEncoder, URL, URLSearchParams, atob, btoa, structuredClone, queueMicrotask, DOMException },
}

void runScript(host)
