/**
 * What a script asks of files, done by the kernel as its process: its directory, its umask, its permissions. Each request is a generator
 * that gives a queue where it must wait, and is taken up again when the queue was woken. Errors are thrown as SysError.
 */
import type { JsonValue } from '../../protocol/parse.ts'
import type { ScriptOp } from '../../protocol/js-wire.ts'
import { AGAIN, Errno, SysError } from '../errno.ts'
import type { Process } from '../process/process.ts'
import type { WaitQueue } from '../process/wait-queue.ts'
import { type ByteString, fromText, toText } from '../vfs/byte-string.ts'
import { Directory, FileKind, type Inode, modeType } from '../vfs/inode.ts'
import { O, type OpenFile } from '../vfs/open-file.ts'
import { Access, pathOfInode, type Vfs } from '../vfs/vfs.ts'
import type { Waiting } from './tasks.ts'

export interface Reply {
  readonly value?: JsonValue
  readonly bytes?: Uint8Array
}

/** What is asked of files; a tool is none. */
type FileOp = Exclude<ScriptOp, { op: 'tool' }>

const DONE: Reply = {}

/** Calls until the answer is no AGAIN. */
export function* again(queue: WaitQueue, call: () => number): Waiting<number> {
  for (;;) {
    const result = call()
    if (result !== AGAIN) return result
    yield queue
  }
}

/** Writes all. A regular file waits for content, all else for room. */
export function* writeAll(file: OpenFile, bytes: Uint8Array): Waiting<void> {
  if (!file.writable) throw SysError.of(Errno.EBADF)
  const queue = file.inode.kind === FileKind.File ? file.readers : file.writers
  for (let at = 0; at < bytes.length;) at += yield* again(queue, () => file.write(bytes.subarray(at)))
}

/** The next bytes; none at the end. */
export function* readSome(file: OpenFile, length: number): Waiting<Uint8Array> {
  if (!file.readable) throw SysError.of(Errno.EBADF)
  const bytes = new Uint8Array(length)
  return bytes.subarray(0, yield* again(file.readers, () => file.read(bytes)))
}

export class JsFiles {
  readonly #vfs: Vfs
  readonly #process: Process

  constructor(vfs: Vfs, process: Process) {
    this.#vfs = vfs
    this.#process = process
  }

  *perform(op: FileOp, bytes: Uint8Array): Waiting<Reply> {
    const vfs = this.#vfs
    const { cwd, fds } = this.#process
    switch (op.op) {
      case 'input':
        return { bytes: yield* readSome(fds.get(0).file, op.length) }
      case 'cwd':
        return { value: toText(vfs.pathOf(cwd)) }
      case 'read':
        return yield* this.read(fromText(op.path), op.offset, op.length)
      case 'write':
        return yield* this.#write(op, bytes)
      case 'list':
        return { value: this.#list(fromText(op.path)) }
      case 'unlink':
        vfs.unlink(cwd, fromText(op.path), false)
        return DONE
      case 'rmdir':
        vfs.rmdir(cwd, fromText(op.path), false)
        return DONE
      case 'readlink':
        return { value: toText(vfs.readlink(cwd, fromText(op.path), false)) }
      case 'realpath':
        return { value: toText(pathOfInode(vfs.resolve(cwd, fromText(op.path), true, false), vfs.root)) }
      case 'stat':
        return { value: statOf(vfs.statOf(vfs.resolve(cwd, fromText(op.path), op.follow, false))) }
      case 'mkdir':
        this.#makeDirectory(fromText(op.path), op.recursive)
        return DONE
      case 'remove':
        this.#remove(fromText(op.path), op.recursive, op.force)
        return DONE
      case 'rename':
        vfs.rename(cwd, fromText(op.path), cwd, fromText(op.to), false)
        return DONE
      case 'symlink':
        vfs.symlink(fromText(op.target), cwd, fromText(op.path), false)
        return DONE
      case 'chmod':
        vfs.chmod(vfs.resolve(cwd, fromText(op.path), true, false), op.mode)
        return DONE
    }
  }

  /** Its value: whether this was the end. What has no positions (a pipe, a device) is read on from where it is. */
  *read(path: ByteString, offset: number, length: number): Waiting<Reply> {
    const file = this.#vfs.open(this.#process.cwd, path, O.RDONLY, 0, false)
    try {
      const { inode } = file
      if (inode.kind === FileKind.Directory) throw SysError.of(Errno.EISDIR)
      if (inode.kind !== FileKind.File) {
        const bytes = yield* readSome(file, length)
        return { value: bytes.length === 0, bytes }
      }
      // A size of 0 says nothing: files of /proc have it.
      const { size } = this.#vfs.statOf(inode)
      const bytes = new Uint8Array(size === 0 ? length : Math.min(length, Math.max(0, size - offset)))
      let done = 0
      while (done < bytes.length) {
        const count = yield* again(file.readers, () => file.pread(bytes.subarray(done), offset + done))
        if (count === 0) break
        done += count
      }
      return { value: done < bytes.length || (size > 0 && offset + done >= size), bytes: bytes.subarray(0, done) }
    } finally {
      file.unref()
    }
  }

  *#write(op: Extract<ScriptOp, { op: 'write' }>, bytes: Uint8Array): Waiting<Reply> {
    const how = op.how === 'replace' ? O.TRUNC : op.how === 'append' ? O.APPEND : 0
    const mode = 0o666 & ~this.#process.umask
    const file = this.#vfs.open(this.#process.cwd, fromText(op.path), O.WRONLY | O.CREAT | how, mode, false)
    try {
      if (op.how === 'at') file.seek(op.offset, 0)
      yield* writeAll(file, bytes)
      return DONE
    } finally {
      file.unref()
    }
  }

