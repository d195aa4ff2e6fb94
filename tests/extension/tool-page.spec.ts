/** A person installs, grants, configures and removes tools on the page that the popup opens; whatever a package says of itself is text there. */
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test, type Page } from '@playwright/test'
import { zipSync } from 'fflate'
import type { PackageFile } from '../../src/protocol/installed-tool.ts'
import { packageDigest } from '../../src/protocol/tool-package.ts'
import { ask, callTool, run } from '../support/btcp.ts'
import { launchTidepool, type Tidepool } from '../support/extension.ts'
import { dropFile } from '../support/file-drop.ts'
import { packageFiles } from '../support/package-files.ts'
import { serveSites, type SiteServer } from '../support/site-server.ts'
import { folderFiles } from '../support/tool-panel.ts'

const example = (path: string): string => fileURLToPath(new URL(`../../wasm/${path}`, import.meta.url))
const STATISTICS = example('sdk-as/examples/page-statistics')
const WORD_COUNT = example('sdk-c/examples/word-count')

let sites: SiteServer
let tidepool: Tidepool
let folder: string

test.beforeAll(async () => {
  sites = await serveSites()
  tidepool = await launchTidepool()
  folder = mkdtempSync(join(tmpdir(), 'tidepool-tools-'))
})
test.afterAll(async () => {
  await tidepool.close()
  await sites[Symbol.asyncDispose]()
  rmSync(folder, { recursive: true, force: true })
})

/** Presses the button in the popup of the page's site. */
async function openTools(page: Page): Promise<Page> {
  const popup = await tidepool.openPopup(page)
  const opened = tidepool.context.waitForEvent('page')
  await popup.target.click('#tools')
  const tools = await opened
  await tools.waitForSelector('#site:not([hidden])')
  return tools
}

/** A page of a site and its page of tools. */
async function siteWith(name: string, ...capabilities: string[]): Promise<{ page: Page; tools: Page; close: () => Promise<void> }> {
  const page = await tidepool.site(sites.origin(name), ...capabilities)
  const tools = await openTools(page)
  const close = async (): Promise<void> => {
    await tools.close()
    await page.close()
  }
  return { page, tools, close }
}

interface Named {
  readonly name: string
  readonly mimeType: string
  readonly buffer: Buffer
}
const upload = ({ path, bytes }: PackageFile): Named => ({ name: path, mimeType: 'application/octet-stream', buffer: Buffer.from(bytes) })
const zipOf = (files: readonly PackageFile[]): Named => ({
  name: 'tool.zip',
  mimeType: 'application/zip',
  buffer: Buffer.from(zipSync(Object.fromEntries(files.map(({ path, bytes }) => [`top/${path}`, bytes])))),
})

const pickFiles = async (tools: Page, ...files: Named[]): Promise<void> => await tools.setInputFiles('#files', files)
const review = (tools: Page) => tools.locator('#review article[data-package]')
const faults = (tools: Page) => tools.locator('#review .faults li')
const card = (tools: Page, tool: string) => tools.locator(`article[data-tool="${tool}"]`)
const fact = (tools: Page, name: string) => tools.locator('#review dt').filter({ hasText: name }).locator('xpath=following-sibling::dd[1]')
const choice = (tools: Page, capability: string, value: string) =>
  tools.locator(`li[data-capability="${capability}"] input[value="${value}"]`)
const install = async (tools: Page): Promise<void> => {
  await tools.getByRole('button', { name: 'Install' }).click()
  await expect(tools.locator('#progress')).toContainText('is installed.')
}

/** As `sha256sum` prints them, in the order of their paths. */
function digest(files: readonly PackageFile[]): string {
  const hash = (content: Uint8Array | string): string => createHash('sha256').update(content).digest('hex')
  return hash(packageDigest(files.map(({ path, bytes }) => ({ path, sha256: hash(bytes) }))))
}

interface Described {
  readonly tool?: object
  readonly code?: string
  readonly files?: Readonly<Record<string, string>>
}

