/** The table of limits is one of promises: what no code reads does not stand in it. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { LIMITS } from '../../src/protocol/limits.ts'

const ROOT = join(import.meta.dirname, '..', '..')
const sources = globSync('src/**/*.ts', { cwd: ROOT, exclude: ['src/protocol/limits.ts'] }).map((file) =>
  readFileSync(join(ROOT, file), 'utf8'),
)

/** Rows are read as `limits.row`, `LIMITS.row`, or taken out of such an object. */
function readRows(source: string): string[] {
  const members = [...source.matchAll(/\b(?:limits|LIMITS)\.(\w+)/g)].map(([, name]) => name!)
  const taken = [...source.matchAll(/\{([\w\s,:]+)\} = [\w.#]*(?:limits|LIMITS)\b/g)].flatMap(([, names]) => names!.match(/\w+/g) ?? [])
  return [...members, ...taken]
}

test('every limit is read by code', () => {
  const read = new Set(sources.flatMap(readRows))
  expect(Object.keys(LIMITS).filter((name) => !read.has(name))).toEqual([])
})
