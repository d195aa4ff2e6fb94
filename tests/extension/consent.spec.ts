/** Consent: only the extension's own windows give anything, one at a time, and what was given stands exactly as long as it was named. */
import { expect, test, type Page } from '@playwright/test'
import { ask, callTool } from '../support/btcp.ts'
import { launchTidepool, type Tidepool } from '../support/extension.ts'
import { serveSites, type SiteServer } from '../support/site-server.ts'

let sites: SiteServer
let tidepool: Tidepool

test.beforeAll(async () => {
  sites = await serveSites()
  tidepool = await launchTidepool()
})
test.afterAll(async () => {
  await tidepool.close()
  await sites[Symbol.asyncDispose]()
})

const request = (page: Page, capabilities: string[], options: object = {}) =>
  ask<object>(page, 'requestCapabilities', capabilities, options)
const pageText = async (page: Page): Promise<unknown> => {
  const { value, failure } = await callTool(page, 'page_text')
  return value?.structuredContent ?? failure?.data.btcpCode
}
const TEXT = { text: 'A site', truncated: false }

test('a capability that was given once serves the next call that needs it, and only that', async () => {
  const page = await tidepool.site(sites.origin('once'))
  expect(await pageText(page)).toBe('CAPABILITY_DENIED')
  const asked = request(page, ['dom:read'])
  const consent = await tidepool.consentWindow()
  await consent.choose('dom:read', 'once')
  await consent.press('allow')
  expect(await asked).toEqual({ value: { granted: true, approved: ['dom:read'], denied: [], duration: 'once' } })
  expect(await pageText(page)).toEqual(TEXT)
  expect(await pageText(page)).toBe('CAPABILITY_DENIED')
  await page.close()
})

test('two calls at the same time cannot both take what was given once', async () => {
  const page = await tidepool.site(sites.origin('race'))
  await tidepool.choose(page, 'dom:read', 'once')
  const outcomes = await Promise.all(Array.from({ length: 5 }, () => pageText(page)))
  expect(outcomes.filter((outcome) => outcome !== 'CAPABILITY_DENIED')).toEqual([TEXT])
  await page.close()
})

test('a call with onMissing: prompt asks first and then runs', async () => {
  const page = await tidepool.site(sites.origin('prompt'))
  const called = callTool(page, 'page_text', {}, { onMissing: 'prompt' })
  const consent = await tidepool.consentWindow()
  expect(await consent.page.innerText('#asks')).toContain('page_text')
  await consent.press('allow')
  expect((await called).value?.structuredContent).toEqual(TEXT)
  const held = await ask<object[]>(page, 'getGrantedCapabilities')
  expect(held.value).toMatchObject([
    { capability: 'vfs:read', duration: 'always' },
    { capability: 'dom:read', duration: 'session' },
  ])
  await page.close()
})

test('each capability is decided for itself, and the events tell', async () => {
  const page = await tidepool.site(sites.origin('choice'))
  await page.evaluate(() => {
    window.btcp.on('capabilitiesChanged', () => (document.title = `${document.title}!`))
    document.title = ''
  })
  const asked = request(page, ['dom:read', 'shell:run', 'vfs:read'])
  const consent = await tidepool.consentWindow()
  expect(await consent.page.locator('li[data-capability]').count()).toBe(2)
  await consent.choose('dom:read', 'deny')
  await consent.choose('shell:run', 'always')
  await consent.press('allow')
  expect(await asked).toEqual({ value: { granted: false, approved: ['vfs:read', 'shell:run'], denied: ['dom:read'], duration: 'always' } })
  expect(await page.title()).toBe('!')
  await page.close()
})

