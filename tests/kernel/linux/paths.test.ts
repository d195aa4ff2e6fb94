/** Linux's calls on paths, as CPython makes them: error numbers are WASI's, below zero. */
import { beforeEach, describe, expect, test } from 'vitest'
import { Errno } from '../../../src/kernel/errno.ts'
import type { TestKernel } from '../../support/kernel.ts'
import { linuxAnswer, linuxKernel, type Puppet, startLinuxPuppet } from '../../support/puppet.ts'
import { Tree } from '../../support/tree.ts'

const CWD = -100
const NOFOLLOW = 0x100
const UNKNOWN = 0x4000
const CREAT = 0x40
const BAD = 0x7fff_0000

let tests: TestKernel
let p: Puppet

beforeEach(async () => {
  tests = linuxKernel()
  p = await startLinuxPuppet(tests)
})

const answer = (name: string, ...args: readonly (number | bigint)[]): Promise<string | number> => linuxAnswer(p, name, ...args)
const path = (text: string): number => p.cString(text)
/** A string that nothing ends: it reaches to the end of the memory. */
function unterminated(): number {
  const at = p.memory.length - 8
  p.memory.fill(120, at)
  return at
}
const open = (name: string, flags = 0, mode = 0o666, dirfd = CWD): Promise<string | number> => {
  const varargs = p.room(4)
  p.view.setInt32(varargs, mode, true)
  return answer('openat', dirfd, path(name), flags, varargs)
}
const directory = async (name: string): Promise<number> => {
  await answer('mkdirat', CWD, path(name), 0o755)
  return (await open(name, 0x10000)) as number
}

interface Stat {
  readonly mode: number
  readonly nlink: number
  readonly size: bigint
  readonly mtime: readonly [bigint, number]
  readonly uid: number
  readonly gid: number
  readonly ino: bigint
}
function statAt(at: number): Stat {
  const { view } = p
  return {
    mode: view.getUint32(at + 4, true),
    nlink: view.getUint32(at + 8, true),
    uid: view.getUint32(at + 12, true),
    gid: view.getUint32(at + 16, true),
    size: view.getBigUint64(at + 24, true),
    mtime: [view.getBigInt64(at + 56, true), view.getUint32(at + 64, true)],
    ino: view.getBigUint64(at + 88, true),
  }
}
async function stat(name: string, call = 'stat64'): Promise<Stat> {
  const at = p.room(96)
  expect(await answer(call, path(name), at)).toBe(0)
  return statAt(at)
}

describe('openat', () => {
  test('gives the lowest free number; a new file has the mode less the umask', async () => {
    expect(await open('/tmp/f', CREAT | 1, 0o666)).toBe(3)
    expect((await stat('/tmp/f')).mode).toBe(0o100644)
    expect(await open('/tmp/f')).toBe(4)
  })
  test('a relative path starts at the descriptor’s directory; an absolute one ignores the descriptor', async () => {
    const fd = await directory('/tmp/d')
    expect(await open('in', CREAT | 1, 0o600, fd)).toBe(fd + 1)
    expect((await stat('/tmp/d/in')).mode).toBe(0o100600)
    expect(await open('/tmp/d/in', 0, 0, 999)).toBe(fd + 2)
    expect(await open('in', 0, 0, 999)).toBe('EBADF')
    expect(await open('in', 0, 0, fd + 1)).toBe('ENOTDIR')
  })
  test('what the kernel does anyway is accepted, O_TMPFILE is ENOTSUP, an unknown flag EINVAL', async () => {
    expect(await open('/tmp/f', CREAT | 1 | 0x100 | 0x101000 | 0x8000 | 0x40000 | 0x2000)).toBe(3)
    expect(await open('/tmp', 0x410000 | 2)).toBe('ENOTSUP')
    expect(await open('/tmp', 0x200000)).toBe(4)
    expect(await open('/tmp/f', 0x4000000)).toBe('EINVAL')
    expect(await open('/tmp/f', 3)).toBe('EINVAL')
  })
  test('T72 a bad pointer, a string without an end and a mode that cannot be read are EFAULT; nothing is made', async () => {
    expect(await answer('openat', CWD, BAD, 0, 0)).toBe('EFAULT')
    expect(await answer('openat', CWD, -1, 0, 0)).toBe('EFAULT')
    expect(await answer('openat', CWD, unterminated(), 0, 0)).toBe('EFAULT')
    expect(await answer('openat', CWD, path('/tmp/new'), CREAT | 1, BAD)).toBe('EFAULT')
    expect(await open('/tmp/new')).toBe('ENOENT')
    expect(await open('')).toBe('ENOENT')
    expect(await open('/tmp/'.concat('x'.repeat(256)))).toBe('ENAMETOOLONG')
  })
  test('O_CLOEXEC marks the descriptor', async () => {
    const fd = (await open('/tmp/f', CREAT | 1 | 0x80000)) as number
    expect(p.process.fds.get(fd).closeOnExec).toBe(true)
  })
  test('beyond the limit of descriptors it is EMFILE', async () => {
    let last: string | number = 0
    const at = path('/tmp')
    for (let i = 0; i < 5_000 && typeof last === 'number'; i++) last = await answer('openat', CWD, at, 0, 0)
    expect(last).toBe('EMFILE')
  })
})

