/** The module `tidepool`: the calls on processes and signals. */
import { beforeEach, describe, expect, test } from 'vitest'
import { Errno } from '../../../src/kernel/errno.ts'
import { TestKernel } from '../../support/kernel.ts'
import {
  childPuppet,
  FOREIGN_PUPPET,
  type Puppet,
  puppetKernel,
  PUPPET,
  puppetPrograms,
  type StartedPuppet,
  startPuppet,
} from '../../support/puppet.ts'

let tests: TestKernel
let started: StartedPuppet
let p: Puppet

beforeEach(async () => {
  tests = puppetKernel()
  started = await startPuppet(tests)
  p = started.puppet
})

interface Spawn {
  readonly argv?: readonly string[]
  readonly env?: readonly string[]
  readonly cwd?: string
  readonly actions?: readonly (readonly [number, number, number])[]
  readonly flags?: number
  readonly pgid?: number
}

/** The arguments of proc_spawn; the pid is written to the last of them. */
function spawnArguments(path: string, spawn: Spawn = {}): number[] {
  const actions = spawn.actions ?? []
  const at = p.room(12 * actions.length)
  for (const [i, n] of actions.flat().entries()) p.view.setInt32(at + i * 4, n, true)
  const cwd = spawn.cwd === undefined ? ([0, 0] as const) : p.text(spawn.cwd)
  const lists = [...p.list(...(spawn.argv ?? [path])), ...p.list(...(spawn.env ?? []))]
  return [...p.text(path), ...lists, ...cwd, at, actions.length, spawn.flags ?? 0, spawn.pgid ?? 0, p.room(4)]
}

async function spawn(path: string, options: Spawn = {}): Promise<number> {
  const args = spawnArguments(path, options)
  const errno = await p.call('proc_spawn', ...args)
  return errno === 0 ? p.u32(args.at(-1)!) : -errno
}

/** [pid, status], or the errno */
async function wait(pid: number, options = 0): Promise<[number, number] | number> {
  const at = p.room(8)
  const errno = await p.call('proc_wait', pid, options, at, at + 4)
  return errno === 0 ? [p.u32(at), p.u32(at + 4)] : errno
}

/** Standard input at its end and output nowhere: a spawned puppet exits with 0 at once. */
const silent = async (): Promise<{ actions: [number, number, number][] }> => {
  const fd = (await p.open('dev/null', 'rw')) - 1
  return {
    actions: [
      [0, 0, fd],
      [0, 1, fd],
    ],
  }
}

