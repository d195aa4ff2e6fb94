/** The calls on descriptors. */
import { beforeEach, describe, expect, test } from 'vitest'
import { Errno } from '../../../src/kernel/errno.ts'
import type { TestKernel } from '../../support/kernel.ts'
import { childPuppet, type Puppet, puppetKernel, startPuppet } from '../../support/puppet.ts'
import { SlowFile, wokenThrice } from '../../support/slow-file.ts'

let tests: TestKernel
let p: Puppet

beforeEach(async () => {
  tests = puppetKernel()
  p = (await startPuppet(tests)).puppet
})

/** Puts a SlowFile into the puppet's table; gives it with its WASI number. */
function slowFile(): [SlowFile, number] {
  const { vfs } = tests.kernel
  tests.writeFile('/tmp/slow', 'content')
  const file = new SlowFile(vfs.resolve(vfs.root, '/tmp/slow', true, false), 2)
  return [file, p.process.fds.add(file, false) + 1]
}

describe('fd_read', () => {
  test('fills several buffers from one file and stops at its end', async () => {
    tests.writeFile('/tmp/f', 'hello world')
    const fd = await p.open('tmp/f')
    const buffer = p.room(16)
    const list = p.iov(buffer, 3)
    p.iov(buffer + 8, 2)
    const count = p.room(4)
    await p.ok('fd_read', fd, list, 2, count)
    expect([p.u32(count), p.read(buffer, 3), p.read(buffer + 8, 2)]).toEqual([5, 'hel', 'lo'])
    expect(await p.readText(fd, 100)).toBe(' world')
    expect(await p.readText(fd, 100)).toBe('')
  })
  test('a descriptor that was opened for writing is EBADF, a directory EISDIR', async () => {
    const fd = await p.open('tmp/f', 'wc')
    expect(await p.call('fd_read', fd, p.iov(p.room(4), 4), 1, p.room(4))).toBe(Errno.EBADF)
    expect(await p.call('fd_read', 3, p.iov(p.room(4), 4), 1, p.room(4))).toBe(Errno.EISDIR)
    expect(await p.call('fd_read', 99, p.iov(p.room(4), 4), 1, p.room(4))).toBe(Errno.EBADF)
  })
  test('waits for a pipe and ends when its writer has gone', async () => {
    const [reader, writer] = await p.pipe()
    const child = await childPuppet(tests, p)
    await p.ok('fd_close', reader)
    const late = child.readText(reader, 10)
    expect(await p.write(writer, 'abc')).toBe(3)
    expect(await late).toBe('abc')
    await child.ok('fd_close', writer)
    const end = child.readText(reader, 10)
    await p.ok('fd_close', writer)
    expect(await end).toBe('')
  })
  test('what had to wait is not done twice', async () => {
    const [file, fd] = slowFile()
    const result = p.call('fd_read', fd, p.iov(p.room(4), 4), 1, p.room(4))
    expect(await wokenThrice(file, result)).toBe(0)
    expect(file.done).toEqual(['read 4'])
  })
  test('NONBLOCK answers EAGAIN', async () => {
    const [reader] = await p.pipe()
    await p.ok('fd_fdstat_set_flags', reader, 4)
    expect(await p.call('fd_read', reader, p.iov(p.room(4), 4), 1, p.room(4))).toBe(Errno.EAGAIN)
  })
})

