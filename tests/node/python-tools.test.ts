/** Tools from Python (`import btcp`), and what reaching for a network answers, in a sandbox of one's own. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Sandbox } from '../../src/node/index.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await Sandbox.create()
  await sandbox.python('1')
}, 60_000)
afterAll(() => sandbox.destroy())

const outputOf = async (command: string): Promise<string> => {
  const { stdout, stderr } = await sandbox.run(command)
  return stdout + stderr
}

describe('btcp', () => {
  test('calls tools of the cell, with arguments as a dict or by name', async () => {
    const code = `import btcp
btcp.call('fs_write', {'path': 'a.txt'}, content='grüße')
btcp.call('shell_run', command='cat a.txt')['stdout'] + open('a.txt').read()`
    expect(await sandbox.python(code)).toMatchObject({ value: 'grüßegrüße', error: null, exitCode: 0 })
    expect(await outputOf(`python3 -c "import btcp; print(btcp.call('fs_stat', path='a.txt')['size'])"`)).toBe('7\n')
  })

  test('lists what there is', async () => {
    expect((await sandbox.python(`import btcp\n[tool['name'] for tool in btcp.tools()]`)).value).toEqual([
      'shell_run',
      'python_run',
      'js_run',
      'code_execute',
      'fs_read',
      'fs_write',
      'fs_list',
      'fs_stat',
      'fs_remove',
      'fs_move',
    ])
  })

  test('raises BtcpError with code, message and data', async () => {
    const code = `import btcp
found = []
for name, args in (('page_text', {}), ('nothing', {}), ('fs_read', {'path': 'none'}), ('fs_read', {'path': 5}), ('fs_read', {'odd': '\\ud800'})):
    try:
        btcp.call(name, args)
    except btcp.BtcpError as error:
        found.append([error.code, error.number, str(error)])
found`
    expect((await sandbox.python(code)).value).toEqual([
      ['UNSUPPORTED', 4200, 'Cannot call "page_text": there is no page here'],
      ['TOOL_NOT_FOUND', -32010, 'Cannot call "nothing": no such tool'],
      ['ENOENT', null, 'Cannot read "none": no such file or directory'],
      ['INVALID_PARAMS', -32602, expect.stringContaining('Cannot call "fs_read": ')],
      ['INVALID_PARAMS', -32602, expect.stringContaining('Cannot call "fs_read": ')],
    ])
  })

  test('goes so deep and no deeper, while the outer calls hold their places', async () => {
    await sandbox.writeFile(
      'deep.py',
      `import btcp, sys
try:
    inner = btcp.call('python_run', path='deep.py')
    print(inner['stdout'].strip() or inner, end='+')
except btcp.BtcpError as error:
    print(error.code, error.data['limit'], error, end='')
`,
    )
    expect(await outputOf('python3 deep.py')).toBe(
      'BUSY toolDepth Cannot call "python_run": calls are 4 deep inside each other (limit toolDepth)++++',
    )
  })

  test('ends what it has begun when the one that asked has ended', async () => {
    const began = performance.now()
    const result = await sandbox.python(`import btcp\nbtcp.call('shell_run', command='sleep 20; echo late > late.txt')`, {
      timeoutMs: 1_000,
    })
    expect([result.timedOut, performance.now() - began < 5_000]).toEqual([true, true])
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(await outputOf('ls late.txt; ps | grep -c sleep')).toContain('No such file')
  })

  test('works in a session, and only while one of its calls runs', async () => {
    const options = { session: 's' }
    await sandbox.python('import btcp, subprocess', options)
    expect((await sandbox.python(`btcp.call('shell_run', command='echo in')['stdout']`, options)).value).toBe('in\n')
    const late = `script = "import time, btcp; time.sleep(0.5)\\ntry: btcp.tools()\\nexcept btcp.BtcpError as e: open('late', 'w').write(e.code)"
child = subprocess.Popen(['python3', '-c', script])`
    await sandbox.python(late, options)
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect((await sandbox.python(`child.wait(), open('late').read()`, options)).value).toEqual([0, 'CAPABILITY_DENIED'])
    const itself = `try: btcp.call('python_run', session='s', code='1')
except btcp.BtcpError as error: text = str(error)
text`
    expect((await sandbox.python(itself, options)).value).toBe('Cannot run in session "s": it runs another call')
    await sandbox.endPython('s')
  })
})

describe('a network', () => {
  test.each([
    ['import socket; socket.create_connection(("example.com", 80))', 'Cannot reach "example.com"'],
    ['import socket; socket.getaddrinfo("example.com", 80)', 'Cannot reach "example.com"'],
    ['import socket; socket.gethostbyname("example.com")', 'Cannot reach "example.com"'],
    ['import socket; socket.socket().connect(("192.0.2.1", 80))', 'Cannot open a socket'],
    ['import urllib.request; urllib.request.urlopen("http://example.com/x")', 'Cannot reach "example.com"'],
    ['import urllib.request; urllib.request.urlretrieve("https://example.com/x")', 'Cannot reach "example.com"'],
    ['import http.client; http.client.HTTPSConnection("example.com").request("GET", "/")', 'Cannot reach "example.com"'],
    ['import requests; requests.get("https://example.com/x")', 'Cannot reach "example.com"'],
    ['import pyodide.http; pyodide.http.open_url("https://example.com/x")', 'Cannot reach "example.com"'],
    ['import asyncio, pyodide.http; asyncio.run(pyodide.http.pyfetch("https://example.com/x"))', 'Cannot reach "example.com"'],
  ])('is refused by the capability that is missing: %s', async (code, what) => {
    expect((await sandbox.python(code)).error).toMatchObject({
      type: 'PermissionError',
      message: `[Errno 13] ${what}: capability "network:fetch:cross-origin" is not granted`,
    })
  })

  test('leaves asyncio, urllib.parse and data: URLs as they are', async () => {
    const code = `import asyncio, urllib.request, urllib.parse
async def main(): await asyncio.sleep(0.01); return urllib.parse.quote('a b')
(asyncio.run(main()), urllib.request.urlopen('data:,hi').read().decode())`
    expect(await sandbox.python(code)).toMatchObject({ value: ['a%20b', 'hi'], error: null })
  })
})

describe('Sandbox.python', () => {
  test('gives output, value, error, rich results and truncation', async () => {
    const heard: string[] = []
    const result = await sandbox.python(
      'class H:\n  def _repr_html_(self): return "<b>"\n  def __repr__(self): return "H"\nprint("x")\nH()',
      {
        onStdout: (text) => void heard.push(text),
      },
    )
    expect(result).toMatchObject({
      stdout: 'x\n',
      stderr: '',
      exitCode: 0,
      timedOut: false,
      value: null,
      valueText: 'H',
      error: null,
      rich: [{ mime: 'text/html', data: '<b>' }],
      leftOut: [],
    })
    expect(heard.join('')).toBe('x\n')
    expect(await sandbox.python({ path: '/etc/none.py' })).toMatchObject({ exitCode: 1, error: { type: 'FileNotFoundError' } })
  })

  test('resolves at the deadline, rejects when it is cancelled, and has sessions', async () => {
    expect(await sandbox.python('while True: pass', { timeoutMs: 500 })).toMatchObject({ timedOut: true, signal: 'KILL' })
    const controller = new AbortController()
    const cancelled = sandbox.python('while True: pass', { signal: controller.signal })
    setTimeout(() => controller.abort(), 300)
    await expect(cancelled).rejects.toMatchObject({ data: { btcpCode: 'CANCELLED' } })
    expect((await sandbox.python('x = 1', { session: 'n' })).session).toEqual({ started: true })
    expect(await sandbox.python('input() * x', { session: 'n', stdin: 'ab' })).toMatchObject({ value: 'ab', session: { started: false } })
    expect([await sandbox.endPython('n'), await sandbox.endPython('n')]).toEqual([undefined, 'there was none'])
  })
})
