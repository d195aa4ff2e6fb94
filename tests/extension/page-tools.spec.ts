/** page_query, storage_get and storage_set from a page to its own document and back, with the grants that a person gives. */
import { expect, test } from '@playwright/test'
import { callTool } from '../support/btcp.ts'
import { launchTidepool, type Tidepool } from '../support/extension.ts'
import { serveSites, type SiteServer } from '../support/site-server.ts'

let tidepool: Tidepool
let sites: SiteServer
test.beforeAll(async () => {
  sites = await serveSites()
  tidepool = await launchTidepool()
})
test.afterAll(async () => {
  await tidepool.close()
  await sites[Symbol.asyncDispose]()
})

test('page_query finds elements; its refs stand for them until the page drops them', async () => {
  sites.route('/list', '<!doctype html><h1>Head</h1><ul><li>one<li>two</ul><input type=password value=secret>')
  const page = await tidepool.open(`${sites.origin('list')}/list`)
  await tidepool.switchOn(page)
  expect((await callTool(page, 'page_query', { selector: 'li' })).failure?.data).toMatchObject({
    btcpCode: 'CAPABILITY_DENIED',
    missing: ['dom:read'],
  })
  await tidepool.choose(page, 'dom:read', 'session')
  const { value } = await callTool(page, 'page_query', { selector: 'li', limit: 1 })
  expect(value).toMatchObject({
    content: [{ type: 'text', text: '{"count":2,"items":[{"ref":"@ref:1","tag":"li","text":"one"}]}' }],
    structuredContent: { count: 2, items: [{ ref: '@ref:1', tag: 'li', text: 'one' }] },
    isError: false,
    _meta: { 'btcp/untrusted': true },
  })
  expect((await callTool(page, 'page_text', { selector: '@ref:1' })).value?.structuredContent).toEqual({ text: 'one', truncated: false })
  await page.evaluate(() => document.querySelector('li')!.remove())
  expect((await callTool(page, 'page_text', { selector: '@ref:1' })).value?.isError).toBe(true)
  expect((await callTool(page, 'page_query', { selector: 'blink' })).value?.structuredContent).toEqual({ count: 0, items: [] })
  expect((await callTool(page, 'page_query', { selector: 'input' })).value?.structuredContent).toMatchObject({ items: [{ text: '' }] })
  for (const selector of ['][', '[value^=s]'])
    expect((await callTool(page, 'page_query', { selector })).failure).toMatchObject({ code: -32602 })
  await page.close()
})

test('T92 the storage of the site needs its area and direction, and is no other site’s', async () => {
  const page = await tidepool.site(sites.origin('store'))
  await page.evaluate(() => localStorage.setItem('mine', 'kept'))
  const get = async (area: string, key: string) => {
    const { value, failure } = await callTool(page, 'storage_get', { area, key })
    return failure?.data.missing ?? value?.structuredContent
  }
  expect(await get('local', 'mine')).toEqual(['storage:local:read'])
  await tidepool.choose(page, 'storage:local:read', 'session')
  expect(await get('local', 'mine')).toEqual({ value: 'kept' })
  expect(await get('local', '__proto__')).toEqual({ value: null })
  expect(await get('session', 'mine')).toEqual(['storage:session:read'])
  const set = await callTool(page, 'storage_set', { area: 'local', key: 'mine', value: 'changed' })
  expect(set.failure?.data.missing).toEqual(['storage:local:write'])
  await tidepool.choose(page, 'storage:session:write', 'session')
  expect((await callTool(page, 'storage_set', { area: 'session', key: 'constructor', value: 'v' })).value?.structuredContent).toEqual({
    area: 'session',
    key: 'constructor',
  })
  expect(await get('session', 'constructor')).toEqual({ value: 'v' })
  expect(await page.evaluate(() => [sessionStorage.getItem('constructor'), localStorage.getItem('mine')])).toEqual(['v', 'kept'])
  expect((await callTool(page, 'storage_get', { area: 'cookie', key: 'x' })).failure?.code).toBe(-32602)

  const other = await tidepool.site(sites.origin('store-other'), 'storage:local:read')
  expect((await callTool(other, 'storage_get', { area: 'local', key: 'mine' })).value?.structuredContent).toEqual({ value: null })
  await other.close()
  await page.close()
})

test('a storage that is full is a result that names the limit', async () => {
  const page = await tidepool.site(sites.origin('full'), 'storage:local:write')
  const { value } = await callTool(page, 'storage_set', { area: 'local', key: 'k', value: 'x'.repeat(7_000_000) })
  expect(value).toMatchObject({ isError: true, _meta: { 'btcp/error': { code: 'LIMIT_EXCEEDED', limit: 'siteStorage' } } })
  expect(await page.evaluate(() => localStorage.length)).toBe(0)
  await page.close()
})
