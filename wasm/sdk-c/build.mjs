// `node build.mjs [--wasi] [-o tool.wasm] tool.c [more for clang]`: compiles a tool in C. It takes the first clang that can make WebAssembly: the
// one that CLANG names, the machine's, the one that this clone has made for its own programs, or that of the npm package @yowasp/clang.
// --wasi: a program of ABI stdio, with a libc. What it runs is one clang command, which it prints.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const SDK = fileURLToPath(new URL('.', import.meta.url))
const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const MISSING =
  'no clang that makes WebAssembly is here: install clang and lld (apt install clang lld, brew install llvm lld), or run ' +
  '"npm install --no-save @yowasp/clang" where Tidepool lies'

// -Oz: small. Names of functions stay, for the stack of a trap: clang would run a wasm-opt that it finds, which takes them away.
const COMMON = ['-Oz', '-Wall', '-Wextra', '-mbulk-memory', '-Wl,--strip-debug']
const BARE = ['--target=wasm32-unknown-unknown', '-nostdlib', '-Wl,--no-entry']
const WASI = ['--target=wasm32-wasip1']

/** @param {string} command @param {string[]} args */
const output = (command, args) => spawnSync(command, args, { encoding: 'utf8' }).stdout ?? ''

/** Whether it knows the target and finds its linker. @param {string} clang */
function makesWasm(clang) {
  const linker = output(clang, ['--print-prog-name=wasm-ld']).trim()
  return /\bwasm32\b/.test(output(clang, ['--print-targets'])) && spawnSync(linker, ['--version']).status === 0
}

/** @returns {string | undefined} */
function findClang() {
  const own = join(ROOT, '.cache', 'wasm-toolchain', 'bin', 'clang')
  if (process.env['CLANG']) return process.env['CLANG']
  if (makesWasm('clang')) return 'clang'
  return existsSync(own) ? own : undefined
}

/** @param {string} clang @param {string[]} args */
function compile(clang, args) {
  const version = Number(/version (\d+)/.exec(output(clang, ['--version']))?.[1] ?? 0)
  const all = [...(version >= 19 ? ['--no-wasm-opt'] : []), `-I${SDK}`, ...args]
  console.log(`clang ${all.join(' ')}`)
  return spawnSync(clang, all, { stdio: 'inherit' }).status ?? 1
}

/** @returns {string | undefined} */
function findPackage() {
  for (const from of [join(process.cwd(), 'x'), join(ROOT, 'x')]) {
    const [path] = (createRequire(from).resolve.paths('@yowasp/clang') ?? []).filter((folder) => existsSync(join(folder, '@yowasp/clang')))
    if (path !== undefined) return pathToFileURL(join(path, '@yowasp/clang/gen/bundle.js')).href
  }
  return undefined
}

/** The package's clang sees the files that it is given: those of this folder, and the SDK's. @param {string} url @param {string[]} args
 * @param {string} out */
async function compileInside(url, args, out) {
  const { commands } = await import(url)
  const sources = readdirSync('.').filter((name) => /\.[ch]$/.test(name))
  const files = {
    ...Object.fromEntries(sources.map((name) => [name, readFileSync(name, 'utf8')])),
    sdk: { 'tidepool.h': readFileSync(join(SDK, 'tidepool.h'), 'utf8') },
  }
  console.log(`clang ${args.join(' ')}   (of @yowasp/clang; this takes some seconds)`)
  try {
    const options = { fetchProgress: () => {}, stderr: (bytes) => bytes && process.stderr.write(bytes) }
    const made = await commands.clang(['--no-wasm-opt', '-Isdk', ...args.with(args.indexOf(out), 'out.wasm')], files, options)
    writeFileSync(out, made['out.wasm'])
    return 0
  } catch (error) {
    if (typeof error.code === 'number') return error.code
    throw error
  }
}

const given = process.argv.slice(2)
const wasi = given.includes('--wasi')
const rest = given.filter((word) => word !== '--wasi')
const at = rest.indexOf('-o')
const out = at < 0 ? 'tool.wasm' : (rest.splice(at, 2)[1] ?? 'tool.wasm')
const args = [...(wasi ? WASI : BARE), ...COMMON, '-o', out, ...rest]
const clang = findClang()
const inside = clang === undefined ? findPackage() : undefined
if (clang !== undefined) process.exitCode = compile(clang, args)
else if (inside !== undefined) process.exitCode = await compileInside(inside, args, out)
else {
  console.error(`Cannot compile "${resolve(rest[0] ?? '')}": ${MISSING}`)
  process.exitCode = 1
}
