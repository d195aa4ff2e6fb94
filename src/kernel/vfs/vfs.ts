/**
 * The virtual file system: path_resolution(7), permissions and the rules of the file calls, over any mounted FileSystem.
 * Paths are resolved component by component from a start directory; with `confine` (the WASI rule for a directory descriptor)
 * an absolute path and a `..` above the start are ENOTCAPABLE. Who calls is uid 1000; what uid 0 owns is the system's.
 */
import type { Limits } from '../../protocol/limits.ts'
import type { Clock } from '../clock.ts'
import { Errno, SysError } from '../errno.ts'
import { PipeInode, PipeReader, PipeWriter } from '../io/pipe.ts'
import type { ByteString } from './byte-string.ts'
import { Directory, FileKind, FileSystem, type Inode, type NewTimes, Symlink } from './inode.ts'
import { O, type OpenFile } from './open-file.ts'

export const Access = { Execute: 1, Write: 2, Read: 4 } as const

/** What to do with a symlink in the last component. `Parent`: never follow, also not before a trailing slash. */
const Last = { Follow: 0, NoFollow: 1, Parent: 2 } as const
type Last = (typeof Last)[keyof typeof Last]

const SLASH = 47
const WANT = [Access.Read, Access.Write, Access.Read | Access.Write, 0]

/** Whether uid 1000 may do `want` (bits of Access) with the inode. */
export function allowed(inode: Inode, want: number): boolean {
  const bits = inode.uid !== 0 ? inode.mode >> 6 : inode.gid !== 0 ? inode.mode >> 3 : inode.mode
  return (bits & want) === want
}

/** Holds the pipes' inodes; it is mounted nowhere. */
class PipeFs extends FileSystem {
  override readonly dev = 15
  override readonly type = 'pipefs'
  override get root(): Directory {
    throw SysError.of(Errno.ENOENT)
  }
  nextIno = 1
}

export class Vfs {
  readonly root: Directory
  readonly #clock: Clock
  readonly #nameBytes: number
  readonly #pathBytes: number
  readonly #symlinks: number
  readonly #pipeBytes: number
  readonly #pipes = new PipeFs()
  readonly #mounts: { readonly path: ByteString; readonly fs: FileSystem }[] = []

  // What the latest walk found besides its result.
  #dir: Directory
  #name: ByteString = ''
  #slash = false
  #magic: Symlink | undefined = undefined

  constructor(root: FileSystem, limits: Limits, clock: Clock) {
    this.root = root.root
    this.#dir = root.root
    this.#clock = clock
    this.#nameBytes = limits.nameBytes
    this.#pathBytes = limits.pathBytes - 1
    this.#symlinks = limits.symlinks
    this.#pipeBytes = limits.pipeBytes
    this.#mounts.push({ path: '/', fs: root })
  }

  get mounts(): readonly { readonly path: ByteString; readonly fs: FileSystem }[] {
    return this.#mounts
  }

  /** Covers the directory at `path` with the file system's root. */
  mount(path: ByteString, fs: FileSystem): void {
    const covered = this.resolve(this.root, path, true, false)
    if (!(covered instanceof Directory)) throw SysError.of(Errno.ENOTDIR)
    if (covered === this.root || covered.fs.root === covered) throw SysError.of(Errno.EBUSY)
    covered.mounted = fs.root
    fs.root.parent = covered.parent
    fs.root.name = covered.name
    this.#mounts.push({ path, fs })
  }

  /** The inode that a path names; ENOENT when there is none. */
  resolve(at: Directory, path: ByteString, follow: boolean, confine: boolean): Inode {
    const inode = this.#walk(at, path, follow ? Last.Follow : Last.NoFollow, confine)
    if (!inode) throw SysError.of(Errno.ENOENT)
    return inode
  }

