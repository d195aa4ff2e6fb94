/**
 * Fills a MemFs: from the metadata that the broker keeps (record streams, later records win) or, for a new principal, with the
 * tree that every cell begins with. Content is not read here: a booted file's chunks are faulted in at first use.
 */
import { chunkCount, chunkOffset, type InodeRecord, readJournal, ROOT_INO } from '../../protocol/journal.ts'
import { O } from '../vfs/open-file.ts'
import { type ByteString, byteString, bytesOf, fromText } from '../vfs/byte-string.ts'
import type { FileKind, Inode } from '../vfs/inode.ts'
import { Chunk } from './chunk.ts'
import { MemDirectory, MemSymlink } from './mem-directory.ts'
import { BLOCK, chargeOf, MemFile } from './mem-file.ts'
import { type MemFs, USER_ID } from './mem-fs.ts'

/** Throws JournalFormatError when a stream is not one of records. Inodes that no name leads to are dropped and forgotten. */
export function loadMetadata(fs: MemFs, streams: readonly Uint8Array[]): void {
  const inodes = new Map<number, Inode>([[ROOT_INO, fs.root]])
  /** names whose inode comes later */
  let early: { dir: MemDirectory; name: ByteString; ino: number }[] = []
  for (const stream of streams) {
    for (const record of readJournal(stream)) {
      switch (record.t) {
        case 'inode': {
          let inode = inodes.get(record.ino)
          if (!inode) inodes.set(record.ino, (inode = fs.newInode(record.kind as FileKind, record.ino, record.mode)))
          setAttributes(inode, record)
          break
        }
        case 'entry': {
          const dir = inodes.get(record.dir)
          if (!(dir instanceof MemDirectory)) break
          const name = byteString(record.name)
          if (early.length > 0) early = early.filter((entry) => entry.dir !== dir || entry.name !== name)
          const inode = record.ino === 0 ? undefined : inodes.get(record.ino)
          if (inode) dir.children.set(name, inode)
          else dir.children.delete(name)
          if (!inode && record.ino !== 0) early.push({ dir, name, ino: record.ino })
          break
        }
        case 'forget':
          inodes.delete(record.ino)
          break
        case 'target': {
          const inode = inodes.get(record.ino)
          if (inode instanceof MemSymlink) inode.target = byteString(record.target)
          break
        }
        case 'data': {
          const inode = inodes.get(record.ino)
          if (inode instanceof MemFile) markSparse(inode, record.index, record.length)
          break
        }
        case 'extent':
          break
      }
    }
  }
  for (const { dir, name, ino } of early) {
    const inode = inodes.get(ino)
    if (inode) dir.children.set(name, inode)
  }
  adopt(fs, inodes)
}

/** The file has holes, and this chunk. */
function markSparse(file: MemFile, index: number, length: number): void {
  file.sparse = true
  if (length > 0) file.chunks[index] = new Chunk(file, index, length, true)
}

function setAttributes(inode: Inode, record: InodeRecord): void {
  inode.mode = record.mode
  inode.uid = record.uid
  inode.gid = record.gid
  inode.size = record.size
  inode.atimeSec = record.atime.sec
  inode.atimeNsec = record.atime.nsec
  inode.mtimeSec = record.mtime.sec
  inode.mtimeNsec = record.mtime.nsec
  inode.ctimeSec = record.ctime.sec
  inode.ctimeNsec = record.ctime.nsec
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
  if (inode instanceof MemSymlink && inode.size > 60) fs.usedBytes += BLOCK
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
