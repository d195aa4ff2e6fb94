/**
 * One output stream of a script, sent by credit. What has no credit waits here, since a script that computes cannot be made to wait. A
 * text goes at once while few are under way, so that a script that prints and then computes for long is heard; many are gathered.
 */
import { JS_OUTPUT_CREDIT } from '../../protocol/js-wire.ts'
import { ByteQueue } from './byte-queue.ts'
import type { CellPort } from './port.ts'

const PART_BYTES = 64 * 1024
/** Below it a part waits while many are under way. */
const SMALL = 16 * 1024
const MANY = 32
/** After so long one more goes all the same. */
const PAUSE_MS = 100
const MOST = 256

export interface OutputHost {
  encode(text: string): Uint8Array
  now(): number
  microtask(task: () => void): void
  /** More waits than may. */
  overflow(): void
}

export class Output {
  readonly #port: CellPort
  readonly #fd: 1 | 2
  readonly #host: OutputHost
  readonly #most: number
  #text = ''
  readonly #waiting = new ByteQueue()
  #credit = JS_OUTPUT_CREDIT
  #scheduled = false
  /** messages that the cell has not taken yet */
  #underWay = 0
  #lastSent = 0
  readonly #drained: (() => void)[] = []

  constructor(port: CellPort, fd: 1 | 2, most: number, host: OutputHost) {
    this.#port = port
    this.#fd = fd
    this.#most = most
    this.#host = host
  }

  write(data: string | Uint8Array): void {
    if (typeof data === 'string') this.#text += data
    else {
      this.#gather()
      this.#waiting.push(data.slice())
    }
    if (this.#text.length >= PART_BYTES || (this.#credit > 0 && this.#mayFollow)) this.flush()
    else this.#flushLater()
  }

  /** Resolves when everything written so far has gone to the cell. */
  drained(): Promise<void> {
    this.flush()
    if (this.isEmpty) return Promise.resolve()
    return new Promise((resolve) => this.#drained.push(resolve))
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0 && this.#text === ''
  }

  credit(bytes: number): void {
    this.#underWay--
    this.#credit += bytes
    this.flush()
    if (!this.isEmpty) return
    for (const resolve of this.#drained.splice(0)) resolve()
  }

  /** Sends what there is credit for. */
  flush(isLast = false): void {
    this.#gather()
    while (this.#waiting.length > 0 && this.#credit > 0) {
      if (this.#waiting.length < SMALL && !this.#mayFollow && !isLast) return
      this.#send(Math.min(PART_BYTES, this.#credit))
    }
    if (this.#waiting.length > this.#most) this.#host.overflow()
  }

  /** Whether a small part may go after those that are under way. */
  get #mayFollow(): boolean {
    return this.#underWay < MANY || (this.#underWay < MOST && this.#host.now() - this.#lastSent > PAUSE_MS)
  }

  #send(most: number): void {
    const bytes = this.#waiting.take(most)
    this.#credit -= bytes.length
    this.#underWay++
    this.#lastSent = this.#host.now()
    this.#port.send({ t: 'out', fd: this.#fd, bytes })
  }

  #gather(): void {
    if (this.#text === '') return
    const bytes = this.#host.encode(this.#text)
    this.#text = ''
    this.#waiting.push(bytes)
  }

  #flushLater(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    this.#host.microtask(() => {
      this.#scheduled = false
      this.flush()
    })
  }
}
