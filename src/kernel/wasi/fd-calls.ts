/**
 * WASI Preview 1: the calls on descriptors. Each takes the parameters of the specification and returns an errno, or WOULD_BLOCK.
 * What they throw becomes its errno in import-table.ts.
 */
import { AGAIN, Errno, SysError } from '../errno.ts'
import type { Process } from '../process/process.ts'
import { writeByteString } from '../vfs/byte-string.ts'
import { FileKind, wasiFileType } from '../vfs/inode.ts'
import { OpenDirectory } from '../vfs/open-directory.ts'
import { O } from '../vfs/open-file.ts'
import { DIRENT_BYTES, Fdflag, fdflagsOf, FDSTAT_BYTES, openFlagsOf, Right, rightsOf, SYNC_FLAGS, writeFilestat } from './abi.ts'
import { WOULD_BLOCK } from './shim.ts'
import { descriptorOf, descriptorWith, enter, isPreopen, type System, unixFd } from './system.ts'
import { newTimes } from './times.ts'
import { fdPread, fdPwrite, fdRead, fdWrite, fileOffset } from './transfer.ts'

export const fdCalls = (system: System) => ({
  fd_read: (fd: number, list: number, count: number, out: number) => fdRead(system, fd, list, count, out),
  fd_write: (fd: number, list: number, count: number, out: number) => fdWrite(system, fd, list, count, out),
  fd_pread: (fd: number, list: number, count: number, at: bigint, out: number) => fdPread(system, fd, list, count, at, out),
  fd_pwrite: (fd: number, list: number, count: number, at: bigint, out: number) => fdPwrite(system, fd, list, count, at, out),

  fd_advise(fd: number, offset: bigint, length: bigint, advice: number): number {
    const { file } = descriptorWith(enter(system), fd, Right.ADVISE)
    if (advice >>> 0 > 5 || offset < 0n || length < 0n) throw SysError.of(Errno.EINVAL)
    if (file.inode.kind === FileKind.Fifo) throw SysError.of(Errno.ESPIPE)
    return Errno.SUCCESS
  },

  /** The file is at least so long afterwards; content is given its place when it is written. */
  fd_allocate(fd: number, offset: bigint, length: bigint): number {
    const { file } = descriptorWith(enter(system), fd, Right.ALLOCATE)
    if (!file.writable) throw SysError.of(Errno.EBADF)
    if (length <= 0n) throw SysError.of(Errno.EINVAL)
    const end = fileOffset(offset) + fileOffset(length)
    if (file.inode.kind !== FileKind.File) throw SysError.of(file.inode.kind === FileKind.Fifo ? Errno.ESPIPE : Errno.ENODEV)
    if (end - file.inode.size > file.inode.fs.space().freeBytes) throw SysError.of(Errno.ENOSPC)
    if (end > file.inode.size) file.truncate(end)
    return Errno.SUCCESS
  },

  fd_close(fd: number): number {
    const process = enter(system)
    if (!isPreopen(process, fd)) {
      process.fds.close(unixFd(process, fd))
      return Errno.SUCCESS
    }
    descriptorOf(process, fd).file.unref()
    process.preopens[fd - 3] = undefined
    return Errno.SUCCESS
  },

  fd_sync: (fd: number): number => sync(system, fd, Right.SYNC),
  fd_datasync: (fd: number): number => sync(system, fd, Right.DATASYNC),

  fd_fdstat_get(fd: number, out: number): number {
    const process = enter(system)
    const descriptor = descriptorOf(process, fd)
    const { guest } = process
    const at = guest.at(out, FDSTAT_BYTES)
    guest.setU64(at, wasiFileType(descriptor.file.inode.kind))
    guest.view.setUint16(at + 2, fdflagsOf(descriptor.file), true)
    guest.setU64(at + 8, rightsOf(descriptor))
    guest.setU64(at + 16, descriptor.file.inode.kind === FileKind.Directory ? descriptor.inheriting : 0)
    return Errno.SUCCESS
  },

  fd_fdstat_set_flags(fd: number, flags: number): number {
    const { file } = descriptorWith(enter(system), fd, Right.SET_FLAGS)
    if (flags & ~(Fdflag.APPEND | Fdflag.NONBLOCK | SYNC_FLAGS)) throw SysError.of(Errno.EINVAL)
    file.flags = (file.flags & O.ACCMODE) | openFlagsOf(flags)
    return Errno.SUCCESS
  },

  fd_fdstat_set_rights(fd: number, base: bigint, inheriting: bigint): number {
    const descriptor = descriptorOf(enter(system), fd)
    const newBase = rightsFrom(base)
    const newInheriting = rightsFrom(inheriting)
    if (newBase & ~rightsOf(descriptor) || newInheriting & ~descriptor.inheriting) throw SysError.of(Errno.ENOTCAPABLE)
    descriptor.rights = newBase
    descriptor.inheriting = newInheriting
    return Errno.SUCCESS
  },

  fd_filestat_get(fd: number, out: number): number {
    const process = enter(system)
    const { file } = descriptorWith(process, fd, Right.STAT)
    writeFilestat(process.guest, out, system.vfs.statOf(file.inode))
    return Errno.SUCCESS
  },

  fd_filestat_set_size(fd: number, size: bigint): number {
    const process = enter(system)
    const { file } = descriptorWith(process, fd, Right.SET_SIZE)
    if (!file.writable) throw SysError.of(Errno.EINVAL)
    if (file.inode.kind !== FileKind.File) throw SysError.of(Errno.EINVAL)
    if (file.truncate(fileOffset(size)) === AGAIN) return system.blocking.wait(process, file.readers)
    return Errno.SUCCESS
  },

  fd_filestat_set_times(fd: number, atim: bigint, mtim: bigint, flags: number): number {
    const { file } = descriptorWith(enter(system), fd, Right.SET_TIMES)
    const { times, toNow } = newTimes(system.clock, flags, atim, mtim)
    system.vfs.setTimes(file.inode, times, toNow)
    return Errno.SUCCESS
  },

  fd_prestat_get(fd: number, out: number): number {
    const process = enter(system)
    const name = preopenName(process, fd)
    const at = process.guest.at(out, 8)
    process.guest.setU32(at, 0)
    process.guest.setU32(at + 4, name.length)
    return Errno.SUCCESS
  },

  fd_prestat_dir_name(fd: number, path: number, length: number): number {
    const process = enter(system)
    const name = preopenName(process, fd)
    if (length >>> 0 < name.length) throw SysError.of(Errno.ENAMETOOLONG)
    writeByteString(name, process.guest.u8, process.guest.at(path, name.length))
    return Errno.SUCCESS
  },

  /** Writes entries until the buffer is full, the last one cut where it must be; less than the buffer's length means the end. */
  fd_readdir(fd: number, buffer: number, length: number, cookie: bigint, out: number): number {
    const process = enter(system)
    const { guest } = process
    const { file } = descriptorWith(process, fd, Right.READDIR)
    if (!(file instanceof OpenDirectory)) throw SysError.of(Errno.ENOTDIR)
    const start = guest.at(buffer, length)
    const result = guest.at(out, 4)
    const end = start + (length >>> 0)
    const first = BigInt.asUintN(64, cookie)
    const entries = file.entries(first === 0n ? 0 : 1)
    let at = start
    for (let i = first > BigInt(entries.length) ? entries.length : Number(first); i < entries.length && at < end; i++) {
      const { name, ino, kind } = entries[i]!
      writeDirent(guest.u8, at, end, i + 1, ino, wasiFileType(kind), name)
      at = Math.min(end, at + DIRENT_BYTES + name.length)
    }
    guest.setU32(result, at - start)
    return Errno.SUCCESS
  },

  fd_renumber(from: number, to: number): number {
    const process = enter(system)
    descriptorOf(process, from)
    descriptorOf(process, to)
    if (isPreopen(process, from) || isPreopen(process, to)) throw SysError.of(Errno.ENOTSUP)
    process.fds.move(unixFd(process, from), unixFd(process, to))
    return Errno.SUCCESS
  },

  fd_seek(fd: number, offset: bigint, whence: number, out: number): number {
    const process = enter(system)
    const { file } = descriptorWith(process, fd, offset === 0n && whence === 1 ? Right.SEEK | Right.TELL : Right.SEEK)
    const result = process.guest.at(out, 8)
    if (whence >>> 0 > 2) throw SysError.of(Errno.EINVAL)
    const distance = Number(offset)
    if (!Number.isSafeInteger(distance)) throw SysError.of(Errno.EINVAL)
    process.guest.setU64(result, file.seek(distance, whence))
    return Errno.SUCCESS
  },

  fd_tell(fd: number, out: number): number {
    const process = enter(system)
    const { file } = descriptorWith(process, fd, Right.TELL)
    const result = process.guest.at(out, 8)
    process.guest.setU64(result, file.seek(0, 1))
    return Errno.SUCCESS
  },

  ...socketCalls(system),
})

