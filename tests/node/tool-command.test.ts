/** `tidepool tool` as a person uses it: processes, their streams, their exit status. Runs the sources. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { zipSync } from 'fflate'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Content, packageFiles } from '../support/package-files.ts'
import { encodeModule } from '../support/wasm-encoder.ts'

const ROOT = join(import.meta.dirname, '../..')
const CLI = join(ROOT, 'src/node/cli.ts')
const EXAMPLES = join(ROOT, 'wasm')
const scratch = mkdtempSync(join(tmpdir(), 'tidepool-tools-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

interface Ended {
  readonly out: string
  readonly err: string
  readonly status: number | null
}

function run(program: readonly string[], input?: string): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, program, {
      cwd: scratch,
      env: { ...process.env, XDG_DATA_HOME: join(scratch, 'data'), INIT_CWD: scratch },
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    })
    const [out, err]: Buffer[][] = [[], []]
    child.stdout!.on('data', (data: Buffer) => out!.push(data))
    child.stderr!.on('data', (data: Buffer) => err!.push(data))
    child.on('close', (status) => resolve({ out: Buffer.concat(out!).toString(), err: Buffer.concat(err!).toString(), status }))
    child.stdin?.on('error', () => {})
    child.stdin?.end(input)
  })
}

const tool = (args: readonly string[], input?: string): Promise<Ended> => run([CLI, 'tool', ...args], input)

/** Writes a folder and gives its path. */
function folder(name: string, files: Readonly<Record<string, Content>>): string {
  for (const { path, bytes } of packageFiles(files)) {
    mkdirSync(dirname(join(scratch, name, path)), { recursive: true })
    writeFileSync(join(scratch, name, path), bytes)
  }
  return name
}

const manifest = (name: string, implementation: object, more: object = {}): object => ({
  btcp: '1.0',
  name: name.replaceAll('_', '-'),
  version: '1.0.0',
  capabilities: [],
  tools: [{ name, description: 'For tests.', inputSchema: { type: 'object' }, capabilities: [], implementation, ...more }],
})
const PYTHON = { type: 'python', entry: 'main.py' }
const SCRIPT = { type: 'js', module: 'tool.js' }
const COUNT = 'export default ({ text }) => ({ words: text.split(" ").length })'

beforeAll(() => {
  folder('count', { 'manifest.json': manifest('count_words', SCRIPT), 'tool.js': COUNT })
  folder('secret', {
    'pocket.json': {
      tool: { name: 'secret', description: 'd', inputSchema: {} },
      auth: { auth_provider: 'slack' },
      entrypoint: { run: 'python main.py' },
      tool_vars: { depth: '1' },
    },
    'main.py': 'import os\nprint(os.environ.get("SLACK_BOT_TOKEN"), os.environ["depth"])',
  })
  writeFileSync(join(scratch, 'page.html'), '<!doctype html><title>t</title><h1>the sea</h1>')
})

