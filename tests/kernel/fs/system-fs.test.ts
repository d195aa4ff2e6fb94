/** /dev, /proc and the programs, as dev, proc and bin of Linux show themselves to a user. */
import { describe, expect, test } from 'vitest'
import type { ProcessEntry, ProcessView } from '../../../src/kernel/fs/process-view.ts'
import { byteString } from '../../../src/kernel/vfs/byte-string.ts'
import { O, type OpenFile } from '../../../src/kernel/vfs/open-file.ts'
import { errnoOf, Tree } from '../../support/tree.ts'

/** A process 7 that has stdin, stdout and the descriptor 5. */
function withProcess(): { tree: Tree; files: Map<number, OpenFile> } {
  const files = new Map<number, OpenFile>()
  const holder: { entry?: ProcessEntry } = {}
  const processes: ProcessView = {
    current: () => holder.entry,
    get: (pid) => (pid === 7 ? holder.entry : undefined),
    pids: () => [7],
  }
  const tree = new Tree({ processes })
  holder.entry = {
    pid: 7,
    ppid: 1,
    pgid: 7,
    state: 'R',
    comm: 'a-very-long-program-name',
    argv: ['cat', '-n', 'x y'],
    env: ['A=1', 'B=2'],
    cwd: tree.home,
    exe: '/bin/cat',
    umask: 0o022,
    memoryBytes: 131_072,
    startedAt: 1.5,
    cpuSeconds: 0.25,
    descriptors: () => [...files.keys()],
    file: (fd) => files.get(fd),
  }
  return { tree, files }
}

describe('/dev', () => {
  const tree = new Tree()
  const open = (path: string, flags: number = O.RDWR) => tree.open(path, flags)

  test('lists its devices', () => {
    expect(tree.list('/dev')).toEqual(['fd', 'full', 'null', 'random', 'stderr', 'stdin', 'stdout', 'tty', 'urandom', 'zero'])
  })
  test('null swallows everything and is empty', () => {
    expect(open('/dev/null').write(new Uint8Array(1e6))).toBe(1e6)
    expect(open('/dev/null').read(new Uint8Array(5))).toBe(0)
    expect(tree.text('/dev/null')).toBe('')
  })
  test('zero gives zeroes', () => {
    const bytes = new Uint8Array(3).fill(9)
    expect(open('/dev/zero').read(bytes)).toBe(3)
    expect([...bytes]).toEqual([0, 0, 0])
  })
  test('full is full', () => {
    expect(errnoOf(() => open('/dev/full').write(new Uint8Array(1)))).toBe('ENOSPC')
  })
  test('random fills whatever is asked for', () => {
    const bytes = new Uint8Array(200_000)
    expect(open('/dev/urandom').read(bytes)).toBe(200_000)
    expect(bytes.every((byte) => byte === 7)).toBe(true)
  })
  test('tty is ENXIO: there is no terminal', () => {
    expect(errnoOf(() => open('/dev/tty'))).toBe('ENXIO')
  })
  test('may be opened with O_CREAT and O_TRUNC, but nothing new is made in it', () => {
    open('/dev/null', O.WRONLY | O.CREAT | O.TRUNC).unref()
    expect(errnoOf(() => open('/dev/new', O.WRONLY | O.CREAT))).toBe('EACCES')
    expect(errnoOf(() => tree.unlink('/dev/null'))).toBe('EACCES')
    expect(errnoOf(() => tree.chmod('/dev/null', 0o600))).toBe('EPERM')
    expect(errnoOf(() => tree.rmdir('/dev'))).toBe('EACCES')
  })
  test('has the device numbers of Linux', () => {
    expect([tree.stat('/dev/null').rdev, tree.stat('/dev/urandom').rdev]).toEqual([0x103, 0x109])
    expect(tree.stat('/dev/null').mode).toBe(0o666)
  })
})