/** There are no sockets: what is open is something else. */
const socketCalls = (system: System) => {
  const refuse = (fd: number): number => {
    descriptorOf(enter(system), fd)
    return Errno.ENOTSOCK
  }
  return { sock_accept: refuse, sock_recv: refuse, sock_send: refuse, sock_shutdown: refuse }
}

const rightsFrom = (rights: bigint): number => {
  if (BigInt.asUintN(64, rights) >> 29n) throw SysError.of(Errno.ENOTCAPABLE)
  return Number(rights)
}

function preopenName(process: Process, fd: number): string {
  const preopen = isPreopen(process, fd) ? process.preopens[fd - 3] : undefined
  if (!preopen) throw SysError.of(Errno.EBADF)
  return preopen.name
}

function sync(system: System, fd: number, right: number): number {
  const process = enter(system)
  if (system.blocking.mustYield(process)) return WOULD_BLOCK
  const { file } = descriptorWith(process, fd, right)
  if (file.inode.kind === FileKind.Fifo) throw SysError.of(Errno.EINVAL)
  return file.sync() === AGAIN ? system.blocking.waitUninterrupted(process, file.readers) : Errno.SUCCESS
}

const dirent = new DataView(new ArrayBuffer(DIRENT_BYTES))
const direntBytes = new Uint8Array(dirent.buffer)

function writeDirent(u8: Uint8Array, at: number, end: number, next: number, ino: number, type: number, name: string): void {
  dirent.setUint32(0, next, true)
  dirent.setUint32(8, ino, true)
  dirent.setUint32(12, Math.floor(ino / 0x1_0000_0000), true)
  dirent.setUint32(16, name.length, true)
  dirent.setUint8(20, type)
  const head = Math.min(DIRENT_BYTES, end - at)
  u8.set(head === DIRENT_BYTES ? direntBytes : direntBytes.subarray(0, head), at)
  const room = Math.min(name.length, end - at - head)
  for (let i = 0; i < room; i++) u8[at + DIRENT_BYTES + i] = name.charCodeAt(i)
}
