import { expect, test } from 'vitest'
import { BtcpError } from '../../src/protocol/error.ts'
import { errorOf, notification, parseMessage, request, resultOf, thrownError, weight, wireError } from '../../src/protocol/message.ts'

const reasonOf = (value: unknown): unknown => {
  try {
    parseMessage(value)
    return 'read'
  } catch (error) {
    return (error as BtcpError).data.btcpCode
  }
}

test('what this side says, the other side reads', () => {
  for (const message of [request(1, 'tools/call', { a: [1, null, 'x'] }), notification('notifications/progress', {}), resultOf(7, null)])
    expect(parseMessage(message)).toEqual(message)
})

test('what is no message is refused with a code', () => {
  const cases: [unknown, string][] = [
    [undefined, 'INVALID_REQUEST'],
    [[], 'INVALID_REQUEST'],
    [{ jsonrpc: '2.0' }, 'INVALID_REQUEST'],
    [{ jsonrpc: '2.0', id: 0, method: 'ping' }, 'INVALID_REQUEST'],
    [{ jsonrpc: '2.0', id: 1.5, method: 'ping' }, 'INVALID_REQUEST'],
    [{ jsonrpc: '2.0', id: '1', method: 'ping' }, 'INVALID_REQUEST'],
    [{ jsonrpc: '2.0', id: 1, method: 'a'.repeat(65) }, 'INVALID_REQUEST'],
    [{ jsonrpc: '2.0', id: 1, method: 'a', params: 5 }, 'INVALID_PARAMS'],
    [{ jsonrpc: '2.0', id: 1, method: 'a', params: { x: 1n } }, 'INVALID_PARAMS'],
    [{ jsonrpc: '2.0', id: 1, method: 'a', params: { x: Number.NaN } }, 'INVALID_PARAMS'],
    [{ jsonrpc: '2.0', id: 1, method: 'a', params: { x: 'x'.repeat(33 * 1024 * 1024) } }, 'INVALID_PARAMS'],
  ]
  for (const [value, code] of cases) expect(reasonOf(value)).toBe(code)
})

test('T10 a property is read once, toJSON is a key, and __proto__ stays one', () => {
  let reads = 0
  const params = {
    get a() {
      reads += 1
      return reads
    },
    toJSON: 'x',
    ...(JSON.parse('{"b":{"__proto__":{"polluted":1}}}') as object),
  }
  const read = parseMessage({ jsonrpc: '2.0', id: 1, method: 'a', params }) as { params: Record<string, unknown> }
  expect(read.params['a']).toBe(1)
  expect(read.params['toJSON']).toBe('x')
  expect(Object.hasOwn(read.params['b'] as object, '__proto__')).toBe(true)
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined()
  expect(reads).toBe(1)
})

test('an error keeps its code and data on the wire, and a foreign one says nothing of our inside', () => {
  const error = new BtcpError('TIMEOUT', 'Cannot finish: late', { effects: 'unknown', stdout: 'a' })
  const { error: wire } = parseMessage(errorOf(3, error)) as { error: Parameters<typeof thrownError>[0] }
  expect(thrownError(wire)).toEqual(error)
  expect(wireError(new Error('/home/me/secret at line 5'))).toEqual({
    code: -32603,
    message: 'Cannot answer: something failed inside the extension',
    data: { btcpCode: 'INTERNAL_ERROR' },
  })
})

test('an unknown code of the other side is an internal error', () => {
  const message = { jsonrpc: '2.0', id: 1, error: { code: 7, message: 'x', data: { btcpCode: 'constructor' } } }
  expect(parseMessage(message)).toMatchObject({ error: { code: -32603, data: { btcpCode: 'INTERNAL_ERROR' } } })
})

test('weight counts about a byte a character', () => {
  expect(weight({ a: 'xxxx', b: [1, true, null] })).toBe(16 + 1 + 12 + 1 + 16 + 24)
})
