/** WASI Preview 1's numbers and record layouts, as far as system calls use them. Source: the specification's witx; numbers by browser_wasi_shim. */
import { wasi } from '@bjorn3/browser_wasi_shim'
import { FileKind, type Inode, wasiFileType } from '../vfs/inode.ts'
import { O, type OpenFile } from '../vfs/open-file.ts'
import type { Descriptor } from '../process/fd-table.ts'
import type { GuestMemory } from './memory.ts'

export const Clockid = {
  Realtime: wasi.CLOCKID_REALTIME,
  Monotonic: wasi.CLOCKID_MONOTONIC,
  ProcessCpu: wasi.CLOCKID_PROCESS_CPUTIME_ID,
  ThreadCpu: wasi.CLOCKID_THREAD_CPUTIME_ID,
} as const

export const Right = {
  DATASYNC: wasi.RIGHTS_FD_DATASYNC,
  READ: wasi.RIGHTS_FD_READ,
  SEEK: wasi.RIGHTS_FD_SEEK,
  SET_FLAGS: wasi.RIGHTS_FD_FDSTAT_SET_FLAGS,
  SYNC: wasi.RIGHTS_FD_SYNC,
  TELL: wasi.RIGHTS_FD_TELL,
  WRITE: wasi.RIGHTS_FD_WRITE,
  ADVISE: wasi.RIGHTS_FD_ADVISE,
  ALLOCATE: wasi.RIGHTS_FD_ALLOCATE,
  CREATE_DIRECTORY: wasi.RIGHTS_PATH_CREATE_DIRECTORY,
  CREATE_FILE: wasi.RIGHTS_PATH_CREATE_FILE,
  LINK_SOURCE: wasi.RIGHTS_PATH_LINK_SOURCE,
  LINK_TARGET: wasi.RIGHTS_PATH_LINK_TARGET,
  OPEN: wasi.RIGHTS_PATH_OPEN,
  READDIR: wasi.RIGHTS_FD_READDIR,
  READLINK: wasi.RIGHTS_PATH_READLINK,
  RENAME_SOURCE: wasi.RIGHTS_PATH_RENAME_SOURCE,
  RENAME_TARGET: wasi.RIGHTS_PATH_RENAME_TARGET,
  PATH_STAT: wasi.RIGHTS_PATH_FILESTAT_GET,
  PATH_SET_SIZE: wasi.RIGHTS_PATH_FILESTAT_SET_SIZE,
  PATH_SET_TIMES: wasi.RIGHTS_PATH_FILESTAT_SET_TIMES,
  STAT: wasi.RIGHTS_FD_FILESTAT_GET,
  SET_SIZE: wasi.RIGHTS_FD_FILESTAT_SET_SIZE,
  SET_TIMES: wasi.RIGHTS_FD_FILESTAT_SET_TIMES,
  SYMLINK: wasi.RIGHTS_PATH_SYMLINK,
  REMOVE_DIRECTORY: wasi.RIGHTS_PATH_REMOVE_DIRECTORY,
  UNLINK: wasi.RIGHTS_PATH_UNLINK_FILE,
  POLL: wasi.RIGHTS_POLL_FD_READWRITE,
} as const

export const Fdflag = { APPEND: wasi.FDFLAGS_APPEND, NONBLOCK: wasi.FDFLAGS_NONBLOCK } as const
/** flags that may be given and have no effect of their own: every write here is what they ask for */
export const SYNC_FLAGS = wasi.FDFLAGS_DSYNC | wasi.FDFLAGS_RSYNC | wasi.FDFLAGS_SYNC
export const Oflag = {
  CREAT: wasi.OFLAGS_CREAT,
  DIRECTORY: wasi.OFLAGS_DIRECTORY,
  EXCL: wasi.OFLAGS_EXCL,
  TRUNC: wasi.OFLAGS_TRUNC,
} as const
export const Fstflag = {
  ATIM: wasi.FSTFLAGS_ATIM,
  ATIM_NOW: wasi.FSTFLAGS_ATIM_NOW,
  MTIM: wasi.FSTFLAGS_MTIM,
  MTIM_NOW: wasi.FSTFLAGS_MTIM_NOW,
} as const
export const SYMLINK_FOLLOW = 1
export const Eventtype = { Clock: wasi.EVENTTYPE_CLOCK, FdRead: wasi.EVENTTYPE_FD_READ, FdWrite: wasi.EVENTTYPE_FD_WRITE } as const
export const EVENT_HANGUP = wasi.EVENTRWFLAGS_FD_READWRITE_HANGUP
export const ABSTIME = wasi.SUBCLOCKFLAGS_SUBSCRIPTION_CLOCK_ABSTIME

