/** What code printed to both streams, in the order in which it came, up to what an answer holds. */
import type { Orchestrator } from './orchestrator.ts'

export class PrintedText {
  readonly #decoders
  readonly #also: ((fd: 1 | 2, bytes: Uint8Array) => void) | undefined
  #pieces: string[] = []
  #errors: string[] = []
  #left: number

  /** `also` hears it, too. */
  constructor({ limits, platform }: Orchestrator, also?: (fd: 1 | 2, bytes: Uint8Array) => void) {
    this.#decoders = { 1: platform.text.decoder(), 2: platform.text.decoder() }
    this.#left = limits.outputReturnedBytes
    this.#also = also
  }

  readonly take = (fd: 1 | 2, bytes: Uint8Array): void => {
    this.#also?.(fd, bytes)
    const piece = bytes.subarray(0, this.#left)
    this.#left -= piece.length
    this.#add(fd, this.#decoders[fd](piece))
  }

  text(): string {
    this.#add(1, this.#decoders[1]())
    this.#add(2, this.#decoders[2]())
    return this.#pieces.join('')
  }
  /** of standard error only */
  errors(): string {
    return this.#errors.join('')
  }

  #add(fd: 1 | 2, piece: string): void {
    if (piece === '') return
    this.#pieces.push(piece)
    if (fd === 2) this.#errors.push(piece)
  }
}
