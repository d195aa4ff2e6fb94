/** A page's script that tries every way out, in its document and in a worker, where no policy holds it: what the watched server sees then. */
import { DOCUMENT_ONLY_WAYS, DOCUMENT_WAYS, type Target, tryWays } from './cell-ways-out.ts'

declare global {
  interface Window {
    tryDocumentWays: (target: Target, place: string) => Promise<Record<string, string>>
    tryDocumentOnlyWays: (target: Target) => Promise<Record<string, string>>
    tryWorkerWays: (target: Target, script: string) => Promise<Record<string, string>>
  }
}

window.tryDocumentWays = (target, place) => tryWays(DOCUMENT_WAYS, target, place)

window.tryDocumentOnlyWays = (target) => tryWays(DOCUMENT_ONLY_WAYS, target, 'document')

window.tryWorkerWays = (target, script) =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.addEventListener('message', (event) => resolve(event.data as Record<string, string>))
    port1.start()
    new Worker(script).postMessage('start', [port2])
    port1.postMessage({ t: 'ways', target }, [])
  })
