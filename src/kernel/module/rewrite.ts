/**
 * A foreign module is made to import its memory, so that the kernel's own serves it, and to leave its start function to the kernel: run at
 * instantiation, that would make system calls in the name of whoever instantiates. These are changes of whole sections; code stays as it
 * is, because a module has one memory, whose index is 0 whether it is its own or imported.
 */
import { ExternKind, text, unsigned, ValueType, vector } from '../wasi/wasm-encoder.ts'
import type { DeclaredTable } from './declarations.ts'
import { isNames } from './function-names.ts'
import { START } from './gated-module.ts'
import { Malformed } from './reader.ts'
import { appended, joinSections, readerOf, readSections, type Section, SectionId } from './sections.ts'
import { readLimits } from './value-types.ts'

const EXTERNREF = 0x6f

interface Changes {
  /** the entries of the functions that it imports */
  readonly imports: readonly Uint8Array[]
  readonly pages: number
  readonly tables: readonly DeclaredTable[]
  readonly start: number | undefined
}

export interface Rewritten {
  readonly bytes: Uint8Array<ArrayBuffer>
  /** from an offset in the code of `bytes` to one in the original */
  readonly codeShift: number
}

type Piece = Pick<Section, 'id' | 'body'>

export function rewrite(sections: readonly Section[], changes: Changes): Rewritten {
  const names = sections.find(isNames)
  const kept = sections.filter((section) => section.id !== SectionId.custom || section === names)
  const body = Uint8Array.from([...unsigned(changes.imports.length), ...changes.imports.flatMap((entry) => [...entry])])
  const pieces = withMemory(kept, body, changes.pages).map((piece) => changed(piece, changes))
  const { bytes, at } = joinSections(pieces)
  const code = sections.find(({ id }) => id === SectionId.code)
  const codeAt = at[pieces.findIndex(({ id }) => id === SectionId.code)]
  return { bytes, codeShift: code && codeAt !== undefined ? code.at - codeAt : 0 }
}

/** The import section with `env.memory` besides `imports`, and no memory of its own and no start. */
function withMemory(sections: readonly Section[], imports: Uint8Array, pages: number): Piece[] {
  const memory = [...text('env'), ...text('memory'), ExternKind.memory, 0, ...unsigned(pages)]
  const gone: readonly number[] = [SectionId.import, SectionId.memory, SectionId.start]
  const pieces: Piece[] = sections.filter(({ id }) => !gone.includes(id))
  const place = pieces.findIndex(({ id }) => id !== SectionId.custom && id !== SectionId.type)
  pieces.splice(place < 0 ? pieces.length : place, 0, { id: SectionId.import, body: appended(imports, memory) })
  return pieces
}

function changed(piece: Piece, { tables, start }: Changes): Piece {
  if (piece.id === SectionId.table) return { id: piece.id, body: Uint8Array.from(vector(tables.map(tableEntry))) }
  if (piece.id !== SectionId.export || start === undefined) return piece
  return { id: piece.id, body: appended(piece.body, [...text(START), ExternKind.function, ...unsigned(start)]) }
}

function tableEntry({ type, least, most }: DeclaredTable): number[] {
  const code = type === 'externref' ? EXTERNREF : ValueType.funcref
  return [code, ...(most === undefined ? [0, ...unsigned(least)] : [1, ...unsigned(least), ...unsigned(most)])]
}

/** A module of our own choice (CPython) that shall import its memory; all else of it stays. Throws Malformed. */
export function withImportedMemory(bytes: Uint8Array): { readonly bytes: Uint8Array<ArrayBuffer>; readonly pages: number } {
  const sections = readSections(bytes)
  const memory = sections.find(({ id }) => id === SectionId.memory)
  const reader = memory && readerOf(memory)
  if (!reader || reader.unsigned() !== 1) throw new Malformed('it has no memory of its own')
  const pages = readLimits(reader, 'memory').least
  const imports = sections.find(({ id }) => id === SectionId.import)
  return { bytes: joinSections(withMemory(sections, imports?.body ?? Uint8Array.of(0), pages)).bytes, pages }
}