/** A package of one tool that is a script. */
function scripted(manifest: object = {}, { tool = {}, code = 'console.log("1")', files = {} }: Described = {}): PackageFile[] {
  const row = {
    name: 'probe',
    description: 'A tool of a test.',
    inputSchema: { type: 'object' },
    capabilities: [],
    implementation: { type: 'js', module: 'tool.js', form: 'stdio' },
    ...tool,
  }
  const all = { btcp: '1.0', name: 'probes', version: '1.0.0', capabilities: [], tools: [row], ...manifest }
  return packageFiles({ 'manifest.json': all, 'tool.js': code, ...files })
}

const READS = { capabilities: ['dom:read'] } as const
const PRINTS_TOKEN = 'console.log(JSON.stringify(process.env.TOKEN ?? "none"))'

test('a zip is read, shown with its hash and all that it says, and installed with what was chosen', async () => {
  const { page, tools, close } = await siteWith('zips')
  await expect(tools.locator('#origin')).toHaveText(sites.origin('zips'))
  await expect(tools.locator('#none')).toBeVisible()
  const files = scripted(
    { description: 'Many words.', provider: { name: 'Somebody' }, capabilities: ['dom:read', 'storage:local:read'] },
    { tool: { capabilities: ['dom:read', 'storage:local:read'] }, files: { 'README.md': '# Probe\n\nIt probes.' } },
  )
  await pickFiles(tools, zipOf(files))
  await expect(review(tools).locator('h3')).toHaveText('probes 1.0.0')
  await expect(review(tools).locator('h3')).toBeFocused()
  expect(await fact(tools, 'SHA-256').innerText()).toBe(digest(files))
  expect(await fact(tools, 'Size').innerText()).toBe(`${files.reduce((sum, { bytes }) => sum + bytes.length, 0)} bytes`)
  expect(await fact(tools, 'It says it is by').innerText()).toBe('Somebody')
  expect(await tools.locator('#review dd').first().innerText()).toBe('Many words.')
  await expect(review(tools).locator('.faults li')).toHaveText(['probe A tool of a test.'])
  await review(tools).locator('summary').click()
  await expect(review(tools).locator('pre')).toHaveText('# Probe\n\nIt probes.')
  await expect(review(tools).locator('.risk')).toHaveText(['medium risk', 'high risk'])
  await expect(review(tools).locator('input[value="deny"]:checked')).toHaveCount(2)

  await choice(tools, 'dom:read', 'session').check({ force: true })
  await choice(tools, 'storage:local:read', 'always').check({ force: true })
  await expect(review(tools).locator('.sure')).toContainText('Really without asking')
  await tools.getByRole('button', { name: 'No', exact: true }).press('Enter')
  await expect(choice(tools, 'storage:local:read', 'deny')).toBeFocused()
  await choice(tools, 'storage:local:read', 'always').check({ force: true })
  await tools.getByRole('button', { name: 'Yes, always' }).press('Enter')
  await expect(choice(tools, 'storage:local:read', 'always')).toBeFocused()
  await install(tools)
  await expect(tools.locator('#there-title')).toBeFocused()
  await expect(review(tools)).toHaveCount(0)
  await expect(card(tools, 'probe').locator('input:checked')).toHaveCount(2)
  for (const [capability, value] of [
    ['dom:read', 'session'],
    ['storage:local:read', 'always'],
  ] as const)
    await expect(choice(tools, capability, value)).toBeChecked()
  expect((await callTool(page, 'probe')).value).toMatchObject({ isError: false, structuredContent: 1 })
  await close()
})

test('a folder, several files and a lone module are packages, too; a zip of them has the same hash', async () => {
  const { page, tools, close } = await siteWith('forms')
  const files = folderFiles(WORD_COUNT)
  await tools.setInputFiles('#folder', WORD_COUNT)
  await expect(fact(tools, 'SHA-256')).toHaveText(digest(files))
  await pickFiles(tools, zipOf(files))
  await expect(fact(tools, 'SHA-256')).toHaveText(digest(files))
  await pickFiles(tools, ...files.map(upload))
  await expect(fact(tools, 'SHA-256')).toHaveText(digest(files))
  await install(tools)
  expect((await callTool(page, 'word_count', { text: 'one two\nthree\n' })).value?.structuredContent).toEqual({
    lines: 2,
    words: 3,
    bytes: 14,
  })

  const module = files.filter(({ path }) => path === 'tool.wasm').map((file) => ({ ...file, path: 'counter.wasm' }))
  await pickFiles(tools, ...module.map(upload))
  await expect(fact(tools, 'SHA-256')).toHaveText(digest(module))
  await expect(review(tools).locator('.faults b')).toHaveText('counter')
  await close()
})

