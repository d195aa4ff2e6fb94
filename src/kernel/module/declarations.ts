/**
 * What a module declares of itself, read section by section before an engine sees it: types, imports, functions, tables, its memory,
 * globals, exports and the start function. Whatever a cell has not is refused here by throwing Malformed.
 */
import type { ExportKind, Signature, ValueType } from './gated-module.ts'
import { constant } from './constant.ts'
import { Malformed, Reader } from './reader.ts'
import { readerOf, type Section, SectionId } from './sections.ts'
import {
  readFunctionType,
  readLimits,
  readReferenceType,
  readValueType,
  type SizeLimits,
  signatureText,
  skipFunctionType,
} from './value-types.ts'

export interface DeclaredImport extends Signature {
  readonly module: string
  readonly name: string
  /** its entry in the import section */
  readonly entry: Uint8Array
}
interface DeclaredExport {
  readonly name: string
  readonly kind: ExportKind
  readonly index: number
}
export interface DeclaredTable extends SizeLimits {
  readonly type: ValueType
}

/** More of them no honest module has; an engine would take some. */
const MOST = {
  types: 100_000,
  imports: 2_000,
  functions: 200_000,
  tables: 100,
  globals: 100_000,
  exports: 20_000,
  listBytes: 1024 * 1024,
}
/** Sections whose entries may be long, so that their number bounds nothing. */
const LISTS: readonly number[] = [SectionId.type, SectionId.import, SectionId.export]
const KINDS: readonly ExportKind[] = ['function', 'table', 'memory', 'global']
const TAG = 4
const quoted = (name: string): string => JSON.stringify(name.slice(0, 200))
export const shown = (module: string, name: string): string => quoted(`${module}.${name}`)

export class Declarations {
  /** functions */
  readonly imports: DeclaredImport[] = []
  readonly tables: DeclaredTable[] = []
  readonly exports: DeclaredExport[] = []
  memory: (SizeLimits & { readonly imported: boolean }) | undefined
  /** index of the start function */
  start: number | undefined
  #typeSection: Section | undefined
  /** where each type begins in its section */
  readonly #types: number[] = []
  /** the type of each function that is not imported */
  readonly #functions: number[] = []
  #globals = 0

  constructor(sections: readonly Section[]) {
    for (const section of sections) this.#read(section)
    this.#checkStart()
  }

  /** Functions that are the module's own. */
  get bodies(): number {
    return this.#functions.length
  }

  get functions(): number {
    return this.imports.length + this.#functions.length
  }

  signature(index: number): Signature {
    return this.imports[index] ?? this.#type(this.#functions[index - this.imports.length]!)
  }

