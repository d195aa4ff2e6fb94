/** Libraries in a sandbox of one's own, from their folder with `tidepool.toml` to the answer: as a module, and as a process of the host. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Sandbox } from '../../src/node/index.ts'
import type { PackageFile } from '../../src/protocol/installed-tool.ts'
import type { JsonObject } from '../../src/protocol/parse.ts'

const EXAMPLE = new URL('../../wasm/sdk/examples/has-tests/', import.meta.url)
const file = (path: string, content: string | Uint8Array): PackageFile => ({ path, bytes: new Uint8Array(Buffer.from(content)) })
const hasTests = (): PackageFile[] => ['tidepool.toml', 'tool.wasm'].map((path) => file(path, readFileSync(new URL(path, EXAMPLE))))

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await Sandbox.create()
  await sandbox.run(`mkdir -p work/src work/bare; touch work/src/a.py work/src/test_a.py work/bare/b.py; ln -s /etc work/etc; ln -s src work/alias
echo secret > secret.txt`)
  await sandbox.registerTool(hasTests(), { grants: 'all-declared' })
}, 60_000)
afterAll(() => sandbox.destroy())

/** The value, or the text of a failure. */
async function call(args: JsonObject, tool = 'has_tests'): Promise<unknown> {
  const { isError, structuredContent, content } = await sandbox.callTool(tool, args)
  return isError ? content[0] : structuredContent
}
const select = (path: string, workspace = '/home/user/work') => call({ function: 'module_selector', args: [path], workspace })

describe('a library that is a module', () => {
  test('gives a scope, and checks one', async () => {
    const selected = (await select('src')) as { value: { scope: JsonObject } }
    expect(selected).toEqual({
      value: { scope: { kind: 'folder', path: 'src', paths: ['src/a.py', 'src/test_a.py'], resolved: true } },
    })
    expect(await call({ check: 'has_tests', args: [selected.value] })).toEqual({ result: 'pass' })
    const bare = (await select('bare')) as { value: JsonObject }
    expect(await call({ check: 'has_tests', args: [bare.value] })).toEqual({ result: 'fail', message: 'none of 1 files is a test' })
  })

  test('tells what it has', async () => {
    expect(await call({ metadata: true })).toEqual({
      name: 'has-tests',
      version: '0.1.0',
      functions: ['module_selector'],
      checks: ['has_tests'],
    })
  })

  test('sees the files of its workspace, by default the home', async () => {
    expect(await call({ function: 'module_selector', args: ['work/bare'] })).toEqual({
      value: { scope: { kind: 'folder', path: 'work/bare', paths: ['work/bare/b.py'], resolved: true } },
    })
    expect(await select('alias')).toMatchObject({ value: { scope: { paths: ['alias/a.py', 'alias/test_a.py'] } } })
  })

  test.each(['..', '/home/user', '/etc', 'etc', 'etc/passwd', 'src/../../work/../secret.txt'])(
    'T63 nothing outside of it: %s',
    async (path) => {
      expect(await select(path)).toMatchObject({ type: 'text', text: expect.stringContaining('Cannot finish "has_tests": ') })
      expect(JSON.stringify(await select(path))).not.toContain('secret"')
    },
  )

  test('says what it does not know in its own words', async () => {
    expect(await call({ function: 'nothing' })).toMatchObject({ text: expect.stringContaining('nothing') })
    expect(await call({ check: 'has_tests', args: [5] })).toMatchObject({ type: 'text', text: expect.stringContaining('has_tests') })
  })

  test.each([
    [{}],
    [{ function: 'f', check: 'c' }],
    [{ function: 'f', args: [{ Int: 'x' }] }],
    [{ function: 'f', workspace: 'work' }],
    [{ function: 'f', workspace: '/..' }],
  ])('%j is no call of it', async (args) => {
    await expect(call(args)).rejects.toMatchObject({ data: { btcpCode: 'INVALID_PARAMS', effects: 'none' } })
  })

  test('may not begin without the right to read files', async () => {
    await sandbox.revoke('has_tests')
    await expect(select('src')).rejects.toMatchObject({ data: { btcpCode: 'CAPABILITY_DENIED', missing: ['vfs:read'] } })
    await sandbox.grant('has_tests', ['vfs:read'])
    expect(await select('bare')).toMatchObject({ value: { scope: {} } })
  })
})

const ECHO = `
import json, sys
for line in sys.stdin:
    request = json.loads(line)
    params = request['params']
    result = {'String': params.get('function', '') + ' ' + json.dumps(params.get('args')) + ' ' + params.get('workspace', '')}
    if request['method'] == 'library.metadata':
        result = {'name': 'echo', 'functions': ['f']}
    if request['method'] == 'library.check':
        result = {'Fail': 'as always'}
    print(json.dumps({'jsonrpc': '2.0', 'result': result, 'id': request['id']}), flush=True)
`
const external = (): PackageFile[] => [
  file('tidepool.toml', '[libraries]\necho = { executable = "python3", args = ["lib/echo.py"] }\n'),
  file('lib/echo.py', ECHO),
]

describe('a library that is a process of the host', () => {
  test('is let in only where its user says so', async () => {
    await expect(sandbox.registerTool(external(), { grants: 'all-declared' })).rejects.toMatchObject({
      message:
        'Cannot register "echo": it is a program that runs outside of the sandbox, with all rights of its user; ' +
        'to allow that, register it with allowExternal: true, or --allow-external on the command line',
      data: { btcpCode: 'UNSUPPORTED', effects: 'none' },
    })
    await expect(call({ function: 'f' }, 'echo')).rejects.toMatchObject({ data: { btcpCode: 'TOOL_NOT_FOUND' } })
  })

  test('answers as a module does, and ends with its registration', async () => {
    const registered = await sandbox.registerTool(external(), { grants: 'all-declared', allowExternal: true })
    expect(await call({ function: 'f', args: ['ü', 1], workspace: '/srv/project' }, 'echo')).toEqual({
      value: 'f [{"String": "\\u00fc"}, {"Int": 1}] /srv/project',
    })
    expect(await call({ metadata: true }, 'echo')).toEqual({ name: 'echo', version: '', functions: ['f'], checks: [] })
    expect(await call({ check: 'c' }, 'echo')).toEqual({ result: 'fail', message: 'as always' })
    await registered.unregister()
    await expect(call({ function: 'f' }, 'echo')).rejects.toMatchObject({ data: { btcpCode: 'TOOL_NOT_FOUND' } })
  })
})