describe('faccessat', () => {
  test('says what the user may do', async () => {
    tests.writeFile('/tmp/f', '', 0o400)
    expect(await answer('faccessat', CWD, path('/tmp/f'), 4, 0)).toBe(0)
    expect(await answer('faccessat', CWD, path('/tmp/f'), 2, 0)).toBe('EACCES')
    expect(await answer('faccessat', CWD, path('/tmp/none'), 0, 0)).toBe('ENOENT')
    expect(await answer('faccessat', CWD, path('/usr/lib'), 2, 0)).toBe('EROFS')
  })
  test('a link itself is asked with AT_SYMLINK_NOFOLLOW', async () => {
    await answer('symlinkat', path('nowhere'), CWD, path('/tmp/l'))
    expect(await answer('faccessat', CWD, path('/tmp/l'), 0, 0)).toBe('ENOENT')
    expect(await answer('faccessat', CWD, path('/tmp/l'), 0, NOFOLLOW)).toBe(0)
  })
  test('T72 an unknown mode or flag is EINVAL', async () => {
    expect(await answer('faccessat', CWD, path('/tmp'), 8, 0)).toBe('EINVAL')
    expect(await answer('faccessat', CWD, path('/tmp'), -1, 0)).toBe('EINVAL')
    expect(await answer('faccessat', CWD, path('/tmp'), 0, UNKNOWN)).toBe('EINVAL')
    expect(await answer('faccessat', CWD, BAD, 0, 0)).toBe('EFAULT')
  })
})

describe('chdir', () => {
  test('goes to a directory that may be entered', async () => {
    expect(await answer('chdir', path('/tmp'))).toBe(0)
    tests.writeFile('/tmp/f', '')
    expect((await stat('f')).size).toBe(0n)
    expect(await answer('chdir', path('f'))).toBe('ENOTDIR')
    expect(await answer('chdir', path('none'))).toBe('ENOENT')
    await answer('mkdirat', CWD, path('shut'), 0o600)
    expect(await answer('chdir', path('shut'))).toBe('EACCES')
    expect(await answer('chdir', BAD)).toBe('EFAULT')
  })
})

describe('fchdir', () => {
  test('goes to the directory of a descriptor', async () => {
    const fd = await directory('/tmp/d')
    expect(await answer('fchdir', fd)).toBe(0)
    const at = p.room(16)
    expect(await answer('getcwd', at, 16)).toBe(7)
    expect(p.read(at, 7)).toBe('/tmp/d\0')
    expect(await answer('fchdir', 0)).toBe('ENOTDIR')
    expect(await answer('fchdir', 1 << 30)).toBe('EBADF')
  })
})

