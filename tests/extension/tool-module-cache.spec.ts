/** A tool's cell is ended at a deadline, and the next one has the compiled module of the frame: the tool is as good as before. */
import { expect, test } from '@playwright/test'
import { packageOf } from '../contract/tool-machine.ts'
import { callTool } from '../support/btcp.ts'
import { launchTidepool, type Tidepool } from '../support/extension.ts'
import { serveSites, type SiteServer } from '../support/site-server.ts'
import { RESULT_AT, toolModule } from '../support/tool-module.ts'
import { ToolPanel } from '../support/tool-panel.ts'
import { ins, line } from '../support/wasm-encoder.ts'

let sites: SiteServer
let tidepool: Tidepool

test.beforeAll(async () => {
  sites = await serveSites()
  sites.route('/', '<!doctype html><title>site</title>')
  tidepool = await launchTidepool()
})
test.afterAll(async () => {
  await tidepool?.close()
  await sites?.[Symbol.asyncDispose]()
})

/** For arguments of more than 20 bytes it never ends. */
const SPINS = [
  ...line(...ins.get(0), ...ins.load(0), ...ins.i32(20), ...ins.above),
  ...line(...ins.if, ...ins.loop, ...ins.br(0), ...ins.end, ...ins.end),
  ...ins.i32(RESULT_AT),
]

test('after a deadline its module is there again', async () => {
  test.setTimeout(120_000)
  const page = await tidepool.site(sites.origin('kept'))
  const panel = await ToolPanel.open(tidepool, sites.origin('kept'))
  await panel.install(packageOf(toolModule({ execute: SPINS })), {})
  for (let round = 0; round < 3; round++) {
    expect(await callTool(page, 'probe', {})).toMatchObject({ value: { structuredContent: { ok: true } } })
    const late = await callTool(page, 'probe', { pad: 'x'.repeat(30) }, { timeout: 500 })
    expect(late).toMatchObject({ failure: { data: { btcpCode: 'TIMEOUT' } } })
  }
})
