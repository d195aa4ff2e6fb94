/**
 * Fills a MemFs: from the metadata that the broker keeps (record streams, later records win) or, for a new principal, with the
 * tree that every cell begins with. Content is not read here: a booted file's chunks are faulted in at first use.
 */
import { chunkCount, chunkOffset, JournalCursor, ROOT_INO, TAG } from '../../protocol/journal.ts'
import { O } from '../vfs/open-file.ts'
import { type ByteString, byteString, bytesOf, fromText } from '../vfs/byte-string.ts'
import type { Inode } from '../vfs/inode.ts'
import { Chunk } from './chunk.ts'
import { FAST_SYMLINK, MemDirectory, MemSymlink } from './mem-directory.ts'
import { BLOCK, chargeOf, MemFile } from './mem-file.ts'
import { type MemFs, USER_ID } from './mem-fs.ts'

/** Throws JournalFormatError when a stream is not one of records. Inodes that no name leads to are dropped and forgotten. */
export function loadMetadata(fs: MemFs, streams: readonly Uint8Array[]): void {
  const inodes = new Map<number, Inode>([[ROOT_INO, fs.root]])
  const names = new Names(inodes)
  for (const stream of streams) {
    const record = new JournalCursor(stream)
    while (record.next()) {
      const { ino } = record
      switch (record.tag) {
        case TAG.inode: {
          let inode = inodes.get(ino)
          if (!inode) inodes.set(ino, (inode = fs.newInode(record.kind, ino, record.mode)))
          setAttributes(inode, record)
          break
        }
        case TAG.entry:
          names.set(record.dir, byteString(stream, record.from, record.to), ino)
          break
        case TAG.forget:
          inodes.delete(ino)
          break
        case TAG.target: {
          const inode = inodes.get(ino)
          if (inode instanceof MemSymlink) inode.target = byteString(stream, record.from, record.to)
          break
        }
        case TAG.data: {
          const inode = inodes.get(ino)
          if (inode instanceof MemFile) markSparse(inode, record.index, record.length)
          break
        }
      }
    }
  }
  names.settle()
  adopt(fs, inodes)
}

/** Enters names into directories. A name may come before its inode. */
class Names {
  readonly #inodes: ReadonlyMap<number, Inode>
  #early: { readonly dir: MemDirectory; readonly name: ByteString; readonly ino: number }[] = []

  constructor(inodes: ReadonlyMap<number, Inode>) {
    this.#inodes = inodes
  }