describe('getcwd', () => {
  test('writes the path with its NUL and answers its length', async () => {
    const at = p.room(64)
    await answer('chdir', path('/tmp'))
    expect(await answer('getcwd', at, 5)).toBe(5)
    expect(p.read(at, 5)).toBe('/tmp\0')
  })
  test('T72 too small a buffer is ERANGE, none EINVAL, one outside EFAULT', async () => {
    await answer('chdir', path('/tmp'))
    expect(await answer('getcwd', p.room(8), 4)).toBe('ERANGE')
    expect(await answer('getcwd', p.room(8), 0)).toBe('EINVAL')
    expect(await answer('getcwd', BAD, 64)).toBe('EFAULT')
    expect(await answer('getcwd', p.memory.length - 4, -1)).toBe('EFAULT')
  })
  test('of a directory that is gone it is ENOENT', async () => {
    await directory('/tmp/d')
    await answer('chdir', path('/tmp/d'))
    await answer('rmdir', path('/tmp/d'))
    expect(await answer('getcwd', p.room(64), 64)).toBe('ENOENT')
  })
})

describe('chmod', () => {
  test('sets the permissions and nothing else', async () => {
    tests.writeFile('/tmp/f', '')
    expect(await answer('chmod', path('/tmp/f'), 0o170751)).toBe(0)
    expect((await stat('/tmp/f')).mode).toBe(0o100751)
    expect(await answer('chmod', path('/bin/puppet'), 0o777)).toBe('EPERM')
    expect(await answer('chmod', BAD, 0)).toBe('EFAULT')
  })
})

describe('fchmodat2', () => {
  test('takes a directory’s descriptor and flags; a link itself is ENOTSUP', async () => {
    const fd = await directory('/tmp/d')
    tests.writeFile('/tmp/d/f', '')
    expect(await answer('fchmodat2', fd, path('f'), 0o600, 0)).toBe(0)
    expect((await stat('/tmp/d/f')).mode).toBe(0o100600)
    await answer('symlinkat', path('f'), fd, path('l'))
    expect(await answer('fchmodat2', fd, path('l'), 0o600, NOFOLLOW)).toBe('ENOTSUP')
    expect(await answer('fchmodat2', fd, path('f'), 0o600, UNKNOWN)).toBe('EINVAL')
  })
})

describe('fchownat', () => {
  test('records owner and group; −1 keeps; root’s cannot be made', async () => {
    tests.writeFile('/tmp/f', '')
    expect(await answer('fchownat', CWD, path('/tmp/f'), -1, 7, 0)).toBe(0)
    expect(await stat('/tmp/f')).toMatchObject({ uid: 1000, gid: 7 })
    expect(await answer('fchownat', CWD, path('/tmp/f'), 0, -1, 0)).toBe('EPERM')
    expect(await answer('fchownat', CWD, path('/tmp/f'), 1, 1, UNKNOWN)).toBe('EINVAL')
    expect(await answer('fchownat', CWD, BAD, 1, 1, 0)).toBe('EFAULT')
  })
})

describe('stat64', () => {
  test('fills struct stat, through links', async () => {
    tests.writeFile('/tmp/f', 'hello', 0o640)
    await answer('symlinkat', path('f'), CWD, path('/tmp/l'))
    expect(await stat('/tmp/l')).toMatchObject({ mode: 0o100640, nlink: 1, size: 5n, uid: 1000, gid: 1000 })
  })
  test('T72 what cannot be written is EFAULT', async () => {
    expect(await answer('stat64', path('/tmp'), p.memory.length - 95)).toBe('EFAULT')
    expect(await answer('stat64', unterminated(), p.room(96))).toBe('EFAULT')
    expect(await answer('stat64', path('/tmp/f/'), p.room(96))).toBe('ENOENT')
  })
})

describe('lstat64', () => {
  test('is of the link itself', async () => {
    await answer('symlinkat', path('nowhere'), CWD, path('/tmp/l'))
    expect(await stat('/tmp/l', 'lstat64')).toMatchObject({ mode: 0o120777, size: 7n })
    expect(await answer('lstat64', path('/tmp/l'), BAD)).toBe('EFAULT')
  })
})