test('a file that is dropped on the page is read, and what a folder hides is left out', async () => {
  const { tools, close } = await siteWith('drops')
  const { name, buffer } = zipOf(scripted())
  await dropFile(tools, name, buffer)
  await expect(review(tools)).toBeVisible()

  const own = mkdtempSync(join(folder, 'hides-'))
  for (const { path, bytes } of scripted({ name: 'hiding' })) writeFileSync(join(own, path), bytes)
  writeFileSync(join(own, '.DS_Store'), 'a desktop has left this')
  await tools.setInputFiles('#folder', own)
  await expect(review(tools).locator('h3')).toHaveText('hiding 1.0.0')
  await expect(fact(tools, 'SHA-256')).toHaveText(digest(scripted({ name: 'hiding' })))
  await close()
})

test('every fault is told with its file and place, and what was read of it is gone', async () => {
  const { tools, close } = await siteWith('faults')
  const names = await uploadNames(tools)
  await pickFiles(
    tools,
    ...scripted({ version: 'two' }, { tool: { capabilities: ['dom:reed'], implementation: { type: 'js', module: 'no.js' } } }).map(upload),
  )
  await expect(tools.locator('#review article')).toHaveAttribute('role', 'alert')
  await expect(tools.locator('#review h3')).toBeFocused()
  await expect(faults(tools)).toHaveText([
    /^manifest\.json at \/tools\/0\/capabilities\/0: there is no capability "dom:reed"/,
    /^manifest\.json at \/tools\/0\/implementation\/module: there is no file "no\.js" in the package/,
    /^manifest\.json at \/version: must be a version like "1\.2\.3", not "two"$/,
  ])
  await pickFiles(tools, { name: 'broken.zip', mimeType: '', buffer: Buffer.from('PK no zip') })
  await expect(faults(tools)).toHaveText([/^is no zip archive/])
  await pickFiles(tools, { name: 'read.me', mimeType: '', buffer: Buffer.from('no tool') })
  await expect(faults(tools)).toHaveText([/^there is no manifest: add manifest\.json/])
  const changed = folderFiles(WORD_COUNT).map((file) =>
    file.path === 'manifest.json' ? { ...file, bytes: withHash(file.bytes, '0'.repeat(64)) } : file,
  )
  await pickFiles(tools, ...changed.map(upload))
  await expect(faults(tools)).toHaveText([/^manifest\.json at .*\/implementation\/sha256: is not that of tool\.wasm/])
  await expect(tools.getByRole('button', { name: 'Install' })).toHaveCount(0)
  for (const name of await names()) await expect.poll(async () => await previewOf(tools, name)).toContain('not there any more')
  await close()
})

function withHash(manifest: Uint8Array, sha256: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(Buffer.from(manifest).toString().replace('"module":', `"sha256": "${sha256}", "module":`))
}

/** The names that the page makes up for what it uploads, from now on. */
async function uploadNames(tools: Page): Promise<() => Promise<string[]>> {
  await tools.evaluate(() => {
    const names: string[] = []
    const real = crypto.randomUUID.bind(crypto)
    crypto.randomUUID = () => {
      const name = real()
      names.push(name)
      return name
    }
    Object.assign(globalThis, { names })
  })
  return async () => await tools.evaluate(() => (globalThis as unknown as { names: string[] }).names)
}

/** What the worker says of an upload, or why it says nothing. */
async function previewOf(tools: Page, upload: string | undefined): Promise<string> {
  return await tools.evaluate(async (name) => {
    const origin = new URLSearchParams(location.search).get('origin')
    return JSON.stringify(await chrome.runtime.sendMessage({ t: 'tools', origin, op: { op: 'preview', upload: name } }))
  }, upload)
}

