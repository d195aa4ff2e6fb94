/**
 * What `wasm-tool` tells on descriptor 3, read as it comes: one line, and after the line of a value its bytes. Invariant: never more is held
 * than the line may have (`RECORD_LINE_BYTES`) and a result may (limit toolResultBytes), whatever the cell sends.
 */
import { parseToolRecord, RECORD_LINE_BYTES, type ToolFailure } from '../protocol/tool-record.ts'
import type { Orchestrator } from './orchestrator.ts'

const NEWLINE = 10

export class ToolRecordReader {
  readonly #orchestrator: Orchestrator
  #pieces: Uint8Array[] = []
  #length = 0
  /** how many bytes of a value come, once its line has been read */
  #bytes: number | undefined
  #failure: ToolFailure | undefined

  constructor(orchestrator: Orchestrator) {
    this.#orchestrator = orchestrator
  }

  /** False where nothing more is of use. */
  take(bytes: Uint8Array): boolean {
    if (this.#failure) return false
    if (this.#bytes !== undefined) return this.#takeValue(bytes)
    const end = bytes.indexOf(NEWLINE)
    if (this.#length + (end < 0 ? bytes.length : end) >= RECORD_LINE_BYTES) return this.#fail('what it told of its end has too long a line')
    this.#keep(end < 0 ? bytes : bytes.subarray(0, end))
    if (end < 0) return true
    this.#readLine()
    return this.#bytes !== undefined && this.#takeValue(bytes.subarray(end + 1))
  }

  /** The value's bytes, or the failure; undefined where nothing was told. */
  end(): { readonly bytes: Uint8Array } | { readonly failure: ToolFailure } | undefined {
    if (this.#failure) return { failure: this.#failure }
    if (this.#bytes === undefined) return undefined
    if (this.#length < this.#bytes) return { failure: { kind: 'result', message: 'its result was cut off' } }
    return { bytes: this.#whole() }
  }

  #readLine(): void {
    const line = this.#orchestrator.platform.text.decode(this.#whole()).text
    const most = this.#orchestrator.limits.toolResultBytes
    const record = parseToolRecord(line)
    this.#pieces = []
    this.#length = 0
    if (!record.ok) this.#fail(`what it told of its end cannot be read: ${record.at} ${record.reason}`)
    else if (record.value.t === 'failed') this.#failure = record.value.failure
    else if (record.value.bytes > most)
      this.#failure = { kind: 'limit', message: `its result has more than ${most} bytes (limit toolResultBytes)`, limit: 'toolResultBytes' }
    else this.#bytes = record.value.bytes
  }

  #takeValue(bytes: Uint8Array): boolean {
    this.#keep(bytes.subarray(0, (this.#bytes ?? 0) - this.#length))
    return true
  }

  #fail(message: string): false {
    this.#failure = { kind: 'result', message }
    return false
  }

  #keep(piece: Uint8Array): void {
    if (piece.length === 0) return
    this.#pieces.push(piece.slice())
    this.#length += piece.length
  }

  #whole(): Uint8Array {
    const whole = new Uint8Array(this.#length)
    let at = 0
    for (const piece of this.#pieces) {
      whole.set(piece, at)
      at += piece.length
    }
    return whole
  }
}
