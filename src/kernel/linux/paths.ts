/** Linux's calls on paths: each takes what Emscripten's libc passes, with NUL-terminated names. */
import { Errno, SysError } from '../errno.ts'
import type { Process } from '../process/process.ts'
import { writeByteString, type ByteString } from '../vfs/byte-string.ts'
import { Directory, type Inode, type NewTimes } from '../vfs/inode.ts'
import { Access } from '../vfs/vfs.ts'
import { O } from '../vfs/open-file.ts'
import { AGAIN } from '../errno.ts'
import { enter, type System } from '../wasi/system.ts'
import { timeNow } from '../wasi/times.ts'
import { At, AT_FDCWD, openFlags, S_IFMT, S_IFREG, UTIME_NOW, UTIME_OMIT, writeStat, writeStatfs } from './abi.ts'

/** What a journal holds. */
const MOST_SECONDS = Number.MAX_SAFE_INTEGER

export const pathCalls = (system: System) => ({
  openat(dirfd: number, path: number, flags: number, varargs: number): number {
    const process = enter(system)
    const { guest } = process
    const mode = flags & O.CREAT ? guest.view.getUint32(guest.at(varargs, 4), true) : 0
    const fd = process.fds.lowestFree()
    const name = guest.text(path)
    const file = system.vfs.open(startOf(process, dirfd, name), name, openFlags(flags), mode & 0o7777 & ~process.umask, false)
    return process.fds.add(file, (flags & O.CLOEXEC) !== 0, fd)
  },

  faccessat(dirfd: number, path: number, mode: number, flags: number): number {
    const process = enter(system)
    if (mode & ~7) throw SysError.of(Errno.EINVAL)
    system.vfs.access(inodeAt(system, process, dirfd, path, flags, At.EACCESS), mode)
    return 0
  },

  chdir(path: number): number {
    const process = enter(system)
    return enterDirectory(system, process, system.vfs.resolve(process.cwd, process.guest.text(path), true, false))
  },

  fchdir(fd: number): number {
    const process = enter(system)
    return enterDirectory(system, process, process.fds.get(fd).file.inode)
  },

  getcwd(buffer: number, size: number): number {
    const process = enter(system)
    if (size === 0) throw SysError.of(Errno.EINVAL)
    const path = `${system.vfs.pathOf(process.cwd)}\0`
    if (path.length > size >>> 0) throw SysError.of(Errno.ERANGE)
    writeByteString(path, process.guest.u8, process.guest.at(buffer, path.length))
    return path.length
  },

  chmod: (path: number, mode: number): number => changeMode(system, AT_FDCWD, path, mode, 0),
  fchmodat2: (dirfd: number, path: number, mode: number, flags: number): number => changeMode(system, dirfd, path, mode, flags),

  fchownat(dirfd: number, path: number, uid: number, gid: number, flags: number): number {
    system.vfs.chown(inodeAt(system, enter(system), dirfd, path, flags), uid, gid)
    return 0
  },

  stat64: (path: number, out: number): number => stat(system, AT_FDCWD, path, out, 0),
  lstat64: (path: number, out: number): number => stat(system, AT_FDCWD, path, out, At.SYMLINK_NOFOLLOW),
  newfstatat: (dirfd: number, path: number, out: number, flags: number): number => stat(system, dirfd, path, out, flags),

  statfs64(path: number, _size: number, out: number): number {
    const process = enter(system)
    writeStatfs(process.guest, out, inodeAt(system, process, AT_FDCWD, path, 0), system.limits.nameBytes)
    return 0
  },

  truncate64(path: number, length: bigint): number {
    const process = enter(system)
    const inode = inodeAt(system, process, AT_FDCWD, path, 0)
    const size = sizeOf(length)
    if (system.vfs.truncate(inode, size) !== AGAIN) return 0
    // Content that the cut goes through is on its way, and a description of the file knows who wakes when it is there.
    const file = inode.open(O.RDONLY)
    const answer = system.blocking.waitUninterrupted(process, file.readers)
    file.unref()
    return answer
  },

  mkdirat(dirfd: number, path: number, mode: number): number {
    const process = enter(system)
    const name = process.guest.text(path)
    system.vfs.mkdir(startOf(process, dirfd, name), name, mode & 0o7777 & ~process.umask, false)
    return 0
  },

  mknodat(dirfd: number, path: number, mode: number, _device: number): number {
    const process = enter(system)
    const type = mode & S_IFMT
    if (type !== 0 && type !== S_IFREG) throw SysError.of(Errno.EPERM)
    const name = process.guest.text(path)
    const flags = O.CREAT | O.EXCL | O.WRONLY
    system.vfs.open(startOf(process, dirfd, name), name, flags, mode & 0o7777 & ~process.umask, false).unref()
    return 0
  },

  linkat(oldFd: number, old: number, newFd: number, path: number, flags: number): number {
    const process = enter(system)
    if (flags & ~At.SYMLINK_FOLLOW) throw SysError.of(Errno.EINVAL)
    const from = process.guest.text(old)
    const to = process.guest.text(path)
    system.vfs.link(startOf(process, oldFd, from), from, startOf(process, newFd, to), to, flags !== 0, false)
    return 0
  },

  symlinkat(target: number, dirfd: number, path: number): number {
    const process = enter(system)
    const name = process.guest.text(path)
    system.vfs.symlink(process.guest.text(target), startOf(process, dirfd, name), name, false)
    return 0
  },

  readlinkat(dirfd: number, path: number, buffer: number, capacity: number): number {
    const process = enter(system)
    const { guest } = process
    if (capacity <= 0) throw SysError.of(Errno.EINVAL)
    const at = guest.at(buffer, capacity)
    const name = guest.text(path)
    const target = system.vfs.readlink(startOf(process, dirfd, name), name, false).slice(0, capacity)
    writeByteString(target, guest.u8, at)
    return target.length
  },

  unlinkat(dirfd: number, path: number, flags: number): number {
    const process = enter(system)
    if (flags & ~At.REMOVEDIR) throw SysError.of(Errno.EINVAL)
    const name = process.guest.text(path)
    const directory = startOf(process, dirfd, name)
    if (flags & At.REMOVEDIR) system.vfs.rmdir(directory, name, false)
    else system.vfs.unlink(directory, name, false)
    return 0
  },

  rmdir(path: number): number {
    const process = enter(system)
    system.vfs.rmdir(process.cwd, process.guest.text(path), false)
    return 0
  },

  renameat(oldFd: number, old: number, newFd: number, path: number): number {
    const process = enter(system)
    const from = process.guest.text(old)
    const to = process.guest.text(path)
    system.vfs.rename(startOf(process, oldFd, from), from, startOf(process, newFd, to), to, false)
    return 0
  },

  /** `times` null: both are set to now; `path` null: of the descriptor itself. */
  utimensat(dirfd: number, path: number, times: number, flags: number): number {
    const process = enter(system)
    const inode = path === 0 ? process.fds.get(dirfd).file.inode : inodeAt(system, process, dirfd, path, flags)
    const atime = timeAt(system, process, times, 0)
    const mtime = timeAt(system, process, times, 16)
    const news: NewTimes = { ...(atime ? { atime } : {}), ...(mtime ? { mtime } : {}) }
    system.vfs.setTimes(inode, news, times === 0)
    return 0
  },
})

