/**
 * Installed tools in the extension: a person installs a package for a site, the site's pages call its tools, each tool holds what it was
 * given and nothing else, and of a removed one nothing is left.
 */
import { expect, test, type Page } from '@playwright/test'
import type { PackageFile } from '../../src/protocol/installed-tool.ts'
import type { ToolPreview, ToolsState } from '../../src/protocol/panel.ts'
import { ask, callTool, run } from '../support/btcp.ts'
import { launchTidepool, type Tidepool } from '../support/extension.ts'
import { serveSites, type SiteServer } from '../support/site-server.ts'
import { ToolPanel } from '../support/tool-panel.ts'

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

const file = (path: string, text: string): PackageFile => ({ path, bytes: new TextEncoder().encode(text) })

interface Script {
  readonly name: string
  readonly code: string
  readonly capabilities?: readonly string[]
  /** JavaScript, unless it says otherwise */
  readonly language?: 'python'
}
const fileOf = ({ name, language }: Script): string => `${name}.${language === 'python' ? 'py' : 'js'}`

/** A package of tools that are scripts: the arguments as JSON on standard input, the result on standard output. */
function scripts(manifest: string, ...tools: readonly Script[]): PackageFile[] {
  return withSecrets([], manifest, ...tools)
}

function withSecrets(secrets: readonly string[], manifest: string, ...tools: readonly Script[]): PackageFile[] {
  const capabilities = [...new Set(tools.flatMap((tool) => tool.capabilities ?? []))]
  const rows = tools.map((tool) => ({
    name: tool.name,
    description: 'A tool of a test.',
    inputSchema: { type: 'object' },
    capabilities: tool.capabilities ?? [],
    implementation: tool.language ? { type: 'python', entry: fileOf(tool) } : { type: 'js', module: fileOf(tool), form: 'stdio' },
  }))
  const text = JSON.stringify({
    btcp: '1.0',
    name: manifest,
    version: '1.0.0',
    description: 'Tools of a test.',
    secrets,
    capabilities,
    tools: rows,
  })
  return [file('manifest.json', text), ...tools.map((tool) => file(fileOf(tool), tool.code))]
}

const HELLO: Script = { name: 'hello', code: 'console.log(JSON.stringify({ hello: "world" }))' }
const SLEEPER: Script = {
  name: 'sleeper',
  capabilities: ['dom:read'],
  code: 'await new Promise((go) => setTimeout(go, 20_000)); console.log(1)',
}
const READER: Script = { name: 'reader', capabilities: ['dom:read'], code: 'console.log(JSON.stringify("read"))' }

/** Which of the extension's places name the text: its storage, its databases, and the keys in them. */
async function leftOf(text: string): Promise<string[]> {
  const page = await tidepool.open(tidepool.address('src/popup/audit.html'))
  const found = await page.evaluate(async (needle) => {
    const out: string[] = []
    for (const area of ['local', 'session'] as const)
      for (const [key, value] of Object.entries(await chrome.storage[area].get(null)))
        if (`${key} ${JSON.stringify(value)}`.includes(needle)) out.push(`${area}: ${key}`)
    for (const { name = '' } of await indexedDB.databases()) if (name.includes(needle)) out.push(`database: ${name}`)
    const opened = indexedDB.open('tidepool packages')
    const database = await new Promise<IDBDatabase>((resolve) => opened.addEventListener('success', () => resolve(opened.result)))
    for (const store of database.objectStoreNames) {
      const keys = database.transaction(store).objectStore(store).getAllKeys()
      await new Promise((resolve) => keys.addEventListener('success', resolve))
      if (JSON.stringify(keys.result).includes(needle)) out.push(`package: ${store}`)
    }
    database.close()
    return out
  }, text)
  await page.close()
  return found
}

async function siteWith(name: string, files: readonly PackageFile[], ...capabilities: string[]): Promise<{ page: Page; panel: ToolPanel }> {
  const page = await tidepool.site(sites.origin(name), ...capabilities)
  const panel = await ToolPanel.open(tidepool, sites.origin(name))
  await panel.install(files)
  return { page, panel }
}

/** That of the package of the site's first tool. */
async function hashOf(panel: ToolPanel): Promise<string> {
  const { tools } = await panel.ask<ToolsState>({ op: 'list' })
  return tools[0]?.sha256 ?? 'nothing is installed'
}

