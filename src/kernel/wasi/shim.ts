/**
 * The shim: a wasm module with one export for each system call that goes through it, shared by all processes of a cell.
 *
 *     loop { r = fast(args); if (r > KILLED) return r; if (r == KILLED) unreachable; if (setcur(slow())) unreachable }
 *
 * `fast` is a plain import (a few ns), `slow` the only suspending one: an import that may suspend costs ten times as much even when
 * it does not. `setcur` makes the resumed process the current one again. `unreachable` is how a process that must die leaves code
 * which might catch an exception: no handler of a guest catches a trap.
 */
import { EMPTY_BLOCK, FUNCTION, HEADER, line, section, sized, text, unsigned, ValueType, vector } from './wasm-encoder.ts'
import { wasm, type WasmModule } from './webassembly.ts'

/** The call would have to wait: suspend, then call again. No call has a result so small: errors of Linux's are small numbers below 0. */
export const WOULD_BLOCK = -0x8000_0000
/** The calling process has ended: unwind it by a trap. */
export const KILLED = WOULD_BLOCK + 1

/** A function's type: a letter for each parameter, `i` for i32, `I` for i64 and `F` for f64; whether it gives an i32. */
export interface ShimCall {
  readonly name: string
  readonly params: string
  readonly result: boolean
  /** The call has a result, and who imports it is not to see it. */
  readonly drops?: true
}

const { i32: I32, i64: I64, f64: F64 } = ValueType
const op = {
  unreachable: 0x00,
  loop: 0x03,
  if: 0x04,
  end: 0x0b,
  branch: 0x0c,
  return: 0x0f,
  call: 0x10,
  drop: 0x1a,
  localGet: 0x20,
  localTee: 0x22,
  constant: 0x41,
  equal: 0x46,
  greater: 0x4a,
} as const

const valueType = (letter: string): number => (letter === 'I' ? I64 : letter === 'F' ? F64 : I32)
/** A signed LEB128 number of 32 bits that needs all five bytes. */
const signed = (n: number): number[] => [
  (n & 0x7f) | 0x80,
  ((n >> 7) & 0x7f) | 0x80,
  ((n >> 14) & 0x7f) | 0x80,
  ((n >> 21) & 0x7f) | 0x80,
  (n >> 28) & 0x7f,
]

/** Functions 0 and 1 are `slow` and `setcur`; then come the fast imports, then the exports in the same order. */
const SLOW = 0
const SETCUR = 1
const FIRST_FAST = 2

function body(call: ShimCall, fast: number): number[] {
  const args = Array.from(call.params, (_, i) => [op.localGet, ...unsigned(i)]).flat()
  if (!call.result) return [0, ...args, op.call, ...unsigned(fast), op.unreachable, op.end]
  const r = unsigned(call.params.length)
  const trapIf = [op.if, EMPTY_BLOCK, op.unreachable, op.end]
  return [
    ...line(1, 1, I32),
    ...line(op.loop, EMPTY_BLOCK),
    ...args,
    ...line(op.call, ...unsigned(fast), op.localTee, ...r, op.constant, ...signed(KILLED), op.greater),
    ...line(op.if, EMPTY_BLOCK, ...(call.drops ? [] : [op.localGet, ...r]), op.return, op.end),
    ...line(op.localGet, ...r, op.constant, ...signed(KILLED), op.equal, ...trapIf),
    ...line(op.call, SLOW, op.call, SETCUR, ...trapIf),
    ...line(op.branch, 0, op.end, op.unreachable, op.end),
  ]
}

const functionType = (params: string, result: boolean): number[] =>
  line(FUNCTION, ...vector(Array.from(params, (p) => [valueType(p)])), ...(result ? [1, I32] : [0]))

/** The module's bytes: imports `k.slow`, `k.setcur` and `k.NAME` for each call, exports each NAME. A call without a result never returns. */
export function encodeShim(calls: readonly ShimCall[]): Uint8Array {
  const types = [
    [FUNCTION, 0, 1, I32],
    [FUNCTION, 1, I32, 1, I32],
    ...calls.map(({ params, result }) => functionType(params, result)),
    ...calls.map(({ params, result, drops }) => functionType(params, result && !drops)),
  ]
  const imported = ['slow', 'setcur', ...calls.map((c) => c.name)]
  const codes = calls.map((call, i) => sized(body(call, FIRST_FAST + i)))
  return Uint8Array.from([
    ...HEADER,
    ...section(1, vector(types)),
    ...section(2, vector(imported.map((name, i) => [...text('k'), ...text(name), 0, ...unsigned(i)]))),
    ...section(3, vector(calls.map((_, i) => unsigned(FIRST_FAST + calls.length + i)))),
    ...section(7, vector(calls.map((call, i) => [...text(call.name), 0, ...unsigned(FIRST_FAST + calls.length + i)]))),
    ...section(10, vector(codes)),
  ])
}

/** One module for each list of calls, shared by all kernels of this realm. */
const modules = new WeakMap<readonly ShimCall[], WasmModule>()

/** Links the shim over plain functions. `slow` resolves to the pid that goes on; `setcur` answers 1 for a process that must unwind. */
export function linkShim(
  calls: readonly ShimCall[],
  fast: Readonly<Record<string, unknown>>,
  slow: () => Promise<number>,
  setcur: (pid: number) => number,
): Readonly<Record<string, unknown>> {
  let module = modules.get(calls)
  if (!module) modules.set(calls, (module = new wasm.Module(encodeShim(calls))))
  return new wasm.Instance(module, { k: { ...fast, slow: new wasm.Suspending(slow), setcur } }).exports
}
