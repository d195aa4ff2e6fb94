/** The tools `python_run` and `code_execute` (Python) through a real cell. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { nodePlatform } from '../../src/node/node-platform.ts'
import { callTool } from '../../src/orchestrator/catalog.ts'
import { Orchestrator } from '../../src/orchestrator/orchestrator.ts'
import { BUILT_IN_TOOLS } from '../../src/protocol/built-in-tools.ts'
import { BtcpError } from '../../src/protocol/error.ts'
import { validateJson } from '../../src/protocol/json-schema.ts'
import { limitsWith } from '../../src/protocol/limits.ts'
import type { JsonObject } from '../../src/protocol/parse.ts'
import type { ContentBlock, ToolResult } from '../../src/protocol/tool.ts'

const ME = { kind: 'local', name: 'tool' } as const
const orchestrator = new Orchestrator(nodePlatform({ mounts: [] }))
afterAll(() => orchestrator.dispose())
let calls = 0
const call = (tool: string, args: JsonObject, more: object = {}, on = orchestrator): Promise<ToolResult> =>
  callTool(on, { call: `c${++calls}`, principal: ME, tool, arguments: args, ...more })
const python = (args: JsonObject, more: object = {}, on = orchestrator): Promise<ToolResult> => call('python_run', args, more, on)
const run = async (code: string, more: JsonObject = {}): Promise<JsonObject> =>
  (await python({ code, ...more })).structuredContent as JsonObject
const failureOf = async (promise: Promise<unknown>): Promise<BtcpError> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(BtcpError)
  return error as BtcpError
}
const texts = (result: ToolResult): string[] => result.content.flatMap((block: ContentBlock) => (block.type === 'text' ? [block.text] : []))
const write = (path: string, content: string): Promise<ToolResult> => call('fs_write', { path, content })

// The first interpreter of a machine compiles it.
beforeAll(() => python({ code: '1' }), 60_000)

describe('python_run', () => {
  test('answers output, the value of the last expression and what was changed, as its schema says', async () => {
    const result = await python({
      code: 'import sys\nprint("out")\nprint("err", file=sys.stderr)\nopen("new", "w").write("x")\n[1, 2.5, {"a": None}]',
    })
    expect(validateJson(BUILT_IN_TOOLS.python_run.tool.outputSchema, result.structuredContent)).toMatchObject({ ok: true })
    expect(result).toMatchObject({
      isError: false,
      structuredContent: {
        stdout: 'out\n',
        stderr: 'err\n',
        exitCode: 0,
        value: [1, 2.5, { a: null }],
        error: null,
        changed: [{ path: '/home/user/new', kind: 'created' }],
      },
      _meta: { 'btcp/exitCode': 0, 'btcp/untrusted': true },
    })
    expect(texts(result)).toEqual([JSON.stringify(result.structuredContent)])
  })

  test.each([
    ['2 ** 70', '1180591620717411303424'],
    ['{1, 2} - {2}', '{1}'],
    ['float("nan")', 'nan'],
    ['{1: 2}', '{1: 2}'],
    ['object', "<class 'object'>"],
    ['class X:\n  def __repr__(self): raise ValueError\nX()', '<X whose repr failed: ValueError>'],
  ])('gives the repr of %s, which JSON has not', async (code, valueText) => {
    expect(await run(code)).toMatchObject({ value: null, valueText, error: null })
  })

  test('gives no value where the last statement is no expression, or it is None', async () => {
    expect(await run('x = 5')).not.toHaveProperty('valueText')
    expect(await run('print(1)')).toMatchObject({ value: null, stdout: '1\n' })
  })

  test('lets the code await by itself', async () => {
    const code = 'import asyncio\nx = await asyncio.sleep(0, 2)\nasync def twice(): return 2 * x\nawait twice()'
    expect(await run(code)).toMatchObject({ value: 4, error: null })
    expect(await run('import asyncio\nawait asyncio.open_connection("example.com", 80)')).toMatchObject({
      error: {
        type: 'PermissionError',
        message: '[Errno 13] Cannot reach "example.com": capability "network:fetch:cross-origin" is not granted',
      },
    })
  })
  test('cuts a value that is too long, and says so by giving its repr', async () => {
    const { value, valueText } = await run('"x" * 1_000_000')
    expect([value, (valueText as string).length, (valueText as string).endsWith('x…')]).toEqual([null, 262_145, true])
  })

  test('tells an exception with the lines of the code and none of its own', async () => {
    const traceback = `Traceback (most recent call last):
  File "<code>", line 4, in <module>
    f(0)
    ~^^^
  File "<code>", line 2, in f
    return 1 / n
           ~~^~~
ZeroDivisionError: division by zero
`
    expect(await run('def f(n):\n    return 1 / n\nprint("before")\nf(0)\n')).toMatchObject({
      stdout: 'before\n',
      stderr: traceback,
      exitCode: 1,
      value: null,
      error: { type: 'ZeroDivisionError', message: 'division by zero', traceback, line: 4 },
    })
  })

  test('tells a syntax error, and the error of a class of the code by its name', async () => {
    expect(await run('x = 1\nif x\n  pass')).toMatchObject({
      exitCode: 1,
      error: { type: 'SyntaxError', line: 2, traceback: `  File "<code>", line 2\n    if x\n        ^\nSyntaxError: expected ':'\n` },
    })
    expect(await run('class Mine(Exception): pass\nraise Mine("so")')).toMatchObject({ error: { type: 'Mine', message: 'so' } })
    expect(await run('import json\njson.loads("{")')).toMatchObject({ error: { type: 'json.decoder.JSONDecodeError', line: 2 } })
  })

  test('ends as the code ends it', async () => {
    expect(await run('import sys\nsys.exit(3)')).toMatchObject({ exitCode: 3, error: null, stderr: '' })
    expect(await run('raise SystemExit("bye")')).toMatchObject({ exitCode: 1, error: null, stderr: 'bye\n' })
    expect(await run('import os\nprint("lost", flush=True)\nos._exit(4)')).toMatchObject({
      exitCode: 4,
      stdout: 'lost\n',
      value: null,
      error: null,
    })
    expect(await run('import os, signal\nos.kill(os.getpid(), signal.SIGKILL)')).toMatchObject({ exitCode: 137, error: null })
    expect(await run('raise KeyboardInterrupt')).toMatchObject({ exitCode: 130, error: { type: 'KeyboardInterrupt' } })
  })

  test('takes arguments, standard input, directory and environment, and is __main__', async () => {
    await call('shell_run', { command: 'mkdir -p work' })
    const code =
      'import sys, os\nassert __name__ == "__main__"\n[sys.argv, sys.stdin.read(), os.getcwd(), os.environ["NAME"], input.__name__]'
    expect(await run(code, { args: ['a', 'b c'], stdin: 'grüße', cwd: 'work', env: { NAME: 'x y' } })).toMatchObject({
      value: [['<code>', 'a', 'b c'], 'grüße', '/home/user/work', 'x y', 'input'],
    })
    const missing = await python({ code: '1', cwd: '/no/such' })
    expect([missing.isError, texts(missing)]).toEqual([true, ['Cannot run in "/no/such": no such file or directory']])
  })

  test('runs a file as a script, with its own name, its directory on sys.path and its lines', async () => {
    await call('shell_run', { command: 'mkdir -p lib; echo "answer = 42" > lib/beside.py' })
    await write('lib/script.py', 'import beside, sys\nprint(__file__, sys.argv)\nbeside.answer\n')
    expect((await python({ path: 'lib/script.py', args: ['x'] })).structuredContent).toMatchObject({
      stdout: "lib/script.py ['lib/script.py', 'x']\n",
      value: 42,
    })
    await write('bad.py', '# one\nboom()\n')
    expect((await python({ path: 'bad.py' })).structuredContent).toMatchObject({ error: { type: 'NameError', line: 2 } })
    expect((await python({ path: 'none.py' })).structuredContent).toMatchObject({
      exitCode: 1,
      error: { type: 'FileNotFoundError', message: "[Errno 2] No such file or directory: 'none.py'" },
    })
  })

  test('is not led astray by modules of the directory, and lets the code import them', async () => {
    await call('shell_run', {
      command: 'mkdir -p trap; cd trap; for m in _tidepool_run json linecache traceback mine; do echo "print(1/0)" > $m.py; done',
    })
    expect(await run('1 + 1', { cwd: 'trap' })).toMatchObject({ value: 2 })
    expect(await run('import mine', { cwd: 'trap' })).toMatchObject({ exitCode: 1, error: { type: 'ZeroDivisionError' } })
  })

  test('refuses what is no call: neither code nor path, both, end without a session', async () => {
    for (const args of [
      {},
      { code: '1', path: 'x.py' },
      { end: true },
      { end: true, session: 'a', code: '1' },
      { code: '1\0' },
      { code: '1', args: ['\0'] },
    ])
      expect((await failureOf(python(args))).data.btcpCode).toBe('INVALID_PARAMS')
  })

  test('tells its output while it runs, and rejects with TIMEOUT and what had been printed', async () => {
    const pieces: unknown[] = []
    const code = 'import time\nprint("so far", flush=True)\ntime.sleep(20)'
    const error = await failureOf(python({ code, timeoutMs: 1_500 }, { onProgress: (piece: unknown) => pieces.push(piece) }))
    expect(error.data).toEqual({ btcpCode: 'TIMEOUT', stdout: 'so far\n', stderr: '', effects: 'unknown' })
    expect(pieces).toEqual([{ stream: 'stdout', text: 'so far\n' }])
  })

  test('keeps what the answer cannot hold in a file', async () => {
    const result = await python({ code: 'for n in range(300_000): print(n)\n"end"' })
    const [cut] = result._meta['btcp/truncated'] ?? []
    expect([result.isError, cut?.bytes, cut?.limit]).toEqual([false, 1_988_890, 1_048_576])
    expect(result.structuredContent).toMatchObject({ value: 'end' })
    expect((await call('shell_run', { command: `tail -n 1 ${cut?.path}` })).structuredContent).toMatchObject({ stdout: '299999\n' })
  })

  test('hides descriptor 3 from what the code starts', async () => {
    const code =
      'import subprocess\nsubprocess.run(["ls", "/proc/self/fd"], close_fds=False, capture_output=True, text=True).stdout.split()'
    expect(await run(code)).toMatchObject({ value: ['0', '1', '2', '3'] })
    expect(await run('import os\nos.system("echo {} >&3")')).toMatchObject({ value: 256, stderr: 'sh: line 1: 3: Bad file descriptor\n' })
  })

  test('believes nothing that code writes to descriptor 3 by itself', async () => {
    for (const line of [
      '{',
      '[]',
      '{"exitCode": "0"}',
      '{"exitCode":0,"value":null,"error":null,"rich":[{"mime":"text/plain","data":"x"}],"leftOut":[]}',
    ])
      expect(await run(`import os\nos.write(3, ${JSON.stringify(`${line}\n`)}.encode())\nos._exit(0)`)).toMatchObject({
        exitCode: 0,
        value: null,
        error: null,
      })
  })
})

describe('rich results', () => {
  const PNG = 'import binascii\npng = binascii.a2b_base64("iVBORw0KGgo=")\n'

  test('come as images and resources, each once', async () => {
    const result = await python({
      code: `${PNG}class Thing:
  def _repr_png_(self): return png
  def _repr_html_(self): return "<b>hi</b>"
  def _repr_svg_(self): return "<svg/>"
  def __repr__(self): return "a thing"
Thing()`,
    })
    expect(result.structuredContent).toMatchObject({ value: null, valueText: 'a thing' })
    expect(result.content.slice(1)).toEqual([
      { type: 'image', data: 'iVBORw0KGgo=', mimeType: 'image/png' },
      { type: 'resource', resource: { uri: `urn:btcp:result:c${calls}:2`, mimeType: 'image/svg+xml', text: '<svg/>' } },
      { type: 'resource', resource: { uri: `urn:btcp:result:c${calls}:3`, mimeType: 'text/html', text: '<b>hi</b>' } },
    ])
  })

  test('may come as one bundle; a class, and a method that fails, show nothing', async () => {
    const bundle =
      'class B:\n  def _repr_mimebundle_(self, include=None, exclude=None): return {"text/html": "<i>b</i>", "text/plain": "b"}\n'
    expect((await python({ code: `${bundle}B()` })).content[1]).toMatchObject({ resource: { mimeType: 'text/html', text: '<i>b</i>' } })
    expect((await python({ code: `${bundle}B` })).content).toHaveLength(1)
    const failing = 'class F:\n  def _repr_html_(self): raise KeyError("k")\nF()'
    expect(texts(await python({ code: failing })).at(-1)).toBe("Left out: the representation of the value: KeyError: 'k'.")
  })

  test('are the figures that are open at the end, each once, and a figure that is the value', async () => {
    const draw = 'import matplotlib.pyplot as plt\nplt.plot([1, 4, 9])\nplt.figure()\nplt.plot([2, 1])\nplt.show()'
    const two = await python({ code: draw, session: 'figures' })
    expect(two.structuredContent).toMatchObject({ stdout: '', stderr: '', error: null })
    expect(two.content.slice(1).map((block) => block.type === 'image' && [block.mimeType, block.data.slice(0, 11)])).toEqual([
      ['image/png', 'iVBORw0KGgo'],
      ['image/png', 'iVBORw0KGgo'],
    ])
    const none = await python({ code: 'plt.get_fignums()', session: 'figures' })
    expect([none.structuredContent, none.content.length]).toMatchObject([{ value: [] }, 1])
    const one = await python({ code: 'figure, axes = plt.subplots()\nfigure', session: 'figures' })
    expect(one.content.map(({ type }) => type)).toEqual(['text', 'image'])
    await python({ end: true, session: 'figures' })
  }, 60_000)

  test('are tables of pandas and images of pillow', async () => {
    const table = await python({ code: 'import pandas as pd\npd.DataFrame({"a": [1, 2]})', session: 'tables' })
    expect(table.content.at(-1)).toMatchObject({ type: 'resource', resource: { mimeType: 'text/html' } })
    const mean = await python({ code: 'pd.Series([1, 2]).mean()', session: 'tables' })
    expect(mean.structuredContent).toMatchObject({ value: 1.5 })
    const image = await python({ code: 'from PIL import Image\nImage.new("RGB", (4, 4))', session: 'tables' })
    expect(image.content.slice(1)).toMatchObject([{ type: 'image', mimeType: 'image/png' }])
    await python({ end: true, session: 'tables' })
  }, 60_000)

  test('that are too large are left out, and a text says so', async () => {
    const small = new Orchestrator(nodePlatform({ mounts: [] }), { limits: limitsWith({ richBytes: 1_000 }) })
    const html = 'class H:\n  def _repr_html_(self): return "x" * 2_000\nH()'
    const result = await python({ code: html }, {}, small)
    expect([result.content.length, texts(result).at(-1)]).toEqual([
      2,
      'Left out: text/html of 2000 bytes: more than 1000 (limit richBytes).',
    ])
    await small.dispose()
  })
})

describe('a session', () => {
  const inSession = async (session: string, code: string, more: JsonObject = {}): Promise<JsonObject> =>
    await run(code, { session, ...more })

  test('keeps variables, imports and the directory, and gives each call its own output and value', async () => {
    expect(await inSession('a', 'import math, os\nos.chdir("/tmp")\nx = [1]\nprint("one")')).toMatchObject({
      stdout: 'one\n',
      value: null,
      session: 'a',
      sessionStarted: true,
    })
    const second = await inSession('a', 'x.append(math.floor(2.5))\n(x, os.getcwd())')
    expect(second).toMatchObject({ stdout: '', value: [[1, 2], '/tmp'], sessionStarted: false, exitCode: 0 })
    expect(second).not.toHaveProperty('sessionEnded')
    expect(await inSession('b', '"x" in dir()')).toMatchObject({ value: false, sessionStarted: true })
    await python({ session: 'b', end: true })
  })

  test('lives on after an exception, and tells the lines of each call', async () => {
    expect(await inSession('a', 'def f():\n  return 1 / 0\n')).toMatchObject({ error: null })
    const failed = await inSession('a', '\nf()')
    expect(failed).toMatchObject({ exitCode: 1, error: { type: 'ZeroDivisionError', line: 2 } })
    expect((failed['error'] as JsonObject)['traceback']).toContain('    return 1 / 0\n')
    expect(await inSession('a', 'len(x)', { stdin: 'y' })).toMatchObject({ value: 2, error: null })
    expect(await inSession('a', 'import sys\n(input(), sys.argv)', { stdin: 'typed\n', args: ['q'] })).toMatchObject({
      value: ['typed', ['<code 6>', 'q']],
    })
  })

  test('is interrupted at the deadline of a call and lives on; the next call gets nothing of it', async () => {
    const error = await failureOf(python({ session: 'a', code: 'print("looping", flush=True)\nwhile True: pass', timeoutMs: 1_000 }))
    expect(error.message).toBe('Cannot finish "python_run": the deadline has passed. Session "a" lives on')
    expect(error.data).toMatchObject({ btcpCode: 'TIMEOUT', stdout: 'looping\n' })
    expect(await inSession('a', 'len(x)')).toMatchObject({ value: 2, stdout: '', sessionStarted: false })
  })

  test('that cannot be interrupted is killed, and the next call is told', async () => {
    const stubborn = 'while True:\n  try:\n    while True: pass\n  except KeyboardInterrupt: pass'
    const error = await failureOf(python({ session: 'c', code: stubborn, timeoutMs: 1_000 }))
    const reason = 'a call was not over at its deadline, and KeyboardInterrupt did not stop it'
    expect(error.message).toBe(`Cannot finish "python_run": the deadline has passed. Session "c" has ended: ${reason}`)
    const next = await python({ session: 'c', code: '"stubborn" in dir()' })
    expect(next.structuredContent).toMatchObject({ value: false, sessionStarted: true, sessionEnded: reason })
    expect(texts(next)[1]).toBe(`Session "c": ${reason}. This code ran in a new interpreter.`)
    expect((await python({ session: 'c', code: '1' })).structuredContent).not.toHaveProperty('sessionEnded')
    expect((await python({ session: 'c', end: true })).structuredContent).toMatchObject({ sessionEnded: 'as asked' })
  })

  test('is ended by its code, and by who names it with end', async () => {
    expect(await inSession('d', 'print("last")\nimport sys\nsys.exit(3)')).toMatchObject({
      stdout: 'last\n',
      exitCode: 3,
      sessionEnded: 'its code ended the interpreter (exit status 3)',
    })
    expect(await inSession('d', '1')).toMatchObject({
      sessionStarted: true,
      sessionEnded: 'its code ended the interpreter (exit status 3)',
    })
    expect(await inSession('d', 'import os\nos._exit(5)')).toMatchObject({
      exitCode: 5,
      sessionEnded: 'its code ended the interpreter (exit status 5)',
    })
    await inSession('d', '1')
    expect((await python({ session: 'd', end: true })).structuredContent).toMatchObject({ session: 'd', sessionEnded: 'as asked' })
    expect((await python({ session: 'd', end: true })).structuredContent).toMatchObject({ sessionEnded: 'there was none' })
    const again = await inSession('d', '1')
    expect(again).toMatchObject({ sessionStarted: true })
    expect(again).not.toHaveProperty('sessionEnded')
    await python({ session: 'd', end: true })
  })

  test('runs its calls one at a time, in their order', async () => {
    const results = await Promise.all(
      [0, 1, 2].map((n) => inSession('a', `import time\nx.append("${n}")\ntime.sleep(0.05)\nprint(${n})\nx[-1]`)),
    )
    expect(results.map(({ value, stdout }) => [value, stdout])).toEqual([
      ['0', '0\n'],
      ['1', '1\n'],
      ['2', '2\n'],
    ])
  })

  test('shows its figures and values as any run does, and keeps its files', async () => {
    const code = 'class P:\n  def _repr_html_(self): return "<p>"\nopen("/home/user/kept", "w").write("k")\nP()'
    expect((await python({ session: 'a', code })).content[1]).toMatchObject({ type: 'resource', resource: { text: '<p>' } })
    expect((await call('fs_read', { path: 'kept' })).structuredContent).toMatchObject({ content: 'k' })
  })

  test('beyond the limit is BUSY, with the names of those to end; an idle one ends, and that is said', async () => {
    const few = new Orchestrator(nodePlatform({ mounts: [] }), { limits: limitsWith({ pythonSessions: 1, pythonSessionIdleMs: 400 }) })
    await python({ session: 'one', code: 'x = 1' }, {}, few)
    const error = await failureOf(python({ session: 'two', code: '1' }, {}, few))
    expect([error.data.btcpCode, error.message]).toEqual([
      'BUSY',
      'Cannot begin session "two": open already: "one" (limit pythonSessions). End one with { session, end: true }.',
    ])
    await new Promise((resolve) => setTimeout(resolve, 900))
    expect((await python({ session: 'one', code: '1' }, {}, few)).structuredContent).toMatchObject({
      sessionStarted: true,
      sessionEnded: 'it was idle for 0.4 s (limit pythonSessionIdleMs)',
    })
    await few.dispose()
  })

  test('ends with its cell, and the next call is told', async () => {
    await inSession('a', 'x = 1')
    // A loop that nothing but the end of the cell stops.
    const stuck = 'import itertools\nall(itertools.repeat(True))'
    expect((await failureOf(python({ code: stuck, timeoutMs: 500 }))).data.btcpCode).toBe('TIMEOUT')
    expect(await inSession('a', '"x" in dir()')).toMatchObject({
      value: false,
      sessionStarted: true,
      sessionEnded: 'its computer was restarted',
    })
  })
})

describe('code_execute', () => {
  const execute = async (code: string, more: object = {}): Promise<unknown> =>
    (await call('code_execute', { language: 'python', code }, more)).structuredContent

  test('answers exactly output and error', async () => {
    expect(await execute('print(1)\nimport sys\nprint("e", file=sys.stderr)\nprint(2)\n5')).toEqual({ output: '1\ne\n2\n', error: null })
    expect(await execute('print("a")\nraise ValueError("b")')).toEqual({
      output: 'a\n',
      error: `Traceback (most recent call last):\n  File "<code>", line 2, in <module>\n    raise ValueError("b")\nValueError: b`,
    })
    expect(await execute('x = (')).toEqual({
      output: '',
      error: `  File "<code>", line 1\n    x = (\n        ^\nSyntaxError: '(' was never closed`,
    })
    expect(await execute('import os\nos._exit(3)')).toEqual({ output: '', error: 'it ended with status 3' })
    expect(await execute('print("x", flush=True)\nwhile True: pass', { timeoutMs: 1_000 })).toEqual({
      output: 'x\n',
      error: 'TimeoutError: it was not over after 1000 ms, and was ended',
    })
  })
})
