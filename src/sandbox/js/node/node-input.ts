/**
 * `process.stdin` of a program for Node. All of standard input was read before the program began, since Node's can be read
 * synchronously; who listens gets it in a task of its own, as one chunk, and then its end.
 */
import type { Running } from '../form.ts'
import type { BufferClass } from './buffer.ts'
import { Emitter } from './emitter.ts'

export class NodeInput extends Emitter {
  readonly fd = 0
  readonly readable = true
  readonly isTTY = false
  readonly #bytes: Uint8Array
  readonly #buffer: BufferClass
  readonly #running: Running
  #encoding: unknown
  #isTaken: boolean
  #isPaused = false
  #isScheduled = false
  #hasEnded = false

  constructor(bytes: Uint8Array, buffer: BufferClass, running: Running) {
    super()
    this.#bytes = bytes
    this.#buffer = buffer
    this.#running = running
    this.#isTaken = bytes.length === 0
  }

  override on(name: unknown, listener: (...values: unknown[]) => unknown): this {
    super.on(name, listener)
    if (name === 'data') this.resume()
    if (name === 'readable') this.#later(() => this.#tellReadable())
    return this
  }
  override once(name: unknown, listener: (...values: unknown[]) => unknown): this {
    super.once(name, listener)
    if (name === 'data') this.resume()
    if (name === 'readable') this.#later(() => this.#tellReadable())
    return this
  }
  setEncoding(encoding: unknown): this {
    this.#encoding = encoding ?? 'utf8'
    return this
  }
  resume(): this {
    this.#isPaused = false
    this.#later(() => this.#flow())
    return this
  }
  pause(): this {
    this.#isPaused = true
    return this
  }
  /** All of it, once. */
  read(): unknown {
    if (this.#isTaken) return null
    this.#isTaken = true
    this.#later(() => this.#end())
    const chunk = this.#buffer.from(this.#bytes)
    return this.#encoding === undefined ? chunk : chunk.toString(this.#encoding)
  }
  pipe(into: { write(data: unknown): unknown }): unknown {
    this.on('data', (chunk) => into.write(chunk))
    return into
  }
  ref(): this {
    return this
  }
  unref(): this {
    return this
  }
  destroy(): this {
    this.#isTaken = true
    this.#hasEnded = true
    return this
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<unknown, void, undefined> {
    const chunk = this.read()
    if (chunk !== null) yield chunk
  }

  #flow(): void {
    if (this.#isPaused) return
    const chunk = this.read()
    if (chunk !== null) this.emit('data', chunk)
    if (!this.#isPaused) this.#end()
  }

  #tellReadable(): void {
    this.emit('readable')
    if (this.#isTaken) this.#end()
  }

  #end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    // Who awaits data may begin to listen for the end only then.
    this.emit('end')
    this.emit('close')
  }

  /** One at a time: what is to be done is found out then. */
  #later(task: () => void): void {
    if (this.#isScheduled || this.#hasEnded) return
    this.#isScheduled = true
    const { activity, host, call } = this.#running
    activity.begin()
    host.macrotask(() => {
      this.#isScheduled = false
      call(task)
      activity.end()
    })
  }
}
