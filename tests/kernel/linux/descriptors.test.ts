/** Linux's calls on descriptors, which are Unix numbers here. */
import { beforeEach, describe, expect, test } from 'vitest'
import type { TestKernel } from '../../support/kernel.ts'
import { linuxAnswer, linuxKernel, type Puppet, startLinuxPuppet } from '../../support/puppet.ts'
import { SlowFile, wokenThrice } from '../../support/slow-file.ts'

const CWD = -100
const BAD = 0x7fff_0000
const RDWR_CREAT = 0x42

let tests: TestKernel
let p: Puppet

beforeEach(async () => {
  tests = linuxKernel()
  p = await startLinuxPuppet(tests)
})

const answer = (name: string, ...args: readonly (number | bigint)[]): Promise<string | number> => linuxAnswer(p, name, ...args)
/** A pointer to one word, as a variadic argument is passed. */
function varargs(value: number): number {
  const at = p.room(4)
  p.view.setInt32(at, value, true)
  return at
}
async function open(name: string, flags = RDWR_CREAT): Promise<number> {
  return (await answer('openat', CWD, p.cString(name), flags, varargs(0o666))) as number
}
async function pipe(): Promise<[reader: number, writer: number]> {
  const at = p.room(8)
  expect(await answer('pipe', at)).toBe(0)
  return [p.u32(at), p.u32(at + 4)]
}
function slowFile(): [SlowFile, number] {
  const { vfs } = tests.kernel
  tests.writeFile('/tmp/slow', 'content')
  const file = new SlowFile(vfs.resolve(vfs.root, '/tmp/slow', true, false), 2)
  return [file, p.process.fds.add(file, false)]
}
const WRONG_FDS = [-1, 999, 1 << 30, -(2 ** 31)]

describe('fcntl64', () => {
  test('F_DUPFD gives the lowest number from the argument on, F_DUPFD_CLOEXEC with the mark', async () => {
    const fd = await open('/tmp/f')
    expect(await answer('fcntl64', fd, 0, varargs(10))).toBe(10)
    expect(await answer('fcntl64', fd, 1030, varargs(10))).toBe(11)
    expect(await answer('fcntl64', 10, 1, 0)).toBe(0)
    expect(await answer('fcntl64', 11, 1, 0)).toBe(1)
    expect(await answer('fcntl64', fd, 0, varargs(-1))).toBe('EINVAL')
    expect(await answer('fcntl64', fd, 0, varargs(2 ** 31 - 1))).toBe('EINVAL')
  })
  test('F_SETFD and F_SETFL change what can be changed', async () => {
    const fd = await open('/tmp/f')
    expect(await answer('fcntl64', fd, 2, varargs(-1))).toBe(0)
    expect(await answer('fcntl64', fd, 1, 0)).toBe(1)
    expect(await answer('fcntl64', fd, 4, varargs(-1))).toBe(0)
    expect(await answer('fcntl64', fd, 3, 0)).toBe(0x402 | 0x800)
    expect(await answer('fcntl64', fd, 4, varargs(0))).toBe(0)
    expect(await answer('fcntl64', fd, 3, 0)).toBe(2)
  })
  test('a record lock is granted, and F_GETLK finds none', async () => {
    const fd = await open('/tmp/f')
    const lock = p.room(32)
    p.view.setInt16(lock, 1, true)
    expect(await answer('fcntl64', fd, 13, varargs(lock))).toBe(0)
    expect(await answer('fcntl64', fd, 14, varargs(lock))).toBe(0)
    expect(await answer('fcntl64', fd, 12, varargs(lock))).toBe(0)
    expect(p.view.getInt16(lock, true)).toBe(2)
  })
  test('T72 an unknown command is EINVAL, a wrong number EBADF, a bad pointer EFAULT', async () => {
    const fd = await open('/tmp/f')
    for (const command of [-1, 5, 999, 2 ** 31 - 1]) expect(await answer('fcntl64', fd, command, varargs(0))).toBe('EINVAL')
    for (const wrong of WRONG_FDS) expect(await answer('fcntl64', wrong, 1, 0)).toBe('EBADF')
    expect(await answer('fcntl64', fd, 0, BAD)).toBe('EFAULT')
    expect(await answer('fcntl64', fd, 12, varargs(BAD))).toBe('EFAULT')
  })
})

