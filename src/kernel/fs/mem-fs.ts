/**
 * The file system in memory: a principal's own tree (journalled, with quota) or a mounted tree of the host (read only).
 * Its truth is in the broker's store; what is here is a cache with a journal. Permissions and names are checked by the Vfs.
 */
import { ROOT_INO } from '../../protocol/journal.ts'
import type { Limits } from '../../protocol/limits.ts'
import type { Clock } from '../clock.ts'
import { Errno, SysError } from '../errno.ts'
import type { FaultSource, Journal } from '../journal.ts'
import type { ByteString } from '../vfs/byte-string.ts'
import type { ChangeLog } from '../vfs/change-log.ts'
import { type Directory, FileKind, FileSystem, type Inode, type NewTimes } from '../vfs/inode.ts'
import { type Chunk, ChunkMemory } from './chunk.ts'
import { FAST_SYMLINK, MemDirectory, MemSymlink } from './mem-directory.ts'
import { BLOCK, chargeOf, MemFile } from './mem-file.ts'

export const USER_ID = 1000
const LINKS_MAX = 65_000
const SETTLE_MS = 50

export interface MemFsOptions {
  /** 0 is the cell's own file system; others are the numbers of CellMount */
  readonly mount: number
  readonly limits: Limits
  readonly clock: Clock
  readonly faults: FaultSource
  readonly changes: ChangeLog
  /** absent: nothing is recorded */
  readonly journal?: Journal
  /** above it, clean content gives way; the quota where it is absent */
  readonly residentBytes?: number
}

export class MemFs extends FileSystem {
  override readonly dev: number
  override readonly type = 'tidepool'
  override readonly root: MemDirectory
  readonly memory: ChunkMemory
  readonly changes: ChangeLog
  readonly journal: Journal | undefined
  usedBytes = 0
  usedInodes = 1
  nextIno = ROOT_INO + 1
  readonly #mount: number
  readonly #limits: Limits
  readonly #clock: Clock
  readonly #faults: FaultSource
  #unsettled: MemFile[] = []
  #unsettledSince = 0
  #sec = 0
  #nsec = 0

  constructor(options: MemFsOptions) {
    super()
    this.readOnly = false
    this.#mount = options.mount
    this.dev = options.mount === 0 ? 1 : 100 + options.mount
    this.#limits = options.limits
    this.#clock = options.clock
    this.#faults = options.faults
    this.changes = options.changes
    this.journal = options.journal
    this.memory = new ChunkMemory(options.residentBytes ?? options.limits.fsBytes)
    this.root = new MemDirectory(this, ROOT_INO, 0o755)
    this.stamp(this.root)
    options.journal?.beforePost(() => this.settleTimes())
  }

  /** Makes an inode without a name; the caller enters it into a directory. */
  newInode(kind: FileKind, ino: number, mode: number): MemFile | MemDirectory | MemSymlink {
    switch (kind) {
      case FileKind.File:
        return new MemFile(this, ino, mode)
      case FileKind.Directory:
        return new MemDirectory(this, ino, mode)
      case FileKind.Symlink:
        return new MemSymlink(this, ino)
      case FileKind.CharDevice:
      case FileKind.Fifo:
        throw SysError.of(Errno.ENOTSUP)
    }
  }

  override create(dir: MemDirectory, name: ByteString, mode: number): Inode {
    return this.#make(dir, name, FileKind.File, mode)
  }

  override mkdir(dir: MemDirectory, name: ByteString, mode: number): Directory {
    const made = this.#make(dir, name, FileKind.Directory, mode) as MemDirectory
    dir.nlink++
    return made
  }