test('a tool that a person installs is found and called by the pages of its site, and by no other', async () => {
  const { page, panel } = await siteWith('installs', scripts('greetings', HELLO))
  expect((await ask<{ name: string }[]>(page, 'listTools', { names: ['hello'] })).value).toMatchObject([{ name: 'hello' }])
  expect((await callTool(page, 'hello')).value).toMatchObject({ isError: false, structuredContent: { hello: 'world' } })
  const other = await tidepool.site(sites.origin('elsewhere'))
  expect((await callTool(other, 'hello')).failure?.data.btcpCode).toBe('TOOL_NOT_FOUND')
  await other.close()
  await panel.page.close()
  await page.close()
})

test("a tool needs its own capability: what the site holds is not the tool's, nor the other way round", async () => {
  const { page, panel } = await siteWith('own', scripts('readers', READER), 'dom:read')
  const denied = await callTool(page, 'reader')
  expect(denied.failure).toMatchObject({ code: 4100, data: { missing: ['dom:read'], effects: 'none' } })
  expect(denied.failure?.data.suggestions?.[0]).toContain('btcp.requestCapabilities(["dom:read"], {"tool":"reader"})')
  expect((await ask<object[]>(page, 'listTools', { includeUngranted: false, names: ['reader'] })).value).toEqual([])
  expect((await ask(page, 'preflightCapabilities', ['dom:read'], { tool: 'reader' })).value).toEqual({ 'dom:read': 'prompt' })

  await panel.choose('reader', 'dom:read', 'session')
  expect((await callTool(page, 'reader')).value?.structuredContent).toBe('read')
  expect((await ask(page, 'getGrantedCapabilities', { tool: 'reader' })).value).toMatchObject([
    { capability: 'dom:read', duration: 'session', manifest: 'readers' },
  ])
  expect((await ask<object[]>(page, 'listTools', { includeUngranted: false, names: ['reader'] })).value).toHaveLength(1)

  // The site gives back all that it holds: the tool still has its own.
  await ask(page, 'revokeCapabilities')
  expect((await callTool(page, 'page_text')).failure?.code).toBe(4100)
  expect((await callTool(page, 'reader')).value?.isError).toBe(false)
  await ask(page, 'revokeCapabilities', undefined, { tool: 'reader' })
  expect((await callTool(page, 'reader')).failure?.code).toBe(4100)
  await panel.page.close()
  await page.close()
})

test("the consent window names the tool and its hash, and what is chosen is the tool's", async () => {
  const { page, panel } = await siteWith('asks', scripts('readers', READER))
  const sha256 = await hashOf(panel)
  const call = callTool(page, 'reader', {}, { onMissing: 'prompt' })
  const consent = await tidepool.consentWindow()
  await expect(consent.page.locator('#asks')).toContainText('the tool "reader". It is not part of Tidepool: somebody else made it')
  await expect(consent.page.locator('#package dd')).toHaveText(['readers 1.0.0', `${sha256.slice(0, 12)}…`])
  await consent.choose('dom:read', 'session')
  await consent.press('allow')
  expect((await call).value?.structuredContent).toBe('read')
  expect((await callTool(page, 'page_text')).failure?.code).toBe(4100)

  expect((await ask(page, 'requestCapabilities', ['dom:write'], { tool: 'reader' })).failure?.data.btcpCode).toBe('INVALID_PARAMS')
  expect((await ask(page, 'requestCapabilities', ['dom:read'], { tool: 'nobody' })).failure?.data.btcpCode).toBe('TOOL_NOT_FOUND')
  await panel.page.close()
  await page.close()
})

test('once serves one call of the tool', async () => {
  const { page, panel } = await siteWith('once', scripts('readers', READER))
  await panel.choose('reader', 'dom:read', 'once')
  expect((await callTool(page, 'reader')).value?.isError).toBe(false)
  expect((await callTool(page, 'reader')).failure?.code).toBe(4100)
  await panel.page.close()
  await page.close()
})

test("a capability that is taken back ends the tool's running call", async () => {
  const { page, panel } = await siteWith('revokes', scripts('sleepers', SLEEPER))
  await panel.choose('sleeper', 'dom:read', 'session')
  const call = callTool(page, 'sleeper')
  await page.waitForTimeout(1_000)
  await panel.choose('sleeper', 'dom:read', 'deny')
  expect((await call).failure).toMatchObject({ code: 4100, data: { missing: ['dom:read'] } })
  await panel.page.close()
  await page.close()
})