describe('fd_write', () => {
  test('gathers several buffers; APPEND writes at the end', async () => {
    tests.writeFile('/tmp/f', 'one\n')
    const fd = await p.open('tmp/f', 'wa')
    const list = p.iov(...p.text('two'))
    const count = p.room(4)
    expect(await p.call('fd_write', fd, list, 1, count)).toBe(0)
    expect(await p.write(fd, '\n')).toBe(1)
    expect(tests.readFile('/tmp/f')).toBe('one\ntwo\n')
  })
  test('a descriptor that was opened for reading is EBADF', async () => {
    tests.writeFile('/tmp/f', '')
    expect(await p.call('fd_write', await p.open('tmp/f'), p.iov(p.room(4), 4), 1, p.room(4))).toBe(Errno.EBADF)
  })
  test('a pipe takes all of a long write; it is not done twice, however often it has to wait', async () => {
    const [reader, writer] = await p.pipe()
    const child = await childPuppet(tests, p)
    await child.ok('fd_close', writer)
    const long = Array.from({ length: 50_000 }, (_, i) => `${i}\n`)
      .join('')
      .slice(0, 250_000)
    await p.grow(4)
    p.memory.set(Buffer.from(long), 100_000)
    const count = p.room(4)
    const written = p.call('fd_write', writer, p.iov(100_000, long.length), 1, count)
    let text = ''
    while (text.length < long.length) text += await child.readText(reader, 9_000).then((t) => t)
    expect(await written).toBe(0)
    expect(p.u32(count)).toBe(250_000)
    expect(text).toBe(long)
  })
  test('without a reader it is SIGPIPE, and EPIPE where that is ignored', async () => {
    const [reader, writer] = await p.pipe()
    await p.ok('fd_close', reader)
    const child = await childPuppet(tests, p, 'clone')
    child.begin('fd_write', writer, child.iov(64, 1), 1, child.room(4))
    const status = p.room(8)
    await p.ok('proc_wait', child.process.pid, 0, status, status + 4)
    expect(p.u32(status + 4)).toBe(13)
    await p.ok('sig_action', 13, 1, p.room(4))
    expect(await p.call('fd_write', writer, p.iov(64, 1), 1, p.room(4))).toBe(Errno.EPIPE)
  })
  test('what waited for absent content is not done twice', async () => {
    const [file, fd] = slowFile()
    expect(await wokenThrice(file, p.call('fd_write', fd, p.iov(64, 5), 1, p.room(4)))).toBe(0)
    expect(file.done).toEqual(['write 5'])
  })
  test('NONBLOCK takes what there is room for, then answers EAGAIN', async () => {
    const [, writer] = await p.pipe()
    await p.ok('fd_fdstat_set_flags', writer, 4)
    const count = p.room(4)
    await p.ok('fd_write', writer, p.iov(0, 100_000), 1, count)
    expect(p.u32(count)).toBe(65_536)
    expect(await p.call('fd_write', writer, p.iov(0, 1), 1, count)).toBe(Errno.EAGAIN)
  })
})

describe('fd_pread', () => {
  test('reads at an offset and leaves the position', async () => {
    tests.writeFile('/tmp/f', 'hello world')
    const fd = await p.open('tmp/f')
    const buffer = p.room(8)
    const count = p.room(4)
    await p.ok('fd_pread', fd, p.iov(buffer, 5), 1, 6n, count)
    expect(p.read(buffer, p.u32(count))).toBe('world')
    expect(await p.readText(fd, 5)).toBe('hello')
  })
  test('T72 an offset that overflows is an error, one beyond the end reads nothing; a pipe is ESPIPE', async () => {
    tests.writeFile('/tmp/f', 'x')
    const fd = await p.open('tmp/f')
    const count = p.room(4)
    expect(await p.call('fd_pread', fd, p.iov(64, 5), 1, -1n, count)).toBe(Errno.EINVAL)
    expect(await p.call('fd_pread', fd, p.iov(64, 5), 1, 0x7fff_ffff_ffff_ffffn, count)).toBe(Errno.EFBIG)
    await p.ok('fd_pread', fd, p.iov(64, 5), 1, 1_000_000n, count)
    expect(p.u32(count)).toBe(0)
    const [reader] = await p.pipe()
    expect(await p.call('fd_pread', reader, p.iov(64, 5), 1, 0n, count)).toBe(Errno.ESPIPE)
  })
  test('what had to wait is not done twice', async () => {
    const [file, fd] = slowFile()
    expect(await wokenThrice(file, p.call('fd_pread', fd, p.iov(64, 5), 1, 3n, p.room(4)))).toBe(0)
    expect(file.done).toEqual(['pread 5 at 3'])
  })
})

