/** What a library gives and is given: every published form, plain JSON, and what is none of them. */
import { describe, expect, test } from 'vitest'
import { validateJson } from '../../src/protocol/json-schema.ts'
import {
  libraryInputSchema,
  libraryText,
  parseCheckResult,
  parseLibraryAnswer,
  parseLibraryJson,
  parseLibraryMetadata,
  parseLibraryValue,
  plainOf,
} from '../../src/protocol/library-value.ts'

const SCOPE = { kind: 'folder', path: 'src/', paths: ['/w/src/a.rs'], resolved: true }

/** JSON text of any form → what its caller gets, or why not. */
function plain(text: string): unknown {
  const json = parseLibraryJson(text)
  if (!json.ok) return json.reason
  const value = parseLibraryValue(json.value)
  return value.ok ? plainOf(value.value) : `${value.at} ${value.reason}`
}
/** JSON text of any form → the form that is sent. */
function sent(text: string): string {
  const json = parseLibraryJson(text)
  const value = parseLibraryValue(json.ok ? json.value : undefined)
  return value.ok ? libraryText(value.value) : `${value.at} ${value.reason}`
}

describe('values', () => {
  test.each([
    ['null', null],
    ['{"Null":null}', null],
    ['{"type":"Null"}', null],
    ['true', true],
    ['{"Bool":false}', false],
    ['{"type":"Bool","value":true}', true],
    ['7', 7],
    ['{"Int":-7}', -7],
    ['{"type":"Int","value":1}', 1],
    ['1.5', 1.5],
    ['{"Float":1.5}', 1.5],
    ['{"Float":2}', 2],
    ['{"type":"Float","value":1e300}', 1e300],
    ['"x"', 'x'],
    ['{"String":"Error"}', 'Error'],
    ['{"type":"String","value":"x"}', 'x'],
    ['[1,"a",[null]]', [1, 'a', [null]]],
    ['{"List":[{"Int":1},{"List":[]},"b"]}', [1, [], 'b']],
    ['{"type":"List","value":[{"type":"Int","value":1},{"type":"Null"}]}', [1, null]],
    ['{"Scope":{"kind":{"Folder":"src/"},"paths":["/w/src/a.rs"],"resolved":true}}', { scope: SCOPE }],
    ['{"type":"Scope","value":{"kind":{"Folder":"src/"},"paths":["/w/src/a.rs"],"resolved":true}}', { scope: SCOPE }],
    ['{"type":"Scope","kind":{"Folder":"src/"},"paths":["/w/src/a.rs"],"resolved":true}', { scope: SCOPE }],
    ['{"scope":{"kind":"folder","path":"src/","paths":["/w/src/a.rs"],"resolved":true}}', { scope: SCOPE }],
    ['{"Scope":{"kind":{"kind":"folder","path":"src/"},"paths":["/w/src/a.rs"],"resolved":true}}', { scope: SCOPE }],
    ['{"Scope":{"kind":"Folder","path":"src/","paths":["/w/src/a.rs"],"resolved":true}}', { scope: SCOPE }],
    ['{"Scope":{"kind":"src/","paths":["/w/src/a.rs"],"resolved":true}}', { scope: SCOPE }],
    ['{"Scope":{"kind":{"File":"a.rs"}}}', { scope: { kind: 'file', path: 'a.rs', paths: [], resolved: false } }],
    ['{"scope":{"kind":"glob","path":"**/*.rs"}}', { scope: { kind: 'glob', path: '**/*.rs', paths: [], resolved: false } }],
    ['{"Scope":{"kind":"*.rs"}}', { scope: { kind: 'glob', path: '*.rs', paths: [], resolved: false } }],
  ])('%s is read', (text, value) => {
    expect(plain(text)).toEqual(value)
  })

  test.each([
    ['null', 'null'],
    ['true', '{"Bool":true}'],
    ['1', '{"Int":1}'],
    ['-0', '{"Int":0}'],
    ['1.5', '{"Float":1.5}'],
    ['{"Float":2}', '{"Float":2.0}'],
    ['{"Float":1e30}', '{"Float":1e+30}'],
    ['"a\\"\\u00fc"', '{"String":"a\\"ü"}'],
    ['[1,null,["a"]]', '{"List":[{"Int":1},null,{"List":[{"String":"a"}]}]}'],
    ['{"scope":{"kind":"folder","path":"src/"}}', '{"Scope":{"kind":{"Folder":"src/"},"paths":[],"resolved":false}}'],
  ])('%s is sent as %s', (text, tagged) => {
    expect(sent(text)).toBe(tagged)
    expect(sent(tagged)).toBe(tagged)
  })

  test('integers of 64 bits are exact on both ways', () => {
    expect(sent('{"Int":9223372036854775807}')).toBe('{"Int":9223372036854775807}')
    expect(sent('-9223372036854775808')).toBe('{"Int":-9223372036854775808}')
    expect(plain('{"Int":9007199254740993}')).toEqual({ Int: '9007199254740993' })
    expect(plain('{"Int":9007199254740991}')).toBe(9007199254740991)
    expect(sent('{"Int":"9007199254740993"}')).toBe('{"Int":9007199254740993}')
    expect(plain('{"Float":9007199254740993}')).toBe(9007199254740992)
    expect(parseLibraryValue(2 ** 60)).toEqual({
      ok: false,
      at: '',
      reason: 'is too large to be exact: write it as { "Int": "…" } or { "Float": … }',
    })
  })

  test.each([
    ['{"Int":1.5}', '/Int is no whole number'],
    ['{"Int":9223372036854775808}', '/Int has more than 64 bits'],
    ['{"Int":"1e3"}', '/Int is no whole number'],
    ['{"Float":"1"}', '/Float is no finite number'],
    ['{"Bool":1}', '/Bool is neither true nor false'],
    ['{"String":null}', '/String is no text'],
    ['{"type":"String"}', '/value is no text'],
    ['{"List":[1,{"Int":"x"}]}', '/List/1/Int is no whole number'],
    ['{"List":{}}', '/List is no list'],
    ['{"a":1}', ' is no value of a library: it has none of the tags Bool, Int, Float, String, List, Scope'],
    ['{}', ' is no value of a library: it has none of the tags Bool, Int, Float, String, List, Scope'],
    ['{"String":"a","Int":1}', ' is no value of a library: it has none of the tags Bool, Int, Float, String, List, Scope'],
    ['{"constructor":1}', ' is no value of a library: it has none of the tags Bool, Int, Float, String, List, Scope'],
    ['{"__proto__":{"String":"x"}}', ' is no value of a library: it has none of the tags Bool, Int, Float, String, List, Scope'],
    ['{"Scope":{"kind":{"Elsewhere":"x"}}}', '/Scope/kind is none of file, folder and glob'],
    ['{"Scope":{}}', '/Scope/kind is none of file, folder and glob'],
    ['{"Scope":{"kind":{"File":1}}}', '/Scope/kind/File is no text'],
    ['{"Scope":{"kind":{"File":"a"},"paths":["a",1]}}', '/Scope/paths/1 is no text'],
    ['{"Scope":{"kind":{"File":"a"},"resolved":"yes"}}', '/Scope/resolved is neither true nor false'],
    ['[', 'is no JSON'],
  ])('%s is refused: %s', (text, reason) => {
    expect(plain(text)).toBe(reason)
  })

  test('depth and number have an end', () => {
    expect(plain(`${'['.repeat(100)}${']'.repeat(100)}`)).toBe(`${'/0'.repeat(64)} is nested too deeply`)
    expect(plain(`${'['.repeat(200_000)}${']'.repeat(200_000)}`)).toMatch(/is nested too deeply$/)
    expect(plain(`[${'1,'.repeat(200_000)}1]`)).toBe(' has too many values')
    expect(parseLibraryValue(() => 1)).toEqual({ ok: false, at: '', reason: 'is no value of a library' })
    expect(parseLibraryValue(NaN)).toEqual({ ok: false, at: '', reason: 'is no finite number' })
  })
})

