/** The module `tidepool` (docs/abi.md): what WASI lacks of Unix. Here the calls on files; those on processes are in extension-process.ts. */
import { Errno, SysError } from '../errno.ts'
import type { Process } from '../process/process.ts'
import { writeByteString } from '../vfs/byte-string.ts'
import { Directory, type Inode, modeType } from '../vfs/inode.ts'
import { O } from '../vfs/open-file.ts'
import { Access } from '../vfs/vfs.ts'
import { processExtension } from './extension-process.ts'
import type { GuestMemory } from './memory.ts'
import { enter, type System } from './system.ts'

const CLOSE_ON_EXEC = 1
const NO_FOLLOW = 1
const STAT_BYTES = 96
const OPEN_FLAGS = O.ACCMODE | O.CREAT | O.EXCL | O.TRUNC | O.APPEND | O.NONBLOCK | O.DIRECTORY | O.NOFOLLOW | O.CLOEXEC

export const extension = (system: System) => ({
  ...processExtension(system),

  proc_chdir(path: number, length: number): number {
    const process = enter(system)
    const inode = system.vfs.resolve(process.cwd, process.guest.string(path, length), true, false)
    if (!(inode instanceof Directory)) throw SysError.of(Errno.ENOTDIR)
    system.vfs.access(inode, Access.Execute)
    process.cwd = inode
    return Errno.SUCCESS
  },

  proc_getcwd(buffer: number, capacity: number, out: number): number {
    const process = enter(system)
    const { guest } = process
    const at = guest.at(buffer, capacity)
    const path = system.vfs.pathOf(process.cwd)
    guest.setU32(out, path.length)
    if (path.length > capacity >>> 0) throw SysError.of(Errno.ERANGE)
    writeByteString(path, guest.u8, at)
    return Errno.SUCCESS
  },

  fd_pipe(flags: number, out: number): number {
    const process = enter(system)
    const at = process.guest.at(out, 8)
    const first = process.fds.lowestFree()
    process.fds.lowestFree(first + 1)
    const [reader, writer] = system.vfs.pipe()
    const closeOnExec = (flags & CLOSE_ON_EXEC) !== 0
    process.guest.setU32(at, process.fds.add(reader, closeOnExec))
    process.guest.setU32(at + 4, process.fds.add(writer, closeOnExec))
    return Errno.SUCCESS
  },

  fd_dup(fd: number, min: number, flags: number, out: number): number {
    const process = enter(system)
    const at = process.guest.at(out, 4)
    process.guest.setU32(at, process.fds.duplicate(fd, min, (flags & CLOSE_ON_EXEC) !== 0))
    return Errno.SUCCESS
  },

  fd_dup2(from: number, to: number, flags: number): number {
    enter(system).fds.duplicateTo(from, to, (flags & CLOSE_ON_EXEC) !== 0)
    return Errno.SUCCESS
  },

  fd_setcloexec(fd: number, on: number): number {
    enter(system).fds.get(fd).closeOnExec = on !== 0
    return Errno.SUCCESS
  },

  fd_close(fd: number): number {
    enter(system).fds.close(fd)
    return Errno.SUCCESS
  },

  fd_open(path: number, length: number, flags: number, mode: number, out: number): number {
    const process = enter(system)
    const { guest } = process
    const result = guest.at(out, 4)
    if (flags & ~OPEN_FLAGS || (flags & O.ACCMODE) === O.ACCMODE) throw SysError.of(Errno.EINVAL)
    const fd = process.fds.lowestFree()
    const file = system.vfs.open(process.cwd, guest.string(path, length), flags, mode & 0o7777 & ~process.umask, false)
    process.fds.add(file, (flags & O.CLOEXEC) !== 0, fd)
    guest.setU32(result, fd)
    return Errno.SUCCESS
  },

  fd_stat(fd: number, out: number): number {
    const process = enter(system)
    writeStat(process.guest, out, system.vfs.statOf(process.fds.get(fd).file.inode))
    return Errno.SUCCESS
  },

  fd_chmod(fd: number, mode: number): number {
    system.vfs.chmod(enter(system).fds.get(fd).file.inode, mode)
    return Errno.SUCCESS
  },

  path_stat(path: number, length: number, flags: number, out: number): number {
    const process = enter(system)
    writeStat(process.guest, out, system.vfs.statOf(inodeAt(system, process, path, length, flags)))
    return Errno.SUCCESS
  },

  path_chmod(path: number, length: number, mode: number, flags: number): number {
    system.vfs.chmod(inodeAt(system, enter(system), path, length, flags), mode)
    return Errno.SUCCESS
  },

  path_chown(path: number, length: number, uid: number, gid: number, flags: number): number {
    system.vfs.chown(inodeAt(system, enter(system), path, length, flags), uid, gid)
    return Errno.SUCCESS
  },

  path_access(path: number, length: number, mode: number): number {
    if (mode >>> 0 > 7) throw SysError.of(Errno.EINVAL)
    system.vfs.access(inodeAt(system, enter(system), path, length, 0), mode)
    return Errno.SUCCESS
  },

  umask(mask: number): number {
    const process = enter(system)
    const old = process.umask
    if (mask !== -1) process.umask = mask & 0o777
    return old
  },
})

const inodeAt = (system: System, process: Process, path: number, length: number, flags: number): Inode =>
  system.vfs.resolve(process.cwd, process.guest.string(path, length), (flags & NO_FOLLOW) === 0, false)

/** The stat record of docs/abi.md. */
function writeStat(guest: GuestMemory, out: number, inode: Inode): void {
  const at = guest.at(out, STAT_BYTES)
  guest.setU64(at, inode.fs.dev)
  guest.setU64(at + 8, inode.ino)
  guest.setU32(at + 16, modeType(inode.kind) | inode.mode)
  guest.setU32(at + 20, inode.nlink)
  guest.setU32(at + 24, inode.uid)
  guest.setU32(at + 28, inode.gid)
  guest.setU64(at + 32, inode.size)
  guest.setU64(at + 40, inode.blocks)
  guest.setTimespec(at + 48, inode.atimeSec, inode.atimeNsec)
  guest.setTimespec(at + 64, inode.mtimeSec, inode.mtimeNsec)
  guest.setTimespec(at + 80, inode.ctimeSec, inode.ctimeNsec)
}
