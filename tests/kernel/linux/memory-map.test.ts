/** mmap(2) of files: a copy that is written back. */
import { beforeEach, describe, expect, test } from 'vitest'
import { O } from '../../../src/kernel/vfs/open-file.ts'
import type { TestKernel } from '../../support/kernel.ts'
import { linuxAnswer, linuxKernel, type Puppet, startLinuxPuppet } from '../../support/puppet.ts'
import { SlowFile, wokenThrice } from '../../support/slow-file.ts'

const READ = 1
const WRITE = 2
const SHARED = 1
const PRIVATE = 2
const BAD = 0x7fff_0000

let tests: TestKernel
let p: Puppet

beforeEach(async () => {
  tests = linuxKernel()
  p = await startLinuxPuppet(tests)
})

const answer = (name: string, ...args: readonly (number | bigint)[]): Promise<string | number> => linuxAnswer(p, name, ...args)
function open(path: string, flags: number): number {
  const { vfs } = tests.kernel
  return p.process.fds.add(vfs.open(vfs.root, path, flags, 0o644, false), false)
}
interface Map {
  readonly length: number
  readonly fd: number
  readonly protection?: number
  readonly flags?: number
  readonly offset?: bigint
}
/** The address, or the error's name. */
async function map({ length, fd, protection = READ | WRITE, flags = SHARED, offset = 0n }: Map): Promise<number | string> {
  const out = p.room(8)
  const result = await answer('mmap', length, protection, flags, fd, offset, out, out + 4)
  if (result === 0) expect(p.u32(out)).toBe(1)
  return result === 0 ? p.u32(out + 4) : result
}
function slowFile(): [SlowFile, number] {
  const { vfs } = tests.kernel
  tests.writeFile('/tmp/slow', 'content')
  const file = new SlowFile(vfs.resolve(vfs.root, '/tmp/slow', true, false), 2)
  return [file, p.process.fds.add(file, false)]
}

describe('mmap', () => {
  test('gives memory with the file’s bytes, and zeros beyond its end', async () => {
    tests.writeFile('/tmp/f', 'hello')
    const at = (await map({ length: 10, fd: open('/tmp/f', O.RDONLY), protection: READ })) as number
    expect(p.read(at, 10)).toBe('hello\0\0\0\0\0')
  })
  test('begins at an offset; one beyond the end gives zeros', async () => {
    tests.writeFile('/tmp/f', 'x'.repeat(4096) + 'page 2')
    const fd = open('/tmp/f', O.RDWR)
    expect(p.read((await map({ length: 6, fd, offset: 4096n })) as number, 6)).toBe('page 2')
    expect(p.read((await map({ length: 4, fd, offset: 1n << 40n })) as number, 4)).toBe('\0\0\0\0')
  })
  test('a pipe, a directory and a device are ENODEV', async () => {
    const [reader] = tests.kernel.vfs.pipe()
    expect(await map({ length: 1, fd: p.process.fds.add(reader, false) })).toBe('ENODEV')
    expect(await map({ length: 1, fd: open('/tmp', O.RDONLY) })).toBe('ENODEV')
    expect(await map({ length: 1, fd: open('/dev/zero', O.RDWR) })).toBe('ENODEV')
  })
  test('what is open in another way than the mapping needs is EACCES', async () => {
    tests.writeFile('/tmp/f', 'x')
    expect(await map({ length: 1, fd: open('/tmp/f', O.RDONLY) })).toBe('EACCES')
    expect(await map({ length: 1, fd: open('/tmp/f', O.WRONLY), protection: READ })).toBe('EACCES')
    expect(typeof (await map({ length: 1, fd: open('/tmp/f', O.RDONLY), flags: PRIVATE }))).toBe('number')
  })
  test('T72 no length, odd offsets, wrong numbers and bad pointers are errors, and too much is ENOMEM', async () => {
    tests.writeFile('/tmp/f', 'x')
    const fd = open('/tmp/f', O.RDWR)
    expect(await map({ length: 0, fd })).toBe('EINVAL')
    for (const offset of [-4096n, (1n << 62n) + 1n, -(1n << 63n)]) expect(await map({ length: 1, fd, offset })).toBe('EINVAL')
    for (const wrong of [-1, 999]) expect(await map({ length: 1, fd: wrong })).toBe('EBADF')
    expect(await map({ length: -1, fd })).toBe('ENOMEM')
    expect(await map({ length: 1 << 30, fd })).toBe('ENOMEM')
    const bytes = p.memory.length
    expect(await answer('mmap', 1, READ, SHARED, fd, 0n, BAD, p.room(4))).toBe('EFAULT')
    expect(await answer('mmap', 1, READ, SHARED, fd, 0n, p.room(4), BAD)).toBe('EFAULT')
    expect(p.memory.length).toBe(bytes)
  })
  test('what had to wait for content is not done twice', async () => {
    const [file, fd] = slowFile()
    const before = p.memory.length
    const out = p.room(8)
    expect(await wokenThrice(file, p.call('mmap', 4, READ, SHARED, fd, 0n, out, out + 4))).toBe(0)
    expect(file.done).toEqual(['pread 4 at 0'])
    expect(p.memory.length).toBe(before + 65_536)
  })
  test('content that cannot be had leaves nothing behind: the next mapping is a whole one', async () => {
    const [file, fd] = slowFile()
    const out = p.room(8)
    const failing = p.call('mmap', 4, READ, SHARED, fd, 0n, out, out + 4)
    await new Promise((resolve) => setTimeout(resolve, 5))
    p.process.fds.close(fd)
    file.queue.wakeAll()
    expect(await failing).toBeLessThan(0)
    tests.writeFile('/tmp/f', 'y'.repeat(100_000))
    const at = (await map({ length: 100_000, fd: open('/tmp/f', O.RDONLY), protection: READ })) as number
    expect(at + 100_000).toBeLessThanOrEqual(p.memory.length)
    expect(p.read(at + 99_990, 10)).toBe('yyyyyyyyyy')
  })
})

