/** A person adds wheel files to a site through the popup: pip of that site finds them, no other site does, and no page can do it. */
import { expect, test, type Page } from '@playwright/test'
import { ask, run } from '../support/btcp.ts'
import { launchTidepool, type Tidepool } from '../support/extension.ts'
import { dropFile } from '../support/file-drop.ts'
import { serveSites, type SiteServer } from '../support/site-server.ts'
import { pureWheel, type TestWheel } from '../support/wheel.ts'

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

const upload = ({ file, bytes }: TestWheel) => ({ name: file, mimeType: 'application/zip', buffer: Buffer.from(bytes) })
const add = async (wheels: Page, ...files: TestWheel[]): Promise<void> => await wheels.setInputFiles('#files', files.map(upload))
const result = (wheels: Page, file: string) => wheels.locator('#results li').filter({ hasText: file }).locator('.result')
const there = (wheels: Page) => wheels.locator('#there b')

/** Presses the button in the popup of the page's site. */
async function openWheels(page: Page): Promise<Page> {
  const popup = await tidepool.openPopup(page)
  const opened = tidepool.context.waitForEvent('page')
  await popup.target.click('#wheels')
  const wheels = await opened
  await wheels.waitForSelector('#site:not([hidden])')
  return wheels
}

test('a wheel that a person adds can be installed by its name in that site, and in no other', async () => {
  const page = await tidepool.site(sites.origin('adds'), 'shell:run')
  const wheels = await openWheels(page)
  await expect(wheels.locator('#origin')).toHaveText(sites.origin('adds'))
  await expect(wheels.locator('#none')).toBeVisible()
  await expect(wheels.getByLabel('Choose wheel files')).toBeVisible()
  const greet = pureWheel('greet', '1.2', { 'greet/__init__.py': 'def hi(): return "hello"\n' })
  await add(wheels, greet)
  await expect(result(wheels, greet.file)).toHaveText('Added. Next, in a command of this site: pip install greet')
  await expect(there(wheels)).toHaveText([greet.file])
  const command = 'pip install greet && python3 -c "import greet; print(greet.hi())"'
  expect(await run(page, command)).toMatchObject({
    stdout: expect.stringMatching(/Successfully installed greet-1\.2\nhello\n$/),
    exitCode: 0,
  })

  const other = await tidepool.site(sites.origin('bystander'), 'shell:run')
  expect(await run(other, 'ls -A .local/share/wheels; pip install greet')).toMatchObject({
    stdout: '',
    stderr: expect.stringContaining('add the wheel file in the popup of Tidepool'),
    exitCode: 1,
  })
  await wheels.close()
  await other.close()
  await page.close()
})

test('a wheel takes the place of a package that is there in another version, when it is asked for by version', async () => {
  const page = await tidepool.site(sites.origin('version'), 'shell:run')
  const wheels = await openWheels(page)
  const six = pureWheel('six', '99.0', { 'six.py': '__version__ = "99.0"\n' })
  await add(wheels, six)
  await expect(result(wheels, six.file)).toContainText('Added.')
  const version = 'python3 -c "import six; print(six.__version__)"'
  expect(await run(page, `pip install six > /dev/null; ${version}`)).not.toMatchObject({ stdout: '99.0\n' })
  expect(await run(page, `pip install six==99.0 > /dev/null && ${version}`)).toMatchObject({ stdout: '99.0\n', exitCode: 0 })
  await wheels.close()
  await page.close()
})

