/** The calls that take a path below a directory descriptor, and how foreign programs are confined. */
import { beforeEach, describe, expect, test } from 'vitest'
import { Errno } from '../../../src/kernel/errno.ts'
import type { TestKernel } from '../../support/kernel.ts'
import { FOREIGN_PUPPET, type Puppet, puppetKernel, startPuppet } from '../../support/puppet.ts'

let tests: TestKernel
let p: Puppet

beforeEach(async () => {
  tests = puppetKernel()
  p = (await startPuppet(tests)).puppet
})

/** filestat of a path: [type, nlink, size], or the errno */
async function stat(path: string, follow = 1): Promise<number[] | number> {
  const at = p.room(64)
  const errno = await p.call('path_filestat_get', 3, follow, ...p.text(path), at)
  return errno === 0 ? [p.memory[at + 16]!, Number(p.u64(at + 24)), Number(p.u64(at + 32))] : errno
}

describe('path_create_directory', () => {
  test('makes a directory; an existing name is EEXIST, a missing parent ENOENT', async () => {
    await p.ok('path_create_directory', 3, ...p.text('tmp/d'))
    expect(await stat('tmp/d')).toEqual([3, 2, expect.any(Number)])
    expect(await p.call('path_create_directory', 3, ...p.text('tmp/d'))).toBe(Errno.EEXIST)
    expect(await p.call('path_create_directory', 3, ...p.text('tmp/x/y'))).toBe(Errno.ENOENT)
    expect(await p.call('path_create_directory', 2, ...p.text('x'))).toBe(Errno.ENOTDIR)
  })
})

describe('path_filestat_get', () => {
  test('follows a symlink only where the flag says so', async () => {
    tests.writeFile('/tmp/f', 'hello')
    await p.ok('path_symlink', ...p.text('f'), 3, ...p.text('tmp/l'))
    expect(await stat('tmp/l')).toEqual([4, 1, 5])
    expect(await stat('tmp/l', 0)).toEqual([7, 1, 1])
    expect(await stat('tmp/none')).toBe(Errno.ENOENT)
  })
})

describe('path_filestat_set_times', () => {
  test('sets the times of what the path names', async () => {
    tests.writeFile('/tmp/f', '')
    await p.ok('path_filestat_set_times', 3, 1, ...p.text('tmp/f'), 0n, 86_400_000_000_000n, 4)
    const at = p.room(64)
    await p.ok('path_filestat_get', 3, 1, ...p.text('tmp/f'), at)
    expect(p.u64(at + 48)).toBe(86_400_000_000_000n)
    expect(await p.call('path_filestat_set_times', 3, 1, ...p.text('tmp/f'), 0n, 0n, 16)).toBe(Errno.EINVAL)
  })
})

describe('path_link', () => {
  test('gives a file a second name', async () => {
    tests.writeFile('/tmp/f', 'hello')
    await p.ok('path_link', 3, 0, ...p.text('tmp/f'), 3, ...p.text('tmp/g'))
    expect(await stat('tmp/g')).toEqual([4, 2, 5])
    expect(await p.call('path_link', 3, 0, ...p.text('tmp/f'), 3, ...p.text('tmp/g'))).toBe(Errno.EEXIST)
    expect(await p.call('path_link', 3, 0, ...p.text('tmp'), 3, ...p.text('tmp/h'))).toBe(Errno.EPERM)
  })
})

describe('path_open', () => {
  test('creates, refuses to create twice, truncates, and wants a directory where asked to', async () => {
    const fd = await p.open('tmp/f', 'wcx')
    await p.write(fd, 'hello')
    await expect(p.open('tmp/f', 'wcx')).rejects.toMatchObject({ errno: Errno.EEXIST })
    await p.open('tmp/f', 'wt')
    expect(tests.readFile('/tmp/f')).toBe('')
    await expect(p.open('tmp/f', 'rd')).rejects.toMatchObject({ errno: Errno.ENOTDIR })
    await expect(p.open('tmp', 'w')).rejects.toMatchObject({ errno: Errno.EISDIR })
    await expect(p.open('tmp/f/', 'r')).rejects.toMatchObject({ errno: Errno.ENOTDIR })
  })
  test('files are made with 0666 less the umask', async () => {
    await p.call('umask', 0o027)
    await p.open('tmp/f', 'wc')
    const { vfs } = tests.kernel
    expect(vfs.resolve(vfs.root, '/tmp/f', true, false).mode).toBe(0o640)
  })
  test('T60 the 257th descriptor is EMFILE', async () => {
    const out = p.room(4)
    const path = p.text('tmp')
    let errno = 0
    let opened = 0
    for (; errno === 0; opened++) errno = await p.call('path_open', 3, 0, ...path, 2, 2n, 0n, 0, out)
    expect([errno, opened + 3 - 1]).toEqual([Errno.EMFILE, 256])
  })
  test('unknown flags are EINVAL', async () => {
    expect(await p.call('path_open', 3, 0, ...p.text('tmp'), 0x10, 2n, 0n, 0, p.room(4))).toBe(Errno.EINVAL)
    expect(await p.call('path_open', 3, 0, ...p.text('tmp'), 0, 2n, 0n, 0x40, p.room(4))).toBe(Errno.EINVAL)
  })
})