describe('tidepool tool check', () => {
  test('says what a package is, what it asks for, and which imports need what', async () => {
    const { out, err, status } = await tool(['check', join(EXAMPLES, 'sdk-as/examples/page-statistics')])
    expect({ err, status }).toEqual({ err: '', status: 0 })
    for (const line of [
      /^page-statistics 0\.1\.0$/m,
      /^sha256 [0-9a-f]{64}, \d+ files$/m,
      /^tool page_statistics: /m,
      /^ {2}runs tool\.wasm, a WebAssembly module of ABI btcp$/m,
      /^ {2}needs storage:local:read \(high\): /m,
      /^ {2}imports dom_text: needs dom:read$/m,
    ])
      expect(out).toMatch(line)
  })

  test('tells every fault with its file and path, and ends with 1', async () => {
    folder('faulty', { 'manifest.json': { ...manifest('x', { type: 'wasm', module: 'x.wasm' }), name: 'X', version: '1' } })
    expect(await tool(['check', 'faulty'])).toEqual({
      out: '',
      err: [
        'manifest.json#/tools/0/implementation/module: there is no file "x.wasm" in the package: add it, or name the one that there is',
        'manifest.json#/name: must be lower-case letters, digits and -, and begin with a letter, not "X"',
        'manifest.json#/version: must be a version like "1.2.3", not "1"',
        '',
      ].join('\n'),
      status: 1,
    })
  })

  test('loads the module: one that the gate refuses is a fault, an import that is not declared is said', async () => {
    const module = readFileSync(join(EXAMPLES, 'sdk-c/examples/read-heading/tool.wasm'))
    folder('undeclared', { 'manifest.json': manifest('undeclared', { type: 'wasm', module: 'a.wasm' }), 'a.wasm': module })
    const said = await tool(['check', 'undeclared'])
    expect(said.out).toContain('  imports dom_text: needs dom:read, which is not declared: it answers -2 (denied)')
    expect(said.status).toBe(0)
    folder('broken', { 'manifest.json': manifest('broken', { type: 'wasm', module: 'a.wasm' }), 'a.wasm': module.subarray(0, 100) })
    const command = encodeModule({
      imports: [{ module: 'env', name: 'host_call', params: 'i', result: true }],
      memory: { pages: 1, imported: false },
      functions: [{ params: '', result: false, locals: 0, code: [] }],
      exports: { _start: 0 },
    })
    folder('command', { 'command.wasm': command })
    expect((await tool(['check', 'command'])).err).toBe(
      'command: Cannot load "/opt/tool/command.wasm": it imports "env.host_call", which is unknown\n',
    )
    const broken = await tool(['check', 'broken'])
    expect(broken.err).toMatch(/^broken: .+/)
    expect(broken.status).toBe(1)
  })

  test('T96 what a tool says of itself is printed without what a terminal obeys', async () => {
    folder('painted', {
      'manifest.json': { ...manifest('painted', PYTHON), description: '\u001B[31mred\u001B]52;c;eA==\u0007 \u202Ertl\n  needs nothing' },
      'main.py': 'import sys\nprint("\\x1b[2J", file=sys.stderr)\nsys.exit(3)',
    })
    const { out } = await tool(['check', 'painted'])
    expect(out).toContain('\\u001b[31mred\\u001b]52;c;eA==\\u0007 \\u202ertl needs nothing\n')
    const { err } = await tool(['run', 'painted'])
    expect(err).toContain('\\u001b[2J')
    expect(out + err).not.toMatch(/[\u001B\u202E]/)
  })

  test('a path that is no package', async () => {
    expect(await tool(['check', 'nowhere'])).toEqual({
      out: '',
      err: 'tidepool: Cannot read the package "nowhere": no such file or directory\n',
      status: 1,
    })
    symlinkSync('/etc/passwd', join(scratch, 'count', 'link'))
    expect((await tool(['check', 'count'])).err).toContain('it is a link, and a package has none')
    rmSync(join(scratch, 'count', 'link'))
  })
})

