/** `js` in Node: scripts in locked processes of their own, as processes of the cell's shell. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Sandbox } from '../../src/node/index.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await Sandbox.create()
})
afterAll(() => sandbox.destroy())

const sh = async (command: string, options = {}) => {
  const { stdout, stderr, exitCode } = await sandbox.run(command, options)
  return [stdout, stderr, exitCode]
}
/** Runs one script from a here-document. */
const js = async (code: string, more = '') => await sh(`cat > /tmp/t.js <<'END_OF_SCRIPT'\n${code}\nEND_OF_SCRIPT\njs /tmp/t.js ${more}`)
/** The line that a script's result channel gets. */
const result = async (code: string): Promise<unknown> => {
  const { stdout } = await sandbox.run(`TIDEPOOL_RESULT_FD=3 js - 3>&1 >/dev/null 2>/dev/null`, { stdin: code })
  return JSON.parse(stdout)
}

describe('a script', () => {
  test('comes from an argument, a file, standard input, a here-document or a first line', async () => {
    expect(await sh("js -e 'console.log(1 + 1)'")).toEqual(['2\n', '', 0])
    expect(await js('console.log(args)', 'a "b c"')).toEqual(["[ 'a', 'b c' ]\n", '', 0])
    expect(await sh('echo "console.log(3)" | js')).toEqual(['3\n', '', 0])
    expect(await sh("js - x <<'E'\nconsole.log(args[0])\nE")).toEqual(['x\n', '', 0])
    expect(await sh("printf '#!/usr/bin/env js\\nconsole.log(args)' > s; chmod +x s; ./s 1")).toEqual(["[ '1' ]\n", '', 0])
    expect(await sh("js -e 'console.log(args)' a -- -b")).toEqual(["[ 'a', '--', '-b' ]\n", '', 0])
  })
  test('prints its value with -p', async () => {
    expect(await sh("js -p '[1, { a: 2 }]'")).toEqual(['[ 1, { a: 2 } ]\n', '', 0])
    expect(await sh('js -p \'"text"\'')).toEqual(['text\n', '', 0])
    expect(await sh("js -p 'let x = 1'")).toEqual(['undefined\n', '', 0])
    expect(await sh('js -p "({ a: 1 }); function f() {}"')).toEqual(['{ a: 1 }\n', '', 0])
    expect(await sh("js -p 'Promise.resolve(5)'")).toEqual(['5\n', '', 0])
  })
  test('knows its options', async () => {
    expect(await sh('js -V')).toEqual(['Tidepool js 0.1.0\n', '', 0])
    expect(await sh('js --help | head -1')).toEqual(['Usage: js [options] [SCRIPT | -] [arguments]\n', '', 0])
    expect(await sh('js -x')).toEqual(['', 'js: there is no option -x\nTry "js --help".\n', 9])
    expect(await sh('js -e')).toEqual(['', 'js: -e needs CODE\nTry "js --help".\n', 9])
    expect(await sh('js none.js')).toEqual(['', 'js: Cannot read "none.js": ENOENT\n', 1])
    expect(await sh('js /tmp')).toEqual(['', 'js: Cannot read "/tmp": EISDIR\n', 1])
  })
  test('awaits at its top level, and is strict', async () => {
    expect(await js('const x = await Promise.resolve(4)\nconsole.log(x, this)')).toEqual(['4 undefined\n', '', 0])
    expect(await js('await new Promise(() => {})')).toEqual([
      '',
      'Warning: the script waits at its top level for a promise that nothing will settle\n',
      13,
    ])
  })
  test('ends when nothing is left to wait for', async () => {
    expect(await js('setTimeout(() => console.log(2), 20)\nconsole.log(1)')).toEqual(['1\n2\n', '', 0])
    expect(await js('let n = 0; const t = setInterval(() => ++n === 3 && (clearInterval(t), console.log(n)), 1)')).toEqual(['3\n', '', 0])
    expect(await js("queueMicrotask(() => console.log('later'))")).toEqual(['later\n', '', 0])
  })
  test('ends with the status of exit, at once', async () => {
    expect(await js('console.log(1)\nexit(7)\nconsole.log(2)')).toEqual(['1\n', '', 7])
    expect(await js("setTimeout(() => exit(), 1)\nsetInterval(() => console.log('x'), 1000)")).toEqual(['', '', 0])
    expect(await js('try { exit(3) } finally { console.log("no") }')).toEqual(['', '', 3])
  })
  test('leaves nothing to the next one', async () => {
    expect(await js("globalThis.left = 1; Array.prototype.left = 2; console.log('a')")).toEqual(['a\n', '', 0])
    expect(await js('console.log(globalThis.left, [].left)')).toEqual(['undefined undefined\n', '', 0])
  })
  test('has the harmless things of the web, and of modules its own place only', async () => {
    expect(await js("console.log(new URL('http://a/b?c').search, atob(btoa('x')), structuredClone({ a: [1] }))")).toEqual([
      '?c x { a: [ 1 ] }\n',
      '',
      0,
    ])
    expect(await js('console.log(crypto.randomUUID().length, crypto.getRandomValues(new Uint8Array(4)).length)')).toEqual(['36 4\n', '', 0])
    expect(await js("console.log(new TextDecoder().decode(new TextEncoder().encode('hé')), performance.now() > 0)")).toEqual([
      'hé true\n',
      '',
      0,
    ])
    expect(await js('console.log(import.meta.main, import.meta.filename, import.meta.url)')).toEqual([
      'true /tmp/t.js file:///tmp/t.js\n',
      '',
      0,
    ])
  })
})

