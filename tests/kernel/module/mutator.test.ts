/**
 * Good modules with bytes changed: whatever comes of it, the gate refuses it in its own words, or what it lets through is a module that
 * WebAssembly takes or refuses by an error of its own, and holds nothing that a cell does not give. The failing seed is in the message.
 */
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { GateError, gateModule } from '../../../src/kernel/module/gate.ts'
import type { GatedModule } from '../../../src/kernel/module/gated-module.ts'
import { SYSCALLS } from '../../../src/kernel/syscall-table.ts'
import type { WasmAbi } from '../../../src/protocol/installed-tool.ts'
import { LIMITS } from '../../../src/protocol/limits.ts'
import { gateModuleOf, libraryWith, memoryImport, TOOL, toolWith } from '../../support/gate-module.ts'
import { FOREIGN_PUPPET } from '../../support/puppet.ts'
import { sideModule } from '../../support/side-module.ts'
import { encodeModule, ins, text, uleb } from '../../support/wasm-encoder.ts'
import { mutate } from './mutator.ts'
import { contentsOf } from './second-opinion.ts'

const TIMES = process.env['TIDEPOOL_LONG'] === '1' ? 10_000 : 500
const SLOW_MS = 2_000

interface Good {
  readonly name: string
  readonly abi: WasmAbi
  readonly bytes: Uint8Array<ArrayBuffer>
}
const built = (path: string): Uint8Array<ArrayBuffer> =>
  new Uint8Array(readFileSync(new URL(`../../../wasm/${path}.wasm`, import.meta.url)))
const example = (path: string, abi: WasmAbi = 'btcp'): Good => ({ name: path, abi, bytes: built(`${path}/tool`) })

/** A tool with something in every section. */
const FULL = gateModuleOf({
  imports: [
    { module: 'btcp', name: 'dom_text', type: 'iiii:i' },
    { module: 'env', name: 'abort', type: 'iiii:' },
    { module: 'wasi_snapshot_preview1', name: 'fd_write', type: 'iiii:i' },
  ],
  functions: [
    ...TOOL.functions!,
    {
      type: ':',
      locals: [
        [2, 0x7f],
        [1, 0x7b],
      ],
      code: [...ins.i32(8), ...ins.i32(7), ...ins.store(0)],
      name: 'begin',
    },
    { type: 'iI:F', locals: [[1, 0x70]], code: [0x44, ...new Uint8Array(8)], export: 'float', name: 'float' },
  ],
  tables: [
    [0x70, 1, 4, 8],
    [0x6f, 0, 1],
  ],
  memories: [[1, 1, ...uleb(256)]],
  globals: [
    [0x7f, 1, ...ins.i32(5), ...ins.end],
    [0x70, 0, 0xd2, 3, 0x0b],
  ],
  exports: [
    [...text('memory'), 2, 0],
    [...text('count'), 3, 0],
  ],
  start: 5,
  elements: [
    [0, ...ins.i32(1), ...ins.end, 2, 3, 4],
    [5, 0x70, 1, 0xd0, 0x70, 0x0b],
  ],
  data: [
    [0, ...ins.i32(16), ...ins.end, ...text('some data')],
    [1, ...text('passive')],
  ],
})

const GOOD: readonly Good[] = [
  { name: 'full', abi: 'btcp', bytes: FULL },
  { name: 'small', abi: 'btcp', bytes: toolWith({}) },
  { name: 'imported memory', abi: 'btcp', bytes: toolWith({ memories: [], otherImports: [memoryImport(1, 1, 9)], exports: [] }) },
  {
    name: 'library',
    abi: 'library',
    bytes: libraryWith(
      { type: 'ii:ii', code: ins.unreachable, export: 'library_call' },
      { type: ':i', code: ins.i32(0), export: 'get_metadata' },
    ),
  },
  {
    name: 'command',
    abi: 'stdio',
    bytes: encodeModule({
      imports: [{ module: 'wasi_snapshot_preview1', name: 'proc_exit', params: 'i', result: false }],
      memory: { pages: 1, imported: false },
      globals: [{ name: 'global', value: 1 }],
      functions: [{ params: '', result: false, locals: 3, code: [] }],
      exports: { _start: 0 },
      data: { at: 4, bytes: [1, 2, 3] },
    }),
  },
  { name: 'puppet', abi: 'stdio', bytes: FOREIGN_PUPPET },
  example('sdk/examples/table-csv'),
  example('sdk/examples/has-tests', 'library'),
  example('sdk-as/examples/page-statistics'),
  example('sdk-c/examples/draft-heading'),
  example('sdk-c/examples/word-count', 'stdio'),
  // Refused as they are; a change must not open the way.
  {
    name: 'side module',
    abi: 'btcp',
    bytes: sideModule({ imports: [{ module: 'js', name: 'fetch', kind: 'function', type: { params: 'i', results: 'i' } }] }),
  },
  { name: 'diff', abi: 'stdio', bytes: built('dist/diff') },
]

