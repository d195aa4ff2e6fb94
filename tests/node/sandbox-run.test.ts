/** `Sandbox.run` end to end: a locked child process, the real shell, a deadline that holds. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BtcpError, FileError, Sandbox } from '../../src/node/index.ts'
import { SPIN } from '../support/spin-program.ts'

const scratch = mkdtempSync(join(tmpdir(), 'tidepool-run-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const codeOf = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'it resolved',
    (error: unknown) => (error instanceof BtcpError ? error.data.btcpCode : error instanceof FileError ? error.code : error),
  )

describe('a command', () => {
  let sandbox: Sandbox
  beforeAll(async () => {
    sandbox = await Sandbox.create({ env: { GREETING: 'hello' } })
  })
  afterAll(() => sandbox.destroy())
  const sh = async (command: string, options = {}) => {
    const { stdout, stderr, exitCode } = await sandbox.run(command, options)
    return [stdout, stderr, exitCode]
  }

  test('gives back output and exit status', async () => {
    expect(await sh('echo out; echo err >&2; exit 3')).toEqual(['out\n', 'err\n', 3])
    expect(await sh('printf "b\\na\\n" | sort | tr a-z A-Z')).toEqual(['A\nB\n', '', 0])
  })
  test('runs in its directory, with its environment, over its standard input', async () => {
    expect(await sh('pwd')).toEqual(['/home/user\n', '', 0])
    expect(await sh('pwd', { cwd: '/tmp' })).toEqual(['/tmp\n', '', 0])
    expect(await sh('echo "$GREETING $NAME"', { env: { NAME: 'world' } })).toEqual(['hello world\n', '', 0])
    expect(await sh('wc -c', { stdin: 'x'.repeat(3_000_000) })).toEqual(['3000000\n', '', 0])
    expect(await sh('cat')).toEqual(['', '', 0])
  })
  test('is a fresh shell each time; files stay', async () => {
    await sandbox.run('X=1; cd /tmp; echo kept > /home/user/kept')
    expect(await sh('echo "[$X]"; pwd; cat kept')).toEqual(['[]\n/home/user\nkept\n', '', 0])
  })
  test('passes bytes as they are', async () => {
    const { stdout } = await sandbox.run(String.raw`printf '\000\377\200'`, { encoding: 'buffer' })
    expect(stdout).toEqual(new Uint8Array([0, 255, 128]))
    expect((await sandbox.run(String.raw`printf 'a\377'`)).stdout).toBe('a\ufffd')
  })
  test('streams its output while it runs, without a limit', async () => {
    let first = 0
    let bytes = 0
    const began = performance.now()
    const result = await sandbox.run('echo now; sleep 0.4; head -c 20000000 /dev/zero', {
      encoding: 'buffer',
      onStdout: (data) => {
        first ||= performance.now() - began
        bytes += data.length
      },
    })
    expect([result.exitCode, bytes]).toEqual([0, 20_000_004])
    expect(first).toBeLessThan(result.durationMs - 300)
  })
  test('goes on whatever its listener gives back', async () => {
    const heard: string[] = []
    const listener = (text: string): void => heard.push(text) as unknown as void
    const result = await sandbox.run('echo a; echo b >&2; sleep 0.1; echo c', { onStdout: listener, onStderr: listener })
    expect([result.exitCode, heard.join('')]).toEqual([0, 'a\nb\nc\n'])
  })
  test('T54: that prints without end is stopped, and says which limit it was', async () => {
    const result = await sandbox.run('yes')
    expect([result.exitCode, result.limit, result.stdout.length, result.truncated?.[0]?.bytes]).toEqual([
      141,
      'outputKeptBytes',
      1_048_576,
      8_388_608,
    ])
    const kept = result.truncated?.[0]?.path ?? ''
    expect((await sandbox.stat(kept)).size).toBe(8_388_608)
    expect((await sandbox.run(`head -c 4 ${kept}`)).stdout).toBe('y\ny\n')
  })
  test('is killed by its AbortSignal', async () => {
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 200)
    const began = performance.now()
    expect(await codeOf(sandbox.run('sleep 20', { signal: controller.signal }))).toBe('CANCELLED')
    expect(performance.now() - began).toBeLessThan(10_000)
  })
  test('says when its directory does not exist', async () => {
    expect(await codeOf(sandbox.run('true', { cwd: '/no/such' }))).toBe('ENOENT')
  })
  test('runs beside others of the same sandbox, over the same files', async () => {
    const results = await Promise.all([sandbox.run('sleep 0.3; cat shared'), sandbox.run('echo from the other > shared')])
    expect(results[0].stdout).toBe('from the other\n')
  })
  test('leaves nothing running behind', async () => {
    await sandbox.run('sleep 100 & sleep 100 & true')
    expect((await sandbox.run('ls /proc | grep -c "^[0-9]"')).stdout).toMatch(/^[1-4]\n$/)
  })
})

describe('the deadline', () => {
  test('T47: ends a loop that never stops; files are there, and the next command answers', async () => {
    const sandbox = await Sandbox.create({ store: join(scratch, 'loop') })
    await sandbox.run('echo before > before.txt')
    const result = await sandbox.run('echo started; while :; do :; done', { timeoutMs: 500 })
    expect([result.timedOut, result.signal, result.exitCode, result.stdout]).toEqual([true, 'KILL', 137, 'started\n'])
    expect((await sandbox.run('echo hi')).stdout).toBe('hi\n')
    expect((await sandbox.run('cat before.txt')).stdout).toBe('before\n')
    await sandbox.destroy()
  })
  test('T62: ends sleepers, and its time is held', async () => {
    const sandbox = await Sandbox.create()
    await sandbox.run('true')
    const began = performance.now()
    expect((await sandbox.run('sleep 60 | sleep 60', { timeoutMs: 300 })).timedOut).toBe(true)
    expect(performance.now() - began).toBeLessThan(10_000)
    await sandbox.destroy()
  })
  test('T48: ends a WebAssembly program that loops without a system call; nothing acknowledged is lost', async () => {
    const sandbox = await Sandbox.create({ store: join(scratch, 'wasm') })
    await sandbox.writeFile('spin', SPIN)
    await sandbox.run('chmod +x spin; echo kept > kept')
    const result = await sandbox.run('./spin', { timeoutMs: 400 })
    expect([result.timedOut, result.exitCode]).toEqual([true, 137])
    expect((await sandbox.run('echo hi')).stdout).toBe('hi\n')
    expect((await sandbox.run('cat kept')).stdout).toBe('kept\n')
    await sandbox.destroy()
  })
})
