/** JavaScript tools in Node: `btcp` in scripts, `js --tool`, `js --node`. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Sandbox } from '../../src/node/index.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await Sandbox.create()
})
afterAll(() => sandbox.destroy())

const run = async (command: string, options = {}) => {
  const { stdout, stderr, exitCode } = await sandbox.run(command, options)
  return [stdout, stderr, exitCode]
}
const file = async (code: string, name = '/tmp/t.js'): Promise<void> => await sandbox.writeFile(name, code)
/** Calls the tool whose module is `code`. */
const tool = async (code: string, input = '{}') => {
  await file(code)
  return await run('js --tool /tmp/t.js', { stdin: input })
}
/** Runs a program for Node. */
const node = async (code: string, stdin = '', more = '', env = {}) => {
  await file(code)
  return await run(`js --node /tmp/t.js ${more}`, { stdin, env })
}

describe('btcp in a script', () => {
  test('calls tools and lists them', async () => {
    await file('hello', '/home/user/note.txt')
    await file(`console.log((await btcp.call('fs_read', { path: 'note.txt' })).content)
      console.log((await btcp.tools()).map(({ name }) => name).includes('fs_read'))
      console.log(Object.isFrozen(btcp), btcp.env.HOME)`)
    expect(await run('js /tmp/t.js')).toEqual(['hello\ntrue\ntrue /home/user\n', '', 0])
  })
  test('throws what went wrong, by its name', async () => {
    await file(`for (const [name, args] of [['page_text', {}], ['nothing', {}], ['fs_read', { path: 'none' }], ['fs_read', { path: 5 }]])
      try { await btcp.call(name, args) } catch (error) { console.log(error instanceof btcp.BtcpError, error.name, error.code, error.number, error.message) }`)
    expect(await run('js /tmp/t.js')).toEqual([
      [
        'true BtcpError UNSUPPORTED 4200 Cannot call "page_text": there is no page here',
        'true BtcpError TOOL_NOT_FOUND -32010 Cannot call "nothing": no such tool',
        'true BtcpError ENOENT null Cannot read "none": no such file or directory',
        'true BtcpError INVALID_PARAMS -32602 Cannot call "fs_read": /path Instance type "number" is invalid. Expected "string".',
        '',
      ].join('\n'),
      '',
      0,
    ])
  })
  test('calls many at a time, and none that is too large', async () => {
    await file(`const all = await Promise.all(Array.from({ length: 30 }, (_, i) => btcp.call('fs_write', { path: 'n' + i, content: String(i) })))
      console.log(all.length, all[29].bytes)
      try { await btcp.call('fs_write', { path: 'x', content: 'x'.repeat(1 << 20) }) } catch ({ code }) { console.log(code) }`)
    expect(await run('js /tmp/t.js')).toEqual(['30 2\nINVALID_PARAMS\n', '', 0])
  })
  test('in another tool is 4 deep at most', async () => {
    const deep = "await btcp.call('js_run', { code: args[0], args })"
    await file(`const code = ${JSON.stringify(`let r; try { r = ${deep} } catch ({ code }) { r = code } r.value ?? r`)}
      console.log((await btcp.call('js_run', { code, args: [code] })).value)`)
    expect(await run('js /tmp/t.js')).toEqual(['BUSY\n', '', 0])
  })
})

