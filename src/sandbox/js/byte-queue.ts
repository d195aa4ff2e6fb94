/** Bytes that wait, first come first served, however they are cut. */
export class ByteQueue {
  #parts: Uint8Array[] = []
  /** parts before it are gone, and so many bytes of it */
  #first = 0
  #offset = 0
  #length = 0

  get length(): number {
    return this.#length
  }

  /** The bytes are kept as they are: nobody may change them. */
  push(bytes: Uint8Array): void {
    if (bytes.length === 0) return
    this.#parts.push(bytes)
    this.#length += bytes.length
  }

  /** The next bytes, at most so many, in an array of their own. */
  take(most: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(Math.min(most, this.#length))
    for (let at = 0; at < bytes.length;) {
      const part = this.#parts[this.#first]!
      const piece = part.subarray(this.#offset, this.#offset + bytes.length - at)
      bytes.set(piece, at)
      at += piece.length
      this.#offset += piece.length
      if (this.#offset === part.length) this.#dropFirst()
    }
    this.#length -= bytes.length
    return bytes
  }

  #dropFirst(): void {
    this.#first++
    this.#offset = 0
    if (this.#first * 2 < this.#parts.length) return
    this.#parts = this.#parts.slice(this.#first)
    this.#first = 0
  }
}
