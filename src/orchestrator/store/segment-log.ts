/**
 * The durable side of a store: the head with its base and deltas, the image that they make up, and the contents. Everything here is one
 * transaction a change, on top of the generation that was read; whoever calls takes care that one change is under way at a time.
 * Invariant: the image equals the head in the tables.
 */
import { JournalWriter } from '../../protocol/journal.ts'
import { type Extent, FsImage, hexOf } from './fs-image.ts'
import { pack, type Piece } from './pack.ts'
import { type Staging, writeExtents } from './staging.ts'
import { type Head, type SegmentRef, STORE_FORMAT, type Tables, type TablesChange, TablesError } from './tables.ts'

/** Content that cannot be given: it is missing or not what its name says. The cell answers EIO for that file. */
export class ContentError extends Error {
  override readonly name = 'ContentError'
}

type Sha256 = (bytes: Uint8Array) => Promise<Uint8Array>

const CACHED_CHUNKS = 8
const REWRITE_FROM_BYTES = 256 * 1024
const REWRITE_FROM_DELTAS = 256
/** How many sparse chunks are laid together at a time. */
const REPACK_CHUNKS = 64
const EMPTY: Head = { gen: 0, fmt: STORE_FORMAT, base: null, deltas: [], nextSegment: 1 }

export class SegmentLog {
  readonly image: FsImage
  readonly #tables: Tables
  readonly #sha256: Sha256
  #head: Head
  #isLost = false
  readonly #cache = new Map<string, Uint8Array>()

  private constructor(tables: Tables, sha256: Sha256, head: Head, image: FsImage) {
    this.#tables = tables
    this.#sha256 = sha256
    this.#head = head
    this.image = image
  }

  /** Reads the head and its segments. Throws TablesError `io` when they are damaged or of another form. */
  static async open(tables: Tables, sha256: Sha256): Promise<SegmentLog> {
    const head = (await tables.head()) ?? EMPTY
    if (head.fmt !== STORE_FORMAT)
      throw new TablesError('io', `Cannot open the store: its form is ${head.fmt}, this version reads ${STORE_FORMAT}`)
    return new SegmentLog(tables, sha256, head, await readImage(tables, sha256, head))
  }

  get generation(): number {
    return this.#head.gen
  }
  /** Another writer has committed, or the tables are gone: nothing can be committed any more, and the image is out of date. */
  get isLost(): boolean {
    return this.#isLost
  }
  get isWorthTidying(): boolean {
    return this.#isOutgrown || this.image.isWorthTidying
  }

  /** Commits what is staged; the image has it afterwards. Throws TablesError, and nothing has changed. */
  async commit(staging: Staging, durability: TablesChange['durability']): Promise<void> {
    const { placement, chunks } = await pack(pieces(staging), this.#sha256)
    const fresh = chunks.filter(({ hash }) => !this.image.isReferenced(hash))
    await this.#append(staging.encode(placement), fresh, durability)
    this.image.fold(staging, placement)
  }

  /** Throws ContentError when the content is missing or damaged, TablesError when it cannot be read. */
  async content({ hash, offset, length }: Extent): Promise<Uint8Array> {
    const chunk = await this.#chunk(hash)
    if (offset + length > chunk.length) throw new ContentError('Cannot read content: its chunk is too short')
    return chunk.slice(offset, offset + length)
  }

  /** Lays sparse contents together, writes a new base if the deltas have outgrown the old one, drops what no head reaches. */
  async tidy(): Promise<void> {
    await this.#repack()
    if (this.#isOutgrown) await this.#rewrite()
    await this.#collect()
  }

  close(): Promise<void> {
    return this.#tables.close()
  }

  get #isOutgrown(): boolean {
    const { base, deltas } = this.#head
    const bytes = deltas.reduce((sum, delta) => sum + delta.bytes, 0)
    return deltas.length > REWRITE_FROM_DELTAS || bytes > Math.max(base?.bytes ?? 0, REWRITE_FROM_BYTES)
  }

  async #append(delta: Uint8Array, chunks: TablesChange['chunks'], durability: TablesChange['durability']): Promise<void> {
    const ref = await this.#segmentRef(delta)
    // A commit that is asked for durability only has no delta.
    const segments = delta.length > 0 ? [{ id: ref.id, bytes: delta }] : []
    const deltas = delta.length > 0 ? [...this.#head.deltas, ref] : this.#head.deltas
    await this.#change({ deltas, nextSegment: ref.id + 1 }, { segments, chunks, durability })
  }

  /** What is left of sparse chunks; the collection then drops them. One that is damaged stays as it is. */
  async #repack(): Promise<void> {
    const left: Piece[] = []
    for (const [hash, used] of this.image.sparse().slice(0, REPACK_CHUNKS)) {
      const chunk = await this.#chunk(hash).catch(() => undefined)
      if (!chunk) continue
      for (const { ino, index, extent } of used) left.push({ ino, index, bytes: chunk.slice(extent.offset, extent.offset + extent.length) })
    }
    if (left.length === 0) return
    const { placement, chunks } = await pack(left, this.#sha256)
    const writer = new JournalWriter()
    writeExtents(writer, placement)
    await this.#append(writer.take(), chunks, 'relaxed')
    this.image.relocate(placement)
  }

  async #rewrite(): Promise<void> {
    const bytes = this.image.base()
    const base = await this.#segmentRef(bytes)
    await this.#change({ base, deltas: [], nextSegment: base.id + 1 }, { segments: [{ id: base.id, bytes }] })
  }