test('another package gives up the one before; cancelling leaves nothing', async () => {
  const { tools, close } = await siteWith('cancels')
  const names = await uploadNames(tools)
  await pickFiles(tools, ...scripted({ name: 'first' }).map(upload))
  await expect(review(tools).locator('h3')).toHaveText('first 1.0.0')
  await pickFiles(tools, ...scripted({ name: 'second' }).map(upload))
  await expect(review(tools).locator('h3')).toHaveText('second 1.0.0')
  const [first, second] = await names()
  expect(await previewOf(tools, first)).toContain('not there any more')
  expect(await previewOf(tools, second)).toContain('"second"')
  await tools.getByRole('button', { name: 'Cancel' }).click()
  await expect(review(tools)).toHaveCount(0)
  await expect(tools.locator('#files')).toBeFocused()
  expect(await previewOf(tools, second)).toContain('not there any more')
  await expect(tools.locator('#none')).toBeVisible()

  // Two at once: the last one counts.
  const large = scripted({ name: 'large' }, { files: { data: 'x'.repeat(20 * 1024 * 1024) } })
  await pickFiles(tools, ...large.map(upload))
  await pickFiles(tools, ...scripted({ name: 'small' }).map(upload))
  await expect(review(tools).locator('h3')).toHaveText('small 1.0.0')
  await tools.waitForTimeout(500)
  await expect(review(tools).locator('h3')).toHaveText(['small 1.0.0'])
  await close()
})

test('what is chosen and typed at the installation holds at once, and a secret reaches its own tool only', async () => {
  const { page, tools, close } = await siteWith('secrets', 'shell:run')
  const token = 'what its user typed'
  const secrets = [{ name: 'TOKEN', description: 'The key of your account' }]
  await pickFiles(tools, ...scripted({ secrets, ...READS }, { tool: READS, code: PRINTS_TOKEN }).map(upload))
  await tools.getByLabel('The key of your account (TOKEN)').fill(token)
  await choice(tools, 'dom:read', 'session').check({ force: true })
  await install(tools)
  await pickFiles(tools, ...scripted({ name: 'others' }, { tool: { name: 'other' }, code: PRINTS_TOKEN }).map(upload))
  await install(tools)
  expect((await callTool(page, 'probe')).value?.structuredContent).toBe(token)
  expect((await callTool(page, 'other')).value?.structuredContent).toBe('none')
  expect((await run(page, 'env')).stdout).not.toContain(token)

  const told = [
    await ask(page, 'listTools'),
    await ask(page, 'getTool', 'probe'),
    await ask(page, 'getGrantedCapabilities', { tool: 'probe' }),
  ]
  const shown = await tools.evaluate(async () => {
    const origin = new URLSearchParams(location.search).get('origin')
    const state = (await chrome.runtime.sendMessage({ t: 'tools', origin, op: { op: 'list' } })) as unknown
    const typed = [...document.querySelectorAll('input')].map(({ value }) => value)
    return JSON.stringify([state, typed, document.documentElement.outerHTML])
  })
  const popup = await tidepool.openPopup(page)
  const drawn = await popup.target.evaluate<string>('document.documentElement.outerHTML')
  await popup.close()
  expect(`${JSON.stringify(told)} ${shown} ${drawn}`).not.toContain(token)
  await close()
})

