import { expect, test } from '@playwright/test'
import { launchTidepool } from '../support/extension.ts'
import { serveSites } from '../support/site-server.ts'

test('a page calls ping', async () => {
  await using sites = await serveSites()
  await using tidepool = await launchTidepool()
  const page = await tidepool.open(`${sites.origin('app')}/`)
  page.on('console', (m) => console.log('page:', m.text()))
  await tidepool.switchOn(page)
  expect(await page.evaluate(async () => await (window as any).btcp.request({ method: 'ping' }))).toEqual({})
})
