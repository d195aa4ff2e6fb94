/** Processes come, go and leave nothing behind: sessions, orphans, limits, memories, reuse of instances. */
import { describe, expect, test } from 'vitest'
import { Errno } from '../../../src/kernel/errno.ts'
import { TestKernel } from '../../support/kernel.ts'
import { childPuppet, FOREIGN_PUPPET, IMAGE, type Puppet, puppetKernel, PUPPET, startPuppet } from '../../support/puppet.ts'
import { encodeModule, type FunctionBody, ins } from '../../support/wasm-encoder.ts'

const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 2))

async function waitFor(p: Puppet, pid: number): Promise<number> {
  const at = p.room(8)
  await p.ok('proc_wait', pid, 0, at, at + 4)
  return p.u32(at + 4)
}

describe('a session', () => {
  test('ends with its first process; what is left of it gets HUP', async () => {
    const tests = puppetKernel()
    const { puppet, session } = await startPuppet(tests)
    const child = await childPuppet(tests, puppet)
    const grandchild = await childPuppet(tests, child)
    puppet.begin('proc_exit', 5)
    expect(await session.exited).toMatchObject({ status: 5, processes: 3 })
    expect([child.process.waitStatus, grandchild.process.waitStatus]).toEqual([1, 1])
    await turn()
    expect(tests.kernel.processes.pids()).toEqual([])
  })
  test('who catches HUP has a moment, who ignores it gets KILL', async () => {
    const tests = puppetKernel()
    const { puppet, session } = await startPuppet(tests)
    const catching = await childPuppet(tests, puppet)
    const ignoring = await childPuppet(tests, puppet)
    await catching.ok('sig_action', 1, 2, catching.room(4))
    await ignoring.ok('sig_action', 1, 1, ignoring.room(4))
    puppet.begin('proc_exit', 0)
    await turn()
    catching.begin('proc_exit', 3)
    await session.exited
    expect([catching.process.waitStatus, ignoring.process.waitStatus]).toEqual([3 << 8, 9])
  })
  test('a kill from outside reaches all its processes and no other session', async () => {
    const tests = puppetKernel()
    const a = await startPuppet(tests)
    const b = await startPuppet(tests)
    const child = await childPuppet(tests, a.puppet)
    a.session.kill(15)
    expect(await a.session.exited).toMatchObject({ status: 143, signal: 15 })
    expect(child.process.alive).toBe(false)
    expect(await b.puppet.call('proc_getpid')).toBe(b.puppet.process.pid)
  })
  test('a kill before the program was loaded counts', async () => {
    const tests = puppetKernel()
    const { session } = tests.begin(['puppet'])
    session.kill(9)
    expect(await session.exited).toMatchObject({ status: 137, signal: 9 })
  })
  test('what cannot be started is 127 or 126 with the reason', async () => {
    const tests = puppetKernel()
    tests.writeFile('/tmp/text', 'hi', 0o644)
    expect(await tests.run(['none'])).toMatchObject({
      status: 127,
      processes: 0,
      error: { errno: Errno.ENOENT, message: 'Cannot start "none": ENOENT' },
    })
    expect(await tests.run(['/tmp/text'])).toMatchObject({ status: 126, error: { errno: Errno.EACCES } })
    expect(await tests.run(['puppet'], { cwd: '/none' })).toMatchObject({ error: { errno: Errno.ENOENT } })
  })
  test('its end is a barrier of the journal', async () => {
    const tests = puppetKernel()
    const { puppet, session } = await startPuppet(tests)
    await puppet.open('tmp/made', 'wc')
    puppet.close()
    const { seq } = await session.exited
    expect(tests.messages.at(-1)).toMatchObject({ seq, barrier: true })
  })
})

