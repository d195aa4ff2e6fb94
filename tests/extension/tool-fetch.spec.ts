/**
 * `http_fetch` of an installed tool against real servers: it reaches the server of the site whose page made the call, with the tool's grant and
 * not without, and no other server by any spelling; and a request ends with its call, its grant and its document.
 */
import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, type Page } from '@playwright/test'
import type { ToolResult } from '../../src/protocol/tool.ts'
import { packageOf } from '../contract/tool-machine.ts'
import { ask, callTool } from '../support/btcp.ts'
import { launchTidepool, type Tidepool } from '../support/extension.ts'
import { fetchingModule } from '../support/fetching-module.ts'
import { serveSites, type SiteServer } from '../support/site-server.ts'
import { ToolPanel } from '../support/tool-panel.ts'

const NEEDS = 'network:fetch:same-origin'
const MiB = 1024 * 1024

let sites: SiteServer
/** another port of the same machine */
let others: SiteServer
let tidepool: Tidepool
let page: Page
let panel: ToolPanel
let origin: string

interface Held {
  readonly response: ServerResponse
  isClosed: boolean
}
const held: Held[] = []

test.beforeAll(async () => {
  sites = await serveSites()
  others = await serveSites()
  origin = sites.origin('shop')
  for (const server of [sites, others]) server.route('/reached', 'reached')
  sites.route('/', '<!doctype html><title>site</title><h1>Shop</h1>')
  sites.route('/next', '<!doctype html><title>next</title><h1>Next</h1>')
  sites.route('/strict', (_, response) => {
    response.writeHead(200, { 'content-type': 'text/html', 'content-security-policy': "connect-src 'none'; script-src 'self'" })
    response.end(`<!doctype html><base href="${others.origin('evil')}/"><title>strict</title><h1>Strict</h1>`)
  })
  sites.route('/worker.js', (_, response) => {
    response.writeHead(200, { 'content-type': 'text/javascript' })
    response.end(
      'addEventListener("activate",(event)=>event.waitUntil(clients.claim()));addEventListener("fetch",(event)=>{if(event.request.url.endsWith("/echo"))event.respondWith(new Response("of the worker"))})',
    )
  })
  sites.route('/echo', (request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const { cookie, origin: said, referer, 'x-mine': mine } = request.headers
      response.writeHead(201, { 'content-type': 'application/json', 'set-cookie': 'secret=1; HttpOnly', 'x-answer': 'yes' })
      response.end(JSON.stringify({ method: request.method, body: Buffer.concat(parts).toString(), cookie, origin: said, referer, mine }))
    })
  })
  sites.route('/away', (_, response) => response.writeHead(302, { location: `${others.origin('evil')}/reached` }).end())
  sites.route('/elsewhere', (_, response) => response.writeHead(307, { location: `${sites.origin('evil')}/reached` }).end())
  sites.route('/moved', (_, response) => response.writeHead(301, { location: '/reached' }).end())
  sites.route('/binary', (_, response) => response.end(Buffer.from([0xff, 0xfe, 0, 1])))
  sites.route('/large', (_, response) => response.end(Buffer.alloc(20 * MiB, 'a')))
  sites.route('/broken', (_, response) => response.destroy())
  sites.route('/slow', (_, response) => {
    const one: Held = { response, isClosed: false }
    response.on('close', () => (one.isClosed = true))
    held.push(one)
  })
  tidepool = await launchTidepool({ backForwardCache: true })
  page = await tidepool.site(origin)
  panel = await ToolPanel.open(tidepool, origin)
  await panel.install(packageOf(fetchingModule(), { capabilities: [NEEDS] }))
  await page.bringToFront()
})
test.beforeEach(async () => {
  held.length = 0
  await panel.choose('probe', NEEDS, 'session')
})
test.afterAll(async () => {
  await tidepool?.close()
  await sites?.[Symbol.asyncDispose]()
  await others?.[Symbol.asyncDispose]()
})

