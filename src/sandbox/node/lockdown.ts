/**
 * The lock of a cell in Node. The parent starts the process with an empty environment and Node's permission model (read access to the
 * cell's folder only); this shuts what that model leaves open, and proves it. Node itself calls the model no defence against malicious
 * code: THREAT_MODEL.md says so, and a container around it is for those who expect such code.
 *
 * Each probe uses means taken before the lock, and only the very refusal that is wanted counts: a connection that fails because nobody
 * listens proves nothing.
 */
import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { connect } from 'node:net'
import { Worker } from 'node:worker_threads'

/** Globals that stay: ECMAScript's, WebAssembly, and text coding. All others go. */
const KEPT = new Set(
  `Object Function Array Number parseFloat parseInt Infinity NaN undefined Boolean String Symbol Date Promise RegExp Error AggregateError
  EvalError RangeError ReferenceError SyntaxError TypeError URIError SuppressedError globalThis JSON Math Intl ArrayBuffer Atomics Uint8Array Int8Array
  Uint16Array Int16Array Uint32Array Int32Array Float16Array Float32Array Float64Array Uint8ClampedArray BigUint64Array BigInt64Array
  DataView Map BigInt Set Iterator WeakMap WeakSet WeakRef Proxy Reflect FinalizationRegistry DisposableStack AsyncDisposableStack
  decodeURI decodeURIComponent encodeURI encodeURIComponent escape unescape isFinite isNaN eval Temporal
  WebAssembly TextEncoder TextDecoder queueMicrotask SharedArrayBuffer`.split(/\s+/),
)

/** What is taken from the process object, whoever may still hold it. */
const PROCESS_POWERS = `binding _linkedBinding getBuiltinModule kill _kill dlopen abort chdir reallyExit exit execve loadEnvFile openStdin
  setuid setgid seteuid setegid setgroups initgroups report mainModule _debugProcess _debugEnd _startProfilerIdleNotifier
  _stopProfilerIdleNotifier setSourceMapsEnabled`.split(/\s+/)

type Probe = () => unknown

/** Shuts the process and proves it; the names of the checks. Throws an Error that names the first one that failed. */
export async function lockDown(): Promise<readonly string[]> {
  const { process } = globalThis
  const { execPath, pid } = process
  const sqlite: unknown = process.getBuiltinModule('node:sqlite')
  const outside = denied(() => closeSync(openSync(execPath, 'r')))
  const spawning = denied(() => spawnSync(execPath, ['--version']).error)
  const thread = denied(() => void new Worker('', { eval: true }).terminate())
  const socket = await deniedSocket()
  removePowers(process)
  const checks: readonly (readonly [string, boolean])[] = [
    ['no file outside the folder', outside],
    ['no child process', spawning],
    ['no thread', thread],
    ['no socket', socket],
    ['no node:sqlite', sqlite === undefined && (await failsToImport('node:sqlite'))],
    ['no process.kill', throws(() => process.kill(pid, 0))],
    ['no built-in by name', throws(() => process.getBuiltinModule('node:fs')) && (await failsToImport('node:fs'))],
    ['no import', await failsToImport('data:text/javascript,export default 1')],
    // oxlint-disable-next-line typescript/no-implied-eval -- the very thing that is tried
    ['no code from text', throws(() => new Function('return 1'))],
    ['no environment', Object.keys(process.env).length === 0],
    ['no other global', strangers().every((name) => Reflect.get(globalThis, name) === undefined)],
  ]
  for (const [name, passed] of checks) if (!passed) throw new Error(`the self-test failed: ${name}`)
  return checks.map(([name]) => name)
}

function removePowers(process: NodeJS.Process): void {
  registerHooks({
    resolve(specifier) {
      throw new Error(`Cannot import "${specifier.slice(0, 100)}": a cell imports nothing`)
    },
    load(url) {
      throw new Error(`Cannot load "${url.slice(0, 100)}": a cell imports nothing`)
    },
  })
  for (const name of PROCESS_POWERS) remove(process, name)
  for (const name of Object.keys(process.env)) delete process.env[name]
  process.argv.length = 0
  process.execArgv.length = 0
  for (const name of strangers()) remove(globalThis, name)
}

/** A property that cannot be removed is overwritten; one that cannot be either is found by the self-test. */
function remove(from: object, name: string): void {
  if (!Reflect.deleteProperty(from, name)) Reflect.set(from, name, undefined)
}

/** By name only: many globals load half of Node when they are looked at, and they go unseen. */
const strangers = (): string[] => Object.getOwnPropertyNames(globalThis).filter((name) => !KEPT.has(name))

const isDenied = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ERR_ACCESS_DENIED'

/** Whether the permission model refuses it; the attempt may throw the refusal or give it back. */
function denied(attempt: Probe): boolean {
  try {
    return isDenied(attempt())
  } catch (error) {
    return isDenied(error)
  }
}

function throws(attempt: Probe): boolean {
  try {
    attempt()
    return false
  } catch {
    return true
  }
}

function deniedSocket(): Promise<boolean> {
  return new Promise((resolve) => {
    try {
      const socket = connect({ host: '127.0.0.1', port: 9 })
      socket.on('connect', () => resolve(false))
      socket.on('error', (error) => resolve(isDenied(error)))
      socket.on('close', () => socket.destroy())
    } catch (error) {
      resolve(isDenied(error))
    }
  })
}

export async function failsToImport(specifier: string): Promise<boolean> {
  try {
    await import(/* @vite-ignore */ specifier)
    return false
  } catch {
    return true
  }
}
