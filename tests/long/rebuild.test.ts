// A rebuild of every module gives the bytes of wasm/dist, and of the example tools. Needs cargo; where the toolchain is not the lock's, nothing is compared,
// and the test says so instead of passing silently.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const SCRIPTS = join(import.meta.dirname, '..', '..', 'scripts')

/** The last line of a rebuild that is compared. */
function check(script: string): string {
  const output = execFileSync(process.execPath, [join(SCRIPTS, script), '--check'], { encoding: 'utf8' })
  return output.trimEnd().split('\n').at(-1) ?? ''
}

test('a rebuild gives the same modules', { timeout: 1_800_000 }, ({ skip }) => {
  const last = check('build-wasm.mjs')
  if (last.startsWith('NOT COMPARED')) skip(last)
  expect(last).toMatch(/^COMPARED: \d+ modules are what wasm\/dist holds/u)
})

test('a rebuild gives the same example tools', { timeout: 600_000 }, ({ skip }) => {
  const last = check('build-examples.mjs')
  if (last.startsWith('NOT COMPARED')) skip(last)
  expect(last).toMatch(/^COMPARED: \d+ modules$/u)
})
