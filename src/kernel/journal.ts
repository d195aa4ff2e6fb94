/**
 * The journal of a file system: what has changed since the last message, packed into messages for the broker, and what the
 * broker has made durable. It coalesces: an inode, a name or a chunk that changed often is sent once.
 * What a message held is the broker's from then on: after a failed commit it tries again with the next one, and nothing is sent twice.
 * Invariant: a chunk may only be evicted when the last message that held it is committed.
 */
import type { Clock } from './clock.ts'
import { AGAIN } from './errno.ts'
import type { Chunk } from './fs/chunk.ts'
import { type Held, MessagePacker } from './journal-message.ts'
import type { WaitQueue } from './process/wait-queue.ts'
import type { ByteString } from './vfs/byte-string.ts'
import type { Directory, Inode } from './vfs/inode.ts'

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

const POST_MS = 50
const CLOSE_MS = 5
/** With more than this under way, only barriers that someone waits for are posted. */
const UNDER_WAY_BYTES = 64 * 1024 * 1024

interface UnderWay extends Held {
  readonly seq: number
}

export class Journal {
  readonly #sink: JournalSink
  readonly #clock: Clock
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
    const packer = new MessagePacker(({ records, blobs, held, last }) => {
      const seq = ++this.#seq
      for (const chunk of held.chunks) chunk.seq = seq
      this.#underWay.push({ seq, ...held })
      this.#underWayBytes += held.bytes
      this.#atBarrier = last && barrier
      this.#sink.post({ seq, records, blobs, barrier: last && barrier, urgent: last && urgent })
    })
    this.#packInodes(packer)
    this.#packEntries(packer)
    const forgotten = this.#forgotten
    this.#forgotten = []
    for (const ino of forgotten) packer.forget(ino)
    this.#packChunks(packer)
    packer.finish()
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

  /** The messages up to `seq` could not be committed; the broker keeps them and tries again when it next commits. */
  failed(seq: number, errno: number): void {
    if (seq <= this.#committed || seq > this.#seq) return
    this.#failed = seq
    this.#failure = errno
    this.#wake()
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

  #packInodes(packer: MessagePacker): void {
    const inodes = this.#inodes
    this.#inodes = []
    for (const inode of inodes) {
      inode.touched = false
      if (inode.nlink === 0) continue
      inode.stored = true
      packer.inode(inode)
    }
  }

  /** A name that leads where it led at the last message is not sent. */
  #packEntries(packer: MessagePacker): void {
    const directories = this.#entries
    this.#entries = new Map()
    for (const [dir, names] of directories) {
      if (!dir.stored) continue
      for (const [name, prior] of names) {
        const now = dir.nlink === 0 ? undefined : dir.lookup(name)
        const ino = now && !now.volatile ? now.ino : 0
        if (ino !== prior) packer.entry(dir, name, ino)
      }
    }
  }

  #packChunks(packer: MessagePacker): void {
    const chunks = this.#chunks
    this.#chunks = []
    for (const chunk of chunks) {
      if (chunk.gone || !chunk.bytes || chunk.file.nlink === 0) continue
      chunk.dirty = false
      chunk.stored = true
      packer.chunk(chunk)
    }
  }
}
