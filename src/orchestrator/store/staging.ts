/**
 * What cells have sent since the last commit, as changes over the image. Every record is hostile: `apply` checks that a group of
 * records (up to a barrier) makes sense and throws StoreViolation if it does not; a staging that threw is thrown away.
 * Invariant: after `apply` the tree is whole: names lead to inodes, a directory has one name and no cycle, quotas hold.
 */
import {
  chunkCapacity,
  chunkCount,
  InodeKind,
  type InodeRecord,
  type JournalRecord,
  JournalFormatError,
  JournalWriter,
  MAX_FILE_BYTES,
  readJournal,
  ROOT_INO,
} from '../../protocol/journal.ts'
import type { Limits } from '../../protocol/limits.ts'
import { bytesOfHex, type FsImage, type Placement } from './fs-image.ts'
import { isName, nameBytes, nameOf } from './name.ts'

/** A journal message's content: records, and the blobs that its `data` records cut from. */
export interface JournalPart {
  readonly records: Uint8Array
  readonly blobs: readonly Uint8Array[]
}

/** A cell has sent what no honest cell sends. */
export class StoreViolation extends Error {
  override readonly name = 'StoreViolation'
}

export interface StagedInode {
  /** new attributes; undefined: the image's hold */
  record: InodeRecord | undefined
  /** the image's chunks below this index survive */
  keep: number
  /** it does not continue the image's inode of this number */
  fresh: boolean
  gone: boolean
  names: number
  parent: number
  parentName: string
  children: number
  readonly entries: Map<string, number>
  target: Uint8Array | undefined
  readonly content: Map<number, Uint8Array>
  bytes: number
}

export class Staging {
  readonly #image: FsImage
  readonly #limits: Limits
  readonly #staged = new Map<number, StagedInode>()
  /** the groups that are in, so that a staging can be made again without one that failed */
  readonly groups: (readonly JournalPart[])[] = []
  #inodeCount: number
  #bytes: number

  constructor(image: FsImage, limits: Limits) {
    this.#image = image
    this.#limits = limits
    this.#inodeCount = image.inodeCount
    this.#bytes = image.bytes
  }

  get isEmpty(): boolean {
    return this.#staged.size === 0
  }
  inodes(): Iterable<[number, StagedInode]> {
    return this.#staged
  }
  content(ino: number, index: number): Uint8Array | undefined {
    return this.#staged.get(ino)?.content.get(index)
  }
  /** Whether the image's chunk `index` of `ino` has been cut off or replaced. */
  hides(ino: number, index: number): boolean {
    const staged = this.#staged.get(ino)
    return staged !== undefined && (staged.gone || staged.fresh || index >= staged.keep)
  }