export const FILESTAT_BYTES = 64
export const FDSTAT_BYTES = 24
export const DIRENT_BYTES = 24
export const SUBSCRIPTION_BYTES = 48
export const EVENT_BYTES = 32

/** `filestat`, 64 bytes at `at`. */
export function writeFilestat(guest: GuestMemory, pointer: number, inode: Inode): void {
  const at = guest.at(pointer, FILESTAT_BYTES)
  const { view } = guest
  view.setInt32(at, inode.fs.dev, true)
  view.setInt32(at + 4, 0, true)
  guest.setU64(at + 8, inode.ino)
  view.setInt32(at + 16, wasiFileType(inode.kind), true)
  view.setInt32(at + 20, 0, true)
  view.setInt32(at + 24, inode.nlink, true)
  view.setInt32(at + 28, 0, true)
  guest.setU64(at + 32, inode.size)
  guest.setNanoseconds(at + 40, inode.atimeSec, inode.atimeNsec)
  guest.setNanoseconds(at + 48, inode.mtimeSec, inode.mtimeNsec)
  guest.setNanoseconds(at + 56, inode.ctimeSec, inode.ctimeNsec)
}

const FILE_RIGHTS =
  Right.DATASYNC | Right.SYNC | Right.SET_FLAGS | Right.ADVISE | Right.STAT | Right.SET_TIMES | Right.POLL | Right.SEEK | Right.TELL
const READ_RIGHTS = Right.READ
const WRITE_RIGHTS = Right.WRITE | Right.ALLOCATE | Right.SET_SIZE
const DIRECTORY_RIGHTS =
  Right.CREATE_DIRECTORY |
  Right.CREATE_FILE |
  Right.LINK_SOURCE |
  Right.LINK_TARGET |
  Right.OPEN |
  Right.READDIR |
  Right.READLINK |
  Right.RENAME_SOURCE |
  Right.RENAME_TARGET |
  Right.PATH_STAT |
  Right.PATH_SET_SIZE |
  Right.PATH_SET_TIMES |
  Right.STAT |
  Right.SET_TIMES |
  Right.SYMLINK |
  Right.REMOVE_DIRECTORY |
  Right.UNLINK |
  Right.SYNC |
  Right.DATASYNC |
  Right.SET_FLAGS

/** What a descriptor can do: its kind and access mode, less what was given up. A terminal shows itself by lacking SEEK and TELL. */
export function rightsOf(descriptor: Descriptor): number {
  const { file } = descriptor
  return naturalRights(file) & descriptor.rights
}

function naturalRights(file: OpenFile): number {
  if (file.inode.kind === FileKind.Directory) return DIRECTORY_RIGHTS
  const rights = FILE_RIGHTS | (file.readable ? READ_RIGHTS : 0) | (file.writable ? WRITE_RIGHTS : 0)
  return file.inode.kind === FileKind.Fifo ? rights & ~(Right.SEEK | Right.TELL) : rights
}

/** The access mode that path_open's rights ask for. */
export function accessMode(rights: number): number {
  const write = (rights & WRITE_RIGHTS) !== 0
  const read = (rights & (Right.READ | Right.READDIR)) !== 0
  return write ? (read ? O.RDWR : O.WRONLY) : O.RDONLY
}

/** WASI's fdflags of a description. */
export const fdflagsOf = (file: OpenFile): number =>
  (file.flags & O.APPEND ? Fdflag.APPEND : 0) | (file.flags & O.NONBLOCK ? Fdflag.NONBLOCK : 0)
export const openFlagsOf = (fdflags: number): number =>
  (fdflags & Fdflag.APPEND ? O.APPEND : 0) | (fdflags & Fdflag.NONBLOCK ? O.NONBLOCK : 0)