describe('fd_pwrite', () => {
  test('writes at an offset and leaves the position', async () => {
    tests.writeFile('/tmp/f', 'hello world')
    const fd = await p.open('tmp/f', 'rw')
    await p.ok('fd_pwrite', fd, p.iov(...p.text('W')), 1, 6n, p.room(4))
    expect(await p.readText(fd, 20)).toBe('hello World')
  })
  test('what had to wait is not done twice', async () => {
    const [file, fd] = slowFile()
    expect(await wokenThrice(file, p.call('fd_pwrite', fd, p.iov(64, 5), 1, 3n, p.room(4)))).toBe(0)
    expect(file.done).toEqual(['pwrite 5 at 3'])
  })
})

describe('fd_advise', () => {
  test('is accepted for a file, ESPIPE for a pipe, EINVAL for unknown advice', async () => {
    tests.writeFile('/tmp/f', 'x')
    const fd = await p.open('tmp/f')
    expect(await p.call('fd_advise', fd, 0n, 0n, 3)).toBe(0)
    expect(await p.call('fd_advise', fd, 0n, 0n, 9)).toBe(Errno.EINVAL)
    expect(await p.call('fd_advise', (await p.pipe())[0], 0n, 0n, 0)).toBe(Errno.ESPIPE)
  })
})

describe('fd_allocate', () => {
  test('makes a file as long as asked for and never shorter', async () => {
    const fd = await p.open('tmp/f', 'rwc')
    await p.write(fd, 'abc')
    await p.ok('fd_allocate', fd, 0n, 10n)
    expect(tests.readFile('/tmp/f')).toBe('abc\0\0\0\0\0\0\0')
    await p.ok('fd_allocate', fd, 0n, 2n)
    expect(tests.readFile('/tmp/f')).toHaveLength(10)
  })
  test('T72 one terabyte is an error and changes nothing', async () => {
    const fd = await p.open('tmp/f', 'rwc')
    expect(await p.call('fd_allocate', fd, 0n, 1n << 40n)).toBe(Errno.ENOSPC)
    expect(await p.call('fd_allocate', fd, 1n << 62n, 1n << 62n)).toBe(Errno.EFBIG)
    expect(tests.readFile('/tmp/f')).toBe('')
    expect(await p.call('fd_allocate', fd, 0n, 0n)).toBe(Errno.EINVAL)
  })
})

describe('fd_close', () => {
  test('gives the number back; the lowest free one is taken next', async () => {
    const first = await p.open('tmp', 'rd')
    const second = await p.open('tmp', 'rd')
    await p.ok('fd_close', first)
    expect(await p.call('fd_close', first)).toBe(Errno.EBADF)
    expect(await p.open('tmp', 'rd')).toBe(first)
    expect(second).toBe(first + 1)
  })
  test('T69 a closed descriptor answers EBADF to everything; a closed preopen is gone', async () => {
    const fd = await p.open('tmp', 'rd')
    await p.ok('fd_close', fd)
    for (const call of ['fd_sync', 'fd_close', 'fd_datasync']) expect(await p.call(call, fd)).toBe(Errno.EBADF)
    expect(await p.call('fd_fdstat_get', fd, p.room(24))).toBe(Errno.EBADF)
    await p.ok('fd_close', 3)
    expect(await p.call('fd_close', 3)).toBe(Errno.EBADF)
    expect(await p.call('fd_prestat_get', 3, p.room(8))).toBe(Errno.EBADF)
    await expect(p.open('tmp', 'rd')).rejects.toMatchObject({ errno: Errno.EBADF })
    for (const fd of [-1, 0x7fff_ffff, -0x8000_0000]) expect(await p.call('fd_close', fd)).toBe(Errno.EBADF)
  })
})

