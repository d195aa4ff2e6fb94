/**
 * A cell's side of the journal, by hand: each method writes the records that a kernel would, `barrier` sends them.
 */
import { chunkCount, chunkOffset, InodeKind, JournalWriter } from '../../src/protocol/journal.ts'
import type { JournalMessage } from '../../src/orchestrator/store/store.ts'

export const utf8 = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)
const TIME = { sec: 1_790_000_000, nsec: 5 }

export class FakeCell {
  readonly writer = new JournalWriter()
  seq: number
  readonly #send: (message: JournalMessage) => void
  #blobs: Uint8Array[] = []
  #next = 2

  constructor(send: (message: JournalMessage) => void, seq: number) {
    this.#send = send
    this.seq = seq
  }

  /** The first `inodes` numbers are taken already. */
  skip(inodes: number): void {
    this.#next = Math.max(2, inodes + 1)
  }
  makeRoot(): void {
    this.#inode(1, InodeKind.Directory, 0, 0)
  }
  mkdir(dir: number, name: string, ino = this.#next++): number {
    this.#inode(ino, InodeKind.Directory, 0, 0)
    this.entry(dir, name, ino)
    return ino
  }
  create(dir: number, name: string, size: number): number {
    const ino = this.#next++
    this.#inode(ino, InodeKind.File, size, 0)
    this.entry(dir, name, ino)
    return ino
  }
  write(dir: number, name: string, content: Uint8Array): number {
    const ino = this.create(dir, name, content.length)
    for (let index = 0; index < chunkCount(content.length); index++)
      this.data(ino, index, content.subarray(chunkOffset(index), chunkOffset(index + 1)))
    return ino
  }
  symlink(dir: number, name: string, target: string): number {
    const ino = this.#next++
    this.#inode(ino, InodeKind.Symlink, target.length, 0)
    this.writer.target(ino, utf8(target))
    this.entry(dir, name, ino)
    return ino
  }
  /** A file's attributes; `keepChunks` of its chunks survive. */
  attributes(ino: number, size: number, keepChunks: number): void {
    this.#inode(ino, InodeKind.File, size, keepChunks)
  }
  truncate(ino: number, size: number, keepChunks: number): void {
    this.#inode(ino, InodeKind.File, size, keepChunks)
  }
  unlink(dir: number, name: string, ino: number): void {
    this.entry(dir, name, 0)
    this.writer.forget(ino)
  }
  entry(dir: number, name: string, ino: number): void {
    this.writer.entry(dir, utf8(name), ino)
  }
  data(ino: number, index: number, bytes: Uint8Array): void {
    this.writer.data(ino, index, this.#blobs.length, 0, bytes.length)
    this.#blobs.push(bytes.slice())
  }

  post(barrier = false, urgent = false): void {
    const blobs = this.#blobs
    this.#blobs = []
    this.#send({ seq: ++this.seq, records: this.writer.take(), blobs, barrier, urgent })
  }
  barrier(urgent = false): void {
    this.post(true, urgent)
  }

  #inode(ino: number, kind: 1 | 2 | 3, size: number, keepChunks: number): void {
    const mode = kind === InodeKind.Directory ? 0o755 : 0o644
    this.writer.inode({ ino, kind, mode, uid: 1000, gid: 1000, nlink: 1, size, atime: TIME, mtime: TIME, ctime: TIME, keepChunks })
  }
}
