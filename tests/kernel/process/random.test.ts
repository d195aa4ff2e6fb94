/** Any order of spawns, clones, signals, writes and ends leaves the tables of the kernel whole. Seeds are fixed; a failure names its own. */
import { expect, test } from 'vitest'
import { childPuppet, type Puppet, puppetKernel, startPuppet } from '../../support/puppet.ts'

function random(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const SIGNALS = [1, 2, 9, 13, 15, 17, 18, 19]

test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])('seed %i', async (seed) => {
  const tests = puppetKernel({ limits: { processesAlive: 12 }, memories: 14 })
  const pick = random(seed)
  const { puppet: first, session } = await startPuppet(tests)
  const puppets: Puppet[] = [first]
  const [reader, writer] = await first.pipe()
  for (const fd of [reader, writer]) await first.ok('fd_fdstat_set_flags', fd, 4)
  const some = (): Puppet => puppets[pick(puppets.length)]!
  const canAnswer = (p: Puppet): boolean => p.process.alive && !p.process.stopped

  /** What a live process that is not stopped does next; a call that its own end cuts off answers nothing. */
  const steps: ((p: Puppet) => Promise<unknown>)[] = [
    async (p) => puppets.push(await childPuppet(tests, p, 'spawn', pick(2))),
    async (p) => puppets.push(await childPuppet(tests, p, 'clone')),
    async (p) => {
      const target = some()
      if (target !== first) await p.call('proc_kill', target.process.pid, SIGNALS[pick(SIGNALS.length)]!)
    },
    (p) => p.call('sig_action', SIGNALS[pick(SIGNALS.length)]!, pick(3), p.room(4)),
    (p) => p.call('proc_wait', -1, 1, p.room(4), p.room(4)),
    (p) => p.call('fd_write', writer, p.iov(64, 1000), 1, p.room(4)),
    (p) => p.call('fd_read', reader, p.iov(2048, 1000), 1, p.room(4)),
    (p) => p.call('sched_yield'),
    (p) => p.grow(pick(4)),
    async (p) => p !== first && p.trap(),
    async (p) => p !== first && p.begin('proc_exit', pick(256)),
  ]
  for (let i = 0; i < 150; i++) {
    const p = some()
    if (!canAnswer(p)) continue
    await Promise.race([steps[pick(steps.length)]!(p).catch(() => {}), new Promise((resolve) => setTimeout(resolve, 20))])
    const alive = tests.kernel.processes.pids().filter((pid) => tests.kernel.processes.get(pid)!.alive)
    expect(alive.length).toBe(tests.kernel.processes.alive)
    expect(alive.length).toBeLessThanOrEqual(12)
    expect(tests.kernel.memories).toBeLessThanOrEqual(14)
  }
  session.kill(9)
  await session.exited
  expect(tests.faults).toEqual([])
  expect([tests.kernel.processes.pids(), tests.kernel.processes.alive, tests.kernel.processes.unwinding]).toEqual([[], 0, 0])
  const next = await startPuppet(tests)
  expect(next.puppet.read(2048, 9)).toBe('the image')
})
