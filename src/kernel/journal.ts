/**
 * The journal of a file system: what has changed since the last message, packed into messages for the broker, and what the
 * broker has made durable. It coalesces: an inode, a name or a chunk that changed often is sent once.
 * Invariant: what a message held is sent again if its commit fails; a chunk may only be evicted when its last message is committed.
 */
import { chunkCount, InodeKind, JournalWriter } from '../protocol/journal.ts'
import type { Clock } from './clock.ts'
import { AGAIN } from './errno.ts'
import type { Chunk } from './fs/chunk.ts'
import { MemSymlink } from './fs/mem-directory.ts'
import { MemFile } from './fs/mem-file.ts'
import type { WaitQueue } from './process/wait-queue.ts'
import { type ByteString, bytesOf } from './vfs/byte-string.ts'
import { type Directory, FileKind, type Inode } from './vfs/inode.ts'

export interface JournalMessage {
  readonly seq: number
  readonly records: Uint8Array<ArrayBuffer>
  readonly blobs: readonly Uint8Array<ArrayBuffer>[]
  readonly barrier: boolean
  readonly urgent: boolean
}
export interface JournalSink {
  /** The buffers are the receiver's. */
  post(message: JournalMessage): void
}
export interface FaultSource {
  /** Asks for a chunk of mount 0 (the cell's own) or of a host tree. `done` gets its bytes, which are then the kernel's, or an
   *  errno; it may be called at once. A chunk that the store does not know is empty bytes. */
  fault(mount: number, ino: number, index: number, done: (result: Uint8Array | number) => void): void
}

/** Content goes into blobs of up to this, and a message is closed when it holds four of them. */
const BLOB_BYTES = 1024 * 1024
const MESSAGE_BYTES = 4 * BLOB_BYTES
const POST_MS = 50
const CLOSE_MS = 5
/** With more than this under way, only barriers that someone waits for are posted. */
const UNDER_WAY_BYTES = 64 * 1024 * 1024
/** The prior state of a name that must be sent whatever it is now. */
const UNKNOWN = -1

interface UnderWay {
  readonly seq: number
  readonly bytes: number
  readonly inodes: readonly { readonly inode: Inode; readonly low: number }[]
  readonly entries: readonly { readonly dir: Directory; readonly name: ByteString }[]
  readonly forgotten: readonly number[]
  readonly chunks: readonly Chunk[]
}

const RECORD_KIND: Partial<Record<FileKind, InodeKind>> = {
  [FileKind.File]: InodeKind.File,
  [FileKind.Directory]: InodeKind.Directory,
  [FileKind.Symlink]: InodeKind.Symlink,
}

export class Journal {
  readonly #sink: JournalSink
  readonly #clock: Clock
  readonly #writer = new JournalWriter()
  #beforePost: () => void = () => {}
  #inodes: Inode[] = []
  #entries = new Map<Directory, Map<ByteString, number>>()
  #forgotten: number[] = []
  #chunks: Chunk[] = []
  #seq: number
  #committed: number
  #failed = 0
  #failure = 0
  /** the last message ended at a barrier */
  #atBarrier = true
  #lastPost = 0
  #underWay: UnderWay[] = []
  #underWayBytes = 0
  readonly #waiting = new Set<WaitQueue>()

  /** `seq`: the number of the first message minus one. */
  constructor(sink: JournalSink, clock: Clock, seq: number) {
    this.#sink = sink
    this.#clock = clock
    this.#seq = seq
    this.#committed = seq
  }

  /** The last message posted. */
  get seq(): number {
    return this.#seq
  }
  get isDirty(): boolean {
    return this.#inodes.length > 0 || this.#entries.size > 0 || this.#chunks.length > 0 || this.#forgotten.length > 0
  }

  beforePost(action: () => void): void {
    this.#beforePost = action
  }

  touch(inode: Inode): void {
    if (inode.touched || inode.volatile) return
    inode.touched = true
    this.#inodes.push(inode)
  }

  /** Called before the name changes; `prior` is the inode it leads to, or 0. */
  touchEntry(dir: Directory, name: ByteString, prior: number): void {
    let names = this.#entries.get(dir)
    if (!names) this.#entries.set(dir, (names = new Map()))
    if (!names.has(name)) names.set(name, prior)
  }

  touchChunk(chunk: Chunk): void {
    this.#chunks.push(chunk)
  }

  /** The inode is gone for good. */
  forget(inode: Inode): void {
    if (inode.stored) this.#forgotten.push(inode.ino)
  }

