/** Texts that come one after another, as the bytes of one stream (standard input of a run). */
import type { TextCodec } from './platform.ts'

export class TextQueue implements AsyncIterable<Uint8Array> {
  readonly #text: TextCodec
  readonly #waiting: Uint8Array[] = []
  #ended = false
  #wake: () => void = () => {}

  constructor(text: TextCodec) {
    this.#text = text
  }

  push(text: string): void {
    this.#waiting.push(this.#text.encode(text))
    this.#wake()
  }
  end(): void {
    this.#ended = true
    this.#wake()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const bytes = this.#waiting.shift()
      if (bytes) yield bytes
      else if (this.#ended) return
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}
