/** The section `dylink.0`, read as hostile input. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DylinkError, type DylinkInfo, parseDylink } from '../../../src/kernel/python/dylink.ts'
import { dylink } from '../../support/linked-module.ts'
import { text, uleb } from '../../support/wasm-encoder.ts'

const NOTHING: DylinkInfo = { memorySize: 0, memoryAlign: 1, tableSize: 0, needed: [], runtimePaths: [] }
const parse = (...bytes: readonly number[]): DylinkInfo => parseDylink(Uint8Array.from(bytes))

describe('dylink.0', () => {
  test('says what a side module needs', () => {
    const info = { memorySize: 100_000, memoryAlign: 4, tableSize: 300, needed: ['libm.so', 'libc.so'], runtimePaths: ['$ORIGIN/lib'] }
    expect(parse(...dylink(info))).toEqual({ ...info, memoryAlign: 16 })
  })
  test('may be empty, and may have parts that nobody knows', () => {
    expect(parse()).toEqual(NOTHING)
    expect(parse(3, 2, 9, 9, 200, 1, 1, 0)).toEqual(NOTHING)
  })
  test('T113 cut at any byte it is an error, or what whole parts say', () => {
    const whole = dylink({ memorySize: 1000, memoryAlign: 3, tableSize: 5, needed: ['a.so'], runtimePaths: ['x'] })
    const errors: number[] = []
    for (let length = 0; length <= whole.length; length++) {
      try {
        expect(parse(...whole.slice(0, length)).memorySize).toBe(length === 0 ? 0 : 1000)
      } catch (error) {
        expect(error).toBeInstanceOf(DylinkError)
        errors.push(length)
      }
    }
    expect(errors).toHaveLength(whole.length - 3)
  })
  test.each<[string, readonly number[], string]>([
    ['a number of more than 32 bits', [1, 8, 0xff, 0xff, 0xff, 0xff, 0x1f, 0, 0, 0], 'malformed number in "dylink.0"'],
    ['a number of more than five bytes', [1, 9, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 0, 0, 0], 'malformed number in "dylink.0"'],
    ['a part longer than the section', [1, ...uleb(2 ** 32 - 1), 0], '"dylink.0" is cut'],
    ['an alignment beyond a page', [1, 4, 0, 17, 0, 0], 'alignment too large'],
    ['more names than are there', [2, 5, ...uleb(2 ** 32 - 1)], 'malformed number in "dylink.0"'],
    ['a name longer than its part', [2, 2, 1, 9], '"dylink.0" is cut'],
  ])('T113 refuses %s', (_what, bytes, message) => {
    expect(() => parse(...bytes)).toThrow(new DylinkError(message))
  })
  test('takes the largest number that there is', () => {
    expect(parse(1, 8, ...uleb(2 ** 32 - 1), 0, 0, 0).memorySize).toBe(2 ** 32 - 1)
  })
  test('takes a name of a megabyte', () => {
    const name = text('x'.repeat(1_000_000))
    const section = new Uint8Array([2, ...uleb(name.length + 1), 1].length + name.length)
    section.set([2, ...uleb(name.length + 1), 1])
    section.set(name, section.length - name.length)
    expect(parseDylink(section).needed[0]).toHaveLength(1_000_000)
  })
  test('T113 any bytes are read or refused', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        try {
          parseDylink(bytes)
        } catch (error) {
          if (!(error instanceof DylinkError)) throw error
        }
      }),
      { numRuns: 2000 },
    )
  })
})