describe('the console', () => {
  test('logs to standard output and warns on standard error', async () => {
    const code = 'console.log(1); console.info(2); console.debug(3); console.warn(4); console.error(5)'
    expect(await js(code)).toEqual(['1\n2\n3\n', '4\n5\n', 0])
  })
  test('shows values as Node does', async () => {
    const shown = async (expression: string): Promise<unknown> => (await js(`console.log(${expression})`))[0]
    expect(await shown("'%s is %d', 'a', 42, [undefined, null, -0, 10n, Symbol('s')]")).toBe(
      'a is 42 [ undefined, null, -0, 10n, Symbol(s) ]\n',
    )
    expect(await shown("new Map([['k', { a: 1 }]]), new Set([1]), /x/g, class A {}, () => 1")).toBe(
      "Map(1) { 'k' => { a: 1 } } Set(1) { 1 } /x/g [class A] [Function (anonymous)]\n",
    )
    expect(await shown('(() => { const c = {}; c.c = c; return c })()')).toBe('<ref *1> { c: [Circular *1] }\n')
    expect(await shown('{ a: { b: { c: { d: 1 } } } }')).toBe('{ a: { b: { c: [Object] } } }\n')
  })
  test('groups, counts, asserts and draws tables', async () => {
    expect(await js("console.group('g'); console.log('in\\nside'); console.groupEnd(); console.count(); console.count()")).toEqual([
      'g\n  in\n  side\ndefault: 1\ndefault: 2\n',
      '',
      0,
    ])
    expect(await js("console.assert(1 > 2, 'no')")).toEqual(['', 'Assertion failed: no\n', 0])
    expect(await js('console.table([{ a: 1 }, { a: 22 }])')).toEqual([
      '┌─────────┬────┐\n│ (index) │ a  │\n├─────────┼────┤\n│ 0       │ 1  │\n│ 1       │ 22 │\n└─────────┴────┘\n',
      '',
      0,
    ])
  })
})