test('secrets and settings are changed later, and are forgotten', async () => {
  const { page, tools, close } = await siteWith('settings')
  const code = 'console.log(JSON.stringify([process.env.TOKEN ?? "none", process.env.LANGUAGE]))'
  await pickFiles(tools, ...scripted({ secrets: ['TOKEN'], variables: { LANGUAGE: 'en' } }, { code }).map(upload))
  await install(tools)
  const tool = card(tools, 'probe')
  await tool.locator('summary').click()
  await expect(tool.locator('.variable').first()).toContainText('TOKEN: is not set')
  await tool.locator('input[name="TOKEN"]').fill('first')
  await tool.locator('input[name="LANGUAGE"]').fill('de')
  await tool.getByRole('button', { name: 'Save the variables of probe' }).press('Enter')
  await expect(tool.locator('.variable').first()).toContainText('TOKEN: is set')
  await expect(tool.locator('input[name="TOKEN"]')).toHaveValue('')
  await expect(tool.locator('input[name="LANGUAGE"]')).toHaveValue('de')
  expect((await callTool(page, 'probe')).value?.structuredContent).toEqual(['first', 'de'])

  // The very same package again keeps them.
  await pickFiles(tools, ...scripted({ secrets: ['TOKEN'], variables: { LANGUAGE: 'en' } }, { code }).map(upload))
  await expect(review(tools)).toContainText('The very same "probe" is installed already')
  await install(tools)
  expect((await callTool(page, 'probe')).value?.structuredContent).toEqual(['first', 'de'])
  await tools.getByRole('button', { name: 'Forget TOKEN of probe' }).click()
  await expect(tool.locator('.variable').first()).toContainText('TOKEN: is not set')
  expect((await callTool(page, 'probe')).value?.structuredContent).toEqual(['none', 'de'])
  await close()
})

test('what a tool may is given and taken on its card, and follows what happens elsewhere', async () => {
  const { page, tools, close } = await siteWith('grants')
  const capabilities = ['dom:read', 'dom:write']
  await pickFiles(tools, ...scripted({ capabilities }, { tool: { capabilities: ['dom:read'] } }).map(upload))
  await install(tools)
  expect((await callTool(page, 'probe')).failure?.code).toBe(4100)
  const once = choice(tools, 'dom:read', 'once')
  await once.focus()
  await once.press('Space')
  await expect(once).toBeChecked()
  await expect(once).toBeFocused()
  expect((await callTool(page, 'probe')).value?.isError).toBe(false)
  await expect(choice(tools, 'dom:read', 'deny')).toBeChecked()
  await choice(tools, 'dom:read', 'session').check({ force: true })
  await expect.poll(async () => (await callTool(page, 'probe')).value?.isError).toBe(false)
  await choice(tools, 'dom:read', 'deny').check({ force: true })
  await expect.poll(async () => (await callTool(page, 'probe')).failure?.code).toBe(4100)
  await close()
})

test('another version of a tool says what it replaces, and begins with nothing', async () => {
  const { page, tools, close } = await siteWith('replaces')
  const first = scripted(READS, { tool: READS })
  await pickFiles(tools, ...first.map(upload))
  await choice(tools, 'dom:read', 'always').check({ force: true })
  await install(tools)
  expect((await callTool(page, 'probe')).value?.isError).toBe(false)
  await pickFiles(tools, ...scripted({ ...READS, version: '2.0.0' }, { tool: READS }).map(upload))
  await expect(review(tools).locator('.warn').first()).toContainText(
    `It replaces the "probe" that is installed now (SHA-256 ${digest(first).slice(0, 16)}…)`,
  )
  await expect(review(tools).locator('input[value="deny"]')).toBeChecked()
  await install(tools)
  await expect(card(tools, 'probe')).toContainText('probes 2.0.0')
  expect((await callTool(page, 'probe')).failure?.code).toBe(4100)
  await close()
})

test('a tool is removed after a second question, and the popup counts those that are there', async () => {
  const { page, tools, close } = await siteWith('removes')
  expect(await toolCount(page)).toBe('')
  for (const name of ['one', 'two']) {
    await pickFiles(tools, ...scripted({ name }, { tool: { name } }).map(upload))
    await install(tools)
  }
  expect(await toolCount(page)).toBe('2 installed')
  const remove = tools.getByRole('button', { name: 'Remove one' })
  await remove.press('Enter')
  await expect(tools.getByRole('button', { name: 'Yes, remove' })).toBeFocused()
  await tools.getByRole('button', { name: 'No', exact: true }).press('Enter')
  await expect(remove).toBeFocused()
  await remove.press('Enter')
  await tools.getByRole('button', { name: 'Yes, remove' }).press('Enter')
  await expect(card(tools, 'one')).toHaveCount(0)
  await expect(tools.locator('#there-title')).toBeFocused()
  await expect(tools.locator('#progress')).toHaveText('one is removed. Nothing of it is left.')
  expect((await callTool(page, 'one')).failure?.data.btcpCode).toBe('TOOL_NOT_FOUND')
  expect((await callTool(page, 'two')).value?.isError).toBe(false)
  expect(await toolCount(page)).toBe('1 installed')
  await close()
})