describe('answers', () => {
  test.each([
    [{ Error: 'no such function' }, { ok: false, message: 'no such function' }],
    [
      { type: 'Error', message: 'no' },
      { ok: false, message: 'no' },
    ],
    [
      { type: 'Error', value: 'no' },
      { ok: false, message: 'no' },
    ],
    [{ Error: 5n }, { ok: false, message: 'it does not say why' }],
    [{ String: 'x' }, { ok: true, value: { type: 'string', value: 'x' } }],
  ])('%o', (answer, value) => {
    expect(parseLibraryAnswer(answer)).toEqual({ ok: true, value })
  })
})

describe('results of checks', () => {
  test.each([
    [{ Pass: null }, { result: 'pass' }],
    ['Pass', { result: 'pass' }],
    ['ok', { result: 'pass' }],
    [true, { result: 'pass' }],
    [{ type: 'Pass' }, { result: 'pass' }],
    [{ result: 'pass' }, { result: 'pass' }],
    [{ Fail: 'no tests' }, { result: 'fail', message: 'no tests' }],
    [
      { type: 'Fail', message: 'no tests' },
      { result: 'fail', message: 'no tests' },
    ],
    [
      { type: 'Fail', value: 'no tests' },
      { result: 'fail', message: 'no tests' },
    ],
    [
      { result: 'fail', message: 'no tests' },
      { result: 'fail', message: 'no tests' },
    ],
    ['no tests', { result: 'fail', message: 'no tests' }],
    ['Fail', { result: 'fail' }],
    [{ Error: 'cannot look' }, { result: 'error', message: 'cannot look' }],
    [
      { type: 'Error', message: 'cannot look' },
      { result: 'error', message: 'cannot look' },
    ],
  ])('%j', (answer, value) => {
    expect(parseCheckResult(answer)).toEqual({ ok: true, value })
  })

  test.each([[5], [null], [[]], [{}], [{ type: 'constructor' }], [{ result: 'toString' }], [{ String: 'x' }]])('%j is none', (answer) => {
    expect(parseCheckResult(answer)).toMatchObject({ ok: false, at: '' })
  })
})

