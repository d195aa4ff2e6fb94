/** Arguments, environment, clocks, randomness, yielding, exit, sockets. */
import { beforeEach, describe, expect, test } from 'vitest'
import { Errno } from '../../../src/kernel/errno.ts'
import type { TestKernel } from '../../support/kernel.ts'
import { childPuppet, type Puppet, puppetKernel, type StartedPuppet, startPuppet } from '../../support/puppet.ts'

let tests: TestKernel
let started: StartedPuppet
let p: Puppet

beforeEach(async () => {
  tests = puppetKernel()
  started = await startPuppet(tests, { argv: ['puppet', 'two words', 'ä'], env: ['A=1', 'EMPTY='] })
  p = started.puppet
})

describe('args_sizes_get', () => {
  test('counts the arguments and their bytes, NULs included', async () => {
    const at = p.room(8)
    await p.ok('args_sizes_get', at, at + 4)
    expect([p.u32(at), p.u32(at + 4)]).toEqual([3, 7 + 10 + 3])
  })
})

describe('args_get', () => {
  test('writes pointers and NUL-terminated strings', async () => {
    const pointers = p.room(12)
    const buffer = p.room(20)
    await p.ok('args_get', pointers, buffer)
    expect(p.read(buffer, 20)).toBe('puppet\0two words\0ä\0')
    expect([p.u32(pointers), p.u32(pointers + 4), p.u32(pointers + 8)]).toEqual([buffer, buffer + 7, buffer + 17])
  })
  test('T76 a buffer that ends beyond the memory is EFAULT and nothing is written', async () => {
    const end = p.memory.length
    expect(await p.call('args_get', p.room(12), end - 10)).toBe(Errno.EFAULT)
    expect(await p.call('args_get', 0xffff_fffc, p.room(20))).toBe(Errno.EFAULT)
    expect(p.read(end - 10, 10)).toBe('\0'.repeat(10))
  })
})

describe('environ_sizes_get', () => {
  test('counts the variables and their bytes', async () => {
    const at = p.room(8)
    await p.ok('environ_sizes_get', at, at + 4)
    expect([p.u32(at), p.u32(at + 4)]).toEqual([2, 4 + 7])
  })
})

describe('environ_get', () => {
  test('writes NAME=value strings', async () => {
    const buffer = p.room(11)
    await p.ok('environ_get', p.room(8), buffer)
    expect(p.read(buffer, 11)).toBe('A=1\0EMPTY=\0')
  })
})

describe('clock_res_get', () => {
  test('gives a resolution for each of the four clocks and EINVAL for others', async () => {
    const at = p.room(8)
    for (const clock of [0, 1, 2, 3]) {
      await p.ok('clock_res_get', clock, at)
      expect(p.u64(at)).toBe(1000n)
    }
    expect(await p.call('clock_res_get', 4, at)).toBe(Errno.EINVAL)
    expect(await p.call('clock_res_get', -1, at)).toBe(Errno.EINVAL)
  })
})

describe('clock_time_get', () => {
  test('realtime is the time of day in nanoseconds', async () => {
    const at = p.room(8)
    const before = BigInt(Date.now()) * 1_000_000n
    await p.ok('clock_time_get', 0, 1n, at)
    const after = BigInt(Date.now() + 2) * 1_000_000n
    expect(p.u64(at) >= before - 2_000_000n && p.u64(at) <= after).toBe(true)
  })
  test('monotonic and the processor clocks never go back', async () => {
    const at = p.room(8)
    for (const clock of [1, 2, 3]) {
      await p.ok('clock_time_get', clock, 0n, at)
      const first = p.u64(at)
      await p.ok('clock_time_get', clock, 0n, at)
      expect(p.u64(at) >= first).toBe(true)
    }
  })
  test('T75 an unknown clock is EINVAL', async () => {
    expect(await p.call('clock_time_get', 99, 0n, p.room(8))).toBe(Errno.EINVAL)
  })
})

describe('random_get', () => {
  test('fills the whole buffer, however long', async () => {
    await p.grow(4)
    const at = 70_000
    await p.ok('random_get', at, 200_000)
    const bytes = p.memory.subarray(at, at + 200_000)
    for (const from of [0, 65_536, 131_072, 199_900]) expect(bytes.subarray(from, from + 64).some((b) => b !== 0)).toBe(true)
    expect(p.memory[at + 200_000]).toBe(0)
  })
  test('T76 one GiB, or a range beyond the memory, is EFAULT', async () => {
    expect(await p.call('random_get', 0, 1 << 30)).toBe(Errno.EFAULT)
    expect(await p.call('random_get', p.memory.length - 4, 5)).toBe(Errno.EFAULT)
    expect(await p.call('random_get', -1, 1)).toBe(Errno.EFAULT)
  })
})

describe('sched_yield', () => {
  test('answers 0, at once or after others had their turn; it is not done twice', async () => {
    for (let i = 0; i < 600; i++) expect(await p.call('sched_yield')).toBe(0)
  })
})

describe('proc_exit', () => {
  test('ends with the low eight bits', async () => {
    p.begin('proc_exit', 300)
    expect(await started.session.exited).toMatchObject({ status: 44, processes: 1 })
  })
  test('T76 status −1 is 255', async () => {
    p.begin('proc_exit', -1)
    expect(await started.session.exited).toMatchObject({ status: 255 })
  })
  test('returning from _start is status 0', async () => {
    p.returnFromStart()
    expect(await started.session.exited).toMatchObject({ status: 0 })
  })
})

describe('proc_raise', () => {
  test('TERM, by WASI’s number 15, ends the process', async () => {
    p.begin('proc_raise', 15)
    expect(await started.session.exited).toMatchObject({ status: 143, signal: 15 })
  })
  test('CHLD has number 16 there and is ignored; 0 only checks; others are EINVAL', async () => {
    expect(await p.call('proc_raise', 16)).toBe(0)
    expect(await p.call('proc_raise', 0)).toBe(0)
    expect(await p.call('proc_raise', 31)).toBe(Errno.EINVAL)
    expect(await p.call('proc_raise', -1)).toBe(Errno.EINVAL)
  })
})

describe('sock_accept', () => {
  test('there are no sockets', async () => {
    expect(await p.call('sock_accept', 2, 0, p.room(4))).toBe(Errno.ENOTSOCK)
    expect(await p.call('sock_accept', 77, 0, p.room(4))).toBe(Errno.EBADF)
  })
})
describe('sock_recv', () => {
  test('there are no sockets', async () => {
    expect(await p.call('sock_recv', 2, p.iov(p.room(4), 4), 1, 0, p.room(4), p.room(4))).toBe(Errno.ENOTSOCK)
    expect(await p.call('sock_recv', 77, 0, 0, 0, 0, 0)).toBe(Errno.EBADF)
  })
})
describe('sock_send', () => {
  test('there are no sockets', async () => {
    expect(await p.call('sock_send', 2, p.iov(p.room(4), 4), 1, 0, p.room(4))).toBe(Errno.ENOTSOCK)
  })
})
describe('sock_shutdown', () => {
  test('there are no sockets', async () => {
    expect(await p.call('sock_shutdown', 2, 1)).toBe(Errno.ENOTSOCK)
    expect(await p.call('sock_shutdown', -1, 1)).toBe(Errno.EBADF)
  })
})

test('two processes that yield all the time both come on', async () => {
  const child = await childPuppet(tests, p)
  const count = async (puppet: Puppet): Promise<number> => {
    for (let i = 0; i < 300; i++) await puppet.ok('sched_yield')
    return 300
  }
  expect(await Promise.all([count(p), count(child)])).toEqual([300, 300])
})