describe('fd_sync', () => {
  test('answers 0 when the store has committed, EINVAL for a pipe', async () => {
    const fd = await p.open('tmp/f', 'wc')
    await p.write(fd, 'x')
    expect(await p.call('fd_sync', fd)).toBe(0)
    expect(tests.messages.some((m) => m.urgent)).toBe(true)
    expect(await p.call('fd_sync', (await p.pipe())[1])).toBe(Errno.EINVAL)
  })
  test('a commit that it waits for is not done twice', async () => {
    const [file, fd] = slowFile()
    expect(await wokenThrice(file, p.call('fd_sync', fd))).toBe(0)
    expect(file.done).toEqual(['sync'])
  })
})

describe('fd_datasync', () => {
  test('answers 0 when the store has committed', async () => {
    const fd = await p.open('tmp/f', 'wc')
    await p.write(fd, 'x')
    expect(await p.call('fd_datasync', fd)).toBe(0)
  })
  test('a commit that it waits for is not done twice', async () => {
    const [file, fd] = slowFile()
    expect(await wokenThrice(file, p.call('fd_datasync', fd))).toBe(0)
    expect(file.done).toEqual(['sync'])
  })
})

describe('fd_fdstat_get', () => {
  test('tells kind, flags and what the descriptor can do', async () => {
    tests.writeFile('/tmp/f', '')
    const at = p.room(24)
    await p.ok('fd_fdstat_get', await p.open('tmp/f', 'wa'), at)
    expect([p.memory[at], p.view.getUint16(at + 2, true)]).toEqual([4, 1])
    expect(p.u64(at + 8) & 0x42n).toBe(0x40n)
    await p.ok('fd_fdstat_get', 3, at)
    expect(p.memory[at]).toBe(3)
    expect(p.u64(at + 16)).toBe(0x1fffffffn)
    await p.ok('fd_fdstat_get', await p.open('dev/null', 'rw'), at)
    expect(p.memory[at]).toBe(2)
  })
})

describe('fd_fdstat_set_flags', () => {
  test('sets APPEND and NONBLOCK for all descriptors of the description', async () => {
    tests.writeFile('/tmp/f', 'abc')
    const fd = await p.open('tmp/f', 'w')
    const out = p.room(4)
    await p.ok('fd_dup', fd - 1, 0, 0, out)
    await p.ok('fd_fdstat_set_flags', fd, 1)
    await p.write(p.u32(out) + 1, 'd')
    expect(tests.readFile('/tmp/f')).toBe('abcd')
    expect(await p.call('fd_fdstat_set_flags', fd, 0x100)).toBe(Errno.EINVAL)
  })
})

describe('fd_fdstat_set_rights', () => {
  test('rights can be given up, not taken; a call without its right is ENOTCAPABLE', async () => {
    tests.writeFile('/tmp/f', 'abc')
    const fd = await p.open('tmp/f', 'rw')
    const at = p.room(24)
    await p.ok('fd_fdstat_get', fd, at)
    const rights = p.u64(at + 8)
    await p.ok('fd_fdstat_set_rights', fd, rights & ~0x40n, 0n)
    expect(await p.call('fd_write', fd, p.iov(64, 1), 1, p.room(4))).toBe(Errno.ENOTCAPABLE)
    expect(await p.readText(fd, 3)).toBe('abc')
    expect(await p.call('fd_fdstat_set_rights', fd, rights, 0n)).toBe(Errno.ENOTCAPABLE)
    expect(await p.call('fd_fdstat_set_rights', fd, 1n << 40n, 0n)).toBe(Errno.ENOTCAPABLE)
  })
  test('T68 what a directory descriptor may not do, nothing opened through it may', async () => {
    tests.writeFile('/tmp/f', 'abc')
    const directory = await p.open('tmp', 'rd')
    const at = p.room(24)
    await p.ok('fd_fdstat_get', directory, at)
    await p.ok('fd_fdstat_set_rights', directory, p.u64(at + 8) & ~(1n << 19n) & ~(1n << 10n), 0x1fffffffn & ~0x40n & ~(1n << 22n))
    await expect(p.open('f', 'wt', directory)).rejects.toMatchObject({ errno: Errno.ENOTCAPABLE })
    await expect(p.open('new', 'wc', directory)).rejects.toMatchObject({ errno: Errno.ENOTCAPABLE })
    const fd = await p.open('f', 'rw', directory)
    expect(await p.call('fd_write', fd, p.iov(64, 1), 1, p.room(4))).toBe(Errno.ENOTCAPABLE)
    expect(await p.call('fd_filestat_set_size', fd, 0n)).toBe(Errno.ENOTCAPABLE)
    expect(tests.readFile('/tmp/f')).toBe('abc')
  })
})

