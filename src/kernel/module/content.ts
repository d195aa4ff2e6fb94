/**
 * What fills a module: the bodies of its functions, of which only the declared locals are read, and its element and data segments. The
 * sum of everything here is bounded by the module's length.
 */
import type { Declarations } from './declarations.ts'
import { constant } from './constant.ts'
import { Malformed, type Reader } from './reader.ts'
import { readerOf, type Section, SectionId } from './sections.ts'
import { readReferenceType, readValueType } from './value-types.ts'

const MOST = { segments: 100_000, elements: 1_000_000, locals: 50_000, functions: 200_000 }
const FUNCTION_KIND = 0

export function checkContent(
  sections: readonly Section[],
  declared: Declarations,
  tableElements: number,
  title: (index: number) => string,
): void {
  let bodies = 0
  for (const section of sections) {
    const reader = readerOf(section)
    if (section.id === SectionId.element) readElements(reader, tableElements)
    else if (section.id === SectionId.code) bodies = readBodies(reader, declared, title)
    else if (section.id === SectionId.data) readData(reader)
    else if (section.id === SectionId.dataCount) reader.unsigned()
    else continue
    reader.finish()
  }
  if (bodies !== declared.bodies) throw new Malformed(`it declares ${declared.bodies} functions and has code for ${bodies}`)
}

function readBodies(reader: Reader, declared: Declarations, title: (index: number) => string): number {
  const count = reader.count(2, MOST.functions)
  const first = declared.imports.length
  for (let i = 0; i < count; i++) {
    const size = reader.unsigned()
    const end = reader.at + size
    readLocals(reader, () => title(first + i))
    if (reader.at > end || end > reader.end) throw new Malformed(`${title(first + i)} is longer than it says`)
    reader.at = end
  }
  return count
}

function readLocals(reader: Reader, title: () => string): void {
  const holder = (): string => `${title()} has locals`
  let locals = 0
  for (let groups = reader.unsigned(); groups > 0; groups--) {
    locals += reader.unsigned()
    if (locals > MOST.locals) throw new Malformed(`${title()} has ${locals} locals, at most ${MOST.locals} are allowed`)
    readValueType(reader, holder)
  }
}

/** Bits of an element segment's flags. */
const Element = { notActive: 1, indexOrDeclared: 2, expressions: 4 }

function readElements(reader: Reader, tableElements: number): void {
  const count = reader.count(2, MOST.segments)
  let total = 0
  for (let i = 0; i < count; i++) {
    total += readSegment(reader, `its element segment ${i}`, tableElements)
    if (total > MOST.elements) throw new Malformed(`its element section has more than ${MOST.elements} elements`)
  }
}

function readSegment(reader: Reader, title: string, most: number): number {
  const flags = reader.unsigned()
  if (flags > 7) throw new Malformed(`${title} has unknown flags 0x${flags.toString(16)}`)
  const isActive = (flags & Element.notActive) === 0
  const hasExpressions = (flags & Element.expressions) !== 0
  if (isActive && flags & Element.indexOrDeclared) reader.unsigned()
  if (isActive) constant(reader, () => title)
  if (flags & (Element.notActive | Element.indexOrDeclared)) {
    if (hasExpressions) readReferenceType(reader, () => `${title} is`)
    else if (reader.byte() !== FUNCTION_KIND) throw new Malformed(`${title} is of an unknown kind`)
  }
  const count = reader.count(1, Infinity)
  if (count > most) throw new Malformed(`${title} has ${count} elements, at most ${most} are allowed`)
  for (let left = count; left > 0; left--) {
    if (hasExpressions) constant(reader, () => title)
    else reader.unsigned()
  }
  return count
}

const Data = { active: 0, passive: 1, activeOfIndex: 2 }

function readData(reader: Reader): void {
  const count = reader.count(1, MOST.segments)
  for (let i = 0; i < count; i++) {
    const flags = reader.unsigned()
    if (flags > Data.activeOfIndex) throw new Malformed(`its data segment ${i} has unknown flags 0x${flags.toString(16)}`)
    if (flags === Data.activeOfIndex && reader.unsigned() !== 0)
      throw new Malformed(`its data segment ${i} is for another memory than its one`)
    if (flags !== Data.passive) constant(reader, () => `its data segment ${i}`)
    reader.skip(reader.unsigned())
  }
}