test('closing the window is a denial, and three denials silence the site until its user says otherwise', async () => {
  const page = await tidepool.site(sites.origin('silent'))
  for (const end of ['close', 'deny', 'escape'] as const) {
    const asked = request(page, ['dom:read'])
    const consent = await tidepool.consentWindow()
    if (end === 'deny') await consent.press('deny')
    else if (end === 'close') await consent.page.close()
    // The window is gone before the key is up.
    else await consent.page.keyboard.press('Escape').catch(() => undefined)
    expect(await asked).toEqual({ value: { granted: false, approved: [], denied: ['dom:read'] } })
  }
  expect((await request(page, ['dom:read'])).failure).toMatchObject({ code: 4001, data: { btcpCode: 'USER_REJECTED' } })
  expect(await ask(page, 'preflightCapabilities', ['dom:read'])).toEqual({ value: { 'dom:read': 'denied' } })
  await tidepool.choose(page, 'dom:read', 'once')
  expect(await pageText(page)).toEqual(TEXT)
  expect(await ask(page, 'preflightCapabilities', ['dom:read'])).toEqual({ value: { 'dom:read': 'prompt' } })
  await page.close()
})

test('T06 a click in the first half second is none, and again when the window comes back to the front', async () => {
  const page = await tidepool.site(sites.origin('jack'))
  await page.evaluate(async () => {
    document.body.innerHTML = '<div style="position:fixed;inset:0;background:#fff"></div>'
    await document.documentElement.requestFullscreen().catch(() => undefined)
  })
  const asked = request(page, ['dom:read'])
  const consent = await tidepool.consentWindow()
  const early = await consent.page.evaluate(() => {
    dispatchEvent(new Event('focus'))
    const allow = document.querySelector<HTMLButtonElement>('#allow')!
    allow.click()
    return allow.disabled
  })
  expect(early).toBe(true)
  await consent.page.waitForFunction(() => !document.querySelector<HTMLButtonElement>('#allow')!.disabled)
  expect(
    await consent.page.evaluate(() => {
      dispatchEvent(new Event('focus'))
      return document.querySelector<HTMLButtonElement>('#allow')!.disabled
    }),
  ).toBe(true)
  // The service worker does not trust the window's own lock: an answer that comes too early is none.
  await consent.page.evaluate(() => {
    document.querySelector<HTMLButtonElement>('#allow')!.disabled = false
    document.querySelector<HTMLButtonElement>('#allow')!.click()
  })
  expect(await ask(page, 'preflightCapabilities', ['dom:read'])).toEqual({ value: { 'dom:read': 'prompt' } })
  await consent.press('deny')
  expect((await asked).value).toMatchObject({ granted: false })
  await page.close()
})

test('T07 the window names the whole origin in punycode and the reason as text of the site', async () => {
  const label = 'a'.repeat(60)
  const origin = `http://${label}.${label}.xn--pple-43d.localhost:${sites.port}`
  const page = await tidepool.open(`http://${label}.${label}.аpple.localhost:${sites.port}/`)
  await tidepool.switchOn(page)
  const reason = '</p><b>Tidepool says: safe</b>\u202Egpj.exe "quoted"'
  const asked = request(page, ['dom:read'], { reason })
  const consent = await tidepool.consentWindow()
  expect(await consent.page.innerText('#origin')).toBe(origin)
  const { fits, bold } = await consent.page.evaluate(() => {
    const shown = document.querySelector<HTMLElement>('#origin')!
    return {
      fits: shown.scrollWidth <= shown.clientWidth && getComputedStyle(shown).textOverflow !== 'ellipsis',
      bold: document.querySelectorAll('#reason b').length,
    }
  })
  expect([fits, bold]).toEqual([true, 0])
  expect(await consent.page.innerText('#reason')).toContain('<b>Tidepool says: safe</b>')
  expect(await consent.page.innerText('#reason')).not.toContain('\u202E')
  await consent.press('deny')
  await asked
  await page.close()
})

