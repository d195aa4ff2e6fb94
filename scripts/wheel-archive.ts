// A wheel as it is committed: a zip whose entries all lie stored in the file, read from its central directory; and the few sections of a
// side module that say what it offers. For the build, the licences and the tests; a cell has its own reader, which trusts nothing.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Described {
  readonly name: string
  readonly kind: string
}
declare const WebAssembly: {
  readonly Module: {
    new (bytes: Uint8Array<ArrayBuffer>): object
    exports(module: object): readonly Described[]
    imports(module: object): readonly (Described & { readonly module: string })[]
  }
}

export interface Entry {
  readonly name: string
  /** Compression; 0 is stored. */
  readonly method: number
  readonly data: Buffer
}

const END = 0x06054b50
const CENTRAL = 0x02014b50

function* entriesOf(wheel: Buffer): Generator<Entry> {
  const end = wheel.length - 22
  if (end < 0 || wheel.readUInt32LE(end) !== END) throw new Error('Cannot read the wheel: it does not end in a directory without comment')
  let at = wheel.readUInt32LE(end + 16)
  for (let left = wheel.readUInt16LE(end + 10); left > 0; left--) {
    if (wheel.readUInt32LE(at) !== CENTRAL) throw new Error('Cannot read the wheel: its directory is damaged')
    const [nameLength, extraLength, commentLength] = [wheel.readUInt16LE(at + 28), wheel.readUInt16LE(at + 30), wheel.readUInt16LE(at + 32)]
    const local = wheel.readUInt32LE(at + 42)
    const begin = local + 30 + wheel.readUInt16LE(local + 26) + wheel.readUInt16LE(local + 28)
    const data = wheel.subarray(begin, begin + wheel.readUInt32LE(at + 20))
    yield { name: wheel.toString('utf8', at + 46, at + 46 + nameLength), method: wheel.readUInt16LE(at + 10), data }
    at += 46 + nameLength + extraLength + commentLength
  }
}

/** In the order of the directory. */
export const wheelEntries = (wheel: Buffer): readonly Entry[] => [...entriesOf(wheel)]

/** What of a side module's exports makes Emscripten's loader evaluate text as JavaScript, which no cell allows. */
export const evaluatedExports = (module: Buffer): readonly string[] => {
  const exports = WebAssembly.Module.exports(new WebAssembly.Module(Uint8Array.from(module)))
  return exports.map(({ name }) => name).filter((name) => /^__em_js__|^__start_em_asm|^__stop_em_asm/u.test(name))
}

/** Whether the module defines or exports a memory instead of importing one. */
export const ownsMemory = (module: Buffer): boolean => {
  const compiled = new WebAssembly.Module(Uint8Array.from(module))
  const imported = WebAssembly.Module.imports(compiled).some(({ kind }) => kind === 'memory')
  return !imported || WebAssembly.Module.exports(compiled).some(({ kind }) => kind === 'memory')
}

const LINKER = /^(?:__memory_base|__table_base|__stack_pointer|memory|__indirect_function_table)$/u
const FROM_EMSCRIPTEN = /^(?:env|GOT\.mem|GOT\.func)$/u
let given: { readonly folder: string; readonly names: ReadonlySet<string> } | undefined

/** What the interpreter and its glue give to a side module. */
function givenBy(folder: string): ReadonlySet<string> {
  if (given?.folder === folder) return given.names
  const main = new WebAssembly.Module(readFileSync(join(folder, 'pyodide.asm.wasm')))
  const glue = readFileSync(join(folder, 'pyodide.asm.mjs'), 'utf8')
  const names = new Set([...WebAssembly.Module.exports(main), ...WebAssembly.Module.imports(main)].map(({ name }) => name))
  for (const [, name = ''] of glue.matchAll(/\b_?([A-Za-z_][\w$]*)\.sig=/gu)) names.add(name.replace(/^_/u, ''))
  given = { folder, names }
  return names
}

/** Imports of a side module that neither Pyodide (the folder of the npm package), nor the module itself, nor one of the named import modules
 * gives: it would fail when it is loaded. */
export function unresolvedImports(module: Buffer, folder: string, importModules: readonly string[] = []): readonly string[] {
  const compiled = new WebAssembly.Module(Uint8Array.from(module))
  const own = new Set(WebAssembly.Module.exports(compiled).map(({ name }) => name))
  return WebAssembly.Module.imports(compiled)
    .filter(({ module: from }) => !importModules.includes(from))
    .filter(({ module: from, name }) => !FROM_EMSCRIPTEN.test(from) || !(givenBy(folder).has(name) || own.has(name) || LINKER.test(name)))
    .map(({ module: from, name }) => `${from}.${name}`)
}
