// A rebuild of every module gives the bytes of wasm/dist. Needs cargo; where the toolchain is not the lock's, nothing is compared,
// and the test says so instead of passing silently.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const SCRIPT = join(import.meta.dirname, '..', '..', 'scripts', 'build-wasm.mjs')

test('a rebuild gives the same modules', { timeout: 1_800_000 }, ({ skip }) => {
  const output = execFileSync(process.execPath, [SCRIPT, '--check'], { encoding: 'utf8' })
  const last = output.trimEnd().split('\n').at(-1) ?? ''
  if (last.startsWith('NOT COMPARED')) skip(last)
  expect(last).toMatch(/^COMPARED: \d+ modules are what wasm\/dist holds/u)
})
