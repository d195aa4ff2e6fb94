/** Running commands from a page: output while it comes, deadlines, cancelling, revoking, and a machine that survives all of it. */
import { expect, test, type Page } from '@playwright/test'
import { ask, callTool, run, type Failure } from '../support/btcp.ts'
import { launchTidepool, type Tidepool } from '../support/extension.ts'
import { serveSites, type SiteServer } from '../support/site-server.ts'

const LOOP = 'while :; do :; done'
let sites: SiteServer
let tidepool: Tidepool
let page: Page

test.beforeAll(async () => {
  sites = await serveSites()
  tidepool = await launchTidepool()
  page = await tidepool.site(sites.origin('app'), 'shell:run', 'vfs:write')
})
test.afterAll(async () => {
  await tidepool.close()
  await sites[Symbol.asyncDispose]()
})

/** The next command answers, and says how long it took. */
async function expectAlive(on = page): Promise<void> {
  const started = Date.now()
  expect((await run(on, 'echo hi')).stdout).toBe('hi\n')
  expect(Date.now() - started).toBeLessThan(1_500)
  const again = Date.now()
  expect((await run(on, 'echo hi')).stdout).toBe('hi\n')
  expect(Date.now() - again).toBeLessThan(500)
}

test('a pipeline, its exit code, its error output and what it changed come back', async () => {
  const { value } = await callTool(page, 'shell_run', {
    command: 'printf "b\\na\\n" | sort > out; cat out nothing; exit 3',
    env: { A: 'x' },
    cwd: '/tmp',
  })
  expect(value).toMatchObject({
    isError: false,
    structuredContent: {
      stdout: 'a\nb\n',
      stderr: 'cat: nothing: No such file or directory\n',
      exitCode: 3,
      changed: [{ path: '/tmp/out', kind: 'created' }],
    },
    _meta: { 'btcp/exitCode': 3, 'btcp/untrusted': true },
  })
  expect((await run(page, 'cat', { stdin: 'from the page\n' })).stdout).toBe('from the page\n')
  expect((await run(page, 'printf "\\377"', { encoding: 'base64' })).stdout).toBe('/w==')
})

test('output is heard while the command runs', async () => {
  const heard = await page.evaluate(async () => {
    const pieces: { stream: string; text: string; before: boolean }[] = []
    let ended = false
    const onProgress = ({ stream, text }: { stream: string; text: string }): void => void pieces.push({ stream, text, before: !ended })
    const { isError } = await window.btcp.callTool('shell_run', { command: 'echo one; echo two >&2; seq 3' }, { onProgress })
    ended = true
    const joined = (name: string): string =>
      pieces
        .filter(({ stream }) => stream === name)
        .map(({ text }) => text)
        .join('')
    return { isError, stdout: joined('stdout'), stderr: joined('stderr'), before: pieces.every((piece) => piece.before) }
  })
  expect(heard).toEqual({ isError: false, stdout: 'one\n1\n2\n3\n', stderr: 'two\n', before: true })
})

test('T47 a loop that never ends is ended at its deadline, and files written before are there', async () => {
  expect((await callTool(page, 'fs_write', { path: 'before.txt', content: 'kept' })).failure).toBeUndefined()
  const started = Date.now()
  const { failure } = await callTool(page, 'shell_run', { command: `echo begun; echo x > during.txt; ${LOOP}`, timeoutMs: 1_000 })
  expect(failure).toMatchObject({ code: -32011, data: { btcpCode: 'TIMEOUT', stdout: 'begun\n', effects: 'unknown' } })
  expect(Date.now() - started).toBeLessThan(3_000)
  await expectAlive()
  expect((await run(page, 'cat before.txt during.txt')).stdout).toBe('keptx\n')
})

test('T48 a WebAssembly program that never calls anything is ended at its deadline', async () => {
  // (module (memory (export "memory") 1) (func (export "_start") (loop br 0)))
  const content = 'AGFzbQEAAAABBAFgAAADAgEABQMBAAEHEwIGbWVtb3J5AgAGX3N0YXJ0AAAKCQEHAANADAALCw=='
  expect((await callTool(page, 'fs_write', { path: 'spin', content, encoding: 'base64' })).failure).toBeUndefined()
  await run(page, 'chmod +x spin; echo kept > kept')
  const { failure } = await callTool(page, 'shell_run', { command: './spin', timeoutMs: 500 })
  expect(failure?.data.btcpCode).toBe('TIMEOUT')
  await expectAlive()
  expect((await run(page, 'cat kept')).stdout).toBe('kept\n')
})

test('a call is cancelled by its signal', async () => {
  const { failure, took } = await page.evaluate(async (command) => {
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 300)
    const started = performance.now()
    try {
      await window.btcp.callTool('shell_run', { command }, { signal: controller.signal })
      return { failure: undefined, took: 0 }
    } catch (error) {
      const { code, data } = error as Failure
      return { failure: { code, data }, took: performance.now() - started }
    }
  }, LOOP)
  expect(failure).toMatchObject({ code: -32012, data: { btcpCode: 'CANCELLED', effects: 'unknown' } })
  expect(took).toBeLessThan(2_000)
  await expectAlive()
})

