/** Side modules for dlopen(3), encoded by hand: whatever a hostile author could have written, well-formed or not. */
import { ins, line, uleb } from './wasm-encoder.ts'

/** Letters of value types: i32, i64, f64, externref. */
const TYPES: Readonly<Record<string, number>> = { i: 0x7f, I: 0x7e, F: 0x7c, x: 0x6f }

/** Instructions that `wasm-encoder` has not. */
export const side = {
  try: [0x06, 0x40],
  catchAll: [0x19],
  nullExtern: [0xd0, 0x6f],
  i64: (n: number) => [0x42, ...uleb(n)],
  f64: (n: number) => [0x44, ...new Uint8Array(Float64Array.of(n).buffer)],
  grow: [0x40, 0],
  notEqual: [0x47],
}

interface FunctionType {
  readonly params: string
  readonly results: string
}
type Import = { readonly module: string; readonly name: string } & (
  | { readonly kind: 'function'; readonly type: FunctionType }
  | { readonly kind: 'memory' | 'table'; readonly least: number; readonly most?: number }
  | { readonly kind: 'global'; readonly letter: string; readonly mutable?: boolean }
)

export interface SideModuleParts {
  /** what `dylink.0` says; bytes: the whole content of the section; null: no such section */
  readonly dylink?: { readonly memory?: number; readonly align?: number; readonly table?: number } | readonly number[] | null
  readonly imports?: readonly Import[]
  readonly functions?: readonly (FunctionType & { readonly code: readonly number[] })[]
  /** name → index among `functions` */
  readonly exports?: Readonly<Record<string, number>>
  /** index among `functions` */
  readonly start?: number
  /** pages of memories of its own */
  readonly memories?: readonly number[]
  /** lengths of tables of its own */
  readonly tables?: readonly number[]
}

const text = (s: string): number[] => [...uleb(Buffer.byteLength(s)), ...Buffer.from(s)]
const vector = (items: readonly (readonly number[])[]): number[] => [...uleb(items.length), ...items.flat()]
const section = (id: number, body: readonly number[]): number[] => [id, ...uleb(body.length), ...body]
const unlessEmpty = (id: number, items: readonly (readonly number[])[]): number[] => (items.length === 0 ? [] : section(id, vector(items)))
const letters = (s: string): number[] => vector(Array.from(s, (letter) => [TYPES[letter]!]))
const limits = (least: number, most?: number): number[] => (most === undefined ? [0, ...uleb(least)] : [1, ...uleb(least), ...uleb(most)])

function dylinkOf(dylink: SideModuleParts['dylink']): number[] {
  if (dylink === null) return []
  if (Array.isArray(dylink)) return section(0, [...text('dylink.0'), ...dylink])
  const { memory = 0, align = 0, table = 0 } = (dylink ?? {}) as { memory?: number; align?: number; table?: number }
  const sizes = [...uleb(memory), ...uleb(align), ...uleb(table), 0]
  return section(0, [...text('dylink.0'), 1, ...uleb(sizes.length), ...sizes])
}

function importOf(entry: Import, type: number): number[] {
  const names = [...text(entry.module), ...text(entry.name)]
  if (entry.kind === 'function') return [...names, 0, ...uleb(type)]
  if (entry.kind === 'global') return [...names, 3, TYPES[entry.letter]!, entry.mutable ? 1 : 0]
  return [...names, ...(entry.kind === 'table' ? [1, 0x70] : [2]), ...limits(entry.least, entry.most)]
}

/** Function indices: imported ones first, then `functions`. */
export function sideModule(parts: SideModuleParts = {}): Uint8Array<ArrayBuffer> {
  const { imports = [], functions = [], exports = {}, memories = [], tables = [] } = parts
  const imported = imports.flatMap((entry) => (entry.kind === 'function' ? [entry.type] : []))
  const types = [...imported, ...functions].map(({ params, results }) => [0x60, ...letters(params), ...letters(results)])
  let type = 0
  const importEntries = imports.map((entry) => importOf(entry, entry.kind === 'function' ? type++ : 0))
  const index = (f: number): number[] => uleb(imported.length + f)
  const codes = functions.map(({ code }) => [...uleb(code.length + 2), 0, ...code, ...ins.end])
  return Uint8Array.from([
    ...line(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0),
    ...dylinkOf(parts.dylink),
    ...unlessEmpty(1, types),
    ...unlessEmpty(2, importEntries),
    ...unlessEmpty(
      3,
      functions.map((_, f) => index(f)),
    ),
    ...unlessEmpty(
      4,
      tables.map((least) => [0x70, ...limits(least)]),
    ),
    ...unlessEmpty(
      5,
      memories.map((least) => limits(least)),
    ),
    ...unlessEmpty(
      7,
      Object.entries(exports).map(([name, f]) => [...text(name), 0, ...index(f)]),
    ),
    ...(parts.start === undefined ? [] : section(8, index(parts.start))),
    ...unlessEmpty(10, codes),
  ])
}
