/**
 * File-system records: the one packed form in which a file system's changes travel from a cell to its broker, lie in the
 * store's segments and come back as the metadata that a cell boots from.
 *
 * A stream is a sequence of records, little endian, each beginning with its tag byte. Names and link targets are bytes.
 * Inode numbers are u32 and never 0; the root directory is inode 1. Within one stream a later record wins.
 *
 * A file's content is cut into chunks by `chunkOfOffset`: 64 KiB each below 4 MiB, 256 KiB each from there on. The last chunk may be
 * short; a chunk that no record names, and what lies between a short chunk's end and the file's size, is zeroes.
 */
export const ROOT_INO = 1
export const SMALL_CHUNK = 64 * 1024
export const LARGE_CHUNK = 256 * 1024
export const LARGE_FROM = 4 * 1024 * 1024
/** No file is larger, sparse or not. */
export const MAX_FILE_BYTES = 2 ** 40
const SMALL_CHUNKS = LARGE_FROM / SMALL_CHUNK

export const chunkOfOffset = (offset: number): number =>
  offset < LARGE_FROM ? Math.floor(offset / SMALL_CHUNK) : SMALL_CHUNKS + Math.floor((offset - LARGE_FROM) / LARGE_CHUNK)
export const chunkOffset = (index: number): number =>
  index < SMALL_CHUNKS ? index * SMALL_CHUNK : LARGE_FROM + (index - SMALL_CHUNKS) * LARGE_CHUNK
export const chunkCapacity = (index: number): number => (index < SMALL_CHUNKS ? SMALL_CHUNK : LARGE_CHUNK)
/** How many chunks a file of `size` bytes has. */
export const chunkCount = (size: number): number => (size === 0 ? 0 : chunkOfOffset(size - 1) + 1)

export const InodeKind = { File: 1, Directory: 2, Symlink: 3 } as const
export type InodeKind = (typeof InodeKind)[keyof typeof InodeKind]

/** A point in time as in `struct timespec`: whole seconds since the epoch (may be negative) and 0 … 999,999,999 ns. */
export interface Timespec {
  readonly sec: number
  readonly nsec: number
}

/** tag 1: an inode's attributes, all of them. */
export interface InodeRecord {
  readonly t: 'inode'
  readonly ino: number
  readonly kind: InodeKind
  /** permission bits, 0o0000 … 0o7777, without the type */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly nlink: number
  /** bytes; 0 for directories, the target's length for symlinks */
  readonly size: number
  readonly atime: Timespec
  readonly mtime: Timespec
  readonly ctime: Timespec
  /** How many chunks, counted from the first, survive of what the stream before this record said: the lowest chunk count
   *  that the file had since the last record (0 after a truncation to nothing). Chunks from here on are dropped before the
   *  `data` or `extent` records that follow. */
  readonly keepChunks: number
}
/** tag 2: name `name` of directory `dir` is inode `ino`; 0 removes the name. */
export interface EntryRecord {
  readonly t: 'entry'
  readonly dir: number
  readonly ino: number
  readonly name: Uint8Array
}
/** tag 3: the inode is gone (no name and not open any more). */
export interface ForgetRecord {
  readonly t: 'forget'
  readonly ino: number
}
/** tag 4: the target of a symlink. */
export interface TargetRecord {
  readonly t: 'target'
  readonly ino: number
  readonly target: Uint8Array
}
/** tag 5, only between cell and broker: chunk `index` of file `ino` is `length` bytes at `offset` of blob `blob` of the message. */
export interface DataRecord {
  readonly t: 'data'
  readonly ino: number
  readonly index: number
  readonly blob: number
  readonly offset: number
  readonly length: number
}
/** tag 6, only in the store: chunk `index` of file `ino` is `length` bytes at `offset` of the stored content named `hash` (SHA-256). */
export interface ExtentRecord {
  readonly t: 'extent'
  readonly ino: number
  readonly index: number
  readonly hash: Uint8Array
  readonly offset: number
  readonly length: number
}
export type JournalRecord = InodeRecord | EntryRecord | ForgetRecord | TargetRecord | DataRecord | ExtentRecord

/** Reading stops at the first byte that is no valid record; `at` is its offset. */
export class JournalFormatError extends Error {
  override readonly name = 'JournalFormatError'
  readonly at: number
  constructor(message: string, at: number) {
    super(`Cannot read records: ${message} at byte ${at}`)
    this.at = at
  }
}

/** The first byte of a record. */
export const TAG = { inode: 1, entry: 2, forget: 3, target: 4, data: 5, extent: 6 } as const
const INODE_BYTES = 1 + 4 + 1 + 2 + 4 + 4 + 4 + 8 + 3 * 12 + 4

