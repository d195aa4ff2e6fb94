/**
 * One tool in three languages, called by a page: it reads the page's heading with its grant and not without, loses it in the middle of a call,
 * and never sees, or touches, the document that comes after the one that called it.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test, type Page } from '@playwright/test'
import type { PackageFile } from '../../src/protocol/installed-tool.ts'
import type { ToolResult } from '../../src/protocol/tool.ts'
import { packageOf } from '../contract/tool-machine.ts'
import { ask, callTool } from '../support/btcp.ts'
import { launchTidepool, type Tidepool } from '../support/extension.ts'
import { serveSites, type SiteServer } from '../support/site-server.ts'
import { prefixed, RESULT_AT, toolModule } from '../support/tool-module.ts'
import { folderFiles, ToolPanel } from '../support/tool-panel.ts'
import { ins, line } from '../support/wasm-encoder.ts'

const WASM = fileURLToPath(new URL('../../wasm', import.meta.url))
const LANGUAGES: Readonly<Record<string, string>> = { AssemblyScript: 'sdk-as', Rust: 'sdk', C: 'sdk-c' }
const NAME = 'read_heading'
const HEADING = 'Tide tables'
/** As often as no machine is done with while a test waits for a moment. */
const FOR_EVER = { times: 1_000_000 }

let sites: SiteServer
let tidepool: Tidepool

test.beforeAll(async () => {
  sites = await serveSites()
  sites.route('/', `<!doctype html><title>site</title><h1>${HEADING}</h1>`)
  sites.route('/next', '<!doctype html><title>next</title><h1>The next document</h1><p id="untouched">as it came</p>')
  tidepool = await launchTidepool({ backForwardCache: true })
})
test.afterAll(async () => {
  await tidepool?.close()
  await sites?.[Symbol.asyncDispose]()
})

/** The example, which may be asked for as many readings as a test needs. */
function forEver(files: readonly PackageFile[]): PackageFile[] {
  return files.flatMap(({ path, bytes }) => {
    if (path === 'tool.wasm') return [{ path, bytes }]
    if (path !== 'manifest.json') return []
    const manifest = new TextDecoder().decode(bytes).replace('"maximum": 1000', `"maximum": ${FOR_EVER.times}`)
    return [{ path, bytes: new TextEncoder().encode(manifest) }]
  })
}

/** Begins a call, and marks the document with how it ends. */
async function begin(page: Page, tool: string, args: object): Promise<void> {
  await page.evaluate(
    ([name, given]) =>
      void window.btcp.callTool(name, given, { timeout: 60_000 }).then(
        (value: ToolResult) => (document.body.dataset['ended'] = value.isError ? 'isError' : 'ok'),
        (error: { data: { btcpCode: string } }) => (document.body.dataset['ended'] = error.data.btcpCode),
      ),
    [tool, args] as const,
  )
}

for (const [language, folder] of Object.entries(LANGUAGES)) {
  const files = forEver(folderFiles(join(WASM, folder, 'examples', 'read-heading')))
  const site = `heading-${language.toLowerCase()}`

  test(`${language}: the heading is read with dom:read granted to the tool, and not without`, async () => {
    const { page, panel } = await ToolPanel.siteWith(tidepool, sites.origin(site), files)
    const denied = await callTool(page, NAME)
    expect(denied.failure).toMatchObject({ code: 4100, data: { btcpCode: 'CAPABILITY_DENIED', missing: ['dom:read'], effects: 'none' } })
    // What the site itself may read is not what its tool may.
    await tidepool.choose(page, 'dom:read', 'session')
    expect((await callTool(page, NAME)).failure).toMatchObject({ code: 4100 })
    await panel.choose(NAME, 'dom:read', 'session')
    expect(await ask(page, 'call', NAME, { times: 2 })).toEqual({ value: { texts: [HEADING, HEADING] } })
    await panel.choose(NAME, 'dom:read', 'deny')
    expect((await callTool(page, NAME)).failure).toMatchObject({ code: 4100 })
    await panel.page.close()
    await page.close()
  })

  test(`${language}: T24 a grant that is taken back between two imports ends the call`, async () => {
    const page = await tidepool.revisit(sites.origin(site))
    const panel = await ToolPanel.open(tidepool, sites.origin(site))
    await panel.choose(NAME, 'dom:read', 'session')
    await begin(page, NAME, FOR_EVER)
    await page.waitForTimeout(500)
    expect(await page.locator('body').getAttribute('data-ended')).toBe(null)
    await panel.choose(NAME, 'dom:read', 'deny')
    await expect(page.locator('body')).toHaveAttribute('data-ended', 'CAPABILITY_DENIED')
    expect((await callTool(page, NAME)).failure).toMatchObject({ code: 4100 })
    await panel.page.close()
    await page.close()
  })

  test(`${language}: T18 a document that is left ends the call with TAB_GONE`, async () => {
    const page = await tidepool.revisit(sites.origin(site))
    const panel = await ToolPanel.open(tidepool, sites.origin(site))
    await panel.choose(NAME, 'dom:read', 'session')
    await page.bringToFront()
    await begin(page, NAME, FOR_EVER)
    await page.waitForTimeout(300)
    await page.goto(`${sites.origin(site)}/next`)
    expect(await page.locator('h1').innerText()).toBe('The next document')
    expect((await callTool(page, NAME)).value?.structuredContent).toEqual({ texts: ['The next document'] })
    await page.goBack({ waitUntil: 'commit' })
    await expect(page.locator('body')).toHaveAttribute('data-ended', 'TAB_GONE')
    await panel.page.close()
    await page.close()
  })
}

test('T18 a tool that writes for ever writes nothing into the next document', async () => {
  const [selectorAt, valueAt] = [100, 120]
  const memory = [
    ...prefixed('{"ok":true}'),
    ...Array<number>(selectorAt - RESULT_AT - 15).fill(0),
    ...Buffer.from('h1'.padEnd(20, '\0') + 'written'),
  ]
  const writer = toolModule({
    imports: [{ module: 'btcp', name: 'dom_set_text', params: 'iiii', result: true }],
    data: { at: RESULT_AT, bytes: memory },
    execute: [
      ...line(...ins.loop, ...ins.i32(selectorAt), ...ins.i32(2), ...ins.i32(valueAt), ...ins.i32(7), ...ins.call(0)),
      ...line(...ins.i32(1), ...ins.eq, ...ins.brIf(0), ...ins.end, ...ins.i32(RESULT_AT)),
    ],
  })
  const { page, panel } = await ToolPanel.siteWith(tidepool, sites.origin('writer'), packageOf(writer, { capabilities: ['dom:write'] }))
  await panel.choose('probe', 'dom:write', 'session')
  for (let round = 0; round < 5; round++) {
    await page.goto(`${sites.origin('writer')}/`)
    await begin(page, 'probe', {})
    await expect(page.locator('h1')).toHaveText('written')
    await page.goto(`${sites.origin('writer')}/next?${round}`)
    await page.waitForTimeout(100 * round)
    expect(await page.evaluate(() => document.body.innerText)).toContain('The next document')
  }
  await panel.page.close()
  await page.close()
})
