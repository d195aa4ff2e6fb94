/** What the gate makes of a good module: memory imported, start function exported, tables bounded, sections that nobody needs gone. */
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { gateModule } from '../../../src/kernel/module/gate.ts'
import { type GatedModule, START } from '../../../src/kernel/module/gated-module.ts'
import { withImportedMemory } from '../../../src/kernel/module/rewrite.ts'
import { LIMITS } from '../../../src/protocol/limits.ts'
import { gateModuleOf, memoryImport, TOOL, toolWith, toolWithFunctions } from '../../support/gate-module.ts'
import { FOREIGN_PUPPET } from '../../support/puppet.ts'
import { ins, text, uleb } from '../../support/wasm-encoder.ts'

const tool = (bytes: Uint8Array): GatedModule => gateModule(bytes, { name: 'tool.wasm', abi: 'btcp', limits: LIMITS })
const compiled = (gated: GatedModule): WebAssembly.Module => new WebAssembly.Module(gated.bytes)
const linked = (gated: GatedModule, memory = new WebAssembly.Memory({ initial: gated.pages })): WebAssembly.Instance =>
  new WebAssembly.Instance(compiled(gated), { env: { memory } })

const STORE_SEVEN = { type: ':', code: [...ins.i32(0), ...ins.i32(7), ...ins.store(0)] }

test('the memory becomes an import of the same size, last of all imports', () => {
  const gated = gateModule(FOREIGN_PUPPET, { name: 'puppet', abi: 'stdio', limits: LIMITS })
  expect(gated).toMatchObject({ pages: 2, maximumPages: undefined, importsMemory: false, hasStart: false })
  const imports = WebAssembly.Module.imports(compiled(gated))
  expect(imports.slice(0, -1)).toEqual(gated.imports.map(({ module, name }) => ({ module, name, kind: 'function' })))
  expect(imports.at(-1)).toMatchObject({ module: 'env', name: 'memory', kind: 'memory' })
})

test('a module without imports gets an import section', () => {
  expect(WebAssembly.Module.imports(compiled(tool(toolWith({}))))).toEqual([
    expect.objectContaining({ module: 'env', name: 'memory', kind: 'memory' }),
  ])
})

test('an imported memory is imported without its maximum', () => {
  const gated = tool(toolWith({ memories: [], otherImports: [memoryImport(1, 3, 9)], exports: [] }))
  expect(gated).toMatchObject({ pages: 3, maximumPages: 9, importsMemory: true, imports: [] })
  linked(gated, new WebAssembly.Memory({ initial: 3, maximum: 1_000 }))
})

test('T82 a memory without a maximum, and one of 65,536 pages: both are given the kernel’s memory', () => {
  expect(tool(toolWith({ memories: [[0, 1]] }))).toMatchObject({ pages: 1, maximumPages: undefined })
  const gated = tool(toolWith({ memories: [[1, 1, ...uleb(65_536)]] }))
  expect(gated).toMatchObject({ pages: 1, maximumPages: 65_536 })
  linked(gated, new WebAssembly.Memory({ initial: 1, maximum: 2 }))
})

describe('T83 a start function', () => {
  const bytes = gateModuleOf({ ...TOOL, functions: [...TOOL.functions!, STORE_SEVEN], start: 2 })

  test('does not run at instantiation, but waits to be called', () => {
    const gated = tool(bytes)
    expect(gated.hasStart).toBe(true)
    const memory = new WebAssembly.Memory({ initial: 1 })
    const instance = linked(gated, memory)
    expect(new Int32Array(memory.buffer)[0]).toBe(0)
    ;(instance.exports[START] as () => void)()
    expect(new Int32Array(memory.buffer)[0]).toBe(7)
  })

  test('is kept by a module that exports nothing else but what its ABI needs', () => {
    expect(Object.keys(linked(tool(bytes)).exports)).toEqual(['alloc', 'execute', 'memory', START])
  })

  test('an exported `_start` of a tool is only an export', () => {
    const gated = tool(toolWithFunctions({ ...STORE_SEVEN, export: '_start' }))
    const memory = new WebAssembly.Memory({ initial: 1 })
    linked(gated, memory)
    expect(gated).toMatchObject({ hasStart: false, abi: { initialize: false } })
    expect(new Int32Array(memory.buffer)[0]).toBe(0)
  })
})

