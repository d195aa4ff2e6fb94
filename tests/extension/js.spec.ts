/** Scripts in real workers of a sandboxed frame: a fifth of what tests/node/js.test.ts tries, and what only a browser can show. */
import { expect, type Page, test } from '@playwright/test'
import { type CellExtension, launchCells } from '../support/cell-extension.ts'
import { JS_WAYS, jsLeakScript, jsWaysScript } from '../support/js-ways-out.ts'
import { watchedServer, type WatchedServer } from '../support/watched-server.ts'

let cells: CellExtension
let page: Page
let watched: WatchedServer
test.beforeAll(async () => {
  watched = await watchedServer({ 'page.html': '<!doctype html><body></body>' })
  cells = await launchCells()
  page = cells.page
})
test.afterAll(async () => {
  await cells?.[Symbol.asyncDispose]()
  await watched?.[Symbol.asyncDispose]()
})

const run = async (command: string, timeoutMs?: number, site = 'js') => {
  const { stdout, stderr, status } = await page.evaluate(([site, argv, timeoutMs]) => window.cellPage.run(site, argv, timeoutMs), [
    site,
    ['sh', '-c', command],
    timeoutMs,
  ] as const)
  return [stdout, stderr, status]
}
/** All names in small letters that a script finds; those of ECMAScript are among them. */
const GLOBALS =
  'args atob btcp btoa clearInterval clearTimeout console constructor constructor constructor crypto decodeURI decodeURIComponent encodeURI encodeURIComponent escape eval exit fs globalThis isFinite isNaN parseFloat parseInt performance queueMicrotask self setInterval setTimeout stderr stdin stdout structuredClone undefined unescape'

/** Runs one script from a here-document. */
const js = async (code: string, more = '') => await run(`cat > /tmp/t.js <<'END_OF_SCRIPT'\n${code}\nEND_OF_SCRIPT\njs /tmp/t.js ${more}`)

test('a script has a value, prints and ends', async () => {
  expect(await run("js -p '[1, { a: 2 }]'")).toEqual(['[ 1, { a: 2 } ]\n', '', 0])
  expect(await js('console.log(args)\nconsole.error(await Promise.resolve(2))', 'a')).toEqual(["[ 'a' ]\n", '2\n', 0])
  expect(await js('setTimeout(() => exit(7), 5)')).toEqual(['', '', 7])
  expect(await js('await new Promise(() => {})')).toMatchObject({ 2: 13 })
})

test('an error names the line and the column of the script', async () => {
  expect(await js("const a = 1\nfunction f() { throw new TypeError('boom') }\nf()")).toEqual([
    '',
    "/tmp/t.js:2\nfunction f() { throw new TypeError('boom') }\n                     ^\n\nTypeError: boom\n    at f (/tmp/t.js:2:22)\n    at /tmp/t.js:3:1\n",
    1,
  ])
  expect((await js('const = 5'))[1]).toContain("SyntaxError: Unexpected token '='\n    at /tmp/t.js:1:7\n")
  expect((await js("setTimeout(() => { throw new Error('late') }, 1)"))[1]).toContain('Error: late\n    at /tmp/t.js:1:26\n')
  expect((await js("import fs from 'fs'"))[1]).toContain('Cannot import "fs": a script has no other modules')
})

test('a rejection that nobody catches is never missed', async () => {
  for (let i = 0; i < 20; i++) expect(await run('js -e \'Promise.reject(new RangeError("r"))\'')).toMatchObject({ 2: 1 })
})

test('a script is a stage of a pipeline', async () => {
  expect(await run(`echo '{"a":1}' | js -e 'const { a } = JSON.parse(await stdin.text()); console.log(a + 1)' | cat`)).toEqual([
    '2\n',
    '',
    0,
  ])
  expect(await run("seq 100000 | js -e 'let n = 0; for await (const l of stdin) n += +l; console.log(n)'")).toEqual(['5000050000\n', '', 0])
  expect(await run("js -e 'for (let i = 0; i < 200000; i++) console.log(i)' | tail -1")).toEqual(['199999\n', '', 0])
  expect(await run("js -e 'for (;;) console.log(1)' | head -2; echo ${PIPESTATUS[0]}")).toEqual(['1\n1\n141\n', '', 0])
})