describe('msync', () => {
  test('writes what has changed, and never beyond the file’s end', async () => {
    tests.writeFile('/tmp/f', 'hello')
    const fd = open('/tmp/f', O.RDWR)
    const at = (await map({ length: 10, fd })) as number
    p.memory.set(Buffer.from('HELLO WORL'), at)
    expect(await answer('msync', at, 10, READ | WRITE, SHARED, fd, 0n)).toBe(0)
    expect(tests.readFile('/tmp/f')).toBe('HELLO')
  })
  test('a private mapping and one that is only read stay out of the file', async () => {
    tests.writeFile('/tmp/f', 'hello')
    const fd = open('/tmp/f', O.RDWR)
    const at = (await map({ length: 5, fd, flags: PRIVATE })) as number
    p.memory.set(Buffer.from('HELLO'), at)
    expect(await answer('msync', at, 5, READ | WRITE, PRIVATE, fd, 0n)).toBe(0)
    expect(await answer('msync', at, 5, READ, SHARED, fd, 0n)).toBe(0)
    expect(tests.readFile('/tmp/f')).toBe('hello')
  })
  test('T72 memory that is not there is EFAULT, a wrong number EBADF, an odd offset EINVAL', async () => {
    tests.writeFile('/tmp/f', 'hello')
    const fd = open('/tmp/f', O.RDWR)
    expect(await answer('msync', BAD, 5, READ | WRITE, SHARED, fd, 0n)).toBe('EFAULT')
    expect(await answer('msync', 64, 5, READ | WRITE, SHARED, 999, 0n)).toBe('EBADF')
    expect(await answer('msync', 64, 5, READ | WRITE, SHARED, fd, -1n)).toBe('EINVAL')
    expect(await answer('msync', 64, -1, READ | WRITE, SHARED, fd, 1n << 40n)).toBe(0)
    expect(tests.readFile('/tmp/f')).toBe('hello')
  })
  test('what had to wait is not done twice', async () => {
    const [file, fd] = slowFile()
    expect(await wokenThrice(file, p.call('msync', 64, 7, READ | WRITE, SHARED, fd, 0n))).toBe(0)
    expect(file.done).toEqual(['pwrite 7 at 0'])
  })
})

describe('munmap', () => {
  test('writes a shared mapping back; one that is private or whose file is closed it leaves', async () => {
    tests.writeFile('/tmp/f', 'hello')
    const fd = open('/tmp/f', O.RDWR)
    const at = (await map({ length: 5, fd })) as number
    p.memory.set(Buffer.from('HELLO'), at)
    expect(await answer('munmap', at, 5, READ | WRITE, PRIVATE, fd, 0n)).toBe(0)
    expect(await answer('munmap', at, 5, READ | WRITE, SHARED, 999, 0n)).toBe(0)
    expect(tests.readFile('/tmp/f')).toBe('hello')
    expect(await answer('munmap', at, 5, READ | WRITE, SHARED, fd, 0n)).toBe(0)
    expect(tests.readFile('/tmp/f')).toBe('HELLO')
    expect(await answer('munmap', BAD, 5, READ | WRITE, SHARED, fd, 0n)).toBe('EFAULT')
  })
  test('what had to wait is not done twice', async () => {
    const [file, fd] = slowFile()
    expect(await wokenThrice(file, p.call('munmap', 64, 7, READ | WRITE, SHARED, fd, 0n))).toBe(0)
    expect(file.done).toEqual(['pwrite 7 at 0'])
  })
})
