/** The service worker, the offscreen document and the browser may end at any time: what was granted and written stands as named, and no call is lost without a word. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, type Page } from '@playwright/test'
import { ask, callTool } from '../support/btcp.ts'
import { launchTidepool, type Tidepool } from '../support/extension.ts'
import { serveSites, type SiteServer } from '../support/site-server.ts'

const LONG = process.env['TIDEPOOL_LONG'] === '1'
let sites: SiteServer
let profile: string
let tidepool: Tidepool

test.beforeAll(async () => {
  sites = await serveSites()
  profile = mkdtempSync(join(tmpdir(), 'tidepool-life-'))
  tidepool = await launchTidepool({ profile })
})
test.afterAll(async () => {
  await tidepool.close()
  rmSync(profile, { recursive: true, force: true })
  await sites[Symbol.asyncDispose]()
})

const write = async (page: Page, content: string): Promise<string | undefined> =>
  (await callTool(page, 'fs_write', { path: 'note.txt', content })).failure?.data.btcpCode
const read = async (page: Page): Promise<unknown> => {
  const { value, failure } = await callTool(page, 'fs_read', { path: 'note.txt' })
  return (value?.structuredContent as { content: string } | undefined)?.content ?? failure?.data.btcpCode
}

test('T112 grants of once, session and always stand over a stopped service worker, and only always over a new browser', async () => {
  let page = await tidepool.site(sites.origin('grants'))
  await tidepool.choose(page, 'vfs:write', 'always')
  await tidepool.choose(page, 'shell:run', 'session')
  await tidepool.choose(page, 'dom:read', 'once')
  expect(await write(page, 'kept')).toBeUndefined()
  const all = { 'vfs:read': 'granted', 'vfs:write': 'granted', 'shell:run': 'granted', 'dom:read': 'granted' }
  const preflight = async (): Promise<unknown> => (await ask(page, 'preflightCapabilities', Object.keys(all))).value

  await tidepool.stopServiceWorker()
  expect(await preflight()).toEqual(all)
  expect(await read(page)).toBe('kept')
  expect((await callTool(page, 'page_text')).failure).toBeUndefined()
  await tidepool.stopServiceWorker()
  expect(await preflight()).toEqual({ ...all, 'dom:read': 'prompt' })

  await tidepool.close()
  tidepool = await launchTidepool({ profile })
  page = await tidepool.revisit(sites.origin('grants'))
  expect(await preflight()).toEqual({ ...all, 'dom:read': 'prompt', 'shell:run': 'prompt' })
  expect(await read(page)).toBe('kept')
  await page.close()
})

test('T102 T109 a stopped service worker ends a call with a word, and each write has happened once or not at all', async () => {
  const page = await tidepool.site(sites.origin('stopped'), 'vfs:write')
  expect(await write(page, '')).toBeUndefined()
  const writing = page.evaluate(async () => {
    const outcomes: Record<number, string> = {}
    for (let i = 0; i < 120; i += 1)
      outcomes[i] = await window.btcp.callTool('fs_write', { path: 'note.txt', content: `${i}\n`, mode: 'append' }).then(
        () => 'written',
        (error: { data: { btcpCode: string; effects: string } }) => `${error.data.btcpCode} ${error.data.effects}`,
      )
    return outcomes
  })
  for (let stops = 0; stops < 5; stops += 1) {
    await page.waitForTimeout(137)
    await tidepool.stopServiceWorker()
  }
  const outcomes = await writing
  const lines = String(await read(page))
    .split('\n')
    .filter(Boolean)
    .map(Number)
  expect(new Set(lines).size).toBe(lines.length)
  const lost: string[] = []
  for (const [i, outcome] of Object.entries(outcomes)) {
    if (outcome === 'written') expect(lines).toContain(Number(i))
    else if (outcome.endsWith('none')) expect(lines).not.toContain(Number(i))
    if (outcome !== 'written') lost.push(outcome)
  }
  expect(lost.length).toBeGreaterThan(0)
  expect(lost.filter((outcome) => !outcome.startsWith('DISCONNECTED '))).toEqual([])
  await page.close()
})

test('a request that waited for its user when the service worker was stopped has had no effect', async () => {
  const page = await tidepool.site(sites.origin('waiting'))
  const asked = callTool(page, 'page_text', {}, { onMissing: 'prompt' })
  const consent = await tidepool.consentWindow()
  await tidepool.stopServiceWorker()
  expect((await asked).failure).toMatchObject({ code: 4900, data: { btcpCode: 'DISCONNECTED', effects: 'none' } })
  await expect.poll(() => consent.page.isClosed() || consent.page.locator('#over').isVisible()).toBe(true)
  await consent.page.close().catch(() => undefined)
  expect(await ask(page, 'request', { method: 'ping' })).toEqual({ value: {} })
  await page.close()
})

test('T101 a closed offscreen document ends its calls, and the next call finds every acknowledged write', async () => {
  const page = await tidepool.site(sites.origin('offscreen'), 'vfs:write')
  expect(await write(page, '')).toBeUndefined()
  const writing = page.evaluate(async () => {
    const written: number[] = []
    const codes: string[] = []
    for (let i = 0; document.title !== 'enough'; i += 1)
      await window.btcp.callTool('fs_write', { path: 'note.txt', content: `${i}\n`, mode: 'append' }).then(
        () => void written.push(i),
        (error: { data: { btcpCode: string } }) => void codes.push(error.data.btcpCode),
      )
    return { written, codes }
  })
  for (let closes = 0; closes < 3; closes += 1) {
    await page.waitForTimeout(251)
    await tidepool.closeOffscreen().catch(() => undefined)
  }
  await page.evaluate(() => void (document.title = 'enough'))
  const { written, codes } = await writing
  const lines = String(await read(page))
    .split('\n')
    .filter(Boolean)
    .map(Number)
  expect(lines.filter((line) => written.includes(line))).toEqual(written)
  expect(new Set(lines).size).toBe(lines.length)
  expect(codes.filter((code) => code !== 'SANDBOX_ERROR')).toEqual([])
  await page.close()
})

test('T25 access that is taken back in the settings of the browser is the switch turned off', async () => {
  const page = await tidepool.site(sites.origin('taken'), 'dom:read', 'vfs:write')
  const consented = callTool(page, 'page_text', {}, {})
  expect((await consented).failure).toBeUndefined()
  await tidepool.takeHost(sites.origin('taken'))
  await expect.poll(async () => (await callTool(page, 'page_text')).failure?.data.btcpCode).toBe('CAPABILITY_DENIED')
  await page.reload()
  expect(await page.evaluate(() => 'btcp' in window)).toBe(false)
  await page.close()
})

test('switched off, the page is told at once, and switched on again it needs no reload', async () => {
  const page = await tidepool.site(sites.origin('switched'), 'dom:read')
  await page.evaluate(() => {
    for (const event of ['connect', 'disconnect'])
      window.btcp.on(event, () => (document.body.dataset['events'] = `${document.body.dataset['events'] ?? ''} ${event}`))
  })
  const popup = await tidepool.openPopup(page)
  await popup.switchTo(false)
  await popup.close()
  expect((await callTool(page, 'page_text')).failure).toMatchObject({
    code: 4100,
    message: 'Cannot call: Tidepool is switched off for this site',
  })
  await tidepool.switchOn(page)
  expect(await ask(page, 'request', { method: 'ping' })).toEqual({ value: {} })
  await expect(page.locator('body')).toHaveAttribute('data-events', ' disconnect connect')
  expect((await callTool(page, 'page_text')).failure?.data.missing).toEqual(['dom:read'])
  await page.close()
})

test('T99 a browser killed in a write loop keeps every acknowledged write', async () => {
  test.setTimeout(LONG ? 600_000 : 180_000)
  const rounds = LONG ? 50 : 10
  let page = await tidepool.site(sites.origin('killed'))
  await tidepool.choose(page, 'vfs:write', 'always')
  // The browser writes its own settings (access to the site) late: they are to be on the disk before the first power cut.
  await tidepool.close()
  tidepool = await launchTidepool({ profile })
  page = await tidepool.revisit(sites.origin('killed'))
  const acknowledged: number[] = []
  sites.route('/acknowledged', (request, response) => {
    acknowledged.push(Number(new URL(request.url ?? '', 'http://x').searchParams.get('line')))
    response.writeHead(204).end()
  })
  let line = 0
  for (let round = 0; round < rounds; round += 1) {
    await page.evaluate((from) => {
      void (async () => {
        for (let i = from; ; i += 1) {
          await window.btcp.callTool('fs_write', { path: `d${i % 7}/note.txt`, content: `${i}\n`, mode: 'append', mkdirs: true })
          await fetch(`/acknowledged?line=${i}`)
        }
      })()
    }, line)
    const before = acknowledged.length
    await expect.poll(() => acknowledged.length, { timeout: 20_000 }).toBeGreaterThan(before + 3)
    await new Promise((resolve) => setTimeout(resolve, Math.random() * 300))
    await tidepool.kill()
    line = Math.max(...acknowledged) + 100
    tidepool = await launchTidepool({ profile })
    page = await tidepool.revisit(sites.origin('killed'))
    const lines = new Set<number>()
    for (let d = 0; d < 7; d += 1) {
      const { value, failure } = await callTool(page, 'fs_read', { path: `d${d}/note.txt` })
      expect(failure).toBeUndefined()
      if (value?.isError) expect(value.content).toEqual([{ type: 'text', text: `Cannot read "d${d}/note.txt": no such file or directory` }])
      const content = (value?.structuredContent as { content: string } | undefined)?.content ?? ''
      expect(content).toMatch(/^(?:\d+\n)*$/)
      for (const text of content.split('\n').filter(Boolean)) lines.add(Number(text))
    }
    const lost = acknowledged.filter((one) => !lines.has(one))
    expect(lost, `of round ${round}`).toEqual([])
  }
  const { value } = await callTool(page, 'fs_list', { path: '/home/user', recursive: true })
  const { entries } = value!.structuredContent as unknown as { entries: { name: string }[] }
  const names = entries.map(({ name }) => name)
  expect(names.filter((name) => !/^d[0-6](?:\/note\.txt)?$/.test(name))).toEqual([])
})