/** What may be imported under each ABI, written down once more, by hand. */
const WASI = SYSCALLS.filter((row) => row.module === 'wasi_snapshot_preview1').map(
  (row) => `wasi_snapshot_preview1.${row.name} ${row.params}:${row.name === 'proc_exit' ? '' : 'i'}`,
)
const TOOL_IMPORTS = Object.entries({
  'btcp.dom_query': 'ii:i',
  'btcp.dom_count': 'ii:i',
  'btcp.dom_text': 'iiii:i iii:i',
  'btcp.dom_attr': 'iiiiii:i iiiii:i',
  'btcp.dom_html': 'iiii:i iii:i',
  'btcp.dom_set_text': 'iiii:i',
  'btcp.dom_click': 'ii:i',
  'btcp.storage_get': 'iiii:i iii:i',
  'btcp.storage_set': 'iiii:i',
  'btcp.http_fetch': 'iiii:i',
  'btcp.call_tool': 'iiii:i',
  'btcp.log': 'iii: iii:i',
  'btcp.last_error': 'ii:i',
  'env.abort': 'iiii:',
  'env.seed': ':F',
  'env.trace': 'iiFFFFF:',
  'env.console.debug': 'i:',
  'env.console.log': 'i:',
  'env.console.info': 'i:',
  'env.console.warn': 'i:',
  'env.console.error': 'i:',
  'env.Date.now': ':F',
  'env.performance.now': ':F',
  'filesystem.read_file': 'iiii:i ii:i',
  'filesystem.list_directory': 'iiii:i ii:i',
  'filesystem.file_exists': 'ii:i',
  'filesystem.write_file': 'iiii:i',
}).flatMap(([name, types]) => types.split(' ').map((type) => `${name} ${type}`))
const ALLOWED: Readonly<Record<WasmAbi, ReadonlySet<string>>> = {
  stdio: new Set(WASI),
  btcp: new Set([...WASI, ...TOOL_IMPORTS]),
  library: new Set([...WASI, ...TOOL_IMPORTS]),
}
const NEEDED: Readonly<Record<WasmAbi, readonly string[]>> = { btcp: ['alloc', 'execute'], stdio: ['_start'], library: [] }

type Outcome = 'refused' | 'uncompilable' | 'unlinkable' | 'instance'

function outcome({ abi }: Good, mutant: Uint8Array): Outcome {
  let gated: GatedModule
  try {
    gated = gateModule(mutant, { name: 'mutant', abi, limits: LIMITS })
  } catch (error) {
    if (error instanceof GateError) return 'refused'
    throw error
  }
  for (let index = 0; index < 8; index++) gated.functionName(index)
  let module: WebAssembly.Module
  try {
    module = new WebAssembly.Module(gated.bytes)
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) return 'uncompilable'
    throw error
  }
  // Sharing and 64 bits would be gone with the rewriting; that they were asked for is what is refused.
  expect([[0], [1]]).toContainEqual(contentsOf(mutant).memoryFlags)
  expectHarmless(gated, module, abi)
  return instantiated(gated, module)
}

function expectHarmless(gated: GatedModule, module: WebAssembly.Module, abi: WasmAbi): void {
  const found = contentsOf(gated.bytes)
  expect(found).toMatchObject({ memoryFlags: [0], ownMemories: 0, strange: [] })
  expect(found.tableElements).toBeLessThanOrEqual(LIMITS.toolTableElements)
  expect(found.imports.filter((entry) => !ALLOWED[abi].has(entry))).toEqual([])
  for (const gone of [5, 8, 13]) expect(found.sections).not.toContain(gone)
  const imports = WebAssembly.Module.imports(module)
  expect(imports.filter(({ kind }) => kind !== 'function').map(({ module: from, name, kind }) => `${kind} ${from}.${name}`)).toEqual([
    'memory env.memory',
  ])
  const exports = WebAssembly.Module.exports(module)
  expect(exports.filter(({ kind }) => (kind as string) === 'tag')).toEqual([])
  expect(exports.filter(({ kind }) => kind === 'function').map(({ name }) => name)).toEqual(expect.arrayContaining([...NEEDED[abi]]))
}

function instantiated(gated: GatedModule, module: WebAssembly.Module): Outcome {
  let calls = 0
  const imports: Record<string, Record<string, unknown>> = {
    env: { memory: new WebAssembly.Memory({ initial: gated.pages, maximum: 4_096 }) },
  }
  for (const entry of gated.imports) (imports[entry.module] ??= {})[entry.name] = () => void calls++
  try {
    void new WebAssembly.Instance(module, imports as WebAssembly.Imports)
  } catch (error) {
    if (error instanceof WebAssembly.LinkError || error instanceof WebAssembly.RuntimeError) return 'unlinkable'
    throw error
  } finally {
    expect(calls).toBe(0)
  }
  return 'instance'
}

test.each(GOOD)('what is mutated is good: $name', (good) => {
  expect(outcome(good, good.bytes)).toBe(good.name === 'side module' || good.name === 'diff' ? 'refused' : 'instance')
})

test(`T77 T82 T83 T85 T90 ${TIMES} mutants`, { timeout: 600_000 }, () => {
  const counts: Record<Outcome, number> = { refused: 0, uncompilable: 0, unlinkable: 0, instance: 0 }
  for (let seed = 0; seed < TIMES; seed++) {
    const good = GOOD[seed % GOOD.length]!
    const mutant = mutate(good.bytes, seed)
    const begun = performance.now()
    try {
      counts[outcome(good, mutant)]++
      expect(performance.now() - begun).toBeLessThan(SLOW_MS)
    } catch (error) {
      throw new Error(`seed ${seed} of "${good.name}" failed`, { cause: error })
    }
  }
  // The generator reaches every outcome, or it would prove nothing.
  for (const count of Object.values(counts)) expect(count).toBeGreaterThan(0)
})
