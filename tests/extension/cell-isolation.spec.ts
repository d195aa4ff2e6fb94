/**
 * A cell's frame and worker have no way out (T43–T45 without Python): each one that a browser has is tried in them, and a server that counts
 * everything has seen nothing; on a page without the policy the same code reaches it.
 */
import { expect, type Frame, test } from '@playwright/test'
import { bundleScript, type CellExtension, launchCells } from '../support/cell-extension.ts'
import { watchedServer, type WatchedServer } from '../support/watched-server.ts'

const PROBE_WORKER = 'tests/extension/cell-probe-worker.ts'
const PROBE_PAGE = 'tests/extension/cell-probe-page.ts'

let cells: CellExtension
let watched: WatchedServer
let probePage: string

test.beforeAll(async () => {
  probePage = await bundleScript(PROBE_PAGE)
  watched = await watchedServer({
    'page.html': '<!doctype html><body><script src=page.js></script></body>',
    'page.js': probePage,
    'worker.js': await bundleScript(PROBE_WORKER),
  })
  cells = await launchCells({ worker: PROBE_WORKER })
})
test.afterAll(async () => {
  await cells?.[Symbol.asyncDispose]()
  await watched?.[Symbol.asyncDispose]()
})

const newestFrame = (): Frame => cells.page.frames().at(-1)!

/** Asks a probe worker in the frame of a site. */
function askProbe(site: string, question: Record<string, unknown>): Promise<unknown> {
  return cells.page.evaluate(
    async ([site, question]) => {
      const cell = await window.cellPage.start(site)
      return await window.cellPage.ask(cell, question)
    },
    [site, question] as const,
  )
}

test('T44 a worker with all its powers reaches no server by any way', async () => {
  const outcomes = await askProbe('ways', { t: 'ways', target: watched.target })
  expect(watched.seen()).toEqual([])
  expect(outcomes).toMatchObject({ fetch: 'TypeError', WebSocketStream: 'SecurityError', importScripts: 'NetworkError' })
})

test('T44 the frame itself reaches no server by any way that a policy closes', async () => {
  const frame = newestFrame()
  expect(await frame.evaluate(() => origin)).toBe('null')
  await frame.evaluate(probePage)
  await frame.evaluate((target) => window.tryDocumentWays(target, 'frame'), watched.target)
  expect(watched.seen()).toEqual([])
})

test('T44 what no policy closes in a document is in no worker', async () => {
  expect(await askProbe('absent', { t: 'absent' })).toEqual(['document', 'RTCPeerConnection', 'WebTransport', 'SharedWorker'])
})

test('a worker has no storage', async () => {
  expect(await askProbe('storage', { t: 'storage' })).toEqual({
    indexedDB: 'SecurityError',
    caches: 'ReferenceError',
    'private file system': 'TypeError',
    locks: 'TypeError',
    cookieStore: 'TypeError',
    webkitRequestFileSystemSync: 'SecurityError',
  })
})

test('workers of different principals do not hear each other, workers of one do', async () => {
  const heard = await cells.page.evaluate(async () => {
    const { start, ask, say } = window.cellPage
    const [listener, same, other] = [await start('left'), await start('left'), await start('right')]
    await window.cellPage.ask(listener, { t: 'hear' })
    say(other, { t: 'shout', word: 'from another principal' })
    say(same, { t: 'shout', word: 'from the same principal' })
    return await ask.call(window.cellPage, listener, { t: 'hear' })
  })
  expect(heard).toEqual(['from the same principal'])
})

test('T45 a frame that navigates itself away arrives nowhere; its cells end and the next one starts', async () => {
  const cell = await cells.page.evaluate(async () => {
    const cell = await window.cellPage.start('navigator')
    await window.cellPage.ask(cell, { t: 'absent' })
    return cell
  })
  await newestFrame().evaluate((address) => void (location.href = address), `${watched.target.http}/frame/location`)
  expect(await cells.page.evaluate((cell) => window.cellPage.ended(cell, 6_000), cell)).toBe(true)
  expect(await askProbe('navigator', { t: 'absent' })).toContain('document')
  expect(watched.seen()).toEqual([])
})

test('the frame obeys nobody but the document that framed it, and that one once', async () => {
  const answered = await cells.page.evaluate(async () => {
    const frame = document.querySelector('iframe')!
    const { port1, port2 } = new MessageChannel()
    frame.contentWindow!.postMessage('tidepool: frame', '*', [port2])
    return await new Promise((resolve) => {
      port1.addEventListener('message', () => resolve(true))
      port1.start()
      setTimeout(() => resolve(false), 300)
    })
  })
  expect(answered).toBe(false)
})

test('a site can neither frame the sandbox page nor read the cell’s files', async () => {
  const page = await cells.tidepool.open(`${watched.target.http}/control/page.html`)
  const reached = await page.evaluate(
    async (files) =>
      await Promise.all(
        files.map(async (file) => {
          const frame = document.createElement('iframe')
          frame.src = file
          document.body.append(frame)
          await new Promise((resolve) => frame.addEventListener('load', resolve))
          return await fetch(file).then(
            () => 'read',
            () => 'refused',
          )
        }),
      ),
    ['src/sandbox/frame/index.html', 'cell-worker.js', 'wasm/lock.json'].map((path) => cells.tidepool.address(path)),
  )
  expect(reached).toEqual(['refused', 'refused', 'refused'])
  expect(page.frames().filter((frame) => frame.url().startsWith('chrome-extension://'))).toEqual([])
  await page.close()
})

// Last, because the server has seen much after it.
test('T44 on a page without the policy the same ways reach the server', async () => {
  const page = await cells.tidepool.open(`${watched.target.http}/control/page.html`)
  await page.evaluate((target) => window.tryDocumentWays(target, 'page'), watched.target)
  await page.evaluate((target) => window.tryDocumentOnlyWays(target), watched.target)
  await page.evaluate((target) => window.tryWorkerWays(target, 'worker.js'), watched.target)
  await expect
    .poll(() => watched.seen())
    .toEqual([
      '/page/audio',
      '/page/embed',
      '/page/fetchLater',
      '/page/form',
      '/page/frame-within-a-frame',
      '/page/iframe',
      '/page/image',
      '/page/imported-style',
      '/page/link-with-a-ping',
      '/page/modulepreload',
      '/page/object',
      '/page/prefetch',
      '/page/preload',
      '/page/script',
      '/page/sendBeacon',
      '/page/shared-worker',
      '/page/style-with-an-address',
      '/page/stylesheet',
      '/page/window.open',
      '/worker/EventSource',
      '/worker/FontFace',
      '/worker/WebSocket',
      '/worker/WebSocketStream',
      '/worker/XMLHttpRequest',
      '/worker/fetch',
      '/worker/fetch-that-outlives',
      '/worker/fetch-without-CORS',
      '/worker/import-of-a-blob',
      '/worker/import-of-data',
      '/worker/import-of-http',
      '/worker/importScripts',
      '/worker/nested-worker-of-a-blob',
      '/worker/nested-worker-of-http',
      '/worker/synchronous-XMLHttpRequest',
      'a QUIC datagram',
      'a STUN datagram',
      'a bare connection',
    ])
})
