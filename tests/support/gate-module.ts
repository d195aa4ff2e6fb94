/**
 * Modules for the gate, from plain data: a good tool of any ABI, and the same with one thing changed that no compiler would emit. A type is
 * letters, parameters before the colon: `ii:i`.
 */
import { ins, line, text, uleb, vector } from './wasm-encoder.ts'

const CODES: Readonly<Record<string, number>> = { i: 0x7f, I: 0x7e, f: 0x7d, F: 0x7c, v: 0x7b, r: 0x70, x: 0x6f }

export interface GateFunction {
  readonly type: string
  /** groups of locals, as encoded */
  readonly locals?: readonly (readonly number[])[]
  readonly code: readonly number[]
  readonly export?: string
  /** in the section of names */
  readonly name?: string
}

export interface GateParts {
  readonly imports?: readonly { readonly module: string; readonly name: string; readonly type: string }[]
  /** encoded entries of the import section */
  readonly otherImports?: readonly (readonly number[])[]
  readonly functions?: readonly GateFunction[]
  /** encoded types behind those of the functions */
  readonly types?: readonly (readonly number[])[]
  readonly tables?: readonly (readonly number[])[]
  /** limits of its own memories, as encoded */
  readonly memories?: readonly (readonly number[])[]
  readonly globals?: readonly (readonly number[])[]
  /** encoded entries of the export section besides the functions' */
  readonly exports?: readonly (readonly number[])[]
  /** index of the start function, imports counted */
  readonly start?: number
  readonly elements?: readonly (readonly number[])[]
  readonly data?: readonly (readonly number[])[]
  /** other sections: `before` the one of this id, or at the end */
  readonly sections?: readonly { readonly id: number; readonly body: readonly number[]; readonly before?: number }[]
}

const typeOf = (letters: string): number[] => {
  const [params = '', results = ''] = letters.split(':')
  const list = (part: string): number[] => vector(Array.from(part, (letter) => [CODES[letter]!]))
  return [0x60, ...list(params), ...list(results)]
}
const sectionOf = (id: number, body: readonly number[]): number[] => [id, ...uleb(body.length), ...body]

/** Two modules of the same parts are equal, byte for byte. */
export function gateModuleOf(parts: GateParts): Uint8Array<ArrayBuffer> {
  const { imports = [], functions = [], start } = parts
  const types = [...imports, ...functions].map(({ type }) => typeOf(type))
  const bodies = functions.map(({ locals = [], code }) => {
    const body = [...vector(locals), ...code, ...ins.end]
    return [...uleb(body.length), ...body]
  })
  const exported = functions.flatMap((f, i) => (f.export === undefined ? [] : [[...text(f.export), 0, ...uleb(imports.length + i)]]))
  const names = functions.flatMap((f, i) => (f.name === undefined ? [] : [[...uleb(imports.length + i), ...text(f.name)]]))
  const lists: readonly (readonly [id: number, items: readonly (readonly number[])[]])[] = [
    [1, [...types, ...(parts.types ?? [])]],
    [2, [...imports.map((f, i) => [...text(f.module), ...text(f.name), 0, ...uleb(i)]), ...(parts.otherImports ?? [])]],
    [3, functions.map((_, i) => uleb(imports.length + i))],
    [4, parts.tables ?? []],
    [5, parts.memories ?? []],
    [6, parts.globals ?? []],
    [7, [...exported, ...(parts.exports ?? [])]],
    [8, start === undefined ? [] : [[start]]],
    [9, parts.elements ?? []],
    [10, bodies],
    [11, parts.data ?? []],
  ]
  const out: number[][] = [line(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)]
  const more = parts.sections ?? []
  for (const [id, items] of lists) {
    for (const { id: other, body, before } of more) if (before === id) out.push(sectionOf(other, body))
    if (items.length > 0) out.push(sectionOf(id, id === 8 ? uleb(items[0]![0]!) : vector(items)))
  }
  for (const { id, body, before } of more) if (before === undefined) out.push(sectionOf(id, body))
  if (names.length > 0) out.push(nameSection(names))
  return Uint8Array.from(out.flat())
}

function nameSection(names: readonly (readonly number[])[]): number[] {
  const list = vector(names)
  return sectionOf(0, [...text('name'), 1, ...uleb(list.length), ...list])
}

export const MEMORY_EXPORT = [...text('memory'), 2, 0]
export const memoryImport = (...limits: number[]): number[] => [...text('env'), ...text('memory'), 2, ...limits]
const ALLOC: GateFunction = { type: 'i:i', code: ins.i32(1024), export: 'alloc', name: 'alloc' }
const EXECUTE: GateFunction = { type: 'i:i', code: ins.get(0), export: 'execute', name: 'execute' }

/** A good tool of abi `btcp`: `execute` gives back what it got. */
export const TOOL: GateParts = { functions: [ALLOC, EXECUTE], memories: [[0, 1]], exports: [MEMORY_EXPORT] }
export const toolWith = (parts: GateParts): Uint8Array<ArrayBuffer> => gateModuleOf({ ...TOOL, ...parts })
/** The good tool with more functions, behind its own two. */
export const toolWithFunctions = (...more: readonly GateFunction[]): Uint8Array<ArrayBuffer> =>
  toolWith({ functions: [ALLOC, EXECUTE, ...more] })
/** A good tool of abi `library` with these functions besides `alloc`. */
export const libraryWith = (...functions: readonly GateFunction[]): Uint8Array<ArrayBuffer> =>
  gateModuleOf({ ...TOOL, functions: [ALLOC, ...functions] })
