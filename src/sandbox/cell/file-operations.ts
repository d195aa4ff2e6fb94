/**
 * The file operations that the broker asks for (`fs_*`, `Sandbox.readFile` …), over the kernel's live tree, so that they see what
 * running commands have written. They act as the user; what they throw is a SysError.
 */
import { AGAIN, Errno, SysError } from '../../kernel/errno.ts'
import { Waiter, type WaitQueue } from '../../kernel/process/wait-queue.ts'
import { type ByteString, fromText, toText } from '../../kernel/vfs/byte-string.ts'
import { Directory, FileKind, type Inode, Symlink } from '../../kernel/vfs/inode.ts'
import { O, type OpenFile } from '../../kernel/vfs/open-file.ts'
import { Access, allowed, type Vfs } from '../../kernel/vfs/vfs.ts'
import type { FileStat, FileType, FsOp, FsValue, ListEntry } from '../../protocol/cell.ts'
import type { Limits } from '../../protocol/limits.ts'

const HOME = '/home/user'
const FILE_TYPE: Readonly<Record<FileKind, FileType>> = {
  [FileKind.File]: 'file',
  [FileKind.Directory]: 'directory',
  [FileKind.Symlink]: 'symlink',
  [FileKind.CharDevice]: 'device',
  [FileKind.Fifo]: 'fifo',
}
/** Devices may be endless; a read of one ends here. */
const DEVICE_BYTES = 1024 * 1024

type Op<K extends FsOp['op']> = Extract<FsOp, { op: K }>

export class FileOperations {
  readonly #vfs: Vfs
  readonly #limits: Limits

  constructor(vfs: Vfs, limits: Limits) {
    this.#vfs = vfs
    this.#limits = limits
  }

  async perform(op: FsOp): Promise<FsValue> {
    switch (op.op) {
      case 'read':
        return await this.#read(op)
      case 'write':
        return await this.#write(op)
      case 'list':
        return this.#list(op)
      case 'stat':
        return { op: 'stat', stat: statOf(this.#vfs.resolve(this.#home(), fromText(op.path), op.follow, false)) }
      case 'remove':
        this.#remove(this.#home(), fromText(op.path), op.recursive)
        return { op: 'remove' }
      case 'move':
        this.#move(op)
        return { op: 'move' }
      case 'mkdir':
        if (op.parents) this.#makeDirectories(fromText(op.path), op.mode)
        else this.#vfs.mkdir(this.#home(), fromText(op.path), op.mode, false)
        return { op: 'mkdir' }
      case 'sync':
        return { op: 'sync' }
    }
  }

  async #read(op: Op<'read'>): Promise<FsValue> {
    const file = this.#vfs.open(this.#home(), fromText(op.path), O.RDONLY, 0, false)
    try {
      const isFile = file.inode.kind === FileKind.File
      if (file.inode.kind === FileKind.Directory) throw SysError.of(Errno.EISDIR)
      const { size } = this.#vfs.statOf(file.inode)
      const most = Math.min(op.length, this.#limits.fsWriteBytes, isFile && size > 0 ? Math.max(0, size - op.offset) : DEVICE_BYTES)
      const bytes = new Uint8Array(most)
      let done = 0
      while (done < most) {
        const count = await again(file.readers, () => file.pread(bytes.subarray(done), op.offset + done))
        if (count === 0) break
        done += count
      }
      const end = op.offset + done
      return { op: 'read', bytes: done === most ? bytes : bytes.slice(0, done), size: Math.max(size, end), eof: done < most || end >= size }
    } finally {
      file.unref()
    }
  }

  async #write(op: Op<'write'>): Promise<FsValue> {
    const path = fromText(op.path)
    if (op.mkdirs) this.#makeDirectories(path.slice(0, Math.max(0, path.replace(/\/+$/, '').lastIndexOf('/'))), 0o755)
    const how = op.mode === 'replace' ? O.TRUNC : op.mode === 'append' ? O.APPEND : 0
    const file = this.#vfs.open(this.#home(), path, O.WRONLY | O.CREAT | how, 0o644, false)
    try {
      if (op.mode === 'at') file.seek(op.offset, 0)
      for (let at = 0; at < op.bytes.length;) at += await again(file.writers, () => file.write(op.bytes.subarray(at)))
      return { op: 'write', path: this.#pathOf(file, op.path), bytes: op.bytes.length, size: this.#vfs.statOf(file.inode).size }
    } finally {
      file.unref()
    }
  }

  /** In the order of the names' bytes, a directory before what is in it. The cursor is the last path told, as bytes. What lies deeper
   *  than a path is long is ENAMETOOLONG. */
  #list(op: Op<'list'>): FsValue {
    const dir = this.#vfs.resolve(this.#home(), fromText(op.path), true, false)
    if (!(dir instanceof Directory)) throw SysError.of(Errno.ENOTDIR)
    if (!isOpenTo(dir)) throw SysError.of(Errno.EACCES)
    const entries: ListEntry[] = []
    let last: ByteString | undefined
    const after = op.cursor === undefined ? [] : op.cursor.split('/')
    // Each level: its directory, its path, its names, how far it is; `after` says where the innermost level of the last page stood.
    const levels = [{ dir, prefix: '', names: namesFrom(dir, after[0]), at: 0, resume: after }]
    for (let level = levels.at(-1); level; level = levels.at(-1)) {
      const name = level.names[level.at++]
      if (name === undefined) {
        levels.pop()
        continue
      }
      const child = this.#childOf(level.dir, name)
      if (!child) continue
      const path = level.prefix + name
      if (path.length >= this.#limits.pathBytes) throw SysError.of(Errno.ENAMETOOLONG)
      const isTold = level.resume[0] === name
      if (!isTold) {
        if (entries.length >= Math.max(1, op.limit)) return { op: 'list', entries, next: last! }
        entries.push({ name: toText(path), ...entryOf(child) })
        last = path
      }
      if (!op.recursive || !(child instanceof Directory) || !isOpenTo(child)) continue
      const resume = isTold ? level.resume.slice(1) : []
      levels.push({ dir: child, prefix: `${path}/`, names: namesFrom(child, resume[0]), at: 0, resume })
    }
    return { op: 'list', entries }
  }

  #childOf(dir: Directory, name: ByteString): Inode | undefined {
    const child = dir.lookup(name)
    const seen = child instanceof Directory ? (child.mounted ?? child) : child
    return seen && this.#vfs.statOf(seen)
  }

  #remove(at: Directory, path: ByteString, recursive: boolean): void {
    const inode = this.#vfs.resolve(at, path, false, false)
    if (!(inode instanceof Directory)) return this.#vfs.unlink(at, path, false)
    if (recursive) this.#empty(inode)
    this.#vfs.rmdir(at, path, false)
  }

