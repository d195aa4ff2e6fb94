// The compiler of the wheels: Debian's emscripten, clang and CPython 3.14 in a private prefix (exactly the packages of
// python-wheels/DEBS.sha256), build back ends by hash, and a cross environment for the CPython inside the npm package pyodide. Steps leave
// stamps, so that a build that was stopped goes on where it was, and a changed recipe is done again.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('..', import.meta.url))
export const RECIPE = join(ROOT, 'scripts', 'python-wheels')
const PYODIDE_VERSION = '314.0.7'
const PIN = join(RECIPE, 'DEBS.sha256')
const HOST_TOOLS = ['apt-get', 'apt-config', 'dpkg-deb', 'tar', 'unzip', 'pkg-config', 'xargs', 'cargo', 'python3']

/** What a wheel's bytes depend on besides its source. Wheels are compared only between equal identities.
 * @typedef {{ pyodide: string, emscripten: string, cpython: string, packages: string, buildTools: string }} Identity */
/** `work`: the folder of the build. `pyodide`: the npm package. `python`, `abi`: of the CPython in it.
 * @typedef {{ identity: Identity, work: string, pyodide: string, python: string, abi: string }} Toolchain */

/** Says why no wheel can be built; its text is the whole message. */
export class WheelsError extends Error {}
/** This machine cannot have the toolchain of the lock. */
export class ToolchainMissing extends WheelsError {}

/** @param {string | Uint8Array} bytes */
export const sha256 = (bytes) => createHash('sha256').update(bytes).digest('hex')
/** @param {string} line */
export const say = (line) => console.log(`build:wheels: ${line}`)
/** A file of the recipe, as one hash. @param {string} file */
export const recipeHash = (file) => sha256(readFileSync(join(RECIPE, file)))

/** Runs a command with its output in WORK/log/NAME; on failure the end of that is the message.
 * @param {string} work @param {string} name @param {string[]} command @param {Readonly<Record<string, string>>} [env] */
export function runLogged(work, name, [command = '', ...args], env = {}) {
  mkdirSync(join(work, 'log'), { recursive: true })
  const log = join(work, 'log', name)
  const out = openSync(log, 'w')
  const { status } = spawnSync(command, args, { cwd: work, env: { ...process.env, ...env }, stdio: ['ignore', out, out] })
  if (status === 0) return
  const end = readFileSync(log, 'utf8').trimEnd().split('\n').slice(-20).join('\n')
  throw new WheelsError(`Cannot do the step "${name}": status ${status} (all of it in ${log})\n${end}`)
}

/** Does a step unless its stamp says that it was done with the same inputs. Returns the stamp, which is an input of the next.
 * @param {string} work @param {string} name @param {readonly string[]} inputs @param {() => void} action */
export function step(work, name, inputs, action) {
  const path = join(work, 'done', name)
  const stamp = sha256([name, ...inputs].join('\n'))
  if (existsSync(path) && readFileSync(path, 'utf8') === stamp) return stamp
  const begin = performance.now()
  action()
  mkdirSync(join(work, 'done'), { recursive: true })
  writeFileSync(path, stamp)
  say(`${name} (${((performance.now() - begin) / 1000).toFixed(0)} s)`)
  return stamp
}

/** The folder of the npm package and what its lock says of the CPython in it. */
export function findPyodide() {
  const pyodide = process.env['PYODIDE_DIR'] ?? join(ROOT, 'node_modules', 'pyodide')
  const version = existsSync(pyodide) ? JSON.parse(readFileSync(join(pyodide, 'package.json'), 'utf8')).version : 'none'
  if (version !== PYODIDE_VERSION)
    throw new ToolchainMissing(
      `the npm package pyodide ${PYODIDE_VERSION} is missing (found: ${version}); run npm ci, or name its folder in PYODIDE_DIR`,
    )
  const { info } = JSON.parse(readFileSync(join(pyodide, 'pyodide-lock.json'), 'utf8'))
  return { pyodide, python: info.python, abi: `pyemscripten_${info.abi_version}_wasm32` }
}

function checkHost() {
  if (process.platform !== 'linux' || process.arch !== 'x64') throw new ToolchainMissing('the toolchain needs Debian on x86-64')
  const missing = HOST_TOOLS.filter((tool) => spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0)
  if (missing.length > 0) throw new ToolchainMissing(`missing on this machine: ${missing.join(', ')}`)
  const needs = 'import sys, pip; assert sys.version_info >= (3, 10)'
  if (spawnSync('python3', ['-c', needs]).status !== 0)
    throw new ToolchainMissing('missing on this machine: python3 of at least 3.10 with pip')
}