describe('an error', () => {
  test('names the line and the column of the script, and no frame of ours', async () => {
    expect(await js("const a = 1\nfunction f() { throw new TypeError('boom') }\nf()")).toEqual([
      '',
      "/tmp/t.js:2\nfunction f() { throw new TypeError('boom') }\n                     ^\n\nTypeError: boom\n    at f (/tmp/t.js:2:22)\n    at /tmp/t.js:3:1\n",
      1,
    ])
    expect(await sh("js -e 'null.x'")).toEqual([
      '',
      "[eval]:1\nnull.x\n     ^\n\nTypeError: Cannot read properties of null (reading 'x')\n    at [eval]:1:6\n",
      1,
    ])
  })
  test('in the last expression, which something was put before, stands where the script has it', async () => {
    expect((await js('1;\nnope()'))[1]).toContain('ReferenceError: nope is not defined\n    at /tmp/t.js:2:1\n')
    expect((await js('1; nope(2)'))[1]).toContain('    at /tmp/t.js:1:4\n')
  })
  test('of the syntax is found before anything runs', async () => {
    expect(await js('console.log(1)\nconst = 5')).toEqual([
      '',
      "/tmp/t.js:2\nconst = 5\n      ^\n\nSyntaxError: Unexpected token '='\n    at /tmp/t.js:2:7\n",
      1,
    ])
    expect((await js('this is bad'))[1]).toContain("SyntaxError: Unexpected identifier 'is'\n    at /tmp/t.js:1:6\n")
    expect((await js('const x = {'))[1]).toContain('SyntaxError: Unexpected end of input')
    expect((await js('let a; let a'))[1]).toContain("SyntaxError: Identifier 'a' has already been declared")
  })
  test('is an import, whatever its form', async () => {
    expect((await js("import fs from 'node:fs'"))[1]).toContain(
      'SyntaxError: Cannot import "node:fs": a script has no other modules; what there',
    )
    expect((await js("export * from './other.js'"))[1]).toContain(
      'Cannot import "./other.js": a script has no other modules; put it all into one file, as a bundler does',
    )
    expect((await js("await import('data:text/javascript,1')"))[1]).toContain('Cannot import "data:text/javascript,1"')
  })
  test('is one that nobody catches: a rejection, an exception of a timer, any value', async () => {
    expect(await js("Promise.reject(new RangeError('r'))\nsetTimeout(() => console.log('no'), 50)")).toEqual([
      '',
      "/tmp/t.js:1\nPromise.reject(new RangeError('r'))\n               ^\n\nRangeError: r\n    at /tmp/t.js:1:16\n",
      1,
    ])
    expect((await js("setTimeout(() => { throw new Error('late') }, 1)"))[1]).toContain('Error: late\n    at /tmp/t.js:1:26\n')
    expect(await js('throw { a: 1 }')).toEqual(['', 'Uncaught { a: 1 }\n', 1])
    expect(await js('Promise.reject(1).catch(() => console.log("caught"))')).toEqual(['caught\n', '', 0])
  })
  test('keeps its cause', async () => {
    expect((await js("throw new Error('a', { cause: new Error('b') })"))[1]).toContain('[cause]: Error: b')
  })
  test('is a stack that overflows, and the next command works', async () => {
    const [, stderr, status] = await js('function f() { f() }\nf()')
    expect([String(stderr).includes('RangeError: Maximum call stack size exceeded\n    at f (/tmp/t.js:1:16)'), status]).toEqual([true, 1])
    expect(await sh('echo on')).toEqual(['on\n', '', 0])
  })
})

