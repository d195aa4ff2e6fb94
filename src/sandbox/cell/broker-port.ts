/**
 * The cell's end of the broker port: what the kernel says outwards (journal, faults) and what a run says (output, exit). Each
 * request that waits for an answer has a number; what arrives has been parsed.
 */
import { Errno } from '../../kernel/errno.ts'
import type { FaultSource, JournalMessage, JournalSink } from '../../kernel/journal.ts'
import type { ToBroker, ToCell } from '../../protocol/cell.ts'
import type { CellPort } from './cell-host.ts'

export class BrokerPort implements JournalSink, FaultSource {
  readonly #port: CellPort
  readonly #faults = new Map<number, (result: Uint8Array | number) => void>()
  #requests = 0

  constructor(port: CellPort) {
    this.#port = port
  }

  send(message: ToBroker, transfer?: readonly ArrayBuffer[]): void {
    this.#port.send(message, transfer)
  }

  post(message: JournalMessage): void {
    this.send({ t: 'journal', ...message }, [message.records.buffer, ...message.blobs.map((blob) => blob.buffer)])
  }

  fault(mount: number, ino: number, index: number, done: (result: Uint8Array | number) => void): void {
    const req = ++this.#requests
    this.#faults.set(req, done)
    this.send({ t: 'fault', req, mount, ino, index })
  }

  takeChunk({ req, bytes, errno }: Extract<ToCell, { t: 'chunk' }>): void {
    const done = this.#faults.get(req)
    this.#faults.delete(req)
    done?.(bytes ?? errno ?? Errno.EIO)
  }
}
