/** Programs of wasm/dist that run side by side: they stream, wait for each other and end as on Linux. */
import { beforeEach, expect, test } from 'vitest'
import { Poll } from '../../../src/kernel/vfs/open-file.ts'
import { TestKernel } from '../../support/kernel.ts'

let tests: TestKernel

beforeEach(() => {
  tests = new TestKernel()
})

async function waitUntil(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 2))
}

test('yes | head -1 ends at once, yes by SIGPIPE', async () => {
  expect(await tests.pipeline(['yes'], ['head', '-n', '1'])).toEqual({ statuses: [141, 0], stdout: 'y\n' })
})

test('seq 20000 | cat | cat | wc -l counts every line', async () => {
  expect(await tests.pipeline(['seq', '20000'], ['cat'], ['cat'], ['wc', '-l'])).toEqual({ statuses: [0, 0, 0, 0], stdout: '20000\n' })
})

test('a slow reader holds its writer back: no more than a pipe’s content is ever under way', async () => {
  const { vfs } = tests.kernel
  const [reader, stdout] = vfs.pipe()
  const [stdin] = vfs.pipe()
  const session = tests.kernel.start({ call: 'c', argv: ['seq', '1000000'], env: [], stdin, stdout, stderr: stdout.ref() })
  const content = new Uint8Array(200_000)
  for (let i = 0; i < 3; i++) {
    await waitUntil(() => (stdout.poll() & Poll.OUT) === 0)
    expect(reader.read(content)).toBeGreaterThan(61_440)
    expect(reader.poll() & Poll.IN).toBe(0)
  }
  reader.unref()
  expect((await session.exited).status).toBe(141)
})

test('cat of 200 MB | head -3 answers without reading the file through', async () => {
  const { vfs } = tests.kernel
  tests.writeFile('/home/user/big', 'line\n'.repeat(200_000))
  const file = vfs.open(vfs.root, '/home/user/big', 2, 0, false)
  file.truncate(200 * 1024 * 1024)
  file.unref()
  const before = performance.now()
  const { statuses, stdout } = await tests.pipeline(['cat', '/home/user/big'], ['head', '-n', '3'])
  expect([statuses, stdout]).toEqual([[141, 0], 'line\nline\nline\n'])
  expect(performance.now() - before).toBeLessThan(4_000)
})

test('ten pipelines at once do not disturb each other', async () => {
  const results = await Promise.all(
    Array.from({ length: 10 }, async (_, i) => (await tests.pipeline(['seq', `${i + 1}000`], ['cat'], ['wc', '-l'])).stdout),
  )
  expect(results).toEqual(Array.from({ length: 10 }, (_, i) => `${i + 1}000\n`))
})

test('timers of the host fire while programs compute', async () => {
  let ticks = 0
  const timer = setInterval(() => ticks++, 5)
  await tests.pipeline(['yes'], ['head', '-c', '400000000'], ['cat'], ['wc', '-c'])
  clearInterval(timer)
  expect(ticks).toBeGreaterThanOrEqual(3)
})
