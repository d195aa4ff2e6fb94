/**
 * A run's output as an answer holds it: the first part of it is returned, more is kept for a file of the sandbox, and beyond
 * that nobody reads any more, which is a limit and said so (limits outputReturnedBytes and outputKeptBytes, of both streams together).
 */
import { joinedBytes } from '../protocol/joined-bytes.ts'
import type { Limits } from '../protocol/limits.ts'

export interface StreamCut {
  readonly fd: 1 | 2
  /** everything that came, and how much of it `returned` gives */
  readonly bytes: number
  readonly limit: number
}

export class CollectedOutput {
  readonly #limits: Limits
  readonly #pieces: Record<1 | 2, Uint8Array[]> = { 1: [], 2: [] }
  readonly #returned: Record<1 | 2, number> = { 1: 0, 2: 0 }
  readonly #kept: Record<1 | 2, number> = { 1: 0, 2: 0 }
  #limit: number
  /** more came than is kept */
  isOver = false

  constructor(limits: Limits, returnedBytes = limits.outputReturnedBytes) {
    this.#limits = limits
    this.#limit = returnedBytes
  }

  /** So much of it the answer holds, of what comes from now on. */
  limitTo(returnedBytes: number): void {
    this.#limit = returnedBytes
  }

  /** Takes what came; false when the limit has been passed and the stream is to be closed. */
  take(fd: 1 | 2, bytes: Uint8Array): boolean {
    if (this.isOver) return false
    const room = this.#limits.outputKeptBytes - this.#kept[1] - this.#kept[2]
    const piece = bytes.length > room ? bytes.subarray(0, room) : bytes
    const returned = Math.max(0, this.#limit - this.#returned[1] - this.#returned[2])
    if (this.#returned[fd] === this.#kept[fd]) this.#returned[fd] += Math.min(returned, piece.length)
    if (piece.length > 0) this.#pieces[fd].push(piece.slice())
    this.#kept[fd] += piece.length
    this.isOver = bytes.length > room
    return !this.isOver
  }

  /** What the answer holds of a stream. */
  returned(fd: 1 | 2): Uint8Array<ArrayBuffer> {
    return joinedBytes(this.#pieces[fd]).slice(0, this.#returned[fd])
  }
  /** Everything that was kept of a stream. */
  kept(fd: 1 | 2): Uint8Array<ArrayBuffer> {
    return joinedBytes(this.#pieces[fd])
  }
  /** The streams that are longer than what the answer holds of them. */
  cuts(): StreamCut[] {
    return ([1, 2] as const)
      .filter((fd) => this.#kept[fd] > this.#returned[fd])
      .map((fd) => ({ fd, bytes: this.#kept[fd], limit: this.#returned[fd] }))
  }
}
