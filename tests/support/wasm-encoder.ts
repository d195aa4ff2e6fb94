/** Just enough of a WebAssembly assembler to make small modules in tests: sections from plain data, instructions as byte lists. */
export const I32 = 0x7f
export const I64 = 0x7e
const F64 = 0x7c

export const uleb = (n: number): number[] => (n < 128 ? [n] : [(n % 128) | 128, ...uleb(Math.floor(n / 128))])
export function sleb(n: number): number[] {
  const low = n & 127
  const rest = n >> 7
  const last = (rest === 0 && (low & 64) === 0) || (rest === -1 && (low & 64) !== 0)
  return last ? [low] : [low | 128, ...sleb(rest)]
}
export const text = (s: string): number[] => [...uleb(Buffer.byteLength(s)), ...Buffer.from(s)]
export const vector = (items: readonly (readonly number[])[]): number[] => [...uleb(items.length), ...items.flat()]
export const section = (id: number, items: readonly (readonly number[])[]): number[] => {
  if (items.length === 0) return []
  const body = vector(items)
  return [id, ...uleb(body.length), ...body]
}
export const letters = (params: string): number[] => Array.from(params, (p) => (p === 'I' ? I64 : p === 'F' ? F64 : I32))

/** Bytes that belong together, one line of code each. */
export const line = (...bytes: number[]): number[] => bytes

/** Instructions. */
export const ins = {
  unreachable: [0x00],
  block: [0x02, 0x40],
  loop: [0x03, 0x40],
  if: [0x04, 0x40],
  end: [0x0b],
  return: [0x0f],
  drop: [0x1a],
  eqz: [0x45],
  eq: [0x46],
  add: [0x6a],
  sub: [0x6b],
  and: [0x71],
  shr: [0x76],
  br: (depth: number) => [0x0c, depth],
  brIf: (depth: number) => [0x0d, depth],
  call: (index: number) => [0x10, ...uleb(index)],
  /** through the table, as a function of that type */
  callIndirect: (type: number) => [0x11, ...uleb(type), 0],
  get: (local: number) => [0x20, ...uleb(local)],
  set: (local: number) => [0x21, ...uleb(local)],
  tee: (local: number) => [0x22, ...uleb(local)],
  globalGet: (global: number) => [0x23, ...uleb(global)],
  globalSet: (global: number) => [0x24, ...uleb(global)],
  load: (offset: number) => [0x28, 2, ...uleb(offset)],
  load64: (offset: number) => [0x29, 3, ...uleb(offset)],
  loadFloat: (offset: number) => [0x2b, 3, ...uleb(offset)],
  store: (offset: number) => [0x36, 2, ...uleb(offset)],
  above: [0x4b],
  size: [0x3f, 0],
  grow: [0x40, 0],
  i32: (n: number) => [0x41, ...sleb(n)],
}

export interface FunctionBody {
  /** parameter letters: `i`, `I` or `F` */
  readonly params: string
  readonly result: boolean
  /** further locals, all i32 */
  readonly locals: number
  readonly code: readonly number[]
}
export interface ModuleParts {
  readonly imports: readonly { readonly module: string; readonly name: string; readonly params: string; readonly result: boolean }[]
  /** pages; imported as env.memory or the module's own, which is exported as `memory` */
  readonly memory: { readonly pages: number; readonly imported: boolean }
  /** mutable i32 globals */
  readonly globals?: readonly { readonly name: string; readonly value: number }[]
  readonly functions: readonly FunctionBody[]
  /** name → index among `functions` */
  readonly exports: Readonly<Record<string, number>>
  /** index among `functions` of the start function */
  readonly start?: number
  readonly data?: { readonly at: number; readonly bytes: readonly number[] }
}

/** Function indices: imports first, then functions. */
export function encodeModule(parts: ModuleParts): Uint8Array<ArrayBuffer> {
  const { imports, functions, memory } = parts
  const globals = parts.globals ?? []
  const types = [...imports, ...functions].map((f) => [0x60, ...vector(letters(f.params).map((t) => [t])), ...(f.result ? [1, I32] : [0])])
  const imported = imports.map((f, i) => [...text(f.module), ...text(f.name), 0, ...uleb(i)])
  if (memory.imported) imported.push([...text('env'), ...text('memory'), 2, 0, ...uleb(memory.pages)])
  const exported = [
    ...(memory.imported ? [] : [[...text('memory'), 2, 0]]),
    ...globals.map((g, i) => [...text(g.name), 3, i]),
    ...Object.entries(parts.exports).map(([name, index]) => [...text(name), 0, ...uleb(imports.length + index)]),
  ]
  const codes = functions.map((f) => {
    const body = [...(f.locals > 0 ? [1, ...uleb(f.locals), I32] : [0]), ...f.code, ...ins.end]
    return [...uleb(body.length), ...body]
  })
  return Uint8Array.from([
    ...line(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0),
    ...section(1, types),
    ...section(2, imported),
    ...section(
      3,
      functions.map((_, i) => uleb(imports.length + i)),
    ),
    ...section(5, memory.imported ? [] : [[0, ...uleb(memory.pages)]]),
    ...section(
      6,
      globals.map((g) => [I32, 1, ...ins.i32(g.value), ...ins.end]),
    ),
    ...section(7, exported),
    ...(parts.start === undefined ? [] : line(8, 1, imports.length + parts.start)),
    ...section(10, codes),
    ...section(11, parts.data ? [[0, ...ins.i32(parts.data.at), ...ins.end, ...uleb(parts.data.bytes.length), ...parts.data.bytes]] : []),
  ])
}