describe('js --tool', () => {
  test('calls the default export with the arguments and prints its result', async () => {
    expect(await tool('export default ({ a, b }) => ({ sum: a + b })', '{"a":1,"b":2}')).toEqual(['{"sum":3}\n', '', 0])
    expect(await tool('async function main(args) { return args }\nexport { main as default }', ' [1, "é"] ')).toEqual(['[1,"é"]\n', '', 0])
    expect(await tool('export default () => {}')).toEqual(['null\n', '', 0])
    expect(await tool('export default (args) => args', '')).toEqual(['{}\n', '', 0])
    await file('inside', '/tmp/x')
    expect(await tool("export default async (args, btcp) => (await btcp.call('fs_read', { path: '/tmp/x' })).content")).toEqual([
      '"inside"\n',
      '',
      0,
    ])
  })
  test('keeps standard output for the result', async () => {
    expect(await tool("console.log('a'); export default async () => { await stdout.write('b\\n'); console.error('c'); return 1 }")).toEqual(
      ['1\n', 'a\nb\nc\n', 0],
    )
  })
  test('ends with the result, whatever timers are left, and gives its environment', async () => {
    expect(await tool('export default (_, btcp) => { setInterval(() => {}, 1000); return btcp.env.USER }')).toEqual(['"user"\n', '', 0])
  })
  test('says what is wrong', async () => {
    expect(await tool("export default () => { throw new RangeError('too much') }")).toEqual([
      '',
      "/tmp/t.js:1\nexport default () => { throw new RangeError('too much') }\n                             ^\n\nRangeError: too much\n    at default (/tmp/t.js:1:30)\n",
      1,
    ])
    expect(await tool('export const main = 1')).toEqual([
      '',
      'TypeError: Cannot call "/tmp/t.js": it exports no function; a tool is "export default (args, btcp) => result"\n',
      1,
    ])
    expect((await tool('export default () => 1n'))[2]).toBe(1)
    expect((await tool('export default () => Symbol()'))[1]).toContain('Cannot answer: the result is a symbol, which JSON has not')
    expect((await tool('export default () => 1', '{'))[1]).toContain('Cannot read the arguments: standard input is no JSON: ')
    expect(await tool('export default () => new Promise(() => {})')).toEqual([
      '',
      'Warning: the script waits at its top level for a promise that nothing will settle\n',
      13,
    ])
    expect((await tool('export default () => document.title'))[1]).toContain(
      'ReferenceError: document is not defined: a tool is not in the page; it asks it by await btcp.call("page_text"',
    )
    expect((await tool("import fs from 'fs'\nexport default () => 1"))[1]).toContain('Cannot import "fs": a script has no other modules')
    expect(await run('js --tool none.js')).toEqual(['', 'js: Cannot read "none.js": ENOENT\n', 1])
  })
})

