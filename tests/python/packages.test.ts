// third_party/python as it is committed: every file is the one its lock names, and has the form that a cell maps: stored entries, plain names,
// side modules that load without evaluating text.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { packagesTable, readPythonLock } from '../../scripts/python-packages-table.ts'
import { evaluatedExports, ownsMemory, wheelEntries } from '../../scripts/wheel-archive.ts'

// Not literals: the compiler has no declarations for a script.
const TABLE = '../../scripts/build-wheels-packages.mjs'
const LICENCES = '../../scripts/build-wheels-licences.mjs'
const { PACKAGES } = (await import(TABLE)) as { readonly PACKAGES: readonly { readonly name: string; readonly prebuilt?: true }[] }
const { licenceRows } = (await import(LICENCES)) as { readonly licenceRows: (lock: typeof LOCK) => readonly string[] }

const ROOT = join(import.meta.dirname, '..', '..')
const FOLDER = join(ROOT, 'third_party', 'python')
const LOCK = readPythonLock()
const read = (file: string): Buffer => readFileSync(join(FOLDER, file))
const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const names = LOCK.packages.map(({ name }) => name)

const BAD_NAME = /^\/|\\|\0|^[A-Za-z]:|(?:^|\/)\.{0,2}(?:\/|$)/

describe.each(LOCK.packages)('$wheel', ({ name, version, wheel, sha256, size, native, imports, for: purpose }) => {
  const bytes = read(wheel)
  const entries = wheelEntries(bytes)
  const modules = entries.filter((entry) => entry.name.endsWith('.so'))

  test('is the file that the lock names', () => {
    expect({ sha256: hash(bytes), size: bytes.length }).toEqual({ sha256, size })
    expect(wheel.startsWith('tests/')).toBe(purpose === 'tests')
  })

  test('holds every entry once, stored, under a name that leads nowhere else', () => {
    expect(entries.filter(({ method }) => method !== 0).map((entry) => entry.name)).toEqual([])
    expect(entries.filter((entry) => BAD_NAME.test(entry.name)).map((entry) => entry.name)).toEqual([])
    expect(new Set(entries.map((entry) => entry.name.toLowerCase())).size).toBe(entries.length)
  })

  test('has side modules exactly if the lock says native, and none needs eval or a memory of its own', () => {
    expect(modules.length > 0).toBe(native)
    expect(modules.flatMap(({ data }) => evaluatedExports(data))).toEqual([])
    expect(modules.filter(({ data }) => ownsMemory(data)).map((entry) => entry.name)).toEqual([])
  })

  test('has bytecode beside every source, and the names that the lock says can be imported', () => {
    if (name.endsWith('-tests')) return
    const all = new Set(entries.map((entry) => entry.name))
    const cached = (source: string): string => source.replace(/([^/]+)\.py$/, '__pycache__/$1.cpython-314.pyc')
    expect([...all].filter((file) => file.endsWith('.py') && !file.includes('.dist-info/') && !all.has(cached(file)))).toEqual([])
    const found = (top: string): boolean => [...all].some((file) => file.startsWith(`${top}/`) || file === `${top}.py`)
    expect(imports.filter((top) => !found(top))).toEqual([])
    expect(all).toContain(`${wheel.split('/').at(-1)!.split('-')[0]!}-${version}.dist-info/METADATA`)
  })
})

test('the lock has every package of the table once, sorted, and its files are all that the folder holds', () => {
  expect(names).toEqual(PACKAGES.map(({ name }) => name).toSorted())
  const files = ['', 'tests/'].flatMap((folder) => readdirSync(join(FOLDER, folder)).map((file) => folder + file))
  expect(files.filter((file) => file.endsWith('.whl')).toSorted()).toEqual(LOCK.packages.map(({ wheel }) => wheel).toSorted())
})

test('every source is the one that is pinned, and one native package is taken as its project built it, for exactly this ABI', () => {
  const pins = readFileSync(join(ROOT, 'scripts', 'python-wheels', 'sources.sha256'), 'utf8')
    .trimEnd()
    .split('\n')
  expect(LOCK.packages.filter(({ source }) => !pins.includes(`${source.sha256}  ${source.file}`)).map(({ name }) => name)).toEqual([])
  const prebuilt = LOCK.packages.filter(({ native, source }) => native && source.kind === 'wheel')
  expect(prebuilt.map(({ name }) => name)).toEqual(PACKAGES.filter((one) => one.prebuilt).map(({ name }) => name))
  expect(prebuilt.map(({ source }) => source.file)).toEqual([`pydantic_core-2.50.5-cp314-cp314-${LOCK.abi}.whl`])
})

test('every dependency is in the lock, and no package that is shipped needs one that is not', () => {
  const shipped = new Set(LOCK.packages.filter((row) => !row.for).map(({ name }) => name))
  expect(LOCK.packages.flatMap(({ depends }) => depends).filter((name) => !names.includes(name))).toEqual([])
  expect(LOCK.packages.filter((row) => !row.for && row.depends.some((name) => !shipped.has(name))).map(({ name }) => name)).toEqual([])
})

test('a module of the top belongs to one package', () => {
  const tops = LOCK.packages.flatMap(({ imports }) => imports)
  expect(tops.filter((top, i) => tops.indexOf(top) !== i)).toEqual([])
  for (const top of ['numpy', 'pandas', 'PIL', 'dateutil', 'yaml', 'bs4', 'fontTools', 'attr', 'mpl_toolkits', 'pylab', '_yaml'])
    expect(tops).toContain(top)
})

test('our own extension is the file that the lock names and loads like the others', () => {
  if (!LOCK.extension) return
  // Else: npm run build:wheels -- extension
  for (const [path, sha256] of Object.entries(LOCK.extension.sources)) expect(hash(readFileSync(join(ROOT, path)))).toBe(sha256)
  const bytes = read(LOCK.extension.file)
  expect({ sha256: hash(bytes), size: bytes.length }).toEqual({ sha256: LOCK.extension.sha256, size: LOCK.extension.size })
  expect(evaluatedExports(bytes)).toEqual([])
  expect(ownsMemory(bytes)).toBe(false)
})

test('LICENSES.md names every package with its licence, and every licence is a permissive one', () => {
  const document = read('LICENSES.md').toString('utf8')
  expect(licenceRows(LOCK).filter((row) => !document.includes(row))).toEqual([])
  const permissive = /\b(?:MIT(?:-CMU)?|Apache-2\.0|BSD-[23]-Clause|PSF-2\.0|MPL-2\.0)\b/
  expect(LOCK.packages.filter(({ licence }) => !permissive.test(licence) || /\bA?L?GPL\b/.test(licence)).map(({ name }) => name)).toEqual(
    [],
  )
})

test('the table of docs/python.md has a row for each package that is not for tests only', () => {
  const rows = packagesTable(LOCK).split('\n').slice(2)
  expect(rows).toContain('| python-dateutil | 2.9.0.post0 | Apache-2.0 OR BSD-3-Clause | `dateutil` | 0.8 MB |')
  expect(rows.length).toBe(LOCK.packages.filter((one) => one.for === undefined).length)
})
