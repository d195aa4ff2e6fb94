/** The suite of hostile tools in the cells of a real site's tools: frames of the built extension, a real page under them. */
import { expect, test, type Page } from '@playwright/test'
import type { Capability } from '../../src/protocol/capability.ts'
import type { PackageFile } from '../../src/protocol/installed-tool.ts'
import { hostileTools } from '../contract/hostile-tools.ts'
import type { Called, CallOptions, ToolMachine } from '../contract/tool-machine.ts'
import { callTool } from '../support/btcp.ts'
import { launchTidepool, type Tidepool } from '../support/extension.ts'
import { serveSites, type SiteServer } from '../support/site-server.ts'
import { ToolPanel } from '../support/tool-panel.ts'

let sites: SiteServer
let tidepool: Tidepool
let page: Page
let panel: ToolPanel

test.beforeAll(async () => {
  sites = await serveSites()
  sites.route('/', '<!doctype html><title>site</title><h1>Tide tables</h1><p>high and low</p>')
  tidepool = await launchTidepool()
  page = await tidepool.site(sites.origin('tools'))
  const other = await tidepool.open(`${sites.origin('other')}/`)
  await other.evaluate(() => localStorage.setItem('of another site', 'secret'))
  panel = await ToolPanel.open(tidepool, sites.origin('tools'))
})
test.afterAll(async () => {
  await tidepool?.close()
  await sites?.[Symbol.asyncDispose]()
})

const machine: ToolMachine = {
  install: async (files: readonly PackageFile[], grants: readonly Capability[]) => {
    const choices = Object.fromEntries(grants.map((capability) => [capability, 'session' as const]))
    await panel.install(files, { choices })
  },
  remove: async (name) => await panel.remove(name),
  call: async (name: string, args: object = {}, { timeoutMs }: CallOptions = {}): Promise<Called> => {
    const { value, failure } = await callTool(page, name, args, timeoutMs === undefined ? {} : { timeout: timeoutMs })
    if (failure) return { code: failure.data.btcpCode, text: failure.message }
    const text = value.content.flatMap((block) => (block.type === 'text' ? block.text : [])).join('\n')
    if (!value.isError) return { value: value.structuredContent ?? null, text }
    const { code = 'EXECUTION_ERROR', limit } = value._meta['btcp/error'] ?? {}
    return { code, text, ...(limit === undefined ? {} : { limit }) }
  },
  page: async () =>
    await page.evaluate(() => ({
      heading: document.querySelector('h1')!.innerText,
      stored: Object.fromEntries(Object.entries(localStorage)) as Record<string, string>,
    })),
}

for (const [name, check] of Object.entries(hostileTools))
  test(name, async () => {
    test.setTimeout(180_000)
    await check(machine)
    expect(await machine.page()).toEqual({ heading: 'Tide tables', stored: {} })
  })
