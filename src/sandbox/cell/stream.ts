/**
 * The standard streams of a run: pipes whose other end is the broker port. Output leaves by credit and waits in its pipe when there is
 * none, so that the writer waits; input is fed as far as its pipe has room. Output counts as ended when nobody can write any more.
 */
import { AGAIN, SysError } from '../../kernel/errno.ts'
import type { PipeReader } from '../../kernel/io/pipe.ts'
import { Waiter } from '../../kernel/process/wait-queue.ts'
import type { OpenFile } from '../../kernel/vfs/open-file.ts'
import type { Vfs } from '../../kernel/vfs/vfs.ts'

const PART_BYTES = 64 * 1024
/** its reactions run after what runs now */
const later = Promise.resolve()

export class OutputStream {
  /** what the session writes to; the session's reference */
  readonly writer: OpenFile
  readonly #reader: PipeReader
  readonly #emit: (bytes: Uint8Array<ArrayBuffer>) => void
  readonly #waiter: Waiter
  readonly #ended = Promise.withResolvers<void>()
  readonly #part = new Uint8Array(PART_BYTES)
  readonly #after: readonly OutputStream[]
  #passing: { bytes: number; readonly done: () => void }[] = []
  #credit: number
  #open = true
  #scheduled = false

  /** `after`: what they hold when something is written here is sent before it. */
  constructor(vfs: Vfs, credit: number, emit: (bytes: Uint8Array<ArrayBuffer>) => void, after: readonly OutputStream[] = []) {
    const [reader, writer] = vfs.pipe()
    this.#reader = reader
    this.writer = writer
    this.#credit = credit
    this.#emit = emit
    this.#after = after
    this.#waiter = new Waiter(() => this.#schedule())
    this.#reader.readers.add(this.#waiter)
  }

  /** Resolves when everything written has been sent, or nobody reads it any more. */
  get ended(): Promise<void> {
    return this.#ended.promise
  }

  addCredit(bytes: number): void {
    this.#credit += bytes
    this.#schedule()
  }

  /** Nobody reads it any more: its writers get EPIPE and SIGPIPE. */
  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#waiter.leave()
    this.#reader.unref()
    this.#ended.resolve()
    for (const { done } of this.#passing.splice(0)) done()
  }

  /** Resolves when what the pipe holds now has been sent, or nobody reads it any more. */
  passed(): Promise<void> {
    const bytes = this.#reader.waiting
    if (!this.#open || bytes === 0) return later
    return new Promise((done) => this.#passing.push({ bytes, done }))
  }

  #countPassed(count: number): void {
    for (const passing of this.#passing) passing.bytes -= count
    while (this.#passing[0] && this.#passing[0].bytes <= 0) this.#passing.shift()!.done()
  }

  /** Wakers must not run anything themselves: the pipe is drained in a task of its own. */
  #schedule(): void {
    if (this.#scheduled || !this.#open) return
    this.#scheduled = true
    void later.then(() => {
      this.#scheduled = false
      if (this.#after.length === 0) this.#drain()
      else void this.#drainAfter()
    })
  }

  async #drainAfter(): Promise<void> {
    await Promise.all(this.#after.map((stream) => stream.passed()))
    this.#drain()
  }

  #drain(): void {
    while (this.#open && this.#credit > 0) {
      const count = this.#reader.read(this.#part.subarray(0, Math.min(PART_BYTES, this.#credit)))
      if (count === AGAIN) {
        this.#reader.readers.add(this.#waiter)
        return
      }
      if (count === 0) return this.close()
      this.#credit -= count
      this.#emit(this.#part.slice(0, count))
      if (this.#passing.length > 0) this.#countPassed(count)
    }
  }
}

export class InputStream {
  /** what the session reads from; the session's reference */
  readonly reader: OpenFile
  readonly #writer: OpenFile
  readonly #took: (bytes: number) => void
  readonly #waiter: Waiter
  #queue: Uint8Array[] = []
  #sent = 0
  #ending = false
  #open = true
  #scheduled = false

  /** `took` hears how many bytes have gone into the pipe, or nowhere when nobody reads. */
  constructor(vfs: Vfs, took: (bytes: number) => void) {
    const [reader, writer] = vfs.pipe()
    this.reader = reader
    this.#writer = writer
    this.#took = took
    this.#waiter = new Waiter(() => this.#schedule())
  }

  push(bytes: Uint8Array): void {
    if (!this.#open || this.#ending || bytes.length === 0) return
    this.#queue.push(bytes)
    this.#feed()
  }

  end(): void {
    this.#ending = true
    this.#feed()
  }

  /** The run is over: what was not read is dropped. */
  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#queue = []
    this.#waiter.leave()
    this.#writer.unref()
  }

  #schedule(): void {
    if (this.#scheduled) return
    this.#scheduled = true
    void later.then(() => {
      this.#scheduled = false
      this.#feed()
    })
  }

  #feed(): void {
    while (this.#open && this.#queue.length > 0) {
      const [bytes] = this.#queue as [Uint8Array]
      const count = this.#write(this.#sent === 0 ? bytes : bytes.subarray(this.#sent))
      if (count === AGAIN) {
        this.#writer.writers.add(this.#waiter)
        return
      }
      this.#sent += count
      if (this.#sent < bytes.length) continue
      this.#queue.shift()
      this.#sent = 0
      this.#took(bytes.length)
    }
    if (this.#ending) this.close()
  }

  /** When nobody reads, the rest is swallowed. */
  #write(bytes: Uint8Array): number {
    try {
      return this.#writer.write(bytes)
    } catch (error) {
      if (!(error instanceof SysError)) throw error
      return bytes.length
    }
  }
}