test("a document that is left ends the tool's call, and the next one is not told of it", async () => {
  const { page, panel } = await siteWith('leaves', scripts('sleepers', SLEEPER))
  await panel.choose('sleeper', 'dom:read', 'session')
  const call = callTool(page, 'sleeper').catch((error: unknown) => String(error))
  await page.waitForTimeout(1_000)
  await page.goto(`${sites.origin('leaves')}/?next`)
  expect(await call).toContain('context was destroyed')
  await expect.poll(async () => await outcomes(sites.origin('leaves'), 'sleeper')).toEqual(['TAB_GONE'])
  await panel.page.close()
  await page.close()
})

/** How the calls of the tool ended, as the activity page shows it, newest first. */
async function outcomes(origin: string, tool: string): Promise<string[]> {
  const audit = await tidepool.open(tidepool.address('src/popup/audit.html'))
  await audit.fill('#search', `${origin} ${tool}`)
  const shown = await audit.locator('#rows tr').evaluateAll((rows) => rows.map((row) => row.children[5]?.textContent ?? ''))
  await audit.close()
  return shown
}

test("T91 a changed package is another tool: it has none of the former one's grants, and the directory of none", async () => {
  // Its hash is that of no other site's tool.
  const first = scripts('readers', { ...READER, code: `${READER.code} // first` })
  const { page, panel } = await siteWith('changes', first)
  await panel.choose('reader', 'dom:read', 'always')
  expect((await callTool(page, 'reader')).value?.structuredContent).toBe('read')
  const former = await hashOf(panel)

  const changed = scripts('readers', { ...READER, code: 'console.log(JSON.stringify("stolen"))' })
  const { preview } = await panel.put(changed)
  expect(preview).toMatchObject({ ok: true, replaces: { reader: former }, capabilities: [{ capability: 'dom:read', choice: 'deny' }] })
  await panel.install(changed)
  expect((await callTool(page, 'reader')).failure).toMatchObject({ code: 4100, data: { missing: ['dom:read'] } })
  expect(await leftOf(former)).toEqual([])

  // Nor has the former one its grants again when it comes back.
  await panel.install(first)
  expect((await callTool(page, 'reader')).failure?.code).toBe(4100)
  await panel.page.close()
  await page.close()
})

test('installing the same package again keeps what its tool holds', async () => {
  const { page, panel } = await siteWith('again', scripts('readers', READER))
  await panel.choose('reader', 'dom:read', 'always')
  const { preview } = await panel.put(scripts('readers', READER))
  expect(preview).toMatchObject({ ok: true, capabilities: [{ capability: 'dom:read', choice: 'always' }] })
  await panel.install(scripts('readers', READER))
  expect((await callTool(page, 'reader')).value?.isError).toBe(false)
  await panel.page.close()
  await page.close()
})

test('of a removed tool nothing is left: no row, no grant, no secret, no database, no package, no frame', async () => {
  const KEEPER: Script = {
    name: 'keeper',
    capabilities: ['dom:read'],
    language: 'python',
    code: "import os; open('note', 'w').write('kept'); print(len(os.environ['TOKEN']))",
  }
  const page = await tidepool.site(sites.origin('removes'))
  const panel = await ToolPanel.open(tidepool, sites.origin('removes'))
  const token = 'a secret that its user typed'
  const options = { choices: { 'dom:read': 'always' }, env: { TOKEN: token } } as const
  const [installed] = await panel.install(withSecrets(['TOKEN'], 'keepers', KEEPER), options)
  const sha256 = installed?.sha256 ?? ''
  expect(installed).toMatchObject({ set: ['TOKEN'], secrets: [{ name: 'TOKEN' }] })
  expect(JSON.stringify(installed)).not.toContain(token)
  expect((await callTool(page, 'keeper')).value).toMatchObject({ isError: false, structuredContent: token.length })
  expect((await ask<object>(page, 'getTool', 'keeper')).value).not.toHaveProperty('env')
  expect((await leftOf(sha256)).length).toBeGreaterThan(2)
  const frames = async () =>
    (await tidepool.browser.send('Target.getTargets')).targetInfos.filter(({ url }) => url.includes('src/sandbox/frame/')).length
  const before = await frames()

  await panel.remove('keeper')
  expect(await leftOf(sha256)).toEqual([])
  for (const text of ['keeper', token]) expect(await leftOf(text)).toEqual([])
  if (before > 0) expect(await frames()).toBeLessThan(before)
  expect((await callTool(page, 'keeper')).failure?.data.btcpCode).toBe('TOOL_NOT_FOUND')
  expect(await outcomes(sites.origin('removes'), 'tool removed by you: keeper 1.0.0')).toEqual(['ok'])
  await panel.page.close()
  await page.close()
})

