/** WASI Preview 1: the calls that take a directory descriptor and a path below it. The rules of the walk are the Vfs's. */
import { Errno, SysError } from '../errno.ts'
import type { Descriptor } from '../process/fd-table.ts'
import type { Process } from '../process/process.ts'
import { writeByteString } from '../vfs/byte-string.ts'
import { Directory } from '../vfs/inode.ts'
import { O } from '../vfs/open-file.ts'
import { accessMode, Fdflag, Oflag, openFlagsOf, Right, SYMLINK_FOLLOW, SYNC_FLAGS, writeFilestat } from './abi.ts'
import { descriptorWith, enter, isPreopen, type System, wasiFd } from './system.ts'
import { newTimes } from './times.ts'

/** Where a path starts. */
interface Start {
  readonly directory: Directory
  readonly confine: boolean
  readonly descriptor: Descriptor
}

function startOf(process: Process, fd: number, right: number): Start {
  const descriptor = descriptorWith(process, fd, right)
  const { inode } = descriptor.file
  if (!(inode instanceof Directory)) throw SysError.of(Errno.ENOTDIR)
  const confine = isPreopen(process, fd) ? process.preopens[fd - 3]!.confine : true
  return { directory: inode, confine, descriptor }
}

const follows = (flags: number): boolean => (flags & SYMLINK_FOLLOW) !== 0

export const pathCalls = (system: System) => ({
  path_create_directory(fd: number, path: number, length: number): number {
    const process = enter(system)
    const { directory, confine } = startOf(process, fd, Right.CREATE_DIRECTORY)
    system.vfs.mkdir(directory, process.guest.string(path, length), 0o777 & ~process.umask, confine)
    return Errno.SUCCESS
  },

  path_filestat_get(fd: number, flags: number, path: number, length: number, out: number): number {
    const process = enter(system)
    const { directory, confine } = startOf(process, fd, Right.PATH_STAT)
    const inode = system.vfs.resolve(directory, process.guest.string(path, length), follows(flags), confine)
    writeFilestat(process.guest, out, system.vfs.statOf(inode))
    return Errno.SUCCESS
  },

  path_filestat_set_times(fd: number, flags: number, path: number, length: number, atim: bigint, mtim: bigint, which: number): number {
    const process = enter(system)
    const { directory, confine } = startOf(process, fd, Right.PATH_SET_TIMES)
    const inode = system.vfs.resolve(directory, process.guest.string(path, length), follows(flags), confine)
    const { times, toNow } = newTimes(system.clock, which, atim, mtim)
    system.vfs.setTimes(inode, times, toNow)
    return Errno.SUCCESS
  },

  path_link(oldFd: number, flags: number, old: number, oldLength: number, newFd: number, path: number, length: number): number {
    const process = enter(system)
    const from = startOf(process, oldFd, Right.LINK_SOURCE)
    const to = startOf(process, newFd, Right.LINK_TARGET)
    const { guest } = process
    const oldPath = guest.string(old, oldLength)
    const confine = from.confine || to.confine
    system.vfs.link(from.directory, oldPath, to.directory, guest.string(path, length), follows(flags), confine)
    return Errno.SUCCESS
  },

  path_open(
    fd: number,
    lookup: number,
    path: number,
    length: number,
    oflags: number,
    base: bigint,
    inheriting: bigint,
    fdflags: number,
    out: number,
  ): number {
    const process = enter(system)
    const { directory, confine, descriptor } = startOf(process, fd, Right.OPEN)
    if (oflags & ~0xf || fdflags & ~(Fdflag.APPEND | Fdflag.NONBLOCK | SYNC_FLAGS)) throw SysError.of(Errno.EINVAL)
    const needed = (oflags & Oflag.CREAT ? Right.CREATE_FILE : 0) | (oflags & Oflag.TRUNC ? Right.PATH_SET_SIZE : 0)
    if (needed & ~descriptor.rights) throw SysError.of(Errno.ENOTCAPABLE)
    const { guest } = process
    const result = guest.at(out, 4)
    const flags = openFlags(lookup, oflags, Number(BigInt.asUintN(29, base))) | openFlagsOf(fdflags)
    const name = guest.string(path, length)
    const unix = process.fds.lowestFree()
    const file = system.vfs.open(directory, name, flags, 0o666 & ~process.umask, confine)
    process.fds.add(file, false, unix)
    const opened = process.fds.get(unix)
    opened.rights &= descriptor.inheriting
    opened.inheriting &= descriptor.inheriting & Number(BigInt.asUintN(29, inheriting))
    guest.setU32(result, wasiFd(process, unix))
    return Errno.SUCCESS
  },

  path_readlink(fd: number, path: number, length: number, buffer: number, capacity: number, out: number): number {
    const process = enter(system)
    const { directory, confine } = startOf(process, fd, Right.READLINK)
    const { guest } = process
    const at = guest.at(buffer, capacity)
    const result = guest.at(out, 4)
    const target = system.vfs.readlink(directory, guest.string(path, length), confine).slice(0, capacity >>> 0)
    writeByteString(target, guest.u8, at)
    guest.setU32(result, target.length)
    return Errno.SUCCESS
  },

  path_remove_directory(fd: number, path: number, length: number): number {
    const process = enter(system)
    const { directory, confine } = startOf(process, fd, Right.REMOVE_DIRECTORY)
    system.vfs.rmdir(directory, process.guest.string(path, length), confine)
    return Errno.SUCCESS
  },

  path_rename(oldFd: number, old: number, oldLength: number, newFd: number, path: number, length: number): number {
    const process = enter(system)
    const from = startOf(process, oldFd, Right.RENAME_SOURCE)
    const to = startOf(process, newFd, Right.RENAME_TARGET)
    const { guest } = process
    const oldPath = guest.string(old, oldLength)
    system.vfs.rename(from.directory, oldPath, to.directory, guest.string(path, length), from.confine || to.confine)
    return Errno.SUCCESS
  },

  path_symlink(target: number, targetLength: number, fd: number, path: number, length: number): number {
    const process = enter(system)
    const { directory, confine } = startOf(process, fd, Right.SYMLINK)
    const { guest } = process
    const text = guest.string(target, targetLength)
    if (confine && text.startsWith('/')) throw SysError.of(Errno.ENOTCAPABLE)
    system.vfs.symlink(text, directory, guest.string(path, length), confine)
    return Errno.SUCCESS
  },

  path_unlink_file(fd: number, path: number, length: number): number {
    const process = enter(system)
    const { directory, confine } = startOf(process, fd, Right.UNLINK)
    system.vfs.unlink(directory, process.guest.string(path, length), confine)
    return Errno.SUCCESS
  },
})

function openFlags(lookup: number, oflags: number, rights: number): number {
  return (
    (oflags & Oflag.DIRECTORY ? O.RDONLY : accessMode(rights)) |
    (oflags & Oflag.CREAT ? O.CREAT : 0) |
    (oflags & Oflag.EXCL ? O.EXCL : 0) |
    (oflags & Oflag.TRUNC ? O.TRUNC : 0) |
    (oflags & Oflag.DIRECTORY ? O.DIRECTORY : 0) |
    (follows(lookup) ? 0 : O.NOFOLLOW)
  )
}
