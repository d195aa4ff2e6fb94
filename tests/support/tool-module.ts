/** Modules of the ABI `btcp` by hand, each off the good one in a single point. */
import { encodeModule, type FunctionBody, ins, line, type ModuleParts } from './wasm-encoder.ts'

/** Where the good module keeps its result, and where its `alloc` begins to give memory. */
export const RESULT_AT = 16
const HEAP = 4_096

export interface ToolParts {
  /** what `alloc(size)` does; it gives a pointer */
  readonly alloc?: readonly number[]
  /** what `execute(args)` does; it gives a pointer */
  readonly execute?: readonly number[]
  readonly dealloc?: readonly number[]
  readonly locals?: number
  /** at RESULT_AT, after its length */
  readonly result?: string | Uint8Array
  readonly imports?: ModuleParts['imports']
  readonly more?: readonly FunctionBody[]
  /** other names for the functions alloc (0), execute (1), dealloc (2) and those of `more` */
  readonly exports?: Readonly<Record<string, number>>
  readonly start?: number
  readonly pages?: number
  /** what stands in memory instead of the length and the result */
  readonly data?: { readonly at: number; readonly bytes: readonly number[] }
}

export const EXPORTS = { alloc: 0, execute: 1, dealloc: 2 }

/** The good module gives `{"ok":true}` for whatever it is asked. Its import `i` is function `i`. */
export function toolModule(parts: ToolParts = {}): Uint8Array<ArrayBuffer> {
  const { locals = 2, imports = [] } = parts
  return encodeModule({
    imports,
    memory: { pages: parts.pages ?? 2, imported: false },
    functions: [
      { params: 'i', result: true, locals, code: parts.alloc ?? ins.i32(HEAP) },
      { params: 'i', result: true, locals, code: parts.execute ?? ins.i32(RESULT_AT) },
      { params: 'ii', result: false, locals, code: parts.dealloc ?? [] },
      ...(parts.more ?? []),
    ],
    exports: parts.exports ?? EXPORTS,
    ...(parts.start === undefined ? {} : { start: parts.start }),
    data: parts.data ?? { at: RESULT_AT, bytes: prefixed(parts.result ?? '{"ok":true}') },
  })
}

/** A text as the ABI has it: its length in four bytes, then its UTF-8. */
export function prefixed(text: string | Uint8Array): number[] {
  const bytes = typeof text === 'string' ? new TextEncoder().encode(text) : text
  return [...u32(bytes.length), ...bytes]
}

export const u32 = (n: number): number[] => [n & 255, (n >>> 8) & 255, (n >>> 16) & 255, n >>> 24]

/** Stores what is on the stack as a digit: `{"n":D}` becomes the result; for small numbers, negative ones by their amount. */
export const digitResult = (value: readonly number[], isNegative = false): number[] => [
  // the digit stands at offset 5 of the text, which begins after the length
  ...ins.i32(RESULT_AT + 4 + (isNegative ? 6 : 5)),
  ...(isNegative ? [...ins.i32(0), ...value, ...ins.sub] : value),
  ...ins.i32(48),
  ...ins.add,
  ...line(0x3a, 0, 0),
  ...ins.i32(RESULT_AT),
]