  #list(path: ByteString): JsonValue {
    const directory = this.#vfs.resolve(this.#process.cwd, path, true, false)
    if (!(directory instanceof Directory)) throw SysError.of(Errno.ENOTDIR)
    this.#vfs.access(directory, Access.Read)
    const entries = directory.list().toSorted((a, b) => (a.name < b.name ? -1 : 1))
    return entries.map(({ name, kind }) => [toText(name), kind])
  }

  #makeDirectory(path: ByteString, recursive: boolean): void {
    const { cwd, umask } = this.#process
    const mode = 0o777 & ~umask
    if (!recursive) return this.#vfs.mkdir(cwd, path, mode, false)
    let prefix = path.startsWith('/') ? '/' : ''
    for (const name of path.split('/')) {
      if (name === '') continue
      prefix += name
      const there = this.#find(prefix, true)
      if (!there) this.#vfs.mkdir(cwd, prefix, mode, false)
      else if (!(there instanceof Directory)) throw SysError.of(prefix === path ? Errno.EEXIST : Errno.ENOTDIR)
      prefix += '/'
    }
    if (prefix === '') throw SysError.of(Errno.ENOENT)
  }

  #remove(path: ByteString, recursive: boolean, force: boolean): void {
    const { cwd } = this.#process
    const inode = this.#find(path, false)
    if (!inode) {
      if (force) return
      throw SysError.of(Errno.ENOENT)
    }
    if (!(inode instanceof Directory)) return this.#vfs.unlink(cwd, path, false)
    if (!recursive) throw SysError.of(Errno.EISDIR)
    this.#empty(inode)
    this.#vfs.rmdir(cwd, path, false)
  }

  /** Depth first, without recursion: a tree may be as deep as it likes. */
  #empty(top: Directory): void {
    const open = [{ directory: top, entries: top.list() }]
    for (let level = open.at(-1); level; level = open.at(-1)) {
      const entry = level.entries.pop()
      const child = entry && level.directory.lookup(entry.name)
      if (child instanceof Directory && !child.mounted && !child.isEmpty) {
        level.entries.push(entry!)
        this.#vfs.access(child, Access.Read)
        open.push({ directory: child, entries: child.list() })
      } else if (child instanceof Directory) this.#vfs.rmdir(level.directory, entry!.name, false)
      else if (child) this.#vfs.unlink(level.directory, entry.name, false)
      else if (!entry) open.pop()
    }
  }

  #find(path: ByteString, follow: boolean): Inode | undefined {
    try {
      return this.#vfs.resolve(this.#process.cwd, path, follow, false)
    } catch (error) {
      if (error instanceof SysError && error.errno === Errno.ENOENT) return undefined
      throw error
    }
  }
}

const milliseconds = (sec: number, nsec: number): number => sec * 1000 + nsec / 1e6

function statOf(inode: Inode): JsonValue {
  return {
    kind: inode.kind,
    dev: inode.fs.dev,
    ino: inode.ino,
    mode: inode.mode | modeType(inode.kind),
    nlink: inode.nlink,
    uid: inode.uid,
    gid: inode.gid,
    rdev: inode.rdev,
    size: inode.kind === FileKind.Directory ? 0 : inode.size,
    blocks: inode.blocks,
    atimeMs: milliseconds(inode.atimeSec, inode.atimeNsec),
    mtimeMs: milliseconds(inode.mtimeSec, inode.mtimeNsec),
    ctimeMs: milliseconds(inode.ctimeSec, inode.ctimeNsec),
  }
}
