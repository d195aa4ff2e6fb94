/** Tools that a program registers in a sandbox: real cells, real code in each language, and what a tool may not. */
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { zipSync } from 'fflate'
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  BtcpError,
  type Capability,
  type ImportName,
  type JsonObject,
  type PackageFile,
  Sandbox,
  type ToolPage,
  type ToolResult,
} from '../../src/node/index.ts'
import { packageOf } from '../contract/tool-machine.ts'
import { fetchingModule } from '../support/fetching-module.ts'
import { file } from '../support/installed-tools.ts'
import { digitResult, prefixed, RESULT_AT, toolModule } from '../support/tool-module.ts'
import { pureWheel } from '../support/wheel.ts'
import { encodeModule, ins } from '../support/wasm-encoder.ts'

const directories: string[] = []
async function directory(files: readonly PackageFile[] = []): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'tidepool-tools-'))
  directories.push(root)
  for (const { path, bytes } of files) {
    await mkdir(dirname(join(root, path)), { recursive: true })
    await writeFile(join(root, path), bytes)
  }
  return root
}
afterAll(() => Promise.all(directories.map((path) => rm(path, { recursive: true, force: true }))))

let sandbox: Sandbox
beforeEach(async () => {
  sandbox = await Sandbox.create()
})
afterEach(() => sandbox.destroy())

const textOf = ({ content }: ToolResult): string => (content[0]?.type === 'text' ? content[0].text : '')
const failureOf = async (promise: Promise<unknown>): Promise<BtcpError> => {
  const error: unknown = await promise.then(
    (value) => value,
    (reason: unknown) => reason,
  )
  if (!(error instanceof BtcpError)) throw new Error(`no BtcpError: ${JSON.stringify(error)} ${String(error)}`)
  return error
}

interface Made {
  readonly name?: string
  readonly capabilities?: readonly Capability[]
  readonly tool?: object
}

/** The package of one Python tool. */
const python = (code: string, { name = 'py', capabilities = [], tool = {} }: Made = {}): PackageFile[] => [
  file(
    'manifest.json',
    JSON.stringify({
      btcp: '1.0',
      name: 'probe',
      version: '1.0.0',
      capabilities,
      tools: [
        {
          name,
          description: 'A tool of a test.',
          inputSchema: { type: 'object' },
          capabilities,
          implementation: { type: 'python', entry: 'main.py' },
          ...tool,
        },
      ],
    }),
  ),
  file('main.py', code),
]
const ECHO = 'import json, sys\nprint(json.dumps({"got": json.load(sys.stdin)}))'

/** The module of the ABI `btcp` whose result is what `dom_text("h1", out, 64)` answers, as a digit. */
const IMPORTS_TEXT = {
  imports: [{ module: 'btcp', name: 'dom_text', params: 'iiii', result: true }],
  execute: digitResult([...ins.i32(200), ...ins.i32(2), ...ins.i32(300), ...ins.i32(64), ...ins.call(0)]),
}
const withHeading = (result: string) => ({
  at: RESULT_AT,
  bytes: [...prefixed(result), ...Array<number>(200 - RESULT_AT - 4 - result.length).fill(0), ...Buffer.from('h1')],
})

