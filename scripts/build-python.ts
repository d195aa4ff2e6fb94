/**
 * `npm run build:python`: makes dist/python out of the npm package `pyodide` (or of the mirror folder that PYODIDE_BASE names) and of
 * third_party/python: CPython's main module with its memory as an import, the standard library as one archive with bytecode and with
 * wasm/python/lib, the wheels, and lock.json, by which cells find and check them. It does nothing when its inputs are the same as before.
 * The bytecode is compiled by that very Python, in a kernel in this process.
 */
import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { unzipSync, zipSync } from 'fflate'
import { withImportedMemory } from '../src/kernel/module/rewrite.ts'
import { compileBytecode } from './python-bytecode.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const OUT = join(ROOT, 'dist', 'python')
const NEW = `${OUT}.${process.pid}`
const OURS = join(ROOT, 'wasm', 'python', 'lib')
const THIRD_PARTY = join(ROOT, 'third_party', 'python')
const BASE = process.env['PYODIDE_BASE'] ?? process.env['VITE_PYODIDE_BASE'] ?? join(ROOT, 'node_modules', 'pyodide')

/** The files of pyodide 314.0.7; a mirror must hold the same. */
const SOURCES = {
  'pyodide.asm.wasm': 'cc36e3cab04fdfc9a63ff13eb52eae2b911bf46c025cc7b281f394bd3de1d5e6',
  'python_stdlib.zip': 'fa1957e5777068fc4f7437f96d860ae2fbe9c19732ba06c84e004ec16dd7dd7a',
} as const
const PROGRAMS = ['python', 'python3', 'python3.14', 'pip', 'pip3']
const EXTENSION = '_tidepool.cpython-314-wasm32-emscripten.so'

/** Parts of the standard library that cannot work in a cell, or that Tidepool has its own of. */
const LEFT_OUT = /^(?:_pyodide|pyodide|site-packages|ensurepip|idlelib|turtledemo|__phello__)\/|^(?:turtle|antigravity)\.py$/

const ownAsyncio = (what: string, name: string): string => `${what} = __import__('_tidepool_asyncio').${name}()`

/** Where CPython's library asks for what this platform has in another way. Each text must be there exactly once. */
const CHANGES: readonly (readonly [file: string, from: string, to: string])[] = [
  ['subprocess.py', '_can_fork_exec = sys.platform not in {"emscripten", "wasi", "ios", "tvos", "watchos"}', '_can_fork_exec = True'],
  ['asyncio/selector_events.py', 'self._ssock, self._csock = socket.socketpair()', ownAsyncio('self._ssock, self._csock', 'wake_pipe')],
  ['asyncio/unix_events.py', 'self._watcher = _ThreadedChildWatcher()', ownAsyncio('self._watcher', 'ChildWatcher')],
  ['subprocess.py', 'from _posixsubprocess import fork_exec as _fork_exec', 'from _tidepool_process import fork_exec as _fork_exec'],
]

/** hashlib's last line: what OpenSSL would have given. */
const HASHLIB = "\nfrom _tidepool_hashlib import pbkdf2_hmac\n__all__ += ('pbkdf2_hmac',)\n"

interface LockedModule {
  readonly name: string
  readonly file: string
  readonly sha256: string
  readonly bytes: number
  readonly programs: readonly string[]
}

interface PackageLock {
  readonly packages: readonly { readonly wheel: string; readonly for?: string; readonly [field: string]: unknown }[]
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

function readSource(name: keyof typeof SOURCES): Uint8Array<ArrayBuffer> {
  const path = join(BASE, name)
  if (!existsSync(path))
    throw new Error(`Cannot build Python: "${path}" is not there; run npm ci, or name a folder that has it in PYODIDE_BASE`)
  const bytes = new Uint8Array(readFileSync(path))
  if (sha256(bytes) !== SOURCES[name]) throw new Error(`Cannot build Python: "${path}" is not the file of pyodide 314.0.7`)
  return bytes
}

function changed(files: Map<string, Uint8Array>): void {
  for (const [file, from, to] of CHANGES) {
    const text = Buffer.from(files.get(file) ?? []).toString('utf8')
    if (text.split(from).length !== 2) throw new Error(`Cannot build Python: ${file} does not hold "${from}" once`)
    files.set(file, Buffer.from(text.replace(from, to)))
  }
}

/** The standard library's files, by their paths below python3.14. */
function library(): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>()
  for (const [name, bytes] of Object.entries(unzipSync(readSource('python_stdlib.zip'))))
    if (!name.endsWith('/') && !LEFT_OUT.test(name)) files.set(name, bytes)
  changed(files)
  files.set('hashlib.py', Buffer.concat([files.get('hashlib.py') ?? Buffer.alloc(0), Buffer.from(HASHLIB)]))
  for (const [name, bytes] of filesBelow(OURS)) files.set(name, bytes)
  files.set(`lib-dynload/${EXTENSION}`, readFileSync(join(THIRD_PARTY, EXTENSION)))
  files.set('tidepool-packages.json', Buffer.from(packageTable()))
  return files
}

