// A rebuild of every wheel gives the bytes of third_party/python. Needs Debian, cargo and a package index; where the toolchain cannot be had
// or is another than the lock's, nothing is compared, and the test says so instead of passing silently.
import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const SCRIPT = join(import.meta.dirname, '..', '..', 'scripts', 'build-wheels.mjs')

test('a rebuild gives the same wheels', { timeout: 3_600_000 }, ({ skip }) => {
  const output = execFileSync(process.execPath, [SCRIPT, '--check'], { encoding: 'utf8' })
  const last = output.trimEnd().split('\n').at(-1) ?? ''
  if (last.startsWith('NOT COMPARED')) skip(last)
  expect(last).toMatch(/^COMPARED: \d+ files are what third_party\/python holds/u)
})
