/** The trace of system calls: a line for each that returns, once, however often it had to wait. */
import { expect, test } from 'vitest'
import { childPuppet, FOREIGN_PUPPET, puppetKernel, startPuppet } from '../../support/puppet.ts'

test('a line says pid, name, arguments and result by name; a call that waited stands there once', async () => {
  const lines: string[] = []
  const tests = puppetKernel({ strace: (line) => void lines.push(line) })
  const { puppet, session } = await startPuppet(tests)
  const { pid } = puppet.process
  const child = await childPuppet(tests, puppet)
  lines.length = 0
  const status = puppet.room(8)
  const waiting = puppet.call('proc_wait', child.process.pid, 0, status, status + 4)
  child.begin('proc_exit', 3)
  await waiting
  await puppet.call('fd_close', 77)
  await puppet.call('proc_getpid')
  puppet.begin('proc_exit', 0)
  await session.exited
  const own = lines.filter((line) => !/ fd_(read|write)\(/.test(line))
  expect(own).toEqual([
    `${child.process.pid} proc_exit(3) = ?`,
    `${pid} proc_wait(${child.process.pid}, 0, ${status}, ${status + 4}) = 0`,
    `${pid} fd_close(77) = EBADF`,
    `${pid} proc_getpid() = ${pid}`,
    `${pid} proc_exit(0) = ?`,
  ])
})

test('a foreign program is traced as well', async () => {
  const lines: string[] = []
  const tests = puppetKernel({ strace: (line) => void lines.push(line) })
  tests.writeFile('/tmp/foreign', FOREIGN_PUPPET, 0o755)
  const { puppet, session } = await startPuppet(tests, { argv: ['/tmp/foreign'] })
  puppet.begin('proc_exit', 7)
  await session.exited
  expect(lines.at(-1)).toBe(`${puppet.process.pid} proc_exit(7) = ?`)
})
