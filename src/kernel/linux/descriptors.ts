/** Linux's calls on descriptors that WASI has no equal of. Descriptors are Unix numbers. */
import { AGAIN, Errno, SysError } from '../errno.ts'
import { PipeInode } from '../io/pipe.ts'
import { writeByteString } from '../vfs/byte-string.ts'
import { FileKind } from '../vfs/inode.ts'
import { OpenDirectory } from '../vfs/open-directory.ts'
import { O } from '../vfs/open-file.ts'
import { WOULD_BLOCK } from '../wasi/shim.ts'
import { enter, type System } from '../wasi/system.ts'
import { F_UNLCK, Fcntl, FD_CLOEXEC, Ioctl, writeStat, writeStatfs } from './abi.ts'
import { sizeOf } from './paths.ts'

const DIRENT_BYTES = 19
/** DT_…, by kind */
const ENTRY_TYPE = [0, 8, 4, 10, 2, 1]

export const descriptorCalls = (system: System) => ({
  fcntl64(fd: number, command: number, varargs: number): number {
    const process = enter(system)
    const { guest, fds } = process
    const descriptor = fds.get(fd)
    const argument = (): number => guest.view.getInt32(guest.at(varargs, 4), true)
    switch (command) {
      case Fcntl.DUPFD:
      case Fcntl.DUPFD_CLOEXEC:
        return fds.duplicate(fd, argument(), command === Fcntl.DUPFD_CLOEXEC)
      case Fcntl.GETFD:
        return descriptor.closeOnExec ? FD_CLOEXEC : 0
      case Fcntl.SETFD:
        descriptor.closeOnExec = (argument() & FD_CLOEXEC) !== 0
        return 0
      case Fcntl.GETFL:
        return descriptor.file.flags
      case Fcntl.SETFL: {
        const changeable = O.APPEND | O.NONBLOCK
        descriptor.file.flags = (descriptor.file.flags & ~changeable) | (argument() & changeable)
        return 0
      }
      case Fcntl.GETLK:
        guest.view.setInt16(guest.at(argument(), 2), F_UNLCK, true)
        return 0
      case Fcntl.SETLK:
      case Fcntl.SETLKW:
        return 0
    }
    throw SysError.of(Errno.EINVAL)
  },

  ioctl(fd: number, request: number, varargs: number): number {
    const process = enter(system)
    const { guest } = process
    const descriptor = process.fds.get(fd)
    const argument = (): number => guest.view.getInt32(guest.at(varargs, 4), true)
    switch (request) {
      case Ioctl.FIOCLEX:
      case Ioctl.FIONCLEX:
        descriptor.closeOnExec = request === Ioctl.FIOCLEX
        return 0
      case Ioctl.FIONBIO: {
        const on = guest.view.getInt32(guest.at(argument(), 4), true) !== 0
        descriptor.file.flags = (descriptor.file.flags & ~O.NONBLOCK) | (on ? O.NONBLOCK : 0)
        return 0
      }
      case Ioctl.FIONREAD: {
        const { inode, offset } = descriptor.file
        guest.setU32(argument(), inode instanceof PipeInode ? inode.pipe.length : Math.max(0, inode.size - offset))
        return 0
      }
    }
    throw SysError.of(Errno.ENOTTY)
  },

  dup(fd: number): number {
    return enter(system).fds.duplicate(fd, 0, false)
  },

  dup3(from: number, to: number, flags: number): number {
    const { fds } = enter(system)
    if (from === to || flags & ~O.CLOEXEC) throw SysError.of(Errno.EINVAL)
    fds.duplicateTo(from, to, flags !== 0)
    return to
  },

  /** Both ends are closed on exec: Emscripten's pipe2(3) comes here without the flag that CPython always gives it. */
  pipe(out: number): number {
    const process = enter(system)
    const at = process.guest.at(out, 8)
    process.fds.lowestFree(process.fds.lowestFree() + 1)
    const [reader, writer] = system.vfs.pipe()
    process.guest.setU32(at, process.fds.add(reader, true))
    process.guest.setU32(at + 4, process.fds.add(writer, true))
    return 0
  },

  fdatasync(fd: number): number {
    const process = enter(system)
    if (system.blocking.mustYield(process)) return WOULD_BLOCK
    const { file } = process.fds.get(fd)
    if (file.inode.kind === FileKind.Fifo) throw SysError.of(Errno.EINVAL)
    return file.sync() === AGAIN ? system.blocking.waitUninterrupted(process, file.readers) : 0
  },

  fchmod(fd: number, mode: number): number {
    system.vfs.chmod(enter(system).fds.get(fd).file.inode, mode)
    return 0
  },

  fchown32(fd: number, uid: number, gid: number): number {
    system.vfs.chown(enter(system).fds.get(fd).file.inode, uid, gid)
    return 0
  },

  fstat64(fd: number, out: number): number {
    const process = enter(system)
    writeStat(process.guest, out, system.vfs.statOf(process.fds.get(fd).file.inode))
    return 0
  },

  fstatfs64(fd: number, _size: number, out: number): number {
    const process = enter(system)
    writeStatfs(process.guest, out, process.fds.get(fd).file.inode, system.limits.nameBytes)
    return 0
  },

  ftruncate64(fd: number, length: bigint): number {
    const process = enter(system)
    const { file } = process.fds.get(fd)
    if (!file.writable || file.inode.kind !== FileKind.File) throw SysError.of(Errno.EINVAL)
    return file.truncate(sizeOf(length)) === AGAIN ? system.blocking.waitUninterrupted(process, file.readers) : 0
  },

  fadvise64(fd: number): number {
    enter(system).fds.get(fd)
    return 0
  },

  fallocate(fd: number, mode: number, offset: bigint, length: bigint): number {
    const { file } = enter(system).fds.get(fd)
    if (!file.writable) throw SysError.of(Errno.EBADF)
    if (mode !== 0) throw SysError.of(Errno.ENOTSUP)
    if (length <= 0n) throw SysError.of(Errno.EINVAL)
    const end = sizeOf(offset) + sizeOf(length)
    if (file.inode.kind !== FileKind.File) throw SysError.of(file.inode.kind === FileKind.Fifo ? Errno.ESPIPE : Errno.ENODEV)
    if (!Number.isSafeInteger(end)) throw SysError.of(Errno.EFBIG)
    if (end - file.inode.size > file.inode.fs.space().freeBytes) throw SysError.of(Errno.ENOSPC)
    if (end > file.inode.size) file.truncate(end)
    return 0
  },

  /** Records of struct dirent64, as many as fit; the position is the index of the next entry. */
  getdents64(fd: number, buffer: number, length: number): number {
    const process = enter(system)
    const { guest } = process
    const { file } = process.fds.get(fd)
    if (!(file instanceof OpenDirectory)) throw SysError.of(Errno.ENOTDIR)
    const start = guest.at(buffer, length)
    const end = start + (length >>> 0)
    const entries = file.entries(file.offset)
    let at = start
    while (file.offset < entries.length) {
      const { name, ino, kind } = entries[file.offset]!
      const size = (DIRENT_BYTES + name.length + 8) & ~7
      if (at + size > end) break
      guest.setU64(at, ino)
      guest.setU64(at + 8, file.offset + 1)
      guest.view.setUint16(at + 16, size, true)
      guest.u8[at + 18] = ENTRY_TYPE[kind] ?? 0
      writeByteString(name, guest.u8, at + DIRENT_BYTES)
      guest.u8[at + DIRENT_BYTES + name.length] = 0
      at += size
      file.offset++
    }
    if (at === start && file.offset < entries.length) throw SysError.of(Errno.EINVAL)
    return at - start
  },

  umask(mask: number): number {
    const process = enter(system)
    const old = process.umask
    process.umask = mask & 0o777
    return old
  },

  getuid32: (): number => 1000,
})