  set(dirIno: number, name: ByteString, ino: number): void {
    const dir = this.#inodes.get(dirIno)
    if (!(dir instanceof MemDirectory)) return
    if (this.#early.length > 0) this.#early = this.#early.filter((entry) => entry.dir !== dir || entry.name !== name)
    const inode = ino === 0 ? undefined : this.#inodes.get(ino)
    if (inode) dir.children.set(name, inode)
    else dir.children.delete(name)
    if (!inode && ino !== 0) this.#early.push({ dir, name, ino })
  }

  settle(): void {
    for (const { dir, name, ino } of this.#early) {
      const inode = this.#inodes.get(ino)
      if (inode) dir.children.set(name, inode)
    }
  }
}

/** The file has holes, and this chunk. */
function markSparse(file: MemFile, index: number, length: number): void {
  file.sparse = true
  if (length > 0) file.chunks[index] = new Chunk(file, index, length, true)
}

function setAttributes(inode: Inode, record: JournalCursor): void {
  inode.mode = record.mode
  inode.uid = record.uid
  inode.gid = record.gid
  if (!(inode instanceof MemDirectory)) inode.size = record.size
  inode.atimeSec = record.atimeSec
  inode.atimeNsec = record.atimeNsec
  inode.mtimeSec = record.mtimeSec
  inode.mtimeNsec = record.mtimeNsec
  inode.ctimeSec = record.ctimeSec
  inode.ctimeNsec = record.ctimeNsec
}

/** Walks the tree from the root: names, link counts, quota. */
function adopt(fs: MemFs, inodes: ReadonlyMap<number, Inode>): void {
  let highest = ROOT_INO
  for (const [ino, inode] of inodes) {
    inode.nlink = 0
    inode.stored = true
    if (ino > highest) highest = ino
  }
  fs.nextIno = highest + 1
  fs.usedInodes = 0
  fs.usedBytes = 0
  fs.root.nlink = 2
  take(fs, fs.root)
  const left: MemDirectory[] = [fs.root]
  for (let dir = left.pop(); dir; dir = left.pop()) {
    for (const [name, inode] of dir.children) {
      inode.parent = dir
      inode.name = name
      if (inode instanceof MemDirectory) {
        dir.nlink++
        inode.nlink = 2
        left.push(inode)
      } else inode.nlink++
      take(fs, inode)
    }
  }
  for (const inode of inodes.values()) if (inode.nlink === 0) fs.journal?.forget(inode)
}

/** Charges one name and, at its first, the inode's content. */
function take(fs: MemFs, inode: Inode): void {
  fs.usedInodes++
  if (inode instanceof MemSymlink && inode.size > FAST_SYMLINK) fs.usedBytes += BLOCK
  if (!(inode instanceof MemFile) || inode.nlink !== 1) return
  inode.bootSize = inode.size
  inode.lowChunks = chunkCount(inode.size)
  inode.bootChunks = inode.sparse ? 0 : inode.lowChunks
  inode.charged = inode.sparse ? chargeOfChunks(inode) : chargeAtBoot(inode.size)
  fs.usedBytes += inode.charged
}

/** What the chunks of a file without holes are charged. */
function chargeAtBoot(size: number): number {
  const chunks = chunkCount(size)
  return chunks === 0 ? 0 : chunkOffset(chunks - 1) + chargeOf(size - chunkOffset(chunks - 1))
}

function chargeOfChunks(file: MemFile): number {
  let charge = 0
  file.chunks.forEach((chunk) => (charge += chargeOf(chunk!.length)))
  return charge
}

const SYSTEM_DIRECTORIES: readonly (readonly [path: string, mode: number])[] = [
  ['bin', 0o755],
  ['usr', 0o755],
  ['usr/bin', 0o755],
  ['usr/local', 0o755],
  ['usr/local/bin', 0o755],
  ['usr/lib', 0o755],
  ['usr/share', 0o755],
  ['home', 0o755],
  ['tmp', 0o1777],
  ['etc', 0o755],
  ['dev', 0o755],
  ['proc', 0o555],
  ['mnt', 0o755],
  ['var', 0o755],
  ['var/tmp', 0o1777],
  ['root', 0o700],
  ['opt', 0o755],
  ['lib', 0o755],
]

const SYSTEM_FILES: Readonly<Record<string, string>> = {
  'etc/passwd': 'root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000:user:/home/user:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/false\n',
  'etc/group': 'root:x:0:\nuser:x:1000:\nnogroup:x:65534:\n',
  'etc/hostname': 'tidepool\n',
  'etc/os-release': 'NAME="Tidepool"\nID=tidepool\nPRETTY_NAME="Tidepool"\n',
}

/** The tree of a new file system: the system's directories belong to root, /home/user to the user. */
export function makeSystemTree(fs: MemFs): void {
  fs.journal?.touch(fs.root)
  for (const [path, mode] of SYSTEM_DIRECTORIES) asRoot(makeDirectory(fs, path, mode))
  for (const [path, text] of Object.entries(SYSTEM_FILES)) {
    const slash = path.indexOf('/')
    const file = fs.create(fs.root.lookup(path.slice(0, slash)) as MemDirectory, path.slice(slash + 1), 0o644)
    asRoot(file)
    const open = file.open(O.WRONLY)
    open.write(bytesOf(fromText(text)))
    open.unref()
  }
  makeDirectory(fs, 'home/user', 0o755)
}

/** Makes the directory `path` (relative to the root); those above it exist. */
function makeDirectory(fs: MemFs, path: ByteString, mode: number): MemDirectory {
  let dir = fs.root
  const names = path.split('/')
  for (const name of names.slice(0, -1)) dir = dir.lookup(name) as MemDirectory
  return fs.mkdir(dir, names.at(-1)!, mode) as MemDirectory
}

function asRoot(inode: Inode): void {
  inode.uid = inode.gid = inode.uid === USER_ID ? 0 : inode.uid
}