  /** open(2); `mode` has been cut by the umask. The description has one reference, the caller's. */
  open(at: Directory, path: ByteString, flags: number, mode: number, confine: boolean): OpenFile {
    const create = (flags & O.CREAT) !== 0
    const exclusive = create && (flags & O.EXCL) !== 0
    if (create && flags & O.DIRECTORY) throw SysError.of(Errno.EINVAL)
    const inode = this.#walk(at, path, exclusive ? Last.Parent : flags & O.NOFOLLOW ? Last.NoFollow : Last.Follow, confine)
    if (!inode) {
      if (!create) throw SysError.of(Errno.ENOENT)
      if (this.#slash) throw SysError.of(Errno.EISDIR)
      this.#mayChange(this.#dir)
      return this.#dir.fs.create(this.#dir, this.#name, mode & 0o7777).open(flags)
    }
    if (exclusive) throw SysError.of(Errno.EEXIST)
    const description = this.#magic?.description()
    if (description) return description
    let want = WANT[flags & O.ACCMODE]!
    if (flags & O.TRUNC) want |= Access.Write
    if (inode.kind === FileKind.Directory) {
      if (create || want !== Access.Read) throw SysError.of(Errno.EISDIR)
    } else {
      if (flags & O.DIRECTORY) throw SysError.of(Errno.ENOTDIR)
      if (inode.kind === FileKind.Symlink) throw SysError.of(Errno.ELOOP)
      if (want & Access.Write && inode.fs.readOnly && inode.kind === FileKind.File) throw SysError.of(Errno.EROFS)
    }
    if (!allowed(inode, want)) throw SysError.of(Errno.EACCES)
    const file = inode.open(flags)
    if (flags & O.TRUNC && inode.kind === FileKind.File) inode.fs.truncate(inode, 0)
    return file
  }

  mkdir(at: Directory, path: ByteString, mode: number, confine: boolean): void {
    if (this.#walk(at, path, Last.Parent, confine)) throw SysError.of(Errno.EEXIST)
    this.#mayChange(this.#dir)
    this.#dir.fs.mkdir(this.#dir, this.#name, mode & 0o7777)
  }

  unlink(at: Directory, path: ByteString, confine: boolean): void {
    const inode = this.#walk(at, path, Last.Parent, confine)
    if (!inode) throw SysError.of(Errno.ENOENT)
    if (inode.kind === FileKind.Directory) throw SysError.of(Errno.EISDIR)
    if (this.#slash) throw SysError.of(Errno.ENOTDIR)
    this.#mayRemove(this.#dir, inode)
    this.#dir.fs.unlink(this.#dir, this.#name, inode)
  }

  rmdir(at: Directory, path: ByteString, confine: boolean): void {
    const inode = this.#walk(at, path, Last.Parent, confine)
    if (!inode) throw SysError.of(Errno.ENOENT)
    if (this.#name === '.') throw SysError.of(Errno.EINVAL)
    if (this.#name === '..') throw SysError.of(Errno.ENOTEMPTY)
    if (!(inode instanceof Directory)) throw SysError.of(Errno.ENOTDIR)
    if (this.#name === '') throw SysError.of(Errno.EBUSY)
    this.#mayRemove(this.#dir, inode)
    if (!inode.isEmpty) throw SysError.of(Errno.ENOTEMPTY)
    this.#dir.fs.unlink(this.#dir, this.#name, inode)
  }

  rename(fromAt: Directory, from: ByteString, toAt: Directory, to: ByteString, confine: boolean): void {
    const moved = this.#walk(fromAt, from, Last.Parent, confine)
    const fromDir = this.#dir
    const oldName = this.#name
    const fromSlash = this.#slash
    if (isDots(oldName)) throw SysError.of(Errno.EBUSY)
    const replaced = this.#walk(toAt, to, Last.Parent, confine)
    const toDir = this.#dir
    const newName = this.#name
    if (isDots(newName)) throw SysError.of(Errno.EBUSY)
    if (fromDir.fs !== toDir.fs) throw SysError.of(Errno.EXDEV)
    if (!moved) throw SysError.of(Errno.ENOENT)
    if ((fromSlash || this.#slash) && moved.kind !== FileKind.Directory) throw SysError.of(Errno.ENOTDIR)
    if (moved instanceof Directory && isWithin(toDir, moved)) throw SysError.of(Errno.EINVAL)
    if (replaced instanceof Directory && isWithin(fromDir, replaced)) throw SysError.of(Errno.ENOTEMPTY)
    if (moved === replaced) return
    this.#mayRemove(fromDir, moved)
    if (replaced) this.#mayReplace(toDir, moved, replaced)
    else this.#mayChange(toDir)
    if (moved.kind === FileKind.Directory && fromDir !== toDir && !allowed(moved, Access.Write)) throw SysError.of(Errno.EACCES)
    fromDir.fs.rename(fromDir, oldName, toDir, newName, moved, replaced)
  }

  link(oldAt: Directory, old: ByteString, newAt: Directory, path: ByteString, follow: boolean, confine: boolean): void {
    const inode = this.resolve(oldAt, old, follow, confine)
    if (this.#walk(newAt, path, Last.Parent, confine)) throw SysError.of(Errno.EEXIST)
    if (this.#slash) throw SysError.of(Errno.ENOENT)
    if (inode.fs !== this.#dir.fs) throw SysError.of(Errno.EXDEV)
    this.#mayChange(this.#dir)
    if (inode.kind === FileKind.Directory || inode.uid === 0) throw SysError.of(Errno.EPERM)
    this.#dir.fs.link(this.#dir, this.#name, inode)
  }

  symlink(target: ByteString, at: Directory, path: ByteString, confine: boolean): void {
    if (target === '') throw SysError.of(Errno.ENOENT)
    if (target.length > this.#pathBytes) throw SysError.of(Errno.ENAMETOOLONG)
    if (target.includes('\0')) throw SysError.of(Errno.EINVAL)
    if (this.#walk(at, path, Last.Parent, confine)) throw SysError.of(Errno.EEXIST)
    if (this.#slash) throw SysError.of(Errno.ENOENT)
    this.#mayChange(this.#dir)
    this.#dir.fs.symlink(this.#dir, this.#name, target)
  }

  readlink(at: Directory, path: ByteString, confine: boolean): ByteString {
    const inode = this.resolve(at, path, false, confine)
    if (!(inode instanceof Symlink)) throw SysError.of(Errno.EINVAL)
    return inode.readTarget()
  }

  /** access(2) for an inode: `mode` is 0 or bits of Access. */
  access(inode: Inode, mode: number): void {
    if (mode & Access.Write && inode.fs.readOnly) throw SysError.of(Errno.EROFS)
    if (!allowed(inode, mode)) throw SysError.of(Errno.EACCES)
  }

  chmod(inode: Inode, mode: number): void {
    this.#mustOwn(inode)
    if (inode.kind === FileKind.Symlink) throw SysError.of(Errno.ENOTSUP)
    inode.fs.setMode(inode, mode & 0o7777)
  }

  /** −1 keeps. Recorded only; root's own files cannot be made, as for any user. */
  chown(inode: Inode, uid: number, gid: number): void {
    const newUid = uid === -1 || uid === 0xffffffff ? inode.uid : uid
    const newGid = gid === -1 || gid === 0xffffffff ? inode.gid : gid
    if (newUid === inode.uid && newGid === inode.gid) return
    this.#mustOwn(inode)
    if (newUid === 0 || (newGid === 0 && inode.gid !== 0)) throw SysError.of(Errno.EPERM)
    inode.fs.setOwner(inode, newUid, newGid)
  }

  /** `undefined` keeps a time. Who may write may set both to now. */
  setTimes(inode: Inode, times: NewTimes, toNow = false): void {
    if (inode.fs.readOnly) throw SysError.of(Errno.EROFS)
    if (inode.uid === 0 && !(toNow && allowed(inode, Access.Write))) throw SysError.of(toNow ? Errno.EACCES : Errno.EPERM)
    inode.fs.setTimes(inode, times)
  }

  /** 0, or AGAIN until the content that the cut goes through is there; the inode's waiters are woken then. */
  truncate(inode: Inode, size: number): number {
    if (inode.kind === FileKind.Directory) throw SysError.of(Errno.EISDIR)
    if (inode.kind !== FileKind.File || size < 0) throw SysError.of(Errno.EINVAL)
    if (inode.fs.readOnly) throw SysError.of(Errno.EROFS)
    if (!allowed(inode, Access.Write)) throw SysError.of(Errno.EACCES)
    return inode.fs.truncate(inode, size)
  }

  /** The inode itself, with its lazily kept attributes brought up to date. */
  statOf(inode: Inode): Inode {
    inode.refresh()
    return inode
  }

  /** Absolute path of a directory, as getcwd(3); ENOENT when it has been removed. */
  pathOf(directory: Directory): ByteString {
    return directory === this.root ? '/' : pathOfInode(directory, this.root)
  }

  pipe(): [PipeReader, PipeWriter] {
    const inode = new PipeInode(this.#pipes, this.#pipes.nextIno++, this.#pipeBytes)
    const now = this.#clock.now()
    inode.setTime(Math.floor(now / 1000), Math.floor((now % 1000) * 1e6))
    return [new PipeReader(inode), new PipeWriter(inode)]
  }

  #mayChange(dir: Directory): void {
    if (dir.nlink === 0) throw SysError.of(Errno.ENOENT)
    if (dir.fs.readOnly) throw SysError.of(Errno.EROFS)
    if (!allowed(dir, Access.Write | Access.Execute)) throw SysError.of(Errno.EACCES)
  }

  #mayRemove(dir: Directory, inode: Inode): void {
    this.#mayChange(dir)
    if (inode.fs !== dir.fs) throw SysError.of(Errno.EBUSY)
    if (dir.mode & 0o1000 && dir.uid === 0 && inode.uid === 0) throw SysError.of(Errno.EPERM)
  }

  #mayReplace(dir: Directory, moved: Inode, replaced: Inode): void {
    this.#mayRemove(dir, replaced)
    if (moved.kind === FileKind.Directory) {
      if (!(replaced instanceof Directory)) throw SysError.of(Errno.ENOTDIR)
      if (!replaced.isEmpty) throw SysError.of(Errno.ENOTEMPTY)
    } else if (replaced.kind === FileKind.Directory) throw SysError.of(Errno.EISDIR)
  }

  #mustOwn(inode: Inode): void {
    if (inode.fs.readOnly) throw SysError.of(Errno.EROFS)
    if (inode.uid === 0) throw SysError.of(Errno.EPERM)
  }

  /**
   * The inode at `path`, or undefined when only its last component is missing; #dir and #name then tell where it would be.
   * #name is '' for the root, '.' or '..' for a path that ends so; #slash: a slash follows the last component.
   */
  #walk(at: Directory, path: ByteString, last: Last, confine: boolean): Inode | undefined {
    if (path.length === 0) throw SysError.of(Errno.ENOENT)
    if (path.length > this.#pathBytes) throw SysError.of(Errno.ENAMETOOLONG)
    if (path.includes('\0')) throw SysError.of(Errno.EINVAL)
    let dir = at
    if (path.charCodeAt(0) === SLASH) {
      if (confine) throw SysError.of(Errno.ENOTCAPABLE)
      dir = this.root
    }
    this.#magic = undefined
    let depth = 0
    let links = 0
    let rest = path
    let i = 0
    for (;;) {
      while (rest.charCodeAt(i) === SLASH) i++
      if (i === rest.length) return this.#found(dir, '', true, dir)
      let end = rest.indexOf('/', i)
      if (end < 0) end = rest.length
      const name = rest.substring(i, end)
      i = end
      while (rest.charCodeAt(i) === SLASH) i++
      const isLast = i === rest.length
      const slash = isLast && i > end
      if (!allowed(dir, Access.Execute)) throw SysError.of(Errno.EACCES)
      if (name === '.') {
        if (isLast) return this.#found(dir, name, true, dir)
        continue
      }
      if (name === '..') {
        if (confine && depth-- === 0) throw SysError.of(Errno.ENOTCAPABLE)
        dir = dir.parent ?? dir
        if (isLast) return this.#found(dir, name, true, dir)
        continue
      }
      if (name.length > this.#nameBytes) throw SysError.of(Errno.ENAMETOOLONG)
      let child = dir.lookup(name)
      if (child?.kind === FileKind.Symlink && (!isLast || last === Last.Follow || (slash && last === Last.NoFollow))) {
        if (++links > this.#symlinks) throw SysError.of(Errno.ELOOP)
        const link = child as Symlink
        child = link.jump()
        if (child) {
          if (isLast) this.#magic = link
          confine = false
        } else {
          const target = link.readTarget()
          if (target === '') throw SysError.of(Errno.ENOENT)
          rest = target + rest.slice(end)
          if (rest.length > 2 * this.#pathBytes) throw SysError.of(Errno.ENAMETOOLONG)
          i = 0
          if (target.charCodeAt(0) === SLASH) {
            dir = this.root
            confine = false
          }
          continue
        }
      }
      if (child === undefined) {
        if (!isLast) throw SysError.of(Errno.ENOENT)
        return this.#found(dir, name, slash, undefined)
      }
      if (child.kind === FileKind.Directory) {
        let directory = child as Directory
        if (directory.mounted) directory = directory.mounted
        if (isLast) return this.#found(dir, name, slash, directory)
        dir = directory
        depth++
        continue
      }
      if (!isLast || (slash && last !== Last.Parent)) throw SysError.of(Errno.ENOTDIR)
      return this.#found(dir, name, slash, child)
    }
  }

  #found(dir: Directory, name: ByteString, slash: boolean, inode: Inode | undefined): Inode | undefined {
    this.#dir = dir
    this.#name = name
    this.#slash = slash
    return inode
  }
}

const isDots = (name: ByteString): boolean => name === '' || name === '.' || name === '..'

function isWithin(directory: Directory, ancestor: Directory): boolean {
  for (let d: Directory | undefined = directory; d; d = d.parent) if (d === ancestor) return true
  return false
}

/** Absolute path of an inode by its latest name; ENOENT when it or a directory above it has none any more. */
export function pathOfInode(inode: Inode, root: Directory): ByteString {
  let path = ''
  for (let i: Inode = inode; i !== root;) {
    if (!i.parent || i.nlink === 0) throw SysError.of(Errno.ENOENT)
    path = `/${i.name}${path}`
    i = i.parent
  }
  return path === '' ? '/' : path
}