describe('ioctl', () => {
  test('FIONREAD tells what can be read: of a file from the position on, of a pipe what is in it', async () => {
    tests.writeFile('/tmp/f', 'hello')
    const fd = await open('/tmp/f', 0)
    const out = p.room(4)
    expect(await answer('ioctl', fd, 0x541b, varargs(out))).toBe(0)
    expect(p.u32(out)).toBe(5)
    expect(await p.readText(fd, 2)).toBe('he')
    await answer('ioctl', fd, 0x541b, varargs(out))
    expect(p.u32(out)).toBe(3)
    const [reader, writer] = await pipe()
    await p.write(writer, 'in the pipe')
    await answer('ioctl', reader, 0x541b, varargs(out))
    expect(p.u32(out)).toBe(11)
  })
  test('FIONBIO and FIOCLEX set what fcntl sets', async () => {
    const [reader] = await pipe()
    expect(await answer('ioctl', reader, 0x5421, varargs(varargs(1)))).toBe(0)
    expect(await answer('fcntl64', reader, 3, 0)).toBe(0x800)
    expect(await answer('ioctl', reader, 0x5450, 0)).toBe(0)
    expect(await answer('fcntl64', reader, 1, 0)).toBe(0)
    expect(await answer('ioctl', reader, 0x5451, 0)).toBe(0)
    expect(await answer('fcntl64', reader, 1, 0)).toBe(1)
  })
  test('T72 what asks for a terminal is ENOTTY, a bad pointer EFAULT, a wrong number EBADF', async () => {
    for (const request of [0x5401, 0x5413, 0, -1]) expect(await answer('ioctl', 0, request, 0)).toBe('ENOTTY')
    expect(await answer('ioctl', 0, 0x541b, varargs(BAD))).toBe('EFAULT')
    expect(await answer('ioctl', 0, 0x5421, BAD)).toBe('EFAULT')
    for (const wrong of WRONG_FDS) expect(await answer('ioctl', wrong, 0x541b, varargs(p.room(4)))).toBe('EBADF')
  })
})

describe('dup', () => {
  test('shares the position and is not closed on exec', async () => {
    tests.writeFile('/tmp/f', 'hello')
    const fd = await open('/tmp/f', 0x80000)
    expect(await answer('dup', fd)).toBe(fd + 1)
    expect(await p.readText(fd, 2)).toBe('he')
    expect(await p.readText(fd + 1, 9)).toBe('llo')
    expect(p.process.fds.get(fd + 1).closeOnExec).toBe(false)
    for (const wrong of WRONG_FDS) expect(await answer('dup', wrong)).toBe('EBADF')
  })
})

describe('dup3', () => {
  test('puts the descriptor at a number, closing what is there', async () => {
    const fd = await open('/tmp/f')
    const [reader, writer] = await pipe()
    expect(await answer('dup3', fd, writer, 0x80000)).toBe(writer)
    expect(p.process.fds.get(writer).closeOnExec).toBe(true)
    expect(await p.readText(reader, 1)).toBe('')
  })
  test('T72 the same number, unknown flags and numbers that cannot be are refused', async () => {
    const fd = await open('/tmp/f')
    expect(await answer('dup3', fd, fd, 0)).toBe('EINVAL')
    expect(await answer('dup3', fd, fd + 1, 1)).toBe('EINVAL')
    for (const wrong of [-1, 2 ** 31, 2 ** 31 - 1]) expect(await answer('dup3', fd, wrong, 0)).toBe('EBADF')
    for (const wrong of WRONG_FDS) expect(await answer('dup3', wrong, 10, 0)).toBe('EBADF')
  })
})

describe('pipe', () => {
  test('gives a reader and a writer that are closed on exec', async () => {
    const [reader, writer] = await pipe()
    expect([reader, writer]).toEqual([3, 4])
    await p.write(writer, 'x')
    expect(await p.readText(reader, 9)).toBe('x')
    expect([reader, writer].map((fd) => p.process.fds.get(fd).closeOnExec)).toEqual([true, true])
  })
  test('T72 a bad pointer is EFAULT, and beyond the limit it is EMFILE; no descriptor is left', async () => {
    const before = p.process.fds.numbers()
    expect(await answer('pipe', BAD)).toBe('EFAULT')
    expect(await answer('pipe', p.memory.length - 7)).toBe('EFAULT')
    expect(p.process.fds.numbers()).toEqual(before)
    const { limit } = p.process.fds
    expect(await answer('dup3', 0, limit - 1, 0)).toBe(limit - 1)
    for (let fd = 3; fd < limit - 2; fd++) p.process.fds.duplicate(0, fd, false)
    expect(await answer('pipe', p.room(8))).toBe('EMFILE')
    expect(p.process.fds.peek(limit - 2)).toBeUndefined()
  })
})

