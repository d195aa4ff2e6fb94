/**
 * A foreign module is made to import its memory, so that a pooled one serves it, and to leave its start function to the kernel: run at
 * instantiation, that would make system calls in the name of whoever instantiates. Both are changes of whole sections; code stays as it is,
 * because a module has one memory, whose index is 0 whether it is its own or imported.
 */
import { text, unsigned } from '../wasi/wasm-encoder.ts'
import { PAGE } from '../wasi/webassembly.ts'

/** Under this name the start function is exported. */
export const START = 'tidepool:start'

export interface AdaptedModule {
  readonly bytes: Uint8Array
  /** the memory's size at first, in pages */
  readonly pages: number
}

const Section = { custom: 0, type: 1, import: 2, memory: 5, export: 7, start: 8 } as const
const MEMORY_KIND = 2
const FUNCTION_KIND = 0
const HEADER = 8
const MOST_PAGES = 0x1_0000_0000 / PAGE

interface Piece {
  readonly id: number
  /** the content without id and size */
  readonly body: Uint8Array
}

class Malformed extends Error {}

/** Undefined: not a module that can be run this way (malformed, no memory of its own, a shared or 64-bit one, several). */
export function adaptForeign(bytes: Uint8Array): AdaptedModule | undefined {
  try {
    return adapt(bytes)
  } catch (error) {
    if (error instanceof Malformed) return undefined
    throw error
  }
}

function adapt(bytes: Uint8Array): AdaptedModule | undefined {
  const pieces = split(bytes)
  const memory = pieces.find((p) => p.id === Section.memory)
  if (!memory) return undefined
  const pages = memoryPages(memory.body)
  const imports = pieces.find((p) => p.id === Section.import)?.body ?? Uint8Array.of(0)
  const withMemory = appended(imports, [...text('env'), ...text('memory'), MEMORY_KIND, 0, ...unsigned(pages)])
  const start = pieces.find((p) => p.id === Section.start)
  const out: Uint8Array[] = [bytes.subarray(0, HEADER)]
  let imported = false
  for (const piece of pieces) {
    if (!imported && piece.id !== Section.custom && piece.id !== Section.type) {
      out.push(encoded(Section.import, withMemory))
      imported = true
    }
    if (piece.id === Section.import || piece.id === Section.memory || piece.id === Section.start) continue
    const isExport = piece.id === Section.export && start !== undefined
    const entry = isExport ? [...text(START), FUNCTION_KIND, ...unsigned(read(start.body, 0).value)] : undefined
    out.push(encoded(piece.id, entry ? appended(piece.body, entry) : piece.body))
  }
  return { bytes: joined(out), pages }
}

function split(bytes: Uint8Array): Piece[] {
  const pieces: Piece[] = []
  for (let at = HEADER; at < bytes.length;) {
    const id = bytes[at]!
    const size = read(bytes, at + 1)
    const end = size.next + size.value
    if (end > bytes.length) throw new Malformed('section beyond the end')
    if (id !== Section.custom && pieces.some((p) => p.id === id)) throw new Malformed('section twice')
    pieces.push({ id, body: bytes.subarray(size.next, end) })
    at = end
  }
  return pieces
}

/** The one memory's initial size. */
function memoryPages(body: Uint8Array): number {
  const count = read(body, 0)
  const flags = read(body, count.next)
  if (count.value !== 1 || flags.value > 1) throw new Malformed('not one plain memory')
  const pages = read(body, flags.next).value
  if (pages > MOST_PAGES) throw new Malformed('too large')
  return pages
}

/** An unsigned LEB128 number of at most 32 bits. */
function read(bytes: Uint8Array, at: number): { readonly value: number; readonly next: number } {
  let value = 0
  for (let i = 0; i < 5; i++) {
    const byte = bytes[at + i]
    if (byte === undefined) break
    value += (byte & 0x7f) * 2 ** (7 * i)
    if (byte < 0x80) return { value, next: at + i + 1 }
  }
  throw new Malformed('bad number')
}

/** A vector with one more entry at its end. */
function appended(vector: Uint8Array, entry: readonly number[]): Uint8Array {
  const count = read(vector, 0)
  return joined([Uint8Array.from(unsigned(count.value + 1)), vector.subarray(count.next), Uint8Array.from(entry)])
}

const encoded = (id: number, body: Uint8Array): Uint8Array => joined([Uint8Array.from([id, ...unsigned(body.length)]), body])

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    out.set(part, at)
    at += part.length
  }
  return out
}
