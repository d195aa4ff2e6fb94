// The JSON of the SDK for C, through a module that answers its arguments. Needs a clang that makes WebAssembly (wasm/sdk-c/build.mjs finds it).
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { ToolInstance } from '../support/tool-instance.ts'

const SDK = join(import.meta.dirname, '..', '..', 'wasm', 'sdk-c')
const scratch = mkdtempSync(join(tmpdir(), 'tidepool-c-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const out = join(scratch, 'echo.wasm')
const { stderr } = spawnSync(process.execPath, ['../build.mjs', '-o', out, 'json-echo.c'], { cwd: join(SDK, 'tests'), encoding: 'utf8' })
const hasClang = !stderr.includes('no clang that makes WebAssembly')

const text = fc.string({ unit: 'binary', maxLength: 20 })
const junk = fc.jsonValue({ maxDepth: 3 })
const members = fc.record({ a: text, b: fc.oneof(text, fc.integer()), other: junk, '': junk }, { requiredKeys: ['a', 'b'] })

test.skipIf(!hasClang)('texts and whole numbers are read from among others and written', () => {
  const module = new ToolInstance(readFileSync(out))
  fc.assert(
    fc.property(members, fc.integer({ min: 0, max: 3 }), fc.boolean(), (value, indent, escapes) => {
      const json = JSON.stringify(value, null, indent)
      const sent = escapes ? json.replaceAll(/[^ -~\s]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`) : json
      expect(JSON.parse(module.call(sent))).toEqual({ a: value.a, b: value.b })
    }),
    { numRuns: 20_000 },
  )
})