  /** Posts what is dirty. A barrier says that this is a consistent point; urgent, that someone waits for its commit. Returns the
   *  number of the last message: everything so far is durable when that one is. */
  post(barrier: boolean, urgent: boolean): number {
    this.#beforePost()
    const needed = (barrier && !this.#atBarrier) || (urgent && this.#seq > this.#committed)
    if (!this.isDirty && !needed) return this.#seq
    const inodes = this.#writeInodes()
    const entries = this.#writeEntries()
    const forgotten = this.#forgotten
    for (const ino of forgotten) this.#writer.forget(ino)
    this.#forgotten = []
    this.#postContent({ inodes, entries, forgotten }, barrier, urgent)
    this.#lastPost = this.#clock.monotonic()
    return this.#seq
  }

  /** At any system call, and from a timer: posts when the last message is more than 50 ms old. */
  tick(monotonic: number): void {
    if (this.#mayPost(monotonic, POST_MS)) this.post(false, false)
  }

  /** A written file was closed: a barrier, unless the last one is only just behind. */
  closed(): void {
    if (this.#mayPost(this.#clock.monotonic(), CLOSE_MS)) this.post(true, false)
  }

  /** 0: durable; AGAIN: not yet; else the errno that its commit failed with. */
  stateOf(seq: number): number {
    if (seq <= this.#failed && seq > this.#committed) return this.#failure
    return seq <= this.#committed ? 0 : AGAIN
  }

  /** `queue` is woken once, at the next commit or failure. */
  wakeWhenSettled(queue: WaitQueue): void {
    this.#waiting.add(queue)
  }

  committed(seq: number): void {
    if (seq <= this.#committed || seq > this.#seq) return
    this.#committed = seq
    for (const message of this.#takeUnderWay(seq)) {
      for (const chunk of message.chunks) if (chunk.seq <= seq) chunk.file.fs.memory.markClean(chunk)
    }
    this.#wake()
  }

  /** The messages up to `seq` are not in the store: what they held is dirty again. */
  failed(seq: number, errno: number): void {
    if (seq <= this.#committed || seq > this.#seq) return
    this.#failed = seq
    this.#failure = errno
    for (const message of this.#takeUnderWay(seq)) this.#redo(message)
    this.#wake()
  }

  #redo(message: UnderWay): void {
    for (const { inode, low } of message.inodes) {
      if (inode instanceof MemFile) inode.lowChunks = Math.min(inode.lowChunks, low)
      this.touch(inode)
    }
    for (const { dir, name } of message.entries) {
      let names = this.#entries.get(dir)
      if (!names) this.#entries.set(dir, (names = new Map()))
      names.set(name, UNKNOWN)
    }
    this.#forgotten.push(...message.forgotten)
    for (const chunk of message.chunks) {
      if (chunk.dirty || chunk.gone) continue
      chunk.dirty = true
      chunk.file.fs.memory.markDirty(chunk)
      this.#chunks.push(chunk)
    }
  }

  #mayPost(monotonic: number, after: number): boolean {
    return monotonic - this.#lastPost > after && this.#underWayBytes < UNDER_WAY_BYTES && this.isDirty
  }

  #wake(): void {
    const queues = [...this.#waiting]
    this.#waiting.clear()
    for (const queue of queues) queue.wakeAll()
  }

  #takeUnderWay(seq: number): UnderWay[] {
    let count = 0
    while (count < this.#underWay.length && this.#underWay[count]!.seq <= seq) this.#underWayBytes -= this.#underWay[count++]!.bytes
    return this.#underWay.splice(0, count)
  }

  #writeInodes(): { inode: Inode; low: number }[] {
    const sent: { inode: Inode; low: number }[] = []
    for (const inode of this.#inodes) {
      inode.touched = false
      if (inode.nlink === 0) continue
      const low = inode instanceof MemFile ? inode.lowChunks : 0
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
        keepChunks: low,
      })
      if (inode instanceof MemFile) inode.lowChunks = chunkCount(inode.size)
      else if (inode instanceof MemSymlink) this.#writer.target(inode.ino, bytesOf(inode.target))
      inode.stored = true
      sent.push({ inode, low })
    }
    this.#inodes = []
    return sent
  }

  #writeEntries(): { dir: Directory; name: ByteString }[] {
    const sent: { dir: Directory; name: ByteString }[] = []
    for (const [dir, names] of this.#entries) {
      if (!dir.stored) continue
      for (const [name, prior] of names) {
        const now = dir.nlink === 0 ? undefined : dir.lookup(name)
        const ino = now && !now.volatile ? now.ino : 0
        if (ino === prior) continue
        this.#writer.entry(dir.ino, bytesOf(name), ino)
        sent.push({ dir, name })
      }
    }
    this.#entries = new Map()
    return sent
  }

  #postContent(held: Pick<UnderWay, 'inodes' | 'entries' | 'forgotten'>, barrier: boolean, urgent: boolean): void {
    let blobs: Uint8Array<ArrayBuffer>[] = []
    let chunks: Chunk[] = []
    let small: Chunk[] = []
    let smallBytes = 0
    let bytes = 0
    const pack = (): void => {
      if (small.length === 0) return
      const blob = new Uint8Array(smallBytes)
      let at = 0
      for (const chunk of small) {
        blob.set(chunk.bytes!.subarray(0, chunk.length), at)
        this.#writer.data(chunk.file.ino, chunk.index, blobs.length, at, chunk.length)
        at += chunk.length
      }
      blobs.push(blob)
      small = []
      smallBytes = 0
    }
    const send = (isBarrier: boolean, isUrgent: boolean): void => {
      pack()
      const seq = ++this.#seq
      for (const chunk of chunks) chunk.seq = seq
      this.#underWay.push({ seq, bytes, chunks, ...held })
      this.#underWayBytes += bytes
      this.#atBarrier = isBarrier
      this.#sink.post({ seq, records: this.#writer.take(), blobs, barrier: isBarrier, urgent: isUrgent })
      held = { inodes: [], entries: [], forgotten: [] }
      blobs = []
      chunks = []
      bytes = 0
    }
    const dirty = this.#chunks
    this.#chunks = []
    for (const chunk of dirty) {
      if (chunk.gone || !chunk.bytes || chunk.file.nlink === 0) continue
      chunk.dirty = false
      chunk.stored = true
      chunks.push(chunk)
      bytes += chunk.length
      if (chunk.length >= BLOB_BYTES / 4) {
        blobs.push(chunk.bytes.slice(0, chunk.length) as Uint8Array<ArrayBuffer>)
        this.#writer.data(chunk.file.ino, chunk.index, blobs.length - 1, 0, chunk.length)
      } else {
        if (smallBytes + chunk.length > BLOB_BYTES) pack()
        small.push(chunk)
        smallBytes += chunk.length
      }
      if (bytes >= MESSAGE_BYTES) send(false, false)
    }
    send(barrier, urgent)
  }
}
