/** Command lines that use up a resource: the kernel answers with an error, what is left goes on, and the next command works. */
import { beforeEach, expect, test } from 'vitest'
import { TestKernel } from '../../support/kernel.ts'

let tests: TestKernel

beforeEach(() => {
  tests = new TestKernel()
})

const sh = (command: string) => tests.run(['bash', '-c', command])

test('T46 a fork bomb fills the process table; it is killed, and the next command works', async () => {
  const { session, output } = tests.begin(['bash', '-c', 'b(){ b|b& }; b; b; while :; do :; done'])
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(tests.kernel.processes.pids().length).toBeGreaterThan(1)
  session.kill(9)
  expect(await session.exited).toMatchObject({ status: 137, signal: 9 })
  await output
  expect(await sh('echo fine')).toMatchObject({ status: 0, stdout: 'fine\n' })
  expect(tests.kernel.processes.pids()).toEqual([])
  expect(tests.kernel.memories).toBeLessThanOrEqual(64)
})

test('T47 a loop of the shell is ended by a signal from beside it', async () => {
  expect(await sh('while :; do :; done & sleep 0.1; kill $!; wait $!; echo $?')).toMatchObject({ status: 0, stdout: '143\n' })
})

test('T54 endless output into a reader that stops ends with SIGPIPE', async () => {
  expect(await sh('cat /dev/zero | head -c 1000000 | wc -c; echo ${PIPESTATUS[0]}')).toMatchObject({ stdout: '1000000\n141\n' })
  expect(await sh('set -o pipefail; yes | head -1; echo $?')).toMatchObject({ stdout: 'y\n141\n' })
})

test('T59 two programs that fill each other’s pipe wait, do not spin, and can be killed', async () => {
  const { session, output } = tests.begin(['bash', '-c', 'cat | cat'], { stdin: '' })
  expect(await session.exited).toMatchObject({ status: 0 })
  await output
  const { vfs } = tests.kernel
  const [aRead, aWrite] = vfs.pipe()
  const [bRead, bWrite] = vfs.pipe()
  const start = (stdin: typeof aRead, stdout: typeof aWrite) =>
    tests.kernel.start({ call: 'c', argv: ['seq', '1000000'], env: [], stdin, stdout, stderr: stdout.ref() })
  const sessions = [start(aRead, bWrite), start(bRead, aWrite)]
  await new Promise((resolve) => setTimeout(resolve, 100))
  const before = process.cpuUsage()
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect(process.cpuUsage(before).user).toBeLessThan(150_000)
  for (const s of sessions) s.kill(15)
  expect((await Promise.all(sessions.map((s) => s.exited))).map((end) => end.status)).toEqual([143, 143])
})

test('T62 fifty sleeps at once take as long as one', async () => {
  const before = performance.now()
  expect(await sh('for i in $(seq 50); do sleep 0.3 & done; wait; echo ok')).toMatchObject({ stdout: 'ok\n' })
  expect(performance.now() - before).toBeLessThan(8_000)
})

test('T62 a sleep without end is cancelled at once', async () => {
  const { session, output } = tests.begin(['bash', '-c', 'sleep infinity'])
  await new Promise((resolve) => setTimeout(resolve, 50))
  const before = performance.now()
  session.kill(15)
  expect(await session.exited).toMatchObject({ status: 143 })
  expect(performance.now() - before).toBeLessThan(2_000)
  await output
})