test('a package that two sites have stays with the one when the other removes it', async () => {
  const first = await siteWith('share-a', scripts('greetings', HELLO))
  const second = await siteWith('share-b', scripts('greetings', HELLO))
  await first.panel.remove('hello')
  expect((await callTool(second.page, 'hello')).value?.structuredContent).toEqual({ hello: 'world' })
  for (const { page, panel } of [first, second]) {
    await panel.page.close()
    await page.close()
  }
})

test("a removed tool's running call ends, and the page is told that its tools are others", async () => {
  const LASTING: Script = { ...SLEEPER, name: 'lasting', capabilities: [] }
  const { page, panel } = await siteWith('ends', scripts('sleepers', LASTING))
  const told = page.evaluate(async () => await new Promise((told) => window.btcp.on('toolsChanged', () => told('told'))))
  const call = callTool(page, 'lasting')
  await page.waitForTimeout(1_000)
  await panel.remove('lasting')
  expect((await call).failure?.code).toBe(4100)
  expect(await told).toBe('told')
  await panel.page.close()
  await page.close()
})

test('a command of the site calls an installed tool, and a tool calls no more than it may itself', async () => {
  const READS: Script = {
    name: 'reads',
    capabilities: ['dom:read'],
    code: 'console.log(JSON.stringify("it reads"))',
  }
  const { page, panel } = await siteWith('nested', scripts('nested', HELLO, READS), 'shell:run')
  expect((await run(page, "btcp call hello '{}'")).stdout).toContain('"hello":"world"')
  const denied = await run(page, "btcp call reads '{}'")
  expect([denied.exitCode === 0, denied.stderr]).toEqual([false, expect.stringContaining('dom:read')])
  await panel.choose('reads', 'dom:read', 'session')
  expect((await run(page, "btcp call reads '{}'")).stdout).toContain('it reads')
  expect((await run(page, 'btcp tools')).stdout).toMatch(/hello[^]*reads/)
  await panel.page.close()
  await page.close()
})

/** Calls what its arguments name, and tells how that ended. */
const proxy = (name: string, ...capabilities: string[]): Script => ({
  name,
  capabilities,
  language: 'python',
  code: [
    'import btcp, json, sys',
    'asked = json.load(sys.stdin)',
    'try:',
    "    print(json.dumps(btcp.call(asked['name'], asked.get('arguments', {}))))",
    'except btcp.BtcpError as error:',
    "    print(json.dumps({'code': error.code, 'missing': error.data.get('missing')}))",
  ].join('\n'),
})
const through = async (page: Page, ...names: string[]): Promise<unknown> => {
  const [outer = '', ...inner] = names
  const nested = inner.reduceRight<object>((args, name) => ({ name, arguments: args }), {})
  const { value, failure } = await callTool(page, outer, nested)
  return failure ?? value.structuredContent
}

test('what a tool has another one do, it must be allowed itself, and so must whoever waits for it', async () => {
  const deniedRead = { code: 'CAPABILITY_DENIED', missing: ['dom:read'] }
  const tools = [proxy('bare'), proxy('middle', 'dom:read'), { ...READER, name: 'last' }]
  const { page, panel } = await siteWith('chain', scripts('chain', ...tools), 'dom:read')
  // The site may read the page, a tool that does not declare it may not have that done.
  expect(await through(page, 'bare', 'page_text')).toEqual(deniedRead)
  await panel.choose('last', 'dom:read', 'session')
  expect(await through(page, 'bare', 'last')).toEqual(deniedRead)
  await panel.choose('middle', 'dom:read', 'session')
  expect(await through(page, 'middle', 'last')).toBe('read')
  expect(await through(page, 'middle', 'page_text')).toMatchObject({ text: expect.stringContaining('A site') })
  expect(await through(page, 'bare', 'middle', 'last')).toEqual(deniedRead)
  // A built-in tool acts as the site: both must hold what it needs.
  await ask(page, 'revokeCapabilities', ['dom:read'])
  expect(await through(page, 'middle', 'page_text')).toEqual(deniedRead)
  expect(await through(page, 'middle', 'last')).toBe('read')
  await panel.page.close()
  await page.close()
})

