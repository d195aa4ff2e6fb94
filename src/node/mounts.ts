/**
 * Trees of the host that a sandbox sees: walked once by the trusted parent, which gives the cell metadata and then content chunk by
 * chunk; the cell itself never gets a permission on them. Invariant: nothing outside the root is ever read, also when the tree is changed
 * meanwhile: a file is served only while it is the very file that the walk saw.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  realpathSync,
  type Stats,
} from 'node:fs'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import type { Mount } from '../orchestrator/platform.ts'
import { chunkCapacity, chunkOffset, InodeKind, JournalWriter, ROOT_INO, type Timespec } from '../protocol/journal.ts'
import { LIMITS } from '../protocol/limits.ts'

export interface MountSpec {
  /** a directory or file of the host */
  readonly host: string
  /** an absolute path of the sandbox */
  readonly target: string
}

/** A mount that cannot be; the text is for the person who asked for it. */
export class MountError extends Error {
  override readonly name = 'MountError'
}

interface SeenFile {
  readonly path: string
  readonly dev: number
  readonly ino: number
  readonly size: number
  readonly mtimeMs: number
}

/** Reads `HOST:TARGET` or `HOST:TARGET:ro`. A colon in the host's path is allowed: the last parts count. */
export function parseMount(text: string): MountSpec {
  const mode = /:(ro|rw)$/.exec(text)
  if (mode?.[1] === 'rw') throw new MountError(`Cannot mount "${text}": writable mounts are not supported yet, use :ro`)
  const rest = mode ? text.slice(0, -3) : text
  const colon = rest.lastIndexOf(':')
  const [host, target] = [rest.slice(0, colon), rest.slice(colon + 1)]
  if (colon <= 0 || !target.startsWith('/'))
    throw new MountError(`Cannot mount "${text}": write it as HOST:TARGET:ro with an absolute TARGET, as in ./data:/mnt/data:ro`)
  return { host, target: checkTarget(target) }
}

/** A place for a mount: an absolute path, not the root, not one of the system's own. */
function checkTarget(target: string): string {
  const clean = target.replace(/\/+$/, '')
  const parts = clean.split('/').slice(1)
  if (clean === '' || !target.startsWith('/') || parts.some((part) => part === '' || part === '.' || part === '..'))
    throw new MountError(`Cannot mount at "${target}": it must be an absolute path below / without "." and ".."`)
  if (['bin', 'dev', 'lib', 'proc', 'usr'].includes(parts[0] ?? ''))
    throw new MountError(`Cannot mount at "${target}": /${parts[0]} belongs to the system`)
  return clean
}

/** Walks the tree. Throws MountError where a link leads out of it or there are more than `most` entries. */
export function mountTree(spec: MountSpec, most: number = LIMITS.mountEntries): Mount {
  const target = checkTarget(spec.target)
  const walk = new Walk(realRoot(spec.host), spec.host, most)
  return {
    target,
    readOnly: true,
    metadata: [walk.metadata()],
    content: async (ino, index) => walk.content(ino, index),
  }
}

function realRoot(host: string): string {
  try {
    const root = realpathSync(resolve(host))
    if (!lstatSync(root).isDirectory()) throw new MountError(`Cannot mount "${host}": it is not a directory`)
    return root
  } catch (error) {
    if (error instanceof MountError) throw error
    throw new MountError(
      `Cannot mount "${host}": ${(error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such directory' : 'it cannot be read'}`,
    )
  }
}

class Walk {
  readonly #root: string
  readonly #shown: string
  readonly #most: number
  readonly #writer = new JournalWriter()
  readonly #files = new Map<number, SeenFile>()
  /** hard links are one inode */
  readonly #known = new Map<string, number>()
  #last = 0
  #entries = 0

  constructor(root: string, shown: string, most: number) {
    this.#root = root
    this.#shown = shown
    this.#most = most
  }

