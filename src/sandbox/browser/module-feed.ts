/** Where a cell's worker gets the built modules from: its frame, which compiles each once (protocol/frame.ts). */
import { type FromWorker, parseToWorker } from '../../protocol/frame.ts'

export class ModuleFeed {
  readonly #port: MessagePort
  readonly #asked = new Map<string, PromiseWithResolvers<WebAssembly.Module>>()

  constructor(port: MessagePort) {
    this.#port = port
    port.addEventListener('message', (event) => this.#take(event.data))
    port.start()
  }

  /** The module `name`, the same for each who asks. Rejects when the frame has none; then it may be asked for again. */
  load(name: string): Promise<WebAssembly.Module> {
    const asked = this.#asked.get(name)
    if (asked) return asked.promise
    const waiting = Promise.withResolvers<WebAssembly.Module>()
    this.#asked.set(name, waiting)
    this.#port.postMessage({ t: 'need', name } satisfies FromWorker)
    return waiting.promise
  }

  #take(message: unknown): void {
    const answer = parseToWorker(message)
    if (answer?.t !== 'module') return
    const waiting = this.#asked.get(answer.name)
    if (answer.module instanceof WebAssembly.Module) return waiting?.resolve(answer.module)
    this.#asked.delete(answer.name)
    waiting?.reject(new Error(`Cannot load the module "${answer.name}"`))
  }
}