describe("a process's own descriptions", () => {
  test('are what /dev/stdin and /dev/fd/N open, position and all', () => {
    const { tree, files } = withProcess()
    tree.put('input', '0123456789')
    const file = tree.open('input', O.RDONLY)
    files.set(0, file)
    file.seek(4, 0)
    const again = tree.open('/dev/stdin', O.RDONLY)
    expect(again).toBe(file)
    expect(file.refs).toBe(2)
    expect(byteString(tree.readAll(again))).toBe('456789')
    expect(file.offset).toBe(10)
    again.unref()
    expect(tree.open('/proc/self/fd/0', O.RDONLY)).toBe(file)
    expect(errnoOf(() => tree.open('/dev/fd/9', O.RDONLY))).toBe('ENOENT')
    expect(errnoOf(() => tree.open('/dev/fd/00', O.RDONLY))).toBe('ENOENT')
  })
  test('are listed, with what they lead to', () => {
    const { tree, files } = withProcess()
    const [reader] = tree.vfs.pipe()
    tree.put('f', '')
    files.set(0, reader)
    files.set(5, tree.open('f', O.RDONLY))
    expect(tree.list('/dev/fd')).toEqual(['0', '5'])
    expect(tree.readlink('/proc/7/fd/0')).toBe(`pipe:[${reader.inode.ino}]`)
    expect(tree.readlink('/proc/self/fd/5')).toBe('/home/user/f')
    expect(tree.stat('/dev/fd/5').ino).toBe(tree.stat('f').ino)
    tree.unlink('f')
    expect(tree.readlink('/proc/self/fd/5')).toBe('/f (deleted)')
  })
  test('do not exist between calls', () => {
    expect(errnoOf(() => new Tree().open('/dev/stdin', O.RDONLY))).toBe('ENOENT')
  })
})

describe('/proc', () => {
  test('lists its files and the processes', () => {
    const { tree } = withProcess()
    expect(tree.list('/proc')).toEqual(['7', 'cpuinfo', 'loadavg', 'meminfo', 'mounts', 'self', 'uptime', 'version'])
    expect(tree.list('/proc/self')).toEqual(['cmdline', 'comm', 'cwd', 'environ', 'exe', 'fd', 'root', 'stat', 'status'])
    expect(tree.readlink('/proc/self')).toBe('7')
    expect(errnoOf(() => tree.stat('/proc/8'))).toBe('ENOENT')
    expect(errnoOf(() => tree.stat('/proc/07'))).toBe('ENOENT')
  })
  test('tells a process as proc(5) says', () => {
    const { tree } = withProcess()
    expect(tree.text('/proc/7/cmdline')).toBe('cat\0-n\0x y\0')
    expect(tree.text('/proc/7/environ')).toBe('A=1\0B=2\0')
    expect(tree.text('/proc/7/comm')).toBe('a-very-long-pro\n')
    expect(tree.text('/proc/7/stat').split(' ').slice(0, 6)).toEqual(['7', '(a-very-long-pro)', 'R', '1', '7', '7'])
    expect(tree.text('/proc/7/stat').trim().split(' ').length).toBe(52)
    expect(tree.text('/proc/7/status')).toContain('State:\tR (running)\nTgid:\t7\nPid:\t7\nPPid:\t1\n')
    expect(tree.readlink('/proc/7/cwd')).toBe('/home/user')
    expect(tree.readlink('/proc/7/exe')).toBe('/bin/cat')
    expect(tree.stat('/proc/7/cwd/')).toBe(tree.home)
  })
  test('tells the cell and not the host', () => {
    const { tree } = withProcess()
    tree.clock.ms += 12_340
    expect(tree.text('/proc/uptime')).toBe('12.34 0.00\n')
    expect(tree.text('/proc/meminfo')).toBe(
      'MemTotal:        1048576 kB\nMemFree:         1048448 kB\nMemAvailable:    1048448 kB\nSwapTotal:             0 kB\nSwapFree:              0 kB\n',
    )
    expect(tree.text('/proc/mounts')).toBe(
      'tidepool / tidepool rw 0 0\ndevtmpfs /dev devtmpfs rw 0 0\nproc /proc proc rw 0 0\ntoolfs /bin toolfs rw 0 0\ntoolfs /usr/bin toolfs rw 0 0\narchivefs /usr/lib archivefs ro 0 0\n',
    )
  })
  test('cannot be written', () => {
    const { tree } = withProcess()
    expect(errnoOf(() => tree.put('/proc/7/comm', 'x'))).toBe('EACCES')
    expect(errnoOf(() => tree.mkdir('/proc/x'))).toBe('EACCES')
  })
})

