/**
 * CPython calls a method of any number of parameters with up to three arguments and relies on the platform to drop those that are too
 * many, which WebAssembly does not. This small module looks at the type of the function first (`ref.test`) and passes what it takes. A
 * function of JavaScript in its place would stand on the stack, and then nothing below it could be suspended.
 */
import { wasm, type WasmModule } from '../wasi/webassembly.ts'

const I32 = 0x7f
const EMPTY = 0x40
const op = { if: 0x04, end: 0x0b, return: 0x0f, callIndirect: 0x11, get: 0x20, tableGet: 0x25, store: 0x36, constant: 0x41 } as const
/** of the GC proposal */
const REF_TEST = [0xfb, 0x14]
/** Parameters of `trampoline_call(int *found, func, a, b, c)`. */
const Param = { found: 0, function: 1, first: 2 } as const
const MOST = 3

const vector = (items: readonly number[][]): number[] => [items.length, ...items.flat()]
const section = (id: number, body: number[]): number[] => [id, body.length, ...body]
const text = (s: string): number[] => [s.length, ...Array.from(s, (c) => c.charCodeAt(0))]
/** The type of a function of so many i32, with an i32 as its result. */
const functionType = (params: number): number[] => [0x60, ...vector(Array.from({ length: params }, () => [I32])), 1, I32]

/** `if (table[f] is of type n) return table[f](a …)` */
const attempt = (params: number): number[] => [
  ...[op.get, Param.function, op.tableGet, 0, ...REF_TEST, params, op.if, EMPTY],
  ...Array.from({ length: params }, (_, i) => [op.get, Param.first + i]).flat(),
  ...[op.get, Param.function, op.callIndirect, params, 0, op.return, op.end],
]

const setFound = (value: number): number[] => [op.get, Param.found, op.constant, value, op.store, 2, 0]

function encode(): Uint8Array {
  const body = [
    0,
    ...setFound(1),
    ...Array.from({ length: MOST + 1 }, (_, i) => attempt(MOST - i)).flat(),
    ...setFound(0),
    ...[op.constant, 0, op.end],
  ]
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector([...Array.from({ length: MOST + 1 }, (_, i) => functionType(i)), functionType(Param.first + MOST)])),
    ...section(
      2,
      vector([
        [...text('env'), ...text('memory'), 2, 0, 1],
        [...text('env'), ...text('table'), 1, 0x70, 0, 1],
      ]),
    ),
    ...section(3, vector([[MOST + 1]])),
    ...section(7, vector([[...text('call'), 0, 0]])),
    ...sectionOfCode(body),
  ])
}

/** The body is longer than a number of one byte says. */
function sectionOfCode(body: number[]): number[] {
  const size = (n: number): number[] => (n < 0x80 ? [n] : [(n & 0x7f) | 0x80, n >> 7])
  const code = [1, ...size(body.length), ...body]
  return [10, ...size(code.length), ...code]
}

let module: WasmModule | undefined

/** The function, over an interpreter's memory and table. */
export function trampoline(memory: object, table: object): unknown {
  module ??= new wasm.Module(encode())
  return new wasm.Instance(module, { env: { memory: memory as never, table: table as never } }).exports['call']
}
