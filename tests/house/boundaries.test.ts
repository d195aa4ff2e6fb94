/**
 * The table of ARCHITECTURE.md, held by the compiler and the linter: what a folder may import, which globals it sees, which
 * npm package it may use. The folders' own tsconfig.json files are copied into a small tree of fixtures (so that nobody's
 * sources are touched), where everything that is allowed must compile and everything else must not.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const ROOT = join(import.meta.dirname, '..', '..')
const TREE = mkdtempSync(join(tmpdir(), 'tidepool-house-'))

interface Rules {
  readonly imports: readonly string[]
  readonly globals: readonly string[]
  readonly packages: readonly string[]
}

const FOLDERS: Readonly<Record<string, Rules>> = {
  protocol: { imports: [], globals: [], packages: ['@cfworker/json-schema', 'smol-toml', 'fflate'] },
  kernel: { imports: ['protocol'], globals: [], packages: ['@bjorn3/browser_wasi_shim'] },
  'sandbox/cell': { imports: ['kernel', 'protocol'], globals: [], packages: [] },
  'sandbox/js': { imports: ['protocol'], globals: [], packages: ['acorn', 'node-inspect-extracted'] },
  'sandbox/frame': { imports: ['kernel', 'protocol', 'sandbox/cell'], globals: ['document', 'fetch', 'WebAssembly'], packages: [] },
  'sandbox/browser': {
    imports: ['kernel', 'protocol', 'sandbox/cell', 'sandbox/js'],
    globals: ['importScripts', 'fetch', 'WebAssembly'],
    packages: [],
  },
  'sandbox/node': { imports: ['kernel', 'protocol', 'sandbox/cell', 'sandbox/js'], globals: ['process', 'fetch'], packages: ['node:fs'] },
  orchestrator: { imports: ['protocol'], globals: [], packages: [] },
  offscreen: {
    imports: ['orchestrator', 'protocol'],
    globals: ['document', 'chrome', 'fetch', 'WebAssembly'],
    packages: ['idb', 'webextension-polyfill'],
  },
  node: { imports: ['orchestrator', 'protocol'], globals: ['process', 'fetch'], packages: ['node:fs', 'commander', 'linkedom'] },
  background: { imports: ['protocol'], globals: ['importScripts', 'chrome', 'fetch', 'WebAssembly'], packages: ['webextension-polyfill'] },
  content: { imports: ['protocol'], globals: ['document', 'chrome', 'fetch', 'WebAssembly'], packages: [] },
  popup: { imports: ['protocol'], globals: ['document', 'chrome', 'fetch', 'WebAssembly'], packages: ['webextension-polyfill'] },
}
const GLOBALS = ['document', 'importScripts', 'process', 'chrome', 'fetch', 'WebAssembly']
const PACKAGES = [
  '@cfworker/json-schema',
  '@bjorn3/browser_wasi_shim',
  'idb',
  'webextension-polyfill',
  'commander',
  'node:fs',
  'acorn',
  'node-inspect-extracted',
  'smol-toml',
  'fflate',
  'linkedom',
]

const fileOf = (folder: string, kind: string, name: string): string => `src/${folder}/${kind}-${name.replaceAll(/\W/g, '_')}.ts`

function writeFixture(path: string, text: string): void {
  mkdirSync(dirname(join(TREE, path)), { recursive: true })
  writeFileSync(join(TREE, path), text)
}

function writeTree(): void {
  symlinkSync(join(ROOT, 'node_modules'), join(TREE, 'node_modules'), 'junction')
  for (const folder of Object.keys(FOLDERS)) {
    writeFixture(`src/${folder}/thing.ts`, `export const thing = '${folder}'\n`)
    cpSync(join(ROOT, 'src', folder, 'tsconfig.json'), join(TREE, 'src', folder, 'tsconfig.json'))
    for (const other of Object.keys(FOLDERS).filter((name) => name !== folder)) {
      const from = relative(`src/${folder}`, `src/${other}/thing.ts`)
      writeFixture(fileOf(folder, 'import', other), `import { thing } from '${from}'\nexport const copy: string = thing\n`)
    }
    for (const name of GLOBALS) writeFixture(fileOf(folder, 'global', name), `export const seen: unknown = ${name}\n`)
    for (const name of PACKAGES) writeFixture(fileOf(folder, 'package', name), `export type * from '${name}'\n`)
  }
  cpSync(join(ROOT, 'tsconfig.base.json'), join(TREE, 'tsconfig.base.json'))
  cpSync(join(ROOT, '.oxlintrc.json'), join(TREE, '.oxlintrc.json'))
}

/** Files that have an error, each with the texts of its errors. */
let compileErrors: ReadonlyMap<string, string>
let lintErrors: ReadonlyMap<string, string>