  #read(section: Section): void {
    const reader = readerOf(section)
    if (LISTS.includes(section.id)) checkSize(reader)
    if (section.id === SectionId.type) {
      this.#typeSection = section
      this.#readTypes(reader)
    } else if (section.id === SectionId.import) this.#readImports(reader)
    else if (section.id === SectionId.function) this.#readFunctions(reader)
    else if (section.id === SectionId.table) this.#readTables(reader)
    else if (section.id === SectionId.memory) this.#readMemory(reader)
    else if (section.id === SectionId.global) this.#readGlobals(reader)
    else if (section.id === SectionId.export) this.#readExports(reader)
    else if (section.id === SectionId.start) this.start = reader.unsigned()
    else if (section.id === SectionId.tag) throw new Malformed('it has a tag section (WebAssembly exceptions), which is not allowed')
    else return
    reader.finish()
  }

  #readTypes(reader: Reader): void {
    const count = reader.count(3, MOST.types)
    for (let i = 0; i < count; i++) {
      this.#types.push(reader.at)
      skipFunctionType(reader, i)
    }
  }

  #type(index: number): Signature {
    const { body } = this.#typeSection!
    return readFunctionType(new Reader(body, 'type section', this.#types[index]))
  }

  #typeIndex(reader: Reader): number {
    const index = reader.unsigned()
    if (index >= this.#types.length) throw new Malformed(`its ${reader.part} names type ${index} of ${this.#types.length}`)
    return index
  }

  #readImports(reader: Reader): void {
    for (let left = reader.count(4, MOST.imports); left > 0; left--) {
      const from = reader.at
      const module = reader.name()
      const name = reader.name()
      const kind = reader.byte()
      if (kind === KINDS.indexOf('function')) {
        const signature = this.#type(this.#typeIndex(reader))
        this.imports.push({ module, name, ...signature, entry: reader.bytes.subarray(from, reader.at) })
      } else if (kind === KINDS.indexOf('memory')) this.#importMemory(reader, module, name)
      else refuseImport(kind, module, name)
    }
  }

  #importMemory(reader: Reader, module: string, name: string): void {
    if (module !== 'env' || name !== 'memory') throw new Malformed(`it imports memory ${shown(module, name)}, only "env.memory" is there`)
    this.#addMemory({ ...readLimits(reader, 'memory'), imported: true })
  }

  #readFunctions(reader: Reader): void {
    for (let left = reader.count(1, MOST.functions); left > 0; left--) this.#functions.push(this.#typeIndex(reader))
  }

  #readTables(reader: Reader): void {
    const count = reader.count(3, MOST.tables)
    for (let i = 0; i < count; i++) {
      if (reader.bytes[reader.at] === 0x40) throw new Malformed(`its table ${i} has an initial value, which is not allowed`)
      const type = readReferenceType(reader, () => `its table ${i} is`)
      this.tables.push({ type, ...readLimits(reader, 'table') })
    }
  }

  #readMemory(reader: Reader): void {
    const count = reader.unsigned()
    if (count > 1) throw new Malformed(`it has ${count} memories, one is allowed`)
    if (count === 1) this.#addMemory({ ...readLimits(reader, 'memory'), imported: false })
  }

  #addMemory(memory: SizeLimits & { readonly imported: boolean }): void {
    if (this.memory) throw new Malformed('it has several memories, one is allowed')
    this.memory = memory
  }

  #readGlobals(reader: Reader): void {
    const count = reader.count(4, MOST.globals)
    for (let i = 0; i < count; i++) {
      readValueType(reader, () => `its global ${i} is`)
      if (reader.byte() > 1) throw new Malformed(`its global ${i} is of unknown mutability`)
      constant(reader, () => `its global ${i}`)
    }
    this.#globals = count
  }

  #readExports(reader: Reader): void {
    const names = new Set<string>()
    for (let left = reader.count(3, MOST.exports); left > 0; left--) {
      const name = reader.name()
      const code = reader.byte()
      const index = reader.unsigned()
      const kind = KINDS[code]
      if (!kind) throw new Malformed(`it exports ${quoted(name)}, ${code === TAG ? 'a tag' : `of unknown kind ${code}`}`)
      if (names.has(name)) throw new Malformed(`it exports ${quoted(name)} twice`)
      if (index >= this.#howMany(kind)) throw new Malformed(`its export ${quoted(name)} is ${kind} ${index}, which it has not`)
      names.add(name)
      this.exports.push({ name, kind, index })
    }
  }

  #howMany(kind: ExportKind): number {
    if (kind === 'function') return this.functions
    if (kind === 'table') return this.tables.length
    return kind === 'global' ? this.#globals : this.memory ? 1 : 0
  }

  #checkStart(): void {
    if (this.start === undefined) return
    if (this.start >= this.functions) throw new Malformed(`its start function is number ${this.start} of ${this.functions}`)
    const text = signatureText(this.signature(this.start))
    if (text !== '() -> ()') throw new Malformed(`its start function is ${text}, needed is () -> ()`)
  }
}

function checkSize({ part, end }: Reader): void {
  if (end > MOST.listBytes) throw new Malformed(`its ${part} has ${end} bytes, at most ${MOST.listBytes} are allowed`)
}

function refuseImport(kind: number, module: string, name: string): never {
  const what = kind === TAG ? 'a tag' : KINDS[kind] ? `a ${KINDS[kind]}` : `of unknown kind ${kind}`
  throw new Malformed(`it imports ${shown(module, name)}, ${what}; only functions and "env.memory" can be imported`)
}