describe('a pipeline', () => {
  test('reads, transforms and writes', async () => {
    expect(await sh(`echo '{"a":1}' | js -e 'const { a } = JSON.parse(await stdin.text()); console.log(a + 1)' | cat`)).toEqual([
      '2\n',
      '',
      0,
    ])
    expect(await sh("printf 'a\\nb\\nc' | js -e 'for await (const line of stdin) console.log(line.toUpperCase())'")).toEqual([
      'A\nB\nC\n',
      '',
      0,
    ])
    expect(await sh("printf 'h\\303\\251' | js -e 'console.log((await stdin.bytes()).length)'")).toEqual(['3\n', '', 0])
    expect(await sh("seq 100000 | js -e 'let n = 0; for await (const l of stdin) n += +l; console.log(n)'")).toEqual([
      '5000050000\n',
      '',
      0,
    ])
    expect(await sh("js -e 'for (let i = 0; i < 200000; i++) console.log(i)' | tail -1")).toEqual(['199999\n', '', 0])
    expect(await sh("js -e 'for (let i = 0; i < 1e6; i++) console.log(i)' | wc -l")).toEqual(['1000000\n', '', 0])
    expect(await sh("js -e 'for (let i = 0; i < 30000; i++) stdout.write(new Uint8Array([120]))' | wc -c")).toEqual(['30000\n', '', 0])
    expect(await sh("js -e 'console.log(1)' | js -e 'console.log(await stdin.text() + 2)'")).toEqual(['1\n2\n', '', 0])
  })
  test('ends a script that nobody reads any more with SIGPIPE', async () => {
    expect(await sh("js -e 'for (;;) console.log(1)' | head -2; echo ${PIPESTATUS[0]}")).toEqual(['1\n1\n141\n', '', 0])
    expect(await sh('js -e \'for (;;) await stdout.write("y\\n")\' | head -1; echo ${PIPESTATUS[0]}')).toEqual(['y\n141\n', '', 0])
  })
  test('makes a script that waits for its reader wait', async () => {
    const code = 'let n = 0; for (; n < 40; n++) await stdout.write("x".repeat(65536)); console.error("written")'
    expect(await sh(`js -e '${code}' | { sleep 0.3; wc -c; }`)).toEqual(['2621440\n', 'written\n', 0])
  })
  test('hears what a script prints before it computes for long', async () => {
    const { stdout, timedOut } = await sandbox.run("js -e 'for (let i = 0; i < 20; i++) console.log(i); for (;;);'", { timeoutMs: 2_000 })
    expect([stdout.split('\n').length, timedOut]).toEqual([21, true])
  })
  test('leaves input that a script does not read to the next one', async () => {
    expect(await sh("printf 'a\\nb\\n' | { js -e 'console.log(0)'; cat; }")).toEqual(['0\na\nb\n', '', 0])
  })
})

describe('files', () => {
  test('are those of the shell, both ways and at once', async () => {
    expect(await js("await fs.writeFile('a.txt', 'hé\\n'); await fs.appendFile('a.txt', new Uint8Array([120]))", '&& cat a.txt')).toEqual([
      'hé\nx',
      '',
      0,
    ])
    expect(await sh('echo shell > b.txt; js -e \'console.log(await fs.readFile("b.txt", "utf8"), await fs.readFile("b.txt"))\'')).toEqual([
      'shell\n Uint8Array(6) [ 115, 104, 101, 108, 108, 10 ]\n',
      '',
      0,
    ])
  })
  test('are listed, looked at, moved and removed', async () => {
    const code = `await fs.mkdir('d/e', { recursive: true })
await fs.writeFile('d/f', '12345')
await fs.symlink('f', 'd/l')
console.log(await fs.readdir('d'), (await fs.readdir('d', { withFileTypes: true })).map((e) => e.isDirectory()))
const s = await fs.stat('d/l')
console.log(s.size, s.isFile(), (await fs.lstat('d/l')).isSymbolicLink(), s.mtime instanceof Date, (s.mode & 0o777).toString(8))
console.log(await fs.readlink('d/l'), await fs.realpath('d/l'), await fs.exists('d/f'), await fs.exists('d/g'))
await fs.rename('d/f', 'd/g')
await fs.copyFile('d/g', 'd/h')
await fs.unlink('d/l')
console.log(await fs.readdir('d'))
await fs.rm('d', { recursive: true })
await fs.rm('none', { force: true })
console.log(await fs.exists('d'))`
    expect(await js(code)).toEqual([
      "[ 'e', 'f', 'l' ] [ true, false, false ]\n5 true true true 644\nf /home/user/d/f true false\n[ 'e', 'g', 'h' ]\nfalse\n",
      '',
      0,
    ])
  })
  test('follow the directory and the umask of their process', async () => {
    expect(
      await sh('umask 077; mkdir -p w; cd w; js -e \'await fs.writeFile("p", ""); console.log(await fs.cwd())\'; stat -c %a p'),
    ).toEqual(['/home/user/w\n600\n', '', 0])
  })
  test('are large, too', async () => {
    expect(
      await sh(
        'head -c 3000000 /dev/urandom > big; js -e \'await fs.writeFile("big2", await fs.readFile("big"))\'; cmp big big2 && echo same',
      ),
    ).toEqual(['same\n', '', 0])
  })
  test('fail with the errors of Node', async () => {
    const code = `const say = async (work) => console.log(await work.then(() => 'done', (e) => \`\${e.code} \${e.message}\`))
await say(fs.readFile('none'))
await say(fs.readdir('none'))
await say(fs.mkdir('/tmp'))
await say(fs.rm('/tmp'))
await say(fs.writeFile('/usr/bin/x', ''))
await say(fs.readFile('/home'))
await say(fs.rename('none', 'b'))
try { fs.readFileSync('x') } catch (error) { console.log(error.message) }`
    expect(await js(code)).toEqual([
      `ENOENT ENOENT: no such file or directory, open 'none'
ENOENT ENOENT: no such file or directory, scandir 'none'
EEXIST EEXIST: file already exists, mkdir '/tmp'
EISDIR EISDIR: illegal operation on a directory, rm '/tmp'
EACCES EACCES: permission denied, open '/usr/bin/x'
EISDIR EISDIR: illegal operation on a directory, open '/home'
ENOENT ENOENT: no such file or directory, rename 'none' -> 'b'
fs.readFileSync: nothing is synchronous here; use await fs.readFile(…)
`,
      '',
      0,
    ])
  })
  test('may be asked for by many at once', async () => {
    const code = `await Promise.all(Array.from({ length: 200 }, (_, i) => fs.writeFile('/tmp/m' + i, String(i))))
console.log((await fs.readdir('/tmp')).filter((name) => /^m\\d+$/.test(name)).length)`
    expect(await js(code)).toEqual(['200\n', '', 0])
  })
})