describe('newfstatat', () => {
  test('takes a descriptor, its own file with AT_EMPTY_PATH, and AT_SYMLINK_NOFOLLOW', async () => {
    tests.writeFile('/tmp/f', 'hello')
    const fd = (await open('/tmp/f')) as number
    const at = p.room(96)
    expect(await answer('newfstatat', fd, path(''), at, 0x1000)).toBe(0)
    expect(statAt(at).size).toBe(5n)
    expect(await answer('newfstatat', CWD, path(''), at, 0x1000)).toBe(0)
    expect(statAt(at).mode & 0o170000).toBe(0o040000)
    expect(await answer('newfstatat', fd, path(''), at, 0)).toBe('ENOTDIR')
    expect(await answer('newfstatat', 77, path('/tmp/f'), at, 0)).toBe(0)
    expect(await answer('newfstatat', 77, path('f'), at, 0)).toBe('EBADF')
  })
  test('T72 an unknown flag is EINVAL', async () => {
    expect(await answer('newfstatat', CWD, path('/tmp'), p.room(96), UNKNOWN)).toBe('EINVAL')
    expect(await answer('newfstatat', CWD, path('/tmp'), p.room(96), 0x800 | NOFOLLOW)).toBe(0)
  })
})

describe('statfs64', () => {
  test('tells of room in blocks of 4 KiB, and of what is only to be read', async () => {
    const at = p.room(72)
    expect(await answer('statfs64', path('/tmp'), 72, at)).toBe(0)
    expect(p.u32(at + 4)).toBe(4096)
    expect(p.u64(at + 16)).toBeGreaterThan(0n)
    expect(p.u64(at + 16)).toBeLessThanOrEqual(p.u64(at + 8))
    expect([p.u32(at + 56), p.u32(at + 64)]).toEqual([255, 0])
    expect(await answer('statfs64', path('/usr/lib'), 72, at)).toBe(0)
    expect(p.u32(at + 64)).toBe(1)
    expect(await answer('statfs64', path('/tmp'), 72, p.memory.length - 8)).toBe('EFAULT')
  })
})

describe('truncate64', () => {
  test('cuts a file and makes it longer', async () => {
    tests.writeFile('/tmp/f', 'hello')
    expect(await answer('truncate64', path('/tmp/f'), 2n)).toBe(0)
    expect(await answer('truncate64', path('/tmp/f'), 4n)).toBe(0)
    expect(tests.readFile('/tmp/f')).toBe('he\0\0')
  })
  test('T72 a length below zero, beyond 2^53 or beyond the disk is an error and changes nothing', async () => {
    tests.writeFile('/tmp/f', 'hello')
    expect(await answer('truncate64', path('/tmp/f'), -1n)).toBe('EINVAL')
    expect(await answer('truncate64', path('/tmp/f'), 1n << 62n)).toBe('EINVAL')
    expect(await answer('truncate64', path('/tmp/f'), (1n << 53n) + 1n)).toBe('EINVAL')
    expect(['EFBIG', 'ENOSPC']).toContain(await answer('truncate64', path('/tmp/f'), 1n << 45n))
    expect(tests.readFile('/tmp/f')).toBe('hello')
  })
  test('a directory is EISDIR, a program of the system and a file that may not be written EACCES', async () => {
    expect(await answer('truncate64', path('/tmp'), 0n)).toBe('EISDIR')
    expect(await answer('truncate64', path('/bin/puppet'), 0n)).toBe('EACCES')
    tests.writeFile('/tmp/f', '', 0o400)
    expect(await answer('truncate64', path('/tmp/f'), 0n)).toBe('EACCES')
  })
  test('a cut that had to wait for content is not done twice', async () => {
    const host = new Tree()
    host.put('/tmp/file', 'content of the host')
    host.booted.journal.post(true, false)
    const faults: (() => void)[] = []
    tests = linuxKernel({
      host: {
        mounts: [{ mount: 1, target: '/mnt/data', readOnly: false, metadata: host.store.metadata }],
        faults: { fault: (_mount, _ino, _index, done) => void faults.push(() => done(Buffer.from('content of the host'))) },
      },
    })
    p = await startLinuxPuppet(tests)
    const { vfs } = tests.kernel
    const inode = vfs.resolve(vfs.root, '/mnt/data/tmp/file', true, false)
    const result = answer('truncate64', path('/mnt/data/tmp/file'), 7n)
    await new Promise((resolve) => setTimeout(resolve, 10))
    expect([faults.length, inode.size]).toEqual([1, 19])
    faults[0]!()
    expect(await result).toBe(0)
    expect(tests.readFile('/mnt/data/tmp/file')).toBe('content')
    expect(faults).toHaveLength(1)
  })
})