async function toolCount(page: Page): Promise<string> {
  const popup = await tidepool.openPopup(page)
  const count = await popup.target.evaluate<string>(`document.querySelector('#tools-count').textContent`)
  const { nodes } = await popup.target.send<{ nodes: AccessibleNode[] }>('Accessibility.getFullAXTree')
  expect(unnamedOf(nodes)).toEqual([])
  await popup.close()
  return count
}

test('while a site is off its tools can be seen and removed, and none can be installed', async () => {
  const { page, tools, close } = await siteWith('off')
  await pickFiles(tools, ...scripted().map(upload))
  await install(tools)
  await pickFiles(tools, ...scripted({ name: 'late' }, { tool: { name: 'late' } }).map(upload))
  await expect(review(tools)).toBeVisible()
  const popup = await tidepool.openPopup(page)
  await popup.switchTo(false)
  expect(await popup.target.evaluate(`document.querySelector('#tools').checkVisibility()`)).toBe(false)
  await popup.close()
  await tools.getByRole('button', { name: 'Install' }).click()
  await expect(review(tools).getByRole('alert')).toHaveText('Tidepool is switched off for this site. Switch it on in the popup first.')
  await expect(tools.getByRole('button', { name: 'Install' })).toBeFocused()
  await tools.reload()
  await expect(tools.locator('#error')).toContainText('Tidepool is switched off for http://off.localhost')
  await expect(tools.locator('#add')).toBeHidden()
  await tools.getByRole('button', { name: 'Remove probe' }).click()
  await tools.getByRole('button', { name: 'Yes, remove' }).click()
  await expect(tools.locator('#none')).toBeVisible()
  await close()
})

test('T97 a name like a built-in tool, a description of 1 MB and a schema of references are refused in words', async () => {
  const { tools, close } = await siteWith('alike')
  const bomb = { $defs: { a: { allOf: [{ $ref: '#/$defs/a' }] } }, $ref: '#/$defs/a' }
  for (const [tool, fault] of [
    [{ name: 'Page_Text' }, '"Page_Text" is a tool of this host'],
    [{ name: 'pagetext' }, 'its name "pagetext" looks like that of the built-in tool "page_text"'],
    [{ name: 'she11_run' }, 'its name "she11_run" looks like that of the built-in tool "shell_run"'],
    [{ description: 'x'.repeat(1_000_000) }, 'must have at most 1000 characters, and has 1000000'],
    [{ inputSchema: bomb }, 'manifest.json at /tools/0/inputSchema'],
  ] as const) {
    await pickFiles(tools, ...scripted({}, { tool }).map(upload))
    await expect(faults(tools).first()).toContainText(fault)
  }
  await pickFiles(tools, ...scripted({ name: 'taking' }, { tool: { name: 'probe' } }).map(upload))
  await install(tools)
  await pickFiles(tools, ...scripted({ name: 'taken' }, { tool: { name: 'Probe' } }).map(upload))
  await expect(faults(tools)).toHaveText(['its name "Probe" is taken: the site has a tool "probe"'])
  await close()
})