describe('T85 tables', () => {
  const grow = (table: number) => ({ type: 'i:i', code: [0xd0, 0x70, ...ins.get(0), 0xfc, 0x0f, table], export: `grow${table}` })
  const grown = (bytes: Uint8Array, name: string, by: number): unknown => (linked(tool(bytes)).exports[name] as (n: number) => number)(by)

  test('a table without a maximum grows to the limit and not beyond', () => {
    const bytes = gateModuleOf({ ...TOOL, functions: [...TOOL.functions!, grow(0)], tables: [[0x70, 0, 2]] })
    expect(grown(bytes, 'grow0', 65_534)).toBe(2)
    expect(grown(bytes, 'grow0', 65_535)).toBe(-1)
  })

  test('a maximum of its own below the limit stays; one above is lowered', () => {
    const withTable = (...limits: number[]): Uint8Array =>
      gateModuleOf({ ...TOOL, functions: [...TOOL.functions!, grow(0)], tables: [[0x70, ...limits]] })
    expect(grown(withTable(1, 2, 4), 'grow0', 3)).toBe(-1)
    expect(grown(withTable(1, 2, ...uleb(10_000_000)), 'grow0', 100_000)).toBe(-1)
  })

  test('several tables share the limit', () => {
    const bytes = gateModuleOf({
      ...TOOL,
      functions: [...TOOL.functions!, grow(0), grow(1)],
      tables: [
        [0x70, 1, 10, 10],
        [0x70, 0, 0],
      ],
    })
    expect(grown(bytes, 'grow1', 65_526)).toBe(0)
    expect(grown(bytes, 'grow1', 65_527)).toBe(-1)
  })
})

test('custom sections go, except the names', () => {
  const custom = (name: string, ...content: number[]) => ({ id: 0, body: [...text(name), ...content] })
  const gated = tool(toolWith({ sections: [{ ...custom('.debug_info', 1, 2, 3), before: 10 }, custom('producers', 0)] }))
  expect(WebAssembly.Module.customSections(compiled(gated), '.debug_info')).toEqual([])
  expect(WebAssembly.Module.customSections(compiled(gated), 'producers')).toEqual([])
  expect(WebAssembly.Module.customSections(compiled(gated), 'name')).toHaveLength(1)
})

test('names of functions come from the section of names, else from an import or export', () => {
  const gated = tool(
    gateModuleOf({
      ...TOOL,
      imports: [{ module: 'btcp', name: 'dom_count', type: 'ii:i' }],
      functions: [...TOOL.functions!, { type: ':', code: [], export: 'extra' }, { type: ':', code: [] }],
    }),
  )
  expect([0, 1, 2, 3, 4, 5].map((index) => gated.functionName(index))).toEqual([
    'btcp.dom_count',
    'alloc',
    'execute',
    'extra',
    undefined,
    undefined,
  ])
})

test('an offset in a trap’s stack and codeShift give the place in the original file', () => {
  const trap = { type: ':', code: ins.unreachable, export: 'trap', name: 'trap' }
  const bytes = toolWithFunctions(trap)
  const gated = tool(bytes)
  let stack = ''
  try {
    ;(linked(gated).exports['trap'] as () => void)()
  } catch (error) {
    stack = (error as Error).stack ?? ''
  }
  const [, offset = ''] = /wasm-function\[2\]:0x([0-9a-f]+)/.exec(stack) ?? []
  expect(bytes[Number.parseInt(offset, 16) + gated.codeShift]).toBe(0x00)
  expect(gated.codeShift).not.toBe(0)
  expect(stack).toContain('trap')
})

test('a module of our own choice keeps everything else as it is', () => {
  const tag = { id: 13, body: [1, 0, 2], before: 6 }
  const bytes = toolWith({ types: [[0x60, 0, 0]], sections: [tag, { id: 0, body: text('producers') }] })
  const { pages, bytes: out } = withImportedMemory(bytes)
  expect(pages).toBe(1)
  expect(WebAssembly.Module.customSections(new WebAssembly.Module(out), 'producers')).toHaveLength(1)
  expect(() => withImportedMemory(toolWith({ memories: [], exports: [] }))).toThrow('no memory of its own')
})

test('the modules of this build that are WASI commands pass, or import what is ours', () => {
  const gated = (name: string) => () =>
    gateModule(readFileSync(new URL(`../../../wasm/dist/${name}.wasm`, import.meta.url)), { name, abi: 'stdio', limits: LIMITS })
  expect(gated('jq')).toThrow(/it imports "tidepool\.[a-z_]+", which is unknown/)
})
