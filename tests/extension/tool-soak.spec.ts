/**
 * One browser session with a tool that is called again and again by a page, each call with an import of the page's document: memory after the
 * last call is what it was after the first tenth, and few wasm memories live. `TIDEPOOL_LONG=1`: twenty times as often.
 */
import { expect, test } from '@playwright/test'
import { LIMITS } from '../../src/protocol/limits.ts'
import { packageOf } from '../contract/tool-machine.ts'
import { liveMemories, rendererBytes } from '../support/browser-memory.ts'
import { launchTidepool } from '../support/extension.ts'
import { serveSites } from '../support/site-server.ts'
import { digitResult, prefixed, RESULT_AT, toolModule } from '../support/tool-module.ts'
import { ToolPanel } from '../support/tool-panel.ts'
import { ins } from '../support/wasm-encoder.ts'

const CALLS = process.env['TIDEPOOL_LONG'] === '1' ? 10_000 : 500
const SELECTOR_AT = 64
/** The module asks whether there is an h1, and gives `{"n":1}`. */
const ASKING = toolModule({
  imports: [{ module: 'btcp', name: 'dom_query', params: 'ii', result: true }],
  data: { at: RESULT_AT, bytes: [...prefixed('{"n":0}'), ...Array<number>(SELECTOR_AT - RESULT_AT - 11).fill(0), ...Buffer.from('h1')] },
  execute: digitResult([...ins.i32(SELECTOR_AT), ...ins.i32(2), ...ins.call(0)]),
})

test(`${CALLS} calls of a tool leave memory as it was`, async () => {
  test.setTimeout(CALLS * 100 + 120_000)
  await using sites = await serveSites()
  sites.route('/', '<!doctype html><title>site</title><h1>Tide tables</h1>')
  await using tidepool = await launchTidepool()
  const origin = sites.origin('soak')
  const page = await tidepool.site(origin)
  const panel = await ToolPanel.open(tidepool, origin)
  await panel.install(packageOf(ASKING, { capabilities: ['dom:read'] }), { choices: { 'dom:read': 'session' } })
  /** As fast as the site may: who calls too often is told when to come again. */
  const call = (times: number): Promise<number> =>
    page.evaluate(async (count) => {
      let right = 0
      for (let i = 0; i < count;) {
        try {
          const { structuredContent } = await window.btcp.callTool('probe')
          right += (structuredContent as { n: number }).n
          i += 1
        } catch (error) {
          const { retryAfterMs } = (error as { data: { retryAfterMs?: number } }).data
          if (retryAfterMs === undefined) throw error
          await new Promise((resolve) => setTimeout(resolve, retryAfterMs))
        }
      }
      return right
    }, times)
  const tenth = CALLS / 10
  expect(await call(tenth)).toBe(tenth)
  const first = await rendererBytes(tidepool.browser)
  expect(await call(CALLS - tenth)).toBe(CALLS - tenth)
  const last = await rendererBytes(tidepool.browser)
  const memories = await liveMemories(tidepool.browser, tidepool.address('src/sandbox/frame/index.html'))
  const mebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20)
  console.log(`${CALLS} × tool: ${mebibytes(first)} → ${mebibytes(last)} MiB, ${memories} memories`)
  expect(last).toBeLessThan(first * 1.1)
  expect(memories).toBeLessThanOrEqual(LIMITS.memoriesCellReserved)
})