  /** Removes all that is below, however deep. */
  #empty(top: Directory): void {
    const left = [top]
    for (let dir = left.at(-1); dir; dir = left.at(-1)) {
      if (!allowed(dir, Access.Read)) throw SysError.of(Errno.EACCES)
      const before = left.length
      for (const { name } of dir.list()) {
        const child = this.#vfs.resolve(dir, name, false, false)
        if (!(child instanceof Directory)) this.#vfs.unlink(dir, name, false)
        else if (child.isEmpty) this.#vfs.rmdir(dir, name, false)
        else left.push(child)
      }
      if (left.length === before) left.pop()
    }
  }

  #move(op: Op<'move'>): void {
    const to = fromText(op.to)
    if (!op.overwrite && this.#exists(to)) throw SysError.of(Errno.EEXIST)
    this.#vfs.rename(this.#home(), fromText(op.from), this.#home(), to, false)
  }

  #makeDirectories(path: ByteString, mode: number): void {
    let prefix = path.startsWith('/') ? '/' : ''
    for (const name of path.split('/')) {
      if (name === '') continue
      prefix += name
      if (!this.#exists(prefix)) this.#vfs.mkdir(this.#home(), prefix, mode, false)
      else if (!(this.#vfs.resolve(this.#home(), prefix, true, false) instanceof Directory)) throw SysError.of(Errno.ENOTDIR)
      prefix += '/'
    }
  }

  #exists(path: ByteString): boolean {
    try {
      this.#vfs.resolve(this.#home(), path, false, false)
      return true
    } catch (error) {
      if (error instanceof SysError && error.errno === Errno.ENOENT) return false
      throw error
    }
  }

  #pathOf(file: OpenFile, path: string): string {
    const { inode } = file
    if (inode.parent && inode.nlink > 0) {
      const above = this.#vfs.pathOf(inode.parent)
      return toText(above === '/' ? `/${inode.name}` : `${above}/${inode.name}`)
    }
    return path.startsWith('/') ? path : `${HOME}/${path}`
  }

  #home(): Directory {
    const home = this.#vfs.resolve(this.#vfs.root, HOME, true, false)
    if (!(home instanceof Directory)) throw SysError.of(Errno.ENOTDIR)
    return home
  }
}

const byBytes = (a: ByteString, b: ByteString): number => (a < b ? -1 : 1)
const isOpenTo = (dir: Directory): boolean => allowed(dir, Access.Read | Access.Execute)

/** The names from `first` on, ascending. */
function namesFrom(dir: Directory, first: ByteString | undefined): ByteString[] {
  const names = dir.list().map((entry) => entry.name)
  return (first === undefined ? names : names.filter((name) => name >= first)).toSorted(byBytes)
}

/** Calls until the answer is no AGAIN. */
async function again(queue: WaitQueue, call: () => number): Promise<number> {
  for (;;) {
    const result = call()
    if (result !== AGAIN) return result
    await new Promise<void>((resolve) => queue.add(new Waiter(resolve)))
  }
}

function entryOf(inode: Inode): Omit<ListEntry, 'name'> {
  const { mode, kind } = inode
  const size = kind === FileKind.Directory ? 0 : inode.size
  return { type: FILE_TYPE[kind], size, mtime: inode.mtimeSec * 1000 + inode.mtimeNsec / 1e6, mode }
}

function statOf(inode: Inode): FileStat {
  inode.refresh()
  const target = inode instanceof Symlink ? { target: toText(inode.readTarget()) } : {}
  return { ...entryOf(inode), nlink: inode.nlink, ...target }
}