describe('tidepool tool run', () => {
  test('calls a tool of a folder, of an archive, and with JSON on standard input', async () => {
    expect(await tool(['run', 'count', '{"text":"a b"}'])).toEqual({ out: '{\n  "words": 2\n}\n', err: '', status: 0 })
    const files = Object.fromEntries(
      packageFiles({ 'count/manifest.json': manifest('count_words', SCRIPT), 'count/tool.js': COUNT }).map(({ path, bytes }) => [
        path,
        bytes,
      ]),
    )
    writeFileSync(join(scratch, 'count.zip'), zipSync(files))
    expect(await tool(['run', 'count.zip', '-'], '{"text":"a b c"}')).toMatchObject({ out: '{\n  "words": 3\n}\n', status: 0 })
    expect(await tool(['run', join(EXAMPLES, 'sdk-c/examples/word-count'), 'word_count', '{"text":"a b"}'])).toMatchObject({
      status: 0,
      err: '',
    })
  })

  test('a page’s tool needs the grant, which is named, and finds the page that is given', async () => {
    const heading = join(EXAMPLES, 'sdk-c/examples/read-heading')
    expect(await tool(['run', heading, '--page', 'page.html'])).toEqual({
      out: '',
      err: 'tidepool: Cannot call "read_heading": capability "dom:read" is not granted\ntidepool: to let it, add --grant dom:read\n',
      status: 1,
    })
    const read = await tool(['run', heading, '--page', 'page.html', '--grant', 'dom:read'])
    expect(read).toMatchObject({ err: '', status: 0 })
    expect(read.out).toContain('the sea')
    expect((await tool(['run', heading, '--grant-all'])).err).toContain('give one with --page FILE.html')
  })

  test('a failure is a text on standard error and status 1, a deadline 124', async () => {
    folder('fails', { 'manifest.json': manifest('fails', PYTHON), 'main.py': 'raise SystemExit("it is broken")' })
    const failed = await tool(['run', 'fails'])
    expect(failed).toMatchObject({ out: '', status: 1 })
    // What it printed is shown once.
    expect(failed.err).toBe('it is broken\ntidepool: Cannot finish "fails": it ended with status 1\n')
    expect(JSON.parse((await tool(['run', 'fails', '--json'])).out)).toMatchObject({
      isError: true,
      _meta: { 'btcp/error': { code: 'EXECUTION_ERROR' } },
    })
    folder('slow', { 'manifest.json': manifest('slow', SCRIPT), 'tool.js': 'export default () => { for (;;); }' })
    expect(await tool(['run', 'slow', '--timeout', '3'])).toMatchObject({ out: '', status: 124 })
  })

  test('wrong arguments are said', async () => {
    expect((await tool(['run', 'count', 'text'])).err).toMatch(/^tidepool: Cannot read the arguments: /)
    expect((await tool(['run', 'count', '[]'])).err).toBe(
      'tidepool: Cannot read the arguments: they must be an object, like {"text":"hello"}\n',
    )
    expect((await tool(['run', 'count', '{}', 'more'])).err).toContain('put the JSON in quotes')
    expect((await tool(['run', 'no_such_tool'])).err).toContain('it is not among the added ones')
    expect(await tool(['run', 'count', '--grant', 'dom:read'])).toMatchObject({
      err: 'tidepool: Cannot grant "dom:read" to "count-words": it does not ask for it\n',
      status: 1,
    })
    expect((await tool(['run', 'count', '--grant', 'root'])).status).toBe(125)
  })

  test('of a package with several tools one is named', async () => {
    const one = { name: 'one', description: 'd', inputSchema: {}, capabilities: [], implementation: { type: 'js', module: 'one.js' } }
    folder('several', {
      'manifest.json': { ...manifest('several', PYTHON), tools: [one, { ...one, name: 'two' }] },
      'one.js': 'export default () => "text"',
    })
    expect((await tool(['run', 'several'])).err).toContain('it has several tools; name one of one, two')
    expect(await tool(['run', 'several', 'two'])).toEqual({ out: 'text\n', err: '', status: 0 })
  })

  test('secrets and variables stand in its environment, and nowhere else', async () => {
    expect(await tool(['run', 'secret', '--secret', 'SLACK_BOT_TOKEN', '--var', 'depth=2'], 'xoxb-1\n')).toMatchObject({
      out: 'xoxb-1 2\n',
      status: 0,
    })
    const without = await tool(['run', 'secret'])
    expect(without).toMatchObject({
      out: 'None 1\n',
      err: 'tidepool: the secret SLACK_BOT_TOKEN is not set: give it by --secret SLACK_BOT_TOKEN\n',
    })
    expect((await tool(['run', 'secret', '--secret', 'OTHER=x'])).err).toContain('it asks for no such secret')
    expect((await tool(['run', 'secret', '--var', 'other=x'])).err).toContain('it has no such variable')
  })

  test('a library finds the mounted directory as its workspace; a program outside of the sandbox must be allowed', async () => {
    folder('project', { 'src/tests/a.test.js': '' })
    const check = await tool([
      'run',
      join(EXAMPLES, 'sdk/examples/has-tests'),
      '{"function":"module_selector","args":["src"],"workspace":"/mnt/project"}',
      '--mount',
      './project:/mnt/project:ro',
      '--grant-all',
    ])
    expect(check).toMatchObject({ err: '', status: 0 })
    expect(check.out).toContain('src/tests/a.test.js')
    folder('outside', { 'tidepool.toml': '[libraries]\noutside = { executable = "python3", args = ["x.py"] }' })
    expect(await tool(['run', 'outside', '{"function":"f"}'])).toMatchObject({ out: '', status: 1 })
    expect((await tool(['run', 'outside', '{"function":"f"}'])).err).toContain('--allow-external')
  })
})

