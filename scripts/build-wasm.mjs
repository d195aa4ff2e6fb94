// `npm run build:wasm [-- NAME...] [--check]`: builds the modules of scripts/build-wasm-modules.mjs into wasm/dist and writes
// wasm/dist/lock.json. With --check nothing is written: a rebuild is compared with wasm/dist, and the last line says
// NOT COMPARED when this machine's toolchain is another than the lock's. Same inputs give the same bytes in any folder
// (build-wasm-vendor.mjs).
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { brotliCompressSync, constants } from 'node:zlib'
import { MODULES } from './build-wasm-modules.mjs'
import { ensureToolchain, ToolchainError } from './build-wasm-toolchain.mjs'
import { cargoConfig, ensureVendored } from './build-wasm-vendor.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const WORKSPACE = join(ROOT, 'wasm')
const DIST = join(WORKSPACE, 'dist')
const CACHE = join(ROOT, '.cache')
const TARGET = join(CACHE, 'wasm-target')
const TARGET_TRIPLE = 'wasm32-wasip1'
const FEATURES = 'bulk-memory bulk-memory-opt simd sign-ext mutable-globals nontrapping-float-to-int multivalue reference-types'.split(' ')

/** @typedef {import('./build-wasm-toolchain.mjs').Toolchain} Toolchain */
/** @typedef {import('./build-wasm-modules.mjs').Module} Module */
/** @typedef {{ name: string, file: string, version: string, source: string, licence: string, sha256: string, bytes: number,
 *   brotli: number, programs: readonly string[] }} LockedModule */
/** @typedef {{ toolchain: import('./build-wasm-toolchain.mjs').ToolchainIdentity, modules: LockedModule[] }} Lock */

/** @param {string} line */
const say = (line) => console.log(`build:wasm: ${line}`)

/** @param {string | Uint8Array} bytes */
const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')

/** @param {string} command @param {string[]} args @param {NodeJS.ProcessEnv} env @param {string} [cwd] */
function run(command, args, env, cwd = WORKSPACE) {
  execFileSync(command, args, { cwd, env, stdio: ['ignore', 2, 2] })
}

/** The tool that does the pass and checks the shape: native, from its own workspace. @param {NodeJS.ProcessEnv} env */
function buildPoolPass(env) {
  const target = join(TARGET, 'pool-pass')
  run('cargo', ['build', '--quiet', '--release', '--locked', '--target-dir', target], env, join(WORKSPACE, 'pool-pass'))
  return join(target, 'release', 'pool-pass')
}

/** Builds one module into `folder` and returns its row. @param {Module} module @param {{ toolchain: Toolchain, vendor: string,
 *   poolPass: string, folder: string, target: string, versions: Map<string, string> }} context @returns {LockedModule} */
function buildModule({ name, package: crate = name, licence, programs }, { toolchain, vendor, poolPass, folder, target, versions }) {
  const { env, sysroot } = toolchain
  say(`compiling ${name}`)
  const args = ['build', '--quiet', '--release', '--locked', '--offline', '--target', TARGET_TRIPLE, '--target-dir', target, '-p', crate]
  run('cargo', [...args, ...cargoConfig({ target: TARGET_TRIPLE, workspace: WORKSPACE, sysroot, vendor })], env)
  const compiled = join(target, TARGET_TRIPLE, 'release', `${name}.wasm`)
  const optimised = join(target, `${name}.opt.wasm`)
  const file = `${name}.wasm`
  run('wasm-opt', ['-O2', ...FEATURES.map((feature) => `--enable-${feature}`), compiled, '-o', optimised], env)
  run(poolPass, [optimised, join(folder, file)], env)
  const bytes = readFileSync(join(folder, file))
  const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }).length
  const version = versions.get(crate) ?? ''
  return { name, file, version, source: `wasm/${name}`, licence, sha256: sha256(bytes), bytes: bytes.length, brotli, programs }
}

/** Package versions of the workspace. @param {NodeJS.ProcessEnv} env @returns {Map<string, string>} */
function packageVersions(env) {
  const args = ['metadata', '--format-version', '1', '--no-deps', '--offline']
  const { packages } = JSON.parse(execFileSync('cargo', args, { cwd: WORKSPACE, env, encoding: 'utf8', maxBuffer: 1 << 26 }))
  return new Map(packages.map((/** @type {{ name: string, version: string }} */ entry) => [entry.name, entry.version]))
}

/** @returns {Lock | undefined} */
function readLock() {
  const path = join(DIST, 'lock.json')
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : undefined
}

/** Puts the rows built now into the lock, in the order of the table. @param {Toolchain} toolchain @param {LockedModule[]} built */
function writeLock({ identity }, built) {
  const rows = new Map([...(readLock()?.modules ?? []), ...built].map((row) => [row.name, row]))
  const modules = MODULES.flatMap(({ name }) => rows.get(name) ?? [])
  writeFileSync(join(DIST, 'lock.json'), `${JSON.stringify({ toolchain: identity, modules }, null, 2)}\n`)
}

/** @param {LockedModule} row */
const describe = ({ name, bytes, brotli, sha256: hash }) => `${name}: ${bytes} bytes, ${brotli} with brotli, sha256 ${hash.slice(0, 16)}`

/** What differs between the lock and a rebuild. @param {Lock} lock @param {LockedModule[]} built */
function compare(lock, built) {
  const locked = new Map(lock.modules.map((row) => [row.name, row.sha256]))
  return built.filter((row) => row.sha256 !== locked.get(row.name)).map(({ name }) => name)
}

/** @param {readonly string[]} names */
function selectModules(names) {
  const unknown = names.find((name) => !MODULES.some((module) => module.name === name))
  if (unknown !== undefined) throw new ToolchainError(`no module "${unknown}" in scripts/build-wasm-modules.mjs`)
  return MODULES.filter(({ name }) => names.length === 0 || names.includes(name))
}

function main() {
  const { values, positionals } = parseArgs({ options: { check: { type: 'boolean', default: false } }, allowPositionals: true })
  const modules = selectModules(positionals)
  const toolchain = ensureToolchain()
  const lock = readLock()
  if (values.check && JSON.stringify(lock?.toolchain) !== JSON.stringify(toolchain.identity)) {
    return console.log(`NOT COMPARED: the lock was made with ${lock?.toolchain.rustc}, packages ${lock?.toolchain.packages.slice(0, 16)}`)
  }
  mkdirSync(TARGET, { recursive: true })
  // A check compiles everything anew.
  const folder = values.check ? mkdtempSync(join(TARGET, 'check-')) : DIST
  const target = values.check ? join(folder, 'target') : TARGET
  // What uucore embeds depends on LANG, too.
  const env = { ...toolchain.env, LANG: 'en-US' }
  const context = { vendor: ensureVendored(WORKSPACE, env), poolPass: buildPoolPass(env), versions: packageVersions(env), folder, target }
  const built = modules.map((module) => {
    const row = buildModule(module, { ...context, toolchain: { ...toolchain, env } })
    say(describe(row))
    if (!values.check) writeLock(toolchain, [row])
    return row
  })
  if (!values.check || lock === undefined) return
  const different = compare(lock, built)
  rmSync(folder, { recursive: true })
  if (different.length > 0) throw new ToolchainError(`a rebuild differs from wasm/dist: ${different.join(', ')}`)
  console.log(`COMPARED: ${built.length} modules are what wasm/dist holds, ${statSync(join(DIST, 'lock.json')).size} bytes of lock`)
}

try {
  main()
} catch (error) {
  const known = error instanceof ToolchainError || (error instanceof Error && 'status' in error)
  if (!known) throw error
  console.error(`build:wasm: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
