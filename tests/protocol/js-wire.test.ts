/** The wire of a script: what it may say is read as hostile. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  encodeFromScript,
  encodeScriptMessage,
  type FromScript,
  JS_MESSAGE_BYTES,
  JS_OUTPUT_CREDIT,
  JS_PART_BYTES,
  JS_TOOL_BYTES,
  parseFromScript,
  parseToScript,
} from '../../src/protocol/js-wire.ts'

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values)
/** Why a message of this header is refused. */
const refusal = (header: object, payload?: Uint8Array): unknown => {
  const parsed = parseFromScript(encodeScriptMessage(header as never, payload))
  return parsed.ok ? parsed.value : parsed.reason
}
const raw = (length: number, text: string): Uint8Array => {
  const message = new Uint8Array(4 + text.length)
  new DataView(message.buffer).setUint32(0, length, true)
  message.set(new TextEncoder().encode(text), 4)
  return message
}
const reasonOf = (message: unknown): unknown => {
  const parsed = parseFromScript(message)
  return parsed.ok ? 'ok' : parsed.reason
}

describe('a message of a script', () => {
  test('comes through as it was sent', () => {
    const messages: readonly FromScript[] = [
      { t: 'ready' },
      { t: 'refused', reason: 'é "x" \n' },
      { t: 'out', fd: 2, bytes: bytes(1, 2, 255) },
      { t: 'ask', req: 7, op: { op: 'read', path: 'a/ü/\u{1F600}', offset: 3, length: 9 }, bytes: bytes() },
      { t: 'ask', req: 8, op: { op: 'write', path: 'x', how: 'at', offset: 5 }, bytes: bytes(9) },
      { t: 'ask', req: 9, op: { op: 'tool' }, bytes: new Uint8Array(JS_TOOL_BYTES) },
      { t: 'end', status: 3, bytes: bytes(123, 125) },
    ]
    for (const message of messages) expect(parseFromScript(encodeFromScript(message))).toEqual({ ok: true, value: message })
  })
  test('is a byte array that nobody else can change', () => {
    for (const other of [undefined, null, 'x', {}, [], new ArrayBuffer(8), new DataView(new ArrayBuffer(8)), new Uint16Array(4)])
      expect(reasonOf(other)).toBe('is no byte array')
    expect(reasonOf(new Uint8Array(new SharedArrayBuffer(8)))).toBe('is no byte array')
    expect(reasonOf(new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 })))).toBe('is no byte array')
  })
  test('is neither too short nor too long, and its header lies within it', () => {
    expect(reasonOf(bytes())).toBe('is too short')
    expect(reasonOf(bytes(0, 0, 0))).toBe('is too short')
    expect(reasonOf(new Uint8Array(JS_MESSAGE_BYTES + 1))).toBe(`is longer than ${JS_MESSAGE_BYTES} bytes`)
    expect(reasonOf(raw(3, '{}'))).toBe('has a header that is too long')
    expect(reasonOf(raw(0xffffffff, '{}'))).toBe('has a header that is too long')
    expect(reasonOf(raw(200_000, ' '.repeat(200_000)))).toBe('has a header that is too long')
  })
  test('has a header of JSON, and an object', () => {
    expect(reasonOf(raw(2, '{{'))).toBe('cannot be read')
    expect(reasonOf(raw(0, ''))).toBe('cannot be read')
    for (const text of ['null', '[]', '1', '"x"']) expect(reasonOf(raw(text.length, text))).toBe('has no header')
    expect(reasonOf(raw(30_000, '['.repeat(30_000)))).toBe('cannot be read')
  })
  test('is one of those that there are', () => {
    expect(refusal({})).toBe('has no text "t"')
    expect(refusal({ t: 'start' })).toBe('is no message of a script')
    expect(refusal({ t: 'x'.repeat(17) })).toBe('has more than 16 characters in "t"')
    expect(reasonOf(raw(26, '{"__proto__":{"t":"ready"}'.padEnd(26)))).toBe('cannot be read')
    expect(reasonOf(raw(27, '{"__proto__":{"t":"ready"}}'))).toBe('has no text "t"')
  })
  test('holds what its kind holds', () => {
    expect(refusal({ t: 'out', fd: 3 })).toBe('writes to neither 1 nor 2')
    expect(refusal({ t: 'out', fd: 1 }, new Uint8Array(JS_OUTPUT_CREDIT + 1))).toBe(`carries more than ${JS_OUTPUT_CREDIT} bytes`)
    expect(refusal({ t: 'end', status: 256 })).toBe('has no whole number up to 255 in "status"')
    expect(refusal({ t: 'end', status: -1 })).toBe('has no whole number up to 255 in "status"')
    expect(refusal({ t: 'refused', reason: 'x'.repeat(501) })).toBe('has more than 500 characters in "reason"')
  })
  test('asks for what there is', () => {
    const ask = (op: unknown, payload?: Uint8Array): unknown => refusal({ t: 'ask', req: 1, op }, payload)
    expect(ask(undefined)).toBe('has no header')
    expect(ask({ op: 'exec', path: 'x' })).toBe('asks for nothing that there is')
    expect(ask({ op: 'read', path: 5, offset: 0, length: 1 })).toBe('has no text "path"')
    expect(ask({ op: 'read', path: 'x'.repeat(8193), offset: 0, length: 1 })).toBe('has more than 8192 characters in "path"')
    expect(ask({ op: 'read', path: 'x', offset: -1, length: 1 })).toContain('"offset"')
    expect(ask({ op: 'read', path: 'x', offset: 0, length: JS_PART_BYTES + 1 })).toContain('"length"')
    expect(ask({ op: 'write', path: 'x', how: 'over', offset: 0 })).toBe('has none of replace, append, at in "how"')
    expect(ask({ op: 'stat', path: 'x', follow: 1 })).toBe('has neither true nor false in "follow"')
    expect(ask({ op: 'chmod', path: 'x', mode: 0o10000 })).toContain('"mode"')
    expect(ask({ op: 'cwd' }, new Uint8Array(JS_PART_BYTES + 1))).toBe(`carries more than ${JS_PART_BYTES} bytes`)
    expect(refusal({ t: 'ask', req: 1.5, op: { op: 'cwd' } })).toContain('"req"')
  })
  test('never makes the parser throw, whatever its bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.boolean(), (noise, isFramed) => {
        if (isFramed && noise.length >= 4) new DataView(noise.buffer).setUint32(0, noise.length - 4, true)
        expect(typeof parseFromScript(noise).ok).toBe('boolean')
      }),
    )
  })
})

test('what the cell says comes through, and anything else is nothing', () => {
  const answer = { t: 'answer', req: 1, value: [['é', 1]] }
  expect(parseToScript(encodeScriptMessage(answer, bytes(1)))).toEqual({ ...answer, bytes: bytes(1) })
  expect(parseToScript('x')).toBeUndefined()
  expect(parseToScript(raw(9, '{}'))).toBeUndefined()
})
