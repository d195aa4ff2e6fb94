/** JavaScript as a caller of tools and as a tool, in a real site: every request of a script is decided by the grants of who runs it. */
import { expect, test } from '@playwright/test'
import type { PackageFile } from '../../src/protocol/installed-tool.ts'
import { ask, callTool } from '../support/btcp.ts'
import { launchTidepool, type Tidepool } from '../support/extension.ts'
import { serveSites, type SiteServer } from '../support/site-server.ts'
import { ToolPanel } from '../support/tool-panel.ts'

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

const files = (contents: Readonly<Record<string, string>>): PackageFile[] =>
  Object.entries(contents).map(([path, text]) => ({ path, bytes: new TextEncoder().encode(text) }))

test('a script may call what its site may call, decided anew each time', async () => {
  const page = await tidepool.site(sites.origin('scripts'), 'js:run')
  const code = `const out = []
    for (const name of ['page_text', 'page_text', 'storage_get'])
      try { out.push((await btcp.call(name, name === 'storage_get' ? { area: 'local', key: 'k' } : { selector: 'h1' })).text) }
      catch (error) { out.push(error.code, error.data.missing) }
    out.push((await btcp.tools()).map(({ name }) => name))
    out`
  const value = async (): Promise<unknown> =>
    ((await callTool(page, 'js_run', { code })).value!.structuredContent as { value: unknown }).value
  const read = ['fs_read', 'fs_list', 'fs_stat']
  const denied = ['CAPABILITY_DENIED', ['dom:read'], 'CAPABILITY_DENIED', ['dom:read'], 'CAPABILITY_DENIED', ['storage:local:read']]
  expect(await value()).toEqual([...denied, ['js_run', 'code_execute', ...read]])
  await tidepool.choose(page, 'dom:read', 'session')
  expect(await value()).toEqual([
    'A site',
    'A site',
    'CAPABILITY_DENIED',
    ['storage:local:read'],
    ['js_run', 'code_execute', ...read, 'page_text', 'page_query'],
  ])
  await page.close()
})

test('T24 what a script waits for between two tools can be taken back', async () => {
  const page = await tidepool.site(sites.origin('between'), 'js:run', 'dom:read')
  await page.evaluate(
    (code) =>
      void window.btcp
        .callTool('js_run', { code, timeoutMs: 60_000 })
        .then(({ structuredContent }) => (document.title = JSON.stringify((structuredContent as { value: unknown }).value))),
    `const texts = [(await btcp.call('page_text')).text]
     await fs.writeFile('first', '')
     try { for (;;) { await btcp.call('page_text'); await new Promise((resolve) => setTimeout(resolve, 50)) } } catch ({ code }) { texts.push(code) }
     texts`,
  )
  await page.waitForTimeout(2_000)
  await tidepool.choose(page, 'dom:read', 'deny')
  await expect(page).toHaveTitle('["A site","CAPABILITY_DENIED"]')
  await page.close()
})

test('a tool in JavaScript is called with its arguments and asks for tools with its own grants', async () => {
  const manifest = {
    btcp: '1.0',
    name: 'heads',
    version: '1.0.0',
    capabilities: ['dom:read'],
    tools: [
      {
        name: 'heading',
        description: 'The heading.',
        inputSchema: { type: 'object', properties: { upper: { type: 'boolean' } } },
        capabilities: ['dom:read'],
        implementation: { type: 'js', module: 'tool.js' },
      },
    ],
  }
  const module = `export default async ({ upper }, btcp) => {
      console.log('noise')
      const { text } = await btcp.call('page_text', { selector: 'h1' })
      return { text: upper ? text.toUpperCase() : text }
    }`
  const origin = sites.origin('heads')
  const page = await tidepool.site(origin)
  const panel = await ToolPanel.open(tidepool, origin)
  await panel.install(files({ 'manifest.json': JSON.stringify(manifest), 'tool.js': module }))
  await page.bringToFront()
  expect((await callTool(page, 'heading')).failure).toMatchObject({ code: 4100, data: { missing: ['dom:read'] } })
  await panel.choose('heading', 'dom:read', 'session')
  // A built-in tool acts as the owner: both have to hold it.
  await tidepool.choose(page, 'dom:read', 'session')
  expect(await ask(page, 'call', 'heading', { upper: true })).toEqual({ value: { text: 'A SITE' } })
  await panel.page.close()
  await page.close()
})

test('a published tool for Node runs as it is', async () => {
  const origin = sites.origin('published')
  const page = await tidepool.site(origin)
  const panel = await ToolPanel.open(tidepool, origin)
  await panel.install(
    files({
      'config.toml': 'name = "shout"\ndescription = "Says it loudly."\nlanguage = "node"\n[tool_vars]\nEND = "!"\n',
      'schema.json': JSON.stringify({ type: 'object', properties: { text: { type: 'string' } }, required: ['text'] }),
      'dist/index.js': `"use strict";
        const fs = require("fs");
        let input = "";
        process.stdin.setEncoding("utf8");
        process.stdin.on("data", (chunk) => { input += chunk; });
        process.stdin.on("end", () => {
          const { text } = JSON.parse(input);
          process.stdout.write(JSON.stringify({ shouted: text.toUpperCase() + process.env.END }));
        });`,
    }),
    { env: { END: '?' } },
  )
  await page.bringToFront()
  expect(await ask(page, 'call', 'shout', { text: 'low' })).toEqual({ value: { shouted: 'LOW?' } })
  await panel.page.close()
  await page.close()
})