describe('fd_filestat_get', () => {
  test('writes the 64 bytes of a filestat', async () => {
    tests.writeFile('/tmp/f', 'hello')
    const at = p.room(64)
    await p.ok('fd_filestat_get', await p.open('tmp/f'), at)
    expect([p.memory[at + 16], p.u64(at + 24), p.u64(at + 32)]).toEqual([4, 1n, 5n])
    const { vfs } = tests.kernel
    const inode = vfs.resolve(vfs.root, '/tmp/f', true, false)
    expect(p.u64(at + 8)).toBe(BigInt(inode.ino))
    expect(p.u64(at + 48)).toBe(BigInt(inode.mtimeSec) * 1_000_000_000n + BigInt(inode.mtimeNsec))
  })
})

describe('fd_filestat_set_size', () => {
  test('cuts and lengthens; a read-only descriptor is EINVAL', async () => {
    tests.writeFile('/tmp/f', 'hello')
    const fd = await p.open('tmp/f', 'rw')
    await p.ok('fd_filestat_set_size', fd, 2n)
    await p.ok('fd_filestat_set_size', fd, 4n)
    expect(tests.readFile('/tmp/f')).toBe('he\0\0')
    expect(await p.call('fd_filestat_set_size', await p.open('tmp/f'), 0n)).toBe(Errno.EINVAL)
  })
  test('T72 one terabyte is a hole that takes no space; 2^63 is an error', async () => {
    const fd = await p.open('tmp/f', 'rwc')
    await p.ok('fd_filestat_set_size', fd, 1n << 40n)
    const count = p.room(4)
    await p.ok('fd_pread', fd, p.iov(p.room(64), 64), 1, (1n << 40n) - 3n, count)
    expect(p.u32(count)).toBe(3)
    expect(await p.call('fd_filestat_set_size', fd, 0x7fff_ffff_ffff_ffffn)).toBe(Errno.EFBIG)
    expect(await p.call('fd_filestat_set_size', fd, -1n)).toBe(Errno.EINVAL)
  })
  test('a cut that had to wait is not done twice', async () => {
    const [file, fd] = slowFile()
    expect(await wokenThrice(file, p.call('fd_filestat_set_size', fd, 3n))).toBe(0)
    expect(file.done).toEqual(['truncate 3'])
  })
})

describe('fd_filestat_set_times', () => {
  test('sets the times that the flags name', async () => {
    tests.writeFile('/tmp/f', '')
    const fd = await p.open('tmp/f', 'w')
    const at = p.room(64)
    await p.ok('fd_filestat_set_times', fd, 1_000_000_001n, 2_500_000_000_000_000_123n, 1 | 4)
    await p.ok('fd_filestat_get', fd, at)
    expect([p.u64(at + 40), p.u64(at + 48)]).toEqual([1_000_000_001n, 2_500_000_000_000_000_123n])
    expect(await p.call('fd_filestat_set_times', fd, 0n, 0n, 1 | 2)).toBe(Errno.EINVAL)
  })
})

