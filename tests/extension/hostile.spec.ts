/** A page that plays against the bridge: forged messages, stolen channels, clobbered documents, other frames, another extension. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, type Page } from '@playwright/test'
import { ask, callTool } from '../support/btcp.ts'
import { launchTidepool, type Tidepool } from '../support/extension.ts'
import { serveSites, type SiteServer } from '../support/site-server.ts'

/** Before the scripts are injected into the open document: steals both ends of the channel that the in-page script makes. */
const STEAL = `
  window.stolen = []
  window.heard = []
  const Native = MessageChannel
  window.MessageChannel = class extends Native { constructor() { super(); stolen.push(this) } }
  document.addEventListener('btcp:port', (event) => { window.offered = event.ports[0] }, true)
`

let sites: SiteServer
let tidepool: Tidepool
let stranger: string

test.beforeAll(async () => {
  sites = await serveSites()
  stranger = mkdtempSync(join(tmpdir(), 'stranger-'))
  mkdirSync(stranger, { recursive: true })
  writeFileSync(
    join(stranger, 'manifest.json'),
    JSON.stringify({
      manifest_version: 3,
      name: 'Stranger',
      version: '1',
      message_serialization: 'structured_clone',
      background: { service_worker: 'worker.js' },
    }),
  )
  writeFileSync(join(stranger, 'worker.js'), '')
  tidepool = await launchTidepool({ beside: [stranger] })
})
test.afterAll(async () => {
  await tidepool.close()
  await sites[Symbol.asyncDispose]()
})

/** Says raw messages on the page's own channel and gives back what comes for them. */
async function say(page: Page, messages: unknown[], answers: number): Promise<unknown[]> {
  return await page.evaluate(
    async ([list, count]) => {
      const { port1 } = (window as unknown as { stolen: MessageChannel[] }).stolen[0]!
      const heard: unknown[] = []
      const all = new Promise<void>((resolve) =>
        port1.addEventListener('message', (event) => {
          if ((event.data as { method?: string }).method === undefined) heard.push(event.data)
          if (heard.length >= count) resolve()
        }),
      )
      for (const message of list) port1.postMessage(message)
      await Promise.race([all, new Promise((resolve) => setTimeout(resolve, 2_000))])
      return heard
    },
    [messages, answers] as const,
  )
}

async function stealingSite(name: string, ...capabilities: string[]): Promise<Page> {
  sites.route('/stealing', `<!doctype html><title>${name}</title><h1>${name}</h1><script>${STEAL}</script>`)
  const page = await tidepool.open(`${sites.origin(name)}/stealing`)
  await tidepool.switchOn(page)
  for (const capability of capabilities) await tidepool.choose(page, capability, 'session')
  return page
}

test('T01 an origin that a message claims is ignored', async () => {
  const bank = await tidepool.site(sites.origin('bank'), 'dom:read')
  const page = await stealingSite('thief')
  const origin = sites.origin('bank')
  const params = { name: 'page_text', arguments: {} }
  const claims = [
    { jsonrpc: '2.0', id: 901, method: 'tools/call', params, origin, principal: { kind: 'site', origin }, sender: { origin } },
    { jsonrpc: '2.0', id: 902, method: 'tools/call', params: { ...params, origin, principal: { kind: 'site', origin } } },
    { jsonrpc: '2.0', id: 903, method: 'capabilities/list', params: { origin } },
  ]
  const answers = (await say(page, claims, 3)) as { id: number; error?: { data: { btcpCode: string } }; result?: { grants: unknown[] } }[]
  const codes = Object.fromEntries(answers.map(({ id, error, result }) => [id, error?.data.btcpCode ?? result?.grants.length]))
  expect(codes).toEqual({ 901: 'CAPABILITY_DENIED', 902: 'INVALID_PARAMS', 903: 1 })
  await bank.close()
  await page.close()
})

