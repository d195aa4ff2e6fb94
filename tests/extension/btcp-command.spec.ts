/** The shell's `btcp` from a page, through the gate: what may be called, what is denied and taken back, and tools that were installed. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test, type Page } from '@playwright/test'
import { callTool } from '../support/btcp.ts'
import { launchTidepool, type Tidepool } from '../support/extension.ts'
import { serveSites, type SiteServer } from '../support/site-server.ts'
import { ToolPanel } from '../support/tool-panel.ts'
import type { PackageFile } from '../../src/protocol/installed-tool.ts'

const EXAMPLE = new URL('../../wasm/sdk/examples/has-tests/', import.meta.url)
const packaged = (name: string): PackageFile => ({
  path: name,
  bytes: new Uint8Array(readFileSync(fileURLToPath(new URL(name, EXAMPLE)))),
})

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

/** What the command printed on both streams, and its status. */
async function sh(page: Page, command: string): Promise<unknown> {
  const { value, failure } = await callTool(page, 'shell_run', { command })
  if (failure) return failure.message
  const { stdout, stderr, exitCode } = value.structuredContent as { stdout: string; stderr: string; exitCode: number }
  return [stdout, stderr, exitCode]
}

test('a command reads the page with dom:read, and not without', async () => {
  const page = await tidepool.site(sites.origin('commands'), 'shell:run')
  const read = `btcp call page_text '{"selector":"h1"}' | jq -r .text`
  const denied = [
    '',
    'btcp: CAPABILITY_DENIED: Cannot call "page_text": capability "dom:read" is not granted\n' +
      'Ask for it with btcp.requestCapabilities(["dom:read"]), or call with { onMissing: \'prompt\' }.\n',
    0,
  ]
  expect(await sh(page, read)).toEqual(denied)
  await tidepool.choose(page, 'dom:read', 'session')
  expect(await sh(page, read)).toEqual(['A site\n', '', 0])
  expect(await sh(page, 'btcp tools --json | jq -r ".[].name" | grep -c -e page_text -e fs_write')).toEqual(['1\n', '', 0])
  await tidepool.choose(page, 'dom:read', 'deny')
  expect(await sh(page, read)).toEqual(denied)
  await page.close()
})

test('a command calls a library that was installed for the site, which sees the files of its workspace and no others', async () => {
  const origin = sites.origin('library')
  const page = await tidepool.site(origin, 'shell:run')
  const panel = await ToolPanel.open(tidepool, origin)
  await panel.install(['tidepool.toml', 'tool.wasm'].map(packaged))
  const select = (path: string): string =>
    `btcp call has_tests '{"function":"module_selector","args":["${path}"],"workspace":"/home/user/work"}' | jq -c .value.scope.paths`
  await sh(page, 'mkdir -p work/src; touch work/src/a.py work/src/test_a.py; ln -s /etc work/etc')
  expect(await sh(page, select('src'))).toEqual(['', expect.stringContaining('CAPABILITY_DENIED'), 0])
  await panel.choose('has_tests', 'vfs:read', 'session')
  expect(await sh(page, select('src'))).toEqual(['["src/a.py","src/test_a.py"]\n', '', 0])
  for (const path of ['..', 'etc', '/etc']) expect(await sh(page, select(path))).toEqual(['', expect.stringContaining('has_tests'), 0])
  await panel.remove('has_tests')
  expect(await sh(page, select('src'))).toEqual(['', expect.stringContaining('TOOL_NOT_FOUND'), 0])
  await panel.page.close()
  await page.close()
})

test('an external library cannot run in the extension, which says so', async () => {
  const origin = sites.origin('external')
  const page = await tidepool.site(origin, 'shell:run')
  const panel = await ToolPanel.open(tidepool, origin)
  const config = '[libraries]\noutside = { type = "external", executable = "python3", capabilities = { file_read = false } }\n'
  await panel.install([{ path: 'tidepool.toml', bytes: new Uint8Array(Buffer.from(config)) }])
  expect(await sh(page, `btcp call outside '{"function":"f"}'`)).toEqual([
    '',
    expect.stringMatching(/^btcp: UNSUPPORTED: Cannot call "outside": .*external libraries need Node, and do not run in the extension\n/),
    1,
  ])
  await panel.page.close()
  await page.close()
})
