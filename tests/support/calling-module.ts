/** A tool that makes the calls which a test asks for, one after the other, and gives what each returned, and the buffer that it passed them. */
import type { AskedFor, Outcome } from './tool-kernel.ts'
import { gateModuleOf, type GateFunction, type GateParts, MEMORY_EXPORT } from './gate-module.ts'
import { side } from './side-module.ts'
import { ins, uleb } from './wasm-encoder.ts'

export interface Import {
  readonly module: string
  readonly name: string
  /** letters, parameters before the colon */
  readonly type: string
}

/** A text goes as pointer and length, a number as it is. */
export type Argument = string | Uint8Array | number | { readonly f64: number }
export interface Call {
  /** index among the imports */
  readonly import: number
  readonly args: readonly Argument[]
}

const TEXTS = 1_024
const RESULT = 32_768
const VALUES = RESULT + 4
/** The buffer that the calls may be given. */
export const OUT = 40_960
export const OUT_BYTES = 16
/** Where `alloc` begins to give memory. */
export const HEAP = 49_152

/** i64.trunc_sat_f64_u, i32.wrap_i64 */
const LOW_BITS = [0xfc, 7, 0xa7]

/** Stores one number after the other where the result goes. */
const storeAt = (at: number, code: readonly number[]): number[] => [...ins.i32(at), ...code, ...ins.store(0)]
export const dataAt = (at: number, bytes: Iterable<number>): number[] => {
  const content = [...bytes]
  return [0, ...ins.i32(at), ...ins.end, ...uleb(content.length), ...content]
}

/** `alloc` that gives one place after the other, all aligned. */
export const BUMP: GateFunction = {
  type: 'i:i',
  code: [
    ...ins.globalGet(0),
    ...ins.globalGet(0),
    ...ins.get(0),
    ...ins.add,
    ...ins.i32(15),
    ...ins.add,
    ...ins.i32(-16),
    ...ins.and,
    ...ins.globalSet(0),
  ],
  export: 'alloc',
  name: 'alloc',
}
export const HEAP_GLOBAL = [0x7f, 1, ...ins.i32(HEAP), ...ins.end]

export interface CallingParts extends Pick<GateParts, 'functions' | 'start' | 'memories'> {
  readonly imports: readonly Import[]
  readonly calls: readonly Call[]
  /** instead of the bump allocator */
  readonly alloc?: GateFunction
}

export function callingModule({
  imports,
  calls,
  alloc = BUMP,
  functions = [],
  start,
  memories = [[0, 2]],
}: CallingParts): Uint8Array<ArrayBuffer> {
  const data: number[][] = []
  let next = TEXTS
  const place = (argument: Argument): number[] => {
    if (typeof argument === 'number') return ins.i32(argument)
    if (typeof argument === 'object' && 'f64' in argument) return side.f64(argument.f64)
    const bytes = typeof argument === 'string' ? new TextEncoder().encode(argument) : argument
    const at = next
    next += bytes.length
    data.push(dataAt(at, bytes))
    return [...ins.i32(at), ...ins.i32(bytes.length)]
  }
  const execute = calls.flatMap(({ import: index, args }, i) => {
    const call = [...args.flatMap(place), ...ins.call(index)]
    const results = imports[index]!.type.split(':')[1]!
    if (results === '') return call
    return storeAt(VALUES + 4 * i, results === 'F' ? [...call, ...LOW_BITS] : call)
  })
  const length = 4 * calls.length + OUT_BYTES
  const copy = Array.from({ length: OUT_BYTES / 4 }, (_, i) =>
    storeAt(VALUES + 4 * (calls.length + i), [...ins.i32(OUT), ...ins.load(4 * i)]),
  )
  return gateModuleOf({
    imports,
    functions: [
      alloc,
      {
        type: 'i:i',
        code: [...execute, ...copy.flat(), ...storeAt(RESULT, ins.i32(length)), ...ins.i32(RESULT)],
        export: 'execute',
        name: 'execute',
      },
      ...functions,
    ],
    globals: [HEAP_GLOBAL],
    memories,
    exports: [MEMORY_EXPORT],
    ...(start === undefined ? {} : { start }),
    data,
  })
}

/** What each call returned, and the text in the buffer up to its first NUL. */
export function returned({ bytes, failure }: Outcome, calls: number): { readonly values: number[]; readonly out: string } {
  if (!bytes) throw new Error(`It failed: ${failure?.message ?? 'without a word'}`)
  const view = Buffer.from(bytes)
  const out = view.subarray(4 * calls)
  const end = out.indexOf(0)
  return {
    values: Array.from({ length: calls }, (_, i) => view.readInt32LE(4 * i)),
    out: out.toString('utf8', 0, end < 0 ? out.length : end),
  }
}

export const textsOf = (asked: readonly AskedFor[]): string[] => asked.map(({ import: name, args }) => `${name} ${JSON.stringify(args)}`)
