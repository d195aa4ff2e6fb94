/** Any arguments to any call: an errno, a wait, or the caller's end, and never a fault of the kernel. Seeds are fixed. */
import { expect, test } from 'vitest'
import { SYSCALLS } from '../../../src/kernel/syscall-table.ts'
import { type Puppet, puppetKernel, startPuppet } from '../../support/puppet.ts'

const NAMES = SYSCALLS.filter((row) => row.name !== 'proc_exit').map((row) =>
  row.module === 'tidepool' && row.name === 'fd_close' ? 'tidepool.fd_close' : row.name,
)
const paramsOf = (name: string): string => SYSCALLS.find((row) => row.name === name || `${row.module}.${row.name}` === name)!.params
const NUMBERS = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 17, 24, 48, 64, 255, 256, 4096, 131_071, 131_072, 0x7fff_ffff, -1, -2, -0x8000_0000, 0xffff,
]
const WIDE = [0n, 1n, 2n, 64n, 1000n, -1n, 1n << 31n, 1n << 32n, 1n << 52n, 1n << 53n, 1n << 62n, -(1n << 63n), (1n << 63n) - 1n]

function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** Paths, lists, iovecs and subscriptions at places that the numbers above and the pointers below name. */
function furnish(p: Puppet): number[] {
  const iovecs = p.iov(...p.text('some bytes'))
  const paths = ['/tmp', 'tmp/f', '/bin/puppet', '..', '', '/tmp/f/', '/proc/self/fd/3', '/dev/null'].map((path) => p.text(path)[0])
  const [list] = p.list('puppet', 'x')
  return [...paths, list, iovecs, p.room(256), p.room(256), p.room(256)]
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])('seed %i', { timeout: 60_000 }, async (seed) => {
  const tests = puppetKernel({ limits: { processesAlive: 6, pollSubscriptions: 64 } })
  const pick = random(seed)
  tests.writeFile('/tmp/f', 'content')
  for (let round = 0; round < 12; round++) {
    const { puppet, session } = await startPuppet(tests)
    await puppet.open('tmp/f', 'rw').catch(() => -1)
    const pointers = furnish(puppet)
    for (let i = 0; i < 120 && puppet.process.alive && !puppet.process.stopped; i++) {
      const name = NAMES[pick(NAMES.length)]!
      const args = Array.from(paramsOf(name), (letter) => {
        if (letter === 'I') return WIDE[pick(WIDE.length)]!
        return pick(3) === 0 ? pointers[pick(pointers.length)]! : NUMBERS[pick(NUMBERS.length)]!
      })
      const waited = Symbol('waited')
      const answer = puppet.call(name, ...args).catch(() => waited)
      const result = await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 15, waited))])
      expect(tests.faults, `${name}(${args.join(', ')})`).toEqual([])
      if (result === waited) break
    }
    session.kill(9)
    await session.exited
  }
  expect([tests.kernel.processes.alive, tests.kernel.processes.unwinding]).toEqual([0, 0])
  expect(await tests.run(['puppet'])).toMatchObject({ status: 0 })
})