function filesBelow(folder: string): [string, Uint8Array][] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !entry.parentPath.includes('__pycache__'))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted()
    .map((path) => [path.slice(folder.length + 1).replaceAll('\\', '/'), readFileSync(path)])
}

function archive(files: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const entries = [...files].toSorted(([a], [b]) => (a < b ? -1 : 1))
  return zipSync(Object.fromEntries(entries), { level: 0, mtime: '1980-01-01T00:00:00' })
}

function packages(): PackageLock['packages'] {
  const lock = JSON.parse(readFileSync(join(THIRD_PARTY, 'lock.json'), 'utf8')) as PackageLock
  return lock.packages.filter((row) => row.for !== 'tests')
}

/** What `import` and pip look things up in. */
function packageTable(): string {
  const fields = ['name', 'version', 'wheel', 'size', 'licence', 'imports', 'depends']
  return JSON.stringify(packages().map((row) => Object.fromEntries(fields.map((field) => [field, row[field]]))))
}

function inputs(): string {
  const hash = createHash('sha256')
  const scripts = ['build-python.ts', 'python-bytecode.ts'].map((name) => join(ROOT, 'scripts', name))
  const kernel = filesBelow(join(ROOT, 'src', 'kernel', 'python')).map(([name]) => join(ROOT, 'src', 'kernel', 'python', name))
  for (const path of [...scripts, ...kernel, join(THIRD_PARTY, EXTENSION), join(THIRD_PARTY, 'lock.json')]) hash.update(readFileSync(path))
  for (const [name, bytes] of filesBelow(OURS)) hash.update(name).update(bytes)
  for (const name of Object.keys(SOURCES) as (keyof typeof SOURCES)[]) hash.update(readSource(name))
  return hash.digest('hex')
}

async function build(): Promise<void> {
  const stamp = inputs()
  const stampFile = join(OUT, '.inputs')
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return
  console.log('building Python (the standard library is compiled once) …')
  rmSync(NEW, { recursive: true, force: true })
  mkdirSync(NEW, { recursive: true })
  const adapted = withImportedMemory(readSource('pyodide.asm.wasm'))
  const sources = library()
  const compiled = await compileBytecode(adapted.bytes, archive(sources), [...sources.keys()])
  const modules: LockedModule[] = []
  const add = (name: string, file: string, bytes: Uint8Array, programs: readonly string[]): void => {
    writeFileSync(join(NEW, file), bytes)
    modules.push({ name, file, sha256: sha256(bytes), bytes: bytes.length, programs })
  }
  add('python', 'python.wasm', adapted.bytes, PROGRAMS)
  add('python-library', 'library.zip', archive(new Map([...sources, ...compiled])), [])
  for (const { wheel } of packages()) {
    copyFileSync(join(THIRD_PARTY, wheel), join(NEW, wheel))
    const bytes = readFileSync(join(THIRD_PARTY, wheel))
    modules.push({ name: wheel, file: wheel, sha256: sha256(bytes), bytes: bytes.length, programs: [] })
  }
  writeFileSync(join(NEW, 'lock.json'), `${JSON.stringify({ modules }, null, 1)}\n`)
  writeFileSync(join(NEW, '.inputs'), stamp)
  // Whoever uses the old folder meanwhile keeps it to the last moment.
  rmSync(OUT, { recursive: true, force: true })
  renameSync(NEW, OUT)
}

await build()