describe('path_readlink', () => {
  test('gives the target, cut to the buffer', async () => {
    await p.ok('path_symlink', ...p.text('some/where'), 3, ...p.text('tmp/l'))
    const buffer = p.room(16)
    const used = p.room(4)
    await p.ok('path_readlink', 3, ...p.text('tmp/l'), buffer, 16, used)
    expect(p.read(buffer, p.u32(used))).toBe('some/where')
    await p.ok('path_readlink', 3, ...p.text('tmp/l'), buffer, 4, used)
    expect(p.u32(used)).toBe(4)
    expect(await p.call('path_readlink', 3, ...p.text('tmp'), buffer, 4, used)).toBe(Errno.EINVAL)
  })
})

describe('path_remove_directory', () => {
  test('takes an empty directory away; others are ENOTEMPTY, files ENOTDIR', async () => {
    await p.ok('path_create_directory', 3, ...p.text('tmp/d'))
    tests.writeFile('/tmp/d/f', '')
    expect(await p.call('path_remove_directory', 3, ...p.text('tmp/d'))).toBe(Errno.ENOTEMPTY)
    expect(await p.call('path_remove_directory', 3, ...p.text('tmp/d/f'))).toBe(Errno.ENOTDIR)
    await p.ok('path_unlink_file', 3, ...p.text('tmp/d/f'))
    await p.ok('path_remove_directory', 3, ...p.text('tmp/d'))
    expect(await stat('tmp/d')).toBe(Errno.ENOENT)
  })
})

describe('path_rename', () => {
  test('moves over an existing file', async () => {
    tests.writeFile('/tmp/a', 'a')
    tests.writeFile('/tmp/b', 'b')
    await p.ok('path_rename', 3, ...p.text('tmp/a'), 3, ...p.text('tmp/b'))
    expect(tests.readFile('/tmp/b')).toBe('a')
    expect(await stat('tmp/a')).toBe(Errno.ENOENT)
  })
})

describe('path_symlink', () => {
  test('the target need not exist; its text is kept', async () => {
    await p.ok('path_symlink', ...p.text('/no/where'), 3, ...p.text('tmp/l'))
    expect(await stat('tmp/l', 0)).toEqual([7, 1, 9])
    expect(await p.call('path_symlink', ...p.text('x'), 3, ...p.text('tmp/l'))).toBe(Errno.EEXIST)
    expect(await p.call('path_symlink', ...p.text(''), 3, ...p.text('tmp/m'))).toBe(Errno.ENOENT)
  })
})

describe('path_unlink_file', () => {
  test('takes a name away; an open descriptor still reads', async () => {
    tests.writeFile('/tmp/f', 'hello')
    const fd = await p.open('tmp/f')
    await p.ok('path_unlink_file', 3, ...p.text('tmp/f'))
    expect(await stat('tmp/f')).toBe(Errno.ENOENT)
    expect(await p.readText(fd, 5)).toBe('hello')
    expect(await p.call('path_unlink_file', 3, ...p.text('tmp'))).toBe(Errno.EISDIR)
  })
})

test('a path beyond the memory is EFAULT', async () => {
  expect(await p.call('path_unlink_file', 3, p.memory.length - 2, 3)).toBe(Errno.EFAULT)
  expect(await p.call('path_unlink_file', 3, 0xffff_fff0, 0x20)).toBe(Errno.EFAULT)
})

describe('a foreign program', () => {
  const start = async (cwd: string): Promise<Puppet> => {
    tests.writeFile('/home/user/tool', FOREIGN_PUPPET, 0o755)
    return (await startPuppet(tests, { argv: ['/home/user/tool'], cwd })).puppet
  }
  const preopens = async (f: Puppet): Promise<string[]> => {
    const names: string[] = []
    const at = f.room(64)
    for (let fd = 3; (await f.call('fd_prestat_get', fd, at)) === 0; fd++) {
      const length = f.u32(at + 4)
      await f.ok('fd_prestat_dir_name', fd, at, length)
      names.push(f.read(at, length))
    }
    return names
  }

  test('finds one preopen for each top-level directory and, last, its working directory', async () => {
    const f = await start('/tmp')
    const names = await preopens(f)
    expect(names.at(-1)).toBe('.')
    expect(names).toEqual(expect.arrayContaining(['/home', '/tmp', '/dev', '/bin', '/proc', '/usr']))
    const fd = await f.open('made', 'wc', 3 + names.length - 1)
    expect(fd).toBe(3 + names.length)
    await f.write(fd, 'here')
    expect(tests.readFile('/tmp/made')).toBe('here')
  })
  test('T71 no path leads above a preopen, by .. or from the root', async () => {
    const f = await start('/tmp')
    const tmp = 3 + (await preopens(f)).indexOf('/tmp')
    for (const path of ['../etc/passwd', '/etc/passwd', 'a/../../etc/passwd', '..', '/'])
      await expect(f.open(path, 'r', tmp)).rejects.toMatchObject({ errno: expect.toBeOneOf([Errno.ENOTCAPABLE, Errno.ENOENT]) })
    expect(await f.call('path_rename', tmp, ...f.text('../etc/passwd'), tmp, ...f.text('x'))).toBe(Errno.ENOTCAPABLE)
    expect(await f.call('path_link', tmp, 0, ...f.text('../etc/passwd'), tmp, ...f.text('x'))).toBe(Errno.ENOTCAPABLE)
    expect(await f.call('path_symlink', ...f.text('/etc/passwd'), tmp, ...f.text('x'))).toBe(Errno.ENOTCAPABLE)
  })
})
