/**
 * The cell's end of the broker port: what the kernel says outwards (journal, faults) and what a run says (output, exit). Each
 * request that waits for an answer has a number; what arrives has been parsed.
 */
import { Errno } from '../../kernel/errno.ts'
import type { FaultSource, JournalMessage, JournalSink } from '../../kernel/journal.ts'
import type { SnippetPort } from '../../kernel/js/snippet-port.ts'
import type { ToBroker, ToCell } from '../../protocol/cell.ts'
import type { CellPort } from './cell-host.ts'

/** Lines of the trace that are sent together. */
const TRACE_BATCH = 16 * 1024

export class BrokerPort implements JournalSink, FaultSource {
  readonly #port: CellPort
  readonly #faults = new Map<number, (result: Uint8Array | number) => void>()
  readonly #asks = new Map<number, (answer: string) => void>()
  readonly #snippets = new Map<number, { readonly hear: (raw: unknown) => void; readonly ended: (reason: string) => void }>()
  #requests = 0
  #trace = ''

  constructor(port: CellPort) {
    this.#port = port
  }

  /** Lines of the trace go out before what follows them. */
  send(message: ToBroker, transfer?: readonly ArrayBuffer[]): void {
    this.#sendTrace()
    this.#port.send(message, transfer)
  }

  trace(line: string): void {
    this.#trace += `${line}\n`
    if (this.#trace.length >= TRACE_BATCH) this.#sendTrace()
  }

  #sendTrace(): void {
    const lines = this.#trace
    this.#trace = ''
    if (lines !== '') this.#port.send({ t: 'trace', lines } satisfies ToBroker)
  }

  post(message: JournalMessage): void {
    this.send({ t: 'journal', ...message }, [message.records.buffer, ...message.blobs.map((blob) => blob.buffer)])
  }

  fault(mount: number, ino: number, index: number, done: (result: Uint8Array | number) => void): void {
    const req = ++this.#requests
    this.#faults.set(req, done)
    this.send({ t: 'fault', req, mount, ino, index })
  }

  /** What the broker answers to a program of the run `call`. */
  ask(call: string, request: string): Promise<string> {
    const req = ++this.#requests
    return new Promise((resolve) => {
      this.#asks.set(req, resolve)
      this.send({ t: 'ask', req, call, request })
    })
  }

  takeReply({ req, answer }: Extract<ToCell, { t: 'reply' }>): void {
    this.#asks.get(req)?.(answer)
    this.#asks.delete(req)
  }

  /** A process for one script, which the broker starts. */
  startSnippet(): SnippetPort {
    const snippet = ++this.#requests
    this.send({ t: 'snippetStart', snippet })
    return {
      send: (bytes) => this.send({ t: 'snippetSay', snippet, bytes }, [bytes.buffer]),
      listen: (hear, ended) => void this.#snippets.set(snippet, { hear, ended }),
      end: () => {
        if (this.#snippets.delete(snippet)) this.send({ t: 'snippetEnd', snippet })
      },
    }
  }

  takeSnippet(message: Extract<ToCell, { t: 'snippetSaid' | 'snippetEnded' }>): void {
    const { snippet } = message
    if (message.t === 'snippetEnded') return this.#snippets.get(snippet)?.ended(message.reason)
    this.send({ t: 'snippetTook', snippet, bytes: message.bytes.length })
    this.#snippets.get(snippet)?.hear(message.bytes)
  }

  takeChunk({ req, bytes, errno }: Extract<ToCell, { t: 'chunk' }>): void {
    const done = this.#faults.get(req)
    this.#faults.delete(req)
    done?.(bytes ?? errno ?? Errno.EIO)
  }
}
