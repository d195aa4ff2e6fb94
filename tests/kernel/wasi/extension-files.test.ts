/** The module `tidepool`: the calls on files and descriptors. Numbers here are Unix numbers. */
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

async function openUnix(path: string, flags = 0, mode = 0): Promise<number> {
  const out = p.room(4)
  const errno = await p.call('fd_open', ...p.text(path), flags, mode, out)
  return errno === 0 ? p.u32(out) : -errno
}

describe('proc_chdir', () => {
  test('changes where relative paths begin; a file is ENOTDIR, a missing one ENOENT', async () => {
    await p.ok('proc_chdir', ...p.text('/tmp'))
    expect(await openUnix('x', 0x41, 0o644)).toBe(3)
    expect(tests.readFile('/tmp/x')).toBe('')
    expect(await p.call('proc_chdir', ...p.text('x'))).toBe(Errno.ENOTDIR)
    expect(await p.call('proc_chdir', ...p.text('none'))).toBe(Errno.ENOENT)
  })
})

describe('proc_getcwd', () => {
  test('gives the path; too small a buffer is ERANGE and the length is told', async () => {
    const buffer = p.room(64)
    const length = p.room(4)
    await p.ok('proc_getcwd', buffer, 64, length)
    expect(p.read(buffer, p.u32(length))).toBe('/home/user')
    p.view.setUint32(length, 0, true)
    expect(await p.call('proc_getcwd', buffer, 3, length)).toBe(Errno.ERANGE)
    expect(p.u32(length)).toBe(10)
  })
  test('a removed working directory is ENOENT', async () => {
    await p.ok('path_create_directory', 3, ...p.text('tmp/d'))
    await p.ok('proc_chdir', ...p.text('/tmp/d'))
    await p.ok('path_remove_directory', 3, ...p.text('tmp/d'))
    expect(await p.call('proc_getcwd', p.room(64), 64, p.room(4))).toBe(Errno.ENOENT)
  })
})

describe('fd_pipe', () => {
  test('gives the two lowest free numbers; without room EMFILE and nothing opened', async () => {
    const out = p.room(8)
    await p.ok('fd_pipe', 1, out)
    expect([p.u32(out), p.u32(out + 4)]).toEqual([3, 4])
    expect([3, 4].map((fd) => p.process.fds.get(fd).closeOnExec)).toEqual([true, true])
    for (let i = 5; i < 255; i++) await p.ok('fd_dup', 0, 0, 0, out)
    expect(await p.call('fd_pipe', 0, out)).toBe(Errno.EMFILE)
    expect(p.process.fds.peek(255)).toBeUndefined()
  })
})

describe('fd_dup', () => {
  test('takes the lowest number from min on, and shares position and flags', async () => {
    tests.writeFile('/tmp/f', 'hello')
    const out = p.room(4)
    const fd = await openUnix('/tmp/f')
    await p.ok('fd_dup', fd, 10, 1, out)
    expect(p.u32(out)).toBe(10)
    expect(p.process.fds.get(10).closeOnExec).toBe(true)
    expect(await p.readText(fd + 1, 2)).toBe('he')
    expect(await p.readText(11, 3)).toBe('llo')
    expect(await p.call('fd_dup', 99, 0, 0, out)).toBe(Errno.EBADF)
    expect(await p.call('fd_dup', fd, 256, 0, out)).toBe(Errno.EINVAL)
    expect(await p.call('fd_dup', fd, -1, 0, out)).toBe(Errno.EINVAL)
  })
})

describe('fd_dup2', () => {
  test('replaces what is open there; the same number changes nothing', async () => {
    tests.writeFile('/tmp/f', 'hello')
    const fd = await openUnix('/tmp/f')
    await p.ok('fd_dup2', fd, 20, 0)
    await p.ok('fd_dup2', fd, 20, 0)
    await p.ok('fd_dup2', fd, fd, 1)
    expect(p.process.fds.get(fd).closeOnExec).toBe(false)
    expect(p.process.fds.get(20).file.refs).toBe(2)
    expect(await p.call('fd_dup2', 99, 5, 0)).toBe(Errno.EBADF)
    expect(await p.call('fd_dup2', fd, 256, 0)).toBe(Errno.EBADF)
    expect(await p.call('fd_dup2', fd, -1, 0)).toBe(Errno.EBADF)
  })
})

describe('fd_setcloexec', () => {
  test('decides what a spawned program keeps', async () => {
    tests.writeFile('/tmp/f', 'hello')
    const keep = await openUnix('/tmp/f')
    const lose = await openUnix('/tmp/f', 0x80000)
    await p.ok('fd_setcloexec', lose, 0)
    await p.ok('fd_setcloexec', lose, 1)
    const child = await childPuppet(tests, p)
    expect(await child.readText(keep + 1, 5)).toBe('hello')
    expect(await child.call('fd_close', lose + 1)).toBe(Errno.EBADF)
    expect(await p.call('fd_setcloexec', 99, 1)).toBe(Errno.EBADF)
  })
})

describe('tidepool.fd_close', () => {
  test('closes by Unix number', async () => {
    const fd = await openUnix('/tmp')
    await p.ok('tidepool.fd_close', fd)
    expect(await p.call('tidepool.fd_close', fd)).toBe(Errno.EBADF)
  })
})

