/**
 * CPython calls a method of any number of parameters with up to three arguments and relies on the platform to drop those that are too
 * many, which WebAssembly does not. This small module looks at the type of the function first (`ref.test`) and passes what it takes. A
 * function of JavaScript in its place would stand on the stack, and then nothing below it could be suspended.
 */
import { EMPTY_BLOCK, ExternKind, FUNCTION, HEADER, line, Section, section, sized, text, ValueType, vector } from '../wasi/wasm-encoder.ts'
import { wasm, type WasmMemory, type WasmModule, type WasmTable } from '../wasi/webassembly.ts'

const op = { if: 0x04, end: 0x0b, return: 0x0f, callIndirect: 0x11, get: 0x20, tableGet: 0x25, store: 0x36, constant: 0x41 } as const
/** of the GC proposal */
const REF_TEST = line(0xfb, 0x14)
/** Parameters of `trampoline_call(int *found, func, a, b, c)`. */
const Param = { found: 0, function: 1, first: 2 } as const
const MOST = 3
const ALIGN_4 = 2

/** The type of a function of so many i32, with an i32 as its result. */
const functionType = (params: number): number[] => [
  FUNCTION,
  ...vector(Array.from({ length: params }, () => [ValueType.i32])),
  ...vector([[ValueType.i32]]),
]

/** `if (table[f] is of the type with n parameters) return table[f](a …)`; a type's number is that of its parameters. */
const attempt = (params: number): number[] => [
  ...line(op.get, Param.function, op.tableGet, 0, ...REF_TEST, params, op.if, EMPTY_BLOCK),
  ...Array.from({ length: params }, (_, i) => line(op.get, Param.first + i)).flat(),
  ...line(op.get, Param.function, op.callIndirect, params, 0, op.return, op.end),
]

const setFound = (value: number): number[] => line(op.get, Param.found, op.constant, value, op.store, ALIGN_4, 0)

function encode(): Uint8Array {
  const counts = Array.from({ length: MOST + 1 }, (_, i) => MOST - i)
  const body = [0, ...setFound(1), ...counts.flatMap(attempt), ...setFound(0), ...line(op.constant, 0, op.end)]
  const memory = [...text('env'), ...text('memory'), ExternKind.memory, 0, 1]
  const table = [...text('env'), ...text('table'), ExternKind.table, ValueType.funcref, 0, 1]
  return Uint8Array.from([
    ...HEADER,
    ...section(Section.type, vector([...counts.toReversed().map(functionType), functionType(Param.first + MOST)])),
    ...section(Section.import, vector([memory, table])),
    ...section(Section.function, vector([[MOST + 1]])),
    ...section(Section.export, vector([[...text('call'), ExternKind.function, 0]])),
    ...section(Section.code, vector([sized(body)])),
  ])
}

let module: WasmModule | undefined

/** The function, over an interpreter's memory and table. */
export function trampoline(memory: WasmMemory, table: WasmTable): unknown {
  module ??= new wasm.Module(encode())
  return new wasm.Instance(module, { env: { memory, table } }).exports['call']
}