/** The answer, or `{ n, text }` of the import that failed. */
async function fetched(request: object): Promise<Record<string, unknown>> {
  const { value, failure } = await callTool(page, 'probe', request)
  if (failure) throw new Error(`${failure.data.btcpCode}: ${failure.message}`)
  if (value.isError) throw new Error(JSON.stringify(value.content))
  return value.structuredContent as Record<string, unknown>
}

const hits = (server: SiteServer, path: string): number => server.requests.filter((line) => line.endsWith(` ${path}`)).length

/** Begins a call of the slow page, and marks the document with how it ends. */
async function begin(options: object = {}): Promise<Held> {
  await page.evaluate((given) => {
    const controller = new AbortController()
    Object.assign(globalThis, { cancelCall: () => controller.abort() })
    delete document.body.dataset['ended']
    void window.btcp.callTool('probe', { url: '/slow' }, { timeout: 60_000, signal: controller.signal, ...given }).then(
      (value: ToolResult) => (document.body.dataset['ended'] = value.isError ? (value._meta['btcp/error']?.code ?? 'isError') : 'ok'),
      (error: { data: { btcpCode: string } }) => (document.body.dataset['ended'] = error.data.btcpCode),
    )
  }, options)
  await expect.poll(() => held.length).toBe(1)
  return held[0]!
}
const ended = async (code: string): Promise<void> => await expect(page.locator('body')).toHaveAttribute('data-ended', code)
const closed = async (one: Held): Promise<void> => await expect.poll(() => one.isClosed).toBe(true)

test('with its grant a GET and a POST arrive at the site’s own server', async () => {
  const got = await fetched({ url: '/reached' })
  expect(got).toMatchObject({ status: 200, body: 'reached', headers: { 'content-type': 'text/html; charset=utf-8' } })
  const posted = await fetched({
    url: `${origin}/echo?a=1#part`,
    method: 'POST',
    headers: { 'X-Mine': 'yes', 'Content-Type': 'text/plain' },
    body: 'Größe 🌊',
  })
  expect(posted).toMatchObject({ status: 201, headers: { 'x-answer': 'yes' } })
  expect(Object.keys(posted['headers'] as object)).not.toContain('set-cookie')
  expect(JSON.parse(posted['body'] as string)).toMatchObject({ method: 'POST', body: 'Größe 🌊', origin, mine: 'yes' })
  // The sign-in of the person goes with it, also where the page itself cannot read it.
  const again = JSON.parse((await fetched({ url: '/echo' }))['body'] as string) as { cookie: string; referer?: string }
  expect(again.cookie).toBe('secret=1')
  expect(again.referer ?? `${origin}/`).toBe(`${origin}/`)
  expect(await fetched({ url: '/nowhere' })).toMatchObject({ status: 404, body: 'not here' })
  expect(await fetched({ url: '/reached', method: 'HEAD' })).toMatchObject({ status: 200, body: '' })
})

test('without it nothing arrives, and a site cannot hold it', async () => {
  await panel.choose('probe', NEEDS, 'deny')
  const before = sites.requests.length
  const { failure } = await callTool(page, 'probe', { url: '/reached' })
  expect(failure).toMatchObject({ code: 4100, data: { missing: [NEEDS], effects: 'none' } })
  expect((await ask(page, 'requestCapabilities', [NEEDS])).failure).toMatchObject({ code: 4200 })
  expect((await ask(page, 'requestCapabilities', ['network:fetch:cross-origin'])).failure).toMatchObject({ code: 4200 })
  expect((await ask(page, 'preflightCapabilities', [NEEDS])).value).toEqual({ [NEEDS]: 'denied' })
  const chosen = await panel.page.evaluate(
    async ([origin, capability]): Promise<unknown> =>
      await chrome.runtime.sendMessage({ t: 'choose', origin, capability, choice: 'session' }),
    [origin, NEEDS] as const,
  )
  expect(chosen).toEqual({ error: `Cannot choose: "${NEEDS}" is not offered to sites` })
  expect(sites.requests.length).toBe(before)
})