test('T23 a capability that is taken back kills the command that runs on it', async () => {
  const victim = await tidepool.site(sites.origin('revoked'), 'shell:run', 'vfs:write')
  const called = callTool(victim, 'shell_run', { command: `echo begun > begun; ${LOOP}; echo written > late` })
  await victim.waitForTimeout(500)
  const popup = await tidepool.openPopup(victim)
  const revoked = Date.now()
  await popup.choose('shell:run', 'deny')
  await popup.close()
  expect((await called).failure).toMatchObject({
    code: 4100,
    data: { btcpCode: 'CAPABILITY_DENIED', missing: ['shell:run'], effects: 'unknown' },
  })
  expect(Date.now() - revoked).toBeLessThan(3_000)
  expect((await callTool(victim, 'fs_stat', { path: 'late' })).value?.isError).toBe(true)
  expect((await callTool(victim, 'fs_stat', { path: 'begun' })).value?.isError).toBe(false)
  expect((await callTool(victim, 'shell_run', { command: 'echo hi' })).failure?.code).toBe(4100)
  await victim.close()
})

test('T24 between two steps of a page the right to the second can go', async () => {
  const victim = await tidepool.site(sites.origin('between'), 'vfs:write')
  expect((await callTool(victim, 'fs_write', { path: 'a', content: '1' })).failure).toBeUndefined()
  await ask(victim, 'revokeCapabilities', ['vfs:write'])
  expect((await callTool(victim, 'fs_write', { path: 'a', content: '2' })).failure?.data.missing).toEqual(['vfs:write'])
  expect((await callTool(victim, 'fs_read', { path: 'a' })).value?.structuredContent).toMatchObject({ content: '1' })
  await victim.close()
})

test('a navigation kills the command of the document that was left', async () => {
  const left = await tidepool.site(sites.origin('left'), 'shell:run')
  await left.evaluate((command) => void window.btcp.callTool('shell_run', { command }), `${LOOP}; echo late > late`)
  await left.waitForTimeout(400)
  await left.goto(`${sites.origin('left')}/?next`)
  const started = Date.now()
  expect((await run(left, 'echo *')).stdout).toBe('*\n')
  expect(Date.now() - started).toBeLessThan(3_000)
  await left.close()
})

test('T54 a flood of output ends with the limit by name, and the first part is kept', async () => {
  const { value } = await callTool(page, 'shell_run', { command: 'yes' })
  expect(value).toMatchObject({
    isError: true,
    structuredContent: { exitCode: 141 },
    _meta: { 'btcp/error': { code: 'LIMIT_EXCEEDED', limit: 'outputKeptBytes' } },
  })
  const [cut] = value?._meta['btcp/truncated'] ?? []
  expect(cut).toMatchObject({ stream: 'stdout', limit: 1_048_576 })
  expect((await run(page, `head -n 2 ${cut?.path}`)).stdout).toBe('y\ny\n')
  await expectAlive()
})

test('T61 a site that calls ten thousand times is held to its queue, and another is served', async () => {
  const greedy = await tidepool.site(sites.origin('greedy'), 'shell:run')
  const flooded = greedy.evaluate(async () => {
    const counts: Record<string, number> = {}
    await Promise.all(
      Array.from({ length: 10_000 }, async () => {
        const outcome = await window.btcp.callTool('shell_run', { command: 'seq 1000 | wc -l' }).then(
          () => 'ok',
          (error: Failure) => error.data.btcpCode,
        )
        counts[outcome] = (counts[outcome] ?? 0) + 1
      }),
    )
    return counts
  })
  const started = Date.now()
  expect((await run(page, 'echo hi')).stdout).toBe('hi\n')
  expect(Date.now() - started).toBeLessThan(5_000)
  const counts = await flooded
  expect(Object.keys(counts).toSorted()).toEqual(['BUSY', 'RATE_LIMITED', 'ok'])
  expect(counts['ok']).toBeGreaterThanOrEqual(67)
  expect(counts['RATE_LIMITED']).toBeGreaterThan(8_000)
  await greedy.close()
})

test('ten thousand programs leave the machine as it was', async () => {
  test.setTimeout(240_000)
  const spawner = await tidepool.site(sites.origin('spawner'), 'shell:run')
  for (let round = 0; round < 10; round += 1) {
    const { stdout, stderr, exitCode } = await run(
      spawner,
      'i=0; while [ $i -lt 500 ]; do cat /dev/null | head -n 1; i=$((i+1)); done; echo $i',
      { timeoutMs: 100_000 },
    )
    expect({ round, stdout, stderr, exitCode }).toEqual({ round, stdout: '500\n', stderr: '', exitCode: 0 })
  }
  await expectAlive(spawner)
  await spawner.close()
})