test('it gives the site no capability, and stands in the activity', async () => {
  const page = await tidepool.site(sites.origin('without'))
  const wheels = await openWheels(page)
  const one = pureWheel('one', '1', { 'one.py': '' })
  await add(wheels, one)
  await expect(result(wheels, one.file)).toContainText('Added.')
  expect((await ask(page, 'getGrantedCapabilities')).value).toMatchObject([{ capability: 'vfs:read' }])
  expect((await ask(page, 'callTool', 'shell_run', { command: 'ls' })).failure?.data.btcpCode).toBe('CAPABILITY_DENIED')
  await wheels.getByRole('button', { name: `Remove ${one.file}` }).click()
  await expect(wheels.locator('#none')).toBeVisible()
  const audit = await tidepool.open(tidepool.address('src/popup/audit.html'))
  await audit.fill('#search', `${sites.origin('without')} wheel`)
  const cells = await audit.locator('#rows tr').evaluateAll((rows) => rows.map((row) => [2, 4, 5].map((i) => row.children[i]?.textContent)))
  expect(cells).toEqual([
    ['wheel removed by you', 'allowed', 'ok'],
    ['wheel added by you', 'allowed', 'ok'],
  ])
  await audit.close()
  await wheels.close()
  await page.close()
})

test('a wrong file is refused with its reason, and the others are added', async () => {
  const page = await tidepool.site(sites.origin('wrong'), 'shell:run')
  const wheels = await openWheels(page)
  const good = pureWheel('good', '1', { 'good.py': '' })
  const text = { file: 'text-1-py3-none-any.whl', bytes: Buffer.from('no zip file') }
  const linux = { ...good, file: 'fast-1-cp314-cp314-manylinux_2_28_x86_64.whl' }
  const second = { ...good, file: 'good-1-py3-none-any (1).whl' }
  await add(wheels, text, linux, second, { ...good, file: 'good.whl' }, good)
  await expect(result(wheels, good.file)).toContainText('Added.')
  await expect(wheels.locator('#results .result')).toHaveText([
    'Not added: it is no zip file, which a wheel is inside.',
    /^Not added: it is made for another Python or machine \(cp314-cp314-manylinux_2_28_x86_64\); what runs here is /,
    'Not added: the browser has put a number in brackets into its name: take it out again.',
    'Not added: its name is not that of a wheel, like NAME-VERSION-py3-none-any.whl.',
    /^Added/,
  ])
  await expect(there(wheels)).toHaveText([good.file])
  expect((await run(page, 'ls -A .local/share/wheels')).stdout).toBe(`${good.file}\n`)
  await wheels.close()
  await page.close()
})

test('a wheel of several parts arrives whole, replaces the former one, and can be removed', async () => {
  const page = await tidepool.site(sites.origin('large'), 'shell:run')
  const wheels = await openWheels(page)
  const large = { file: 'large-1-py3-none-any.whl', bytes: Buffer.alloc(9 * 1024 * 1024, 'PK\x03\x04 some bytes ') }
  await add(wheels, { ...large, bytes: large.bytes.subarray(0, 1000) })
  await expect(result(wheels, large.file)).toContainText('Added.')
  await add(wheels, large)
  await expect(result(wheels, large.file).last()).toContainText('Added.')
  await expect(wheels.locator('#there .file')).toHaveText(`${large.file} 9.44 MB`)
  const written = await run(page, 'cd .local/share/wheels; ls -A; tail -c 1048577 *.whl | cksum; wc -c < *.whl')
  const tail = await run(page, 'cksum', { stdin: large.bytes.subarray(-1_048_577).toString() })
  expect(written.stdout).toBe(`${large.file}\n${tail.stdout}${large.bytes.length}\n`)
  await wheels.getByRole('button', { name: `Remove ${large.file}` }).press('Enter')
  await expect(wheels.locator('#none')).toBeVisible()
  await expect(wheels.locator('#there-title')).toBeFocused()
  expect((await run(page, 'ls -A .local/share/wheels')).stdout).toBe('')
  await wheels.close()
  await page.close()
})