describe('mkdirat', () => {
  test('makes a directory with the mode less the umask', async () => {
    const fd = await directory('/tmp/d')
    expect(await answer('mkdirat', fd, path('sub'), 0o777)).toBe(0)
    expect((await stat('/tmp/d/sub')).mode).toBe(0o040755)
    expect(await answer('mkdirat', fd, path('sub'), 0o777)).toBe('EEXIST')
    expect(await answer('mkdirat', 999, path('/tmp/other'), 0o777)).toBe(0)
    expect(await answer('mkdirat', CWD, path('/usr/lib/x'), 0o777)).toBe('EROFS')
    expect(await answer('mkdirat', CWD, unterminated(), 0o777)).toBe('EFAULT')
  })
})

describe('mknodat', () => {
  test('makes an empty file; anything else is EPERM', async () => {
    expect(await answer('mknodat', CWD, path('/tmp/f'), 0o100644, 0)).toBe(0)
    expect((await stat('/tmp/f')).mode).toBe(0o100644)
    expect(await answer('mknodat', CWD, path('/tmp/f'), 0o644, 0)).toBe('EEXIST')
    expect(await answer('mknodat', CWD, path('/tmp/p'), 0o010644, 0)).toBe('EPERM')
    expect(await answer('mknodat', CWD, path('/tmp/c'), 0o020644, 0)).toBe('EPERM')
    expect(await answer('mknodat', CWD, BAD, 0o644, 0)).toBe('EFAULT')
  })
})

describe('linkat', () => {
  test('gives a file another name; a link is followed only where that is said', async () => {
    tests.writeFile('/tmp/f', 'x')
    await answer('symlinkat', path('f'), CWD, path('/tmp/l'))
    expect(await answer('linkat', CWD, path('/tmp/f'), CWD, path('/tmp/g'), 0)).toBe(0)
    expect((await stat('/tmp/f')).nlink).toBe(2)
    expect(await answer('linkat', CWD, path('/tmp/l'), CWD, path('/tmp/l2'), 0)).toBe(0)
    expect((await stat('/tmp/l2', 'lstat64')).mode).toBe(0o120777)
    expect(await answer('linkat', CWD, path('/tmp/l'), CWD, path('/tmp/h'), 0x400)).toBe(0)
    expect((await stat('/tmp/h', 'lstat64')).mode).toBe(0o100644)
  })
  test('T72 an unknown flag is EINVAL, a directory EPERM, another file system EXDEV', async () => {
    tests.writeFile('/tmp/f', 'x')
    expect(await answer('linkat', CWD, path('/tmp/f'), CWD, path('/tmp/g'), UNKNOWN)).toBe('EINVAL')
    expect(await answer('linkat', CWD, path('/tmp'), CWD, path('/home/user/t'), 0)).toBe('EPERM')
    expect(await answer('linkat', CWD, path('/bin/puppet'), CWD, path('/tmp/cat'), 0)).toBe('EXDEV')
    expect(await answer('linkat', 999, path('f'), CWD, path('/tmp/g'), 0)).toBe('EBADF')
    expect(await answer('linkat', CWD, path('/tmp/f'), CWD, BAD, 0)).toBe('EFAULT')
  })
})