describe('a tool', () => {
  test('is registered from a directory, called by its name and listed', async () => {
    const { tools, sha256 } = await sandbox.registerTool(await directory([...python(ECHO), file('.git/config', 'x')]))
    expect(tools.map(({ name }) => name)).toEqual(['py'])
    expect(sha256).toMatch(/^[0-9a-f]{64}$/)
    expect(sandbox.tools().map(({ name }) => name)).toEqual(expect.arrayContaining(['shell_run', 'py']))
    const result = await sandbox.callTool('py', { q: 'ü' })
    expect(result).toMatchObject({ structuredContent: { got: { q: 'ü' } }, isError: false, _meta: { 'btcp/untrusted': true } })
    expect(textOf(result)).toBe('{"got":{"q":"ü"}}')
  })

  test('is registered from a zip archive', async () => {
    const archive = zipSync(Object.fromEntries(python(ECHO).map(({ path, bytes }) => [`folder/${path}`, bytes])))
    const root = await directory([file('tool.zip', archive)])
    await sandbox.registerTool(join(root, 'tool.zip'))
    expect((await sandbox.callTool('py')).structuredContent).toEqual({ got: {} })
  })

  test('is registered from a module alone, which is called after its file', async () => {
    const root = await directory([file('good.wasm', toolModule())])
    await sandbox.registerTool(join(root, 'good.wasm'))
    expect((await sandbox.callTool('good')).structuredContent).toEqual({ ok: true })
  })

  test('of a WASI command gets JSON and prints JSON', async () => {
    // It prints what stands in its memory: fd_write(1, &iov, 1, &written).
    const module = encodeModule({
      imports: [{ module: 'wasi_snapshot_preview1', name: 'fd_write', params: 'iiii', result: true }],
      memory: { pages: 1, imported: false },
      functions: [
        {
          params: '',
          result: false,
          locals: 0,
          code: [...ins.i32(1), ...ins.i32(0), ...ins.i32(1), ...ins.i32(40), ...ins.call(0), ...ins.drop],
        },
      ],
      exports: { _start: 0 },
      data: { at: 0, bytes: [8, 0, 0, 0, 7, 0, 0, 0, ...Buffer.from('{"n":7}')] },
    })
    const root = await directory([file('command.wasm', module)])
    await sandbox.registerTool(join(root, 'command.wasm'))
    expect((await sandbox.callTool('command')).structuredContent).toEqual({ n: 7 })
  })

  test('is refused with everything that is wrong with its package', async () => {
    const files = python(ECHO, { tool: { name: '9', inputSchema: 3 } })
    const { message, data } = await failureOf(sandbox.registerTool(files))
    expect(message).toMatch(/^Cannot register the package: manifest\.json#\/tools\/0\/name: .* \(and 1 more\)$/)
    expect(data).toMatchObject({ btcpCode: 'INVALID_PARAMS', effects: 'none' })
    expect(data.errors).toHaveLength(2)
    expect((await failureOf(sandbox.registerTool('/nowhere/at/all'))).message).toBe(
      'Cannot read the package "/nowhere/at/all": no such file or directory',
    )
  })

  test('whose folder has a link is refused: nothing outside it is read', async () => {
    const root = await directory(python(ECHO))
    await symlink('/etc/passwd', join(root, 'data.txt'))
    expect((await failureOf(sandbox.registerTool(root))).message).toContain('data.txt": it is a link, and a package has none')
  })

  test('may not have the name of another', async () => {
    await sandbox.registerTool(python(ECHO))
    const clash = await failureOf(sandbox.registerTool(python(ECHO, { name: 'PY' })))
    expect(clash.message).toBe('Cannot register "PY": there is a tool "py" already')
    await failureOf(sandbox.registerTool(python(ECHO, { name: 'Shell_Run' })))
    expect((await sandbox.callTool('py')).isError).toBe(false)
  })

  test('checks its arguments and its result by its schemas', async () => {
    const inputSchema = { type: 'object', properties: { n: { type: 'integer' } } }
    const outputSchema = { type: 'object', properties: { got: { type: 'object', properties: { n: { type: 'integer', maximum: 5 } } } } }
    await sandbox.registerTool(python(ECHO, { tool: { inputSchema, outputSchema } }))
    const refused = await failureOf(sandbox.callTool('py', { n: 'x' }))
    expect(refused.data).toMatchObject({ btcpCode: 'INVALID_PARAMS', errors: [{ instancePath: '/n' }] })
    const failed = await sandbox.callTool('py', { n: 6 })
    expect(failed).toMatchObject({ isError: true, _meta: { 'btcp/error': { code: 'EXECUTION_ERROR' } } })
    expect(textOf(failed)).toMatch(/outputSchema says: \/got\/n /)
    expect((await sandbox.callTool('py', { n: 5 })).structuredContent).toEqual({ got: { n: 5 } })
  })

  test('that fails shows its exception', async () => {
    await sandbox.registerTool(python('raise ValueError("no rows")'))
    const result = await sandbox.callTool('py')
    expect(result.isError).toBe(true)
    expect(textOf(result)).toMatch(/^Cannot finish "py": it ended with status 1: Traceback[\s\S]*ValueError: no rows$/)
  })

  test('that prints without end is ended by its limit', async () => {
    await sandbox.registerTool(python('while True: print("x" * 100000)'))
    expect((await sandbox.callTool('py'))._meta['btcp/error']).toEqual({ code: 'LIMIT_EXCEEDED', limit: 'toolResultBytes' })
  })

  test('ends at its deadline, and when it is cancelled', async () => {
    await sandbox.registerTool(python('while True: pass'))
    const late = await failureOf(sandbox.callTool('py', {}, { timeoutMs: 300 }))
    expect(late.data).toMatchObject({ btcpCode: 'TIMEOUT', effects: 'unknown' })
    const controller = new AbortController()
    const call = failureOf(sandbox.callTool('py', {}, { signal: controller.signal }))
    setTimeout(() => controller.abort(), 300)
    expect((await call).data.btcpCode).toBe('CANCELLED')
  })

  test('tells its progress', async () => {
    await sandbox.registerTool(python('import sys\nprint("half", file=sys.stderr)\nprint("{}")'))
    const progress: JsonObject[] = []
    await sandbox.callTool('py', {}, { onProgress: (one) => progress.push(one) })
    expect(progress).toEqual([{ stream: 'stderr', text: 'half\n' }])
  })
})

describe('a published folder', () => {
  const SCHEMA = JSON.stringify({ type: 'object', properties: { n: { type: 'integer' } } })
  const config = (language: string) =>
    file('config.toml', `name = "twice"\ndescription = "Doubles."\nlanguage = "${language}"\n[tool_vars]\nFACTOR = "2"\n`)

  test('with a wheel runs its main, with its variables', async () => {
    const main = 'import json, os, sys\ndef main():\n    print(json.load(sys.stdin)["n"] * int(os.environ["FACTOR"]))\n'
    const wheel = pureWheel('twice', '1.0', { 'twice/__init__.py': 'from .run import main\n', 'twice/run.py': main })
    await sandbox.registerTool([
      config('python'),
      file('schema.json', SCHEMA),
      file('pyproject.toml', '[project]\nname = "twice"\nversion = "1.0"\n'),
      file(`dist/${wheel.file}`, wheel.bytes),
    ])
    expect((await sandbox.callTool('twice', { n: 4 })).structuredContent).toBe(8)
  })

  test('for Node runs its bundle', async () => {
    const code = `
const chunks = []
process.stdin.on('data', (chunk) => chunks.push(chunk))
process.stdin.on('end', () => {
  const { n } = JSON.parse(Buffer.concat(chunks).toString())
  console.log(JSON.stringify({ n: n * Number(process.env.FACTOR) }))
})
`
    await sandbox.registerTool([config('node'), file('schema.json', SCHEMA), file('dist/index.js', code)], { env: { FACTOR: '3' } })
    expect((await sandbox.callTool('twice', { n: 4 })).structuredContent).toEqual({ n: 12 })
  })
})

describe('a function of JavaScript', () => {
  const js = (code: string, capabilities: readonly Capability[] = []): PackageFile[] => [
    file(
      'manifest.json',
      JSON.stringify({
        btcp: '1.0',
        name: 'probe',
        version: '1.0.0',
        capabilities,
        tools: [
          {
            name: 'fun',
            description: 'A function.',
            inputSchema: { type: 'object' },
            capabilities,
            implementation: { type: 'js', module: 'tool.js' },
          },
        ],
      }),
    ),
    file('tool.js', code),
  ]

  test('is called with the arguments, and gives the result', async () => {
    await sandbox.registerTool(js('export default async ({ n }) => ({ twice: n * 2 })'))
    expect((await sandbox.callTool('fun', { n: 4 })).structuredContent).toEqual({ twice: 8 })
  })
  test('that throws has failed', async () => {
    await sandbox.registerTool(js('export default () => { throw new RangeError("no such row") }'))
    const result = await sandbox.callTool('fun')
    expect(result.isError).toBe(true)
    expect(textOf(result)).toContain('RangeError: no such row')
  })
  test('calls other tools', async () => {
    const code = 'export default async (args, btcp) => (await btcp.call("shell_run", { command: "echo hi" })).stdout'
    await sandbox.registerTool(js(code, ['shell:run']), { grants: ['shell:run'] })
    expect((await sandbox.callTool('fun')).structuredContent).toBe('hi\n')
  })
})

describe('a cell of its own', () => {
  const LOOK = `
import json, os
open("/home/user/mine", "a").write("x")
print(json.dumps({"env": dict(os.environ), "home": os.listdir("/home/user"), "tool": sorted(os.listdir("/opt/tool"))}))
try:
    open("/opt/tool/main.py", "w")
except OSError as error:
    pass
else:
    raise SystemExit("it could write to its package")
`
  test('has the package, its variables and its files, and nothing of the sandbox or of another tool', async () => {
    const mine = await Sandbox.create({ env: { OWNERS: 'own' } })
    try {
      await mine.writeFile('/home/user/secret', 'x')
      await mine.registerTool(python(LOOK), { env: { TOKEN: 't' } })
      await mine.registerTool(python(LOOK, { name: 'other' }))
      const first = (await mine.callTool('py')).structuredContent as { env: Record<string, string>; home: string[]; tool: string[] }
      const second = (await mine.callTool('other')).structuredContent as typeof first
      expect(first.env).toMatchObject({ TOKEN: 't' })
      expect(first.env).not.toHaveProperty('OWNERS')
      expect(second.env).not.toHaveProperty('TOKEN')
      expect([first.home, second.home]).toEqual([['mine'], ['mine']])
      expect(first.tool).toEqual(['main.py', 'manifest.json'])
      expect((await mine.listDir('/home/user')).map(({ name }) => name)).toEqual(['secret'])
      expect((await mine.run('echo $OWNERS $TOKEN; ls /opt/tool')).stdout).toBe('own\n')
    } finally {
      await mine.destroy()
    }
  })

  test('T91: of what its package is given it has no secret that another tool of the package asks for', async () => {
    const look = 'import json, os\nprint(json.dumps(dict(os.environ)))'
    const tool = (name: string, more: object) => ({
      name,
      description: 'A tool of the tests.',
      inputSchema: { type: 'object' },
      capabilities: [],
      implementation: { type: 'python', entry: 'main.py' },
      ...more,
    })
    const tools = [tool('keeper', { secrets: [{ name: 'TOKEN' }] }), tool('thief', { variables: { MODE: 'x' } })]
    const manifest = { btcp: '1.0', name: 'pair', version: '1.0.0', tools, capabilities: [] }
    const mine = await Sandbox.create()
    try {
      await mine.registerTool([file('manifest.json', JSON.stringify(manifest)), file('main.py', look)], {
        env: { TOKEN: 't', MODE: 'y', EXTRA: 'z' },
      })
      const [keeper, thief] = [await mine.callTool('keeper'), await mine.callTool('thief')].map((result) => result.structuredContent)
      expect(keeper).toMatchObject({ TOKEN: 't', EXTRA: 'z' })
      expect(keeper).not.toHaveProperty('MODE')
      expect(thief).toMatchObject({ MODE: 'y', EXTRA: 'z' })
      expect(thief).not.toHaveProperty('TOKEN')
    } finally {
      await mine.destroy()
    }
  })

  test('T91: does not start when a byte of the kept package has changed', async () => {
    const store = await directory()
    const kept = await Sandbox.create({ store })
    try {
      const { sha256 } = await kept.registerTool(python(ECHO))
      const path = join(store, 'packages', sha256, 'main.py')
      const bytes = await readFile(path)
      bytes[0]! ^= 1
      await writeFile(path, bytes)
      const { message, data } = await failureOf(kept.callTool('py'))
      expect(message).toBe('Cannot start the tool "py": its package has been changed since it was installed')
      expect(data.btcpCode).toBe('SANDBOX_ERROR')
      bytes[0]! ^= 1
      await writeFile(path, bytes)
      expect((await kept.callTool('py')).isError).toBe(false)
    } finally {
      await kept.destroy()
    }
  })

  test('T91: another package is another principal, without the files and the grants of the former', async () => {
    const code = (more: string) => `import os, json\nopen("mine", "a").write("x")\nprint(json.dumps(len(open("mine").read())))\n${more}`
    const first = await sandbox.registerTool(python(code(''), { capabilities: ['dom:read'] }), { grants: ['dom:read'] })
    expect((await sandbox.callTool('py')).structuredContent).toBe(1)
    expect((await sandbox.callTool('py')).structuredContent).toBe(2)
    await first.unregister()
    const second = await sandbox.registerTool(python(code('# changed'), { capabilities: ['dom:read'] }))
    expect(second.sha256).not.toBe(first.sha256)
    expect((await failureOf(sandbox.callTool('py'))).data).toMatchObject({ btcpCode: 'CAPABILITY_DENIED', missing: ['dom:read'] })
    await sandbox.grant('py', ['dom:read'])
    expect((await sandbox.callTool('py')).structuredContent).toBe(1)
  })

  test('leaves nothing when it is removed, also while it runs', async () => {
    const store = await directory()
    const kept = await Sandbox.create({ store })
    try {
      const { unregister, sha256 } = await kept.registerTool(python('open("mine", "w").write("x")\nwhile True: pass'))
      const call = failureOf(kept.callTool('py'))
      await vi.waitFor(async () => expect(await readdir(join(store, 'tools'))).toHaveLength(1), 20_000)
      expect(await readdir(join(store, 'packages'))).toEqual([sha256])
      await unregister()
      expect((await call).data.btcpCode).toBe('CANCELLED')
      expect(await readdir(join(store, 'packages'))).toEqual([])
      expect(await readdir(join(store, 'tools'))).toEqual([])
      expect((await failureOf(kept.callTool('py'))).data.btcpCode).toBe('TOOL_NOT_FOUND')
      expect(kept.tools().map(({ name }) => name)).not.toContain('py')
      await unregister()
    } finally {
      await kept.destroy()
    }
  })
})

describe('a tool that needs a capability', () => {
  test('is denied without it, called with it, and ended when it is taken back', async () => {
    await sandbox.registerTool(python('import time\ntime.sleep(60)', { capabilities: ['dom:read'] }))
    const denied = await failureOf(sandbox.callTool('py'))
    expect(denied.message).toBe('Cannot call "py": capability "dom:read" is not granted')
    await sandbox.grant('py', ['dom:read'])
    const call = failureOf(sandbox.callTool('py'))
    await new Promise((resolve) => setTimeout(resolve, 500))
    await sandbox.revoke('py', ['dom:read'])
    expect((await call).data).toMatchObject({ btcpCode: 'CAPABILITY_DENIED', missing: ['dom:read'], effects: 'unknown' })
    expect((await failureOf(sandbox.callTool('py'))).data.btcpCode).toBe('CAPABILITY_DENIED')
  })

  test('gets only what it declares and this host offers', async () => {
    await sandbox.registerTool(python(ECHO, { capabilities: ['dom:read'] }), { grants: 'all-declared' })
    expect((await sandbox.callTool('py')).isError).toBe(false)
    expect((await failureOf(sandbox.grant('py', ['vfs:write']))).message).toBe('Cannot grant "vfs:write" to "py": it does not declare it')
    expect((await failureOf(sandbox.grant('py', ['geolocation']))).data.btcpCode).toBe('UNSUPPORTED')
    expect((await failureOf(sandbox.grant('nobody', []))).data.btcpCode).toBe('TOOL_NOT_FOUND')
  })
})

describe('tools that call tools', () => {
  const CALLS = (name: string, args = '{}') => `
import btcp, json
try:
    print(json.dumps({"value": btcp.call(${JSON.stringify(name)}, json.loads('${args}'))}))
except Exception as error:
    print(json.dumps({"error": str(error)}))
`
  const RUN = '{"command": "echo $HOSTNAME > /home/user/left; cat /home/user/left"}'

  test('programs of the sandbox call an installed one', async () => {
    await sandbox.registerTool(python(ECHO))
    const { value } = await sandbox.python('import btcp\nbtcp.call("py", {"a": 1})')
    expect(value).toEqual({ got: { a: 1 } })
    expect((await sandbox.run(`btcp call py '{"b":2}'`)).stdout).toContain('"b":2')
  })

  test('a built-in one acts as the owner, where the tool may, too', async () => {
    await sandbox.registerTool(python(CALLS('shell_run', RUN), { capabilities: ['shell:run'] }), { grants: ['shell:run'] })
    expect((await sandbox.callTool('py')).structuredContent).toMatchObject({ value: { stdout: 'tidepool\n' } })
    expect(await sandbox.readFile('/home/user/left', 'utf8')).toBe('tidepool\n')
  })

  test('T92: what the caller lacks, the tool that it calls does not do for it', async () => {
    await sandbox.registerTool(python(CALLS('shell_run', RUN)))
    await sandbox.registerTool(python(CALLS('shell_run', RUN), { name: 'deputy', capabilities: ['shell:run'] }), { grants: ['shell:run'] })
    await sandbox.registerTool(python(CALLS('deputy'), { name: 'confused' }))
    expect((await sandbox.callTool('py')).structuredContent).toEqual({
      error: expect.stringContaining('Cannot use "shell:run": "py" does not declare it') as unknown,
    })
    expect((await sandbox.callTool('confused')).structuredContent).toEqual({
      error: expect.stringContaining('Cannot use "shell:run": "confused" does not declare it') as unknown,
    })
    expect((await sandbox.listDir('/home/user')).map(({ name }) => name)).toEqual([])
  })

  test('T92: nor do the programs of a built-in one that the tool calls', async () => {
    const command = `btcp call fs_read '{"path":"/home/user/secret"}' 2>&1`
    await sandbox.writeFile('/home/user/secret', 'x')
    await sandbox.registerTool(
      python(CALLS('shell_run', JSON.stringify({ command }).replaceAll('\\', '\\\\').replaceAll("'", "\\'")), {
        capabilities: ['shell:run'],
      }),
      {
        grants: ['shell:run'],
      },
    )
    const { value } = (await sandbox.callTool('py')).structuredContent as { value: { stdout: string } }
    expect(value.stdout).toContain('"vfs:read"')
  })

  test('no deeper than the limit', async () => {
    const deep = await Sandbox.create({ limits: { toolDepth: 2 } })
    try {
      await deep.registerTool(python(CALLS('py')))
      const { structuredContent } = await deep.callTool('py')
      expect(JSON.stringify(structuredContent)).toContain('limit toolDepth')
    } finally {
      await deep.destroy()
    }
  })
})

describe('a page that the program gives', () => {
  const pageOf = (asked: string[], answer: (name: ImportName, args: JsonObject) => unknown = () => 'Title') => ({
    run: async (name: ImportName, args: JsonObject) => {
      asked.push(`${name} ${JSON.stringify(args)}`)
      return answer(name, args)
    },
  })
  const capabilities = ['dom:read'] as const

  test('answers the imports of a module', async () => {
    const asked: string[] = []
    const module = toolModule({ ...IMPORTS_TEXT, data: withHeading('{"n":0}') })
    await sandbox.registerTool(packageOf(module, { capabilities }), { grants: capabilities, page: pageOf(asked) })
    expect((await sandbox.callTool('probe')).structuredContent).toEqual({ n: 5 })
    expect(asked).toEqual(['dom_text {"selector":"h1"}'])
  })

  test('T88: hears nothing of an import that the tool did not declare, which answers -2', async () => {
    const asked: string[] = []
    const execute = digitResult([...ins.i32(200), ...ins.i32(2), ...ins.i32(300), ...ins.i32(64), ...ins.call(0)], true)
    const module = toolModule({ ...IMPORTS_TEXT, execute, data: withHeading('{"n":-0}') })
    await sandbox.registerTool(packageOf(module), { page: pageOf(asked) })
    expect((await sandbox.callTool('probe')).structuredContent).toEqual({ n: -2 })
    expect(asked).toEqual([])
  })

  test('that is not there answers -2', async () => {
    const execute = digitResult([...ins.i32(200), ...ins.i32(2), ...ins.i32(300), ...ins.i32(64), ...ins.call(0)], true)
    const module = toolModule({ ...IMPORTS_TEXT, execute, data: withHeading('{"n":-0}') })
    await sandbox.registerTool(packageOf(module, { capabilities }), { grants: capabilities })
    expect((await sandbox.callTool('probe')).structuredContent).toEqual({ n: -2 })
  })

  describe('fetches for a tool', () => {
    const fetches = ['network:fetch:same-origin'] as const
    const install = async (page?: ToolPage): Promise<void> =>
      void (await sandbox.registerTool(packageOf(fetchingModule(), { capabilities: fetches }), {
        grants: fetches,
        ...(page ? { page } : {}),
      }))
    const fetched = async (request: JsonObject): Promise<unknown> => (await sandbox.callTool('probe', request)).structuredContent

    test('what it checked before, and gives an answer as an object or as JSON', async () => {
      const asked: string[] = []
      const answers: unknown[] = [{ status: 200, headers: {}, body: 'a "b"' }, '{"status":204}', null]
      await install(pageOf(asked, () => answers.shift()))
      const request = { url: '/x', method: 'POST', headers: { 'X-A': 'b' }, body: 'c' }
      expect(await fetched(request)).toEqual({ status: 200, headers: {}, body: 'a "b"' })
      expect(await fetched({ url: 'https://a.example' })).toEqual({ status: 204 })
      expect(await fetched({ url: '/x' })).toMatchObject({ n: -1 })
      expect(await fetched({ url: 'file:///etc/passwd' })).toMatchObject({ n: -4 })
      expect(await fetched({ url: '/x', headers: { Cookie: 'a' } })).toMatchObject({ n: -4 })
      expect(asked).toEqual([
        `http_fetch ${JSON.stringify({ url: '/x', method: 'POST', headers: { 'X-A': 'b' }, body: 'c' })}`,
        'http_fetch {"url":"https://a.example","method":"GET","headers":{}}',
        'http_fetch {"url":"/x","method":"GET","headers":{}}',
      ])
    })

    test('and what it throws is a server that cannot be reached', async () => {
      const page = pageOf([], () => {
        throw new TypeError('fetch failed')
      })
      await install(page)
      expect(await fetched({ url: '/x' })).toEqual({ n: -1, text: "Cannot import 'http_fetch': fetch failed" })
    })

    test('and without one there is no network', async () => {
      await install()
      expect(await fetched({ url: '/x' })).toEqual({ n: -2, text: "Cannot import 'http_fetch': there is no page here" })
    })
  })

  test('that has gone ends the call with TAB_GONE, whatever the module gives then', async () => {
    const page = pageOf([], () => {
      throw new BtcpError('TAB_GONE', 'Cannot read the page: it is gone', { effects: 'none' })
    })
    const module = toolModule({ ...IMPORTS_TEXT, data: withHeading('{"n":0}') })
    await sandbox.registerTool(packageOf(module, { capabilities }), { grants: capabilities, page })
    expect((await failureOf(sandbox.callTool('probe'))).data.btcpCode).toBe('TAB_GONE')
  })

  test('T88: is not asked again once the grant is taken back between two imports of one call', async () => {
    const asked: string[] = []
    const page = pageOf(asked, () => {
      // The revocation waits for the call, which waits for this answer.
      void sandbox.revoke('probe', ['dom:read'])
      return 'Title'
    })
    const ask = [...ins.i32(200), ...ins.i32(2), ...ins.i32(300), ...ins.i32(64), ...ins.call(0)]
    const module = toolModule({ ...IMPORTS_TEXT, execute: digitResult([...ask, ...ins.drop, ...ask]), data: withHeading('{"n":0}') })
    await sandbox.registerTool(packageOf(module, { capabilities }), { grants: capabilities, page })
    expect((await failureOf(sandbox.callTool('probe'))).data).toMatchObject({ btcpCode: 'CAPABILITY_DENIED', missing: ['dom:read'] })
    expect(asked).toHaveLength(1)
  })

  test('that answers something else is an error of the import', async () => {
    const execute = digitResult([...ins.i32(200), ...ins.i32(2), ...ins.i32(300), ...ins.i32(64), ...ins.call(0)], true)
    const module = toolModule({ ...IMPORTS_TEXT, execute, data: withHeading('{"n":-0}') })
    await sandbox.registerTool(packageOf(module, { capabilities }), { grants: capabilities, page: pageOf([], () => ({})) })
    expect((await sandbox.callTool('probe')).structuredContent).toEqual({ n: -4 })
  })

  test('that answers too much is a limit of the import', async () => {
    const execute = digitResult([...ins.i32(200), ...ins.i32(2), ...ins.i32(300), ...ins.i32(64), ...ins.call(0)], true)
    const module = toolModule({ ...IMPORTS_TEXT, execute, data: withHeading('{"n":-0}') })
    const page = pageOf([], () => 'x'.repeat(9 * 1024 * 1024))
    await sandbox.registerTool(packageOf(module, { capabilities }), { grants: capabilities, page })
    expect((await sandbox.callTool('probe')).structuredContent).toEqual({ n: -6 })
  })

  test('T92: gets a storage key to the letter, and only keys', async () => {
    const keys = ['storage:local:read'] as const
    const asked: string[] = []
    const key = '__proto__'
    const module = toolModule({
      imports: [{ module: 'btcp', name: 'storage_get', params: 'iiii', result: true }],
      execute: digitResult([...ins.i32(200), ...ins.i32(key.length), ...ins.i32(300), ...ins.i32(64), ...ins.call(0)], true),
      data: {
        at: RESULT_AT,
        bytes: [...prefixed('{"n":-0}'), ...Array<number>(200 - RESULT_AT - 4 - 8).fill(0), ...Buffer.from(key)],
      },
    })
    const stored = new Map([['a', 'x']])
    const page = pageOf(asked, (_name, { key: asked }) => (typeof asked === 'string' && stored.get(asked)) || null)
    await sandbox.registerTool(packageOf(module, { capabilities: keys }), { grants: 'all-declared', page })
    expect((await sandbox.callTool('probe')).structuredContent).toEqual({ n: -1 })
    expect(asked).toEqual(['storage_get {"key":"__proto__"}'])
  })
})