test('markup, control characters and letters that turn a line around are text of the package, or nothing', async () => {
  const { tools, close } = await siteWith('hostile')
  const evil = '</dd><img src=x onerror="document.title=1"><b>Tidepool has checked this</b>\u202Egpj.exe \u001B[31m \u0000\u2066'
  const files = scripted(
    { description: evil, provider: { name: evil.slice(0, 100) }, secrets: [{ name: 'TOKEN', description: evil }] },
    { tool: { description: evil }, files: { 'README.md': `# One\n${evil}\n`.repeat(20_000) } },
  )
  await pickFiles(tools, ...files.map(upload))
  await review(tools).locator('summary').click()
  const seen = await harm(tools)
  expect(seen).toEqual({ foreign: 0, title: 'Tidepool: tools', controls: false })
  await expect(review(tools).locator('dd').first()).toContainText('<b>Tidepool has checked this</b>')
  expect((await review(tools).locator('pre').textContent())?.length).toBeLessThanOrEqual(64 * 1024)
  expect(await review(tools).evaluate((shown) => shown.scrollWidth <= shown.clientWidth)).toBe(true)
  await install(tools)
  expect(await harm(tools)).toEqual(seen)

  await pickFiles(tools, ...scripted({ name: evil, version: evil }, { tool: { name: evil } }).map(upload))
  await expect(faults(tools).first()).toBeVisible()
  await pickFiles(tools, { name: evil.replaceAll(/[/\0]/g, '-'), mimeType: '', buffer: Buffer.from('no tool') })
  await expect(faults(tools)).toHaveCount(1)
  expect(await harm(tools)).toEqual(seen)
  await close()
})

/** What of the package's words has become more than text on the page. */
async function harm(tools: Page): Promise<{ foreign: number; title: string; controls: boolean }> {
  return await tools.evaluate(() => ({
    foreign: document.querySelectorAll('main img, article b b, dd b, main script, main iframe').length,
    title: document.title,
    controls: /[\u0000-\u0008\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2066-\u2069]/.test(document.body.textContent),
  }))
}

test('a package of 40 MB shows how far it is, and the page answers meanwhile', async () => {
  const { page, tools, close } = await siteWith('large')
  const own = mkdtempSync(join(folder, 'large-'))
  const code = 'console.log((await fs.stat("/opt/tool/data.bin")).size)'
  for (const { path, bytes } of scripted({}, { code })) writeFileSync(join(own, path), bytes)
  const size = 40 * 1024 * 1024
  writeFileSync(join(own, 'data.bin'), Buffer.alloc(size, 'forty megabytes '))
  await tools.evaluate(() => {
    const watched = { shares: [] as number[], longest: 0, last: performance.now() }
    setInterval(() => {
      const now = performance.now()
      watched.longest = Math.max(watched.longest, now - watched.last)
      watched.last = now
      const progress = document.querySelector('progress')
      if (progress && progress.value !== watched.shares.at(-1)) watched.shares.push(progress.value)
    }, 5)
    Object.assign(globalThis, { watched })
  })
  await tools.setInputFiles('#folder', own)
  await expect(fact(tools, 'Size')).toHaveText('41.94 MB', { timeout: 60_000 })
  const { shares, longest } = await tools.evaluate(
    () => (globalThis as unknown as { watched: { shares: number[]; longest: number } }).watched,
  )
  expect(shares.filter((share) => share > 0 && share < 1).length).toBeGreaterThan(3)
  expect(shares).toEqual(shares.toSorted((a, b) => a - b))
  expect(longest).toBeLessThan(1_500)
  await tools.getByRole('button', { name: 'Install' }).click()
  await expect(card(tools, 'probe')).toBeVisible({ timeout: 60_000 })
  expect((await callTool(page, 'probe')).value?.structuredContent).toBe(size)
  await close()
})

test('every control has a name, and all is done by keyboard', async () => {
  const { page, tools, close } = await siteWith('keyboard')
  await pickFiles(tools, ...scripted({ ...READS, secrets: ['TOKEN'] }, { tool: READS, files: { 'README.md': 'It probes.' } }).map(upload))
  await expect(review(tools).locator('h3')).toBeFocused()
  expect(await unnamed(tools)).toEqual([])
  const seen: string[] = []
  const focused = async (): Promise<string> =>
    await tools.evaluate(() => {
      const { activeElement: at } = document
      return at instanceof HTMLInputElement ? at.name : (at?.textContent ?? '')
    })
  for (let i = 0; i < 8 && seen.at(-1) !== 'Install'; i += 1) {
    await tools.keyboard.press('Tab')
    seen.push(await focused())
    if (seen.at(-1) === 'review-dom:read') for (const _ of [1, 2]) await tools.keyboard.press('ArrowRight')
    if (seen.at(-1) === 'TOKEN') await tools.keyboard.type('typed')
  }
  expect(seen).toEqual(['What its README says', 'review-dom:read', 'TOKEN', 'Install'])
  await tools.keyboard.press('Enter')
  await expect(card(tools, 'probe')).toBeVisible()
  await expect(choice(tools, 'dom:read', 'session')).toBeChecked()
  await card(tools, 'probe').locator('summary').press('Enter')
  expect(await unnamed(tools)).toEqual([])
  expect((await callTool(page, 'probe')).value?.isError).toBe(false)
  await close()
})

