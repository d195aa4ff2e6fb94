/**
 * Reads the binary format of WebAssembly (section 5 of its specification) from bytes that somebody else made: numbers, names, counts.
 * Whatever is wrong throws Malformed; nothing is read outside the part, and no count is believed that the rest of the part cannot hold.
 */
import { byteString, fromText, toText } from '../vfs/byte-string.ts'

/** What is wrong, as the end of a sentence about the module: `its code section ends too early`. */
export class Malformed extends Error {}

const NAME_BYTES = 10_000

export class Reader {
  readonly bytes: Uint8Array
  /** as messages name it: `code section` */
  readonly part: string
  readonly end: number
  at: number

  constructor(bytes: Uint8Array, part: string, at = 0, end = bytes.length) {
    this.bytes = bytes
    this.part = part
    this.at = at
    this.end = end
  }

  get isDone(): boolean {
    return this.at >= this.end
  }

  byte(): number {
    if (this.at >= this.end) throw new Malformed(`its ${this.part} ends too early`)
    return this.bytes[this.at++]!
  }

  skip(count: number): void {
    if (count > this.end - this.at) throw new Malformed(`its ${this.part} ends too early`)
    this.at += count
  }

  /** An unsigned LEB128 number of 32 bits. */
  unsigned(): number {
    const first = this.byte()
    if (first < 0x80) return first
    let value = first & 0x7f
    for (let shift = 7; shift < 28; shift += 7) {
      const byte = this.byte()
      value |= (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    const last = this.byte()
    if (last > 0x0f) throw new Malformed(`its ${this.part} has a number of more than 32 bits`)
    return value + last * 2 ** 28
  }

  /** Passes over a LEB128 number of at most so many bytes. */
  skipNumber(bytes: number): void {
    for (let i = 0; i < bytes; i++) if (this.byte() < 0x80) return
    throw new Malformed(`its ${this.part} has a number that is too long`)
  }

  /** How many items follow, each of at least `least` bytes. */
  count(least: number, most: number): number {
    const count = this.unsigned()
    if (count > most) throw new Malformed(`its ${this.part} has ${count} entries, at most ${most} are allowed`)
    if (count * least > this.end - this.at) throw new Malformed(`its ${this.part} ends too early`)
    return count
  }

  name(): string {
    const length = this.unsigned()
    const from = this.at
    if (length > NAME_BYTES) throw new Malformed(`its ${this.part} has a name of ${length} bytes`)
    this.skip(length)
    const bytes = byteString(this.bytes, from, this.at)
    const text = toText(bytes)
    if (fromText(text) !== bytes) throw new Malformed(`its ${this.part} has a name that is not UTF-8`)
    return text
  }

  /** The next `size` bytes as a part of their own; this reader goes on behind them. */
  sub(size: number, part: string): Reader {
    const from = this.at
    this.skip(size)
    return new Reader(this.bytes, part, from, this.at)
  }

  finish(): void {
    if (this.at !== this.end) throw new Malformed(`its ${this.part} is longer than what it holds`)
  }
}