describe('a process', () => {
  /** Waits until the script says by a file that it runs. */
  const UP = 'rm -f up; '
  const WAIT = 'until [ -e up ]; do sleep 0.05; done; '
  const SPINS = `js -e 'await fs.writeFile("up", ""); for (;;);'`

  test('ends by a signal, whatever its script does', async () => {
    expect(await sh(`${UP}${SPINS} & ${WAIT}kill $!; wait $!; echo $?`)).toEqual(['143\n', '', 0])
    const killed = await sandbox.run(
      `${UP}sleep 9 | js -e 'await fs.writeFile("up", ""); await stdin.text()' & ${WAIT}kill -KILL $!; wait $!; echo $?`,
    )
    expect(killed.stdout).toBe('137\n')
    expect(await sh("timeout 0.5 js -e 'for (;;);'; echo $?")).toEqual(['124\n', '', 0])
  })
  test('ends at the deadline', async () => {
    const { exitCode, timedOut } = await sandbox.run("js -e 'for (;;);'", { timeoutMs: 600 })
    expect([exitCode, timedOut]).toEqual([137, true])
    expect(await sh('echo on')).toEqual(['on\n', '', 0])
  })
  test('stands still while it is stopped', async () => {
    const ticks = `js -e 'setInterval(async () => { console.log("tick"); await fs.writeFile("up", "") }, 20)' > ticks`
    const count = 'wc -l < ticks'
    const line = `${UP}${ticks} & ${WAIT}kill -STOP $!; sleep 0.1; a=$(${count}); sleep 0.3; b=$(${count}); kill -CONT $!; sleep 0.3; c=$(${count}); kill -KILL $!; [ $a = $b ] && [ $c -gt $b ] && echo still`
    expect((await sh(line))[0]).toBe('still\n')
  })
  test('is made by others as any is: exec, xargs, in the background', async () => {
    expect(await sh(`bash -c 'exec js -e "console.log(1)"'; echo 3 | xargs js -e 'console.log(args)'`)).toEqual(["1\n[ '3' ]\n", '', 0])
    expect(await sh('for i in 1 2 3; do js -p $i & done; wait')).toMatchObject({ 2: 0 })
  })
  test('is seen by the others', async () => {
    expect((await sh(`${UP}${SPINS} & ${WAIT}cat /proc/$!/comm; kill $!`))[0]).toBe('js\n')
    expect(await sh('command -v js; cat /usr/bin/js')).toEqual(['/usr/bin/js\nJavaScript, run by the host: see "js --help"\n', '', 0])
  })
  test('is one of so many; more is an error that names the limit', async () => {
    await using small = await Sandbox.create({ limits: { jsWorkers: 1 } })
    const { stdout, stderr } = await small.run(`${SPINS} & ${WAIT}js -e 1; echo $?`)
    expect([stdout, stderr]).toEqual(['1\n', 'js: Cannot run the script: as many run as the limit jsWorkers allows\n'])
  })
})

