/** Where a cell's worker gets the built modules from, those of tools, and workers for its scripts: its frame (protocol/frame.ts). */
import type { SnippetPort } from '../../kernel/js/snippet-port.ts'
import type { KeptModules } from '../../kernel/tool/module-cache.ts'
import { type FromWorker, parseToWorker } from '../../protocol/frame.ts'

/** Taken before the powers are removed. */
const { MessageChannel } = globalThis

export class ModuleFeed implements KeptModules {
  readonly #port: MessagePort
  readonly #needed = new Map<string, PromiseWithResolvers<WebAssembly.Module>>()
  readonly #read = new Map<string, PromiseWithResolvers<Uint8Array>>()
  readonly #sought = new Map<string, PromiseWithResolvers<WebAssembly.Module | undefined>>()

  /** what hears that a script's worker has ended by itself */
  readonly #snippets = new Map<number, (reason: string) => void>()
  #snippetIds = 0

  constructor(port: MessagePort) {
    this.#port = port
    port.addEventListener('message', (event) => this.#take(event.data))
    port.start()
  }

  /** The module `name`, the same for each who asks. Rejects when the frame has none; then it may be asked for again. */
  load(name: string): Promise<WebAssembly.Module> {
    return this.#ask('need', name, this.#needed)
  }

  /** The bytes of its file; rejects as `load` does. */
  read(name: string): Promise<Uint8Array> {
    return this.#ask('read', name, this.#read)
  }

  /** A tool's module that a cell of this frame has kept. */
  find(key: string): Promise<WebAssembly.Module | undefined> {
    return this.#ask('find', key, this.#sought)
  }

  keep(key: string, module: object): void {
    this.#port.postMessage({ t: 'keep', name: key, module } satisfies FromWorker, [])
  }

  /** A worker for one script, on a port of its own. */
  startSnippet(): SnippetPort {
    const { port1, port2 } = new MessageChannel()
    const snippet = ++this.#snippetIds
    this.#port.postMessage({ t: 'snippetStart', snippet } satisfies FromWorker, [port2])
    return {
      send: (message) => port1.postMessage(message, [message.buffer]),
      listen: (hear, ended) => {
        this.#snippets.set(snippet, ended)
        port1.addEventListener('message', (event) => hear(event.data))
        port1.start()
      },
      end: () => {
        this.#snippets.delete(snippet)
        port1.close()
        this.#port.postMessage({ t: 'snippetEnd', snippet } satisfies FromWorker, [])
      },
    }
  }

  #ask<T>(t: 'need' | 'read' | 'find', name: string, waiting: Map<string, PromiseWithResolvers<T>>): Promise<T> {
    const asked = waiting.get(name)
    if (asked) return asked.promise
    const answer = Promise.withResolvers<T>()
    waiting.set(name, answer)
    this.#port.postMessage({ t, name } satisfies FromWorker, [])
    return answer.promise
  }

  #take(message: unknown): void {
    const answer = parseToWorker(message)
    if (answer?.t === 'module') this.#takeModule(answer.name, answer.module)
    if (answer?.t === 'kept') this.#takeKept(answer.name, answer.module)
    if (answer?.t === 'bytes') this.#takeBytes(answer.name, answer.bytes)
    if (answer?.t === 'snippetEnded') this.#snippets.get(answer.snippet)?.(answer.reason)
  }

  #takeKept(key: string, module: unknown): void {
    this.#sought.get(key)?.resolve(module instanceof WebAssembly.Module ? module : undefined)
    this.#sought.delete(key)
  }

  #takeBytes(name: string, bytes: Uint8Array | undefined): void {
    const waiting = this.#read.get(name)
    this.#read.delete(name)
    if (bytes) waiting?.resolve(bytes)
    else waiting?.reject(new Error(`Cannot read the module "${name}"`))
  }

  #takeModule(name: string, module: unknown): void {
    const waiting = this.#needed.get(name)
    if (module instanceof WebAssembly.Module) return waiting?.resolve(module)
    this.#needed.delete(name)
    waiting?.reject(new Error(`Cannot load the module "${name}"`))
  }
}