const CONTROLS = ['button', 'textbox', 'radio', 'checkbox', 'link', 'switch', 'radiogroup', 'progressbar', 'DisclosureTriangle']

/** The controls and groups of the page that a screen reader cannot name. */
async function unnamed(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page)
  const { nodes } = await session.send('Accessibility.getFullAXTree')
  await session.detach()
  return unnamedOf(nodes)
}

interface AccessibleNode {
  readonly ignored: boolean
  readonly role?: { readonly value?: unknown }
  readonly name?: { readonly value?: unknown }
}

function unnamedOf(nodes: readonly AccessibleNode[]): string[] {
  return nodes
    .filter(({ ignored, role, name }) => !ignored && CONTROLS.includes(String(role?.value)) && (name?.value ?? '') === '')
    .map(({ role }) => String(role?.value))
}

test("the consent window says whose tool it is; what is given there is the tool's, and its imports are in the activity", async () => {
  const { page, tools, close } = await siteWith('consents')
  await tools.setInputFiles('#folder', STATISTICS)
  await expect(review(tools)).toBeVisible()
  await install(tools)
  const names = ['dom:read', 'storage:local:read']
  const asked = ask<{ granted: boolean }>(page, 'requestCapabilities', names, { tool: 'page_statistics', reason: 'To count words.' })
  const consent = await tidepool.consentWindow()
  await expect(consent.page.locator('#asks')).toHaveText(
    'This site asks for your permission for the tool "page_statistics". It is not part of Tidepool: somebody else made it, and you installed it here. What you choose is given to this tool only.',
  )
  const sha256 = digest(folderFiles(STATISTICS))
  await expect(consent.page.locator('#package dd')).toHaveText(['page-statistics 0.1.0', `${sha256.slice(0, 12)}…`])
  await expect(consent.page.locator('#wants')).toHaveText('The tool wants to …')
  expect(await unnamed(consent.page)).toEqual([])
  for (const name of names) await consent.choose(name, 'session')
  await consent.press('allow')
  expect((await asked).value?.granted).toBe(true)
  for (const name of names) await expect(choice(tools, name, 'session')).toBeChecked()
  expect((await callTool(page, 'page_statistics')).value).toMatchObject({ isError: false, structuredContent: { headings: 1 } })
  expect((await callTool(page, 'page_text')).failure?.data.missing).toEqual(['dom:read'])
  expect((await callTool(page, 'storage_get', { area: 'local', key: 'a' })).failure?.data.missing).toEqual(['storage:local:read'])

  const own = ask(page, 'requestCapabilities', ['dom:read'])
  const other = await tidepool.consentWindow()
  await expect(other.page.locator('#package')).toBeHidden()
  await expect(other.page.locator('#asks')).toHaveText('This site asks for your permission.')
  await other.press('deny')
  await own

  const audit = await tidepool.open(tidepool.address('src/popup/audit.html'))
  await audit.fill('#search', `${sites.origin('consents')} page_statistics`)
  const imports = Number(await audit.locator('#rows tr').first().locator('td').nth(6).innerText())
  expect(imports).toBeGreaterThan(1)
  await audit.fill('#search', '')
  const [download] = await Promise.all([audit.waitForEvent('download'), audit.click('#export')])
  const chunks: Buffer[] = []
  for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer)
  const exported = Buffer.concat(chunks)
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { origin: string; tool: string; imports?: number })
  expect(exported.filter(({ origin, tool }) => origin === sites.origin('consents') && tool === 'page_statistics')).toMatchObject([
    { imports },
  ])
  await audit.close()
  await close()
})
