// wasm/dist as it is committed: every module is the one its lock names, and has the shape of docs/abi.md as far as its sections
// show it (instructions are looked at when it is built, by wasm/pool-pass).
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

interface Module {
  readonly name: string
  readonly programs: readonly string[]
}

// Not a literal: the compiler has no declarations for a script.
const TABLE = '../../scripts/build-wasm-modules.mjs'
const { MODULES } = (await import(TABLE)) as { readonly MODULES: readonly Module[] }
const DIST = join(import.meta.dirname, '..', '..', 'wasm', 'dist')

interface LockedModule {
  readonly name: string
  readonly file: string
  readonly licence: string
  readonly version: string
  readonly sha256: string
  readonly bytes: number
  readonly brotli: number
  readonly programs: readonly string[]
}

const lock = JSON.parse(readFileSync(join(DIST, 'lock.json'), 'utf8')) as { readonly modules: readonly LockedModule[] }
const read = (file: string): Buffer<ArrayBuffer> => readFileSync(join(DIST, file))

/** Ids and bodies of a module's sections. */
function* sections(bytes: Uint8Array): Generator<{ readonly id: number; readonly body: Uint8Array }> {
  let at = 8
  while (at < bytes.length) {
    const id = bytes[at] ?? 0
    const { value: size, next } = leb(bytes, at + 1)
    yield { id, body: bytes.subarray(next, next + size) }
    at = next + size
  }
}

function leb(bytes: Uint8Array, start: number): { readonly value: number; readonly next: number } {
  let value = 0
  for (let at = start, factor = 1; ; at++, factor *= 128) {
    const byte = bytes[at] ?? 0
    value += (byte & 0x7f) * factor
    if (byte < 0x80) return { value, next: at + 1 }
  }
}

const SECTION = { memory: 5, tag: 13 } as const

describe.each(lock.modules)('the module $name', ({ file, sha256, bytes, brotli, licence, version, programs }) => {
  const content = read(file)

  test('is the one the lock names', () => {
    expect(createHash('sha256').update(content).digest('hex')).toBe(sha256)
    expect(content.length).toBe(bytes)
    expect(brotli).toBeLessThan(bytes)
    expect(licence).not.toBe('')
    expect(version).toMatch(/^\d+\.\d+\.\d+$/u)
    expect(programs.length).toBeGreaterThan(0)
  })

  test('imports its memory and functions of WASI and tidepool only', () => {
    const imports = WebAssembly.Module.imports(new WebAssembly.Module(content))
    const others = imports.filter(({ module }) => module !== 'wasi_snapshot_preview1' && module !== 'tidepool')
    expect(others).toEqual([{ module: 'env', name: 'memory', kind: 'memory' }])
  })

  test('exports what the kernel needs to put it back', () => {
    const exports = WebAssembly.Module.exports(new WebAssembly.Module(content))
    const globals = exports.filter(({ kind }) => kind === 'global').map(({ name }) => name)
    expect(globals.toSorted()).toEqual(['__stack_pointer', '__vm_limit', '__vm_pages'])
    expect(exports).toContainEqual({ name: '_start', kind: 'function' })
  })

  test('has no memory of its own and no exception tags', () => {
    const ids = [...sections(content)].map(({ id }) => id)
    expect(ids).not.toContain(SECTION.memory)
    expect(ids).not.toContain(SECTION.tag)
  })
})

test('the lock holds what the table of modules lists', () => {
  const programs = new Map(MODULES.map((module) => [module.name, module.programs]))
  for (const { name, programs: locked } of lock.modules) expect(locked).toEqual(programs.get(name))
})

test('no program is in two modules', () => {
  const all = lock.modules.flatMap(({ programs }) => programs)
  expect(all.filter((name, index) => all.indexOf(name) !== index)).toEqual([])
})

test('wasm/dist holds no module that the lock does not name', () => {
  const files = readdirSync(DIST).filter((file) => file.endsWith('.wasm'))
  expect(files.toSorted()).toEqual(lock.modules.map(({ file }) => file).toSorted())
})

test('a first echo | grep | wc needs a download of at most 2 MB', () => {
  const needed = lock.modules.filter(({ programs }) => ['bash', 'grep', 'wc'].some((name) => programs.includes(name)))
  expect(needed.reduce((sum, { brotli }) => sum + brotli, 0)).toBeLessThanOrEqual(2_000_000)
})

test.each(['utilities', 'coreutils'])('the table of %s has a program for each name in /bin', (name) => {
  const source = readFileSync(join(DIST, '..', name, 'src', 'main.rs'), 'utf8')
  const rows = [...source.matchAll(/^ {4}\("([^"]+)", \w+::\w+\),$/gmu)].map(([, program]) => program ?? '')
  const listed = MODULES.find((module) => module.name === name)?.programs ?? []
  expect(new Set(rows)).toEqual(new Set(listed))
})