  metadata(): Uint8Array {
    const queue = [{ path: this.#root, ino: this.#inode(this.#root, lstatSync(this.#root), InodeKind.Directory) }]
    for (let directory = queue.pop(); directory; directory = queue.pop()) {
      for (const name of namesIn(directory.path)) {
        const path = join(directory.path, this.#nameOf(name))
        const entry = this.#entry(path)
        if (!entry) continue
        if (++this.#entries > this.#most)
          throw new MountError(`Cannot mount "${this.#shown}": it has more than ${this.#most} entries (limit mountEntries)`)
        this.#writer.entry(directory.ino, name, entry.ino)
        if (entry.isDirectory) queue.push({ path, ino: entry.ino })
      }
    }
    return this.#writer.take()
  }

  content(ino: number, index: number): Uint8Array {
    const seen = this.#files.get(ino)
    if (!seen) throw new MountError('Cannot read: no such file')
    const length = Math.min(chunkCapacity(index), Math.max(0, seen.size - chunkOffset(index)))
    const fd = openSync(seen.path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const now = fstatSync(fd)
      if (now.dev !== seen.dev || now.ino !== seen.ino || now.size !== seen.size || now.mtimeMs !== seen.mtimeMs)
        throw new MountError('Cannot read: the file has been changed since it was mounted')
      return readExactly(fd, length, chunkOffset(index))
    } finally {
      closeSync(fd)
    }
  }

  #nameOf(name: Buffer): string {
    const text = name.toString()
    if (!Buffer.from(text).equals(name)) throw new MountError(`Cannot mount "${this.#shown}": a name in it is no UTF-8`)
    return text
  }

  /** Sockets, pipes and devices of the host are left out, and so is what has vanished meanwhile. */
  #entry(path: string): { ino: number; isDirectory: boolean } | undefined {
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (!stats) return undefined
    if (stats.isDirectory()) return { ino: this.#inode(path, stats, InodeKind.Directory), isDirectory: true }
    if (stats.isSymbolicLink()) return { ino: this.#link(path, stats), isDirectory: false }
    if (!stats.isFile()) return undefined
    const key = `${stats.dev} ${stats.ino}`
    const ino = this.#known.get(key) ?? this.#inode(path, stats, InodeKind.File)
    this.#known.set(key, ino)
    if (!this.#files.has(ino)) this.#files.set(ino, { path, dev: stats.dev, ino: stats.ino, size: stats.size, mtimeMs: stats.mtimeMs })
    return { ino, isDirectory: false }
  }

  /** A link inside the tree stays one, relative, so that it means the same in the sandbox. */
  #link(path: string, stats: Stats): number {
    const target = readlinkSync(path)
    const aim = resolve(dirname(path), target)
    if (!this.#isInside(aim) || !this.#isInside(realOrSelf(path, aim)))
      throw new MountError(`Cannot mount "${this.#shown}": the link "${relative(this.#root, path)}" leads out of it`)
    const text = Buffer.from(isAbsolute(target) ? relative(dirname(path), aim) || '.' : target)
    const ino = this.#inode(path, stats, InodeKind.Symlink, text.length)
    this.#writer.target(ino, text)
    return ino
  }

  #isInside(path: string): boolean {
    return path === this.#root || path.startsWith(this.#root.endsWith(sep) ? this.#root : this.#root + sep)
  }

  #inode(path: string, stats: Stats, kind: InodeKind, size = kind === InodeKind.File ? stats.size : 0): number {
    const ino = path === this.#root ? ROOT_INO : (this.#last = Math.max(this.#last, ROOT_INO) + 1)
    this.#writer.inode({
      ino,
      kind,
      mode: kind === InodeKind.Symlink ? 0o777 : modeOf(stats),
      uid: 1000,
      gid: 1000,
      nlink: stats.nlink,
      size,
      atime: time(stats.atimeMs),
      mtime: time(stats.mtimeMs),
      ctime: time(stats.ctimeMs),
      keepChunks: 0,
    })
    return ino
  }
}

function namesIn(path: string): Buffer[] {
  try {
    return readdirSync(path, { encoding: 'buffer' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return []
    throw error
  }
}

/** Where a link leads in the end; itself while that does not exist. */
function realOrSelf(path: string, aim: string): string {
  try {
    return realpathSync(path)
  } catch {
    return aim
  }
}

/** The sandbox's user stands for the one who mounts: what that one may, the owner may. */
function modeOf(stats: Stats): number {
  const mode = stats.mode & 0o777
  const uid = process.getuid?.() ?? stats.uid
  if (uid === stats.uid || uid === 0) return mode
  return (mode & 0o077) | ((mode & 0o070) << 3) | ((mode & 0o007) << 6)
}

function time(ms: number): Timespec {
  const sec = Math.floor(ms / 1000)
  return { sec, nsec: Math.floor((ms - sec * 1000) * 1e6) }
}

function readExactly(fd: number, length: number, position: number): Uint8Array {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length;) {
    const count = readSync(fd, bytes, at, length - at, position + at)
    if (count === 0) throw new MountError('Cannot read: the file has been cut off since it was mounted')
    at += count
  }
  return bytes
}
