/**
 * Inodes and the operations of a file system on them, analogous to Linux's struct inode, inode_operations and super_block.
 * Attributes are flat numbers so that a stat allocates nothing. Permissions are checked by the Vfs, never here.
 */
import { Errno, SysError } from '../errno.ts'
import type { ByteString } from './byte-string.ts'
import type { OpenFile } from './open-file.ts'

/** What an inode is; `FILE_KIND` gives the two numberings that guests see. */
export const FileKind = { File: 1, Directory: 2, Symlink: 3, CharDevice: 4, Fifo: 5 } as const
export type FileKind = (typeof FileKind)[keyof typeof FileKind]

/** The type bits of stat(2), by kind. */
export const modeType = (kind: FileKind): number => MODE_TYPE[kind]!
/** WASI's `filetype`, by kind; a fifo is UNKNOWN there. */
export const wasiFileType = (kind: FileKind): number => WASI_TYPE[kind]!
const MODE_TYPE = [0, 0o100000, 0o040000, 0o120000, 0o020000, 0o010000]
const WASI_TYPE = [0, 4, 3, 7, 2, 0]

export abstract class Inode {
  readonly fs: FileSystem
  readonly ino: number
  readonly kind: FileKind
  /** permission bits, 0o0000 … 0o7777 */
  mode: number
  uid = 0
  gid = 0
  nlink = 1
  /** bytes */
  size = 0
  /** device number of a device, as st_rdev */
  rdev = 0
  atimeSec = 0
  atimeNsec = 0
  mtimeSec = 0
  mtimeNsec = 0
  ctimeSec = 0
  ctimeNsec = 0
  /** One of the names that lead here: for a directory its only one, for a file the latest. Undefined at a root that is not mounted. */
  parent: Directory | undefined = undefined
  name: ByteString = ''

  // Kept by journal.ts and change-log.ts for file systems that are journalled.
  /** its attributes wait for the next journal message */
  touched = false
  /** some journal message or the boot metadata has named it */
  stored = false
  /** lies below /tmp/.out: in no commit */
  volatile = false
  /** the call that changed it last */
  changedBy: string | undefined = undefined

  constructor(fs: FileSystem, ino: number, kind: FileKind, mode: number) {
    this.fs = fs
    this.ino = ino
    this.kind = kind
    this.mode = mode
  }

  /** A new description; `flags` have been checked against the permissions. Never creates or truncates. */
  abstract open(flags: number): OpenFile

  /** Brings attributes up to date that are kept lazily; the Vfs calls it before a stat. */
  refresh(): void {}

  /** blocks of 512 bytes, as st_blocks */
  get blocks(): number {
    return Math.ceil(this.size / 512)
  }

  setTime(sec: number, nsec: number): void {
    this.atimeSec = this.mtimeSec = this.ctimeSec = sec
    this.atimeNsec = this.mtimeNsec = this.ctimeNsec = nsec
  }
}

export interface DirEntry {
  readonly name: ByteString
  readonly ino: number
  readonly kind: FileKind
}

export abstract class Directory extends Inode {
  /** The root of the file system that is mounted here, which then is seen instead. */
  mounted: Directory | undefined = undefined

  constructor(fs: FileSystem, ino: number, mode: number) {
    super(fs, ino, FileKind.Directory, mode)
    this.nlink = 2
  }

  abstract lookup(name: ByteString): Inode | undefined
  /** All names but `.` and `..`, as of now; the array is the caller's. */
  abstract list(): DirEntry[]
  get isEmpty(): boolean {
    return this.list().length === 0
  }
}

export abstract class Symlink extends Inode {
  constructor(fs: FileSystem, ino: number) {
    super(fs, ino, FileKind.Symlink, 0o777)
  }

  /** Throws SysError where the link cannot be read. */
  abstract readTarget(): ByteString
  /** A magic link of proc(5) leads straight to an inode, whatever its text says; other links answer undefined. */
  jump(): Inode | undefined {
    return undefined
  }
  /** A magic link to a descriptor gives that very description, with a reference for the caller. */
  description(): OpenFile | undefined {
    return undefined
  }
  override open(_flags: number): OpenFile {
    throw SysError.of(Errno.ELOOP)
  }
}

/** Times to set; `undefined` keeps. */
export interface NewTimes {
  readonly atime?: { readonly sec: number; readonly nsec: number }
  readonly mtime?: { readonly sec: number; readonly nsec: number }
}

/** Who calls is the Vfs, which has checked names, kinds and permissions; what is left here is the change itself and the quota. */
export abstract class FileSystem {
  /** st_dev */
  abstract readonly dev: number
  /** as in /proc/mounts */
  abstract readonly type: string
  abstract readonly root: Directory
  /** When it is true the Vfs answers EROFS to every change. */
  readOnly = true

  create(_dir: Directory, _name: ByteString, _mode: number): Inode {
    throw SysError.of(Errno.EROFS)
  }
  mkdir(_dir: Directory, _name: ByteString, _mode: number): Directory {
    throw SysError.of(Errno.EROFS)
  }
  symlink(_dir: Directory, _name: ByteString, _target: ByteString): Symlink {
    throw SysError.of(Errno.EROFS)
  }
  link(_dir: Directory, _name: ByteString, _inode: Inode): void {
    throw SysError.of(Errno.EROFS)
  }
  /** Takes the name away; the inode goes with its last name and its last description. `inode` may be an empty directory. */
  unlink(_dir: Directory, _name: ByteString, _inode: Inode): void {
    throw SysError.of(Errno.EROFS)
  }
  rename(_from: Directory, _oldName: ByteString, _to: Directory, _newName: ByteString, _moved: Inode, _replaced: Inode | undefined): void {
    throw SysError.of(Errno.EROFS)
  }
  setMode(_inode: Inode, _mode: number): void {
    throw SysError.of(Errno.EROFS)
  }
  setOwner(_inode: Inode, _uid: number, _gid: number): void {
    throw SysError.of(Errno.EROFS)
  }
  setTimes(_inode: Inode, _times: NewTimes): void {
    throw SysError.of(Errno.EROFS)
  }
  /** 0, or AGAIN until the content that the cut goes through is there. */
  truncate(_inode: Inode, _size: number): number {
    throw SysError.of(Errno.EROFS)
  }
  /** bytes and inodes, for statfs */
  space(): { readonly bytes: number; readonly freeBytes: number; readonly inodes: number; readonly freeInodes: number } {
    return { bytes: 0, freeBytes: 0, inodes: 0, freeInodes: 0 }
  }
}
