/** The few steps by which the kernel writes small modules of its own (WebAssembly binary format, section 5): numbers, vectors, sections. */

/** The magic number and version that every module begins with. */
export const HEADER: readonly number[] = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0]

export const ValueType = { i32: 0x7f, i64: 0x7e, f32: 0x7d, f64: 0x7c, funcref: 0x70 } as const
export const Section = { type: 1, import: 2, function: 3, export: 7, code: 10 } as const
export const ExternKind = { function: 0, table: 1, memory: 2 } as const
/** The byte that begins a function's type. */
export const FUNCTION = 0x60
/** The type of a block without a result. */
export const EMPTY_BLOCK = 0x40

/** An unsigned LEB128 number of 32 bits. */
export function unsigned(n: number): number[] {
  const out: number[] = []
  for (let rest = n; ; rest >>>= 7) {
    if (rest < 0x80) return [...out, rest]
    out.push((rest & 0x7f) | 0x80)
  }
}

export const text = (s: string): number[] => [...unsigned(s.length), ...Array.from(s, (c) => c.charCodeAt(0))]
export const vector = (items: readonly number[][]): number[] => [...unsigned(items.length), ...items.flat()]
export const section = (id: number, body: readonly number[]): number[] => [id, ...unsigned(body.length), ...body]
/** A body with its length before it. */
export const sized = (body: readonly number[]): number[] => [...unsigned(body.length), ...body]

/** Bytes that belong together, one line of code each. */
export const line = (...bytes: number[]): number[] => bytes
