/**
 * The sandboxed page's script: creates a worker for each cell of one principal, feeds it modules that it compiles once, and ends it
 * when told. It runs no guest code and opens no broker port. Its one partner is the document that framed it.
 */
import { type FromFrame, type ModuleAnswer, type ModuleNeed, type ToFrame, type WorkerStart } from '../../protocol/frame.ts'
import { compiledModule } from './modules.ts'

const WORKER = '/cell-worker.js'
const workers = new Map<string, Worker>()
let workerAddress: Promise<string> | undefined

/** Workers of this page can only be started from a blob. */
async function workerScript(): Promise<string> {
  const response = await fetch(WORKER)
  if (!response.ok) throw new Error(`Cannot read the cell's script: ${response.status}`)
  return URL.createObjectURL(new Blob([await response.text()], { type: 'text/javascript' }))
}

function serve(host: MessagePort): void {
  const send = (message: FromFrame): void => host.postMessage(message)
  host.addEventListener('message', (event: MessageEvent<ToFrame>) => {
    const message = event.data
    switch (message.t) {
      case 'cell':
        void startCell(message.id, event.ports[0]!).catch((error: unknown) => send({ t: 'ended', id: message.id, reason: reasonOf(error) }))
        return
      case 'end':
        return end(message.id)
      case 'ping':
        return send({ t: 'pong' })
    }
  })
  host.start()
  send({ t: 'ready' })

  async function startCell(id: string, broker: MessagePort): Promise<void> {
    const worker = new Worker(await (workerAddress ??= workerScript()), { name: 'cell' })
    workers.set(id, worker)
    worker.addEventListener('error', (event) => {
      end(id)
      send({ t: 'ended', id, reason: event.message || 'its worker could not start' })
    })
    const feed = new MessageChannel()
    feed.port1.addEventListener('message', (need: MessageEvent<ModuleNeed>) => void answer(feed.port1, need.data.name))
    feed.port1.start()
    worker.postMessage({ t: 'start' } satisfies WorkerStart, [broker, feed.port2])
  }
}

function end(id: string): void {
  workers.get(id)?.terminate()
  workers.delete(id)
}

async function answer(feed: MessagePort, name: string): Promise<void> {
  const module = await compiledModule(name)
  feed.postMessage((module ? { t: 'module', name, module } : { t: 'module', name }) satisfies ModuleAnswer)
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

function greet(event: MessageEvent): void {
  const [port] = event.ports
  if (event.source !== parent || !port) return
  removeEventListener('message', greet)
  serve(port)
}
addEventListener('message', greet)
