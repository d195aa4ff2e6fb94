// The compiler of the modules: rustc with the standard library for wasm32-wasip1, clang and wasm-opt. Taken from rustup when it
// has the pinned version and that target, and a wasm-opt of the pinned version is on PATH; otherwise made from Debian's
// packages in .cache/wasm-toolchain (build-wasm-toolchain.sh), exactly those of wasm/toolchain.sha256.
import { execFileSync, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const PREFIX = join(ROOT, '.cache', 'wasm-toolchain')
const PIN = join(ROOT, 'wasm', 'toolchain.sha256')

/** What a module's bytes depend on. Modules are compared only between equal identities.
 * @typedef {{ rustc: string, wasmOpt: string, packages: string }} ToolchainIdentity */
/** @typedef {{ identity: ToolchainIdentity, env: NodeJS.ProcessEnv, sysroot: string }} Toolchain */

export class ToolchainError extends Error {}

/** @param {string} command @param {string[]} args @param {NodeJS.ProcessEnv} [env] @returns {string | undefined} */
function output(command, args, env = process.env) {
  const { status, stdout } = spawnSync(command, args, { env, encoding: 'utf8' })
  return status === 0 ? stdout.trim() : undefined
}

/** The packages of the pin, one line each, in a stable order. */
function pinnedPackages() {
  const lines = readFileSync(PIN, 'utf8').trimEnd().split('\n')
  return lines.toSorted().join('\n')
}

/** @param {string} name */
function pinnedVersion(name) {
  const line = pinnedPackages()
    .split('\n')
    .find((entry) => entry.split(' ')[2] === name)
  const version = line?.split(' ')[3]?.replace(/^\d+:/u, '')
  if (version === undefined) throw new ToolchainError(`${PIN} names no ${name}`)
  return /** @type {string} */ (/^[\d.]+/u.exec(version)?.[0])
}

/** @returns {Toolchain | undefined} */
function fromRustup() {
  const version = pinnedVersion('rustc')
  const rustc = output('rustup', ['which', 'rustc', '--toolchain', version])
  const sysroot = rustc && output(rustc, ['--print', 'sysroot'])
  if (!rustc || !sysroot || !existsSync(join(sysroot, 'lib', 'rustlib', 'wasm32-wasip1', 'lib'))) return undefined
  const wasmOpt = output('wasm-opt', ['--version'])
  if (!wasmOpt?.includes(` ${pinnedVersion('binaryen')}`)) return undefined
  const rustcVersion = output(rustc, ['--version']) ?? ''
  const identity = { rustc: rustcVersion, wasmOpt, packages: 'rustup' }
  return { identity, env: { ...process.env, RUSTC: rustc }, sysroot }
}

/** The environment of the private toolchain, as its env.sh sets it. */
function privateEnvironment() {
  const script = `. "${join(PREFIX, 'env.sh')}" && env -0`
  const entries = execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').filter(Boolean)
  return Object.fromEntries(entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]))
}

/** @returns {Toolchain} */
function fromDebian() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new ToolchainError(
      `no compiler for wasm32-wasip1: run "rustup toolchain install ${pinnedVersion('rustc')} --target wasm32-wasip1" and put ` +
        `wasm-opt ${pinnedVersion('binaryen')} (binaryen) on PATH; the private toolchain needs Debian on x86-64`,
    )
  }
  const make = spawnSync(join(ROOT, 'scripts', 'build-wasm-toolchain.sh'), ['--verify', PIN, PREFIX], { stdio: ['ignore', 2, 2] })
  if (make.status !== 0) throw new ToolchainError('the private toolchain could not be made (reason above)')
  const env = privateEnvironment()
  const packages = createHash('sha256').update(pinnedPackages()).digest('hex')
  const rustc = output(join(PREFIX, 'bin', 'rustc'), ['--version'], env) ?? ''
  const wasmOpt = output(join(PREFIX, 'bin', 'wasm-opt'), ['--version'], env) ?? ''
  return { identity: { rustc, wasmOpt, packages }, env, sysroot: PREFIX }
}

/** @returns {Toolchain} */
export function ensureToolchain() {
  if (output('cargo', ['--version']) === undefined) throw new ToolchainError('cargo is missing: install Rust from https://rustup.rs')
  return fromRustup() ?? fromDebian()
}
