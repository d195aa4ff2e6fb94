import fc from 'fast-check'
import { expect, test } from 'vitest'
import { byteString, bytesOf, fromText, toText } from '../../../src/kernel/vfs/byte-string.ts'

const utf8 = (text: string) => Array.from(fromText(text), (unit) => unit.charCodeAt(0))

test('text becomes its UTF-8 bytes', () => {
  expect(utf8('aä€😀')).toEqual([0x61, 0xc3, 0xa4, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80])
  expect(utf8('\ud800x')).toEqual([0xef, 0xbf, 0xbd, 0x78])
})

test('any bytes go through a ByteString unchanged', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20_000 }), (bytes) => {
      expect(bytesOf(byteString(bytes))).toEqual(bytes)
    }),
  )
})

test('reading UTF-8 agrees with TextDecoder on any bytes', () => {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
  const nearUtf8 = fc.array(fc.constantFrom(0x41, 0x80, 0xbf, 0xc1, 0xc3, 0xe0, 0xa0, 0xed, 0x9f, 0xef, 0xf0, 0x90, 0xf4, 0x8f, 0xff), {
    maxLength: 12,
  })
  fc.assert(
    fc.property(nearUtf8, (bytes) => {
      const array = Uint8Array.from(bytes)
      expect(toText(byteString(array))).toBe(decoder.decode(array))
    }),
    { numRuns: 2_000 },
  )
})

test('writing UTF-8 agrees with TextEncoder on any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(bytesOf(fromText(text))).toEqual(new TextEncoder().encode(text))
    }),
  )
})