describe('fdatasync', () => {
  test('answers 0 when the store has committed; a pipe is EINVAL', async () => {
    const fd = await open('/tmp/f')
    await p.write(fd, 'x')
    expect(await answer('fdatasync', fd)).toBe(0)
    expect(await answer('fdatasync', (await pipe())[0])).toBe('EINVAL')
    for (const wrong of WRONG_FDS) expect(await answer('fdatasync', wrong)).toBe('EBADF')
  })
  test('a commit that it waits for is not done twice', async () => {
    const [file, fd] = slowFile()
    expect(await wokenThrice(file, p.call('fdatasync', fd))).toBe(0)
    expect(file.done).toEqual(['sync'])
  })
})

describe('fchmod', () => {
  test('sets the permissions of what is open', async () => {
    const fd = await open('/tmp/f')
    expect(await answer('fchmod', fd, 0o100700)).toBe(0)
    expect(p.process.fds.get(fd).file.inode.mode).toBe(0o700)
    for (const wrong of WRONG_FDS) expect(await answer('fchmod', wrong, 0)).toBe('EBADF')
  })
})

describe('fchown32', () => {
  test('records owner and group; −1 keeps', async () => {
    const fd = await open('/tmp/f')
    expect(await answer('fchown32', fd, -1, 5)).toBe(0)
    expect(p.process.fds.get(fd).file.inode.gid).toBe(5)
    expect(await answer('fchown32', fd, 0, 0)).toBe('EPERM')
    for (const wrong of WRONG_FDS) expect(await answer('fchown32', wrong, 1, 1)).toBe('EBADF')
  })
})

describe('fstat64', () => {
  test('fills struct stat; a pipe is a fifo', async () => {
    const at = p.room(96)
    const fd = await open('/tmp/f')
    await p.write(fd, 'hello')
    expect(await answer('fstat64', fd, at)).toBe(0)
    expect([p.u32(at + 4), p.u64(at + 24)]).toEqual([0o100644, 5n])
    expect(await answer('fstat64', (await pipe())[1], at)).toBe(0)
    expect(p.u32(at + 4) & 0o170000).toBe(0o010000)
    expect(await answer('fstat64', fd, p.memory.length - 95)).toBe('EFAULT')
    for (const wrong of WRONG_FDS) expect(await answer('fstat64', wrong, at)).toBe('EBADF')
  })
})

describe('fstatfs64', () => {
  test('is of the file system of what is open', async () => {
    const at = p.room(72)
    expect(await answer('fstatfs64', await open('/tmp/f'), 72, at)).toBe(0)
    expect(p.u32(at + 4)).toBe(4096)
    expect(await answer('fstatfs64', (await pipe())[0], 72, at)).toBe(0)
    expect(await answer('fstatfs64', 0, 72, BAD)).toBe('EFAULT')
    for (const wrong of WRONG_FDS) expect(await answer('fstatfs64', wrong, 72, at)).toBe('EBADF')
  })
})

describe('ftruncate64', () => {
  test('cuts what is open to be written', async () => {
    tests.writeFile('/tmp/f', 'hello')
    expect(await answer('ftruncate64', await open('/tmp/f'), 2n)).toBe(0)
    expect(tests.readFile('/tmp/f')).toBe('he')
    expect(await answer('ftruncate64', await open('/tmp/f', 0), 0n)).toBe('EINVAL')
    expect(await answer('ftruncate64', (await pipe())[1], 0n)).toBe('EINVAL')
    expect(await answer('ftruncate64', await open('/tmp', 0), 0n)).toBe('EINVAL')
  })
  test('T72 a length below zero, beyond 2^53 or beyond the disk is an error', async () => {
    const fd = await open('/tmp/f')
    for (const length of [-1n, 1n << 53n, (1n << 63n) - 1n]) expect(await answer('ftruncate64', fd, length)).toBe('EINVAL')
    expect(['EFBIG', 'ENOSPC']).toContain(await answer('ftruncate64', fd, 1n << 45n))
    for (const wrong of WRONG_FDS) expect(await answer('ftruncate64', wrong, 0n)).toBe('EBADF')
  })
  test('a cut that had to wait is not done twice', async () => {
    const [file, fd] = slowFile()
    expect(await wokenThrice(file, p.call('ftruncate64', fd, 3n))).toBe(0)
    expect(file.done).toEqual(['truncate 3'])
  })
})

describe('fadvise64', () => {
  test('is taken without effect', async () => {
    expect(await answer('fadvise64', await open('/tmp/f'), 0n, -1n, 99)).toBe(0)
    for (const wrong of WRONG_FDS) expect(await answer('fadvise64', wrong, 0n, 0n, 0)).toBe('EBADF')
  })
})

