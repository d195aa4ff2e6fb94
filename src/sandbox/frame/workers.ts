/**
 * The workers of one frame, one a cell: started from the cell's script, fed with compiled modules, ended at once when told.
 * What the broker and a cell say to each other goes past here. Invariant: a cell that was ended never starts afterwards.
 */
import { type ToWorker, parseFromWorker } from '../../protocol/frame.ts'
import type { Modules } from './modules.ts'
import { ScriptWorkers } from './script-workers.ts'
import type { ToolModules } from './tool-modules.ts'

export class CellWorkers {
  readonly #script: Promise<string>
  readonly #jsScript: () => Promise<string>
  readonly #modules: Promise<Modules>
  readonly #toolModules: ToolModules
  readonly #ended: (cell: string, reason: string) => void
  /** undefined while its worker is being made ready */
  readonly #workers = new Map<string, Worker | undefined>()
  readonly #scripts = new Map<string, ScriptWorkers>()

  /** `script` and `jsScript`, a cell's and a script's, are (or give) blobs' addresses. `ended` is told of each cell that has ended by itself. */
  constructor(
    script: Promise<string>,
    jsScript: () => Promise<string>,
    modules: Promise<Modules>,
    toolModules: ToolModules,
    ended: (cell: string, reason: string) => void,
  ) {
    this.#script = script
    this.#jsScript = jsScript
    this.#modules = modules
    this.#toolModules = toolModules
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
    this.#scripts.get(cell)?.endAll()
    this.#scripts.delete(cell)
  }

  #run(cell: string, broker: MessagePort, script: string, modules: Modules): void {
    if (!this.#workers.has(cell)) return
    const worker = new Worker(script, { name: 'cell' })
    this.#workers.set(cell, worker)
    worker.addEventListener('error', (event) => this.#fail(cell, event.message || 'its script does not start'))
    worker.postMessage({ t: 'start', modules: modules.list } satisfies ToWorker, [broker, this.#feed(cell, modules)])
  }

  /** The worker's end of a port on which modules and workers for scripts are asked for and given. */
  #feed(cell: string, modules: Modules): MessagePort {
    const { port1, port2 } = new MessageChannel()
    const answer: Answer = (message) => port1.postMessage(message)
    const scripts = new ScriptWorkers(this.#jsScript, (snippet, reason) => answer({ t: 'snippetEnded', snippet, reason }))
    this.#scripts.set(cell, scripts)
    port1.addEventListener('message', (event) => {
      const asked = parseFromWorker(event.data)
      const [port] = event.ports
      switch (asked?.t) {
        case 'need':
        case 'read':
          return giveModule(modules, asked, answer)
        case 'find': {
          const module = this.#toolModules.find(asked.name)
          return answer({ t: 'kept', name: asked.name, ...(module ? { module } : {}) })
        }
        case 'keep':
          return this.#toolModules.keep(asked.name, asked.module)
        case 'snippetStart':
          return port && scripts.start(asked.snippet, port)
        case 'snippetEnd':
          return scripts.end(asked.snippet)
        case undefined:
      }
    })
    port1.start()
    return port2
  }

  #fail(cell: string, reason: string): void {
    if (!this.#workers.has(cell)) return
    this.end(cell)
    this.#ended(cell, reason)
  }
}

/** Answers a worker that asks for a module. */
function giveModule(modules: Modules, { t, name }: { readonly t: 'need' | 'read'; readonly name: string }, answer: Answer): void {
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
}

type Answer = (message: ToWorker) => void

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Programs that every command begins with are made ready while the worker starts. */
export function warmUp(modules: Modules): void {
  for (const { name, programs } of modules.list) if (programs.includes('sh')) void modules.compile(name).catch(() => {})
}
