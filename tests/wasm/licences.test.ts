// THIRD_PARTY.md against the locks: a dependency that was added or moved needs `npm run build:licences`.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'

interface Licences {
  readonly cratesHash: (lock: string) => string
  readonly npmPackages: (lock: string) => readonly { readonly name: string; readonly version: string; readonly licence: string }[]
}

// Not a literal: the compiler has no declarations for a script.
const SCRIPT = '../../scripts/build-wasm-licences.mjs'
const { cratesHash, npmPackages } = (await import(SCRIPT)) as Licences
const ROOT = join(import.meta.dirname, '..', '..')
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const document = read('THIRD_PARTY.md')

test.each(['wasm/Cargo.lock', 'wasm/sdk/Cargo.lock'])('THIRD_PARTY.md was made from the crates of %s', (lock) => {
  expect(document).toContain(`Crates of ${lock}: ${cratesHash(read(lock))}.`)
})

test('THIRD_PARTY.md names every npm package that is shipped, with its licence', () => {
  const rows = npmPackages(read('package-lock.json')).map(({ name, version, licence }) => `| ${name} | ${version} | ${licence} |`)
  expect(rows.length).toBeGreaterThan(3)
  expect(rows.filter((row) => !document.includes(row))).toEqual([])
})

test('every module of Rust says its licence and every licence is a permissive one', () => {
  const rows = [...document.matchAll(/^\| [^|]+ \| [^|]+ \| ([^|]+) \|$/gmu)].map(([, licence]) => licence ?? '')
  const permissive = /\b(?:MIT|Apache-2\.0|BSD-[23]-Clause|ISC|Unlicense|Zlib|0BSD|CC0-1\.0|MPL-2\.0|Unicode-3\.0|BSL-1\.0)\b/u
  const others = rows.filter((licence) => licence !== 'licence' && !permissive.test(licence))
  expect(others).toEqual([])
})
