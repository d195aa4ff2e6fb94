/** Documents and settings are held to the code wherever that is cheap: links, paths, commands and records that they name exist. */
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..', '..')
const TRACKED = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' })
  .split('\0')
  .filter((path) => path !== '' && existsSync(join(ROOT, path)))
const DOCUMENTS = TRACKED.filter((path) => path.endsWith('.md'))

interface PackageJson {
  readonly scripts: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
  readonly devDependencies: Readonly<Record<string, string>>
  readonly optionalDependencies: Readonly<Record<string, string>>
}
const readText = (path: string): string => readFileSync(join(ROOT, path), 'utf8')
const PACKAGE = JSON.parse(readText('package.json')) as PackageJson

interface Mention {
  readonly document: string
  readonly found: string
}
const asText = ({ document, found }: Mention): string => `${document} names ${found}`

/** Every match of the pattern's first group. */
const findIn = (documents: readonly string[], pattern: RegExp): Mention[] =>
  documents.flatMap((document) => [...readText(document).matchAll(pattern)].map((match) => ({ document, found: match[1]! })))

test('every relative link of a document leads somewhere', () => {
  const links = findIn(DOCUMENTS, /\]\((?!\w+:|#)([^)#\s]+)/g)
  expect(links.length).toBeGreaterThan(10)
  expect(links.filter(({ document, found }) => !existsSync(join(ROOT, dirname(document), found))).map(asText)).toEqual([])
})

test('every file and folder that README, ARCHITECTURE and CONTRIBUTING name exists', () => {
  const paths = findIn(['README.md', 'ARCHITECTURE.md', 'CONTRIBUTING.md'], /`((?:src|wasm|tests|scripts|docs|bench)\/[\w./-]+)`/g)
  expect(paths.length).toBeGreaterThan(20)
  expect(paths.filter(({ found }) => !existsSync(join(ROOT, found))).map(asText)).toEqual([])
})

test('every npm script that a document names exists', () => {
  const named = findIn(DOCUMENTS, /npm run ([\w:-]+)/g)
  expect(named.map(({ found }) => found)).toContain('demo')
  expect(named.filter(({ found }) => !(found in PACKAGE.scripts)).map(asText)).toEqual([])
})

test('every runtime dependency has a record of its decision and its exact version', () => {
  const records = readdirSync(join(ROOT, 'docs/decisions')).filter((name) => /^\d{4}-/.test(name))
  const decided = findIn(
    records.map((name) => `docs/decisions/${name}`),
    /^\*Package:\* `(.+)`$/gm,
  ).map(({ found }) => found)
  expect(decided.toSorted()).toEqual(Object.keys(PACKAGE.dependencies).toSorted())
  const versions = Object.values({ ...PACKAGE.dependencies, ...PACKAGE.devDependencies, ...PACKAGE.optionalDependencies })
  expect(versions.filter((version) => !/^\d+\.\d+\.\d+$/.test(version))).toEqual([])
})

test('the lock file names every platform’s build of a package, so that npm ci works on all of them', () => {
  const locked = JSON.parse(readText('package-lock.json')) as {
    packages: Readonly<Record<string, { optionalDependencies?: Readonly<Record<string, string>> }>>
  }
  const missing = Object.values(locked.packages)
    .flatMap(({ optionalDependencies = {} }) => Object.keys(optionalDependencies))
    .filter((name) => !Object.keys(locked.packages).some((path) => path.endsWith(`node_modules/${name}`)))
  expect(missing).toEqual([])
})

test('records of decisions are numbered without a gap', () => {
  const numbers = readdirSync(join(ROOT, 'docs/decisions')).flatMap((name) => /^(\d{4})-/.exec(name)?.[1] ?? [])
  expect(numbers.toSorted()).toEqual(numbers.map((_, i) => String(i + 1).padStart(4, '0')))
})

test('no tracked file names a path of somebody’s machine or a package mirror', () => {
  const forbidden = new RegExp(
    ['/work/(?:main|tmp|shared)\\b', '(?<!self)/root/\\.', 'registry\\.npmjs', '"resolved": "http', 'index\\.crates\\.io'].join('|'),
  )
  const texts = TRACKED.filter((path) => !/\.(wasm|png|ico|gz|br)$/.test(path) && statSync(join(ROOT, path)).size < 4_000_000)
  expect(texts.filter((path) => path !== 'tests/house/documents.test.ts' && forbidden.test(readText(path)))).toEqual([])
})