  async #collect(): Promise<void> {
    const segments = new Set(refsOf(this.#head).map((ref) => ref.id))
    const chunks = new Set(this.image.referenced())
    for (const head of (await this.#tables.snapshots()).values()) {
      for (const ref of refsOf(head)) segments.add(ref.id)
      for (const hash of (await readImage(this.#tables, this.#sha256, head)).referenced()) chunks.add(hash)
    }
    const dropSegments = (await this.#tables.segmentIds()).filter((id) => !segments.has(id))
    const dropChunks = (await this.#tables.chunkHashes()).filter((hash) => !chunks.has(hash))
    this.image.clearReleased()
    if (dropSegments.length === 0 && dropChunks.length === 0) return
    await this.#change({}, { dropSegments, dropChunks })
    for (const hash of dropChunks) this.#cache.delete(hash)
  }

  /** One transaction: the next generation of the head, and what goes with it. */
  async #change(head: Partial<Head>, rest: Partial<TablesChange>): Promise<void> {
    const next: Head = { ...this.#head, ...head, gen: this.#head.gen + 1 }
    const nothing = { segments: [], chunks: [], dropSegments: [], dropChunks: [], durability: 'relaxed' } as const
    try {
      await this.#tables.commit({ ...nothing, ...rest, expect: this.#head.gen, head: next })
    } catch (error) {
      const failure = error instanceof TablesError ? error : new TablesError('io', 'Cannot commit', { cause: error })
      this.#isLost ||= failure.failure === 'conflict' || failure.failure === 'lost'
      throw failure
    }
    this.#head = next
  }

  async #segmentRef(bytes: Uint8Array): Promise<SegmentRef> {
    return { id: this.#head.nextSegment, bytes: bytes.length, sha256: hexOf(await this.#sha256(bytes)) }
  }

  async #chunk(hash: string): Promise<Uint8Array> {
    const cached = this.#cache.get(hash)
    if (cached) return cached
    const bytes = await this.#tables.chunk(hash)
    if (!bytes) throw new ContentError('Cannot read content: its chunk is missing')
    if (hexOf(await this.#sha256(bytes)) !== hash) throw new ContentError('Cannot read content: its chunk is damaged')
    this.#cache.set(hash, bytes)
    const [oldest] = this.#cache.keys()
    if (this.#cache.size > CACHED_CHUNKS && oldest !== undefined) this.#cache.delete(oldest)
    return bytes
  }
}

const refsOf = (head: Head): SegmentRef[] => (head.base ? [head.base, ...head.deltas] : [...head.deltas])

function* pieces(staging: Staging): Generator<Piece> {
  for (const [ino, staged] of staging.inodes()) for (const [index, bytes] of staged.content) yield { ino, index, bytes }
}

async function readImage(tables: Tables, sha256: Sha256, head: Head): Promise<FsImage> {
  const image = new FsImage()
  for (const ref of refsOf(head)) {
    const bytes = await tables.segment(ref.id)
    if (!bytes) throw new TablesError('io', `Cannot open the store: segment ${ref.id} is missing`)
    if (hexOf(await sha256(bytes)) !== ref.sha256) throw new TablesError('io', `Cannot open the store: segment ${ref.id} is damaged`)
    image.load(bytes)
  }
  image.finishLoad()
  return image
}
