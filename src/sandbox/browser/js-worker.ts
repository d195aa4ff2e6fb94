/**
 * Entry of the worker of one script (one classic script). Its frame gives it one port, once: it leads to the script's own cell and speaks
 * protocol/js-wire.ts. The proof begins at once, so a worker that waits ready has it behind it; no code of the script runs before that.
 */
import { parseToScriptWorker } from '../../protocol/frame.ts'
import type { JsHost, LoadedModule } from '../js/js-host.ts'
import { runScript } from '../js/runtime.ts'
import { macrotask } from './host.ts'
import { removePowers } from './powers.ts'
import { selfTest } from './self-test.ts'

// Taken before the powers are removed.
const { Blob, EventTarget, URL, clearTimeout, crypto, performance, setTimeout } = globalThis
const { DOMException, TextDecoder, TextEncoder, URLSearchParams, atob, btoa, queueMicrotask, structuredClone } = globalThis
const createObjectURL = URL.createObjectURL.bind(URL)

/** What ECMAScript has and a script does not: memories that others count, and what they could share. */
const REMOVED = ['WebAssembly', 'SharedArrayBuffer']

async function prove(): Promise<void> {
  await selfTest()
  removePowers()
  for (const name of REMOVED) if (!Reflect.deleteProperty(globalThis, name)) throw new Error(`"${name}" cannot be removed`)
  for (const name of ['createObjectURL', 'revokeObjectURL']) Reflect.deleteProperty(URL, name)
  const { prototype } = EventTarget
  for (const name of Object.getOwnPropertyNames(prototype)) if (name !== 'constructor') Reflect.deleteProperty(prototype, name)
}

function load(text: string): LoadedModule {
  const address = createObjectURL(new Blob([text], { type: 'text/javascript' }))
  return { address, done: import(/* @vite-ignore */ address) }
}

/** Hears of what nobody caught, once there is a script. */
let uncaught: ((error: unknown) => void) | undefined
addEventListener('error', (event) => {
  if (!uncaught) return
  event.preventDefault()
  uncaught(event.error)
})
addEventListener('unhandledrejection', (event) => {
  event.preventDefault()
  uncaught?.(event.reason)
})

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const now = performance.now.bind(performance)

function hostOf(port: MessagePort, proof: Promise<void>): JsHost {
  return {
    prove: () => proof,
    send: (message) => port.postMessage(message, [message.buffer]),
    listen: (hear) => {
      // oxlint-disable-next-line unicorn/prefer-add-event-listener -- which is taken away by now
      port.onmessage = (event) => hear(event.data)
    },
    load,
    onUncaught: (listener) => void (uncaught = listener),
    setTimeout: (task, milliseconds) => setTimeout(task, milliseconds),
    clearTimeout: (id) => clearTimeout(id),
    macrotask,
    now,
    encode: (text) => encoder.encode(text),
    decode: (bytes) => decoder.decode(bytes),
    getRandomValues: (into) => crypto.getRandomValues(into as Uint8Array<ArrayBuffer>),
    globals: { DOMException, TextDecoder, TextEncoder, URL, URLSearchParams, atob, btoa, queueMicrotask, structuredClone },
  }
}

const proof = prove()
proof.catch(() => {})

let isStarted = false
function begin(event: MessageEvent): void {
  const [port] = event.ports
  if (isStarted || !parseToScriptWorker(event.data) || !port) return
  isStarted = true
  void runScript(hostOf(port, proof))
}
addEventListener('message', begin)
