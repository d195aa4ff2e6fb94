/**
 * The workers of one cell's scripts: a fresh one for each, ended when its process ends, all of them with the cell. One waits ready once there
 * was a first. What a script and its cell say to each other goes past here. Invariant: what was ended never starts afterwards.
 */
import type { ToScriptWorker } from '../../protocol/frame.ts'
import { LIMITS } from '../../protocol/limits.ts'

export class ScriptWorkers {
  readonly #script: () => Promise<string>
  readonly #ended: (snippet: number, reason: string) => void
  /** undefined while its worker is being made */
  readonly #workers = new Map<number, Worker | undefined>()
  #spare: Worker | undefined
  #isOver = false

  /** `script` gives a blob's address. `ended` is told of each script that has ended by itself. */
  constructor(script: () => Promise<string>, ended: (snippet: number, reason: string) => void) {
    this.#script = script
    this.#ended = ended
  }

  start(snippet: number, port: MessagePort): void {
    if (this.#workers.has(snippet)) return
    if (this.#workers.size >= LIMITS.jsWorkers) return this.#ended(snippet, 'too many scripts run')
    this.#workers.set(snippet, undefined)
    const spare = this.#spare
    this.#spare = undefined
    void this.#script().then(
      (script) => this.#run(snippet, port, spare ?? makeWorker(script)),
      () => this.#fail(snippet, 'its worker could not be started'),
    )
  }

  end(snippet: number): void {
    this.#workers.get(snippet)?.terminate()
    this.#workers.delete(snippet)
    if (!this.#isOver) void this.#script().then((script) => this.#prepare(script))
  }

  /** The cell has ended. */
  endAll(): void {
    this.#isOver = true
    for (const worker of this.#workers.values()) worker?.terminate()
    this.#workers.clear()
    this.#spare?.terminate()
    this.#spare = undefined
  }

  #run(snippet: number, port: MessagePort, worker: Worker): void {
    if (!this.#workers.has(snippet)) return worker.terminate()
    this.#workers.set(snippet, worker)
    worker.addEventListener('error', (event) =>
      this.#fail(snippet, `its worker has failed: ${event.message} ${event.lineno}:${event.colno}`),
    )
    worker.postMessage({ t: 'script' } satisfies ToScriptWorker, [port])
  }

  #fail(snippet: number, reason: string): void {
    if (!this.#workers.has(snippet)) return
    this.end(snippet)
    this.#ended(snippet, reason)
  }

  #prepare(script: string): void {
    if (!this.#isOver) this.#spare ??= makeWorker(script)
  }
}

const makeWorker = (script: string): Worker => new Worker(script, { name: 'script' })
