/** poll(2) as Linux has it. */
import { beforeEach, describe, expect, test } from 'vitest'
import { Errno } from '../../../src/kernel/errno.ts'
import type { TestKernel } from '../../support/kernel.ts'
import { linuxKernel, type Puppet, startLinuxPuppet } from '../../support/puppet.ts'

const IN = 1
const OUT = 4
const ERR = 8
const HUP = 16
const NVAL = 32

let tests: TestKernel
let p: Puppet

beforeEach(async () => {
  tests = linuxKernel()
  p = await startLinuxPuppet(tests)
})

async function pipe(): Promise<[reader: number, writer: number]> {
  const at = p.room(8)
  await p.ok('pipe', at)
  return [p.u32(at), p.u32(at + 4)]
}
function list(...fds: readonly (readonly [fd: number, events: number])[]): number {
  const at = p.room(8 * fds.length)
  for (const [i, [fd, events]] of fds.entries()) {
    p.view.setInt32(at + 8 * i, fd, true)
    p.view.setInt16(at + 8 * i + 4, events, true)
    p.view.setInt16(at + 8 * i + 6, -1, true)
  }
  return at
}
const found = (at: number, count: number): number[] => Array.from({ length: count }, (_, i) => p.view.getInt16(at + 8 * i + 6, true))
const later = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 10))

describe('poll', () => {
  test('tells what holds now, and clears what does not', async () => {
    const [reader, writer] = await pipe()
    const at = list([reader, IN], [writer, OUT], [-1, IN], [999, IN])
    expect(await p.call('poll', at, 4, 1000)).toBe(2)
    expect(found(at, 4)).toEqual([0, OUT, 0, NVAL])
    await p.write(writer, 'x')
    expect(await p.call('poll', at, 1, 1000)).toBe(1)
    expect(found(at, 1)).toEqual([IN])
  })
  test('a hang-up and an error are told without being asked for', async () => {
    const [reader, writer] = await pipe()
    await p.ok('fd_close', writer)
    const at = list([reader, 0])
    expect(await p.call('poll', at, 1, -1)).toBe(1)
    expect(found(at, 1)).toEqual([HUP])
    const [other, left] = await pipe()
    await p.ok('fd_close', other)
    const to = list([left, 0])
    expect(await p.call('poll', to, 1, -1)).toBe(1)
    expect(found(to, 1)).toEqual([ERR])
  })
  test('waits for what comes later, also for an error that nobody asked for', async () => {
    const [reader, writer] = await pipe()
    const [otherReader, otherWriter] = [p.process.fds.get(reader).file, p.process.fds.get(writer).file]
    const at = list([reader, IN])
    const result = p.call('poll', at, 1, -1)
    await later()
    otherWriter.write(Uint8Array.of(1))
    expect(await result).toBe(1)
    const to = list([writer, 0])
    const broken = p.call('poll', to, 1, -1)
    await later()
    expect(otherReader.refs).toBe(1)
    p.process.fds.close(reader)
    expect(await broken).toBe(1)
    expect(found(to, 1)).toEqual([ERR])
  })
  test('a timeout ends it with 0, no sooner than it says', async () => {
    const [reader] = await pipe()
    const before = performance.now()
    expect(await p.call('poll', list([reader, IN]), 1, 20)).toBe(0)
    expect(performance.now() - before).toBeGreaterThanOrEqual(19)
    expect(await p.call('poll', 0, 0, 1)).toBe(0)
    expect(await p.call('poll', list([reader, IN]), 1, 0)).toBe(0)
  })
  test('wake-ups without need do not start the time anew: it is not done twice', async () => {
    const [reader, writer] = await pipe()
    const { file } = p.process.fds.get(reader)
    const before = performance.now()
    const result = p.call('poll', list([reader, IN]), 1, 60)
    const waking = setInterval(() => file.readers.wakeAll(), 10)
    expect(await result).toBe(0)
    clearInterval(waking)
    expect(performance.now() - before).toBeLessThan(400)
    await p.write(writer, 'x')
    expect(await p.call('poll', list([reader, IN]), 1, 60)).toBe(1)
  })
  test('a caught signal ends it with EINTR', async () => {
    await p.ok('sig_action', 14, 2, p.room(4))
    await p.ok('alarm', 0, 0.02, 0, p.room(16))
    expect(await p.call('poll', 0, 0, -1)).toBe(-Errno.EINTR)
  })
  test('T75 2^31 descriptors, more than the limit and a bad pointer are errors', async () => {
    expect(await p.call('poll', 64, -(2 ** 31), 0)).toBe(-Errno.EINVAL)
    expect(await p.call('poll', 64, -1, 0)).toBe(-Errno.EINVAL)
    expect(await p.call('poll', 64, 1_000_000_000, 0)).toBe(-Errno.EINVAL)
    expect(await p.call('poll', p.memory.length - 7, 1, 0)).toBe(-Errno.EFAULT)
    expect(await p.call('poll', -1, 1, 0)).toBe(-Errno.EFAULT)
  })
})
