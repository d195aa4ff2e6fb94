/** The pass over foreign modules: what it makes of good ones, and that no bytes make it throw. */
import { expect, test } from 'vitest'
import { adaptForeign, START } from '../../../src/kernel/process/foreign-module.ts'
import { FOREIGN_PUPPET, PUPPET } from '../../support/puppet.ts'
import { encodeModule, ins } from '../../support/wasm-encoder.ts'

const withStart = encodeModule({
  imports: [],
  memory: { pages: 3, imported: false },
  functions: [{ params: '', result: false, locals: 0, code: [...ins.i32(0), ...ins.i32(7), ...ins.store(0)] }],
  exports: { _start: 0 },
  start: 0,
})

test('the memory becomes an import of the same size', () => {
  const adapted = adaptForeign(FOREIGN_PUPPET)!
  expect(adapted.pages).toBe(2)
  const imports = WebAssembly.Module.imports(new WebAssembly.Module(adapted.bytes as BufferSource))
  expect(imports.filter((i) => i.kind === 'memory')).toEqual([expect.objectContaining({ module: 'env', name: 'memory' })])
})

test('a module without imports gets an import section; its start function waits to be called', () => {
  const adapted = adaptForeign(withStart)!
  const memory = new WebAssembly.Memory({ initial: adapted.pages })
  const instance = new WebAssembly.Instance(new WebAssembly.Module(adapted.bytes as BufferSource), { env: { memory } })
  expect(new Int32Array(memory.buffer)[0]).toBe(0)
  ;(instance.exports[START] as () => void)()
  expect(new Int32Array(memory.buffer)[0]).toBe(7)
})

test('a module that imports its memory, has none, or a shared or 64-bit one is refused', () => {
  expect(adaptForeign(PUPPET)).toBeUndefined()
  const memory = (flags: number): Uint8Array => Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 4, 1, flags, 1, 1)
  expect(adaptForeign(memory(1))).toMatchObject({ pages: 1 })
  for (const flags of [2, 3, 4, 5, 8, 0x80]) expect(adaptForeign(memory(flags))).toBeUndefined()
})

test('cut off at every byte, or with any byte changed, it gives a module or none and never throws', () => {
  for (let length = 0; length < FOREIGN_PUPPET.length; length += 7) adaptForeign(FOREIGN_PUPPET.subarray(0, length))
  for (let at = 8; at < FOREIGN_PUPPET.length; at += 5) {
    const changed = Uint8Array.from(FOREIGN_PUPPET)
    changed[at] = 0xff
    adaptForeign(changed)
  }
  expect(adaptForeign(new Uint8Array(0))).toBeUndefined()
})