describe('zombies and orphans', () => {
  test('a child is a zombie until its status is taken; an orphan leaves none', async () => {
    const tests = puppetKernel()
    const { puppet } = await startPuppet(tests)
    const child = await childPuppet(tests, puppet)
    const orphan = await childPuppet(tests, child)
    child.close()
    await turn()
    expect(tests.kernel.processes.get(child.process.pid)!.state).toBe('Z')
    expect(orphan.process.ppid).toBe(1)
    orphan.close()
    await turn()
    expect(tests.kernel.processes.get(orphan.process.pid)).toBeUndefined()
    expect(await waitFor(puppet, child.process.pid)).toBe(0)
    expect(tests.kernel.processes.pids()).toEqual([puppet.process.pid])
  })
  test('closing descriptors at the end wakes who waits for the other end', async () => {
    const tests = puppetKernel()
    const { puppet } = await startPuppet(tests)
    const [reader, writer] = await puppet.pipe()
    const child = await childPuppet(tests, puppet)
    await puppet.ok('fd_close', writer)
    const end = puppet.readText(reader, 10)
    child.trap()
    expect(await end).toBe('')
  })
})

describe('limits', () => {
  test('T46 the 65th process is EAGAIN, and one that ends makes room', async () => {
    const tests = puppetKernel({ limits: { processesAlive: 8 } })
    const { puppet } = await startPuppet(tests)
    const children: Puppet[] = []
    for (let i = 1; i < 8; i++) children.push(await childPuppet(tests, puppet, i % 2 ? 'clone' : 'spawn'))
    await expect(childPuppet(tests, puppet)).rejects.toThrow(`proc_spawn answered ${Errno.EAGAIN}`)
    await expect(childPuppet(tests, puppet, 'clone')).rejects.toThrow(`proc_clone answered ${Errno.EAGAIN}`)
    children[0]!.begin('proc_exit', 0)
    await waitFor(puppet, children[0]!.process.pid)
    const next = await childPuppet(tests, puppet)
    expect(await next.call('proc_getppid')).toBe(puppet.process.pid)
  })
  test('64 processes live at once', async () => {
    const tests = puppetKernel()
    const { puppet } = await startPuppet(tests)
    for (let i = 1; i < 64; i++) await childPuppet(tests, puppet)
    await expect(childPuppet(tests, puppet)).rejects.toThrow(`answered ${Errno.EAGAIN}`)
    expect(tests.kernel.memories).toBe(64)
  })
  test('a session makes so many processes and no more', async () => {
    const tests = puppetKernel({ limits: { processesPerRun: 5 } })
    const { puppet } = await startPuppet(tests)
    for (let i = 1; i < 5; i++) {
      const child = await childPuppet(tests, puppet)
      child.close()
      await waitFor(puppet, child.process.pid)
    }
    await expect(childPuppet(tests, puppet)).rejects.toThrow(`answered ${Errno.EAGAIN}`)
  })
  test('T51 a process grows to its quota and not a page further', async () => {
    const tests = puppetKernel({ limits: { processMemoryBytes: 10 * 65_536 } })
    const { puppet } = await startPuppet(tests)
    expect(await puppet.grow(9)).toBe(-1)
    expect(await puppet.grow(8)).toBe(2)
    expect(await puppet.grow(1)).toBe(-1)
  })
  test('T51 all processes together stay below the cell’s bytes', async () => {
    const tests = puppetKernel({ limits: { cellMemoryBytes: 40 * 65_536 } })
    const { puppet } = await startPuppet(tests)
    const child = await childPuppet(tests, puppet)
    expect(await puppet.grow(10)).toBe(2)
    await child.ok('sched_yield')
    const most = (40 * 65_536 - tests.kernel.memoryBytes) / 65_536
    expect(await child.grow(most + 1)).toBe(-1)
    expect(await child.grow(most)).toBe(2)
    await puppet.ok('sched_yield')
    expect(tests.kernel.memoryBytes).toBe(40 * 65_536)
    const spare = puppet.memory.length / 65_536 - puppet.instance.pages
    expect(await puppet.grow(spare + 1)).toBe(-1)
    expect(await puppet.grow(spare)).toBe(12)
  })
})