/** Appends records to a growing buffer. One writer per stream; `take()` gives the bytes and empties it. */
export class JournalWriter {
  #bytes = new Uint8Array(4096)
  #view = new DataView(this.#bytes.buffer)
  #at = 0

  get length(): number {
    return this.#at
  }

  inode(r: Omit<InodeRecord, 't'>): void {
    const v = this.#room(INODE_BYTES)
    let p = this.#at
    v.setUint8(p, TAG.inode)
    v.setUint32(p + 1, r.ino, true)
    v.setUint8(p + 5, r.kind)
    v.setUint16(p + 6, r.mode, true)
    v.setUint32(p + 8, r.uid, true)
    v.setUint32(p + 12, r.gid, true)
    v.setUint32(p + 16, r.nlink, true)
    v.setFloat64(p + 20, r.size, true)
    p += 28
    for (const time of [r.atime, r.mtime, r.ctime]) {
      v.setFloat64(p, time.sec, true)
      v.setUint32(p + 8, time.nsec, true)
      p += 12
    }
    v.setUint32(p, r.keepChunks, true)
    this.#at = p + 4
  }

  entry(dir: number, name: Uint8Array, ino: number): void {
    const v = this.#room(11 + name.length)
    v.setUint8(this.#at, TAG.entry)
    v.setUint32(this.#at + 1, dir, true)
    v.setUint32(this.#at + 5, ino, true)
    this.#string(this.#at + 9, name)
  }

  forget(ino: number): void {
    const v = this.#room(5)
    v.setUint8(this.#at, TAG.forget)
    v.setUint32(this.#at + 1, ino, true)
    this.#at += 5
  }

  target(ino: number, target: Uint8Array): void {
    const v = this.#room(7 + target.length)
    v.setUint8(this.#at, TAG.target)
    v.setUint32(this.#at + 1, ino, true)
    this.#string(this.#at + 5, target)
  }

  data(ino: number, index: number, blob: number, offset: number, length: number): void {
    const v = this.#room(21)
    v.setUint8(this.#at, TAG.data)
    for (const [i, n] of [ino, index, blob, offset, length].entries()) v.setUint32(this.#at + 1 + 4 * i, n, true)
    this.#at += 21
  }

  extent(ino: number, index: number, hash: Uint8Array, offset: number, length: number): void {
    const v = this.#room(49)
    v.setUint8(this.#at, TAG.extent)
    v.setUint32(this.#at + 1, ino, true)
    v.setUint32(this.#at + 5, index, true)
    this.#bytes.set(hash, this.#at + 9)
    v.setUint32(this.#at + 41, offset, true)
    v.setUint32(this.#at + 45, length, true)
    this.#at += 49
  }

  take(): Uint8Array<ArrayBuffer> {
    const out = this.#bytes.slice(0, this.#at)
    this.#at = 0
    return out
  }

  #string(at: number, text: Uint8Array): void {
    this.#view.setUint16(at, text.length, true)
    this.#bytes.set(text, at + 2)
    this.#at = at + 2 + text.length
  }

  #room(more: number): DataView {
    if (this.#at + more > this.#bytes.length) {
      const next = new Uint8Array(Math.max(this.#bytes.length * 2, this.#at + more))
      next.set(this.#bytes.subarray(0, this.#at))
      this.#bytes = next
      this.#view = new DataView(next.buffer)
    }
    return this.#view
  }
}

/**
 * Goes through a stream record by record and allocates nothing: after `next()` the fields of the record that `tag` names hold, the
 * others are left over. Throws JournalFormatError on anything that is not a record. The stream may be hostile: what a record *means*
 * (that inodes exist, names are valid, sizes are within limits) is the caller's to check.
 */
export class JournalCursor {
  readonly #bytes: Uint8Array
  readonly #view: DataView
  #next = 0
  tag: number = TAG.inode
  ino = 0
  kind: InodeKind = InodeKind.File
  mode = 0
  uid = 0
  gid = 0
  nlink = 0
  size = 0
  atimeSec = 0
  atimeNsec = 0
  mtimeSec = 0
  mtimeNsec = 0
  ctimeSec = 0
  ctimeNsec = 0
  keepChunks = 0
  dir = 0
  index = 0
  blob = 0
  offset = 0
  length = 0
  /** where the name, the target or the hash lies in the stream */
  from = 0
  to = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  }

  /** false at the end of the stream */
  next(): boolean {
    const p = this.#next
    if (p >= this.#bytes.length) return false
    const v = this.#view
    this.tag = this.#bytes[p]!
    switch (this.tag) {
      case TAG.inode:
        this.#need(p, INODE_BYTES)
        this.#inode(v, p)
        return true
      case TAG.entry:
        this.#need(p, 11)
        this.dir = v.getUint32(p + 1, true)
        this.ino = v.getUint32(p + 5, true)
        this.#string(p, p + 9)
        return true
      case TAG.forget:
        this.#need(p, 5)
        this.ino = v.getUint32(p + 1, true)
        return true
      case TAG.target:
        this.#need(p, 7)
        this.ino = v.getUint32(p + 1, true)
        this.#string(p, p + 5)
        return true
      case TAG.data:
        this.#need(p, 21)
        this.ino = v.getUint32(p + 1, true)
        this.index = v.getUint32(p + 5, true)
        this.blob = v.getUint32(p + 9, true)
        this.offset = v.getUint32(p + 13, true)
        this.length = v.getUint32(p + 17, true)
        return true
      case TAG.extent:
        this.#need(p, 49)
        this.ino = v.getUint32(p + 1, true)
        this.index = v.getUint32(p + 5, true)
        this.from = p + 9
        this.to = p + 41
        this.offset = v.getUint32(p + 41, true)
        this.length = v.getUint32(p + 45, true)
        return true
      default:
        throw new JournalFormatError(`unknown tag ${this.tag}`, p)
    }
  }

  #inode(v: DataView, p: number): void {
    const kind = v.getUint8(p + 5)
    if (kind < InodeKind.File || kind > InodeKind.Symlink) throw new JournalFormatError('bad kind', p)
    this.kind = kind as InodeKind
    this.ino = v.getUint32(p + 1, true)
    this.mode = v.getUint16(p + 6, true)
    if (this.mode > 0o7777) throw new JournalFormatError('bad mode', p)
    this.uid = v.getUint32(p + 8, true)
    this.gid = v.getUint32(p + 12, true)
    this.nlink = v.getUint32(p + 16, true)
    this.size = v.getFloat64(p + 20, true)
    if (!Number.isSafeInteger(this.size) || this.size < 0) throw new JournalFormatError('bad size', p)
    this.atimeSec = v.getFloat64(p + 28, true)
    this.atimeNsec = v.getUint32(p + 36, true)
    this.mtimeSec = v.getFloat64(p + 40, true)
    this.mtimeNsec = v.getUint32(p + 48, true)
    this.ctimeSec = v.getFloat64(p + 52, true)
    this.ctimeNsec = v.getUint32(p + 60, true)
    if (!isTime(this.atimeSec, this.atimeNsec) || !isTime(this.mtimeSec, this.mtimeNsec) || !isTime(this.ctimeSec, this.ctimeNsec))
      throw new JournalFormatError('bad time', p)
    this.keepChunks = v.getUint32(p + 64, true)
  }

  #string(p: number, at: number): void {
    const length = this.#view.getUint16(at, true)
    this.from = at + 2
    this.to = at + 2 + length
    this.#need(p, this.to - p)
  }

  /** Checks that the record at `p` has its bytes and goes on behind it. */
  #need(p: number, bytes: number): void {
    this.#next = p + bytes
    if (this.#next > this.#bytes.length) throw new JournalFormatError('cut off', p)
  }
}

const isTime = (sec: number, nsec: number): boolean => Number.isSafeInteger(sec) && nsec < 1e9

/** The records of a stream as objects; byte fields are copies. Throws as JournalCursor does. */
export function* readJournal(bytes: Uint8Array): Generator<JournalRecord, void, void> {
  const c = new JournalCursor(bytes)
  while (c.next()) {
    const { ino, index, offset, length } = c
    switch (c.tag) {
      case TAG.inode: {
        const { kind, mode, uid, gid, nlink, size, keepChunks } = c
        const atime = { sec: c.atimeSec, nsec: c.atimeNsec }
        const mtime = { sec: c.mtimeSec, nsec: c.mtimeNsec }
        const ctime = { sec: c.ctimeSec, nsec: c.ctimeNsec }
        yield { t: 'inode', ino, kind, mode, uid, gid, nlink, size, atime, mtime, ctime, keepChunks }
        break
      }
      case TAG.entry:
        yield { t: 'entry', dir: c.dir, ino, name: bytes.slice(c.from, c.to) }
        break
      case TAG.forget:
        yield { t: 'forget', ino }
        break
      case TAG.target:
        yield { t: 'target', ino, target: bytes.slice(c.from, c.to) }
        break
      case TAG.data:
        yield { t: 'data', ino, index, blob: c.blob, offset, length }
        break
      case TAG.extent:
        yield { t: 'extent', ino, index, hash: bytes.slice(c.from, c.to), offset, length }
        break
    }
  }
}
