/**
 * The workers of one frame, one a cell: started from the cell's script, fed with compiled modules, ended at once when told.
 * What the broker and a cell say to each other goes past here. Invariant: a cell that was ended never starts afterwards.
 */
import { type ToWorker, parseFromWorker } from '../../protocol/frame.ts'
import type { Modules } from './modules.ts'

export class CellWorkers {
  readonly #script: Promise<string>
  readonly #modules: Promise<Modules>
  readonly #ended: (cell: string, reason: string) => void
  /** undefined while its worker is being made ready */
  readonly #workers = new Map<string, Worker | undefined>()

  /** `script` is a blob's address. `ended` is told of each cell that has ended by itself. */
  constructor(script: Promise<string>, modules: Promise<Modules>, ended: (cell: string, reason: string) => void) {
    this.#script = script
    this.#modules = modules
    this.#ended = ended
  }

  start(cell: string, broker: MessagePort): void {
    this.#workers.set(cell, undefined)
    void Promise.all([this.#script, this.#modules]).then(
      ([script, modules]) => this.#run(cell, broker, script, modules),
      (error: unknown) => this.#fail(cell, reasonOf(error)),
    )
  }

  end(cell: string): void {
    this.#workers.get(cell)?.terminate()
    this.#workers.delete(cell)
  }

  #run(cell: string, broker: MessagePort, script: string, modules: Modules): void {
    if (!this.#workers.has(cell)) return
    const worker = new Worker(script, { name: 'cell' })
    this.#workers.set(cell, worker)
    worker.addEventListener('error', (event) => this.#fail(cell, event.message || 'its script does not start'))
    worker.postMessage({ t: 'start', modules: modules.list } satisfies ToWorker, [broker, feed(modules)])
  }

  #fail(cell: string, reason: string): void {
    if (!this.#workers.has(cell)) return
    this.end(cell)
    this.#ended(cell, reason)
  }
}

/** The worker's end of a port on which modules are asked for and given. */
function feed(modules: Modules): MessagePort {
  const { port1, port2 } = new MessageChannel()
  const answer = (message: ToWorker): void => port1.postMessage(message)
  port1.addEventListener('message', (event) => {
    const asked = parseFromWorker(event.data)
    if (!asked) return
    const { t, name } = asked
    if (t === 'need')
      modules.compile(name).then(
        (module) => answer({ t: 'module', name, module }),
        () => answer({ t: 'module', name }),
      )
    else
      modules.read(name).then(
        (bytes) => answer({ t: 'bytes', name, bytes }),
        () => answer({ t: 'bytes', name }),
      )
  })
  port1.start()
  return port2
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Programs that every command begins with are made ready while the worker starts. */
export function warmUp(modules: Modules): void {
  for (const { name, programs } of modules.list) if (programs.includes('sh')) void modules.compile(name).catch(() => {})
}
