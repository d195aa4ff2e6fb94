/**
 * What a store lies in: four tables of one principal, and one read-write transaction a commit. Implemented over IndexedDB,
 * SQLite and plain memory; tests/contract/tables.ts is what each of them must do.
 * Invariant: `commit` happens entirely or not at all, and only on top of the generation that it expects.
 */

/** The form of segments and heads; a store of another form is not opened. */
export const STORE_FORMAT = 1

/** A segment as a head names it. The digest is checked when the segment is read. */
export interface SegmentRef {
  readonly id: number
  readonly bytes: number
  /** SHA-256, hexadecimal */
  readonly sha256: string
}

/** One generation of a file system: a base (none before the first) and the deltas after it, oldest first. */
export interface Head {
  readonly gen: number
  readonly fmt: number
  readonly base: SegmentRef | null
  readonly deltas: readonly SegmentRef[]
  /** segment numbers below this one have been used */
  readonly nextSegment: number
}

export interface TablesChange {
  /** the generation that must be the head's now; 0 when there must be no head yet */
  readonly expect: number
  readonly head: Head
  readonly segments: readonly { readonly id: number; readonly bytes: Uint8Array }[]
  /** content by its SHA-256 in hexadecimal; one that is there already stays as it is */
  readonly chunks: readonly { readonly hash: string; readonly bytes: Uint8Array }[]
  readonly dropSegments: readonly number[]
  readonly dropChunks: readonly string[]
  /** strict: on the disk when commit returns; relaxed: survives the death of every process, not a power cut */
  readonly durability: 'strict' | 'relaxed'
}

export interface Tables {
  head(): Promise<Head | undefined>
  segment(id: number): Promise<Uint8Array | undefined>
  chunk(hash: string): Promise<Uint8Array | undefined>
  segmentIds(): Promise<number[]>
  chunkHashes(): Promise<string[]>
  /** copies of heads that are kept by name */
  snapshots(): Promise<ReadonlyMap<string, Head>>
  /** Throws TablesError and changes nothing when it cannot: `conflict` when the head has another generation. */
  commit(change: TablesChange): Promise<void>
  /** Gives up the writer's lock. Idempotent. */
  close(): Promise<void>
}

export type TablesFailure =
  /** another writer has committed */
  | 'conflict'
  /** no room */
  | 'quota'
  /** the database has been closed or deleted under us */
  | 'lost'
  /** someone else is the writer */
  | 'locked'
  | 'io'

export class TablesError extends Error {
  override readonly name = 'TablesError'
  readonly failure: TablesFailure

  constructor(failure: TablesFailure, message: string, options?: ErrorOptions) {
    super(message, options)
    this.failure = failure
  }
}