describe('fd_prestat_get', () => {
  test('3 is the root for programs of our own, 4 is no preopen', async () => {
    const at = p.room(8)
    await p.ok('fd_prestat_get', 3, at)
    expect([p.u32(at), p.u32(at + 4)]).toEqual([0, 1])
    expect(await p.call('fd_prestat_get', 4, at)).toBe(Errno.EBADF)
    expect(await p.call('fd_prestat_get', 0, at)).toBe(Errno.EBADF)
  })
})

describe('fd_prestat_dir_name', () => {
  test('writes the name; too small a buffer is ENAMETOOLONG', async () => {
    const at = p.room(8)
    await p.ok('fd_prestat_dir_name', 3, at, 1)
    expect(p.read(at, 2)).toBe('/\0')
    expect(await p.call('fd_prestat_dir_name', 3, at, 0)).toBe(Errno.ENAMETOOLONG)
  })
})

describe('fd_readdir', () => {
  const names = async (fd: number, buffer: number, length: number, cookie = 0n): Promise<string[]> => {
    const used = p.room(4)
    const at = p.room(length)
    await p.ok('fd_readdir', fd, at, length, cookie, used)
    const found: string[] = []
    for (let i = at; i + 24 <= at + p.u32(used);) {
      const size = p.u32(i + 16)
      if (i + 24 + size > at + p.u32(used)) break
      found.push(p.read(i + 24, size))
      i += 24 + size
    }
    void buffer
    return found
  }
  test('gives . and .. and every name, over several calls by cookie', async () => {
    for (const name of ['b', 'a', 'long-name']) tests.writeFile(`/tmp/${name}`, '')
    const fd = await p.open('tmp', 'rd')
    expect((await names(fd, 0, 4096)).toSorted()).toEqual(['.', '..', 'a', 'b', 'long-name'])
    const all: string[] = []
    for (let cookie = 0; ;) {
      const some = await names(fd, 0, 60, BigInt(cookie))
      if (some.length === 0) break
      all.push(...some)
      cookie += some.length
    }
    expect(all.toSorted()).toEqual(['.', '..', 'a', 'b', 'long-name'])
  })
  test('T73 a buffer of one byte, a huge cookie and removal meanwhile are all answered', async () => {
    for (let i = 0; i < 50; i++) tests.writeFile(`/tmp/n${i}`, '')
    const fd = await p.open('tmp', 'rd')
    const used = p.room(4)
    await p.ok('fd_readdir', fd, p.room(1), 1, 0n, used)
    expect(p.u32(used)).toBe(1)
    await p.ok('fd_readdir', fd, p.room(64), 64, 0xffff_ffff_ffff_ffffn, used)
    expect(p.u32(used)).toBe(0)
    const first = await names(fd, 0, 200)
    for (const name of first.slice(2)) await p.ok('path_unlink_file', 3, ...p.text(`tmp/${name}`))
    const rest = await names(fd, 0, 4096, BigInt(first.length))
    expect(first.length + rest.length).toBe(52)
  })
  test('a file is ENOTDIR', async () => {
    tests.writeFile('/tmp/f', '')
    expect(await p.call('fd_readdir', await p.open('tmp/f'), p.room(64), 64, 0n, p.room(4))).toBe(Errno.ENOTDIR)
  })
})

describe('fd_renumber', () => {
  test('T69 moves a descriptor over another one; a preopen on either side is ENOTSUP', async () => {
    tests.writeFile('/tmp/a', 'aaa')
    tests.writeFile('/tmp/b', 'bbb')
    const a = await p.open('tmp/a')
    const b = await p.open('tmp/b')
    await p.ok('fd_renumber', a, b)
    expect(await p.readText(b, 3)).toBe('aaa')
    expect(await p.call('fd_close', a)).toBe(Errno.EBADF)
    expect(await p.call('fd_renumber', b, 3)).toBe(Errno.ENOTSUP)
    expect(await p.call('fd_renumber', 3, b)).toBe(Errno.ENOTSUP)
    await p.ok('fd_renumber', b, b)
    await p.ok('fd_close', b)
    for (const [from, to] of [
      [a, 2],
      [2, a],
      [2, -1],
      [-1, 2],
      [2, 0x7fff_ffff],
      [2, -0x8000_0000],
    ])
      expect(await p.call('fd_renumber', from!, to!)).toBe(Errno.EBADF)
  })
})