describe('the budget of memories', () => {
  test('running out is EAGAIN; a smaller allowance takes idle ones back', async () => {
    const tests = puppetKernel({ memories: 3 })
    const { puppet } = await startPuppet(tests)
    const a = await childPuppet(tests, puppet)
    const b = await childPuppet(tests, puppet)
    await expect(childPuppet(tests, puppet)).rejects.toThrow(`answered ${Errno.EAGAIN}`)
    a.close()
    b.close()
    await waitFor(puppet, a.process.pid)
    await waitFor(puppet, b.process.pid)
    expect(tests.kernel.memories).toBe(3)
    tests.kernel.allowMemories(1)
    await expect(childPuppet(tests, puppet)).rejects.toThrow(`answered ${Errno.EAGAIN}`)
    tests.kernel.allowMemories(6)
    const again = await childPuppet(tests, puppet)
    expect(await again.call('proc_getppid')).toBe(puppet.process.pid)
  })
  test('an idle memory serves another module', async () => {
    const other = new Map([
      ['puppet', { module: 'puppet', bytes: PUPPET }],
      ['other', { module: 'other', bytes: Uint8Array.from(PUPPET) }],
    ])
    const tests = new TestKernel({ programs: other, memories: 2 })
    const { puppet } = await startPuppet(tests)
    const out = puppet.room(4)
    for (const name of ['puppet', 'other', 'puppet', 'other']) {
      const fd = (await puppet.open('dev/null', 'rw')) - 1
      const actions = puppet.room(24)
      for (const [i, n] of [0, 0, fd, 0, 1, fd].entries()) puppet.view.setInt32(actions + i * 4, n, true)
      await puppet.ok('proc_spawn', ...puppet.text(`/bin/${name}`), ...puppet.list(name), 0, 0, 0, 0, actions, 2, 0, 0, out)
      expect(await waitFor(puppet, puppet.u32(out))).toBe(0)
      await puppet.ok('fd_close', fd + 1)
    }
    expect(tests.kernel.memories).toBe(2)
  })
  test('a memory that has grown beyond 32 MiB serves while processes run, and is given up and counted when none does', async () => {
    const tests = puppetKernel({ memories: 4 })
    const { puppet, session } = await startPuppet(tests)
    for (let i = 0; i < 10; i++) {
      const child = await childPuppet(tests, puppet)
      expect(await child.grow(600)).toBe(2)
      child.close()
      await waitFor(puppet, child.process.pid)
    }
    expect([tests.kernel.memories, tests.kernel.memoryDrops]).toEqual([2, 0])
    puppet.close()
    await session.exited
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(tests.kernel.memoryDrops).toBe(1)
    expect(tests.kernel.memoryBytes).toBeLessThan(32 * 1024 * 1024)
  })
  test('no more are given up than the limit while none is collected: then large ones are kept', async () => {
    const tests = puppetKernel({ limits: { memoryPoolDrops: 2 } })
    for (let i = 0; i < 4; i++) {
      const { puppet, session } = await startPuppet(tests)
      await puppet.grow(600)
      puppet.close()
      await session.exited
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect(tests.kernel.memoryDrops).toBeGreaterThanOrEqual(2)
    expect(tests.kernel.memories).toBeLessThanOrEqual(3)
  })
  test('large idle memories go when the cell’s bytes run short', async () => {
    const tests = puppetKernel({ limits: { processMemoryBytes: 1200 * 65_536, cellMemoryBytes: 2100 * 65_536 } })
    const { puppet } = await startPuppet(tests)
    const children = [await childPuppet(tests, puppet), await childPuppet(tests, puppet)]
    for (const child of children) expect(await child.grow(700)).toBe(2)
    for (const child of children) {
      child.close()
      await waitFor(puppet, child.process.pid)
    }
    expect(tests.kernel.memoryDrops).toBe(1)
    const next = await childPuppet(tests, puppet)
    expect(await next.grow(1100)).toBe(2)
  })
  test('a foreign program runs in a pooled memory, which is clean and no larger than the limit', async () => {
    const tests = puppetKernel({ memories: 2, limits: { processMemoryBytes: 64 * 65_536 } })
    tests.writeFile('/tmp/foreign', FOREIGN_PUPPET, 0o755)
    const { puppet } = await startPuppet(tests)
    for (let i = 0; i < 5; i++) {
      const { puppet: foreign, session } = await startPuppet(tests, { argv: ['/tmp/foreign'] })
      expect(foreign.read(IMAGE.at, IMAGE.text.length)).toBe(IMAGE.text)
      expect(foreign.memory.subarray(8192).every((byte) => byte === 0)).toBe(true)
      expect(await foreign.growReal(100)).toBe(-1)
      await foreign.growReal(4)
      foreign.memory.fill(255, 8192)
      foreign.close()
      expect(await session.exited).toMatchObject({ status: 0 })
    }
    expect(tests.kernel.memories).toBe(2)
    const busy = await startPuppet(tests, { argv: ['/tmp/foreign'] })
    await expect(startPuppet(tests, { argv: ['/tmp/foreign'] })).rejects.toThrow('EAGAIN')
    busy.puppet.close()
    await busy.session.exited
    expect(await puppet.call('proc_getpid')).toBe(puppet.process.pid)
  })
})

describe('an instance that is used again', () => {
  test('is as at first: image, zeroes, stack pointer, size', async () => {
    const tests = puppetKernel()
    const { puppet } = await startPuppet(tests)
    const child = await childPuppet(tests, puppet)
    const { instance } = child
    await child.grow(3)
    child.memory.fill(255, 8192)
    child.memory.fill(255, IMAGE.at, IMAGE.at + 20)
    instance.globals!.stackPointer.value = 1
    child.trap()
    expect(await waitFor(puppet, child.process.pid)).toBe(6)
    const next = await childPuppet(tests, puppet)
    expect(next.process.instance).toBe(instance)
    expect(next.read(IMAGE.at, 20)).toBe(`${IMAGE.text}${'\0'.repeat(11)}`)
    expect(next.memory.subarray(8192).every((byte) => byte === 0)).toBe(true)
    expect([instance.globals!.stackPointer.value, instance.pages]).toEqual([65_536, 2])
  })
  test('a panic or an endless recursion does not poison the next run', async () => {
    const tests = puppetKernel()
    const { puppet } = await startPuppet(tests)
    for (const fail of ['trap', 'recurse'] as const) {
      const child = await childPuppet(tests, puppet)
      child[fail]()
      expect(await waitFor(puppet, child.process.pid)).toBe(6)
      const next = await childPuppet(tests, puppet)
      expect(await next.call('proc_getppid')).toBe(puppet.process.pid)
      next.close()
      await waitFor(puppet, next.process.pid)
    }
    expect(tests.kernel.memories).toBe(2)
  })
  test('a killed one is used again only after its coroutine has unwound', async () => {
    const tests = puppetKernel()
    const { puppet } = await startPuppet(tests)
    const child = await childPuppet(tests, puppet)
    await puppet.ok('proc_kill', child.process.pid, 9)
    await waitFor(puppet, child.process.pid)
    const next = await childPuppet(tests, puppet)
    expect(await next.call('proc_getppid')).toBe(puppet.process.pid)
  })
})

describe('a foreign program', () => {
  /** A command that writes "caught" if an exception handler of its own ever catches anything around proc_exit. */
  const catchAll = encodeModule({
    imports: [
      { module: 'wasi_snapshot_preview1', name: 'proc_exit', params: 'i', result: false },
      { module: 'wasi_snapshot_preview1', name: 'fd_write', params: 'iiii', result: true },
    ],
    memory: { pages: 1, imported: false },
    functions: [
      {
        params: '',
        result: false,
        locals: 0,
        // try; proc_exit(7); catch_all; end (legacy exception handling), then write and return
        code: [
          0x06,
          0x40,
          ...ins.i32(7),
          ...ins.call(0),
          0x19,
          0x0b,
          ...ins.i32(1),
          ...ins.i32(0),
          ...ins.i32(1),
          ...ins.i32(8),
          ...ins.call(1),
          ...ins.drop,
        ],
      },
    ],
    exports: { _start: 0 },
    data: { at: 0, bytes: [16, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...Buffer.from('caught')] },
  })
  /** A command whose start section names a function that exits with 9. */
  const exitsInStart = encodeModule({
    imports: [{ module: 'wasi_snapshot_preview1', name: 'proc_exit', params: 'i', result: false }],
    memory: { pages: 1, imported: false },
    functions: [
      { params: '', result: false, locals: 0, code: [...ins.i32(9), ...ins.call(0)] },
      { params: '', result: false, locals: 0, code: [] },
    ],
    exports: { _start: 1 },
    start: 0,
  })
  test('cannot catch its own exit', async () => {
    const tests = puppetKernel()
    tests.writeFile('/tmp/catch', catchAll, 0o755)
    expect(await tests.run(['/tmp/catch'])).toMatchObject({ status: 7, stdout: '' })
  })
  test('T76 its start function runs as its own process, not in the name of who starts it', async () => {
    const tests = puppetKernel()
    tests.writeFile('/tmp/start', exitsInStart, 0o755)
    expect(await tests.run(['/tmp/start'])).toMatchObject({ status: 9, processes: 1 })
    const { puppet } = await startPuppet(tests)
    const out = puppet.room(4)
    await puppet.ok('proc_spawn', ...puppet.text('/tmp/start'), ...puppet.list('start'), 0, 0, 0, 0, 0, 0, 0, 0, out)
    expect(await waitFor(puppet, puppet.u32(out))).toBe(9 << 8)
  })
  test('that cannot be instantiated, or exports what the kernel has names for, harms nobody', async () => {
    const tests = puppetKernel()
    const { puppet } = await startPuppet(tests)
    const empty = { params: '', result: false, locals: 0, code: [] }
    const command = { imports: [], memory: { pages: 1, imported: false }, functions: [empty], exports: { _start: 0 } }
    tests.writeFile('/tmp/oob', encodeModule({ ...command, data: { at: 65_530, bytes: [1, 2, 3, 4, 5, 6, 7, 8] } }), 0o755)
    const names = ['proc_clone_entry', 'tidepool:start', '__stack_pointer', '__vm_pages']
    tests.writeFile('/tmp/names', encodeModule({ ...command, globals: names.map((name) => ({ name, value: 1 })) }), 0o755)
    const start = (path: string): Promise<number> =>
      puppet.call('proc_spawn', ...puppet.text(path), ...puppet.list('x'), 0, 0, 0, 0, 0, 0, 0, 0, puppet.room(4))
    expect(await start('/tmp/oob')).toBe(Errno.ENOEXEC)
    expect(await start('/tmp/names')).toBe(0)
    expect(tests.faults).toEqual([])
    expect(await tests.run(['/tmp/oob'])).toMatchObject({ status: 126, error: { errno: Errno.ENOEXEC } })
    expect(await tests.run(['/tmp/names'])).toMatchObject({ status: 0 })
  })
  test('is killed while it waits, and its trap is 134', async () => {
    const tests = puppetKernel()
    tests.writeFile('/tmp/foreign', FOREIGN_PUPPET, 0o755)
    const a = await startPuppet(tests, { argv: ['/tmp/foreign'] })
    a.session.kill(15)
    expect(await a.session.exited).toMatchObject({ status: 143 })
    const b = await startPuppet(tests, { argv: ['/tmp/foreign'] })
    b.puppet.trap()
    expect(await b.session.exited).toMatchObject({ status: 134, signal: 6 })
  })
  test('its trap says why on standard error, and where by the names of functions', async () => {
    const tests = new TestKernel()
    const command = { imports: [], memory: { pages: 1, imported: false }, exports: { _start: 0 } }
    const code = (...code: number[]): FunctionBody => ({ params: '', result: false, locals: 0, code })
    tests.writeFile('/tmp/trap.wasm', encodeModule({ ...command, functions: [code(...ins.unreachable)] }), 0o755)
    tests.writeFile('/tmp/deep.wasm', encodeModule({ ...command, functions: [code(...ins.call(0))] }), 0o755)
    const trapped = await tests.run(['/tmp/trap.wasm'])
    expect(trapped).toMatchObject({ status: 134, stderr: 'trap.wasm: trapped: unreachable\n    at function 0\n' })
    const deep = await tests.run(['/tmp/deep.wasm'])
    expect(deep.stderr).toMatch(/^deep\.wasm: trapped: stack overflow: its calls are too deep inside each other\n    at function 0\n/)
  })
})

test('10,000 spawns leave the count of memories within the budget', async () => {
  const tests = new TestKernel({ memories: 8 })
  for (let i = 0; i < 10; i++) {
    const ends = await Promise.all(Array.from({ length: 4 }, () => burst(tests, 250)))
    expect(ends.flat().every((status) => status === 0)).toBe(true)
    expect(tests.kernel.memories).toBeLessThanOrEqual(8)
  }
}, 60_000)

async function burst(tests: TestKernel, count: number): Promise<number[]> {
  const statuses: number[] = []
  for (let i = 0; i < count; i++) statuses.push((await tests.run(['true'])).status)
  return statuses
}
