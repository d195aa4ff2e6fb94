// `npm run build:examples [-- as|rust|c|FOLDER...] [--check]`: builds the example tools of the SDKs, each into the `tool.wasm` beside its
// manifest, and writes wasm/examples.lock.json. With --check nothing is written: a rebuild is compared with what is there, and the last line
// says NOT COMPARED for those whose compiler is another on this machine than the lock's. Each is compiled as docs/tools.md tells its author
// to, with the compilers pinned.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { ensureToolchain, ToolchainError } from './build-wasm-toolchain.mjs'
import { cargoConfig, ensureVendored } from './build-wasm-vendor.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const LOCK = join(ROOT, 'wasm', 'examples.lock.json')
const SDK = join(ROOT, 'wasm', 'sdk')
const CACHE = join(ROOT, '.cache')
const TARGET = 'wasm32-unknown-unknown'

/** @typedef {'as' | 'rust' | 'c' | 'c-wasi'} Language */
/** @typedef {{ folder: string, language: Language, licence: string }} Example */
/** @typedef {Example & { sha256: string, bytes: number }} LockedExample */
/** @typedef {{ assemblyscript: string, toolchain: import('./build-wasm-toolchain.mjs').ToolchainIdentity | undefined, tools: LockedExample[] }} Lock */
/** @typedef {import('./build-wasm-toolchain.mjs').Toolchain} Toolchain */

/** Rust's are linked with serde_json and the crates below it. @type {readonly Example[]} */
export const EXAMPLES = [
  { folder: 'wasm/sdk-as/examples/page-statistics', language: 'as', licence: 'Apache-2.0' },
  { folder: 'wasm/sdk-as/examples/read-heading', language: 'as', licence: 'Apache-2.0' },
  { folder: 'wasm/sdk/examples/has-tests', language: 'rust', licence: 'Apache-2.0 AND MIT' },
  { folder: 'wasm/sdk/examples/read-heading', language: 'rust', licence: 'Apache-2.0 AND MIT' },
  { folder: 'wasm/sdk/examples/table-csv', language: 'rust', licence: 'Apache-2.0 AND MIT' },
  { folder: 'wasm/sdk-c/examples/draft-heading', language: 'c', licence: 'Apache-2.0' },
  { folder: 'wasm/sdk-c/examples/read-heading', language: 'c', licence: 'Apache-2.0' },
  { folder: 'wasm/sdk-c/examples/word-count', language: 'c-wasi', licence: 'Apache-2.0 AND MIT' },
]

/** What one example alone needs. @type {Readonly<Record<string, readonly string[]>>} */
const MORE_FLAGS = { 'wasm/sdk-c/examples/draft-heading': ['-Wl,--import-memory'] }

/** @param {string} line */
const say = (line) => console.log(`build:examples: ${line}`)

/** @param {string} command @param {string[]} args @param {string} cwd @param {NodeJS.ProcessEnv} [env] */
const run = (command, args, cwd, env = process.env) => execFileSync(command, args, { cwd, env, stdio: ['ignore', 2, 2] })

const assemblyscript = () => JSON.parse(readFileSync(join(ROOT, 'node_modules', 'assemblyscript', 'package.json'), 'utf8')).version

/** Builds an example into `out`. @param {Example} example @param {string} out @param {() => Toolchain} toolchain */
function build({ folder, language }, out, toolchain) {
  const cwd = join(ROOT, folder)
  switch (language) {
    case 'as':
      return run(join(ROOT, 'node_modules', '.bin', 'asc'), ['assembly/index.ts', '-o', out, '-Oz', '--debug'], cwd)
    case 'rust':
      return buildRust(basename(folder), out, toolchain())
    case 'c':
      return buildC(MORE_FLAGS[folder] ?? [], cwd, out, toolchain())
    case 'c-wasi':
      return buildC(['--wasi'], cwd, out, toolchain())
  }
}

/** @param {string} crate @param {string} out @param {Toolchain} toolchain */
function buildRust(crate, out, { env, sysroot }) {
  const vendor = ensureVendored(SDK, env)
  const target = join(CACHE, 'examples-target')
  const args = ['build', '--quiet', '--release', '--locked', '--offline', '--target', TARGET, '--target-dir', target, '-p', crate]
  const linker = env['CARGO_TARGET_WASM32_WASIP1_LINKER']
  const linking = linker === undefined ? env : { ...env, CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER: linker }
  run('cargo', [...args, ...cargoConfig({ target: TARGET, workspace: SDK, sysroot, vendor })], SDK, linking)
  writeFileSync(out, readFileSync(join(target, TARGET, 'release', `${crate.replaceAll('-', '_')}.wasm`)))
}

