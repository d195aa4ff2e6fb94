/**
 * Packs what a journal sends: records in the form of protocol/journal.ts, contents in blobs, the small ones together. When a message
 * is large enough it is emitted and the next one begun, so that no message is larger than the broker takes.
 */
import { chunkCount, InodeKind, JournalWriter } from '../protocol/journal.ts'
import type { Chunk } from './fs/chunk.ts'
import { MemSymlink } from './fs/mem-directory.ts'
import { MemFile } from './fs/mem-file.ts'
import { type ByteString, bytesOf } from './vfs/byte-string.ts'
import { type Directory, FileKind, type Inode } from './vfs/inode.ts'

const BLOB_BYTES = 1024 * 1024
const MESSAGE_BYTES = 4 * BLOB_BYTES

const RECORD_KIND: Partial<Record<FileKind, InodeKind>> = {
  [FileKind.File]: InodeKind.File,
  [FileKind.Directory]: InodeKind.Directory,
  [FileKind.Symlink]: InodeKind.Symlink,
}

/** The contents of a message. */
export interface Held {
  readonly chunks: Chunk[]
  bytes: number
}

export interface PackedMessage {
  readonly records: Uint8Array<ArrayBuffer>
  readonly blobs: readonly Uint8Array<ArrayBuffer>[]
  readonly held: Held
  readonly last: boolean
}

export class MessagePacker {
  readonly #emit: (message: PackedMessage) => void
  readonly #writer = new JournalWriter()
  #blobs: Uint8Array<ArrayBuffer>[] = []
  #small: Chunk[] = []
  #smallBytes = 0
  #held = emptyHeld()

  constructor(emit: (message: PackedMessage) => void) {
    this.#emit = emit
  }

  /** An inode as it is now; `keepChunks` is what its file has kept since its last record. */
  inode(inode: Inode): void {
    this.#writer.inode({
      ino: inode.ino,
      kind: RECORD_KIND[inode.kind]!,
      mode: inode.mode,
      uid: inode.uid,
      gid: inode.gid,
      nlink: inode.nlink,
      size: inode.kind === FileKind.Directory ? 0 : inode.size,
      atime: { sec: inode.atimeSec, nsec: inode.atimeNsec },
      mtime: { sec: inode.mtimeSec, nsec: inode.mtimeNsec },
      ctime: { sec: inode.ctimeSec, nsec: inode.ctimeNsec },
      keepChunks: inode instanceof MemFile ? inode.lowChunks : 0,
    })
    if (inode instanceof MemFile) inode.lowChunks = chunkCount(inode.size)
    else if (inode instanceof MemSymlink) this.#writer.target(inode.ino, bytesOf(inode.target))
    this.#cut()
  }

  /** The name leads to `ino` now; 0: to nothing. */
  entry(dir: Directory, name: ByteString, ino: number): void {
    this.#writer.entry(dir.ino, bytesOf(name), ino)
    this.#cut()
  }

  forget(ino: number): void {
    this.#writer.forget(ino)
    this.#cut()
  }

  /** Copies the chunk's content. */
  chunk(chunk: Chunk): void {
    const { length } = chunk
    this.#held.chunks.push(chunk)
    this.#held.bytes += length
    if (length >= BLOB_BYTES / 4) {
      this.#writer.data(chunk.file.ino, chunk.index, this.#blobs.length, 0, length)
      this.#blobs.push(chunk.bytes!.slice(0, length))
    } else {
      if (this.#smallBytes + length > BLOB_BYTES) this.#packSmall()
      this.#small.push(chunk)
      this.#smallBytes += length
    }
    this.#cut()
  }

  /** Emits the last message, however little is in it. */
  finish(): void {
    this.#send(true)
  }

  #cut(): void {
    if (this.#writer.length + this.#held.bytes >= MESSAGE_BYTES) this.#send(false)
  }

  #send(last: boolean): void {
    this.#packSmall()
    const message = { records: this.#writer.take(), blobs: this.#blobs, held: this.#held, last }
    this.#blobs = []
    this.#held = emptyHeld()
    this.#emit(message)
  }

  #packSmall(): void {
    if (this.#small.length === 0) return
    const blob = new Uint8Array(this.#smallBytes)
    let at = 0
    for (const chunk of this.#small) {
      blob.set(chunk.bytes!.subarray(0, chunk.length), at)
      this.#writer.data(chunk.file.ino, chunk.index, this.#blobs.length, at, chunk.length)
      at += chunk.length
    }
    this.#blobs.push(blob)
    this.#small = []
    this.#smallBytes = 0
  }
}

const emptyHeld = (): Held => ({ chunks: [], bytes: 0 })