test('calls inside each other end at the depth that the limit says', async () => {
  const { page, panel } = await siteWith('deep', scripts('deep', proxy('again')))
  expect(await through(page, 'again', 'again', 'again', 'again', 'again', 'again')).toMatchObject({ code: 'BUSY' })
  await panel.page.close()
  await page.close()
})

/** Asks for imports as a module does: its code is hostile to all that is above it. */
const importer = (...capabilities: string[]): Script => ({
  name: 'importer',
  capabilities,
  language: 'python',
  code: [
    'import btcp, json, sys, time',
    'out = []',
    "for asked in json.load(sys.stdin)['imports']:",
    '    began = time.perf_counter()',
    '    try:',
    "        answer = {'value': btcp._ask({'import': asked['name'], 'args': asked['args']})['value']}",
    '    except btcp.BtcpError as error:',
    "        answer = {'code': error.code}",
    "    out.append({**answer, 'ms': (time.perf_counter() - began) * 1000})",
    "    time.sleep(asked.get('sleep', 0))",
    'print(json.dumps(out))',
  ].join('\n'),
})
interface Imported {
  readonly value?: unknown
  readonly code?: string
  readonly ms: number
}
const importing = async (page: Page, ...imports: object[]) => await callTool(page, 'importer', { imports })
const H1 = { name: 'dom_text', args: { selector: 'h1' } }

test("a tool's import is carried out by the document that called, within what the tool holds", async () => {
  const { page, panel } = await siteWith('imports', scripts('imports', importer('dom:read')))
  await panel.choose('importer', 'dom:read', 'session')
  const asked = [H1, { name: 'dom_count', args: { selector: 'nothing' } }, { name: 'storage_get', args: { key: 'k' } }]
  const { value } = await importing(page, ...asked, { name: 'dom_click', args: { selector: 'h1' } }, { name: 'nothing', args: {} })
  expect(value?.structuredContent).toMatchObject([
    { value: 'A site' },
    { value: 0 },
    { code: 'CAPABILITY_DENIED' },
    { code: 'CAPABILITY_DENIED' },
    { code: 'INVALID_PARAMS' },
  ])
  await panel.page.close()
  await page.close()
})

test('what is taken back between two imports of a call denies the second, and the call', async () => {
  const { page, panel } = await siteWith('between', scripts('imports', importer('dom:read')))
  await panel.choose('importer', 'dom:read', 'session')
  const call = importing(page, { ...H1, sleep: 3 }, H1)
  await page.waitForTimeout(2_000)
  await panel.choose('importer', 'dom:read', 'deny')
  expect((await call).failure).toMatchObject({ code: 4100, data: { missing: ['dom:read'] } })
  await panel.page.close()
  await page.close()
})

/** Until it is undone, the extension's storage answers late, as that of a busy disk. */
async function delayStorage(ms: number): Promise<() => Promise<void>> {
  const worker = tidepool.serviceWorker()!
  const undo = await worker.evaluateHandle((delay) => {
    const area = (globalThis as unknown as { browser?: typeof chrome }).browser?.storage.local ?? chrome.storage.local
    const set: (items: object) => Promise<void> = area.set.bind(area)
    area.set = async (items: object) => {
      await new Promise((resolve) => setTimeout(resolve, delay))
      await set(items)
    }
    return () => (area.set = set)
  }, ms)
  return async () => {
    await undo.evaluate((restore) => {
      restore()
    })
  }
}

/** Imports until it is denied, and fails then. */
const RELENTLESS: Script = {
  name: 'relentless',
  capabilities: ['dom:read'],
  language: 'python',
  code: ['import btcp', 'while True:', `    btcp._ask({'import': '${H1.name}', 'args': ${JSON.stringify(H1.args)}})`].join('\n'),
}