describe('fallocate', () => {
  test('makes a file as long as asked for and never shorter', async () => {
    const fd = await open('/tmp/f')
    await p.write(fd, 'hello')
    expect(await answer('fallocate', fd, 0, 4n, 3n)).toBe(0)
    expect(tests.readFile('/tmp/f')).toBe('hello\0\0')
    expect(await answer('fallocate', fd, 0, 0n, 2n)).toBe(0)
    expect(tests.readFile('/tmp/f')).toHaveLength(7)
  })
  test('T72 odd modes, lengths and files are refused and change nothing', async () => {
    const fd = await open('/tmp/f')
    expect(await answer('fallocate', fd, 1, 0n, 1n)).toBe('ENOTSUP')
    expect(await answer('fallocate', fd, 0, -1n, 1n)).toBe('EINVAL')
    expect(await answer('fallocate', fd, 0, 0n, 0n)).toBe('EINVAL')
    expect(await answer('fallocate', fd, 0, 0n, -1n)).toBe('EINVAL')
    expect(await answer('fallocate', fd, 0, (1n << 53n) - 1n, (1n << 53n) - 1n)).toBe('EFBIG')
    expect(await answer('fallocate', fd, 0, 0n, 1n << 40n)).toBe('ENOSPC')
    expect(await answer('fallocate', await open('/tmp/f', 0), 0, 0n, 1n)).toBe('EBADF')
    expect(await answer('fallocate', (await pipe())[1], 0, 0n, 1n)).toBe('ESPIPE')
    expect(await answer('fallocate', await open('/dev/null', 2), 0, 0n, 1n)).toBe('ENODEV')
    for (const wrong of WRONG_FDS) expect(await answer('fallocate', wrong, 0, 0n, 1n)).toBe('EBADF')
    expect(tests.readFile('/tmp/f')).toBe('')
  })
})

describe('getdents64', () => {
  const ROOM = 256
  /** Names with their types as one call gives them. */
  async function entries(fd: number, length = ROOM): Promise<readonly string[]> {
    const at = p.room(ROOM)
    const count = await answer('getdents64', fd, at, length)
    if (typeof count === 'string') return [count]
    const found: string[] = []
    for (let from = at; from < at + count; from += p.view.getUint16(from + 16, true)) {
      const end = p.memory.indexOf(0, from + 19)
      found.push(`${p.memory[from + 18]} ${p.read(from + 19, end - from - 19)}`)
    }
    return found
  }
  beforeEach(async () => {
    await answer('mkdirat', CWD, p.cString('/tmp/d'), 0o755)
    await answer('mkdirat', CWD, p.cString('/tmp/d/sub'), 0o755)
    await answer('symlinkat', p.cString('f'), CWD, p.cString('/tmp/d/link'))
    tests.writeFile('/tmp/d/file', '')
  })
  test('gives every name once with its type, then nothing', async () => {
    const fd = await open('/tmp/d', 0)
    expect((await entries(fd)).toSorted()).toEqual(['10 link', '4 .', '4 ..', '4 sub', '8 file'])
    expect(await entries(fd)).toEqual([])
  })
  test('goes on where a small buffer ended', async () => {
    const fd = await open('/tmp/d', 0)
    const names: string[] = []
    for (let next = await entries(fd, 32); next.length > 0; next = await entries(fd, 32)) names.push(...next)
    expect(names.toSorted()).toEqual(['10 link', '4 .', '4 ..', '4 sub', '8 file'])
  })
  test('T72 a buffer for less than one entry is EINVAL, one outside EFAULT; nothing is skipped', async () => {
    const fd = await open('/tmp/d', 0)
    for (const length of [0, 1, 23]) expect(await entries(fd, length)).toEqual(['EINVAL'])
    expect(await answer('getdents64', fd, p.memory.length - 100, 101)).toBe('EFAULT')
    expect(await answer('getdents64', fd, 64, -1)).toBe('EFAULT')
    expect(await answer('getdents64', fd, BAD, 64)).toBe('EFAULT')
    expect(await entries(fd)).toHaveLength(5)
  })
  test('what is no directory is ENOTDIR', async () => {
    expect(await entries(await open('/tmp/d/file', 0))).toEqual(['ENOTDIR'])
    expect(await entries(0)).toEqual(['ENOTDIR'])
    for (const wrong of WRONG_FDS) expect(await entries(wrong)).toEqual(['EBADF'])
  })
})

describe('umask', () => {
  test('sets nine bits and answers the old ones', async () => {
    expect(await answer('umask', -1)).toBe(0o022)
    expect(await answer('umask', 0o027)).toBe(0o777)
    await open('/tmp/f')
    const { vfs } = tests.kernel
    expect(vfs.resolve(vfs.root, '/tmp/f', true, false).mode).toBe(0o640)
  })
})

describe('getuid32', () => {
  test('is 1000', async () => {
    expect(await answer('getuid32')).toBe(1000)
  })
})