function compileTree(): ReadonlyMap<string, string> {
  const { stdout } = spawnSync('tsc', ['-b', '--pretty', 'false', ...Object.keys(FOLDERS).map((folder) => `src/${folder}`)], {
    cwd: TREE,
    encoding: 'utf8',
  })
  const errors = new Map<string, string>()
  for (const [, file, text] of stdout.matchAll(/^(src\/[^(]+)\(\d+,\d+\): error (TS\d+: .*)$/gm))
    errors.set(file!, (errors.get(file!) ?? '') + text)
  return errors
}

function lintTree(): ReadonlyMap<string, string> {
  const { stdout } = spawnSync('oxlint', ['--format', 'json', 'src'], { cwd: TREE, encoding: 'utf8' })
  const errors = new Map<string, string>()
  for (const { filename, code, help } of JSON.parse(stdout).diagnostics as { filename: string; code: string; help?: string }[])
    if (code.includes('no-restricted-imports')) errors.set(filename, help ?? '')
  return errors
}

beforeAll(() => {
  writeTree()
  compileErrors = compileTree()
  lintErrors = lintTree()
}, 60_000)

afterAll(() => rmSync(TREE, { recursive: true, force: true }))

describe.for(Object.entries(FOLDERS))('src/%s', ([folder, rules]) => {
  test('compiles imports from the folders it may use and from no other', () => {
    const refused = Object.keys(FOLDERS).filter((other) => compileErrors.get(fileOf(folder, 'import', other))?.startsWith('TS6307'))
    expect(refused).toEqual(Object.keys(FOLDERS).filter((other) => other !== folder && !rules.imports.includes(other)))
  })

  test('sees the globals of its place and no others', () => {
    const refused = GLOBALS.filter((name) => compileErrors.get(fileOf(folder, 'global', name))?.includes('Cannot find name'))
    expect(refused).toEqual(GLOBALS.filter((name) => !rules.globals.includes(name)))
  })

  test('uses the npm packages that it may and no others', () => {
    const refused = PACKAGES.filter((name) => lintErrors.has(fileOf(folder, 'package', name)))
    expect(refused).toEqual(PACKAGES.filter((name) => !rules.packages.includes(name)))
  })
})

test('a refused package is answered with what to do', () => {
  expect(lintErrors.get('src/orchestrator/package-idb.ts')).toContain('add a method to platform.ts')
})

test('every folder of src has its own tsconfig, is in this table and in the solution', () => {
  const tracked = execFileSync('git', ['ls-files', 'src'], { cwd: ROOT, encoding: 'utf8' }).trim().split('\n')
  const folders = new Set(
    tracked.filter((path) => path.endsWith('.ts')).map((path) => /^src\/(sandbox\/\w+|\w+)\//.exec(path)?.[1] ?? path),
  )
  const solution = readFileSync(join(ROOT, 'tsconfig.json'), 'utf8')
  for (const folder of folders) {
    expect(Object.keys(FOLDERS)).toContain(folder)
    expect(solution).toContain(`"src/${folder}"`)
  }
})

test('there is no folder for things without a name', () => {
  const names = readdirSync(join(ROOT, 'src'), { recursive: true, withFileTypes: true }).filter((entry) => entry.isDirectory())
  expect(names.map((entry) => entry.name).filter((name) => /^(utils?|common|shared|helpers?|misc|lib)$/.test(name))).toEqual([])
})
