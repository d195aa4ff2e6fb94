/** Modules as Emscripten's linker makes them, from plain data: a main module with its table, and side modules with a section `dylink.0`. */
import { type FunctionBody, I32, ins, letters, line, section, text, uleb, vector } from './wasm-encoder.ts'

interface Import {
  /** `env` unless it says otherwise */
  readonly module?: string
  readonly name: string
  readonly params: string
  readonly result: boolean
}
export interface LinkedModule {
  /** what `dylink.0` says; a main module has none */
  readonly dylink?: readonly number[]
  /** entries of the main module's own table; a side module's is imported */
  readonly table?: number
  readonly imports?: readonly Import[]
  readonly gotMem?: readonly string[]
  readonly gotFunc?: readonly string[]
  readonly functions?: readonly (FunctionBody & { readonly name?: string })[]
  /** exported addresses, by symbol */
  readonly addresses?: Readonly<Record<string, number>>
  /** function indices that are put into the table: at 1, or at the side module's base */
  readonly elements?: readonly number[]
  /** bytes at the side module's base */
  readonly data?: string
}

/** A side module's globals 0 and 1; its GOT entries follow, those of GOT.mem first. */
export const Base = { memory: 0, table: 1, firstGot: 2 } as const

export interface Dylink {
  readonly memorySize?: number
  /** as a power of two */
  readonly memoryAlign?: number
  readonly tableSize?: number
  readonly needed?: readonly string[]
  readonly runtimePaths?: readonly string[]
}
const part = (id: number, body: readonly number[]): number[] => [id, ...uleb(body.length), ...body]
export const dylink = ({ memorySize = 0, memoryAlign = 0, tableSize = 0, needed = [], runtimePaths = [] }: Dylink): number[] => [
  ...part(1, [...uleb(memorySize), ...uleb(memoryAlign), ...uleb(tableSize), 0]),
  ...(needed.length > 0 ? part(2, vector(needed.map(text))) : []),
  ...(runtimePaths.length > 0 ? part(5, vector(runtimePaths.map(text))) : []),
]

/** A function of no parameters that gives an i32. */
export const giving = (name: string, code: readonly number[]): FunctionBody & { readonly name: string } => ({
  name,
  params: '',
  result: true,
  locals: 0,
  code,
})

export function linkedModule(parts: LinkedModule): WebAssembly.Module {
  const { imports = [], gotMem = [], gotFunc = [], functions = [], addresses = {}, elements = [], table } = parts
  const isSide = table === undefined
  const global = (module: string, name: string, mutable: number): number[] => [...text(module), ...text(name), 3, I32, mutable]
  const imported = [
    ...imports.map((f, i) => [...text(f.module ?? 'env'), ...text(f.name), 0, ...uleb(i)]),
    [...text('env'), ...text('memory'), 2, 0, 1],
    ...(isSide ? [[...text('env'), ...text('__indirect_function_table'), 1, 0x70, 0, 0]] : []),
    ...(isSide ? [global('env', '__memory_base', 0), global('env', '__table_base', 0)] : []),
    ...gotMem.map((name) => global('GOT.mem', name, 1)),
    ...gotFunc.map((name) => global('GOT.func', name, 1)),
  ]
  const globals = (isSide ? 2 : 0) + gotMem.length + gotFunc.length
  const exported = [
    ...functions.flatMap(({ name }, i) => (name === undefined ? [] : [[...text(name), 0, ...uleb(imports.length + i)]])),
    ...Object.keys(addresses).map((name, i) => [...text(name), 3, ...uleb(globals + i)]),
    ...(isSide ? [] : [[...text('__indirect_function_table'), 1, 0]]),
  ]
  const codes = functions.map((f) => {
    const body = [...(f.locals > 0 ? [1, ...uleb(f.locals), I32] : [0]), ...f.code, ...ins.end]
    return [...uleb(body.length), ...body]
  })
  const base = (index: number): number[] => [...ins.globalGet(index), ...ins.end]
  const custom = parts.dylink && [...text('dylink.0'), ...parts.dylink]
  const types = [...imports, ...functions].map((f) => [0x60, ...vector(letters(f.params).map((t) => [t])), ...(f.result ? [1, I32] : [0])])
  const at = isSide ? base(Base.table) : [...ins.i32(1), ...ins.end]
  return new WebAssembly.Module(
    Uint8Array.from([
      ...line(0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0),
      ...(custom ? [0, ...uleb(custom.length), ...custom] : []),
      ...section(1, types),
      ...section(2, imported),
      ...section(
        3,
        functions.map((_, i) => uleb(imports.length + i)),
      ),
      ...section(4, isSide ? [] : [[0x70, 0, ...uleb(table)]]),
      ...section(
        6,
        Object.values(addresses).map((address) => [I32, 0, ...ins.i32(address), ...ins.end]),
      ),
      ...section(7, exported),
      ...section(9, elements.length > 0 ? [[0, ...at, ...vector(elements.map(uleb))]] : []),
      ...section(10, codes),
      ...section(11, parts.data === undefined ? [] : [[0, ...base(Base.memory), ...text(parts.data)]]),
    ]),
  )
}