describe('fd_seek', () => {
  test('moves from the start, from here and from the end', async () => {
    tests.writeFile('/tmp/f', 'hello world')
    const fd = await p.open('tmp/f')
    const at = p.room(8)
    await p.ok('fd_seek', fd, 6n, 0, at)
    expect(p.u64(at)).toBe(6n)
    await p.ok('fd_seek', fd, -2n, 1, at)
    expect(p.u64(at)).toBe(4n)
    await p.ok('fd_seek', fd, -5n, 2, at)
    expect(await p.readText(fd, 9)).toBe('world')
    expect(await p.call('fd_seek', fd, -1n, 0, at)).toBe(Errno.EINVAL)
    expect(await p.call('fd_seek', fd, 0n, 3, at)).toBe(Errno.EINVAL)
    expect(await p.call('fd_seek', (await p.pipe())[0], 0n, 0, at)).toBe(Errno.ESPIPE)
  })
  test('T72 a position of 2^63−1 is EINVAL; a write far beyond every limit is an error', async () => {
    const fd = await p.open('tmp/f', 'rwc')
    const at = p.room(8)
    expect(await p.call('fd_seek', fd, 0x7fff_ffff_ffff_ffffn, 0, at)).toBe(Errno.EINVAL)
    await p.ok('fd_seek', fd, 1n << 50n, 0, at)
    await expect(p.write(fd, 'x')).rejects.toMatchObject({ errno: expect.toBeOneOf([Errno.EFBIG, Errno.ENOSPC]) })
    expect(tests.readFile('/tmp/f')).toBe('')
  })
})

describe('fd_tell', () => {
  test('gives the position', async () => {
    tests.writeFile('/tmp/f', 'hello')
    const fd = await p.open('tmp/f')
    await p.readText(fd, 3)
    const at = p.room(8)
    await p.ok('fd_tell', fd, at)
    expect(p.u64(at)).toBe(3n)
    expect(await p.call('fd_tell', (await p.pipe())[0], at)).toBe(Errno.ESPIPE)
  })
})

test('T74 lists of iovecs: 2^31 of them, overlapping, beyond the memory, a pointer of 0xFFFFFFFF, length 0', async () => {
  tests.writeFile('/tmp/f', 'hello world')
  const fd = await p.open('tmp/f', 'rw')
  const count = p.room(4)
  const end = p.memory.length
  expect(await p.call('fd_read', fd, 64, -0x8000_0000, count)).toBe(Errno.EINVAL)
  expect(await p.call('fd_write', fd, 64, 0x7fff_ffff, count)).toBe(Errno.EINVAL)
  expect(await p.call('fd_read', fd, end - 4, 1, count)).toBe(Errno.EFAULT)
  expect(await p.call('fd_read', fd, p.iov(0xffff_ffff, 1), 1, count)).toBe(Errno.EFAULT)
  expect(await p.call('fd_read', fd, p.iov(end - 1, 2), 1, count)).toBe(Errno.EFAULT)
  expect(await p.call('fd_write', fd, p.iov(0xffff_ffff, 0xffff_ffff), 1, count)).toBe(Errno.EFAULT)
  expect(await p.call('fd_read', fd, p.iov(64, 1), 1, end - 2)).toBe(Errno.EFAULT)
  await p.ok('fd_read', fd, p.iov(end, 0), 1, count)
  expect(p.u32(count)).toBe(0)
  const buffer = p.room(8)
  const list = p.iov(buffer, 6)
  p.iov(buffer + 2, 5)
  await p.ok('fd_read', fd, list, 2, count)
  expect([p.u32(count), p.read(buffer, 7)]).toEqual([11, 'heworld'])
})
