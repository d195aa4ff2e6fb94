/** Numbers and records of Linux's system calls as Emscripten's libc (musl, wasm32) lays them out. Error numbers are WASI's. */
import { Errno, SysError } from '../errno.ts'
import { modeType, type Inode } from '../vfs/inode.ts'
import { O } from '../vfs/open-file.ts'
import type { GuestMemory } from '../wasi/memory.ts'

export const AT_FDCWD = -100
export const At = {
  SYMLINK_NOFOLLOW: 0x100,
  REMOVEDIR: 0x200,
  SYMLINK_FOLLOW: 0x400,
  EACCESS: 0x200,
  NO_AUTOMOUNT: 0x800,
  EMPTY_PATH: 0x1000,
} as const
/** fcntl(2) */
export const Fcntl = { DUPFD: 0, GETFD: 1, SETFD: 2, GETFL: 3, SETFL: 4, GETLK: 12, SETLK: 13, SETLKW: 14, DUPFD_CLOEXEC: 1030 } as const
export const FD_CLOEXEC = 1
export const F_UNLCK = 2
/** ioctl(2) */
export const Ioctl = { FIOCLEX: 0x5451, FIONCLEX: 0x5450, FIONBIO: 0x5421, FIONREAD: 0x541b } as const
export const UTIME_NOW = 0x3fffffff
export const UTIME_OMIT = 0x3ffffffe
export const S_IFMT = 0o170000
export const S_IFREG = 0o100000
export const Map = { SHARED: 1, WRITE: 2 } as const
export const POLLNVAL = 0x20
export const POLLFD_BYTES = 8

const STAT_BYTES = 96
const STATFS_BYTES = 72
const BLOCK = 4096
/** Flags that ask for nothing the kernel does not do anyway: NOCTTY, DSYNC, SYNC, LARGEFILE, NOATIME, ASYNC. */
const WITHOUT_EFFECT = 0x100 | 0x1000 | 0x100000 | 0x8000 | 0x40000 | 0x2000
const KNOWN = O.ACCMODE | O.CREAT | O.EXCL | O.TRUNC | O.APPEND | O.NONBLOCK | O.DIRECTORY | O.NOFOLLOW | O.CLOEXEC
const PATH = 0x200000
const TMPFILE = 0x400000

/** open(2) flags as the Vfs takes them. O_TMPFILE is refused as by a file system that has none; O_PATH opens to read. */
export function openFlags(flags: number): number {
  if (flags & TMPFILE) throw SysError.of(Errno.ENOTSUP)
  const known = flags & ~(WITHOUT_EFFECT | PATH)
  if (known & ~KNOWN || (known & O.ACCMODE) === O.ACCMODE) throw SysError.of(Errno.EINVAL)
  return known
}

/** struct stat */
export function writeStat(guest: GuestMemory, out: number, inode: Inode): void {
  const at = guest.at(out, STAT_BYTES)
  guest.setU32(at, inode.fs.dev)
  guest.setU32(at + 4, modeType(inode.kind) | inode.mode)
  guest.setU32(at + 8, inode.nlink)
  guest.setU32(at + 12, inode.uid)
  guest.setU32(at + 16, inode.gid)
  guest.setU32(at + 20, inode.rdev)
  guest.setU64(at + 24, inode.size)
  guest.setU32(at + 32, BLOCK)
  guest.setU32(at + 36, inode.blocks)
  guest.setTimespec(at + 40, inode.atimeSec, inode.atimeNsec)
  guest.setTimespec(at + 56, inode.mtimeSec, inode.mtimeNsec)
  guest.setTimespec(at + 72, inode.ctimeSec, inode.ctimeNsec)
  guest.setU64(at + 88, inode.ino)
}

/** struct statfs64 */
export function writeStatfs(guest: GuestMemory, out: number, inode: Inode, nameBytes: number): void {
  const at = guest.at(out, STATFS_BYTES)
  const { bytes, freeBytes, inodes, freeInodes } = inode.fs.space()
  guest.u8.fill(0, at, at + STATFS_BYTES)
  guest.setU32(at + 4, BLOCK)
  guest.setU64(at + 8, Math.floor(bytes / BLOCK))
  guest.setU64(at + 16, Math.floor(freeBytes / BLOCK))
  guest.setU64(at + 24, Math.floor(freeBytes / BLOCK))
  guest.setU64(at + 32, inodes)
  guest.setU64(at + 40, freeInodes)
  guest.setU32(at + 56, nameBytes)
  guest.setU32(at + 60, BLOCK)
  guest.setU32(at + 64, inode.fs.readOnly ? 1 : 0)
}
