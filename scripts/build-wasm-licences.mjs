// `npm run build:licences`: writes THIRD_PARTY.md, the licence texts of everything that is shipped: the crates linked into
// wasm/dist and the example tools (cargo's resolution for their targets, without build scripts and macros) and the npm packages of
// `dependencies`. The first lines name the locks' contents; tests/wasm/licences.test.ts holds them equal to the locks.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EXAMPLES } from './build-examples.mjs'
import { MODULES } from './build-wasm-modules.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const WORKSPACE = join(ROOT, 'wasm')
const SDK = join(WORKSPACE, 'sdk')
const LICENCE_FILE = /^(?:licen[cs]e|copying|unlicense|notice|copyright)/iu

/** @typedef {{ name: string, version: string, licence: string, folder: string }} Package */
/** @typedef {{ id: string, name: string, version: string, license: string | null, manifest_path: string, source: string | null,
 *   targets: { kind: string[] }[] }} Crate */
/** @typedef {{ id: string, deps: { pkg: string, dep_kinds: { kind: string | null }[] }[] }} Node */

/** @param {string} text */
const sha256 = (text) => createHash('sha256').update(text).digest('hex')

/** The registry's packages of Cargo.lock, `name version` a line, as one hash. @param {string} lock */
export function cratesHash(lock) {
  const entries = [...lock.matchAll(/name = "([^"]+)"\nversion = "([^"]+)"\nsource = /gu)].map(([, name, version]) => `${name} ${version}`)
  return sha256(entries.toSorted().join('\n'))
}

/** The npm packages that are shipped: those of package-lock.json without `dev` and `optional`.
 * @param {string} lock @returns {Package[]} */
export function npmPackages(lock) {
  /** @type {{ packages: Record<string, { version?: string, license?: string, dev?: boolean, optional?: boolean }> }} */
  const { packages } = JSON.parse(lock)
  return Object.entries(packages)
    .filter(([path, { dev, optional }]) => path !== '' && !dev && !optional)
    .map(([path, { version = '', license = '' }]) => ({
      name: path.replace(/^.*node_modules\//u, ''),
      version,
      licence: license,
      folder: join(ROOT, path),
    }))
}

/** The crates that end up in modules made of these packages. @param {string} cwd @param {string} platform @param {readonly string[]} packages
 * @returns {Package[]} */
function linkedCrates(cwd, platform, packages) {
  const args = ['metadata', '--format-version', '1', '--locked', '--filter-platform', platform]
  const metadata = JSON.parse(execFileSync('cargo', args, { cwd, encoding: 'utf8', maxBuffer: 1 << 28 }))
  /** @type {Map<string, Crate>} */
  const crates = new Map(metadata.packages.map((/** @type {Crate} */ crate) => [crate.id, crate]))
  /** @type {Map<string, Node>} */
  const nodes = new Map(metadata.resolve.nodes.map((/** @type {Node} */ node) => [node.id, node]))
  const roots = new Set(packages)
  const reached = new Set([...crates.values()].filter(({ name, source }) => source === null && roots.has(name)).map(({ id }) => id))
  for (const id of reached) {
    for (const { pkg, dep_kinds: kinds } of nodes.get(id)?.deps ?? []) {
      const isMacro = crates.get(pkg)?.targets.some(({ kind }) => kind.includes('proc-macro'))
      if (!isMacro && kinds.some(({ kind }) => kind === null)) reached.add(pkg)
    }
  }
  return [...reached]
    .flatMap((id) => crates.get(id) ?? [])
    .filter(({ source }) => source !== null)
    .map(({ name, version, license, manifest_path: path }) => ({ name, version, licence: license ?? '', folder: dirname(path) }))
}

/** @param {Package} entry */
function licenceTexts({ folder }) {
  if (!existsSync(folder)) throw new Error(`${folder} is not there: run npm ci and cargo fetch`)
  const files = readdirSync(folder, { withFileTypes: true }).filter((file) => file.isFile() && LICENCE_FILE.test(file.name))
  return files
    .map(({ name }) => name)
    .toSorted()
    .map((name) => readFileSync(join(folder, name), 'utf8').replaceAll('\r\n', '\n').trim())
}

/** @param {string} title @param {Package[]} packages @param {Map<string, string[]>} texts */
function section(title, packages, texts) {
  const sorted = packages.toSorted((one, other) => (`${one.name} ${one.version}` < `${other.name} ${other.version}` ? -1 : 1))
  const rows = sorted.map((entry) => {
    const label = `${entry.name} ${entry.version}`
    for (const text of licenceTexts(entry)) texts.set(text, [...(texts.get(text) ?? []), label])
    return `| ${entry.name} | ${entry.version} | ${entry.licence} |`
  })
  return [`## ${title}`, '', '| package | version | licence |', '|---|---|---|', ...rows, '']
}

/** The whole document. */
function document() {
  const cargoLock = readFileSync(join(WORKSPACE, 'Cargo.lock'), 'utf8')
  const sdkLock = readFileSync(join(SDK, 'Cargo.lock'), 'utf8')
  const modules = MODULES.map((module) => module.package ?? module.name)
  const examples = EXAMPLES.filter(({ language }) => language === 'rust').map(({ folder }) => basename(folder))
  const npmLock = readFileSync(join(ROOT, 'package-lock.json'), 'utf8')
  const packages = npmPackages(npmLock)
  /** @type {Map<string, string[]>} */
  const texts = new Map()
  const lines = [
    '# Third-party software',
    '',
    `Generated by \`npm run build:licences\`. Crates of wasm/Cargo.lock: ${cratesHash(cargoLock)}.`,
    `Crates of wasm/sdk/Cargo.lock: ${cratesHash(sdkLock)}.`,
    '',
    'What the extension, the Node package, the WebAssembly modules of `wasm/dist` and the example tools contain besides our own code, with the',
    "licences of each. The modules also contain parts of Rust's standard library (MIT or Apache-2.0) and of wasi-libc (Apache-2.0 with LLVM",
    'exceptions, Apache-2.0 or MIT; parts from musl, MIT). The Python packages and the interpreter have a document of their own:',
    '[third_party/python/LICENSES.md](third_party/python/LICENSES.md).',
    '',
    ...section('npm packages', packages, texts),
    ...section('Crates in wasm/dist', linkedCrates(WORKSPACE, 'wasm32-wasip1', modules), texts),
    ...section('Crates in the example tools in Rust', linkedCrates(SDK, 'wasm32-unknown-unknown', examples), texts),
    '## Licence texts',
    '',
  ]
  for (const [text, labels] of texts) lines.push(`### ${labels.join(', ')}`, '', '```text', text.replaceAll('```', "'''"), '```', '')
  return lines.join('\n')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(join(ROOT, 'THIRD_PARTY.md'), document())
