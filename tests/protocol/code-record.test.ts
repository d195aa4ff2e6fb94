/** What code tells on descriptor 3, read as hostile text; and what its programs ask for. */
import { describe, expect, test } from 'vitest'
import { parseJsRecord, parsePythonRecord } from '../../src/protocol/code-record.ts'
import { BtcpError } from '../../src/protocol/error.ts'
import { type Limits, LIMITS, limitsWith } from '../../src/protocol/limits.ts'
import { errorAnswer, parseToolRequest, resultAnswer } from '../../src/protocol/tool-request.ts'

const WHOLE = {
  exitCode: 1,
  value: { a: [1, null] },
  valueText: 'x',
  error: { type: 'ValueError', message: 'no', traceback: 'Traceback', line: 3 },
  rich: [
    { mime: 'image/png', data: 'iVBORw==' },
    { mime: 'text/html', data: '<b>' },
  ],
  leftOut: ['a figure'],
  ends: true,
}
const python = (record: unknown, limits: Limits = LIMITS): unknown => parsePythonRecord(JSON.stringify(record), limits)

describe('a record of Python', () => {
  test('is read as it is', () => {
    expect(python(WHOLE)).toEqual(WHOLE)
    expect(python({ ...WHOLE, ends: false, error: null, more: 1 })).toEqual({ ...WHOLE, ends: false, error: null })
  })

  test.each([
    ['no JSON', '{'],
    ['a list', '[]'],
    ['null', 'null'],
    ['nothing', ''],
  ])('is none where it is %s', (_name, line) => {
    expect(parsePythonRecord(line, LIMITS)).toBeUndefined()
  })

  test.each([
    ['a status that is none', { exitCode: 256 }],
    ['a status that is text', { exitCode: '0' }],
    ['an error that is text', { error: 'bad' }],
    ['no value', { value: undefined }],
    ['a value nested too deeply', { value: JSON.parse('['.repeat(100) + ']'.repeat(100)) as unknown }],
    ['an image that is no base64', { rich: [{ mime: 'image/png', data: '"><script>' }] }],
    ['an image of nothing', { rich: [{ mime: 'image/png', data: '' }] }],
    ['another kind of image', { rich: [{ mime: 'application/pdf', data: 'AAAA' }] }],
    ['rich results that are no list', { rich: { length: 1e9 } }],
    ['words that are no texts', { leftOut: [1] }],
  ])('is none with %s', (_name, change) => {
    expect(python({ ...WHOLE, ...change })).toBeUndefined()
  })

  test('holds no more than its limits', () => {
    expect(python(WHOLE, limitsWith({ richItems: 1 }))).toBeUndefined()
    expect(python(WHOLE, limitsWith({ richBytes: 2 }))).toBeUndefined()
    expect(python({ ...WHOLE, value: 'x'.repeat(100) }, limitsWith({ valueBytes: 101 }))).toBeUndefined()
    const long = python({ ...WHOLE, error: { ...WHOLE.error, traceback: 'x'.repeat(1_000_000) } }) as typeof WHOLE
    expect(long.error.traceback).toHaveLength(262_144)
  })

  test('takes its own properties only', () => {
    expect(python({ ...WHOLE, value: JSON.parse('{"__proto__": {"polluted": 1}}') as unknown })).toBeDefined()
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
    expect(
      parsePythonRecord('{"__proto__": {"exitCode": 0, "value": null, "error": null, "rich": [], "leftOut": []}}', LIMITS),
    ).toBeUndefined()
  })
})

describe('a record of JavaScript', () => {
  test('is read as js writes it', () => {
    expect(parseJsRecord('{"value":[1],"text":"[ 1 ]","error":null}', LIMITS)).toEqual({ value: [1], text: '[ 1 ]', error: null })
    const failed = '{"value":null,"text":null,"error":{"name":"TypeError","message":"m","line":2,"column":1,"stack":"TypeError: m"}}'
    expect(parseJsRecord(failed, LIMITS)).toEqual({
      value: null,
      error: { type: 'TypeError', message: 'm', traceback: 'TypeError: m', line: 2 },
    })
    expect(parseJsRecord('{"error":"x"}', LIMITS)).toBeUndefined()
  })
})

describe('a request for a tool', () => {
  test('is a tool with arguments, or the list', () => {
    expect(parseToolRequest('{"tools":true}')).toEqual({ tools: true })
    expect(parseToolRequest('{"tool":"fs_read","args":{"path":"a"}}')).toEqual({ tool: 'fs_read', arguments: { path: 'a' } })
    expect(parseToolRequest('{"tool":"page_text"}')).toEqual({ tool: 'page_text', arguments: {} })
  })

  test.each(['', '{', '[]', '{}', '{"tool":1}', `{"tool":"${'x'.repeat(101)}"}`, '{"tool":"a","args":[]}', '{"tool":"a","args":"b"}'])(
    'is none where it is %s',
    (text) => {
      expect(() => parseToolRequest(text)).toThrow(BtcpError)
    },
  )

  test('is answered with what a program may know of it', () => {
    const meta = { 'btcp/callId': 'c', 'btcp/durationMs': 1 }
    expect(resultAnswer({ content: [], structuredContent: { a: 1 }, isError: false, _meta: meta })).toBe(
      '{"ok":{"structuredContent":{"a":1}}}',
    )
    const failed = {
      content: [{ type: 'text' as const, text: 'no file' }],
      isError: true,
      _meta: { ...meta, 'btcp/error': { code: 'ENOENT' } },
    }
    expect(resultAnswer(failed)).toBe('{"error":{"btcpCode":"ENOENT","number":null,"message":"no file","data":{}}}')
    expect(errorAnswer(new BtcpError('BUSY', 'wait', { limit: 'toolDepth' }))).toBe(
      '{"error":{"btcpCode":"BUSY","number":-32015,"message":"wait","data":{"limit":"toolDepth"}}}',
    )
    expect(errorAnswer(new Error('/home/me/secret'))).not.toContain('secret')
  })
})
