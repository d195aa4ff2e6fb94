/** What a library is asked, and what becomes of its answers. */
import { describe, expect, test } from 'vitest'
import { libraryEnd, libraryRequest } from '../../src/orchestrator/library-call.ts'
import type { BtcpError } from '../../src/protocol/error.ts'
import type { JsonObject } from '../../src/protocol/parse.ts'

const asked = (args: JsonObject): unknown => {
  try {
    return libraryRequest('lib', args, '/home/user')
  } catch (error) {
    const { message, data } = error as BtcpError
    return [data.btcpCode, message, data.errors]
  }
}

describe('a request', () => {
  test('is a call of a function, its values tagged', () => {
    expect(asked({ function: 'f', args: ['a', 1, null, true, [1.5], { scope: { kind: 'glob', path: '*.rs' } }] })).toEqual({
      entry: 'library_call',
      input:
        '{"function":"f","args":[{"String":"a"},{"Int":1},null,{"Bool":true},{"List":[{"Float":1.5}]},' +
        '{"Scope":{"kind":{"Glob":"*.rs"},"paths":[],"resolved":false}}],"workspace":"/home/user"}',
    })
  })

  test('or a check; without arguments they are none', () => {
    expect(asked({ check: 'has "tests"' })).toEqual({
      entry: 'library_check',
      input: '{"function":"has \\"tests\\"","args":[],"workspace":"/home/user"}',
    })
  })

  test('or what it is', () => {
    expect(asked({ metadata: true })).toEqual({ entry: 'get_metadata', input: '' })
  })

  test.each([
    [{}, '', 'it takes a function or a check, by name, or metadata'],
    [{ function: 'f', check: 'c' }, '', 'it takes a function or a check, by name, or metadata'],
    [{ function: 5 }, '', 'it takes a function or a check, by name, or metadata'],
    [{ function: 'f', metadata: true }, '', 'it takes a function or a check, by name, or metadata'],
    [{ metadata: false }, '', 'it takes a function or a check, by name, or metadata'],
    [{ function: 'f', args: 'x' }, '/args', 'is no list'],
    [{ function: 'f', args: [1, [{ Int: 0.5 }]] }, '/args/1/0/Int', 'is no whole number'],
    [{ function: 'f', args: [{ scope: { kind: 'moon', path: 'x' } }] }, '/args/0/scope/kind', 'is none of file, folder and glob'],
  ])('%j is refused', (args, instancePath, message) => {
    const text = `Cannot call "lib": ${instancePath === '' ? '' : `${instancePath} `}${message}`
    expect(asked(args as JsonObject)).toEqual(['INVALID_PARAMS', text, [{ instancePath, message }]])
  })
})

describe('the end of a call', () => {
  test.each([
    ['{"String":"x"}', { value: { value: 'x' } }],
    ['null', { value: { value: null } }],
    ['{"Int":9007199254740993}', { value: { value: { Int: '9007199254740993' } } }],
    [
      '{"Scope":{"kind":{"File":"a"},"paths":["/w/a"],"resolved":true}}',
      { value: { value: { scope: { kind: 'file', path: 'a', paths: ['/w/a'], resolved: true } } } },
    ],
    ['{"Error":"Unknown function: g"}', { failure: { kind: 'abort', message: 'Unknown function: g' } }],
    ['{"List":[{"Int":"x"}]}', { failure: { kind: 'result', message: 'its result: /List/0/Int is no whole number' } }],
    ['{', { failure: { kind: 'result', message: 'its result is no JSON: "{"' } }],
    ['', { failure: { kind: 'result', message: 'it gave no text: library_call answers in JSON, like { "String": "a" }' } }],
  ])('%s', (text, end) => {
    expect(libraryEnd('library_call', text)).toEqual(end)
  })
})

describe('what a library says of itself', () => {
  test.each([
    [
      '{"name":"l","version":"1.0","functions":["f"],"checks":[{"name":"c"}]}',
      { value: { name: 'l', version: '1.0', functions: ['f'], checks: ['c'] } },
    ],
    ['{"version":1}', { failure: { kind: 'result', message: 'what it says of itself: /name is no name' } }],
    ['null', { failure: { kind: 'result', message: 'what it says of itself: it is no object' } }],
  ])('%s', (text, end) => {
    expect(libraryEnd('get_metadata', text)).toEqual(end)
  })
})

describe('the end of a check', () => {
  test.each([
    ['{"Pass":null}', { value: { result: 'pass' } }],
    ['"Pass"', { value: { result: 'pass' } }],
    ['{"Fail":"no tests"}', { value: { result: 'fail', message: 'no tests' } }],
    ['{"Error":"cannot look"}', { failure: { kind: 'abort', message: 'cannot look' } }],
    ['"Error"', { failure: { kind: 'abort', message: 'the check could not be made' } }],
    ['7', { failure: { kind: 'result', message: 'its result is no result of a check' } }],
  ])('%s', (text, end) => {
    expect(libraryEnd('library_check', text)).toEqual(end)
  })
})