describe('symlinkat', () => {
  test('makes a link to any text', async () => {
    const fd = await directory('/tmp/d')
    expect(await answer('symlinkat', path('../../anything at all'), fd, path('l'))).toBe(0)
    expect((await stat('/tmp/d/l', 'lstat64')).size).toBe(21n)
    expect(await answer('symlinkat', path('x'), fd, path('l'))).toBe('EEXIST')
    expect(await answer('symlinkat', path(''), fd, path('m'))).toBe('ENOENT')
    expect(await answer('symlinkat', BAD, fd, path('m'))).toBe('EFAULT')
    expect(await answer('symlinkat', path('x'.repeat(5_000)), fd, path('m'))).toBe('ENAMETOOLONG')
  })
})

describe('readlinkat', () => {
  test('gives as much of the text as there is room for, without a NUL', async () => {
    await answer('symlinkat', path('target'), CWD, path('/tmp/l'))
    const at = p.room(16)
    expect(await answer('readlinkat', CWD, path('/tmp/l'), at, 16)).toBe(6)
    expect(p.read(at, 7)).toBe('target\0')
    expect(await answer('readlinkat', CWD, path('/tmp/l'), at, 3)).toBe(3)
  })
  test('T72 no room is EINVAL, a bad buffer EFAULT, what is no link EINVAL', async () => {
    await answer('symlinkat', path('target'), CWD, path('/tmp/l'))
    expect(await answer('readlinkat', CWD, path('/tmp/l'), p.room(8), 0)).toBe('EINVAL')
    expect(await answer('readlinkat', CWD, path('/tmp/l'), p.room(8), -5)).toBe('EINVAL')
    expect(await answer('readlinkat', CWD, path('/tmp/l'), BAD, 8)).toBe('EFAULT')
    expect(await answer('readlinkat', CWD, path('/tmp'), p.room(8), 8)).toBe('EINVAL')
  })
})

describe('unlinkat', () => {
  test('removes a file, and with AT_REMOVEDIR an empty directory', async () => {
    const fd = await directory('/tmp/d')
    tests.writeFile('/tmp/d/f', '')
    expect(await answer('unlinkat', CWD, path('/tmp/d'), 0)).toBe('EISDIR')
    expect(await answer('unlinkat', CWD, path('/tmp/d'), 0x200)).toBe('ENOTEMPTY')
    expect(await answer('unlinkat', fd, path('f'), 0)).toBe(0)
    expect(await answer('unlinkat', CWD, path('/tmp/d'), 0x200)).toBe(0)
    expect(await answer('unlinkat', CWD, path('/tmp/d'), NOFOLLOW)).toBe('EINVAL')
    expect(await answer('unlinkat', CWD, unterminated(), 0)).toBe('EFAULT')
  })
})

describe('rmdir', () => {
  test('removes an empty directory only', async () => {
    await directory('/tmp/d')
    tests.writeFile('/tmp/f', '')
    expect(await answer('rmdir', path('/tmp/f'))).toBe('ENOTDIR')
    expect(await answer('rmdir', path('/tmp/d/.'))).toBe('EINVAL')
    expect(await answer('rmdir', path('/tmp/d'))).toBe(0)
    expect(await answer('rmdir', path('/'))).toBe('EBUSY')
    expect(await answer('rmdir', BAD)).toBe('EFAULT')
  })
})

describe('renameat', () => {
  test('moves between directories’ descriptors and replaces', async () => {
    const from = await directory('/tmp/a')
    const to = await directory('/tmp/b')
    tests.writeFile('/tmp/a/f', 'new')
    tests.writeFile('/tmp/b/g', 'old')
    expect(await answer('renameat', from, path('f'), to, path('g'))).toBe(0)
    expect(tests.readFile('/tmp/b/g')).toBe('new')
  })
  test('T72 another file system is EXDEV, into itself EINVAL, bad arguments change nothing', async () => {
    tests.writeFile('/tmp/f', 'x')
    await directory('/tmp/d')
    expect(await answer('renameat', CWD, path('/tmp/f'), CWD, path('/usr/lib/f'))).toBe('EXDEV')
    expect(await answer('renameat', CWD, path('/tmp/d'), CWD, path('/tmp/d/e'))).toBe('EINVAL')
    expect(await answer('renameat', CWD, path('/tmp/f'), CWD, BAD)).toBe('EFAULT')
    expect(await answer('renameat', 999, path('f'), CWD, path('/tmp/g'))).toBe('EBADF')
    expect(await answer('renameat', 999, path('/tmp/f'), 999, path('/tmp/g'))).toBe(0)
  })
})