/** The directory that a path starts at. An absolute one ignores the descriptor, even one that is closed. */
function startOf(process: Process, dirfd: number, name: ByteString): Directory {
  if (dirfd === AT_FDCWD || name.startsWith('/')) return process.cwd
  const { inode } = process.fds.get(dirfd).file
  if (!(inode instanceof Directory)) throw SysError.of(Errno.ENOTDIR)
  return inode
}

/** `more`: what the call takes besides the flags that all of them take. */
function inodeAt(system: System, process: Process, dirfd: number, path: number, flags: number, more = 0): Inode {
  if (flags & ~(At.SYMLINK_NOFOLLOW | At.EMPTY_PATH | At.NO_AUTOMOUNT | more)) throw SysError.of(Errno.EINVAL)
  const name = process.guest.text(path)
  if (name === '' && flags & At.EMPTY_PATH) return dirfd === AT_FDCWD ? process.cwd : process.fds.get(dirfd).file.inode
  return system.vfs.resolve(startOf(process, dirfd, name), name, (flags & At.SYMLINK_NOFOLLOW) === 0, false)
}

function stat(system: System, dirfd: number, path: number, out: number, flags: number): number {
  const process = enter(system)
  writeStat(process.guest, out, system.vfs.statOf(inodeAt(system, process, dirfd, path, flags)))
  return 0
}

function changeMode(system: System, dirfd: number, path: number, mode: number, flags: number): number {
  system.vfs.chmod(inodeAt(system, enter(system), dirfd, path, flags), mode)
  return 0
}

function enterDirectory(system: System, process: Process, inode: Inode): number {
  if (!(inode instanceof Directory)) throw SysError.of(Errno.ENOTDIR)
  system.vfs.access(inode, Access.Execute)
  process.cwd = inode
  return 0
}

function timeAt(system: System, process: Process, times: number, offset: number): { sec: number; nsec: number } | undefined {
  if (times === 0) return timeNow(system.clock)
  const { guest } = process
  const at = guest.at(times, 32) + offset
  const nsec = guest.view.getUint32(at + 8, true)
  if (nsec === UTIME_OMIT) return undefined
  if (nsec === UTIME_NOW) return timeNow(system.clock)
  if (nsec >= 1e9) throw SysError.of(Errno.EINVAL)
  return { sec: Math.max(-MOST_SECONDS, Math.min(MOST_SECONDS, Number(guest.view.getBigInt64(at, true)))), nsec }
}

/** A length of 64 bits. */
export function sizeOf(length: bigint): number {
  const size = Number(length)
  if (size < 0 || !Number.isSafeInteger(size)) throw SysError.of(Errno.EINVAL)
  return size
}
