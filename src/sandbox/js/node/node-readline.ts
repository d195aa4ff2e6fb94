/** `readline` of a program for Node, as far as it reads lines: of standard input, whose text is at hand. */
import type { Running } from '../form.ts'
import { Emitter } from './emitter.ts'

export function makeReadline(running: Running, input: Uint8Array): Readonly<Record<string, unknown>> {
  const createInterface = (): Lines => new Lines(running, linesOf(running.host.decode(input)))
  return { createInterface, Interface: Lines, promises: { createInterface } }
}

class Lines extends Emitter {
  readonly #running: Running
  readonly #lines: string[]
  #isClosed = false

  constructor(running: Running, lines: string[]) {
    super()
    this.#running = running
    this.#lines = lines
  }

  override on(name: unknown, listener: (...values: unknown[]) => unknown): this {
    super.on(name, listener)
    if (name === 'line') this.#begin()
    return this
  }
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.emit('close')
  }
  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    for (let line = this.#lines.shift(); line !== undefined && !this.#isClosed; line = this.#lines.shift()) yield line
    this.close()
  }

  /** In a task of its own: who listens for lines may listen for their end after that. */
  #begin(): void {
    const { activity, host, call } = this.#running
    activity.begin()
    host.macrotask(() => {
      call(() => {
        for (let line = this.#lines.shift(); line !== undefined && !this.#isClosed; line = this.#lines.shift()) this.emit('line', line)
        this.close()
      })
      activity.end()
    })
  }
}

function linesOf(text: string): string[] {
  const lines = text.split(/\r?\n/)
  if (lines.at(-1) === '') lines.pop()
  return lines
}
