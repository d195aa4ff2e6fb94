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
const { Blob, URL, clearTimeout, crypto, performance, setTimeout } = globalThis
const { DOMException, TextDecoder, TextEncoder, URLSearchParams, atob, btoa, queueMicrotask, structuredClone } = globalThis
const createObjectURL = URL.createObjectURL.bind(URL)

/** What ECMAScript has and a script does not: memories that others count, and what they could share. */
const REMOVED = ['WebAssembly', 'SharedArrayBuffer']

async function prove(): Promise<void> {
  await selfTest()
  removePowers()
  for (const name of REMOVED) if (!Reflect.deleteProperty(globalThis, name)) throw new Error(`"${name}" cannot be removed`)
  for (const name of ['createObjectURL', 'revokeObjectURL']) Reflect.deleteProperty(URL, name)
}

function load(text: string): LoadedModule {
  const address = createObjectURL(new Blob([text], { type: 'text/javascript' }))
  return { address, done: import(/* @vite-ignore */ address) }
}

function onUncaught(listener: (error: unknown) => void): void {
  addEventListener('error', (event) => {
    event.preventDefault()
    listener(event.error)
  })
  addEventListener('unhandledrejection', (event) => {
    event.preventDefault()
    listener(event.reason)
  })
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
const now = performance.now.bind(performance)

function hostOf(port: MessagePort, proof: Promise<void>): JsHost {
  return {
    prove: () => proof,
    send: (message) => port.postMessage(message, [message.buffer]),
    listen: (hear) => {
      port.addEventListener('message', (event) => hear(event.data))
      port.start()
    },
    load,
    onUncaught,
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

function begin(event: MessageEvent): void {
  const [port] = event.ports
  if (!parseToScriptWorker(event.data) || !port) return
  removeEventListener('message', begin)
  void runScript(hostOf(port, proof))
}
addEventListener('message', begin)
