/** Names and paths that are meant to break out or to break something, from a program's side, own and foreign. */
import { beforeEach, describe, expect, test } from 'vitest'
import { Errno } from '../../../src/kernel/errno.ts'
import { TestKernel } from '../../support/kernel.ts'
import { FOREIGN_PUPPET, type Puppet, puppetKernel, startPuppet } from '../../support/puppet.ts'

let tests: TestKernel
let p: Puppet
/** `/tmp/box`, as a directory descriptor through which nothing outside may be reached */
let box: number

beforeEach(async () => {
  tests = puppetKernel()
  p = (await startPuppet(tests)).puppet
  await p.ok('path_create_directory', 3, ...p.text('tmp/box'))
  await p.ok('path_create_directory', 3, ...p.text('tmp/box/sub'))
  tests.writeFile('/tmp/secret', 'secret')
  tests.writeFile('/tmp/box/file', 'file')
  box = await p.open('tmp/box', 'rd')
})

/** 0, or the errno of opening a path below the box. */
async function reach(path: string, how = 'r'): Promise<number> {
  try {
    await p.ok('fd_close', await p.open(path, how, box))
    return 0
  } catch (error) {
    return (error as { errno: number }).errno
  }
}
const symlink = (target: string, path: string): Promise<void> => p.ok('path_symlink', ...p.text(target), 3, ...p.text(path))

test('T63 dots and slashes lead nowhere above the descriptor', async () => {
  for (const path of ['../secret', '../../../etc/passwd', 'sub/../../secret', '/tmp/secret', '/..', '//tmp/secret', '..', 'sub/../..'])
    expect([path, await reach(path)]).toEqual([path, Errno.ENOTCAPABLE])
  for (const path of ['.', './', './/', 'sub/..', 'sub/../.']) expect([path, await reach(path)]).toEqual([path, 0])
  expect(await reach('')).toBe(Errno.ENOENT)
  expect(await reach('sub/../file')).toBe(0)
})

describe('T64 strange names', () => {
  const bytes = (...units: number[]): [number, number] => {
    const at = p.room(units.length)
    p.memory.set(units, at)
    return [at, units.length]
  }
  test('NUL is EINVAL, 256 bytes and 5,000-byte paths are ENAMETOOLONG', async () => {
    expect(await p.call('path_create_directory', box, ...bytes(97, 0, 98))).toBe(Errno.EINVAL)
    expect(await p.call('path_create_directory', box, ...p.text('n'.repeat(256)))).toBe(Errno.ENAMETOOLONG)
    expect(await p.call('path_create_directory', box, ...p.text('d/'.repeat(2500)))).toBe(Errno.ENAMETOOLONG)
    await p.ok('path_create_directory', box, ...p.text('n'.repeat(255)))
  })
  test('any other byte is kept as it is: invalid UTF-8, a lone surrogate, newline, backslash', async () => {
    const names = [[0xff, 0xfe], [0xed, 0xa0, 0x80], [10], [92, 110], [0xc3], [0xe2, 0x80, 0xae, 120]]
    for (const name of names) await p.ok('path_create_directory', box, ...bytes(...name))
    const buffer = p.room(4096)
    const used = p.room(4)
    await p.ok('fd_readdir', box, buffer, 4096, 0n, used)
    const seen: number[][] = []
    for (let at = buffer; at < buffer + p.u32(used);) {
      const length = p.u32(at + 16)
      seen.push([...p.memory.subarray(at + 24, at + 24 + length)])
      at += 24 + length
    }
    for (const name of names) expect(seen).toContainEqual(name)
  })
  test('two spellings of one letter are two names; names of JavaScript’s objects are names', async () => {
    for (const name of ['\u00e9', 'e\u0301', '__proto__', 'constructor', 'hasOwnProperty', 'toString']) {
      expect(await reach(name)).toBe(Errno.ENOENT)
      await p.ok('path_create_directory', box, ...p.text(name))
      expect(await reach(name, 'rd')).toBe(0)
    }
  })
})

test('T65 loops of symlinks and chains of 41 are ELOOP', async () => {
  await symlink('b', 'tmp/box/a')
  await symlink('a', 'tmp/box/b')
  await symlink('self', 'tmp/box/self')
  await symlink('file', 'tmp/box/l0')
  for (let i = 1; i <= 41; i++) await symlink(`l${i - 1}`, `tmp/box/l${i}`)
  expect(await reach('a')).toBe(Errno.ELOOP)
  expect(await reach('self')).toBe(Errno.ELOOP)
  expect(await reach('self/x')).toBe(Errno.ELOOP)
  expect(await reach('l39')).toBe(0)
  expect(await reach('l41')).toBe(Errno.ELOOP)
})