describe('metadata', () => {
  test('names alone, or objects with names', () => {
    expect(parseLibraryMetadata({ name: 'l', version: '1.0', functions: ['f', { name: 'g', description: 'G' }], checks: null })).toEqual({
      ok: true,
      value: { name: 'l', version: '1.0', functions: ['f', 'g'], checks: [] },
    })
    expect(parseLibraryMetadata({ name: 'l' })).toMatchObject({ ok: true, value: { version: '' } })
  })

  test.each([
    [null, ''],
    [{ version: '1' }, '/name'],
    [{ name: 'l', version: 1 }, '/version'],
    [{ name: 'l', functions: {} }, '/functions'],
    [{ name: 'l', functions: ['a', 5] }, '/functions/1'],
    [{ name: 'l', checks: [{}] }, '/checks/0'],
  ])('%j is refused at %j', (value, at) => {
    expect(parseLibraryMetadata(value)).toMatchObject({ ok: false, at })
  })
})

describe('the schema of the arguments', () => {
  const schema = libraryInputSchema({ name: 'l', version: '', functions: ['f', 'g'], checks: [] })
  const accepts = (value: unknown): boolean => validateJson(schema, value).ok

  test('takes a function or a check, and not both', () => {
    expect(accepts({ function: 'f', args: [1, null, { scope: { kind: 'file', path: 'a' } }], workspace: '/home/user' })).toBe(true)
    expect(accepts({ check: 'c' })).toBe(true)
    expect(accepts({ metadata: true })).toBe(true)
    for (const bad of [
      {},
      { function: 'f', check: 'c' },
      { function: '' },
      { function: 'f', args: {} },
      { function: 'f', more: 1 },
      { metadata: false },
      { metadata: true, check: 'c' },
    ])
      expect(accepts(bad)).toBe(false)
  })
})