describe('/bin and /usr/bin', () => {
  const tree = new Tree()
  test('list every program as an executable file', () => {
    expect(tree.list('/bin')).toEqual(['cat', 'ls'])
    expect(tree.list('/usr/bin')).toEqual(['cat', 'ls'])
    const { mode, size, kind } = tree.stat('/bin/ls')
    expect({ mode, size, kind }).toEqual({ mode: 0o755, size: 8, kind: 1 })
  })
  test("give the module's bytes", () => {
    expect([...tree.bytes('/bin/cat')]).toEqual([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])
  })
  test('cannot be changed', () => {
    expect(errnoOf(() => tree.put('/bin/cat', 'x'))).toBe('EACCES')
    expect(errnoOf(() => tree.unlink('/bin/cat'))).toBe('EACCES')
    expect(errnoOf(() => tree.rename('/bin/cat', '/bin/dog'))).toBe('EACCES')
  })
})

describe('a tree of the host', () => {
  const host = new Tree()
  host.put('data.csv', 'a,b\n')
  host.booted.journal.post(true, false)
  const metadata = host.store.metadata

  test('is seen at its target, and cannot be changed', () => {
    const tree = new Tree({ mounts: [{ mount: 1, target: '/mnt/data', readOnly: true, metadata }] })
    expect(tree.list('/mnt')).toEqual(['data'])
    expect(tree.stat('/mnt/data/home/user/data.csv').size).toBe(4)
    const at = '/mnt/data/home/user'
    expect(errnoOf(() => tree.put(`${at}/new`, ''))).toBe('EROFS')
    expect(errnoOf(() => tree.open(`${at}/data.csv`, O.RDWR))).toBe('EROFS')
    expect(errnoOf(() => tree.open(`${at}/data.csv`, O.RDONLY | O.TRUNC))).toBe('EROFS')
    expect(errnoOf(() => tree.unlink(`${at}/data.csv`))).toBe('EROFS')
    expect(errnoOf(() => tree.rename(`${at}/data.csv`, `${at}/x`))).toBe('EROFS')
    expect(errnoOf(() => tree.rename(`${at}/data.csv`, 'x'))).toBe('EXDEV')
    expect(errnoOf(() => tree.link(`${at}/data.csv`, 'x'))).toBe('EXDEV')
    expect(errnoOf(() => tree.chmod(`${at}/data.csv`, 0o600))).toBe('EROFS')
    expect(errnoOf(() => tree.vfs.setTimes(tree.stat(`${at}/data.csv`), {}))).toBe('EROFS')
    expect(errnoOf(() => tree.vfs.truncate(tree.stat(`${at}/data.csv`), 0))).toBe('EROFS')
    expect(tree.vfs.pathOf(tree.dir(`${at}/..`))).toBe('/mnt/data/home')
    expect(tree.vfs.resolve(tree.dir('/mnt/data'), '..', true, false)).toBe(tree.dir('/mnt'))
  })
  test('asks for its content by its own number', () => {
    const tree = new Tree({ mounts: [{ mount: 3, target: '/work', readOnly: true, metadata }] })
    expect(errnoOf(() => tree.text('/work/home/user/data.csv'))).toBe('ENOENT')
    expect(tree.store.faults.length).toBe(1)
  })
  test('a mount point stays where it is', () => {
    const tree = new Tree({ mounts: [{ mount: 1, target: '/home/user/data', readOnly: true, metadata }] })
    expect(errnoOf(() => tree.rmdir('data'))).toBe('EBUSY')
    expect(errnoOf(() => tree.rename('data', 'x'))).toBe('EBUSY')
    tree.mkdir('x')
    expect(errnoOf(() => tree.rename('x', 'data'))).toBe('EBUSY')
  })
})