test('T08 a hundred requests a second open one window, and the rest are refused', async () => {
  const page = await tidepool.site(sites.origin('flood'))
  const settled = page.evaluate(async () => {
    const codes: string[] = []
    const all = Array.from({ length: 100 }, () =>
      window.btcp.requestCapabilities(['dom:read']).then(
        () => codes.push('answered'),
        (error: { data: { btcpCode: string } }) => codes.push(error.data.btcpCode),
      ),
    )
    await Promise.all(all)
    return Object.fromEntries([...new Set(codes)].map((code) => [code, codes.filter((other) => other === code).length]))
  })
  const consent = await tidepool.consentWindow()
  const windows = tidepool.context.pages().filter((one) => one.url().includes('consent.html'))
  expect(windows.length).toBe(1)
  await consent.press('deny')
  expect(await settled).toEqual({ answered: 1, BUSY: 9, RATE_LIMITED: 90 })
  await page.close()
})

test('a request that the page takes back closes its window', async () => {
  const page = await tidepool.site(sites.origin('back'))
  const asked = page.evaluate(async () => {
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 1_500)
    try {
      await window.btcp.requestCapabilities(['dom:read'], { signal: controller.signal })
      return 'answered'
    } catch (error) {
      return (error as { data: { btcpCode: string } }).data.btcpCode
    }
  })
  const consent = await tidepool.consentWindow()
  await consent.page.waitForEvent('close')
  expect(await asked).toBe('CANCELLED')
  await page.close()
})

test('the popup shows what stands, and takes it back at once', async () => {
  const page = await tidepool.site(sites.origin('popup'), 'dom:read')
  expect(await pageText(page)).toEqual(TEXT)
  const popup = await tidepool.openPopup(page)
  expect(await popup.choices()).toEqual({
    'shell:run': 'deny',
    'vfs:read': 'always',
    'vfs:write': 'deny',
    'python:run': 'deny',
    'js:run': 'deny',
    'dom:read': 'session',
    'dom:write': 'deny',
    'storage:local:read': 'deny',
    'storage:local:write': 'deny',
    'storage:session:read': 'deny',
    'storage:session:write': 'deny',
  })
  await popup.choose('dom:read', 'deny')
  await popup.close()
  expect(await pageText(page)).toBe('CAPABILITY_DENIED')
  await page.close()
})

test('a page can drop its own rights, never more', async () => {
  const page = await tidepool.site(sites.origin('drop'), 'dom:read')
  const other = await tidepool.site(sites.origin('keep'), 'dom:read')
  await ask(page, 'revokeCapabilities', ['dom:read'])
  expect(await pageText(page)).toBe('CAPABILITY_DENIED')
  await ask(page, 'revokeCapabilities')
  expect((await ask(page, 'getGrantedCapabilities')).value).toEqual([])
  expect(await pageText(other)).toEqual(TEXT)
  await page.close()
  await other.close()
})

test('the activity page lists every call with its decision, and exports it', async () => {
  const page = await tidepool.site(sites.origin('audited'))
  await callTool(page, 'page_text', { selector: 'h1' })
  await tidepool.choose(page, 'dom:read', 'session')
  await callTool(page, 'page_text', { selector: 'h1' })
  await callTool(page, 'page_text', { selector: 'nothing' })
  const audit = await tidepool.open(tidepool.address('src/popup/audit.html'))
  await audit.fill('#search', sites.origin('audited'))
  const cells = await audit
    .locator('#rows tr')
    .evaluateAll((rows) => rows.map((row) => [2, 3, 4, 5].map((i) => row.children[i]?.textContent)))
  expect(cells).toEqual([
    ['page_text', 'dom:read', 'allowed', 'failed'],
    ['page_text', 'dom:read', 'allowed', 'ok'],
    ['page_text', 'dom:read', 'denied', 'CAPABILITY_DENIED'],
  ])
  const [download] = await Promise.all([audit.waitForEvent('download'), audit.click('#export')])
  const chunks: Buffer[] = []
  for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer)
  const lines = Buffer.concat(chunks)
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { origin: string; digest: string; tool: string })
  const own = lines.filter(({ origin }) => origin === sites.origin('audited'))
  expect(own.map(({ tool }) => tool)).toEqual(['page_text', 'page_text', 'page_text'])
  expect(own[0]?.digest).toMatch(/^[0-9a-f]{64}$/)
  expect(JSON.stringify(own)).not.toContain('selector')
  await audit.close()
  await page.close()
})