describe('a limit', () => {
  test('holds timers, output that waits, and the script’s length', async () => {
    await using small = await Sandbox.create({ limits: { jsTimers: 3, jsOutputBytes: 1_000_000, scriptBytes: 200, jsRequests: 1 } })
    const run = async (command: string, stdin = '') => (await small.run(command, { stdin })).stderr
    expect(await run("js -e 'for (;;) setTimeout(() => {}, 1000)'")).toContain(
      'Cannot set a timer: 3 are set, as many as the limit jsTimers allows',
    )
    expect(await run("js -e 'for (;;) console.log(1)' | cat >/dev/null")).toBe(
      'js: Cannot print: more output waits than the limit jsOutputBytes allows\n',
    )
    expect(await run('js', ' '.repeat(300))).toBe('js: Cannot run "[stdin]": it is longer than the limit scriptBytes\n')
    const many = await small.run("js -e 'console.log((await Promise.all([1, 2, 3].map(() => fs.cwd()))).length)'")
    expect(many.stdout).toBe('3\n')
  })
  test('T50 of time holds a regular expression that does not end; T53 of memory a heap and buffers that grow: the next call works, files are intact', async () => {
    await using small = await Sandbox.create({ limits: { jsMemoryBytes: 64 * 1024 * 1024 } })
    await small.writeFile('kept', 'still here')
    const regex = await small.run(`js -e '/(a+)+$/.test("a".repeat(40) + "b")'`, { timeoutMs: 800 })
    expect([regex.timedOut, regex.exitCode]).toEqual([true, 137])
    const text = 'js: the script was ended: it used more memory than the limit jsMemoryBytes (67108864) allows\n'
    const heap = await small.run("js -e 'const a = []; for (;;) a.push(new Array(1e5).fill(1.5))'")
    expect([heap.stderr, heap.exitCode]).toEqual([text, 137])
    const buffers = await small.run("js -e 'const a = []; for (;;) a.push(new Uint8Array(1e7).fill(1))'")
    expect([buffers.stderr, buffers.exitCode]).toEqual([text, 137])
    expect((await small.run("js -p '1 + 1'; cat kept")).stdout).toBe('2\nstill here')
  })
})

describe('the result channel', () => {
  test('gets the value as JSON and as text', async () => {
    expect(await result('const a = 2\n;({ a, b: [new Date(0)] })')).toEqual({
      value: { a: 2, b: ['1970-01-01T00:00:00.000Z'] },
      text: '{ a: 2, b: [ 1970-01-01T00:00:00.000Z ] }',
      error: null,
    })
    expect(await result('10n')).toEqual({ value: null, text: '10n', error: null })
    expect(await result('let x = 1')).toEqual({ value: null, text: null, error: null })
    expect(await result('await fs.cwd()')).toEqual({ value: '/home/user', text: "'/home/user'", error: null })
  })
  test('gets the error with its position in the script', async () => {
    expect(await result('let x = 1\n  x.y.z')).toEqual({
      value: null,
      text: null,
      error: {
        name: 'TypeError',
        message: "Cannot read properties of undefined (reading 'z')",
        line: 2,
        column: 7,
        stack: "TypeError: Cannot read properties of undefined (reading 'z')\n    at [stdin]:2:7",
      },
    })
    expect(await result('let x =')).toMatchObject({ error: { name: 'SyntaxError', line: 1, column: 8 } })
    expect(await result('throw 5')).toEqual({
      value: null,
      text: null,
      error: { name: 'number', message: '5', line: null, column: null, stack: '' },
    })
  })
  test('is bounded', async () => {
    const cut = (await result("'x'.repeat(2_000_000)")) as { value: unknown; text: string }
    expect([cut.value, cut.text.length < 1_048_576, cut.text.includes('the limit jsResultBytes (1048576)')]).toEqual([null, true, true])
  })
  test('is not missed where there is none', async () => {
    expect(await sh("TIDEPOOL_RESULT_FD=3 js -e '1'")).toEqual(['', '', 0])
  })
})