test('files are those of the shell, both ways', async () => {
  expect(await js("await fs.mkdir('d/e', { recursive: true })\nawait fs.writeFile('d/a.txt', 'hé\\n')", '&& cat d/a.txt')).toEqual([
    'hé\n',
    '',
    0,
  ])
  expect(await run('echo shell > b; js -e \'console.log(await fs.readFile("b", "utf8"), await fs.readdir("d"))\'')).toEqual([
    "shell\n [ 'a.txt', 'e' ]\n",
    '',
    0,
  ])
  expect((await js("await fs.readFile('none')"))[1]).toContain("Error: ENOENT: no such file or directory, open 'none'")
})

test('a script ends by a signal and at its deadline, whatever it does', async () => {
  expect(await run("js -e 'for (;;);' & sleep 0.3; kill $!; wait $!; echo $?")).toEqual(['143\n', '', 0])
  expect(await run("js -e 'for (;;);'", 600)).toMatchObject({ 2: 137 })
  expect(await run('echo on')).toEqual(['on\n', '', 0])
})

test('T44 a script in the extension reaches no server and nothing of the browser by any way', async () => {
  await js(jsWaysScript, '> /dev/null; cp /tmp/t.js ways.js')
  const [stdout, stderr] = await run(`js ways.js ${watched.target.http} ${watched.target.ws}`)
  expect(stderr).toBe('')
  const outcomes = JSON.parse(String(stdout)) as Record<string, string>
  expect(Object.keys(outcomes)).toEqual(JS_WAYS)
  expect(Object.entries(outcomes).filter(([, outcome]) => !['ReferenceError', 'EvalError', 'TypeError'].includes(outcome))).toEqual([])
  expect(watched.seen()).toEqual([])
})

test('a script finds nothing in its global scope but ECMAScript and what docs/javascript.md lists', async () => {
  const code = `const names = []
for (let holder = globalThis; holder && holder !== Object.prototype; holder = Object.getPrototypeOf(holder))
  for (const name of Object.getOwnPropertyNames(holder)) if (!/^[A-Z]/.test(name)) names.push(name)
console.log(names.toSorted().join(' '))`
  expect((await js(code))[0]).toBe(`${GLOBALS}\n`)
})

test('many scripts leave no worker behind', async () => {
  const count = 50
  expect(await run(`for ((i = 0; i < ${count}; i++)); do js -e 'console.log(args[0])' $i; done | tail -1`)).toEqual([
    `${count - 1}\n`,
    '',
    0,
  ])
  // The cell's, and one that waits ready.
  await expect.poll(() => page.workers().length).toBe(2)
})

test('what the runtime hands to functions that a script has replaced holds no power of the browser', async () => {
  expect(await js(jsLeakScript)).toMatchObject({ 0: '[]\n', 2: 0 })
})

test('T50 a regular expression that does not end is ended; T53 a heap that is full costs no more than the call', async () => {
  const own = await cells.open()
  // Playwright gives up a page when a renderer of its frames dies, though the page lives on.
  const session = await cells.tidepool.context.newCDPSession(own)
  const evaluate = async (command: string, timeoutMs: number): Promise<unknown> => {
    const expression = `window.cellPage.run('bombs', ${JSON.stringify(['sh', '-c', command])}, ${timeoutMs})`
    const { result } = await session.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
    return result.value
  }
  expect(await evaluate('echo still here > kept', 5_000)).toMatchObject({ status: 0 })
  expect(await evaluate(`js -e '/(a+)+$/.test("a".repeat(40) + "b")'`, 800)).toMatchObject({ status: 137, timedOut: true })
  // What ends it is the engine's limit, the deadline, or the renderer's end, whichever comes first.
  const failed = (await evaluate("js -e 'const a = []; for (;;) a.push(new Array(3e6).fill(1.5))'", 25_000)) as { status: number }
  expect(failed.status).not.toBe(0)
  expect(await evaluate("js -p '1 + 1'; cat kept", 10_000)).toMatchObject({ stdout: '2\nstill here\n', status: 0 })
  await session.detach()
})

// Last, because the server has seen much after it.
test('T44 on a page the same script does, so that the test would notice', async () => {
  const control = await cells.tidepool.open(`${watched.target.http}/control/page.html`)
  await control.evaluate(
    async ([code, args]) => {
      const module = URL.createObjectURL(new Blob([`const args = ${JSON.stringify(args)}\n${code}`], { type: 'text/javascript' }))
      await import(module)
    },
    [jsWaysScript, [watched.target.http, watched.target.ws]] as const,
  )
  await expect
    .poll(() => watched.seen())
    .toEqual([
      '/js/EventSource',
      '/js/WebSocket',
      '/js/XMLHttpRequest',
      '/js/fetch',
      '/js/sendBeacon',
      '/js/shared-worker',
      '/js/window.open',
      '/js/worker',
    ])
})
