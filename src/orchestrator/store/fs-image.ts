/**
 * The metadata of one file system as the store's head has it: inodes, names, and for each file where its content lies. Loaded
 * from segments, changed only by `fold` after a commit has succeeded; so it always equals the head.
 */
import { InodeKind, type InodeRecord, JournalWriter, readJournal, ROOT_INO } from '../../protocol/journal.ts'
import { nameOf, nameBytes } from './name.ts'
import type { Staging } from './staging.ts'

/** Chunk content: `length` bytes at `offset` of the stored content named `hash`. */
export interface Extent {
  readonly hash: string
  readonly offset: number
  readonly length: number
}

export interface ImageInode {
  record: InodeRecord
  /** how many directory entries name it */
  names: number
  /** where a directory is named; 0 for the root and for what has no name */
  parent: number
  parentName: string
  readonly entries: Map<string, number> | undefined
  target: Uint8Array | undefined
  readonly extents: Map<number, Extent>
  /** the sum of the extents' lengths */
  bytes: number
}

/** A part of a stored content that a file uses. */
export interface Lying {
  readonly ino: number
  readonly index: number
  readonly extent: Extent
}

/** Where the contents of a commit were put. */
export type Placement = ReadonlyMap<number, ReadonlyMap<number, Extent>>

const TIDY_FROM_BYTES = 64 * 1024

export class FsImage {
  readonly #inodes = new Map<number, ImageInode>()
  /** how many extents lie in each stored content */
  readonly #references = new Map<string, number>()
  #bytes = 0
  /** stored contents that nothing refers to any more, since the last look */
  #unreferenced = 0
  /** bytes that files have let go of since then */
  #released = 0

  get inodeCount(): number {
    return this.#inodes.size
  }
  get bytes(): number {
    return this.#bytes
  }
  /** Whether files have let go of enough for a look at what is still in use. */
  get isWorthTidying(): boolean {
    return this.#unreferenced > 0 || this.#released > TIDY_FROM_BYTES
  }
  clearReleased(): void {
    this.#unreferenced = 0
    this.#released = 0
  }

  inode(ino: number): ImageInode | undefined {
    return this.#inodes.get(ino)
  }
  isReferenced(hash: string): boolean {
    return this.#references.has(hash)
  }
  referenced(): Iterable<string> {
    return this.#references.keys()
  }
  inos(): Iterable<number> {
    return this.#inodes.keys()
  }

  /** Stored contents of which the files use less than half, as far as the places of what they use tell; with what they use. */
  sparse(): [hash: string, used: Lying[]][] {
    const stored = new Map<string, { used: Lying[]; live: number; end: number }>()
    for (const [ino, inode] of this.#inodes)
      for (const [index, extent] of inode.extents) {
        const of = stored.get(extent.hash) ?? { used: [], live: 0, end: 0 }
        of.used.push({ ino, index, extent })
        of.live += extent.length
        of.end = Math.max(of.end, extent.offset + extent.length)
        stored.set(extent.hash, of)
      }
    return [...stored].filter(([, { live, end }]) => live * 2 < end).map(([hash, { used }]) => [hash, used])
  }

  /** Inodes without a name: files that were open when their cell died. */
  orphans(): number[] {
    return [...this.#inodes].filter(([ino, inode]) => ino !== ROOT_INO && inode.names === 0).map(([ino]) => ino)
  }

  /** Applies one segment of the store. Names are counted by `finishLoad`, when all segments are in. */
  load(segment: Uint8Array): void {
    let last: { readonly bytes: Uint8Array; readonly hex: string } = { bytes: new Uint8Array(0), hex: '' }
    for (const record of readJournal(segment)) {
      switch (record.t) {
        case 'inode': {
          const inode = this.#create(record)
          for (const index of inode.extents.keys()) if (index >= record.keepChunks) inode.extents.delete(index)
          break
        }
        case 'entry': {
          const entries = this.#inodes.get(record.dir)?.entries
          if (record.ino === 0) entries?.delete(nameOf(record.name))
          else entries?.set(nameOf(record.name), record.ino)
          break
        }
        case 'forget':
          this.#inodes.delete(record.ino)
          break
        case 'target': {
          const inode = this.#inodes.get(record.ino)
          if (inode) inode.target = record.target
          break
        }
        case 'extent':
          // The files of one commit share a chunk: one string for all of them.
          if (!isSame(record.hash, last.bytes)) last = { bytes: record.hash, hex: hexOf(record.hash) }
          this.#inodes.get(record.ino)?.extents.set(record.index, {
            hash: last.hex,
            offset: record.offset,
            length: record.length,
          })
          break
        case 'data':
          throw new Error('Cannot read the store: a segment holds a data record')
      }
    }
  }