test('T02 what is no message is refused and the channel goes on', async () => {
  const page = await stealingSite('noise')
  const strange = [
    null,
    7,
    'text',
    [],
    {},
    { jsonrpc: '1.0', id: 800, method: 'ping' },
    { jsonrpc: '2.0', id: -1, method: 'ping' },
    { jsonrpc: '2.0', id: 801, method: 'a b' },
    { jsonrpc: '2.0', id: 802, method: 'dom/page_text', params: {} },
    { jsonrpc: '2.0', id: 803, method: 'ping', params: Array.from({ length: 5 }) },
  ]
  const answers = (await say(page, [...strange, { jsonrpc: '2.0', id: 804, method: 'ping' }], 11)) as {
    id: number | null
    result?: unknown
    error?: { data: { btcpCode: string } }
  }[]
  expect(answers.map(({ id, result, error }) => [id, error?.data.btcpCode ?? result])).toEqual([
    ...Array.from({ length: 5 }, () => [null, 'INVALID_REQUEST']),
    [800, 'INVALID_REQUEST'],
    [null, 'INVALID_REQUEST'],
    [801, 'INVALID_REQUEST'],
    [803, 'INVALID_PARAMS'],
    [802, 'METHOD_NOT_FOUND'],
    [804, {}],
  ])
  await page.close()
})

test('T15 a request that is said again is a duplicate', async () => {
  const page = await stealingSite('replay', 'dom:read')
  const call = { jsonrpc: '2.0', id: 500, method: 'tools/call', params: { name: 'page_text', arguments: {} } }
  const answers = (await say(page, [call, call, { ...call, id: 499 }], 3)) as { id: number; error?: { message: string }; result?: object }[]
  expect(answers.map(({ id, error }) => [id, error?.message])).toEqual([
    [500, 'Cannot run "tools/call": duplicate id 500'],
    [499, 'Cannot run "tools/call": duplicate id 499'],
    [500, undefined],
  ])
  await page.close()
})

test('T16 an answer that the page gives itself reaches no call', async () => {
  const page = await tidepool.site(sites.origin('spoof'), 'dom:read')
  const text = await page.evaluate(async () => {
    const forged = { jsonrpc: '2.0', result: { content: [], structuredContent: { text: 'forged' }, isError: false, _meta: {} } }
    const called = window.btcp.call('page_text')
    for (let id = 1; id < 50; id += 1) {
      postMessage({ ...forged, id }, '*')
      dispatchEvent(new MessageEvent('message', { data: { ...forged, id } }))
      document.dispatchEvent(new MessageEvent('btcp:port', { data: { ...forged, id }, ports: [new MessageChannel().port1] }))
    }
    return await called
  })
  expect(text).toEqual({ text: 'A site', truncated: false })
  expect(await ask(page, 'request', { method: 'ping' })).toEqual({ value: {} })
  await page.close()
})

test('T11 a clobbered document is read as it is', async () => {
  sites.route(
    '/clobbered',
    `<!doctype html><title>t</title><body><p id=real>real text</p>
     <form name=btcp></form><a id=btcp></a><img name=body><form name=querySelector></form><form name=documentElement></form><form name=createElement></form>
     <form id=form><input name=innerText value=x><input name=checkVisibility><input name=closest>form text</form></body>`,
  )
  const page = await tidepool.open(`${sites.origin('clobber')}/clobbered`)
  await tidepool.switchOn(page)
  await tidepool.choose(page, 'dom:read', 'session')
  const whole = (await callTool(page, 'page_text')).value?.structuredContent as { text: string }
  expect(whole.text).toContain('real text')
  expect((await callTool(page, 'page_text', { selector: '#form' })).value?.structuredContent).toEqual({
    text: 'form text',
    truncated: false,
  })
  await page.close()
})

test('values of fields are no text of the page', async () => {
  sites.route(
    '/fields',
    `<!doctype html><body><p>shown</p><p hidden>hidden</p><input type=password value=secret1><input autocomplete=cc-number value=4111><textarea>secret2</textarea>
     <select><option>secret3</select><script>var secret4</script><div style="display:none">secret5</div>`,
  )
  const page = await tidepool.open(`${sites.origin('fields')}/fields`)
  await tidepool.switchOn(page)
  await tidepool.choose(page, 'dom:read', 'session')
  for (const selector of ['body', 'input', 'textarea', 'select', 'option', '[hidden]', 'script', '[autocomplete]', 'div']) {
    const { value } = await callTool(page, 'page_text', { selector })
    expect([selector, JSON.stringify(value?.structuredContent)]).toEqual([selector, expect.not.stringMatching(/secret[1245]|4111|hidden/)])
  }
  expect((await callTool(page, 'page_text', { selector: 'p' })).value?.structuredContent).toEqual({ text: 'shown', truncated: false })
  expect((await callTool(page, 'page_text', { selector: 'p', maxChars: 2 })).value?.structuredContent).toEqual({
    text: 'sh',
    truncated: true,
  })
  expect((await callTool(page, 'page_text', { selector: 'blink' })).value).toMatchObject({
    isError: true,
    _meta: { 'btcp/error': { code: 'ELEMENT_NOT_FOUND' } },
  })
  expect((await callTool(page, 'page_text', { selector: '][' })).failure).toMatchObject({ code: -32602 })
  await page.close()
})

