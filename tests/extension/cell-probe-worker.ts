/** Stands in for the cell's script in a built extension: a worker with all its powers, which tries every way out and tells what came of it. */
import { isRecord } from '../../src/protocol/parse.ts'
import { type Target, tryWays, WORKER_WAYS } from './cell-ways-out.ts'

addEventListener('message', (event) => {
  const [broker] = event.ports
  broker?.addEventListener('message', ({ data }) => void answer(data).then((result) => broker.postMessage(result, [])))
  broker?.start()
})

async function answer(question: unknown): Promise<unknown> {
  if (!isRecord(question)) return undefined
  if (question['t'] === 'ways') return await tryWays(WORKER_WAYS, question['target'] as Target, 'worker')
  if (question['t'] === 'storage') return await tryStorage()
  if (question['t'] === 'absent')
    return ['document', 'RTCPeerConnection', 'WebTransport', 'SharedWorker'].filter((name) => !(name in globalThis))
  if (question['t'] === 'shout') return shout(question['word'])
  if (question['t'] === 'hear') return await heardOnChannel()
  return undefined
}

/** What came of each storage interface: the error's name, or `open`. */
async function tryStorage(): Promise<Record<string, string>> {
  const tries: Record<string, () => unknown> = {
    indexedDB: () => indexedDB.open('out'),
    caches: () => caches.open('out'),
    'private file system': () => navigator.storage.getDirectory(),
    locks: () => navigator.locks.request('out', () => 0),
    cookieStore: () => (globalThis as unknown as { cookieStore: CookieStore }).cookieStore.getAll(),
    webkitRequestFileSystemSync: () =>
      (globalThis as unknown as { webkitRequestFileSystemSync: (kind: number, size: number) => unknown }).webkitRequestFileSystemSync(
        0,
        1024,
      ),
  }
  const results = Object.entries(tries).map(async ([name, attempt]) => {
    try {
      await attempt()
      return [name, 'open'] as const
    } catch (error) {
      return [name, error instanceof Error || error instanceof DOMException ? error.name : 'failed'] as const
    }
  })
  return Object.fromEntries(await Promise.all(results))
}

function shout(word: unknown): void {
  const port = new BroadcastChannel('probe')
  port.postMessage(word)
}

let heard: unknown[] | undefined

/** The first question begins to listen; each gives what was heard since. */
async function heardOnChannel(): Promise<unknown[]> {
  if (!heard) {
    const words: unknown[] = []
    heard = words
    new BroadcastChannel('probe').addEventListener('message', (event) => words.push(event.data))
  }
  await new Promise((resolve) => setTimeout(resolve, 200))
  return heard.splice(0)
}