test('a call that hears of a revocation before it is written ends with it all the same', async () => {
  const { page, panel } = await siteWith('meanwhile', scripts('imports', RELENTLESS))
  await panel.choose('relentless', 'dom:read', 'session')
  const call = callTool(page, 'relentless')
  await page.waitForTimeout(2_000)
  const undo = await delayStorage(1_000)
  await panel.choose('relentless', 'dom:read', 'deny')
  await undo()
  expect((await call).failure).toMatchObject({ code: 4100, data: { missing: ['dom:read'] } })
  await panel.page.close()
  await page.close()
})

test('an import takes 3 ms at most in the median, and the call says how many there were', async () => {
  const { page, panel } = await siteWith('speed', scripts('imports', importer('dom:read')))
  await panel.choose('importer', 'dom:read', 'session')
  const medians: number[] = []
  // Other tests may have the processors at one time or another.
  for (let round = 0; round < 3; round += 1) {
    const { value } = await importing(page, ...Array.from({ length: 300 }, () => H1))
    const imported = (value?.structuredContent ?? []) as unknown as Imported[]
    const times = imported.map(({ ms }) => ms).toSorted((a, b) => a - b)
    medians.push(times[150] ?? Infinity)
  }
  expect(Math.min(...medians)).toBeLessThan(3)
  const audit = await tidepool.open(tidepool.address('src/popup/audit.html'))
  await audit.fill('#search', `${sites.origin('speed')} importer`)
  expect(await audit.locator('#rows tr').evaluateAll((rows) => rows.map((row) => row.children[6]?.textContent))).toEqual([
    '300',
    '300',
    '300',
  ])
  await audit.close()
  await panel.page.close()
  await page.close()
})

test('a package with faults, a built-in name or a taken one is not installed', async () => {
  const { page, panel } = await siteWith('refuses', scripts('greetings', HELLO))
  expect((await panel.put([file('a.txt', 'no manifest')])).preview).toMatchObject({
    ok: false,
    faults: [{ message: expect.stringContaining('no manifest') }],
  })
  const taken = scripts('others', { ...HELLO, name: 'Hello' })
  const { upload } = await panel.put(taken)
  await expect(panel.ask({ op: 'install', upload, env: {}, choices: {} })).rejects.toThrow('the site has a tool "hello"')
  const builtIn = await panel
    .put(scripts('builtins', { ...HELLO, name: 'page_text' }))
    .then(
      async (put) => await panel.ask({ op: 'install', upload: put.upload, env: {}, choices: {} }).then(() => 'installed', String),
      String,
    )
  expect(builtIn).not.toBe('installed')
  await expect(panel.ask<ToolPreview>({ op: 'preview', upload: 'never put' })).rejects.toThrow('not there any more')
  await expect(panel.ask({ op: 'put', upload: 'x', path: '../x', offset: 0, bytes: '' })).rejects.toThrow('no path')
  await panel.page.close()
  await page.close()
})

test('switched off, a tool runs no longer and what it held for now is gone; it is there when the site is switched on again', async () => {
  const { page, panel } = await siteWith('off', scripts('mixed', SLEEPER, HELLO))
  await panel.choose('sleeper', 'dom:read', 'session')
  const call = callTool(page, 'sleeper')
  await page.waitForTimeout(1_000)
  const popup = await tidepool.openPopup(page)
  await popup.switchTo(false)
  expect((await call).failure?.code).toBe(4100)
  await expect(panel.ask({ op: 'choose', tool: 'sleeper', capability: 'dom:read', choice: 'always' })).rejects.toThrow('switched off')
  await popup.switchTo(true)
  await popup.close()
  await page.reload()
  await page.evaluate(async () => await window.btcp.ready)
  expect((await callTool(page, 'hello')).value?.isError).toBe(false)
  expect((await callTool(page, 'sleeper')).failure?.code).toBe(4100)
  await panel.page.close()
  await page.close()
})

test('no page can change the tools', async () => {
  const { page, panel } = await siteWith('pages', scripts('greetings', HELLO))
  for (const method of ['tools/install', 'tools/remove', 'tools/put'])
    expect((await ask(page, 'request', { method, params: { tool: 'hello' } })).failure?.data.btcpCode).toBe('METHOD_NOT_FOUND')
  await panel.page.close()
  await page.close()
})
