/** A call of abi `library`: the forms in which a function gives a text, and what is said where one is missing or lies. */
import { describe, expect, test } from 'vitest'
import { BUMP, dataAt, HEAP_GLOBAL } from '../../support/calling-module.ts'
import { type GateFunction, type GateParts, gateModuleOf, MEMORY_EXPORT } from '../../support/gate-module.ts'
import { side } from '../../support/side-module.ts'
import { type CallOptions, type Outcome, ToolKernel } from '../../support/tool-kernel.ts'
import { ins } from '../../support/wasm-encoder.ts'

const PAGE = 65_536
/** A number of 64 bits, the pointer in its upper half. */
const packed = (pointer: number, length: number): number[] => {
  const bits = (BigInt(pointer) << 32n) | BigInt(length)
  const out: number[] = [0x42]
  for (let rest = BigInt.asIntN(64, bits); ;) {
    const low = Number(rest & 127n)
    rest >>= 7n
    const last = (rest === 0n && (low & 64) === 0) || (rest === -1n && (low & 64) !== 0)
    out.push(last ? low : low | 128)
    if (last) return out
  }
}
const TEXT = dataAt(64, Buffer.from('{"ok":true}'))
const given = (name: string, type: string, code: readonly number[]): GateFunction => ({ type, code, export: name, name })
const library = (functions: readonly GateFunction[], more: GateParts = {}): Uint8Array<ArrayBuffer> =>
  gateModuleOf({
    functions: [BUMP, ...functions],
    memories: [[0, 1]],
    globals: [HEAP_GLOBAL],
    exports: [MEMORY_EXPORT],
    data: [TEXT],
    ...more,
  })

async function call(module: Uint8Array, options: CallOptions = {}): Promise<Outcome> {
  const kernel = new ToolKernel()
  const outcome = await kernel.call(module, { abi: 'library', entry: 'library_call', ...options })
  expect(kernel.tests.faults).toEqual([])
  return outcome
}

/** Gives its arguments back. */
const PACKED = [...ins.get(0), 0xad, ...side.i64(32), 0x86, ...ins.get(1), 0xad, 0x84]
const RETURNED = [...ins.get(0), ...ins.get(1), ...ins.store(0), ...ins.get(0), ...ins.get(2), ...ins.store(4)]

describe.each(['library_call', 'library_check'] as const)('%s', (entry) => {
  test.each([
    ['one packed number', 'ii:I', PACKED],
    ['two values', 'ii:ii', [...ins.get(0), ...ins.get(1)]],
    ['a place that it is given', 'iii:', RETURNED],
  ])('gives a text as %s', async (_title, type, code) => {
    expect(await call(library([given(entry, type, code)]), { entry, input: '{"f":1}' })).toMatchObject({ status: 0, value: '{"f":1}' })
  })

  test('beyond the memory it is a failure that says so', async () => {
    for (const [pointer, length] of [
      [PAGE, 1],
      [0xffff_fff0, 16],
      [0xffff_ffff, 1],
      [PAGE - 4, 5],
    ] as const) {
      const { failure } = await call(library([given(entry, 'ii:I', packed(pointer, length))]), { entry })
      const message = `${entry} gave ${length} bytes at ${pointer}: that is beyond its memory of ${PAGE} bytes`
      expect(failure).toEqual({ kind: 'result', message })
    }
    const long = await call(library([given(entry, 'ii:ii', [...ins.i32(0), ...ins.i32(-1)])]), { entry })
    expect(long.failure).toMatchObject({ kind: 'limit', limit: 'toolResultBytes' })
  })
})

test('one that is not there is a failure to load', async () => {
  const only = library([given('library_call', 'ii:I', PACKED)])
  expect((await call(only, { entry: 'library_check' })).failure).toEqual({ kind: 'load', message: 'The module exports no "library_check"' })
  expect((await call(only, { entry: 'get_metadata' })).failure).toEqual({ kind: 'load', message: 'The module exports no "get_metadata"' })
})

test('a library may call its allocator allocate, and put its arguments at an odd address', async () => {
  const module = gateModuleOf({
    functions: [{ ...BUMP, code: ins.i32(1_025), export: 'allocate' }, given('library_call', 'ii:I', PACKED)],
    memories: [[0, 1]],
    exports: [MEMORY_EXPORT],
  })
  expect(await call(module, { input: '{"f":1}' })).toMatchObject({ value: '{"f":1}' })
  const none = library([given('library_call', 'ii:I', PACKED)], {
    functions: [{ ...BUMP, code: ins.i32(0), export: 'allocate' }, given('library_call', 'ii:I', PACKED)],
  })
  expect((await call(none)).failure).toMatchObject({ kind: 'result', message: 'allocate(2) gave 0: no memory' })
})

describe('get_metadata', () => {
  const LIBRARY_CALL = given('library_call', 'ii:I', PACKED)
  const metadata = (type: string, code: readonly number[], bytes: readonly number[] = []): Promise<Outcome> =>
    call(library([LIBRARY_CALL, given('get_metadata', type, code)], { data: [dataAt(64, bytes)] }), { entry: 'get_metadata' })
  const json = [...Buffer.from('{"name":"x"}')]

  test.each([
    ['a length before it', ':i', ins.i32(64), [12, 0, 0, 0, ...json]],
    ['a NUL after it', ':i', ins.i32(64), [...json, 0]],
    ['one packed number', ':I', packed(64, 12), json],
    ['two values', ':ii', [...ins.i32(64), ...ins.i32(12)], json],
    [
      'a place that it is given',
      'i:',
      [...ins.get(0), ...ins.i32(64), ...ins.store(0), ...ins.get(0), ...ins.i32(12), ...ins.store(4)],
      json,
    ],
  ])('has %s', async (_title, type, code, bytes) => {
    expect(await metadata(type, code, bytes)).toMatchObject({ value: '{"name":"x"}' })
  })

  test('the shortest text ends at its NUL, too', async () => {
    expect(await metadata(':i', ins.i32(64), [0x7b, 0x7d, 0, 0])).toMatchObject({ value: '{}' })
  })

  test('a pointer beyond the memory, to nothing or to a text without an end is a failure', async () => {
    for (const code of [ins.i32(0), ins.i32(-1), ins.i32(PAGE - 2)])
      expect((await metadata(':i', code)).failure).toMatchObject({ kind: 'result' })
    const endless = library([LIBRARY_CALL, given('get_metadata', ':i', ins.i32(PAGE - 4))], { data: [dataAt(PAGE - 4, json.slice(0, 4))] })
    expect((await call(endless, { entry: 'get_metadata' })).failure).toEqual({
      kind: 'result',
      message: 'get_metadata gave a text that has no end',
    })
  })
})
