/** The broker's store as far as a kernel test needs it: takes journal messages, gives boot metadata and chunk contents back. */
import type { FaultSource, JournalMessage, JournalSink } from '../../src/kernel/journal.ts'
import { JournalWriter, readJournal } from '../../src/protocol/journal.ts'

const ENOENT = 44

export class JournalStore implements JournalSink, FaultSource {
  readonly messages: JournalMessage[] = []
  readonly faults: { ino: number; index: number }[] = []
  /** faults wait until `deliver` */
  delayed = false
  /** streams that say which chunks files with holes have */
  sparse: Uint8Array[] = []
  #waiting: (() => void)[] = []
  readonly #contents = new Map<number, Map<number, Uint8Array>>()

  post(message: JournalMessage): void {
    this.messages.push(message)
    for (const record of readJournal(message.records)) {
      if (record.t === 'forget') this.#contents.delete(record.ino)
      if (record.t === 'inode') {
        const chunks = this.#contents.get(record.ino)
        for (const index of chunks?.keys() ?? []) if (index >= record.keepChunks) chunks!.delete(index)
      }
      if (record.t !== 'data') continue
      let chunks = this.#contents.get(record.ino)
      if (!chunks) this.#contents.set(record.ino, (chunks = new Map()))
      chunks.set(record.index, message.blobs[record.blob]!.slice(record.offset, record.offset + record.length))
    }
  }

  fault(mount: number, ino: number, index: number, done: (result: Uint8Array | number) => void): void {
    this.faults.push({ ino, index })
    const bytes = this.#contents.get(ino)?.get(index)?.slice() ?? new Uint8Array(0)
    const answer = (): void => done(mount === 0 ? bytes : ENOENT)
    if (this.delayed) this.#waiting.push(answer)
    else answer()
  }

  /** Answers the faults that wait. */
  deliver(): number {
    const waiting = this.#waiting
    this.#waiting = []
    for (const answer of waiting) answer()
    return waiting.length
  }

  /** What is left when the cell dies: everything up to the last barrier. */
  afterDeath(): JournalStore {
    const left = new JournalStore()
    const last = this.messages.findLastIndex((message) => message.barrier)
    for (const message of this.messages.slice(0, last + 1)) left.post(message)
    return left
  }

  get seq(): number {
    return this.messages.at(-1)?.seq ?? 0
  }
  get metadata(): Uint8Array[] {
    return [...this.messages.map((message) => withoutData(message.records)), ...this.sparse]
  }
}

/** Boot metadata names chunks of files with holes only. */
function withoutData(records: Uint8Array): Uint8Array {
  const writer = new JournalWriter()
  for (const record of readJournal(records)) {
    if (record.t === 'inode') writer.inode(record)
    if (record.t === 'entry') writer.entry(record.dir, record.name, record.ino)
    if (record.t === 'forget') writer.forget(record.ino)
    if (record.t === 'target') writer.target(record.ino, record.target)
  }
  return writer.take()
}