describe('proc_spawn', () => {
  test('starts a program of /bin with its arguments, environment and directory', async () => {
    const fd = (await p.open('dev/null', 'rw')) - 1
    const pid = await spawn('/bin/puppet', { argv: ['name', 'x'], env: ['B=2'], cwd: '/tmp', actions: [[0, 1, fd]] })
    const child = tests.kernel.processes.get(pid)!
    expect([child.argv, child.env, tests.kernel.vfs.pathOf(child.cwd)]).toEqual([['name', 'x'], ['B=2'], '/tmp'])
    expect([child.ppid, child.pgid, child.exe]).toEqual([p.process.pid, p.process.pgid, '/bin/puppet'])
  })
  test('errors are those of execve(2)', async () => {
    tests.writeFile('/tmp/text', 'echo hi\n', 0o755)
    tests.writeFile('/tmp/plain', 'echo hi\n', 0o644)
    tests.writeFile('/tmp/broken', new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 99, 99]), 0o755)
    expect(await spawn('/bin/none')).toBe(-Errno.ENOENT)
    expect(await spawn('/tmp')).toBe(-Errno.EISDIR)
    expect(await spawn('/tmp/plain')).toBe(-Errno.EACCES)
    expect(await spawn('/tmp/text')).toBe(-Errno.ENOEXEC)
    expect(await spawn('/tmp/broken')).toBe(-Errno.ENOEXEC)
    expect(await spawn('/bin/puppet', { cwd: '/none' })).toBe(-Errno.ENOENT)
    expect(await spawn('/bin/puppet', { actions: [[0, 5, 99]] })).toBe(-Errno.EBADF)
    expect(await spawn('/bin/puppet', { actions: [[7, 5, 1]] })).toBe(-Errno.EINVAL)
  })
  test('arguments and environment beyond 2 MiB together are E2BIG', async () => {
    await p.grow(40)
    const big = 'x'.repeat(2 * 1024 * 1024)
    expect(await spawn('/bin/puppet', { env: [big] })).toBe(-Errno.E2BIG)
  })
  test('a list without its last NUL is EINVAL', async () => {
    const args = spawnArguments('/bin/puppet')
    args[3] = args[3]! - 1
    expect(await p.call('proc_spawn', ...args)).toBe(Errno.EINVAL)
  })
  test('actions move and close descriptors in the child only, in order', async () => {
    const null_ = (await p.open('dev/null', 'rw')) - 1
    const pid = await spawn('/bin/puppet', {
      actions: [
        [0, 9, null_],
        [1, null_, 0],
        [0, 1, 9],
        [1, 77, 0],
      ],
    })
    expect(tests.kernel.processes.get(pid)!.fds.numbers()).toEqual([0, 1, 2, 9])
    expect(p.process.fds.peek(null_)).toBeDefined()
  })
  test('flag 1 puts the child in a group, its own or an existing one; flag 2 ignores INT and QUIT', async () => {
    const fd = (await p.open('dev/null', 'rw')) - 1
    const actions: [number, number, number][] = [[0, 1, fd]]
    const leader = await spawn('/bin/puppet', { actions, flags: 1 })
    const second = await spawn('/bin/puppet', { actions, flags: 3, pgid: leader })
    expect([leader, second].map((pid) => tests.kernel.processes.get(pid)!.pgid)).toEqual([leader, leader])
    expect(tests.kernel.processes.get(second)!.signals.disposition(2)).toBe(1)
    expect(await spawn('/bin/puppet', { actions, flags: 1, pgid: 4711 })).toBe(-Errno.EPERM)
  })
  test('ignored signals are inherited, caught ones become default', async () => {
    await p.ok('sig_action', 1, 1, p.room(4))
    await p.ok('sig_action', 15, 2, p.room(4))
    const child = await childPuppet(tests, p)
    expect([1, 15].map((s) => child.process.signals.disposition(s))).toEqual([1, 0])
  })
  test('#! starts the named interpreter with the file as its argument', async () => {
    tests.writeFile('/tmp/script', '#!/bin/puppet  one argument \nrest', 0o755)
    const fd = (await p.open('dev/null', 'rw')) - 1
    const pid = await spawn('/tmp/script', { argv: ['script', 'a', 'b'], actions: [[0, 1, fd]] })
    expect(tests.kernel.processes.get(pid)!.argv).toEqual(['/bin/puppet', 'one argument', '/tmp/script', 'a', 'b'])
  })
  test('#!/usr/bin/env NAME searches PATH', async () => {
    tests.writeFile('/tmp/script', '#!/usr/bin/env puppet\n', 0o755)
    const fd = (await p.open('dev/null', 'rw')) - 1
    const pid = await spawn('/tmp/script', { actions: [[0, 1, fd]], env: ['PATH=/none:/bin'] })
    expect(tests.kernel.processes.get(pid)!.argv).toEqual(['puppet', '/tmp/script'])
    expect(await spawn('/tmp/script', { env: ['PATH=/none'] })).toBe(-Errno.ENOENT)
  })
  test('scripts that name each other are ELOOP', async () => {
    tests.writeFile('/tmp/a', '#!/tmp/b\n', 0o755)
    tests.writeFile('/tmp/b', '#!/tmp/a\n', 0o755)
    expect(await spawn('/tmp/a')).toBe(-Errno.ELOOP)
  })
  test('a WebAssembly file that imports more than WASI is ENOEXEC, one that does not runs', async () => {
    tests.writeFile('/tmp/own', PUPPET, 0o755)
    tests.writeFile('/tmp/foreign', FOREIGN_PUPPET, 0o755)
    expect(await spawn('/tmp/own')).toBe(-Errno.ENOEXEC)
    const pid = await spawn('/tmp/foreign', await silent())
    expect(await wait(pid)).toEqual([pid, 0])
  })
  test('a WebAssembly file beyond the limit is EFBIG, whatever its size', async () => {
    tests.writeFile('/tmp/huge', FOREIGN_PUPPET, 0o755)
    const fd = await p.open('tmp/huge', 'rw')
    await p.ok('fd_filestat_set_size', fd, 1n << 40n)
    expect(await spawn('/tmp/huge')).toBe(-Errno.EFBIG)
  })
  test('a spawn that waits for its module is not done twice', async () => {
    let arrive: () => void = () => {}
    let loads = 0
    const slow = new TestKernel({
      programs: puppetPrograms(new Map([['slow', { module: 'slow', bytes: PUPPET }]])),
      host: {
        loadModule: async (name) => {
          loads++
          if (name === 'slow') await new Promise<void>((resolve) => (arrive = resolve))
          return WebAssembly.compile(PUPPET)
        },
      },
    })
    p = (await startPuppet(slow)).puppet
    const { actions } = await silent()
    const result = spawn('/bin/slow', { actions })
    for (let i = 0; i < 3; i++) {
      await new Promise((resolve) => setTimeout(resolve, 2))
      p.process.wake()
    }
    arrive()
    const pid = await result
    expect(pid).toBe(p.process.pid + 1)
    expect(loads).toBe(2)
    expect(await wait(-1)).toEqual([pid, 0])
    expect(await wait(-1)).toBe(Errno.ECHILD)
  })
})