/** Package files and their hashes, in a stable order. @param {string} path */
const packagesOf = (path) => readFileSync(path, 'utf8').trimEnd().split('\n').toSorted()

/** @param {string} name */
const pinnedVersion = (name) => packagesOf(PIN).flatMap((line) => new RegExp(`  ${name}_([^_]+)_`, 'u').exec(line)?.[1] ?? [])[0] ?? ''

/** @returns {Identity} */
export const pinnedIdentity = () => ({
  pyodide: PYODIDE_VERSION,
  emscripten: pinnedVersion('emscripten'),
  cpython: pinnedVersion('python3.14'),
  packages: sha256(packagesOf(PIN).join('\n')),
  buildTools: sha256(['build-tools.txt', 'build-tools-numpy.txt'].map(recipeHash).join('\n')),
})

/** Debian's suite moves on, and a package that was replaced can no longer be had. @param {string} prefix */
function comparePackages(prefix) {
  const pinned = new Set(packagesOf(PIN))
  const others = packagesOf(join(prefix, 'DEBS.sha256')).filter((line) => !pinned.has(line))
  if (others.length === 0) return
  const first = others.slice(0, 5).map((line) => line.split(/\s+/u)[1])
  throw new ToolchainMissing(
    `Debian now has ${others.length} other packages than scripts/python-wheels/DEBS.sha256: ${first.join(', ')}… ` +
      `To move the pin, copy ${join(prefix, 'DEBS.sha256')} over it and build everything again`,
  )
}

/** Builds the toolchain in `work`, or finds it there. @param {string} work @returns {{ toolchain: Toolchain, stamp: string }} */
export function ensureToolchain(work) {
  checkHost()
  const found = findPyodide()
  mkdirSync(work, { recursive: true })
  const [prefix, tools, cross] = ['em', 'tools', 'x'].map((folder) => join(work, folder))
  /** @param {string} name @param {readonly string[]} files @param {string} before @param {string[]} command */
  const make = (name, files, before, command) => step(work, name, [before, ...files.map(recipeHash)], () => runLogged(work, name, command))
  const script = (/** @type {string} */ file) => join(RECIPE, file)
  let stamp = make('prefix', ['mk-emsdk-prefix.sh'], '', [
    'sh',
    script('mk-emsdk-prefix.sh'),
    prefix,
    'libpython3.14-dev',
    'python3.14-dev',
  ])
  comparePackages(prefix)
  stamp = make('wrappers', ['DEBS.sha256', 'mk-emcc-wrappers.sh'], stamp, ['sh', script('mk-emcc-wrappers.sh'), prefix, tools])
  const inputs = ['mk-xenv.py', 'pycc.py']
  stamp = make('xenv', inputs, `${stamp} ${PYODIDE_VERSION}`, ['python3', script('mk-xenv.py'), prefix, tools, found.pyodide, cross])
  stamp = make('tools', ['mk-buildtools.sh', 'build-tools.txt'], stamp, ['sh', script('mk-buildtools.sh'), cross])
  stamp = step(work, 'libc', [stamp], () => buildSystemLibraries(work))
  return { toolchain: { identity: pinnedIdentity(), work, ...found }, stamp }
}

/** Emscripten builds its libraries when they are first linked: once, and not by two compilers at a time. @param {string} work */
function buildSystemLibraries(work) {
  const source = join(work, 'c.c')
  writeFileSync(source, 'int main(void) { return 0; }\n')
  copyFileSync(source, join(work, 'c.cpp'))
  runLogged(work, 'libc', ['sh', '-c', 'x/bin/cc c.c -o c.js && x/bin/c++ c.cpp -o c.js'])
}

/** @param {Toolchain} toolchain @param {Buffer} module a WebAssembly file's bytes; whether one of its functions grows a memory */
export function growsMemory({ work }, module) {
  const file = join(work, 'inspected.wasm')
  writeFileSync(file, module)
  const wasmOpt = join(work, 'tools', 'binaryen', 'bin', 'wasm-opt')
  return /MemoryGrow/u.test(execFileSync(wasmOpt, ['-all', '--metrics', file, '-o', '/dev/null'], { encoding: 'utf8' }))
}