describe('fd_open', () => {
  test('opens as open(2), the mode cut by the umask', async () => {
    expect(await openUnix('/tmp/new', 0x40 | 0x80 | 1, 0o777)).toBe(3)
    const { vfs } = tests.kernel
    expect(vfs.resolve(vfs.root, '/tmp/new', true, false).mode).toBe(0o755)
    expect(await openUnix('/tmp/new', 0x40 | 0x80 | 1, 0o777)).toBe(-Errno.EEXIST)
    expect(await openUnix('/tmp', 1)).toBe(-Errno.EISDIR)
    expect(await openUnix('/tmp/new', 0x10000)).toBe(-Errno.ENOTDIR)
    expect(await openUnix('/tmp/new', 3)).toBe(-Errno.EINVAL)
    expect(await openUnix('/tmp/new', 0x4000_0000)).toBe(-Errno.EINVAL)
  })
})

describe('fd_stat', () => {
  test('writes the 96 bytes of a stat record', async () => {
    tests.writeFile('/tmp/f', 'hello', 0o640)
    const at = p.room(96)
    await p.ok('fd_stat', await openUnix('/tmp/f'), at)
    expect([p.u32(at + 16).toString(8), p.u32(at + 20), p.u32(at + 24), p.u32(at + 28), p.u64(at + 32)]).toEqual([
      '100640',
      1,
      1000,
      1000,
      5n,
    ])
    expect(Number(p.u64(at + 64))).toBeCloseTo(Date.now() / 1000, -1)
    await p.ok('fd_stat', 0, at)
    expect(p.u32(at + 16) >> 12).toBe(1)
    expect(await p.call('fd_stat', 99, at)).toBe(Errno.EBADF)
    expect(await p.call('fd_stat', 0, p.memory.length - 95)).toBe(Errno.EFAULT)
  })
})

describe('fd_chmod', () => {
  test('changes the mode of the open file', async () => {
    tests.writeFile('/tmp/f', '')
    await p.ok('fd_chmod', await openUnix('/tmp/f'), 0o4711)
    const { vfs } = tests.kernel
    expect(vfs.resolve(vfs.root, '/tmp/f', true, false).mode).toBe(0o4711)
  })
})

describe('path_stat', () => {
  test('follows unless told not to', async () => {
    tests.writeFile('/tmp/f', 'hello')
    await p.ok('path_symlink', ...p.text('f'), 3, ...p.text('tmp/l'))
    const at = p.room(96)
    await p.ok('path_stat', ...p.text('/tmp/l'), 0, at)
    expect(p.u32(at + 16) >> 12).toBe(8)
    await p.ok('path_stat', ...p.text('/tmp/l'), 1, at)
    expect(p.u32(at + 16) >> 12).toBe(10)
    expect(await p.call('path_stat', ...p.text('/tmp/none'), 0, at)).toBe(Errno.ENOENT)
  })
})

describe('path_chmod', () => {
  test('changes modes; what belongs to the system is EPERM or EROFS', async () => {
    tests.writeFile('/tmp/f', '')
    await p.ok('path_chmod', ...p.text('/tmp/f'), 0o600, 0)
    const { vfs } = tests.kernel
    expect(vfs.resolve(vfs.root, '/tmp/f', true, false).mode).toBe(0o600)
    expect([Errno.EPERM, Errno.EROFS]).toContain(await p.call('path_chmod', ...p.text('/etc/passwd'), 0o777, 0))
    expect([Errno.EPERM, Errno.EROFS]).toContain(await p.call('path_chmod', ...p.text('/bin/puppet'), 0o777, 0))
  })
})

describe('path_chown', () => {
  test('records owner and group; −1 keeps; root is EPERM', async () => {
    tests.writeFile('/tmp/f', '')
    const { vfs } = tests.kernel
    const inode = vfs.resolve(vfs.root, '/tmp/f', true, false)
    await p.ok('path_chown', ...p.text('/tmp/f'), -1, 1234, 0)
    expect([inode.uid, inode.gid]).toEqual([1000, 1234])
    expect(await p.call('path_chown', ...p.text('/tmp/f'), 0, -1, 0)).toBe(Errno.EPERM)
  })
})

describe('path_access', () => {
  test('asks for existence, reading, writing, executing', async () => {
    tests.writeFile('/tmp/f', '', 0o500)
    expect(await p.call('path_access', ...p.text('/tmp/f'), 0)).toBe(0)
    expect(await p.call('path_access', ...p.text('/tmp/f'), 5)).toBe(0)
    expect(await p.call('path_access', ...p.text('/tmp/f'), 2)).toBe(Errno.EACCES)
    expect(await p.call('path_access', ...p.text('/tmp/none'), 0)).toBe(Errno.ENOENT)
    expect(await p.call('path_access', ...p.text('/tmp/f'), 8)).toBe(Errno.EINVAL)
  })
})

describe('umask', () => {
  test('gives the old mask; −1 only asks', async () => {
    expect(await p.call('umask', -1)).toBe(0o022)
    expect(await p.call('umask', 0o77)).toBe(0o022)
    expect(await p.call('umask', -1)).toBe(0o77)
  })
})