test('T66 symlinks do not lead a foreign program out by dots; dangling ones create nothing where they may not', async () => {
  await symlink('.', 'tmp/box/here')
  await symlink('../secret', 'tmp/box/up')
  await symlink('none', 'tmp/box/dangling')
  expect(await reach('here/../secret')).toBe(Errno.ENOTCAPABLE)
  expect(await reach('up')).toBe(Errno.ENOTCAPABLE)
  expect(await reach('dangling', 'wcx')).toBe(Errno.EEXIST)
  expect(await reach('dangling')).toBe(Errno.ENOENT)
  await p.ok('path_open', box, 0, ...p.text('file'), 0, 2n, 0n, 0, p.room(4))
  expect(await p.call('path_open', box, 0, ...p.text('dangling'), 0, 2n, 0n, 0, p.room(4))).toBe(Errno.ELOOP)
})

test('T67 a trailing slash means a directory, also after a symlink', async () => {
  await symlink('file', 'tmp/box/to-file')
  await symlink('sub', 'tmp/box/to-sub')
  await symlink('../secret', 'tmp/box/out')
  expect(await reach('file/')).toBe(Errno.ENOTDIR)
  expect(await reach('to-file/')).toBe(Errno.ENOTDIR)
  expect(await reach('to-sub/')).toBe(0)
  expect(await reach('out/')).toBe(Errno.ENOTCAPABLE)
  expect(await reach('new/', 'wc')).toBe(Errno.EISDIR)
  expect(await p.call('path_unlink_file', box, ...p.text('file/'))).toBe(Errno.ENOTDIR)
})

test('T70 a directory does not move into itself; what is not empty or of another kind is not replaced', async () => {
  const rename = (from: string, to: string): Promise<number> => p.call('path_rename', box, ...p.text(from), box, ...p.text(to))
  await p.ok('path_create_directory', box, ...p.text('sub/deep'))
  await p.ok('path_create_directory', box, ...p.text('other'))
  expect(await rename('sub', 'sub/deep/x')).toBe(Errno.EINVAL)
  expect(await rename('sub', 'sub/sub')).toBe(Errno.EINVAL)
  expect(await rename('other', 'sub')).toBe(Errno.ENOTEMPTY)
  expect(await rename('file', 'other')).toBe(Errno.EISDIR)
  expect(await rename('other', 'file')).toBe(Errno.ENOTDIR)
  expect(await rename('sub/deep', 'sub')).toBe(Errno.ENOTEMPTY)
  await p.ok('proc_chdir', ...p.text('/tmp/box/other'))
  await p.ok('path_remove_directory', box, ...p.text('other'))
  expect(await p.call('fd_open', ...p.text('x'), 0x41, 0o644, p.room(4))).toBe(Errno.ENOENT)
})

test('T63 a foreign program’s preopens are as tight', async () => {
  tests.writeFile('/home/user/tool', FOREIGN_PUPPET, 0o755)
  const { puppet } = await startPuppet(tests, { argv: ['/home/user/tool'], cwd: '/tmp/box' })
  const out = puppet.room(4)
  let last = 3
  while ((await puppet.call('fd_prestat_get', last, puppet.room(8))) === 0) last++
  for (const path of ['../secret', '..', '/tmp/secret', 'sub/../../secret'])
    expect(await puppet.call('path_open', last - 1, 1, ...puppet.text(path), 0, 2n, 0n, 0, out)).toBe(Errno.ENOTCAPABLE)
  await puppet.ok('path_open', last - 1, 1, ...puppet.text('file'), 0, 2n, 0n, 0, out)
})

test('T58 arguments, variables and words beyond their limits are errors, and the next command works', async () => {
  const cell = new TestKernel()
  const sh = (command: string) => cell.run(['bash', '-c', command])
  const long = await sh('x=$(head -c 3000000 /dev/zero | tr "\\0" a); /bin/echo "$x" | wc -c; echo ${PIPESTATUS[0]}')
  expect(long.stdout).toBe('0\n126\n')
  expect(long.stderr).toContain('Argument list too long')
  expect((await sh('echo {1..999999999} | wc -c')).stderr).not.toBe('')
  expect(await sh('echo fine')).toMatchObject({ status: 0, stdout: 'fine\n' })
})