  finishLoad(): void {
    for (const [ino, inode] of this.#inodes) {
      for (const extent of inode.extents.values()) this.#refer(inode, extent)
      for (const [name, child] of inode.entries ?? []) {
        const named = this.#inodes.get(child)
        if (!named) {
          inode.entries?.delete(name)
          continue
        }
        named.names++
        named.parent = ino
        named.parentName = name
      }
    }
  }

  /** What a cell boots from: everything that a name leads to, without where contents lie; of files with holes, which chunks there are. */
  metadata(): Uint8Array<ArrayBuffer>[] {
    if (this.#inodes.size === 0) return []
    const writer = new JournalWriter()
    this.#encode(writer, (ino, inode) => ino === ROOT_INO || inode.names > 0)
    for (const [ino, inode] of this.#inodes) {
      if (inode.record.kind !== InodeKind.File || inode.names === 0 || inode.bytes === inode.record.size) continue
      if (inode.extents.size === 0) writer.data(ino, 0, 0, 0, 0)
      for (const [index, extent] of inode.extents) writer.data(ino, index, 0, 0, extent.length)
    }
    return [writer.take()]
  }

  /** The whole image as one segment. */
  base(): Uint8Array<ArrayBuffer> {
    const writer = new JournalWriter()
    this.#encode(writer, () => true)
    for (const [ino, inode] of this.#inodes)
      for (const [index, extent] of inode.extents) writer.extent(ino, index, bytesOfHex(extent.hash), extent.offset, extent.length)
    return writer.take()
  }

  #encode(writer: JournalWriter, include: (ino: number, inode: ImageInode) => boolean): void {
    for (const [ino, inode] of this.#inodes) {
      if (!include(ino, inode)) continue
      writer.inode({ ...inode.record, ino, keepChunks: 0 })
      if (inode.target) writer.target(ino, inode.target)
    }
    for (const [ino, inode] of this.#inodes) for (const [name, child] of inode.entries ?? []) writer.entry(ino, nameBytes(name), child)
  }

  /** Takes over what has been committed. */
  fold(staging: Staging, placement: Placement): void {
    for (const [ino, staged] of staging.inodes()) {
      if (staged.gone || staged.fresh) this.#remove(ino)
      if (staged.gone) continue
      const inode = staged.record ? this.#create(staged.record) : this.#inodes.get(ino)
      if (!inode) continue
      for (const [index, extent] of inode.extents) if (index >= staged.keep) this.#release(inode, index, extent)
      this.#place(inode, placement.get(ino) ?? [])
      if (staged.target) inode.target = staged.target
      for (const [name, child] of staged.entries)
        if (child === 0) inode.entries?.delete(name)
        else inode.entries?.set(name, child)
      inode.names = staged.names
      inode.parent = staged.parent
      inode.parentName = staged.parentName
    }
  }

  /** Takes over that contents have been moved. */
  relocate(placement: Placement): void {
    for (const [ino, extents] of placement) {
      const inode = this.#inodes.get(ino)
      if (inode) this.#place(inode, extents)
    }
  }

  #place(inode: ImageInode, extents: Iterable<readonly [number, Extent]>): void {
    for (const [index, extent] of extents) {
      const old = inode.extents.get(index)
      if (old) this.#release(inode, index, old)
      inode.extents.set(index, extent)
      this.#refer(inode, extent)
    }
  }

  #create(record: InodeRecord): ImageInode {
    const known = this.#inodes.get(record.ino)
    if (known && known.record.kind === record.kind) {
      known.record = record
      return known
    }
    const inode: ImageInode = {
      record,
      names: 0,
      parent: 0,
      parentName: '',
      entries: record.kind === InodeKind.Directory ? new Map<string, number>() : undefined,
      target: undefined,
      extents: new Map(),
      bytes: 0,
    }
    this.#inodes.set(record.ino, inode)
    return inode
  }

  #remove(ino: number): void {
    const inode = this.#inodes.get(ino)
    if (!inode) return
    for (const [index, extent] of inode.extents) this.#release(inode, index, extent)
    this.#inodes.delete(ino)
  }

  #refer(inode: ImageInode, extent: Extent): void {
    inode.bytes += extent.length
    this.#bytes += extent.length
    this.#references.set(extent.hash, (this.#references.get(extent.hash) ?? 0) + 1)
  }

  #release(inode: ImageInode, index: number, extent: Extent): void {
    inode.extents.delete(index)
    this.#released += extent.length
    inode.bytes -= extent.length
    this.#bytes -= extent.length
    const left = (this.#references.get(extent.hash) ?? 1) - 1
    if (left > 0) this.#references.set(extent.hash, left)
    else if (this.#references.delete(extent.hash)) this.#unreferenced++
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}

export function hexOf(bytes: Uint8Array): string {
  return bytes.toHex()
}
export function bytesOfHex(hex: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.fromHex(hex)
}
