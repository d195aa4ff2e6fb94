/** poll_oneoff. */
import { beforeEach, describe, expect, test } from 'vitest'
import { Errno } from '../../../src/kernel/errno.ts'
import type { TestKernel } from '../../support/kernel.ts'
import { childPuppet, type Puppet, puppetKernel, startPuppet } from '../../support/puppet.ts'

let tests: TestKernel
let p: Puppet

beforeEach(async () => {
  tests = puppetKernel()
  p = (await startPuppet(tests)).puppet
})

type Subscription =
  { readonly clock: number; readonly ns: bigint; readonly absolute?: boolean } | { readonly read: number } | { readonly write: number }

/** Writes subscriptions with userdata 100, 101, …; gives their address. */
function subscribe(...list: readonly Subscription[]): number {
  const at = p.room(48 * list.length)
  for (const [i, s] of list.entries()) {
    const start = at + i * 48
    const { view } = p
    view.setBigUint64(start, BigInt(100 + i), true)
    view.setUint8(start + 8, 'clock' in s ? 0 : 'read' in s ? 1 : 2)
    view.setUint32(start + 16, 'clock' in s ? s.clock : 'read' in s ? s.read : s.write, true)
    if (!('clock' in s)) continue
    view.setBigUint64(start + 24, s.ns, true)
    view.setUint16(start + 40, s.absolute ? 1 : 0, true)
  }
  return at
}

interface Event {
  readonly userdata: number
  readonly error: number
  readonly type: number
  readonly bytes: number
  readonly hangup: boolean
}

async function poll(...list: readonly Subscription[]): Promise<Event[]> {
  const out = p.room(32 * list.length)
  const count = p.room(4)
  await p.ok('poll_oneoff', subscribe(...list), out, list.length, count)
  return Array.from({ length: p.u32(count) }, (_, i) => {
    const at = out + i * 32
    const { view } = p
    return {
      userdata: Number(p.u64(at)),
      error: view.getUint16(at + 8, true),
      type: p.memory[at + 10]!,
      bytes: Number(p.u64(at + 16)),
      hangup: view.getUint16(at + 24, true) === 1,
    }
  })
}
const MS = 1_000_000n

describe('poll_oneoff', () => {
  test('T75 no subscription, too many of them, an unknown kind are EINVAL', async () => {
    expect(await p.call('poll_oneoff', 64, 64, 0, p.room(4))).toBe(Errno.EINVAL)
    expect(await p.call('poll_oneoff', 64, 64, 1_000_000_000, p.room(4))).toBe(Errno.EINVAL)
    const at = subscribe({ clock: 1, ns: 0n })
    p.memory[at + 8] = 9
    expect(await p.call('poll_oneoff', at, p.room(32), 1, p.room(4))).toBe(Errno.EINVAL)
    expect(await p.call('poll_oneoff', at, p.memory.length - 8, 1, p.room(4))).toBe(Errno.EFAULT)
  })
  test('T75 an unknown clock is an event with EINVAL', async () => {
    expect(await poll({ clock: 77, ns: 0n })).toEqual([{ userdata: 100, error: Errno.EINVAL, type: 0, bytes: 0, hangup: false }])
  })
  test('the shortest timeout ends the call, no sooner than it says', async () => {
    const before = performance.now()
    expect((await poll({ clock: 1, ns: 500n * MS }, { clock: 1, ns: 20n * MS }))[0]!.userdata).toBe(101)
    expect(performance.now() - before).toBeGreaterThanOrEqual(19)
    expect(performance.now() - before).toBeLessThan(480)
  })
  test('absolute times in the past, on both clocks, end it at once', async () => {
    expect(await poll({ clock: 0, ns: 1n, absolute: true }, { clock: 1, ns: 1n, absolute: true })).toHaveLength(2)
  })
  test('an absolute time of day to come is waited for', async () => {
    const before = performance.now()
    await poll({ clock: 0, ns: BigInt(Date.now() + 30) * MS, absolute: true })
    expect(performance.now() - before).toBeGreaterThanOrEqual(25)
  })
  test('a timeout that is woken for nothing is not done twice', async () => {
    const [reader] = await p.pipe()
    const before = performance.now()
    const events = poll({ read: reader }, { clock: 1, ns: 800n * MS })
    for (let i = 0; i < 7; i++) {
      await new Promise((resolve) => setTimeout(resolve, 100))
      p.process.wake()
    }
    expect((await events).map((e) => e.userdata)).toEqual([101])
    const took = performance.now() - before
    expect(took).toBeGreaterThanOrEqual(798)
    expect(took).toBeLessThan(1_450)
  })
  test('a pipe becomes readable when something is written, and tells when its writer has gone', async () => {
    const [reader, writer] = await p.pipe()
    const child = await childPuppet(tests, p)
    await p.ok('fd_close', writer)
    const events = poll({ read: reader })
    await child.write(writer, 'abc')
    expect(await events).toEqual([{ userdata: 100, error: 0, type: 1, bytes: expect.any(Number), hangup: false }])
    await p.readText(reader, 3)
    const end = poll({ read: reader })
    child.begin('proc_exit', 0)
    expect(await end).toMatchObject([{ userdata: 100, error: 0, type: 1, hangup: true }])
  })
  test('files are always ready; a closed descriptor is an event with EBADF', async () => {
    tests.writeFile('/tmp/f', 'hello')
    const fd = await p.open('tmp/f', 'rw')
    expect(await poll({ read: fd }, { write: fd }, { read: 99 })).toMatchObject([
      { userdata: 100, error: 0, type: 1, bytes: 5 },
      { userdata: 101, error: 0, type: 2 },
      { userdata: 102, error: Errno.EBADF },
    ])
  })
  test('a caught signal ends it with EINTR', async () => {
    await p.ok('sig_action', 15, 2, p.room(4))
    const child = await childPuppet(tests, p)
    const result = p.call('poll_oneoff', subscribe({ clock: 1, ns: 10_000n * MS }), p.room(32), 1, p.room(4))
    await child.ok('proc_kill', p.process.pid, 15)
    expect(await result).toBe(Errno.EINTR)
  })
})