describe('tidepool tool add, list and remove', () => {
  const data = join(scratch, 'data', 'tidepool')

  test('an added tool is called by its name, also from the shell, until it is removed', async () => {
    const added = await tool(['add', 'count'])
    expect(added).toMatchObject({ err: '', status: 0 })
    expect(added.out).toMatch(/\nAdded count-words 1\.0\.0\n$/)
    expect((await tool(['list'])).out).toMatch(/^count-words 1\.0\.0 {2}count_words {2}may nothing {2}sha256 [0-9a-f]{12}\n$/)
    expect((await tool(['run', 'count_words', '{"text":"a"}'])).out).toBe('{\n  "words": 1\n}\n')
    expect(await run([CLI, 'run', '--tools', `btcp call count_words '{"text":"a b c d"}'`])).toEqual({
      out: '{"words":4}\n',
      err: '',
      status: 0,
    })
    expect((await run([CLI, 'run', `btcp call count_words '{"text":"a"}'`])).status).not.toBe(0)
    expect(await tool(['remove', 'count_words'])).toEqual({ out: 'Removed count-words 1.0.0\n', err: '', status: 0 })
    expect(await tool(['list', '--json'])).toEqual({ out: '[]\n', err: '', status: 0 })
    expect(readdirSync(join(data, 'packages'))).toEqual([])
    expect(await tool(['remove', 'count_words'])).toMatchObject({
      err: 'tidepool: Cannot remove "count_words": there is no such tool\n',
      status: 1,
    })
  })

  test('the secrets lie where only the user reads them', async () => {
    await tool(['add', 'secret', '--secret', 'SLACK_BOT_TOKEN'], 'xoxb-2\n')
    expect(statSync(join(data, 'tools.json')).mode & 0o777).toBe(0o600)
    expect(statSync(data).mode & 0o777).toBe(0o700)
    const { out } = await tool(['list', '--json'])
    expect(JSON.parse(out)).toMatchObject([{ name: 'secret', env: ['SLACK_BOT_TOKEN'] }])
    expect(out).not.toContain('xoxb')
    expect((await tool(['run', 'secret'])).out).toBe('xoxb-2 1\n')
    await tool(['remove', 'secret'])
  })

  test('a changed package is granted nothing that the former one was', async () => {
    const store = ['--store', join(scratch, 'store')]
    const reader = (text: string): object => ({
      ...manifest('reader', SCRIPT, { capabilities: ['vfs:read'], description: text }),
      capabilities: ['vfs:read'],
    })
    folder('reader', { 'manifest.json': reader('first'), 'tool.js': 'export default () => "read"' })
    expect((await tool(['add', 'reader', '--grant-all', ...store])).out).toMatch(/\nAdded reader 1\.0\.0\n$/)
    expect((await tool(['run', 'reader', ...store])).out).toBe('read\n')
    folder('reader', { 'manifest.json': reader('second') })
    const again = await tool(['add', 'reader', ...store])
    expect(again.out).toContain(
      'Replaced 1.0.0 with reader 1.0.0\nIt was not granted vfs:read: to let it, add it again with --grant vfs:read\n',
    )
    expect(await tool(['run', 'reader', ...store])).toMatchObject({ out: '', status: 1 })
    expect((await tool(['run', 'reader', '--grant', 'vfs:read', ...store])).out).toBe('read\n')
    expect(readdirSync(join(scratch, 'store', 'packages'))).toHaveLength(1)
    expect(await run([CLI, 'run', 'btcp tools | grep -c reader', ...store])).toMatchObject({ status: 0 })
  })

  test('two packages have no tool of one name, and a package that was changed on the disk is not run', async () => {
    const store = ['--store', join(scratch, 'clash')]
    await tool(['add', 'count', ...store])
    folder('other', { 'manifest.json': { ...manifest('Count_Words', SCRIPT), name: 'other' }, 'tool.js': COUNT })
    expect(await tool(['add', 'other', ...store])).toMatchObject({
      err: 'tidepool: Cannot add "other": the tool "Count_Words" is there already, of "count-words"\n',
      status: 1,
    })
    const [digest = ''] = readdirSync(join(scratch, 'clash', 'packages'))
    writeFileSync(join(scratch, 'clash', 'packages', digest, 'tool.js'), 'export default () => 1')
    expect(await tool(['run', 'count_words', '{"text":"a"}', ...store])).toMatchObject({
      out: '',
      err: 'tidepool: Cannot use "count-words": its package has been changed since it was added; add it again\n',
      status: 1,
    })
    await tool(['add', 'reader', '--grant-all', ...store])
    expect(await tool(['run', 'reader', ...store])).toEqual({
      out: 'read\n',
      err: 'tidepool: Cannot use "count-words": its package has been changed since it was added; add it again\n',
      status: 0,
    })
    expect((await run([CLI, 'run', 'btcp tools | grep -c count_words', ...store])).out).toBe('0\n')
    writeFileSync(join(scratch, 'clash', 'tools.json'), '{')
    expect((await tool(['list', ...store])).err).toContain('it is damaged')
  })
})

