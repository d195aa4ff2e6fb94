/** setitimer(2) of ITIMER_REAL. */
import { beforeEach, describe, expect, test } from 'vitest'
import { Errno } from '../../../src/kernel/errno.ts'
import type { TestKernel } from '../../support/kernel.ts'
import { linuxKernel, type Puppet, startLinuxPuppet } from '../../support/puppet.ts'

let tests: TestKernel
let p: Puppet

beforeEach(async () => {
  tests = linuxKernel()
  p = await startLinuxPuppet(tests)
})

/** Sets the alarm; gives what was left of the one before, and its interval. */
async function alarm(seconds: number, interval = 0): Promise<[left: number, interval: number]> {
  const out = p.room(16)
  await p.ok('alarm', 0, seconds, interval, out)
  return [p.view.getFloat64(out, true), p.view.getFloat64(out + 8, true)]
}
const catchAlarm = (): Promise<void> => p.ok('sig_action', 14, 2, p.room(4))

describe('alarm', () => {
  test('sends SIGALRM after the time, which ends a process that does not catch it', async () => {
    const started = await startLinuxPuppet(tests)
    await started.ok('alarm', 0, 0.005, 0, started.room(16))
    await expect(started.call('poll', 0, 0, -1)).rejects.toThrow('the program has ended')
  })
  test('tells what was left of the one before; 0 seconds: none any more', async () => {
    await catchAlarm()
    expect(await alarm(100, 7)).toEqual([0, 0])
    const [left, interval] = await alarm(0)
    expect([left > 99 && left <= 100, interval]).toEqual([true, 7])
    expect(await alarm(0)).toEqual([0, 0])
  })
  test('with an interval it rings again', async () => {
    await catchAlarm()
    await alarm(0.005, 0.005)
    for (let i = 0; i < 3; i++) expect(await p.call('poll', 0, 0, -1)).toBe(-Errno.EINTR)
  })
  test('a longer time than a timer of the host takes is kept as it is', async () => {
    await catchAlarm()
    await alarm(10_000_000)
    expect((await alarm(0))[0]).toBeGreaterThan(9_999_990)
    await alarm(Number.POSITIVE_INFINITY)
    expect((await alarm(0))[0]).toBeGreaterThan(1e9)
  })
  test('T72 NaN, negative times, other clocks and bad pointers are errors and set nothing', async () => {
    const out = p.room(16)
    for (const [which, seconds, interval] of [
      [0, Number.NaN, 0],
      [0, 1, Number.NaN],
      [0, -1, 0],
      [0, 1, -0.5],
      [0, Number.NEGATIVE_INFINITY, 0],
      [1, 1, 0],
      [-1, 1, 0],
    ] as const)
      expect(await p.call('alarm', which, seconds, interval, out)).toBe(-Errno.EINVAL)
    expect(await p.call('alarm', 0, 1, 0, p.memory.length - 15)).toBe(-Errno.EFAULT)
    expect(await alarm(0)).toEqual([0, 0])
  })
  test('the alarm of a process that has ended rings nowhere', async () => {
    await catchAlarm()
    await alarm(0.005)
    p.begin('proc_exit', 0)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(tests.faults).toEqual([])
  })
})
