/**
 * A read-only tree out of zip archives whose entries are stored, so that a file is a part of the archive's bytes and nothing is unpacked.
 * Archives are added while the file system is in use. What the directory says is checked against the archive: overlapping or compressed
 * entries, zip64, names that leave the tree and names that come twice are refused as a whole.
 */
import { CENTRAL, CENTRAL_BYTES, END, END_BYTES, LOCAL, LOCAL_BYTES, STORED } from '../../protocol/zip-record.ts'
import { type ByteString, byteString } from '../vfs/byte-string.ts'
import { FileKind, FileSystem, Inode } from '../vfs/inode.ts'
import type { OpenFile } from '../vfs/open-file.ts'
import { FixedDirectory, OpenBytes } from './text-file.ts'

export class ArchiveError extends Error {}

interface Entry {
  readonly name: ByteString
  readonly bytes: Uint8Array
}

const ENCRYPTED = 1
const SEVERAL = 0xffff

export class ArchiveFs extends FileSystem {
  override readonly dev: number
  override readonly type = 'archivefs'
  override readonly root: FixedDirectory
  readonly #sec: number
  #nextIno = 2

  constructor(dev: number, sec: number) {
    super()
    this.dev = dev
    this.#sec = sec
    this.root = new FixedDirectory(this, 1, 0o755)
    this.root.setTime(sec, 0)
  }

  /** Puts an archive's files below `path`. Throws an ArchiveError; then nothing was added. */
  add(path: ByteString, archive: Uint8Array): void {
    const entries = readArchive(archive)
    this.#check(path, entries)
    const below = this.#directory(this.root, path)
    for (const { name, bytes } of entries) {
      const slash = name.lastIndexOf('/')
      const directory = slash < 0 ? below : this.#directory(below, name.slice(0, slash))
      const file = directory.add(name.slice(slash + 1), new ArchiveFile(this, this.#nextIno++, bytes))
      file.setTime(this.#sec, 0)
    }
  }

  /** No name may come twice, or be a file here and a directory there: in the archive, or in what was added before. */
  #check(path: ByteString, entries: readonly Entry[]): void {
    const below = this.#existing(this.root, path)
    const names = new Set<ByteString>()
    const directories = new Map<ByteString, FixedDirectory | undefined>()
    for (const { name } of entries) {
      if (names.has(name)) throw new ArchiveError(`"${name}" is there twice`)
      names.add(name)
      for (let slash = name.indexOf('/'); slash >= 0; slash = name.indexOf('/', slash + 1)) {
        const parent = name.slice(0, slash)
        if (!directories.has(parent)) directories.set(parent, below && this.#existing(below, parent))
      }
      const slash = name.lastIndexOf('/')
      const parent = slash < 0 ? below : directories.get(name.slice(0, slash))
      if (parent?.lookup(name.slice(slash + 1)) instanceof FixedDirectory) throw new ArchiveError(`"${name}" is a directory`)
    }
    for (const name of directories.keys()) if (names.has(name)) throw new ArchiveError(`"${name}" is a file and a directory`)
  }

  /** The directory at a path, where it is there already. */
  #existing(from: FixedDirectory, path: ByteString): FixedDirectory | undefined {
    let directory = from
    for (const name of path.split('/').filter((part) => part !== '')) {
      const known = directory.lookup(name)
      if (!known) return undefined
      if (!(known instanceof FixedDirectory)) throw new ArchiveError(`"${name}" is a file`)
      directory = known
    }
    return directory
  }

  #directory(from: FixedDirectory, path: ByteString): FixedDirectory {
    let directory = from
    for (const name of path.split('/').filter((part) => part !== '')) {
      const known = directory.lookup(name) as FixedDirectory | undefined
      directory = known ?? directory.add(name, new FixedDirectory(this, this.#nextIno++, 0o755))
      directory.setTime(this.#sec, 0)
    }
    return directory
  }
}

class ArchiveFile extends Inode {
  readonly #bytes: Uint8Array

  constructor(fs: FileSystem, ino: number, bytes: Uint8Array) {
    super(fs, ino, FileKind.File, 0o644)
    this.#bytes = bytes
    this.size = bytes.length
  }
  override open(flags: number): OpenFile {
    return new OpenBytes(this, flags, this.#bytes)
  }
}

/** The files of an archive; directories follow from their names. */
function readArchive(archive: Uint8Array): Entry[] {
  const view = new DataView(archive.buffer, archive.byteOffset, archive.byteLength)
  const end = archive.length - END_BYTES
  if (end < 0 || view.getUint32(end, true) !== END) throw new ArchiveError('no zip archive, or one with a comment')
  const count = view.getUint16(end + 10, true)
  const size = view.getUint32(end + 12, true)
  const start = view.getUint32(end + 16, true)
  if (count === SEVERAL || view.getUint16(end + 4, true) !== 0 || start + size !== end) throw new ArchiveError('not a plain zip archive')
  const entries: Entry[] = []
  let at = start
  let free = 0
  for (let i = 0; i < count; i++) {
    if (at + CENTRAL_BYTES > end || view.getUint32(at, true) !== CENTRAL) throw new ArchiveError('its directory is damaged')
    const nameLength = view.getUint16(at + 28, true)
    const next = at + CENTRAL_BYTES + nameLength + view.getUint16(at + 30, true) + view.getUint16(at + 32, true)
    if (next > end) throw new ArchiveError('its directory is damaged')
    const name = byteString(archive, at + CENTRAL_BYTES, at + CENTRAL_BYTES + nameLength)
    const length = view.getUint32(at + 24, true)
    if (view.getUint16(at + 8, true) & ENCRYPTED) throw new ArchiveError(`"${name}" is encrypted`)
    if (view.getUint16(at + 10, true) !== STORED || view.getUint32(at + 20, true) !== length)
      throw new ArchiveError(`"${name}" is compressed`)
    const local = view.getUint32(at + 42, true)
    if (local < free || local + LOCAL_BYTES > start || view.getUint32(local, true) !== LOCAL) throw new ArchiveError(`"${name}" is damaged`)
    const from = local + LOCAL_BYTES + view.getUint16(local + 26, true) + view.getUint16(local + 28, true)
    if (from + length > start) throw new ArchiveError(`"${name}" is cut`)
    free = from + length
    if (!name.endsWith('/')) entries.push({ name: checked(name), bytes: archive.subarray(from, free) })
    at = next
  }
  if (at !== end) throw new ArchiveError('its directory is damaged')
  return entries
}

function checked(name: ByteString): ByteString {
  const bad = name.startsWith('/') || name.includes('\\') || name.includes('\0')
  if (bad || name.split('/').some((part) => part === '' || part === '.' || part === '..'))
    throw new ArchiveError(`"${name}" leaves the tree`)
  return name
}
