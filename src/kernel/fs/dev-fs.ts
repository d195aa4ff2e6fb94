/** /dev, as in null(4), random(4) and full(4). /dev/fd and the standard streams lead to the calling process's own descriptions. */
import { Errno, SysError } from '../errno.ts'
import { WaitQueue } from '../process/wait-queue.ts'
import { type Directory, FileKind, FileSystem, Inode } from '../vfs/inode.ts'
import { OpenFile } from '../vfs/open-file.ts'
import { FixedDirectory, TextLink } from './text-file.ts'

const idle = new WaitQueue()
/** `random` fills at most this at a time. */
const RANDOM_BYTES = 65_536

type Read = (into: Uint8Array) => number
type Write = (from: Uint8Array) => number

const device = (major: number, minor: number): number => (major << 8) | minor

export class DevFs extends FileSystem {
  override readonly dev = 5
  override readonly type = 'devtmpfs'
  override readonly root: Directory

  constructor(random: (into: Uint8Array) => void) {
    super()
    this.readOnly = false
    const root = new FixedDirectory(this, 1, 0o755)
    this.root = root
    let ino = 2
    const add = (name: string, rdev: number, read: Read, write: Write): void => {
      root.add(name, new Device(this, ino++, rdev, read, write))
    }
    const zero: Read = (into) => {
      into.fill(0)
      return into.length
    }
    const randomBytes: Read = (into) => {
      for (let i = 0; i < into.length; i += RANDOM_BYTES) random(into.subarray(i, i + RANDOM_BYTES))
      return into.length
    }
    const swallow: Write = (from) => from.length
    add('null', device(1, 3), () => 0, swallow)
    add('zero', device(1, 5), zero, swallow)
    add('full', device(1, 7), zero, () => {
      throw SysError.of(Errno.ENOSPC)
    })
    add('random', device(1, 8), randomBytes, swallow)
    add('urandom', device(1, 9), randomBytes, swallow)
    root.add('tty', new NoTerminal(this, ino++))
    const link = (name: string, target: string): unknown => root.add(name, new TextLink(this, ino++, () => target))
    link('fd', '/proc/self/fd')
    link('stdin', '/proc/self/fd/0')
    link('stdout', '/proc/self/fd/1')
    link('stderr', '/proc/self/fd/2')
  }
}

class Device extends Inode {
  readonly read: Read
  readonly write: Write

  constructor(fs: FileSystem, ino: number, rdev: number, read: Read, write: Write) {
    super(fs, ino, FileKind.CharDevice, 0o666)
    this.rdev = rdev
    this.read = read
    this.write = write
  }
  override open(flags: number): OpenFile {
    return new OpenDevice(this, flags)
  }
}

class OpenDevice extends OpenFile {
  declare readonly inode: Device

  override get readers(): WaitQueue {
    return idle
  }
  override get writers(): WaitQueue {
    return idle
  }
  override read(into: Uint8Array): number {
    if (!this.readable) throw SysError.of(Errno.EBADF)
    return this.inode.read(into)
  }
  override write(from: Uint8Array): number {
    if (!this.writable) throw SysError.of(Errno.EBADF)
    return this.inode.write(from)
  }
  override pread(into: Uint8Array, _at: number): number {
    return this.read(into)
  }
  override pwrite(from: Uint8Array, _at: number): number {
    return this.write(from)
  }
  override seek(_offset: number, _whence: number): number {
    return 0
  }
}

/** No process of a cell has a controlling terminal. */
class NoTerminal extends Inode {
  constructor(fs: FileSystem, ino: number) {
    super(fs, ino, FileKind.CharDevice, 0o666)
    this.rdev = device(5, 0)
  }
  override open(_flags: number): OpenFile {
    throw SysError.of(Errno.ENXIO)
  }
}
