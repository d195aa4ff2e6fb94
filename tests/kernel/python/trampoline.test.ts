/** A function of fewer parameters takes as many of three arguments as it has. */
import { describe, expect, test } from 'vitest'
import { trampoline } from '../../../src/kernel/python/trampoline.ts'
import { linkedModule } from '../../support/linked-module.ts'
import { type FunctionBody, ins } from '../../support/wasm-encoder.ts'

const FOUND = 16
const digits = (params: string, code: readonly number[], result = true): FunctionBody => ({ params, result, locals: 0, code })

/** Functions that write their arguments as decimal digits, in a table from 1 on. */
function machine() {
  const memory = new WebAssembly.Memory({ initial: 1 })
  const sum = (...locals: readonly number[]): number[] => [
    ...ins.i32(100 * (locals.length + 1)),
    ...locals.flatMap((local) => [...ins.get(local), ...ins.add]),
  ]
  const module = linkedModule({
    table: 9,
    functions: [
      digits('', sum()),
      digits('i', sum(0)),
      digits('ii', sum(0, 1)),
      digits('iii', sum(0, 1, 2)),
      digits('iiii', sum(0, 1, 2, 3)),
      digits('I', ins.i32(1)),
      digits('i', [], false),
    ],
    elements: [0, 1, 2, 3, 4, 5, 6],
  })
  const table = new WebAssembly.Instance(module, { env: { memory } }).exports['__indirect_function_table'] as WebAssembly.Table
  const call = trampoline(memory, table) as (found: number, f: number, a: number, b: number, c: number) => number
  /** The result, and whether the function was one that can be called so. */
  return (f: number): [result: number, found: number] => {
    const result = call(FOUND, f, 1, 20, 40)
    return [result, new DataView(memory.buffer).getInt32(FOUND, true)]
  }
}

describe('the trampoline', () => {
  const call = machine()
  test.each([
    [0, 1, 100],
    [1, 2, 201],
    [2, 3, 321],
    [3, 4, 461],
  ])('calls a function of %i parameters', (_count, index, result) => {
    expect(call(index)).toEqual([result, 1])
  })
  test.each([
    ['of four parameters', 5],
    ['of a 64-bit parameter', 6],
    ['without a result', 7],
    ['that is not there', 8],
  ])('says so of a function %s, and does not call it', (_what, index) => {
    expect(call(index)).toEqual([0, 0])
  })
  test('traps at a place beyond the table', () => {
    expect(() => call(99)).toThrow(WebAssembly.RuntimeError)
  })
})
