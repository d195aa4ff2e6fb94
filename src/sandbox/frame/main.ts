/**
 * The sandbox page's script. An opaque origin that holds our code only: it creates, feeds and ends one dedicated worker a cell, and opens
 * no broker port. It obeys the document of this extension that framed it, on one private port, and no one else.
 */
import { FRAME_GREETING, type FromFrame, parseToFrame } from '../../protocol/frame.ts'
import { Modules } from './modules.ts'
import { ToolModules } from './tool-modules.ts'
import { CellWorkers, warmUp } from './workers.ts'

/** Workers of this page can only be started from a blob. */
async function workerScript(file: string): Promise<string> {
  const response = await fetch(file)
  return URL.createObjectURL(new Blob([await response.text()], { type: 'text/javascript' }))
}

const once = <T>(make: () => T): (() => T) => {
  let made: T | undefined
  return () => (made ??= make())
}

function serve(host: MessagePort): void {
  const send = (message: FromFrame): void => host.postMessage(message, [])
  const modules = Modules.open()
  const workers = new CellWorkers(
    workerScript('/cell-worker.js'),
    once(() => workerScript('/js-worker.js')),
    modules,
    new ToolModules(),
    (cell, reason) => send({ t: 'ended', cell, reason }),
  )
  host.addEventListener('message', (event) => {
    const message = parseToFrame(event.data)
    const [broker] = event.ports
    if (message?.t === 'ping') send({ t: 'pong' })
    else if (message?.t === 'end') workers.end(message.cell)
    else if (message?.t === 'start' && broker) workers.start(message.cell, broker)
  })
  host.start()
  send({ t: 'open' })
  void modules.then(warmUp, () => {})
}

function greet(event: MessageEvent): void {
  const [port] = event.ports
  // `location.origin` is the extension's own although this page's origin is opaque: only the extension's pages have it.
  if (event.source !== parent || event.origin !== location.origin || event.data !== FRAME_GREETING || !port) return
  removeEventListener('message', greet)
  serve(port)
}
addEventListener('message', greet)
