/** What a hostile tool and a hostile page try together: to act when nothing may act any more, and to hold what serves every other site. */
import { expect, test } from '@playwright/test'
import { packageOf } from '../contract/tool-machine.ts'
import { callTool } from '../support/btcp.ts'
import { launchTidepool, type Tidepool } from '../support/extension.ts'
import { serveSites, type SiteServer } from '../support/site-server.ts'
import { prefixed, RESULT_AT, toolModule } from '../support/tool-module.ts'
import { ToolPanel } from '../support/tool-panel.ts'
import { ins, line } from '../support/wasm-encoder.ts'

let sites: SiteServer
let tidepool: Tidepool

test.beforeAll(async () => {
  sites = await serveSites()
  sites.route('/', '<!doctype html><title>site</title><h1>as it came</h1>')
  tidepool = await launchTidepool()
})
test.afterAll(async () => {
  await tidepool?.close()
  await sites?.[Symbol.asyncDispose]()
})

const [SELECTOR, VALUE] = [100, 120]
/** Sets the text of the page's heading. */
const WRITER = {
  imports: [{ module: 'btcp', name: 'dom_set_text', params: 'iiii', result: true }],
  data: {
    at: RESULT_AT,
    bytes: [
      ...prefixed('{"ok":true}'),
      ...Array<number>(SELECTOR - RESULT_AT - 15).fill(0),
      ...Buffer.from('h1'.padEnd(20, '\0') + 'written'),
    ],
  },
  execute: [...ins.i32(SELECTOR), ...ins.i32(2), ...ins.i32(VALUE), ...ins.i32(7), ...ins.call(0), ...ins.drop, ...ins.i32(RESULT_AT)],
}
const writer = toolModule(WRITER)

test('T24 a page that hangs has nothing written into it after the call has ended', async () => {
  const { page, panel } = await ToolPanel.siteWith(tidepool, sites.origin('hanging'), packageOf(writer, { capabilities: ['dom:write'] }))
  await panel.choose('probe', 'dom:write', 'session')
  const heading = page.locator('h1')
  expect((await callTool(page, 'probe')).value?.isError).toBe(false)
  await expect(heading).toHaveText('written')
  for (const ending of ['timeout', 'revocation'] as const) {
    await page.reload()
    await page.evaluate(async () => await window.btcp.ready)
    await page.evaluate(
      (timeout) => {
        void window.btcp.callTool('probe', {}, { timeout }).then(
          () => (document.title = 'ok'),
          (error: { data: { btcpCode: string } }) => (document.title = error.data.btcpCode),
        )
        // What asks goes out; what is asked of the page comes while it hangs.
        const channel = new MessageChannel()
        channel.port1.addEventListener('message', () => {
          const until = performance.now() + 3_000
          while (performance.now() < until);
          document.body.dataset['late'] = 'yes'
        })
        channel.port1.start()
        setTimeout(() => channel.port2.postMessage(0), 1)
      },
      ending === 'timeout' ? 1_000 : 20_000,
    )
    await new Promise((resolve) => setTimeout(resolve, 1_200))
    if (ending === 'revocation') await panel.choose('probe', 'dom:write', 'deny')
    await expect(page.locator('body')).toHaveAttribute('data-late', 'yes', { timeout: 20_000 })
    await expect(page).toHaveTitle(ending === 'timeout' ? 'TIMEOUT' : 'CAPABILITY_DENIED')
    await page.waitForTimeout(200)
    expect([ending, await heading.textContent()]).toEqual([ending, 'as it came'])
  }
  await panel.page.close()
  await page.close()
})

test('T97 a pattern that takes for ever holds neither the service worker nor the sandbox of other sites', async () => {
  const schema = (more: object): object => ({ type: 'object', properties: { a: { type: 'string', ...more } } })
  const files = packageOf(writer, { tool: { inputSchema: schema({ pattern: '^(a+)+$' }) } })
  const { page, panel } = await ToolPanel.siteWith(tidepool, sites.origin('pattern'), files)
  const other = await tidepool.site(sites.origin('other'))
  await tidepool.choose(other, 'shell:run', 'session')
  const began = Date.now()
  const [slow, fine] = await Promise.all([
    callTool(page, 'probe', { a: `${'a'.repeat(60)}!` }),
    callTool(other, 'shell_run', { command: 'echo here' }),
  ])
  expect(slow.failure).toMatchObject({ data: { btcpCode: 'INVALID_PARAMS' } })
  expect(fine.value?.isError).toBe(false)
  expect(Date.now() - began).toBeLessThan(20_000)
  await panel.page.close()
  await page.close()
})

test('T102 T101 a tool whose service worker stops, or whose sandbox is closed, ends with a word and writes nothing after it', async () => {
  const setText = [...ins.i32(SELECTOR), ...ins.i32(2), ...ins.i32(VALUE), ...ins.i32(7), ...ins.call(0)]
  const forEver = toolModule({
    ...WRITER,
    execute: [...line(...ins.loop, ...setText, ...ins.i32(1), ...ins.eq, ...ins.brIf(0), ...ins.end), ...ins.i32(RESULT_AT)],
  })
  const { page, panel } = await ToolPanel.siteWith(tidepool, sites.origin('killed'), packageOf(forEver, { capabilities: ['dom:write'] }))
  await panel.choose('probe', 'dom:write', 'always')
  for (const [end, code] of [
    [async () => await tidepool.stopServiceWorker(), 'DISCONNECTED'],
    [async () => await tidepool.closeOffscreen(), 'SANDBOX_ERROR'],
  ] as const) {
    await page.reload()
    const call = callTool(page, 'probe', {}, { timeout: 30_000 })
    await expect(page.locator('h1')).toHaveText('written')
    await end()
    expect((await call).failure).toMatchObject({ data: { btcpCode: code, effects: 'unknown' } })
    await page.evaluate(() => (document.querySelector('h1')!.textContent = 'after'))
    await page.waitForTimeout(1_000)
    expect(await page.locator('h1').textContent()).toBe('after')
  }
  await panel.page.close()
  await page.close()
})