  apply(group: readonly JournalPart[]): void {
    const touched = new Set<number>()
    for (const part of group) for (const record of records(part.records)) this.#applyOne(record, part, touched)
    const rooted = new Set([0, ROOT_INO])
    for (const ino of touched) this.#settle(ino, rooted)
    if (this.#inodeCount > this.#limits.fsInodes) violate(`more than ${this.#limits.fsInodes} inodes`)
    if (this.#bytes > this.#limits.fsBytes) violate(`more than ${this.#limits.fsBytes} bytes`)
    if (!this.#look(ROOT_INO)) violate('there is no root directory')
    this.groups.push(group)
  }

  /** Takes inodes out that no name leads to any more, after their cell has gone. */
  dropOrphans(orphans: Iterable<number>): void {
    const nameless = new Set(orphans)
    for (const [ino, staged] of this.#staged) {
      if (ino === ROOT_INO || staged.gone) nameless.delete(ino)
      else if (staged.names === 0) nameless.add(ino)
      else nameless.delete(ino)
    }
    for (const ino of nameless) this.#forget(this.#stage(ino), ino)
  }

  /** The delta that a commit writes, given where its contents have been put. */
  encode(placement: Placement): Uint8Array<ArrayBuffer> {
    const writer = new JournalWriter()
    for (const [ino, staged] of this.#staged) if ((staged.gone || staged.fresh) && this.#image.inode(ino)) writer.forget(ino)
    for (const [ino, staged] of this.#staged) {
      if (staged.gone) continue
      if (staged.record) writer.inode({ ...staged.record, ino, keepChunks: Math.min(staged.keep, 0xffff_ffff) })
      if (staged.target) writer.target(ino, staged.target)
    }
    for (const [ino, staged] of this.#staged)
      if (!staged.gone) for (const [name, child] of staged.entries) writer.entry(ino, nameBytes(name), child)
    writeExtents(writer, placement)
    return writer.take()
  }

  #applyOne(record: JournalRecord, part: JournalPart, touched: Set<number>): void {
    switch (record.t) {
      case 'inode':
        this.#applyInode(record)
        touched.add(record.ino)
        break
      case 'entry':
        this.#applyEntry(record.dir, record.name, record.ino, touched)
        break
      case 'forget':
        if (record.ino === ROOT_INO) violate('the root directory is forgotten')
        if (!this.#look(record.ino)) violate(`inode ${record.ino} is forgotten and does not exist`)
        this.#forget(this.#stage(record.ino), record.ino)
        touched.add(record.ino)
        break
      case 'target':
        if (this.#kind(record.ino) !== InodeKind.Symlink) violate(`inode ${record.ino} has a target and is no symlink`)
        if (record.target.length === 0 || record.target.length > this.#limits.pathBytes) violate('a target of forbidden length')
        this.#stage(record.ino).target = record.target
        touched.add(record.ino)
        break
      case 'data': {
        const blob = part.blobs[record.blob]
        if (this.#kind(record.ino) !== InodeKind.File) violate(`inode ${record.ino} has content and is no file`)
        if (record.index >= chunkCount(MAX_FILE_BYTES) || record.length > chunkCapacity(record.index)) violate('a chunk beyond its place')
        if (!blob || record.offset + record.length > blob.length) violate('a chunk beyond its blob')
        this.#stage(record.ino).content.set(record.index, blob.subarray(record.offset, record.offset + record.length))
        touched.add(record.ino)
        break
      }
      case 'extent':
        violate('a cell names stored content')
    }
  }

  #applyInode(record: InodeRecord): void {
    if (record.ino === 0) violate('inode 0')
    if (record.ino === ROOT_INO && record.kind !== InodeKind.Directory) violate('the root is no directory')
    const kind = this.#kind(record.ino)
    if (kind !== undefined && kind !== record.kind) violate(`inode ${record.ino} changes its kind`)
    const staged = this.#stage(record.ino)
    if (kind === undefined) {
      staged.gone = false
      this.#inodeCount++
    }
    staged.record = record
    staged.keep = Math.min(staged.keep, record.keepChunks)
    for (const index of staged.content.keys()) if (index >= record.keepChunks) staged.content.delete(index)
  }

  #applyEntry(dir: number, nameRaw: Uint8Array, ino: number, touched: Set<number>): void {
    if (this.#kind(dir) !== InodeKind.Directory) violate(`inode ${dir} has entries and is no directory`)
    if (!isName(nameRaw, this.#limits.nameBytes)) violate('a forbidden name')
    if (ino === ROOT_INO || ino === dir) violate('a directory inside itself')
    const name = nameOf(nameRaw)
    const directory = this.#stage(dir)
    const before = directory.entries.get(name) ?? (directory.fresh ? 0 : (this.#image.inode(dir)?.entries?.get(name) ?? 0))
    if (before === ino) return
    if (ino !== 0 && !this.#look(ino)) violate(`a name leads to inode ${ino}, which does not exist`)
    if (before !== 0) this.#unname(before, dir, name, touched)
    directory.entries.set(name, ino)
    directory.children += (ino === 0 ? 0 : 1) - (before === 0 ? 0 : 1)
    touched.add(dir)
    if (ino === 0) return
    const named = this.#stage(ino)
    named.names++
    named.parent = dir
    named.parentName = name
    touched.add(ino)
  }

  #unname(ino: number, dir: number, name: string, touched: Set<number>): void {
    const staged = this.#stage(ino)
    staged.names--
    touched.add(ino)
    if (staged.parent !== dir || staged.parentName !== name) return
    staged.parent = 0
    staged.parentName = ''
  }

  #forget(staged: StagedInode, ino: number): void {
    if (!staged.gone) this.#inodeCount--
    this.#bytes -= staged.bytes
    const { names, children } = staged
    this.#staged.set(ino, { ...fresh(), gone: true, names, children })
  }

  /** Checks what a group has left behind at one inode, and counts its bytes. `rooted`: directories that are known to end at the root. */
  #settle(ino: number, rooted: Set<number>): void {
    const staged = this.#stage(ino)
    if (staged.gone) {
      if (staged.names !== 0) violate(`inode ${ino} is forgotten and has a name`)
      if (staged.children !== 0) violate(`directory ${ino} is forgotten and not empty`)
      return
    }
    const kind = this.#kind(ino)
    if (kind === undefined) violate(`inode ${ino} has no attributes`)
    if (kind === InodeKind.Directory) this.#settleDirectory(ino, staged, rooted)
    if (kind === InodeKind.Symlink && !staged.target && (staged.fresh || !this.#image.inode(ino)?.target))
      violate(`symlink ${ino} has no target`)
    const bytes = this.#bytesOf(ino, staged)
    this.#bytes += bytes - staged.bytes
    staged.bytes = bytes
  }

  #settleDirectory(ino: number, staged: StagedInode, rooted: Set<number>): void {
    if (staged.names > 1) violate(`directory ${ino} has two names`)
    if (staged.names === 1 && staged.parent === 0) violate(`directory ${ino} has a name that nobody knows`)
    if (staged.names === 0 && staged.children !== 0 && ino !== ROOT_INO) violate(`directory ${ino} has no name and is not empty`)
    // Each directory is passed once a group, so that a deep tree costs no more than a wide one.
    const passed = new Set<number>()
    for (let above = ino; !rooted.has(above); above = this.#parentOf(above)) {
      if (passed.has(above)) violate(`directory ${ino} is below itself`)
      passed.add(above)
    }
    for (const above of passed) rooted.add(above)
  }

  #parentOf(ino: number): number {
    return this.#staged.get(ino)?.parent ?? this.#image.inode(ino)?.parent ?? 0
  }

  #bytesOf(ino: number, staged: StagedInode): number {
    let bytes = 0
    for (const content of staged.content.values()) bytes += content.length
    if (!staged.fresh)
      for (const [index, extent] of this.#image.inode(ino)?.extents ?? [])
        if (index < staged.keep && !staged.content.has(index)) bytes += extent.length
    return bytes
  }

  #look(ino: number): InodeRecord | undefined {
    const staged = this.#staged.get(ino)
    if (staged?.gone) return undefined
    return staged?.record ?? (staged?.fresh ? undefined : this.#image.inode(ino)?.record)
  }

  #kind(ino: number): InodeRecord['kind'] | undefined {
    return this.#look(ino)?.kind
  }

  #stage(ino: number): StagedInode {
    let staged = this.#staged.get(ino)
    if (staged) return staged
    const inode = this.#image.inode(ino)
    staged = fresh()
    if (inode) {
      staged.fresh = false
      staged.keep = Infinity
      staged.names = inode.names
      staged.parent = inode.parent
      staged.parentName = inode.parentName
      staged.children = inode.entries?.size ?? 0
      staged.bytes = inode.bytes
    }
    this.#staged.set(ino, staged)
    return staged
  }
}

export function writeExtents(writer: JournalWriter, placement: Placement): void {
  for (const [ino, extents] of placement)
    for (const [index, extent] of extents) writer.extent(ino, index, bytesOfHex(extent.hash), extent.offset, extent.length)
}

function fresh(): StagedInode {
  return {
    record: undefined,
    keep: 0,
    fresh: true,
    gone: false,
    names: 0,
    parent: 0,
    parentName: '',
    children: 0,
    entries: new Map(),
    target: undefined,
    content: new Map(),
    bytes: 0,
  }
}

function* records(bytes: Uint8Array): Generator<JournalRecord> {
  try {
    yield* readJournal(bytes)
  } catch (error) {
    if (error instanceof JournalFormatError || error instanceof RangeError) violate(error.message)
    throw error
  }
}

function violate(what: string): never {
  throw new StoreViolation(`Cannot take the journal: ${what}`)
}