test('no spelling of a URL reaches another server', async () => {
  const { port } = sites
  const elsewhere: readonly (readonly [url: string, n: number])[] = [
    [`${sites.origin('evil')}/reached`, -2],
    [`${others.origin('shop')}/reached`, -2],
    [`http://localhost:${port}/reached`, -2],
    [`http://127.0.0.1:${port}/reached`, -2],
    [`http://[::1]:${port}/reached`, -2],
    [`http://2130706433:${port}/reached`, -2],
    [`http://0x7f.1:${port}/reached`, -2],
    [`http://shop.localhost.:${port}/reached`, -2],
    [`http://shop.localhost/reached`, -2],
    [`https://shop.localhost:${port}/reached`, -2],
    [`http://shop.localhost:${port}:80/reached`, -2],
    [`http://shop.localhost:0${port}/reached`, -2],
    [`http://shop%2elocalhost:${port}/reached`, -2],
    [`http:///127.0.0.1:${others.port}/reached`, -4],
    [`//127.0.0.1:${others.port}/reached`, -4],
    [`///127.0.0.1:${others.port}/reached`, -4],
    [`/\\127.0.0.1:${others.port}/reached`, -4],
    [`\\\\127.0.0.1:${others.port}\\reached`, -4],
    [`${origin}\\@127.0.0.1:${others.port}/reached`, -4],
    [`${origin}@127.0.0.1:${others.port}/reached`, -4],
    [`http://user:secret@shop.localhost:${port}/reached`, -4],
    [`/\t/127.0.0.1:${others.port}/reached`, -4],
    [` ${others.origin('evil')}/reached`, -4],
    [`http:/127.0.0.1:${others.port}/reached`, -4],
    ['http:reached', -4],
    ['reached', -4],
    ['', -4],
    ['file:///etc/passwd', -4],
    ['data:text/plain,reached', -4],
    [`blob:${origin}/00000000-0000-0000-0000-000000000000`, -4],
    [`filesystem:${origin}/temporary/x`, -4],
    ['javascript:1', -4],
    ['chrome://version', -4],
    [tidepool.address('manifest.json'), -4],
    [`ws://shop.localhost:${port}/reached`, -4],
    [`/${'a'.repeat(8_192)}`, -4],
    [`/reached HTTP/1.1\r\nx-mine: 1`, -4],
  ]
  const [here, there] = [sites.requests.length, others.requests.length]
  const answers: (readonly [string, unknown])[] = []
  for (const [url] of elsewhere) answers.push([url, (await fetched({ url }))['n']])
  expect(answers).toEqual(elsewhere)
  expect([sites.requests.length, others.requests.length]).toEqual([here, there])
  expect((await fetched({ url: `${sites.origin('evil')}/reached` }))['text']).toContain("does not offer 'network:fetch:cross-origin'")
})

test('a header cannot say who asks, nor carry another', async () => {
  const before = sites.requests.length
  for (const headers of [
    { Cookie: 'a=1' },
    { HOST: 'evil' },
    { Origin: 'https://evil.example' },
    { Referer: '/' },
    { 'Sec-Fetch-Site': 'none' },
    { 'proxy-authorization': 'x' },
    { 'X-HTTP-Method-Override': 'TRACE' },
    { 'X-Mine': 'a\r\nCookie: b=1' },
    { 'X-Mine\r\nCookie': 'b=1' },
    { 'X Mine': '1' },
    { '': '1' },
    { 'x-mine': '1', 'X-Mine': '2' },
    { 'x-mine': 1 },
  ])
    expect([headers, (await fetched({ url: '/echo', headers }))['n']]).toEqual([headers, -4])
  for (const request of [
    { method: 'TRACE' },
    { method: 'CONNECT' },
    { method: 'get' },
    { body: 'x' },
    { method: 'POST', body: {} },
    { mode: 'no-cors' },
  ])
    expect([request, (await fetched({ url: '/echo', ...request }))['n']]).toEqual([request, -4])
  expect(sites.requests.length).toBe(before)
})

