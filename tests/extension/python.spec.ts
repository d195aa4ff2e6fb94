/** Python from a page: values and figures, sessions, what is denied and taken back, and tools of the page from Python through the gate. */
import { expect, test, type Page } from '@playwright/test'
import { ask, callTool, type Outcome } from '../support/btcp.ts'
import { launchTidepool, type Tidepool } from '../support/extension.ts'
import { serveSites, type SiteServer } from '../support/site-server.ts'
import type { ToolResult } from '../../src/protocol/tool.ts'

let sites: SiteServer
let tidepool: Tidepool
let page: Page

test.beforeAll(async () => {
  sites = await serveSites()
  tidepool = await launchTidepool()
  page = await tidepool.site(sites.origin('python'), 'python:run')
})
test.afterAll(async () => {
  await tidepool.close()
  await sites[Symbol.asyncDispose]()
})

const python = (args: object, on = page, options: object = {}): Promise<Outcome<ToolResult>> => callTool(on, 'python_run', args, options)
const valueOf = async (code: string, on = page): Promise<unknown> => (await python({ code }, on)).value?.structuredContent

/** What `btcp.call` gives or says in Python. */
const FROM_PYTHON = `import btcp
try:
    answer = btcp.call('page_text')
except btcp.BtcpError as error:
    answer = [error.code, error.number, str(error), error.data.get('missing')]
answer`

test('a value, output and a figure come back', async () => {
  const { value } = await python({ code: 'import matplotlib.pyplot as plt\nprint("drawing")\nplt.plot([1, 4, 9])\n6 * 7' })
  expect(value).toMatchObject({
    isError: false,
    structuredContent: { stdout: 'drawing\n', stderr: '', exitCode: 0, value: 42, error: null },
    content: [{ type: 'text' }, { type: 'image', mimeType: 'image/png' }],
  })
  const size = await page.evaluate(
    async (content) => {
      const image = new Image()
      image.src = `data:image/png;base64,${content?.data}`
      await image.decode()
      return image.naturalWidth > 300 && image.naturalHeight > 200
    },
    value?.content[1] as { data: string } | undefined,
  )
  expect(size).toBe(true)
})

test('an exception has the lines of the code', async () => {
  expect(await valueOf('x = 1\nraise ValueError("no")')).toMatchObject({
    exitCode: 1,
    error: { type: 'ValueError', message: 'no', line: 2 },
  })
})

test('a session keeps its variables from call to call, and ends with the capability, which the next call is told', async () => {
  const session = { session: 'work' }
  expect((await python({ code: 'x = [1]', ...session })).value?.structuredContent).toMatchObject({ sessionStarted: true })
  expect((await python({ code: 'x.append(2)\nx', ...session })).value?.structuredContent).toMatchObject({
    value: [1, 2],
    sessionStarted: false,
  })
  await tidepool.choose(page, 'python:run', 'deny')
  expect((await python({ code: 'x', ...session })).failure?.code).toBe(4100)
  await tidepool.choose(page, 'python:run', 'session')
  expect((await python({ code: '"x" in dir()', ...session })).value?.structuredContent).toMatchObject({
    value: false,
    sessionStarted: true,
    sessionEnded: 'capability "python:run" was taken back',
  })
})

test('a session ends with the site switch, though the capability stands for always', async () => {
  const other = await tidepool.site(sites.origin('switched'))
  await tidepool.choose(other, 'python:run', 'always')
  const session = { session: 'work' }
  expect((await python({ code: 'x = 1', ...session }, other)).value?.structuredContent).toMatchObject({ sessionStarted: true })
  const popup = await tidepool.openPopup(other)
  await popup.switchTo(false)
  await popup.close()
  await tidepool.switchOn(other)
  expect((await python({ code: '"x" in dir()', ...session }, other)).value?.structuredContent).toMatchObject({
    value: false,
    sessionStarted: true,
    sessionEnded: 'capability "python:run" was taken back',
  })
  await other.close()
})

test('nothing runs without the capability, and code_execute needs that of its language', async () => {
  const other = await tidepool.site(sites.origin('denied'), 'shell:run')
  expect((await python({ code: '1' }, other)).failure).toMatchObject({ code: 4100, data: { missing: ['python:run'], effects: 'none' } })
  const execute = (language: string): Promise<Outcome<ToolResult>> => callTool(other, 'code_execute', { language, code: '1' })
  expect((await execute('python')).failure?.data.missing).toEqual(['python:run'])
  expect((await execute('javascript')).failure?.data.missing).toEqual(['js:run'])
  await other.close()
})

test('code_execute and the message execute-code answer output and error', async () => {
  const code = 'print("a")\nraise ValueError("b")'
  const error = 'Traceback (most recent call last):\n  File "<code>", line 2, in <module>\n    raise ValueError("b")\nValueError: b'
  expect((await callTool(page, 'code_execute', { language: 'python', code })).value?.structuredContent).toEqual({ output: 'a\n', error })
  expect(await ask(page, 'request', { method: 'execute-code', params: { language: 'python', code } })).toEqual({
    value: { type: 'execution-result', output: 'a\n', error },
  })
  expect((await ask(page, 'request', { method: 'execute-code', params: { language: 'perl', code } })).failure?.data.btcpCode).toBe(
    'INVALID_PARAMS',
  )
})

