/** What comes on descriptor 3, as lines; one that is longer than `resultBytes` is dropped, and said to be. */
import { joinedBytes } from '../protocol/joined-bytes.ts'
import type { Limits } from '../protocol/limits.ts'

const NEWLINE = 10

export class ToldLines {
  readonly #most: number
  #pieces: Uint8Array[] = []
  #length = 0

  constructor(limits: Limits) {
    this.#most = limits.resultBytes
  }

  /** The lines that are whole now; undefined for one that was too long. */
  take(bytes: Uint8Array): (Uint8Array | undefined)[] {
    const lines: (Uint8Array | undefined)[] = []
    let from = 0
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      this.#add(bytes.subarray(from, end))
      lines.push(this.#line())
      from = end + 1
    }
    this.#add(bytes.subarray(from))
    return lines
  }

  #add(piece: Uint8Array): void {
    this.#length += piece.length
    if (this.#length <= this.#most) this.#pieces.push(piece.slice())
    else this.#pieces = []
  }

  #line(): Uint8Array | undefined {
    const [pieces, length] = [this.#pieces, this.#length]
    this.#pieces = []
    this.#length = 0
    if (length > this.#most) return undefined
    return joinedBytes(pieces)
  }
}
