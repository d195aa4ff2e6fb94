/** A script in Node has no way out: each is tried in its locked process, and in one that nothing locks, where a counting server hears of it. */
import { spawn, spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { Sandbox } from '../../src/node/index.ts'
import { parseFromScript } from '../../src/protocol/js-wire.ts'
import { JS_WAYS, jsLeakScript, jsWaysScript } from '../support/js-ways-out.ts'
import { watchedServer } from '../support/watched-server.ts'

test('T44 a script in Node reaches no server, no other process and nothing of its host by any way', async () => {
  await using server = await watchedServer()
  await using sandbox = await Sandbox.create()
  await sandbox.writeFile('ways.js', jsWaysScript)
  const { stdout } = await sandbox.run(`js ways.js ${server.target.http} ${server.target.ws}`)
  const outcomes = JSON.parse(stdout) as Record<string, string>
  expect(Object.keys(outcomes)).toEqual(JS_WAYS)
  expect(Object.entries(outcomes).filter(([, outcome]) => !['ReferenceError', 'EvalError', 'TypeError'].includes(outcome))).toEqual([])
  expect(server.seen()).toEqual([])
})

test('T44 nor does a program for Node, whose process and modules are made here', async () => {
  await using server = await watchedServer()
  await using sandbox = await Sandbox.create()
  await sandbox.writeFile('ways.js', jsWaysScript)
  const { stdout } = await sandbox.run(`js --node ways.js ${server.target.http} ${server.target.ws}`)
  const outcomes = JSON.parse(stdout) as Record<string, string>
  expect(Object.keys(outcomes)).toEqual(JS_WAYS)
  expect(Object.entries(outcomes).filter(([, outcome]) => !['ReferenceError', 'EvalError', 'TypeError'].includes(outcome))).toEqual([
    ['process', 'done'],
    ['the environment', 'done'],
    ['the arguments of the process', 'done'],
  ])
  expect(server.seen()).toEqual([])
  await sandbox.writeFile('own.js', 'console.log(process.pid, process.argv, Object.keys(process.env).sort().join())')
  expect((await sandbox.run('js --node own.js')).stdout).toBe(
    "1 [ '/usr/bin/node', '/home/user/own.js' ] HOME,HOSTNAME,LANG,LOGNAME,PATH,PWD,SHELL,SHLVL,TZ,USER,_\n",
  )
})

test('T44 the same script in a plain process does, so that the test would notice', async () => {
  await using server = await watchedServer()
  const code = `const args = ${JSON.stringify([server.target.http, server.target.ws])}\n${jsWaysScript}\nprocess.exit()`
  const { stdout } = await new Promise<{ stdout: string }>((resolve) => {
    const child = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', code])
    let text = ''
    child.stdout.on('data', (part: Buffer) => (text += part.toString()))
    child.on('close', () => resolve({ stdout: text }))
  })
  const outcomes = JSON.parse(stdout) as Record<string, string>
  const open = [
    'fetch',
    'WebSocket',
    'process.kill',
    'the host name',
    'flags of the engine',
    'the environment',
    'eval',
    'Function',
    'WebAssembly',
  ]
  expect(open.filter((name) => outcomes[name] !== 'done')).toEqual([])
  expect(server.seen()).toEqual(['/js/WebSocket', '/js/fetch'])
})

test('what the runtime hands to functions that a script has replaced holds no power of the host', async () => {
  await using sandbox = await Sandbox.create()
  await sandbox.writeFile('leak.js', jsLeakScript)
  expect(await sandbox.run('js leak.js')).toMatchObject({ stdout: '[]\n', stderr: 'Error: x\n    at leak.js:32:15\n', exitCode: 0 })
})

test('a script’s process that is not locked refuses to run', async () => {
  const script = fileURLToPath(new URL('../../src/sandbox/node/js-process.ts', import.meta.url))
  const child = spawn(process.execPath, ['--no-warnings', script], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    serialization: 'advanced',
  })
  const [message] = await new Promise<unknown[]>((resolve) => child.once('message', (...values) => resolve(values)))
  child.kill('SIGKILL')
  expect(parseFromScript(message)).toEqual({
    ok: true,
    value: { t: 'refused', reason: 'the self-test failed: no file outside the folder' },
  })
})

test('a script dies with the program that holds its sandbox, however that ends', async () => {
  const index = fileURLToPath(new URL('../../src/node/index.ts', import.meta.url))
  const code = `import { Sandbox } from ${JSON.stringify(index)}
const sandbox = await Sandbox.create()
void sandbox.run("js -e 'console.log(1); for (;;);'", { onStdout: () => process.send('runs') })`
  const parent = spawn(process.execPath, ['--no-warnings', '--input-type=module', '-e', code], {
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  await new Promise((resolve) => parent.once('message', resolve))
  const scripts = processesBelow(parent.pid!).filter(({ args }) => args.includes('js-process') && !args.includes('/bin/sh'))
  expect(scripts.length).toBeGreaterThan(0)
  parent.kill('SIGKILL')
  const left = () => processes().filter(({ pid }) => scripts.some((script) => script.pid === pid))
  await expect.poll(left, { timeout: 5_000 }).toEqual([])
})

interface SeenProcess {
  readonly pid: number
  readonly parent: number
  readonly args: string
}

function processes(): SeenProcess[] {
  const { stdout } = spawnSync('ps', ['-ww', '-eo', 'pid,ppid,args'], { encoding: 'utf8' })
  return stdout.split('\n').flatMap((line) => {
    const [, pid, parent, args = ''] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? []
    return pid === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), args }]
  })
}

function processesBelow(pid: number): SeenProcess[] {
  const all = processes()
  const below = (parent: number): SeenProcess[] => all.filter((one) => one.parent === parent).flatMap((one) => [one, ...below(one.pid)])
  return below(pid)
}
