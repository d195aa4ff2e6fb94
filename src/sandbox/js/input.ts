/** The object `stdin` of a script: the lines of standard input, or all of it. It is read when it is asked for, never ahead. */
import { JS_PART_BYTES } from '../../protocol/js-wire.ts'
import type { Activity } from './activity.ts'
import { joinedBytes } from '../../protocol/joined-bytes.ts'
import type { JsHost } from './js-host.ts'
import type { CellPort } from './port.ts'

export class Input {
  readonly #port: CellPort
  readonly #activity: Activity
  readonly #host: JsHost
  #rest: Uint8Array = new Uint8Array(0)
  #isEnd = false

  constructor(port: CellPort, activity: Activity, host: JsHost) {
    this.#port = port
    this.#activity = activity
    this.#host = host
  }

  get api(): object {
    return {
      text: () => this.text(),
      bytes: () => this.bytes(),
      lines: () => this.#lines(),
      [Symbol.asyncIterator]: () => this.#lines(),
    }
  }

  async text(): Promise<string> {
    return this.#host.decode(await this.bytes())
  }

  /** What is left of it. */
  async bytes(): Promise<Uint8Array> {
    const parts: Uint8Array[] = []
    for (let bytes = await this.#next(); bytes.length > 0; bytes = await this.#next()) parts.push(bytes)
    return joinedBytes(parts)
  }

  /** Without their newlines; a last one that has none counts. */
  async *#lines(): AsyncGenerator<string, void, undefined> {
    let parts: Uint8Array[] = []
    for (;;) {
      const bytes = await this.#next()
      if (bytes.length === 0) break
      let from = 0
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
        parts.push(bytes.subarray(from, end))
        from = end + 1
        this.#rest = bytes.subarray(from)
        yield this.#line(parts)
        parts = []
      }
      this.#rest = new Uint8Array(0)
      if (from < bytes.length) parts.push(bytes.subarray(from))
    }
    if (parts.length > 0) yield this.#line(parts)
  }

  #line(parts: readonly Uint8Array[]): string {
    return this.#host.decode(parts.length === 1 ? parts[0]! : joinedBytes(parts))
  }

  /** What a reader before has left, then the next part; none at the end. */
  async #next(): Promise<Uint8Array> {
    const rest = this.#rest
    this.#rest = new Uint8Array(0)
    if (rest.length > 0 || this.#isEnd) return rest
    const { bytes } = await this.#activity.during(this.#port.ask({ op: 'input', length: JS_PART_BYTES }))
    this.#isEnd = bytes.length === 0
    return bytes
  }
}