describe('proc_exec', () => {
  test('replaces the program and keeps the pid; close-on-exec descriptors go', async () => {
    tests.writeFile('/tmp/f', '')
    const fd = (await p.open('tmp/f')) - 1
    await p.ok('fd_setcloexec', fd, 1)
    p.memory.set(Buffer.from('changed'), 2048)
    const before = p.process.instance
    const answer = p.call('proc_exec', ...p.text('/bin/puppet'), ...p.list('again', 'x'), ...p.list('C=3'))
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect([p.process.argv, p.process.env, p.process.pid]).toEqual([['again', 'x'], ['C=3'], p.process.pid])
    expect(p.process.fds.peek(fd)).toBeUndefined()
    expect(p.read(2048, 9)).toBe('the image')
    // The old program never answered: what comes first is the new one's answer.
    p.begin('proc_getpid')
    expect(await answer).toBe(p.process.pid)
    expect(p.process.instance).not.toBe(before)
  })
  test('returns only when it fails, and nothing has changed then', async () => {
    expect(await p.call('proc_exec', ...p.text('/bin/none'), ...p.list('x'), 0, 0)).toBe(Errno.ENOENT)
    expect(p.process.argv).toEqual(['puppet'])
  })
  test('a foreign program can follow; an exec that waits for it is not done twice', async () => {
    tests.writeFile('/tmp/foreign', FOREIGN_PUPPET, 0o755)
    p.begin('proc_exec', ...p.text('/tmp/foreign'), ...p.list('foreign'), 0, 0)
    for (let i = 0; i < 3; i++) {
      p.process.wake()
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    expect([p.process.argv, p.instance.code.own]).toEqual([['foreign'], false])
    p.close()
    expect(await started.session.exited).toMatchObject({ status: 0, processes: 1 })
  })
})

describe('proc_clone', () => {
  test('copies memory, descriptors, directory, umask and dispositions; later changes are apart', async () => {
    await p.ok('proc_chdir', ...p.text('/tmp'))
    await p.call('umask', 0o7)
    await p.ok('sig_action', 15, 2, p.room(4))
    const [at] = p.text('before')
    const child = await childPuppet(tests, p, 'clone')
    expect(child.read(at, 6)).toBe('before')
    p.memory.set(Buffer.from('after!'), at)
    expect(child.read(at, 6)).toBe('before')
    expect(await child.call('umask', -1)).toBe(0o7)
    expect(tests.kernel.vfs.pathOf(child.process.cwd)).toBe('/tmp')
    expect(child.process.signals.disposition(15)).toBe(2)
    expect(child.process.ppid).toBe(p.process.pid)
    expect(child.process.argv).toEqual(p.process.argv)
  })
  test('a grown memory is copied whole, and a pooled larger one is clean beyond it', async () => {
    const big = await childPuppet(tests, p)
    await big.grow(20)
    big.memory.fill(7)
    big.close()
    await wait(big.process.pid)
    await p.grow(3)
    p.memory[4 * 65_536] = 42
    const child = await childPuppet(tests, p, 'clone')
    expect(child.instance.pages).toBe(5)
    expect(child.memory[4 * 65_536]).toBe(42)
    expect(child.memory.subarray(5 * 65_536).every((b) => b === 0)).toBe(true)
  })
})

describe('proc_wait', () => {
  test('status is the exit code times 256, or the signal', async () => {
    const a = await childPuppet(tests, p)
    a.begin('proc_exit', 7)
    expect(await wait(a.process.pid)).toEqual([a.process.pid, 7 << 8])
    const b = await childPuppet(tests, p)
    await p.ok('proc_kill', b.process.pid, 9)
    expect(await wait(-1)).toEqual([b.process.pid, 9])
    const c = await childPuppet(tests, p)
    c.trap()
    expect(await wait(0)).toEqual([c.process.pid, 6])
    expect(await wait(-1)).toBe(Errno.ECHILD)
    expect(await wait(a.process.pid)).toBe(Errno.ECHILD)
  })
  test('WNOHANG gives pid 0 while none has ended', async () => {
    const child = await childPuppet(tests, p)
    expect(await wait(-1, 1)).toEqual([0, 0])
    child.close()
    expect(await wait(child.process.pid)).toEqual([child.process.pid, 0])
    expect(await p.call('proc_wait', -1, 2, p.room(4), p.room(4))).toBe(Errno.EINVAL)
  })
  test('a group is waited for by its negative number', async () => {
    const other = await childPuppet(tests, p)
    const child = await childPuppet(tests, p, 'spawn', 1)
    other.begin('proc_exit', 1)
    await new Promise((resolve) => setTimeout(resolve, 2))
    child.begin('proc_exit', 2)
    expect(await wait(-child.process.pid)).toEqual([child.process.pid, 2 << 8])
    expect(await wait(-child.process.pid)).toBe(Errno.ECHILD)
    expect(await wait(-1)).toEqual([other.process.pid, 1 << 8])
  })
  test('a status is taken once: a wait that was woken for nothing is not done twice', async () => {
    const a = await childPuppet(tests, p)
    const b = await childPuppet(tests, p)
    const waiting = wait(a.process.pid)
    b.begin('proc_exit', 2)
    await new Promise((resolve) => setTimeout(resolve, 2))
    p.process.wake()
    await new Promise((resolve) => setTimeout(resolve, 2))
    a.begin('proc_exit', 1)
    expect(await waiting).toEqual([a.process.pid, 1 << 8])
    expect(await wait(-1)).toEqual([b.process.pid, 2 << 8])
  })
  test('a caught signal breaks it off with EINTR, once', async () => {
    const child = await childPuppet(tests, p)
    await p.ok('sig_action', 10, 2, p.room(4))
    const waiting = wait(child.process.pid)
    await child.ok('proc_kill', p.process.pid, 10)
    expect(await waiting).toBe(Errno.EINTR)
    const again = wait(child.process.pid)
    child.close()
    expect(await again).toEqual([child.process.pid, 0])
  })
  test('a signal that came before the child ended is told first', async () => {
    const child = await childPuppet(tests, p)
    await p.ok('sig_action', 10, 2, p.room(4))
    const waiting = wait(child.process.pid)
    tests.kernel.processes.send(p.process, 10)
    tests.kernel.processes.end(child.process, 0)
    expect(await waiting).toBe(Errno.EINTR)
    expect(await wait(child.process.pid)).toEqual([child.process.pid, 0])
  })
  test('where CHLD is ignored children leave no zombie', async () => {
    await p.ok('sig_action', 17, 1, p.room(4))
    const child = await childPuppet(tests, p)
    const waiting = wait(-1)
    child.close()
    expect(await waiting).toBe(Errno.ECHILD)
    expect(tests.kernel.processes.pids()).toEqual([p.process.pid])
  })
})

describe('proc_kill', () => {
  test('ends a waiting process by default; signal 0 only checks', async () => {
    const child = await childPuppet(tests, p)
    expect(await p.call('proc_kill', child.process.pid, 0)).toBe(0)
    await p.ok('proc_kill', child.process.pid, 15)
    expect(await wait(child.process.pid)).toEqual([child.process.pid, 15])
    expect(await p.call('proc_kill', child.process.pid, 0)).toBe(Errno.ESRCH)
    expect(await p.call('proc_kill', p.process.pid, 32)).toBe(Errno.EINVAL)
    expect(await p.call('proc_kill', p.process.pid, -1)).toBe(Errno.EINVAL)
    expect(await p.call('proc_kill', 1, 9)).toBe(Errno.EPERM)
  })
  test('a process that kills itself never returns from the call', async () => {
    p.begin('proc_kill', p.process.pid, 1)
    expect(await started.session.exited).toMatchObject({ status: 129, signal: 1 })
  })
  test('a group gets it by its negative number, all others of the session by −1', async () => {
    const a = await childPuppet(tests, p, 'spawn', 1)
    const b = await childPuppet(tests, p, 'spawn', 1, a.process.pid)
    const c = await childPuppet(tests, p)
    await p.ok('proc_kill', -a.process.pid, 2)
    expect([a.process.alive, b.process.alive, c.process.alive]).toEqual([false, false, true])
    await p.ok('proc_kill', -1, 15)
    expect([c.process.alive, p.process.alive]).toEqual([false, true])
    expect(await p.call('proc_kill', -4711, 15)).toBe(Errno.ESRCH)
  })
  test('processes of another session cannot be seen', async () => {
    const other = await startPuppet(tests)
    expect(await p.call('proc_kill', other.puppet.process.pid, 9)).toBe(Errno.ESRCH)
    expect(await p.call('proc_getpgid', other.puppet.process.pid, p.room(4))).toBe(Errno.ESRCH)
  })
  test('STOP halts a process until CONT', async () => {
    const child = await childPuppet(tests, p)
    await p.ok('proc_kill', child.process.pid, 19)
    let answered = false
    const call = child.call('proc_getpid').then((pid) => {
      answered = true
      return pid
    })
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect(answered).toBe(false)
    await p.ok('proc_kill', child.process.pid, 18)
    expect(await call).toBe(child.process.pid)
  })
  test('KILL ends a stopped process', async () => {
    const child = await childPuppet(tests, p)
    await p.ok('proc_kill', child.process.pid, 19)
    await p.ok('proc_kill', child.process.pid, 9)
    expect(await wait(child.process.pid)).toEqual([child.process.pid, 9])
  })
})

describe('proc_getpid', () => {
  test('gives the pid', async () => {
    expect(await p.call('proc_getpid')).toBe(p.process.pid)
  })
})

describe('proc_getppid', () => {
  test('gives the parent, 1 for a session’s first process and for orphans', async () => {
    expect(await p.call('proc_getppid')).toBe(1)
    const child = await childPuppet(tests, p)
    const grandchild = await childPuppet(tests, child)
    expect(await grandchild.call('proc_getppid')).toBe(child.process.pid)
    child.close()
    await wait(child.process.pid)
    expect(await grandchild.call('proc_getppid')).toBe(1)
  })
})

describe('proc_getpgid', () => {
  test('gives the group of the caller or of another process', async () => {
    const at = p.room(4)
    await p.ok('proc_getpgid', 0, at)
    expect(p.u32(at)).toBe(p.process.pid)
    const child = await childPuppet(tests, p, 'spawn', 1)
    await p.ok('proc_getpgid', child.process.pid, at)
    expect(p.u32(at)).toBe(child.process.pid)
    expect(await p.call('proc_getpgid', 4711, at)).toBe(Errno.ESRCH)
  })
})

describe('proc_setpgid', () => {
  test('moves a child to its own or another group; strangers are ESRCH, session leaders EPERM', async () => {
    const a = await childPuppet(tests, p)
    const b = await childPuppet(tests, p)
    await p.ok('proc_setpgid', a.process.pid, 0)
    await p.ok('proc_setpgid', b.process.pid, a.process.pid)
    expect([a.process.pgid, b.process.pgid]).toEqual([a.process.pid, a.process.pid])
    expect(await p.call('proc_setpgid', b.process.pid, 4711)).toBe(Errno.EPERM)
    expect(await p.call('proc_setpgid', 4711, 0)).toBe(Errno.ESRCH)
    expect(await p.call('proc_setpgid', 0, 0)).toBe(Errno.EPERM)
  })
})

describe('proc_times', () => {
  test('gives processor time, that of reaped children apart', async () => {
    const at = p.room(32)
    await p.ok('proc_times', at)
    const first = p.u64(at)
    expect(first > 0n).toBe(true)
    const child = await childPuppet(tests, p)
    for (let i = 0; i < 50; i++) await child.ok('sched_yield')
    child.close()
    await wait(child.process.pid)
    await p.ok('proc_times', at)
    expect(p.u64(at) > first).toBe(true)
    expect(p.u64(at + 16) > 0n).toBe(true)
  })
})

describe('sig_action', () => {
  test('gives the old disposition; KILL, STOP and unknown ones are EINVAL', async () => {
    const at = p.room(4)
    await p.ok('sig_action', 15, 2, at)
    expect(p.u32(at)).toBe(0)
    await p.ok('sig_action', 15, 1, at)
    expect(p.u32(at)).toBe(2)
    for (const [signal, disposition] of [
      [9, 1],
      [19, 2],
      [0, 1],
      [32, 1],
      [15, 3],
    ])
      expect(await p.call('sig_action', signal!, disposition!, at)).toBe(Errno.EINVAL)
  })
  test('an ignored signal does nothing', async () => {
    await p.ok('sig_action', 15, 1, p.room(4))
    await p.ok('proc_kill', p.process.pid, 15)
    expect(await p.call('proc_getpid')).toBe(p.process.pid)
  })
})

describe('sig_pending', () => {
  test('takes the caught signals that came since, as a mask', async () => {
    const at = p.room(8)
    await p.ok('sig_action', 15, 2, at)
    await p.ok('sig_action', 10, 2, at)
    await p.ok('proc_kill', p.process.pid, 15)
    await p.ok('proc_kill', p.process.pid, 10)
    await p.ok('sig_pending', at)
    expect(p.u64(at)).toBe((1n << 15n) | (1n << 10n))
    await p.ok('sig_pending', at)
    expect(p.u64(at)).toBe(0n)
  })
  test('a signal that was asked for does not break off a later wait', async () => {
    const at = p.room(8)
    await p.ok('sig_action', 15, 2, at)
    await p.ok('proc_kill', p.process.pid, 15)
    await p.ok('sig_pending', at)
    const child = await childPuppet(tests, p)
    const waiting = wait(child.process.pid)
    child.close()
    expect(await waiting).toEqual([child.process.pid, 0])
  })
})
