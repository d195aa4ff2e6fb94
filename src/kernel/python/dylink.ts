/**
 * The custom section `dylink.0` of a side module (WebAssembly tool conventions, "Dynamic Linking"): how much memory and table it needs,
 * and what it needs besides. Read as hostile input: a number or a text that reaches beyond the section is an error.
 */
import { byteString } from '../vfs/byte-string.ts'

export interface DylinkInfo {
  readonly memorySize: number
  /** a power of two, in bytes */
  readonly memoryAlign: number
  readonly tableSize: number
  /** names of side modules that must be there before it */
  readonly needed: readonly string[]
  readonly runtimePaths: readonly string[]
}

const Part = { memory: 1, needed: 2, runtimePath: 5 } as const
const MOST_ALIGN = 16
const MOST_NUMBER = 0xffff_ffff

export class DylinkError extends Error {}

class Reader {
  readonly #bytes: Uint8Array
  at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }
  get done(): boolean {
    return this.at >= this.#bytes.length
  }

  /** An unsigned LEB128 number of 32 bits. */
  number(): number {
    let value = 0
    for (let i = 0; i < 5; i++) {
      const byte = this.#bytes[this.at++]
      if (byte === undefined) break
      value += (byte & 0x7f) * 2 ** (7 * i)
      if (byte < 0x80 && value <= MOST_NUMBER) return value
    }
    throw new DylinkError('malformed number in "dylink.0"')
  }

  bytes(length: number): Uint8Array {
    const start = this.at
    this.at += length
    if (this.at > this.#bytes.length) throw new DylinkError('"dylink.0" is cut')
    return this.#bytes.subarray(start, this.at)
  }

  text(): string {
    const bytes = this.bytes(this.number())
    return byteString(bytes, 0, bytes.length)
  }

  texts(): string[] {
    return Array.from({ length: this.number() }, () => this.text())
  }
}

const Section = { table: 4, memory: 5 } as const
const HEADER = 8

/** Throws a DylinkError where a module, which is valid, brings a memory or a table of its own: nobody would count it. */
export function refuseOwnMemory(module: Uint8Array): void {
  const reader = new Reader(module)
  reader.at = HEADER
  while (!reader.done) {
    const id = reader.number()
    const body = new Reader(reader.bytes(reader.number()))
    const counts = id === Section.table || id === Section.memory
    if (counts && body.number() > 0) throw new DylinkError('it has a memory or a table of its own')
  }
}

/** Throws a DylinkError. */
export function parseDylink(section: Uint8Array): DylinkInfo {
  const reader = new Reader(section)
  let memorySize = 0
  let memoryAlign = 1
  let tableSize = 0
  let needed: string[] = []
  let runtimePaths: string[] = []
  while (!reader.done) {
    const part = reader.number()
    const body = new Reader(reader.bytes(reader.number()))
    if (part === Part.memory) {
      memorySize = body.number()
      const align = body.number()
      if (align > MOST_ALIGN) throw new DylinkError('alignment too large')
      memoryAlign = 2 ** align
      tableSize = body.number()
    } else if (part === Part.needed) needed = body.texts()
    else if (part === Part.runtimePath) runtimePaths = body.texts()
  }
  return { memorySize, memoryAlign, tableSize, needed, runtimePaths }
}
