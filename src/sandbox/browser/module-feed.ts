/** Where a cell's worker gets the built modules from: its frame, which compiles each once (protocol/frame.ts). */
import { type FromWorker, parseToWorker } from '../../protocol/frame.ts'

export class ModuleFeed {
  readonly #port: MessagePort
  readonly #needed = new Map<string, PromiseWithResolvers<WebAssembly.Module>>()
  readonly #read = new Map<string, PromiseWithResolvers<Uint8Array>>()

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

  #ask<T>(t: FromWorker['t'], name: string, waiting: Map<string, PromiseWithResolvers<T>>): Promise<T> {
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
    if (answer?.t === 'bytes') this.#takeBytes(answer.name, answer.bytes)
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