describe('utimensat', () => {
  const times = (...values: readonly (readonly [bigint, number])[]): number => {
    const at = p.room(32)
    for (const [i, [sec, nsec]] of values.entries()) {
      p.view.setBigInt64(at + 16 * i, sec, true)
      p.view.setUint32(at + 16 * i + 8, nsec, true)
    }
    return at
  }
  const NOW = 0x3fffffff
  const OMIT = 0x3ffffffe

  test('sets times to the nanosecond, also before 1970; without times both are now', async () => {
    tests.writeFile('/tmp/f', '')
    expect(await answer('utimensat', CWD, path('/tmp/f'), times([0n, 0], [-5n, 999_999_999]), 0)).toBe(0)
    expect((await stat('/tmp/f')).mtime).toEqual([-5n, 999_999_999])
    expect(await answer('utimensat', CWD, path('/tmp/f'), 0, 0)).toBe(0)
    expect(Number((await stat('/tmp/f')).mtime[0])).toBeGreaterThan(1_700_000_000)
  })
  test('a path of null is the descriptor’s own file', async () => {
    tests.writeFile('/tmp/f', '')
    const fd = (await open('/tmp/f')) as number
    expect(await answer('utimensat', fd, 0, times([1n, 2], [3n, 4]), 0)).toBe(0)
    expect((await stat('/tmp/f')).mtime).toEqual([3n, 4])
    expect(await answer('utimensat', CWD, 0, 0, 0)).toBe('EBADF')
  })
  test('UTIME_OMIT keeps, UTIME_NOW is now', async () => {
    tests.writeFile('/tmp/f', '')
    await answer('utimensat', CWD, path('/tmp/f'), times([1n, 1], [7n, 7]), 0)
    expect(await answer('utimensat', CWD, path('/tmp/f'), times([9n, NOW], [9n, OMIT]), 0)).toBe(0)
    expect((await stat('/tmp/f')).mtime).toEqual([7n, 7])
  })
  test('T72 nanoseconds of a second or more and unknown flags are EINVAL', async () => {
    tests.writeFile('/tmp/f', '')
    const before = await stat('/tmp/f')
    for (const nsec of [1_000_000_000, 0x3ffffffd, 0xffffffff])
      expect(await answer('utimensat', CWD, path('/tmp/f'), times([1n, 0], [1n, nsec]), 0)).toBe('EINVAL')
    expect(await answer('utimensat', CWD, path('/tmp/f'), 0, UNKNOWN)).toBe('EINVAL')
    expect(await answer('utimensat', CWD, path('/tmp/f'), p.memory.length - 31, 0)).toBe('EFAULT')
    expect(await stat('/tmp/f')).toEqual(before)
  })
  test('T72 seconds that the journal cannot hold are cut to what it can, as Linux cuts them to its file system', async () => {
    tests.writeFile('/tmp/f', '')
    const most = BigInt(Number.MAX_SAFE_INTEGER)
    expect(await answer('utimensat', CWD, path('/tmp/f'), times([0n, 0], [(1n << 63n) - 1n, 5]), 0)).toBe(0)
    expect((await stat('/tmp/f')).mtime[0]).toBe(most)
    expect(await answer('utimensat', CWD, path('/tmp/f'), times([0n, 0], [-(1n << 63n), 5]), 0)).toBe(0)
    expect((await stat('/tmp/f')).mtime[0]).toBe(-most)
  })
})

test('every answer is 0 or more, or an error number of WASI below zero', async () => {
  expect(await p.call('chdir', path('/none'))).toBe(-Errno.ENOENT)
})