test('a full disk says so, and leaves nothing behind', async () => {
  const page = await tidepool.site(sites.origin('full'), 'shell:run')
  await run(page, 'head -c 264000000 /dev/zero > full')
  const wheels = await openWheels(page)
  const large = { file: 'large-1-py3-none-any.whl', bytes: Buffer.alloc(12 * 1024 * 1024, 'PK\x03\x04') }
  await add(wheels, large)
  await expect(result(wheels, large.file)).toHaveText(/^Not added: Cannot add "large-1-py3-none-any\.whl": no space left/)
  await expect(there(wheels)).toHaveCount(0)
  expect((await run(page, 'ls -A .local/share/wheels')).stdout).toBe('')
  await wheels.close()
  await page.close()
})

test('a file that is dropped on the page is added', async () => {
  const page = await tidepool.site(sites.origin('drops'))
  const wheels = await openWheels(page)
  const { file, bytes } = pureWheel('dropped', '1', { 'dropped.py': '' })
  await dropFile(wheels, file, bytes)
  await expect(result(wheels, file)).toContainText('Added.')
  await wheels.close()
  await page.close()
})

test('while a site is off there is no button, and its page of wheels says why nothing is there', async () => {
  const page = await tidepool.site(sites.origin('off'))
  const wheels = await openWheels(page)
  const popup = await tidepool.openPopup(page)
  await popup.switchTo(false)
  expect(await popup.target.evaluate(`document.querySelector('#wheels').checkVisibility()`)).toBe(false)
  await popup.close()
  const { file, bytes } = pureWheel('late', '1', { 'late.py': '' })
  await add(wheels, { file, bytes })
  await expect(result(wheels, file)).toHaveText('Not added: Tidepool is switched off for this site. Switch it on in the popup first.')
  await wheels.reload()
  await expect(wheels.locator('#error')).toContainText('Tidepool is switched off for http://off.localhost')
  await wheels.close()
  await page.close()
})

test('a page has no way to it: not by a method, a message, its content script or a frame', async () => {
  const page = await tidepool.site(sites.origin('hostile'), 'shell:run', 'vfs:write')
  const request = { t: 'wheels', origin: sites.origin('hostile'), op: { op: 'list' } }
  expect((await ask(page, 'request', { method: 'wheels', params: request })).failure?.data.btcpCode).toBe('METHOD_NOT_FOUND')
  const address = tidepool.address(`src/popup/wheels.html?${new URLSearchParams({ origin: request.origin })}`)
  const fromPage = await page.evaluate(
    async ([frameAddress, id, message]) => {
      const frame = document.createElement('iframe')
      frame.src = frameAddress
      const loaded = new Promise((resolve) => frame.addEventListener('load', resolve))
      document.body.append(frame)
      await loaded
      const runtime = (globalThis as { chrome?: { runtime?: typeof chrome.runtime } }).chrome?.runtime
      const sent = runtime ? await runtime.sendMessage(id, message).catch((error: unknown) => String(error)) : 'no runtime'
      return { sent, framed: frame.contentDocument !== null }
    },
    [address, tidepool.id, request] as const,
  )
  expect(fromPage).toEqual({ sent: 'no runtime', framed: false })
  expect(page.frames().map((frame) => frame.url())).not.toContain(address)
  expect(await fromContentScript(page, request)).toBe('no answer')
  await page.close()
})

/** Sends the message from where the content script runs: as if a page had taken that over. */
async function fromContentScript(page: Page, message: object): Promise<unknown> {
  const session = await page.context().newCDPSession(page)
  const isolated = new Promise<number>((resolve) =>
    session.on('Runtime.executionContextCreated', ({ context }) => {
      if (context.origin.startsWith('chrome-extension://')) resolve(context.id)
    }),
  )
  await session.send('Runtime.enable')
  const expression = `chrome.runtime.sendMessage(${JSON.stringify(message)}).then((answer) => answer ?? 'no answer', (error) => 'no answer')`
  const { result } = await session.send('Runtime.evaluate', {
    expression,
    contextId: await isolated,
    awaitPromise: true,
    returnByValue: true,
  })
  await session.detach()
  return result.value
}
