import { expect, test } from 'vitest'
import { fileSystemContract } from '../../contract/file-system.ts'
import { O } from '../../../src/kernel/vfs/open-file.ts'
import { JournalStore } from '../../support/journal-store.ts'
import { errnoOf, Tree } from '../../support/tree.ts'

fileSystemContract(
  'mem-fs',
  () => new Tree(),
  () => {},
)

fileSystemContract(
  'mem-fs booted from its journal',
  () => new Tree(),
  (tree) => tree.reboot(),
)

fileSystemContract(
  'mem-fs whose content comes late',
  () => {
    const store = new JournalStore()
    store.delayed = true
    return new Tree({ store })
  },
  (tree) => tree.reboot(),
)

test('a new file system has the tree that every cell begins with', () => {
  const tree = new Tree()
  expect(tree.list('/')).toEqual(['bin', 'dev', 'etc', 'home', 'lib', 'mnt', 'opt', 'proc', 'root', 'tmp', 'usr', 'var'])
  expect(tree.list('/usr')).toEqual(['bin', 'lib', 'local', 'share'])
  expect(tree.list('/etc')).toEqual(['group', 'hostname', 'os-release', 'passwd'])
  expect(tree.list('/var')).toEqual(['tmp'])
  expect(tree.text('/etc/hostname')).toBe('tidepool\n')
  expect(tree.text('/etc/passwd')).toContain('user:x:1000:1000:user:/home/user:/bin/sh\n')
  const { mode, uid, gid } = tree.stat('/home/user')
  expect({ mode, uid, gid }).toEqual({ mode: 0o755, uid: 1000, gid: 1000 })
  expect(tree.stat('/tmp').mode).toBe(0o1777)
  expect(tree.stat('/root').mode).toBe(0o700)
  expect(tree.stat('/').uid).toBe(0)
})

test('a full disk is ENOSPC after what fits, and deleting frees', () => {
  const tree = new Tree({ limits: { fsBytes: 100 * 1024 } })
  const file = tree.open('big', O.WRONLY | O.CREAT)
  const before = tree.booted.files.usedBytes
  expect(file.write(new Uint8Array(200_000))).toBe(100 * 1024 - before)
  expect(errnoOf(() => file.write(new Uint8Array(1)))).toBe('ENOSPC')
  expect(errnoOf(() => tree.put('small', 'x'))).toBe('ENOSPC')
  file.unref()
  tree.unlink('big')
  expect(tree.booted.files.usedBytes).toBe(before)
  tree.put('small', 'x')
  expect(tree.text('small')).toBe('x')
})

test('overwriting needs no space', () => {
  const tree = new Tree({ limits: { fsBytes: 40 * 1024 } })
  const file = tree.open('big', O.RDWR | O.CREAT)
  expect(file.write(new Uint8Array(24 * 1024))).toBe(24 * 1024)
  expect(errnoOf(() => file.write(new Uint8Array(1)))).toBe('ENOSPC')
  expect(file.pwrite(new Uint8Array(1000).fill(1), 500)).toBe(1000)
  file.unref()
})

test('running out of inodes is ENOSPC, also for hard links, and deleting frees', () => {
  const tree = new Tree({ limits: { fsInodes: 26 } })
  const free = 26 - tree.booted.files.usedInodes
  for (let i = 0; i < free; i++) tree.put(`f${i}`, '')
  expect(errnoOf(() => tree.put('one', ''))).toBe('ENOSPC')
  expect(errnoOf(() => tree.link('f0', 'one'))).toBe('ENOSPC')
  expect(errnoOf(() => tree.symlink('f0', 'one'))).toBe('ENOSPC')
  tree.unlink('f0')
  tree.mkdir('one')
  tree.rmdir('one')
  tree.put('one', '')
})

test('a file cannot grow beyond 1 TiB, and a sparse one costs what it holds', () => {
  const tree = new Tree()
  const file = tree.open('a', O.RDWR | O.CREAT)
  const before = tree.booted.files.usedBytes
  expect(file.truncate(2 ** 40)).toBe(0)
  expect(tree.booted.files.usedBytes).toBe(before)
  expect(errnoOf(() => file.truncate(2 ** 40 + 1))).toBe('EFBIG')
  expect(errnoOf(() => file.pwrite(new Uint8Array(1), 2 ** 40))).toBe('EFBIG')
  const bytes = new Uint8Array(4).fill(9)
  expect(file.pread(bytes, 2 ** 39)).toBe(4)
  expect([...bytes]).toEqual([0, 0, 0, 0])
  file.unref()
})

test('the modification time is set 50 ms after a write to a file that stays open', () => {
  const tree = new Tree()
  const file = tree.open('a', O.RDWR | O.CREAT)
  tree.clock.ms += 1000
  file.write(new Uint8Array(1))
  const inode = tree.booted.files.root.lookup('home')!
  expect(inode.ino).toBeGreaterThan(1)
  tree.clock.ms += 60
  tree.booted.tick()
  tree.clock.ms += 5000
  expect(tree.stat('a').mtimeSec).toBe(1_700_000_001)
  expect(tree.stat('a').mtimeNsec).toBe(60_000_000)
  file.unref()
})

test('/tmp/.out is in no commit and is not mixed with what is', () => {
  const tree = new Tree()
  tree.mkdir('/tmp/.out')
  tree.put('/tmp/.out/1', 'kept output')
  tree.put('/tmp/f', 'x')
  expect(errnoOf(() => tree.rename('/tmp/.out/1', '/tmp/2'))).toBe('EXDEV')
  expect(errnoOf(() => tree.link('/tmp/f', '/tmp/.out/2'))).toBe('EXDEV')
  expect(tree.text('/tmp/.out/1')).toBe('kept output')
  tree.reboot()
  expect(tree.list('/tmp')).toEqual(['f'])
  const texts = tree.store.messages.flatMap((message) => message.blobs.map((blob) => new TextDecoder().decode(blob)))
  expect(texts.join('').includes('kept output')).toBe(false)
})