  override symlink(dir: MemDirectory, name: ByteString, target: ByteString): MemSymlink {
    const charge = target.length > FAST_SYMLINK ? BLOCK : 0
    if (this.usedBytes + charge > this.#limits.fsBytes) throw SysError.of(Errno.ENOSPC)
    const made = this.#make(dir, name, FileKind.Symlink, 0o777) as MemSymlink
    this.usedBytes += charge
    made.target = target
    made.size = target.length
    return made
  }

  override link(dir: MemDirectory, name: ByteString, inode: Inode): void {
    if (inode.nlink === 0) throw SysError.of(Errno.ENOENT)
    if (inode.nlink >= LINKS_MAX) throw SysError.of(Errno.EMLINK)
    if (inode.volatile !== this.#isVolatile(dir, name)) throw SysError.of(Errno.EXDEV)
    this.#takeInode()
    inode.nlink++
    this.#stampChange(inode)
    this.#enter(dir, name, inode)
    this.changes.modified(inode)
  }

  override unlink(dir: MemDirectory, name: ByteString, inode: Inode): void {
    this.changes.removed(dir, name, inode)
    this.#leave(dir, name, inode)
    this.#dropName(dir, inode)
  }

  override rename(
    from: MemDirectory,
    oldName: ByteString,
    to: MemDirectory,
    newName: ByteString,
    moved: Inode,
    replaced: Inode | undefined,
  ): void {
    if (moved.volatile !== this.#isVolatile(to, newName)) throw SysError.of(Errno.EXDEV)
    this.changes.removed(from, oldName, moved)
    if (replaced) {
      this.changes.removed(to, newName, replaced)
      this.#leave(to, newName, replaced)
      this.#dropName(to, replaced)
    }
    this.#leave(from, oldName, moved)
    this.#stampChange(moved)
    this.#enter(to, newName, moved)
    if (moved.kind === FileKind.Directory && from !== to) {
      from.nlink--
      to.nlink++
    }
    this.changes.created(moved)
  }

  override setMode(inode: Inode, mode: number): void {
    inode.mode = mode
    this.#changed(inode)
  }

  override setOwner(inode: Inode, uid: number, gid: number): void {
    inode.uid = uid
    inode.gid = gid
    this.#changed(inode)
  }

  override setTimes(inode: Inode, { atime, mtime }: NewTimes): void {
    inode.refresh()
    if (atime) {
      inode.atimeSec = atime.sec
      inode.atimeNsec = atime.nsec
    }
    if (mtime) {
      inode.mtimeSec = mtime.sec
      inode.mtimeNsec = mtime.nsec
    }
    this.#changed(inode)
  }

  override truncate(inode: MemFile, size: number): number {
    return inode.setSize(size)
  }

  override space(): { bytes: number; freeBytes: number; inodes: number; freeInodes: number } {
    const { fsBytes, fsInodes } = this.#limits
    return {
      bytes: fsBytes,
      freeBytes: Math.max(0, fsBytes - this.usedBytes),
      inodes: fsInodes,
      freeInodes: Math.max(0, fsInodes - this.usedInodes),
    }
  }

  // What a MemFile asks of its file system.

  /** Charges for content from `length` to `end` of a chunk; the end that there is room for. */
  charge(file: MemFile, length: number, end: number): number {
    const have = chargeOf(length)
    let more = chargeOf(end) - have
    const free = this.#limits.fsBytes - this.usedBytes
    if (more > free) {
      more = Math.max(0, Math.floor(free / BLOCK) * BLOCK)
      end = have + more
    }
    this.usedBytes += more
    file.charged += more
    return end
  }

  uncharge(file: MemFile, length: number, left: number): void {
    const less = chargeOf(length) - chargeOf(left)
    this.usedBytes -= less
    file.charged -= less
  }

  noteDirty(chunk: Chunk): void {
    chunk.dirty = true
    this.memory.markDirty(chunk)
    if (this.journal && !chunk.file.volatile) this.journal.touchChunk(chunk)
  }

  noteWrite(file: MemFile): void {
    if (!file.written) {
      file.written = true
      if (this.#unsettled.length === 0) this.#unsettledSince = this.#clock.monotonic()
      this.#unsettled.push(file)
    }
    this.journal?.touch(file)
    this.changes.modified(file)
  }

  /** Sets the modification time that writes have left open. */
  settleTime(file: MemFile): void {
    if (!file.written) return
    file.written = false
    this.#now()
    file.mtimeSec = file.ctimeSec = this.#sec
    file.mtimeNsec = file.ctimeNsec = this.#nsec
    this.journal?.touch(file)
  }

  settleTimes(): void {
    const files = this.#unsettled
    if (files.length === 0) return
    this.#unsettled = []
    for (const file of files) this.settleTime(file)
  }

  /** Called now and then: sets times that have been open for 50 ms. */
  tick(monotonic: number): void {
    if (this.#unsettled.length > 0 && monotonic - this.#unsettledSince >= SETTLE_MS) this.settleTimes()
  }

  /** A description that was written to is closed. */
  closed(file: MemFile): void {
    this.settleTime(file)
    this.journal?.closed()
  }

  /** The last name and the last description of a file are gone. */
  release(file: MemFile): void {
    file.dropContent()
    file.written = false
    this.usedInodes--
    this.journal?.forget(file)
  }

  fault(chunk: Chunk): void {
    if (chunk.faulting) return
    chunk.faulting = true
    const { file } = chunk
    this.#faults.fault(this.#mount, file.ino, chunk.index, (result) => {
      chunk.faulting = false
      if (chunk.gone || chunk.bytes) return
      if (typeof result === 'number') chunk.errno = result
      else {
        if (result.length < chunk.length) {
          this.uncharge(file, chunk.length, result.length)
          chunk.length = result.length
        }
        this.memory.adopt(chunk, result)
      }
      file.waiters.wakeAll()
    })
  }

  stamp(inode: Inode): void {
    this.#now()
    inode.setTime(this.#sec, this.#nsec)
  }

  #make(dir: MemDirectory, name: ByteString, kind: FileKind, mode: number): Inode {
    this.#takeInode()
    const inode = this.newInode(kind, this.nextIno++, mode)
    inode.uid = inode.gid = USER_ID
    this.stamp(inode)
    inode.volatile = this.#isVolatile(dir, name)
    this.#enter(dir, name, inode)
    this.journal?.touch(inode)
    this.changes.created(inode)
    return inode
  }

  #takeInode(): void {
    if (this.usedInodes >= this.#limits.fsInodes) throw SysError.of(Errno.ENOSPC)
    this.usedInodes++
  }

  #enter(dir: MemDirectory, name: ByteString, inode: Inode): void {
    if (!inode.volatile) this.journal?.touchEntry(dir, name, dir.children.get(name)?.ino ?? 0)
    dir.children.set(name, inode)
    inode.parent = dir
    inode.name = name
    this.#stampContent(dir)
  }

  #leave(dir: MemDirectory, name: ByteString, inode: Inode): void {
    if (!inode.volatile) this.journal?.touchEntry(dir, name, inode.ino)
    dir.children.delete(name)
    this.#stampContent(dir)
  }

  /** After `#leave`: one name less, and the inode goes when nothing holds it. */
  #dropName(dir: MemDirectory, inode: Inode): void {
    if (inode instanceof MemDirectory) {
      inode.nlink = 0
      dir.nlink--
      this.usedInodes--
      this.journal?.forget(inode)
      return
    }
    inode.nlink--
    if (inode.nlink > 0) {
      this.usedInodes--
      this.#stampChange(inode)
    } else if (inode instanceof MemFile) {
      if (inode.opens === 0) this.release(inode)
    } else {
      this.usedInodes--
      if (inode.size > FAST_SYMLINK) this.usedBytes -= BLOCK
      this.journal?.forget(inode)
    }
  }

  #isVolatile(dir: Directory, name: ByteString): boolean {
    return dir.volatile || (name === '.out' && dir.name === 'tmp' && dir.parent === this.root)
  }

  #changed(inode: Inode): void {
    this.#stampChange(inode)
    this.changes.modified(inode)
  }

  #stampChange(inode: Inode): void {
    this.#now()
    inode.ctimeSec = this.#sec
    inode.ctimeNsec = this.#nsec
    this.journal?.touch(inode)
  }

  #stampContent(dir: Directory): void {
    this.#now()
    dir.mtimeSec = dir.ctimeSec = this.#sec
    dir.mtimeNsec = dir.ctimeNsec = this.#nsec
    this.journal?.touch(dir)
  }

  #now(): void {
    const now = this.#clock.now()
    this.#sec = Math.floor(now / 1000)
    this.#nsec = Math.min(999_999_999, Math.max(0, Math.round((now - this.#sec * 1000) * 1e6)))
  }
}
