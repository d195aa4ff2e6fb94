/** The SDK for AssemblyScript: its JSON, through a module that answers its arguments, and its examples, which any machine can rebuild. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { ToolInstance } from '../support/tool-instance.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const scratch = mkdtempSync(join(tmpdir(), 'tidepool-as-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

function buildEcho(): ToolInstance {
  const out = join(scratch, 'echo.wasm')
  const asc = join(ROOT, 'node_modules', 'assemblyscript', 'bin', 'asc.js')
  execFileSync(process.execPath, [asc, 'wasm/sdk-as/tests/json-echo.ts', '-o', out, '-Oz'], { cwd: ROOT })
  return new ToolInstance(readFileSync(out))
}

const module = buildEcho()
const echo = (json: string): string => module.call(json)

const text = fc.string({ unit: 'binary', maxLength: 20 })
/** Fractions are read to about 15 digits. */
const fraction = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => Number(value.toPrecision(12)))
const { value: json } = fc.letrec((tie) => ({
  value: fc.oneof({ maxDepth: 4 }, fc.constant(null), fc.boolean(), fc.maxSafeInteger(), fraction, text, tie('list'), tie('object')),
  list: fc.array(tie('value'), { maxLength: 5 }),
  object: fc.dictionary(text, tie('value'), { maxKeys: 5 }),
}))

test('what it reads it writes', () => {
  fc.assert(
    fc.property(json, fc.integer({ min: 0, max: 3 }), (value, indent) => {
      const sent = JSON.stringify(value, null, indent)
      expect(rounded(JSON.parse(echo(sent)))).toEqual(rounded(JSON.parse(sent)))
    }),
    { numRuns: 500 },
  )
})

function rounded(value: unknown): unknown {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? value + 0 : Number(value.toPrecision(12))
  if (Array.isArray(value)) return value.map(rounded)
  if (typeof value !== 'object' || value === null) return value
  return Object.entries(value).map(([key, member]): unknown[] => [key, rounded(member)])
}

test.each([
  ['', 'no value at 0'],
  ['{', 'a key is no text at 1'],
  ['{"a"}', 'no colon after a key at 4'],
  ['[1,]', 'no value at 3'],
  ['[1', 'a list is not closed at 2'],
  ['01', 'a number begins with 0 at 2'],
  ['"a', 'a text is not closed at 2'],
  ['"\\x"', 'an unknown escape at 3'],
  ['"\\u12g4"', 'no hexadecimal digit at 6'],
  ['1 2', 'something after the value at 2'],
  ['['.repeat(300), 'nested deeper than 256'],
])('%j is no JSON', (text, reason) => {
  expect(() => echo(text)).toThrow(`JSON: ${reason}`)
})

test('half of a surrogate pair becomes U+FFFD, and the last of two equal keys counts', () => {
  expect(echo('"\\ud800x\\udc00"')).toBe('"\ufffdx\ufffd"')
  expect(echo('{"a":1,"b":2,"a":3}')).toBe('{"a":3,"b":2}')
})

test('a rebuild of the examples gives the same modules', { timeout: 60_000 }, () => {
  const output = execFileSync(process.execPath, [join(ROOT, 'scripts', 'build-examples.mjs'), '--check', 'as'], { encoding: 'utf8' })
  expect(output.trimEnd()).toBe('COMPARED: 2 modules')
})
