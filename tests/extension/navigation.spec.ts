/** A call belongs to one document. When that document is left, nothing of the call reaches the next one, whatever the way it was left. */
import { expect, test, type Page } from '@playwright/test'
import { ask, callTool } from '../support/btcp.ts'
import { launchTidepool, type Tidepool } from '../support/extension.ts'
import { serveSites, type SiteServer } from '../support/site-server.ts'

let sites: SiteServer
let tidepool: Tidepool
/** What documents have reported: the mark of the document that called, and the text that it got. */
const reports: { mark: string; text: string }[] = []
let marks = 0

test.beforeAll(async () => {
  sites = await serveSites()
  // Each document has a mark of its own, reads itself for ever and reports what it read.
  sites.route('/marked', (_, response) => {
    const mark = `mark${(marks += 1)}`
    response.writeHead(200, { 'content-type': 'text/html', 'cache-control': 'max-age=0' })
    response.end(`<!doctype html><title>${mark}</title><p>${mark}</p><script>
      addEventListener('pageshow', async () => {
        for (;;) {
          const text = await btcp.call('page_text').then(({ text }) => text, (error) => error.data?.btcpCode)
          navigator.sendBeacon('/report', JSON.stringify({ mark: '${mark}', text }))
          await new Promise((resolve) => setTimeout(resolve, 1))
        }
      }, { once: true })
    </script>`)
  })
  sites.route('/report', (request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      reports.push(JSON.parse(body) as { mark: string; text: string })
      response.writeHead(204).end()
    })
  })
  sites.route('/refresh', '<!doctype html><meta http-equiv="refresh" content="0;url=/marked"><p>refresh</p>')
  tidepool = await launchTidepool({ backForwardCache: true })
})
test.afterAll(async () => {
  await tidepool.close()
  await sites[Symbol.asyncDispose]()
})

/** Every report so far is about the document that made it. */
function expectOwnTexts(): void {
  const strange = reports.filter(({ mark, text }) => text !== mark && !['TAB_GONE', 'DISCONNECTED', 'RATE_LIMITED'].includes(text))
  expect(strange).toEqual([])
}

const WAYS: Record<string, (page: Page) => Promise<unknown>> = {
  'location of another document of the site': (page) => page.evaluate(() => void (location.href = '/marked?next')),
  reload: (page) => page.evaluate(() => location.reload()),
  'history back': (page) => page.evaluate(() => history.back()),
  'meta refresh': (page) => page.evaluate(() => void (location.href = '/refresh')),
  'document.open': (page) =>
    page.evaluate(() => {
      // The same document with other content: it may still read itself.
      const mark = document.title
      document.open()
      document.write(`<p>${mark}</p>`)
      document.close()
      location.href = '/marked?written'
    }),
}

for (const [way, leave] of Object.entries(WAYS))
  test(`T19 T20 a document that is left by ${way} is read by itself alone`, async () => {
    const page = await tidepool.site(sites.origin('nav'), 'dom:read')
    for (let round = 0; round < 6; round += 1) {
      // The navigation of the round before may still be under way, and the browser may then never end this one.
      await page.goto(`${sites.origin('nav')}/marked?${round}`, { timeout: 5_000 }).catch(() => undefined)
      await page.waitForTimeout(20 + round * 15)
      await leave(page).catch(() => undefined)
      await page.waitForTimeout(80)
    }
    // Chromium forgets a request to close a tab that comes while a navigation commits: first the page comes to rest.
    await expect(async () => {
      await page.goto(sites.origin('nav'), { timeout: 5_000 })
    }).toPass()
    await page.close()
    expect(reports.length).toBeGreaterThan(6)
    expectOwnTexts()
  })

for (const cache of [true, false])
  test(`T18 a call that waits while the tab goes to another site ends there (back/forward cache ${cache ? 'on' : 'off'})`, async () => {
    const browser = cache ? tidepool : await launchTidepool()
    const [a, b] = [sites.origin('a'), sites.origin('b')]
    const other = await browser.site(b, 'dom:read')
    await other.close()
    const page = await browser.site(a)
    await page.evaluate(() => void window.btcp.callTool('page_text', {}, { onMissing: 'prompt' }).catch(() => undefined))
    const consent = await browser.consentWindow()
    const closed = consent.page.waitForEvent('close')
    await page.goto(`${b}/`)
    // The question was of a document that is no more: its window goes, and nothing is granted or run.
    await closed
    const audit = await browser.open(browser.address('src/popup/audit.html'))
    await audit.fill('#search', a)
    expect(await audit.locator('#rows tr').count()).toBe(0)
    await audit.close()
    expect(await page.evaluate(() => document.body.innerText)).toBe('A site')
    expect((await callTool(page, 'page_text')).value?.structuredContent).toEqual({ text: 'A site', truncated: false })
    await page.close()
    if (!cache) await browser.close()
  })

test('T22 a document that comes back from the cache has its old calls dead and connects anew', async () => {
  const page = await tidepool.site(sites.origin('cached'))
  await page.evaluate(() => {
    addEventListener('pageshow', (event) => (document.title = `persisted ${event.persisted}`))
    void window.btcp.callTool('page_text', {}, { onMissing: 'prompt' }).catch((error: { data: { btcpCode: string; effects: string } }) => {
      document.body.dataset['ended'] = `${error.data.btcpCode} ${error.data.effects}`
    })
  })
  const consent = await tidepool.consentWindow()
  const closed = consent.page.waitForEvent('close')
  await page.goto(`${sites.origin('cached')}/?next`)
  await closed
  await page.goBack({ waitUntil: 'commit' })
  await expect(page).toHaveTitle('persisted true')
  await expect(page.locator('body')).toHaveAttribute('data-ended', 'TAB_GONE none')
  expect(await ask(page, 'request', { method: 'ping' })).toEqual({ value: {} })
  await page.close()
})

test('a prerendered document connects when it is shown', async () => {
  sites.route(
    '/speculate',
    '<!doctype html><title>now</title><script type="speculationrules">{"prerender":[{"source":"list","urls":["/marked?prerendered"]}]}</script>',
  )
  const page = await tidepool.site(sites.origin('pre'), 'dom:read')
  await page.goto(`${sites.origin('pre')}/speculate`)
  await page.waitForTimeout(500)
  await page.evaluate(() => void (location.href = '/marked?prerendered'))
  await page.waitForURL(/prerendered/)
  await expect.poll(async () => (await ask<{ text: string }>(page, 'call', 'page_text')).value?.text).toBe(await page.title())
  expectOwnTexts()
  await page.close()
})