test('no redirect is followed, and a server without an answer is no such thing', async () => {
  const before = others.requests.length
  for (const url of ['/away', '/elsewhere', '/moved'])
    expect(await fetched({ url })).toMatchObject({ n: -1, text: expect.stringContaining('redirect') })
  expect(await fetched({ url: '/broken' })).toMatchObject({ n: -1, text: expect.stringContaining('cannot be reached') })
  expect(others.requests.length).toBe(before)
  expect(sites.requests.filter((line) => line.includes('evil'))).toEqual([])
})

test('bytes that are no text come as base64, and no more than the limit', async () => {
  expect(await fetched({ url: '/binary' })).toMatchObject({
    status: 200,
    body: Buffer.from([0xff, 0xfe, 0, 1]).toString('base64'),
    encoding: 'base64',
  })
  expect(await fetched({ url: '/large' })).toMatchObject({ n: -6, text: expect.stringContaining('limit toolImportBytes') })
})

test('the page’s own fetch and service worker do not get between', async () => {
  await page.evaluate(async () => {
    globalThis.fetch = async () => new Response('of the page')
    await navigator.serviceWorker.register('/worker.js')
    const { promise, resolve } = Promise.withResolvers<void>()
    navigator.serviceWorker.addEventListener('controllerchange', () => resolve())
    if (!navigator.serviceWorker.controller) await promise
  })
  const before = hits(sites, '/echo')
  const xhr = await page.evaluate(
    async () =>
      await new Promise((resolve) => {
        const request = new XMLHttpRequest()
        request.addEventListener('load', () => resolve(request.responseText))
        request.open('GET', '/echo')
        request.send()
      }),
  )
  expect(xhr).toBe('of the worker')
  expect(await fetched({ url: '/echo' })).toMatchObject({ status: 201 })
  expect(hits(sites, '/echo')).toBe(before + 1)
  await page.evaluate(async () => await (await navigator.serviceWorker.getRegistration())?.unregister())
  await page.reload()
})

test('what a document says of itself changes nothing: its base, its policy', async () => {
  await page.goto(`${origin}/strict`)
  const before = others.requests.length
  expect(await fetched({ url: '/reached' })).toMatchObject({ status: 200, body: 'reached' })
  expect(others.requests.length).toBe(before)
  await page.goto(`${origin}/`)
})

test('a server that does not answer holds nobody up, and the call’s deadline closes the connection', async () => {
  const one = await begin({ timeout: 3_000 })
  expect(await fetched({ url: '/reached' })).toMatchObject({ status: 200 })
  await ended('TIMEOUT')
  await closed(one)
})

test('a request has its own deadline before that of a long call', async () => {
  test.setTimeout(60_000)
  const one = await begin()
  await sleep(15_000)
  expect(one.isClosed).toBe(false)
  await expect(page.locator('body')).toHaveAttribute('data-ended', 'ok', { timeout: 15_000 })
  await closed(one)
})

test('a call that the page cancels closes the connection', async () => {
  const one = await begin()
  await page.evaluate(() => (globalThis as unknown as { cancelCall: () => void }).cancelCall())
  await ended('CANCELLED')
  await closed(one)
})

test('a grant that is taken back ends the call and closes the connection', async () => {
  const one = await begin()
  await panel.choose('probe', NEEDS, 'deny')
  await ended('CAPABILITY_DENIED')
  await closed(one)
})

test('a document that is left closes the connection, and its call ends with TAB_GONE', async () => {
  const one = await begin()
  await page.goto(`${origin}/next`)
  await closed(one)
  expect(await fetched({ url: '/reached' })).toMatchObject({ status: 200 })
  await page.goBack({ waitUntil: 'commit' })
  await ended('TAB_GONE')
})