describe('npm run new tool', () => {
  const made = (args: readonly string[]): Promise<Ended> => run([join(ROOT, 'scripts/new.mjs'), 'tool', ...args])

  test.each([
    ['python', '{"text":"the open sea"}', { words: 3, longest: 'open' }],
    ['js', '{"text":"the open sea"}', { words: 3, longest: 'open' }],
    ['as', '{"greeting":"Ahoy"}', { text: 'Ahoy, the sea!' }],
  ])('makes one in %s that builds, is in order, and runs', async (lang, input, expected) => {
    const name = `my-${lang}`
    const { out, status } = await made(['--lang', lang, name])
    expect(status).toBe(0)
    expect(out).toContain(`npx tidepool tool check ${name}`)
    const path = join(scratch, name)
    if (lang === 'as') {
      const built = await run([
        join(ROOT, 'node_modules/assemblyscript/bin/asc.js'),
        `${name}/assembly/index.ts`,
        '-o',
        `${name}/tool.wasm`,
        '-Oz',
        '--debug',
      ])
      expect(built).toMatchObject({ err: '', status: 0 })
    }
    expect(await tool(['check', path])).toMatchObject({ err: '', status: 0 })
    const page = existsSync(join(path, 'page.html')) ? ['--page', join(path, 'page.html'), '--grant-all'] : []
    expect(JSON.parse((await tool(['run', path, input, ...page])).out)).toEqual(expected)
  })

  test.each(['rust', 'c', 'as', 'python', 'js'])('leaves no placeholder in %s', async (lang) => {
    const name = `all-${lang}`
    await made(['--lang', lang, name, '--dir', 'deep/er'])
    const files = readdirSync(join(scratch, 'deep/er', name), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    expect(files.length).toBeGreaterThan(3)
    for (const entry of files) expect(readFileSync(join(entry.parentPath, entry.name), 'utf8')).not.toMatch(/__[A-Z]+__/)
  })

  test('refuses other names and languages, and what is there', async () => {
    expect(await made(['--lang', 'python', 'My_Tool'])).toMatchObject({ status: 1 })
    expect((await made(['--lang', 'go', 'x'])).err).toContain('give --lang rust|as|c|python|js')
    expect((await made(['--lang', 'js', 'count'])).err).toContain('it is there already')
    expect((await made([])).err).toContain('Usage: npm run new tool')
  })
})