test('JavaScript runs where js:run is granted', async () => {
  const other = await tidepool.site(sites.origin('javascript'), 'js:run')
  const executed = await callTool(other, 'code_execute', { language: 'javascript', code: 'console.log(6 * 7)\nnothing()' })
  expect(executed.value?.structuredContent).toEqual({
    output: '42\n',
    error: expect.stringMatching(/^ReferenceError: nothing is not defined\n {4}at \[eval\]:2:/),
  })
  const run = await callTool(other, 'js_run', { code: 'args.map(Number)', args: ['1', '2'] })
  expect(run.value?.structuredContent).toEqual({ output: '', error: null, value: [1, 2], valueText: '[ 1, 2 ]' })
  await other.close()
})

test('taking the capability back ends a run at once', async () => {
  const other = await tidepool.site(sites.origin('revoked'), 'python:run', 'vfs:write')
  const running = python({ code: 'import time\nprint("begun", flush=True)\ntime.sleep(3)\nopen("late", "w")', timeoutMs: 20_000 }, other)
  await other.waitForTimeout(1_500)
  await tidepool.choose(other, 'python:run', 'deny')
  expect((await running).failure).toMatchObject({ code: 4100, data: { missing: ['python:run'] } })
  await other.waitForTimeout(2_000)
  expect((await callTool(other, 'fs_stat', { path: 'late' })).value?.isError).toBe(true)
  await other.close()
})

test('Python reads the page through the gate: with dom:read, and not without', async () => {
  const other = await tidepool.site(sites.origin('reader'), 'python:run')
  const denied = ['CAPABILITY_DENIED', 4100, 'Cannot call "page_text": capability "dom:read" is not granted', ['dom:read']]
  expect(await valueOf(FROM_PYTHON, other)).toMatchObject({ value: denied })
  await tidepool.choose(other, 'dom:read', 'session')
  expect(await valueOf(FROM_PYTHON, other)).toMatchObject({ value: { text: 'A site', truncated: false } })
  expect(await valueOf('import btcp\nsorted(t["name"] for t in btcp.tools())', other)).toMatchObject({
    value: ['code_execute', 'fs_list', 'fs_read', 'fs_stat', 'page_query', 'page_text', 'python_run'],
  })
  await tidepool.choose(other, 'dom:read', 'deny')
  expect(await valueOf(FROM_PYTHON, other)).toMatchObject({ value: denied })
  await other.close()
})

test('what was granted once is taken by one call, however often its program asks', async () => {
  const other = await tidepool.site(sites.origin('once-nested'), 'python:run')
  await tidepool.choose(other, 'dom:read', 'once')
  const twice = 'import btcp\n[btcp.call("page_text")["text"] for _ in range(2)]'
  expect(await valueOf(twice, other)).toMatchObject({ value: ['A site', 'A site'] })
  expect(await valueOf(FROM_PYTHON, other)).toMatchObject({
    value: [expect.stringMatching('CAPABILITY_DENIED'), 4100, expect.anything(), ['dom:read']],
  })
  await other.close()
})

test('a tool of the cell that Python calls needs its own capability', async () => {
  const other = await tidepool.site(sites.origin('nested'), 'python:run')
  const write = `import btcp
try: answer = btcp.call('fs_write', path='made', content='x')['bytes']
except btcp.BtcpError as error: answer = error.code
answer`
  expect(await valueOf(write, other)).toMatchObject({ value: 'CAPABILITY_DENIED' })
  await tidepool.choose(other, 'vfs:write', 'session')
  expect(await valueOf(write, other)).toMatchObject({ value: 1 })
  const audit = await tidepool.open(tidepool.address('src/popup/audit.html'))
  await audit.fill('#search', sites.origin('nested'))
  const rows = await audit
    .locator('#rows tr')
    .evaluateAll((found) => found.map((row) => [2, 3, 4, 5].map((i) => row.children[i]?.textContent)))
  expect(rows.filter(([tool]) => tool === 'fs_write')).toEqual([
    ['fs_write', 'vfs:write', 'allowed', 'ok'],
    ['fs_write', 'vfs:write', 'denied', 'CAPABILITY_DENIED'],
  ])
  await audit.close()
  await other.close()
})

test('a call whose document is left reads nothing of the next one', async () => {
  const other = await tidepool.site(sites.origin('leaving'), 'python:run', 'dom:read', 'vfs:write')
  const slow = `import btcp, time
open('begun', 'w').write('1')
time.sleep(1.5)
try: text = btcp.call('page_text')['text']
except btcp.BtcpError as error: text = error.code
open('read', 'w').write(text)`
  void python({ code: slow }, other).catch(() => undefined)
  await expect.poll(async () => (await callTool(other, 'fs_stat', { path: 'begun' })).value?.isError, { timeout: 20_000 }).toBe(false)
  await other.goto(`${sites.origin('leaving')}/?next`)
  await other.waitForFunction(() => window.btcpReady)
  await other.waitForTimeout(2_500)
  expect((await callTool(other, 'fs_stat', { path: 'read' })).value?.isError).toBe(true)
  await other.close()
})