test('T26 T27 T28 no frame below the top one has a provider or an answer', async () => {
  const origin = sites.origin('top')
  sites.route(
    '/frames',
    `<!doctype html><title>top</title>
     <iframe name=same src="/"></iframe>
     <iframe name=ad src="${sites.origin('ad')}/"></iframe>
     <iframe name=sandboxed sandbox="allow-scripts allow-same-origin" src="/"></iframe>
     <iframe name=opaque sandbox="allow-scripts" src="/"></iframe>
     <iframe name=blank></iframe>
     <iframe name=srcdoc srcdoc="<h1>srcdoc</h1>"></iframe>`,
  )
  await (await tidepool.site(sites.origin('ad'), 'dom:read')).close()
  const page = await tidepool.open(`${origin}/frames`)
  await tidepool.switchOn(page)
  await page.reload()
  expect(await page.evaluate(() => 'btcp' in window)).toBe(true)
  const seen: Record<string, unknown> = {}
  for (const frame of page.frames().slice(1))
    seen[frame.name()] = await frame.evaluate(() => [
      'btcp' in window,
      typeof chrome === 'object' && 'runtime' in chrome && chrome.runtime?.connect !== undefined,
    ])
  expect(seen).toEqual({
    same: [false, false],
    ad: [false, false],
    sandboxed: [false, false],
    opaque: [false, false],
    blank: [false, false],
    srcdoc: [false, false],
  })
  await page.close()
})

test('T13 a frame of the same origin that was patched first has no more than its page', async () => {
  const page = await tidepool.site(sites.origin('patched'))
  const before = await page.evaluate(async () => {
    const frame = document.createElement('iframe')
    document.body.append(frame)
    const inner = frame.contentWindow as unknown as Window & { MessageChannel: unknown; chrome?: { runtime?: unknown } }
    inner.MessageChannel = undefined
    frame.src = '/'
    await new Promise((resolve) => frame.addEventListener('load', resolve, { once: true }))
    return ['btcp' in frame.contentWindow!, inner.chrome?.runtime === undefined]
  })
  expect(before).toEqual([false, true])
  expect((await callTool(page, 'page_text')).failure?.data.btcpCode).toBe('CAPABILITY_DENIED')
  await page.close()
})

test('T05 another extension gets no answer, and neither does a page', async () => {
  const worker =
    tidepool.context.serviceWorkers().find((one) => !one.url().includes(tidepool.id)) ??
    (await tidepool.context.waitForEvent('serviceworker'))
  const answers = await worker.evaluate(async (id) => {
    const sent = await chrome.runtime.sendMessage(id, { t: 'audit' }).then(
      (value: unknown) => `answered ${JSON.stringify(value)}`,
      (error: Error) => error.message,
    )
    const connected = await new Promise((resolve) => {
      const port = chrome.runtime.connect(id, { name: 'page' })
      port.onMessage.addListener((message) => resolve(`heard ${JSON.stringify(message)}`))
      port.onDisconnect.addListener(() => resolve(chrome.runtime.lastError?.message ?? 'closed'))
      port.postMessage({ jsonrpc: '2.0', id: 1, method: 'ping' })
    })
    return [sent, connected]
  }, tidepool.id)
  expect(answers).toEqual(Array.from({ length: 2 }, () => 'Could not establish connection. Receiving end does not exist.'))
  const page = await tidepool.open(`${sites.origin('off')}/`)
  expect(await page.evaluate(() => typeof (globalThis as { chrome?: { runtime?: unknown } }).chrome?.runtime)).toBe('undefined')
  await page.close()
})