/** @param {readonly string[]} flags @param {string} cwd @param {string} out @param {Toolchain} toolchain */
function buildC(flags, cwd, out, { env, sysroot }) {
  const own = join(sysroot, 'bin', 'clang')
  const clang = existsSync(own) ? { CLANG: own } : {}
  run(process.execPath, [join(ROOT, 'wasm', 'sdk-c', 'build.mjs'), ...flags, '-o', out, 'tool.c'], cwd, { ...env, ...clang })
}

/** @param {Example} example @param {string} path @returns {LockedExample} */
function rowOf(example, path) {
  const bytes = readFileSync(path)
  return { ...example, sha256: createHash('sha256').update(bytes).digest('hex'), bytes: bytes.length }
}

/** @returns {Lock} */
const readLock = () => (existsSync(LOCK) ? JSON.parse(readFileSync(LOCK, 'utf8')) : { assemblyscript: '', toolchain: undefined, tools: [] })

/** @param {LockedExample[]} built @param {Toolchain | undefined} toolchain */
function writeLock(built, toolchain) {
  const lock = readLock()
  const rows = new Map([...lock.tools, ...built].map((row) => [row.folder, row]))
  const hasAs = built.some(({ language }) => language === 'as')
  const next = {
    assemblyscript: hasAs ? assemblyscript() : lock.assemblyscript,
    toolchain: toolchain?.identity ?? lock.toolchain,
    tools: EXAMPLES.flatMap(({ folder }) => rows.get(folder) ?? []),
  }
  writeFileSync(LOCK, `${JSON.stringify(next, null, 2)}\n`)
}

/** @param {readonly string[]} names */
function select(names) {
  const found = EXAMPLES.filter(
    ({ folder, language }) => names.length === 0 || names.some((name) => language.split('-')[0] === name || folder.endsWith(name)),
  )
  if (found.length === 0) throw new ToolchainError(`no example is called ${names.join(' ')}`)
  return found
}

/** Compares rebuilds with what the lock says. @param {readonly Example[]} examples @param {() => Toolchain} toolchain */
function check(examples, toolchain) {
  const lock = readLock()
  mkdirSync(CACHE, { recursive: true })
  const folder = mkdtempSync(join(CACHE, 'examples-'))
  const different = []
  let [compared, left] = [0, 0]
  for (const example of examples) {
    const isSame =
      example.language === 'as'
        ? assemblyscript() === lock.assemblyscript
        : JSON.stringify(toolchain().identity) === JSON.stringify(lock.toolchain)
    if (!isSame) {
      left++
      continue
    }
    const out = join(folder, 'tool.wasm')
    build(example, out, toolchain)
    compared++
    const locked = lock.tools.find((row) => row.folder === example.folder)
    if (rowOf(example, out).sha256 !== locked?.sha256) different.push(example.folder)
  }
  rmSync(folder, { recursive: true })
  if (different.length > 0) throw new ToolchainError(`a rebuild differs from tool.wasm: ${different.join(', ')}`)
  console.log(left === 0 ? `COMPARED: ${compared} modules` : `NOT COMPARED: ${left} of ${examples.length}, the lock has another compiler`)
}

function main() {
  const { values, positionals } = parseArgs({ options: { check: { type: 'boolean', default: false } }, allowPositionals: true })
  const examples = select(positionals)
  /** @type {Toolchain | undefined} */
  let made
  const toolchain = () => (made ??= ensureToolchain())
  if (values.check) return check(examples, toolchain)
  const built = examples.map((example) => {
    const out = join(ROOT, example.folder, 'tool.wasm')
    build(example, out, toolchain)
    const row = rowOf(example, out)
    say(`${row.folder}: ${row.bytes} bytes, sha256 ${row.sha256.slice(0, 16)}`)
    return row
  })
  writeLock(built, made)
}

try {
  if (process.argv[1] === fileURLToPath(import.meta.url)) main()
} catch (error) {
  const known = error instanceof ToolchainError || (error instanceof Error && 'status' in error)
  if (!known) throw error
  console.error(`build:examples: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