describe('js --node', () => {
  const CASES: readonly (readonly [name: string, code: string])[] = [
    [
      'data and end',
      "let input = ''\nprocess.stdin.on('data', (chunk) => (input += chunk))\nprocess.stdin.on('end', () => console.log(JSON.parse(input).a))",
    ],
    [
      'setEncoding',
      "process.stdin.setEncoding('utf8'); let all = ''; process.stdin.on('data', (c) => { all += c }).on('end', () => process.stdout.write(`${JSON.parse(all).a}\\n`))",
    ],
    [
      'chunks in a Buffer',
      "const chunks = []; process.stdin.on('data', (c) => chunks.push(c)); process.stdin.once('end', () => console.log(JSON.parse(Buffer.concat(chunks).toString('utf-8')).a))",
    ],
    ['readable', "process.stdin.on('readable', () => { let c; while ((c = process.stdin.read()) !== null) console.log(JSON.parse(c).a) })"],
    [
      'async iteration in a main',
      'async function main() { const parts = []; for await (const part of process.stdin) parts.push(part); console.log(JSON.parse(Buffer.concat(parts)).a) }\nmain()',
    ],
    ['readFileSync(0)', "const fs = require('fs'); console.log(JSON.parse(fs.readFileSync(0, 'utf8')).a)"],
    ['readFileSync of /dev/stdin', "const { readFileSync } = require('node:fs'); console.log(JSON.parse(readFileSync('/dev/stdin')).a)"],
    [
      'readFile with a callback',
      "require('fs').readFile(0, 'utf8', (error, text) => { if (error) throw error; console.log(JSON.parse(text).a) })",
    ],
    [
      'promisify',
      "const { promisify } = require('util'); promisify(require('fs').readFile)('/dev/stdin', { encoding: 'utf8' }).then((t) => console.log(JSON.parse(t).a))",
    ],
    ['fs.promises', "require('fs').promises.readFile(0).then((b) => console.log(JSON.parse(b.toString()).a))"],
    [
      'a module',
      "import fs from 'node:fs'\nimport { stdin as input, argv } from 'process'\nconst text = fs.readFileSync(input.fd, 'utf8')\nconsole.log(JSON.parse(text).a)",
    ],
    [
      'a module that awaits',
      "import process from 'node:process'\nlet all = ''\nfor await (const c of process.stdin) all += c\nconsole.log(JSON.parse(all).a)\nexport {}",
    ],
    ['import at the end, and all of it', "console.log(JSON.parse(fs.readFileSync(0, 'utf8')).a)\nimport * as fs from 'fs'"],
    ['import()', "import('fs').then(({ default: fs }) => console.log(JSON.parse(fs.readFileSync(0)).a))"],
    [
      'what a compiler makes of imports',
      `"use strict";\nvar __importDefault = (this && this.__importDefault) || function (mod) { return (mod && mod.__esModule) ? mod : { "default": mod }; };\nObject.defineProperty(exports, "__esModule", { value: true });\nconst fs_1 = __importDefault(require("fs"));\nconsole.log(JSON.parse(fs_1.default.readFileSync(0, "utf8")).a);`,
    ],
    [
      'createRequire, as bundlers write it',
      "import { createRequire } from 'module'; const require = createRequire(import.meta.url);\nconsole.log(JSON.parse(require('fs').readFileSync(0)).a)",
    ],
    [
      'readline',
      "const rl = require('readline').createInterface({ input: process.stdin }); let all = ''; rl.on('line', (l) => (all += l)); rl.on('close', () => console.log(JSON.parse(all).a))",
    ],
    [
      'readline, line by line',
      "import { createInterface } from 'node:readline'\nfor await (const line of createInterface({ input: process.stdin })) console.log(JSON.parse(line).a)",
    ],
    ['require.main', "if (require.main === module) console.log(JSON.parse(require('fs').readFileSync(0)).a)\nmodule.exports = {}"],
  ]
  for (const [name, code] of CASES)
    test(`reads standard input: ${name}`, async () => {
      expect(await node(code, '{"a":"é"}')).toEqual(['é\n', '', 0])
    })

  test('finds process, its environment and arguments', async () => {
    expect(
      await node(
        "console.log(process.argv.slice(1), process.env.KEY, process.cwd(), process.platform, typeof process.version)\nprocess.env.X = 'y'; console.log(process.env.X)",
        '',
        'one "two three"',
        { KEY: 'secret' },
      ),
    ).toEqual(["[ '/tmp/t.js', 'one', 'two three' ] secret /home/user linux string\ny\n", '', 0])
    expect(await node('console.log(__filename, __dirname, this === module.exports, typeof require)')).toEqual([
      '/tmp/t.js /tmp true function\n',
      '',
      0,
    ])
    expect(await node('import.meta; console.log(import.meta.dirname, typeof require)')).toEqual(['/tmp undefined\n', '', 0])
  })
  test('ends with its status', async () => {
    expect(await node("process.stdout.write('out\\n'); process.stderr.write('err\\n'); process.exit(3)")).toEqual(['out\n', 'err\n', 3])
    expect(await node("process.exitCode = 4; process.on('exit', (code) => console.log('bye', code))")).toEqual(['bye 4\n', '', 4])
    expect(await node('if (true) return\nconsole.log(1)')).toEqual(['', '', 0])
    expect(await node("process.stdout.write('a', () => console.log('b')); setImmediate(() => console.log('c'))")).toMatchObject({ 2: 0 })
    expect(await node("throw new Error('boom')")).toEqual([
      '',
      "/tmp/t.js:1\nthrow new Error('boom')\n      ^\n\nError: boom\n    at Object.<anonymous> (/tmp/t.js:1:7)\n",
      1,
    ])
    expect((await node("\nimport fs from 'fs'; null.x"))[1]).toContain('/tmp/t.js:2\n')
    expect((await node('const = 5'))[1]).toContain("SyntaxError: Unexpected token '='\n    at /tmp/t.js:1:7\n")
  })
  test('reads and writes files without blocking, and says what cannot be synchronous', async () => {
    await file('text', '/tmp/in.txt')
    expect(
      await node(
        "const { promises: fs } = require('fs'); const path = require('path')\n;(async () => { const p = path.join(__dirname, 'x', '..', 'out.txt'); await fs.writeFile(p, (await fs.readFile('/tmp/in.txt', 'utf8')).toUpperCase()); console.log(String(await fs.readFile(p))) })()",
      ),
    ).toEqual(['TEXT\n', '', 0])
    expect((await node("require('fs').readFileSync('/tmp/in.txt')"))[1]).toContain(
      'Error: Cannot read "/tmp/in.txt": only standard input can be read synchronously; use await fs.promises.readFile(…)\n',
    )
    expect((await node("require('fs').existsSync('/tmp/in.txt')"))[1]).toContain('nothing is synchronous here')
  })
  test('says which modules there are', async () => {
    expect((await node("require('child_process')"))[1]).toContain(
      'Error: Cannot find module "child_process": there are buffer, events, fs, fs/promises, module, os, path, process, readline, url, util, and the files that the program names by their paths\n',
    )
    expect((await node("import axios from 'axios'"))[1]).toContain('Cannot find module "axios"')
    expect((await node("import { fork } from 'fs'"))[1]).toContain('SyntaxError: The module "fs" has no fork here')
    expect((await node("require('constructor')"))[1]).toContain('Cannot find module "constructor"')
    expect((await node("import './none.js'"))[1]).toContain('Cannot find module "./none.js"')
    expect((await node("export * from 'fs'"))[2]).toBe(0)
  })
  test('is told that there is no network', async () => {
    expect(await node("fetch('https://a.example/x').catch((error) => console.log(error.name, error.message))")).toEqual([
      'TypeError Cannot reach "a.example": capability "network:fetch:cross-origin" is not granted\n',
      '',
      0,
    ])
  })
  test('is made of the files that it names by their paths', async () => {
    await sandbox.run('rm -rf /tmp/app; mkdir -p /tmp/app/lib')
    const files = {
      'index.js': `const { double } = require('./lib/math'); const data = require('./data'); const { read } = require('./lib')
        read((text) => console.log(double(JSON.parse(text).n), data.name, require('./lib/math') === require('./lib/math.js'), __dirname))
        require('./late')`,
      'data.json': '{"name":"é"}',
      'lib/index.js':
        "exports.read = (then) => then(require('fs').readFileSync(0, 'utf8')); exports.up = require('../index') !== undefined",
      'lib/math.js': 'module.exports.double = (n) => n * factor\nconst factor = 2',
      'late.js': "const x = 1\nthrow new Error('late')",
    }
    for (const [name, text] of Object.entries(files)) await file(text, `/tmp/app/${name}`)
    expect(await run('js --node /tmp/app/index.js', { stdin: '{"n":21}' })).toEqual([
      '42 é true /tmp/app\n',
      expect.stringContaining('Error: late\n    at Object.<anonymous> (/tmp/app/late.js:2:7)\n'),
      1,
    ])
    expect((await run('cd /tmp/app && js --node index.js', { stdin: '{"n":1}' }))[0]).toBe('2 é true /tmp/app\n')
    await file('\nconst = 1', '/tmp/app/late.js')
    expect(await run('js --node /tmp/app/index.js')).toEqual(['', "SyntaxError: Unexpected token '='\n    at /tmp/app/late.js:2:7\n", 1])
  })
  test('is made of modules that import each other', async () => {
    await sandbox.run('rm -rf /tmp/esm; mkdir -p /tmp/esm')
    const files = {
      'index.js': `import main, { add, Counter as C, all, names } from './lib.js'
        import * as lib from './lib.js'
        import data from './data.json' with { type: 'json' }
        import { helper } from './old.cjs'
        await main(); new C().up()
        console.log(add(data.n, 1), all.twice(3), names, Object.keys(lib).sort().join(), helper(), (await import('./lib.js')).add(2, 2))`,
      'lib.js': `export { add as add, default as plus } from './math.mjs'
        export * from './more.js'; export * as all from './more.js'
        export default async function main() { await null; names.push('main') }
        export class Counter { up() { names.push('up') } }
        export const [names, { x: y }] = [[], { x: 1 }]`,
      'math.mjs': 'export function add(a, b) { return a + b }\nexport default (a) => a',
      'more.js': 'export const twice = (n) => n * 2; const inner = 1; export { inner as "in ner" }',
      'old.cjs': "exports.helper = () => require('path').basename(__filename)",
      'data.json': '{"n":41}',
    }
    for (const [name, text] of Object.entries(files)) await file(text, `/tmp/esm/${name}`)
    expect(await run('js --node /tmp/esm/index.js')).toEqual([
      "42 6 [ 'main', 'up' ] Counter,add,all,default,in ner,names,plus,twice,x,y old.cjs 4\n",
      '',
      0,
    ])
  })
  test('has no more files than its limit', async () => {
    await file("import './big.js'", '/tmp/t.js')
    await file(`export const text = '${'x'.repeat(3 * 1024 * 1024)}'`, '/tmp/big.js')
    expect(await run('js --node /tmp/t.js')).toEqual([
      '',
      'RangeError: Cannot run: the files of the program are longer than the limit jsModuleBytes\n',
      1,
    ])
  })
  test('has paths, texts and bytes as Node has them', async () => {
    expect(
      await node(
        `const path = require('path'); const { URL, fileURLToPath } = require('url')
        console.log(path.join('/a', '../b', './c.txt'), path.resolve('x'), path.dirname('/a/b/'), path.basename('/a/b.txt', '.txt'), path.extname('a.tar.gz'), path.relative('/a/b', '/a/c/d'))
        console.log(Buffer.from('é').toString('hex'), Buffer.from('aGk=', 'base64').toString(), Buffer.from([104, 105]) + '', Buffer.byteLength('é'), Buffer.from('hi').toString('base64'))
        console.log(fileURLToPath('file:///a%20b'), new URL('http://a/b').pathname, require('util').format('%s', 1))`,
      ),
    ).toEqual(['/b/c.txt /home/user/x /a b .gz ../c/d\nc3a9 hi hi 2 aGk=\n/a b /b 1\n', '', 0])
  })
  test('a program ends at the deadline of its run', async () => {
    await file("process.stdin.on('data', () => {}); setInterval(() => {}, 1000)")
    const { timedOut } = await sandbox.run('js --node /tmp/t.js', { timeoutMs: 1_500 })
    expect(timedOut).toBe(true)
  })
})
