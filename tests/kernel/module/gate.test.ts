/** What the gate refuses, each with its words: they are all that an author has to go by. */
import { describe, expect, test } from 'vitest'
import { GateError, gateModule } from '../../../src/kernel/module/gate.ts'
import { START } from '../../../src/kernel/module/gated-module.ts'
import type { WasmAbi } from '../../../src/protocol/installed-tool.ts'
import { LIMITS, type Limits, limitsWith } from '../../../src/protocol/limits.ts'
import { gateModuleOf, type GateParts, libraryWith, memoryImport, TOOL, toolWith, toolWithFunctions } from '../../support/gate-module.ts'
import { FOREIGN_PUPPET } from '../../support/puppet.ts'
import { encodeModule, ins, text, uleb } from '../../support/wasm-encoder.ts'

const good = toolWith({})

/** What the gate says after `Cannot load "tool.wasm": `; undefined where it lets it through. */
function refusal(bytes: Uint8Array, abi: WasmAbi = 'btcp', limits: Limits = LIMITS): string | undefined {
  try {
    gateModule(bytes, { name: 'tool.wasm', abi, limits })
    return undefined
  } catch (error) {
    if (!(error instanceof GateError)) throw error
    expect(error.message.startsWith('Cannot load "tool.wasm": ')).toBe(true)
    return error.message.slice('Cannot load "tool.wasm": '.length)
  }
}
const changed = (at: number, ...bytes: number[]): Uint8Array => {
  const out = Uint8Array.from(good)
  out.set(bytes, at)
  return out
}
const withTool = (parts: GateParts): string | undefined => refusal(toolWith(parts))
const withFunction = (type: string, locals: number[][] = [], name = 'parse_row'): string | undefined =>
  refusal(toolWithFunctions({ type, locals, code: ins.unreachable, name }))

describe('T77 bytes that are no module', () => {
  test.for<readonly [title: string, bytes: Uint8Array, message: string]>([
    ['nothing', new Uint8Array(0), 'it is not a WebAssembly module'],
    ['text', new TextEncoder().encode('<!doctype html>'), 'it is not a WebAssembly module'],
    ['the magic number alone', good.subarray(0, 4), 'it breaks off within its first eight bytes'],
    ['another version', changed(4, 2), 'it is of version 2.0, version 1 is needed'],
    [
      'a component',
      changed(4, 0x0d, 0, 1, 0),
      'it is a component, a core module is needed (build for wasm32-wasip1 or wasm32-unknown-unknown)',
    ],
    ['an unknown section', toolWith({ sections: [{ id: 77, body: [] }] }), 'it has a section of unknown kind 77'],
    ['a section twice', toolWith({ sections: [{ id: 3, body: [0], before: 7 }] }), 'it has two function sections'],
    ['a section twice in a row', toolWith({ sections: [{ id: 1, body: [0], before: 2 }] }), 'it has two type sections'],
    ['a section out of order', toolWith({ sections: [{ id: 4, body: [0], before: 1 }] }), 'its type section is in the wrong place'],
    [
      'a number without an end',
      toolWith({ sections: [{ id: 9, body: [0xff, 0xff, 0xff, 0xff, 0x1f], before: 10 }] }),
      'its element section has a number of more than 32 bits',
    ],
    ['a name that is not UTF-8', toolWith({ exports: [[2, 0xc3, 0x28, 2, 0]] }), 'its export section has a name that is not UTF-8'],
    ['more entries than bytes', toolWith({ sections: [{ id: 11, body: [0xff, 0xff, 3] }] }), 'its data section ends too early'],
    ['bytes behind the entries', toolWith({ sections: [{ id: 11, body: [0, 0] }] }), 'its data section is longer than what it holds'],
    [
      'a function without code',
      toolWith({ functions: [], types: [[0x60, 0, 0]], sections: [{ id: 3, body: [3, 0, 0, 0], before: 4 }] }),
      'it declares 3 functions and has code for 0',
    ],
  ])('%s', ([, bytes, message]) => {
    expect(refusal(bytes)).toBe(message)
  })

  test('cut off at every byte it is refused, or has lost nothing but what an engine would not miss', () => {
    for (const [abi, bytes] of [['btcp', good] as const, ['stdio', FOREIGN_PUPPET] as const])
      for (let length = 0; length < bytes.length; length++) {
        const cut = bytes.subarray(0, length)
        if (refusal(cut, abi) === undefined) expect(WebAssembly.validate(cut)).toBe(true)
      }
    expect(refusal(good.subarray(0, good.length - 1))).toMatch(/^it breaks off: its custom section has \d+ bytes, \d+ are there$/)
  })

  test('with any bit flipped it is refused, or goes on to the engine', () => {
    for (const [abi, bytes] of [['btcp', good] as const, ['stdio', FOREIGN_PUPPET] as const])
      for (let bit = 0; bit < bytes.length * 8; bit += abi === 'btcp' ? 1 : 3) {
        const flipped = Uint8Array.from(bytes)
        flipped[bit >> 3]! ^= 1 << (bit & 7)
        refusal(flipped, abi)
      }
  })

  test('larger than the limit it is refused by its size alone', () => {
    const limits = limitsWith({ toolModuleBytes: 100 })
    expect(refusal(new Uint8Array(101), 'btcp', limits)).toBe('it has 101 bytes, at most 100 are allowed')
    expect(() => gateModule(new Uint8Array(101), { name: 'x', abi: 'btcp', limits })).toThrow(
      expect.objectContaining({ limit: 'toolModuleBytes' }),
    )
  })
})

describe('T78 exports', () => {
  const global = (name: string) => ({
    globals: [[0x7f, 0, ...ins.i32(0), ...ins.end]],
    exports: [
      [...text('memory'), 2, 0],
      [...text(name), 3, 0],
    ],
  })
  const [alloc, execute] = TOOL.functions!
  const library = (type: string, name = 'library_call'): string | undefined =>
    refusal(libraryWith({ type, code: ins.unreachable, export: name }), 'library')

  test.for<readonly [title: string, parts: GateParts, message: string]>([
    ['no execute', { functions: [alloc!] }, 'it exports no function "execute", needed is (i32) -> i32'],
    ['no alloc', { functions: [execute!] }, 'it exports no function "alloc", needed is (i32) -> i32'],
    ['execute is a global', { functions: [alloc!], ...global('execute') }, 'its export "execute" is a global, a function is needed'],
    [
      'memory is a global',
      { ...global('memory'), exports: [[...text('memory'), 3, 0]] },
      'its export "memory" is a global, a memory is needed',
    ],
    ['its memory is not exported', { exports: [] }, 'it does not export its memory as "memory"'],
    ['no memory', { exports: [], memories: [] }, 'it has no memory'],
    [
      'execute takes an i64',
      { functions: [alloc!, { ...execute!, type: 'I:i', code: ins.unreachable }] },
      'its export "execute" is (i64) -> i32, needed is (i32) -> i32',
    ],
    [
      'execute gives two values',
      { functions: [alloc!, { ...execute!, type: 'i:ii', code: ins.unreachable }] },
      'its export "execute" is (i32) -> (i32, i32), needed is (i32) -> i32',
    ],
    [
      'alloc gives nothing',
      { functions: [{ ...alloc!, type: 'i:', code: [] }, execute!] },
      'its export "alloc" is (i32) -> (), needed is (i32) -> i32',
    ],
    [
      'dealloc gives something',
      { functions: [alloc!, execute!, { type: 'i:i', code: ins.get(0), export: 'dealloc' }] },
      'its export "dealloc" is (i32) -> i32, needed is (i32) -> () or (i32, i32) -> ()',
    ],
    [
      '_initialize takes something',
      { functions: [alloc!, execute!, { type: 'i:', code: [], export: '_initialize' }] },
      'its export "_initialize" is (i32) -> (), needed is () -> ()',
    ],
    [
      'a name twice',
      {
        exports: [
          [...text('memory'), 2, 0],
          [...text('alloc'), 0, 0],
        ],
      },
      'it exports "alloc" twice',
    ],
    [
      'an export of what is not there',
      {
        exports: [
          [...text('memory'), 2, 0],
          [...text('g'), 3, 0],
        ],
      },
      'its export "g" is global 0, which it has not',
    ],
    [
      'our name for the start',
      { functions: [alloc!, execute!, { type: ':', code: [], export: START }] },
      `it exports "${START}", a name that is not the module's to give`,
    ],
    [
      'our name for the start and a start',
      { functions: [alloc!, execute!, { type: ':', code: [] }], start: 2, ...global(START) },
      `it exports "${START}", a name that is not the module's to give`,
    ],
    [
      'a start function with a parameter',
      { functions: [alloc!, execute!, { type: 'i:', code: [] }], start: 2 },
      'its start function is (i32) -> (), needed is () -> ()',
    ],
    ['a start function that is not there', { start: 2 }, 'its start function is number 2 of 2'],
  ])('%s', ([, parts, message]) => {
    expect(withTool(parts)).toBe(message)
  })

  test('dealloc and _initialize are told', () => {
    const bytes = toolWithFunctions({ type: 'ii:', code: [], export: 'dealloc' }, { type: ':', code: [], export: '_initialize' })
    expect(gateModule(bytes, { name: 'x', abi: 'btcp', limits: LIMITS }).abi).toEqual({
      alloc: 'alloc',
      dealloc: { name: 'dealloc', form: 'sized' },
      initialize: true,
    })
  })

  test('a library gives texts in four ways, and names its allocator in two', () => {
    const abiOf = (bytes: Uint8Array) => gateModule(bytes, { name: 'x', abi: 'library', limits: LIMITS }).abi
    const call = (type: string, name: string) => ({ type, code: ins.unreachable, export: name })
    expect(abiOf(libraryWith(call('ii:I', 'library_call'), call('ii:ii', 'library_check'), call(':i', 'get_metadata')))).toEqual({
      initialize: false,
      alloc: 'alloc',
      libraryCall: 'packed',
      libraryCheck: 'pair',
      metadata: 'pointer',
    })
    expect(abiOf(libraryWith(call('iii:', 'library_check'), call(':I', 'get_metadata')))).toMatchObject({
      libraryCheck: 'returned',
      metadata: 'packed',
    })
    const renamed = gateModuleOf({
      ...TOOL,
      functions: [{ ...alloc!, export: 'allocate' }, call('ii:', 'deallocate'), call('ii:ii', 'library_call'), call('i:', 'get_metadata')],
    })
    expect(abiOf(renamed)).toEqual({
      initialize: false,
      alloc: 'allocate',
      dealloc: { name: 'deallocate', form: 'sized' },
      libraryCall: 'pair',
      metadata: 'returned',
    })
  })

  test('a library without its functions, or with others of their names, is refused', () => {
    expect(refusal(good, 'library')).toBe('it exports neither "library_call" nor "library_check", a library needs one of them')
    expect(library('i:i')).toBe(
      'its export "library_call" is (i32) -> i32, needed is (i32, i32) -> i64 or (i32, i32) -> (i32, i32) or (i32, i32, i32) -> ()',
    )
  })

  test('a command needs _start', () => {
    expect(refusal(good, 'stdio')).toBe('it exports no function "_start", needed is () -> ()')
    expect(refusal(FOREIGN_PUPPET, 'stdio')).toBeUndefined()
  })
})

describe('T78 imports', () => {
  const importing = (module: string, name: string, type: string, abi: WasmAbi = 'btcp'): string | undefined =>
    refusal(gateModuleOf({ ...TOOL, imports: [{ module, name, type }] }), abi)
  const carrier = (module: string, name: string, type: string): unknown =>
    gateModule(gateModuleOf({ ...TOOL, imports: [{ module, name, type }] }), { name: 'x', abi: 'btcp', limits: LIMITS }).imports[0]!.carrier

  test.for<readonly [module: string, name: string, type: string, message: string]>([
    ['btcp', 'dom_frobnicate', 'ii:i', 'it imports "btcp.dom_frobnicate", which is unknown'],
    [
      'btcp',
      'dom_text',
      'iI:i',
      'its import "btcp.dom_text" is declared (i32, i64) -> i32, needed is (i32, i32, i32, i32) -> i32 or (i32, i32, i32) -> i32',
    ],
    ['btcp', 'dom_click', 'ii:', 'its import "btcp.dom_click" is declared (i32, i32) -> (), needed is (i32, i32) -> i32'],
    ['filesystem', 'dom_text', 'iiii:i', 'it imports "filesystem.dom_text", which is unknown'],
    ['btcp', 'constructor', ':', 'it imports "btcp.constructor", which is unknown'],
    ['__proto__', 'then', ':', 'it imports "__proto__.then", which is unknown'],
    ['env', 'console.time', 'i:', 'it imports "env.console.time", a browser\'s; write to the log by "btcp.log"'],
    ['env', 'emscripten_resize_heap', 'i:i', 'it imports "env.emscripten_resize_heap", Emscripten\'s; link with -sSTANDALONE_WASM'],
    ['env', 'puts', 'i:i', 'it imports "env.puts", which is unknown'],
    [
      'wbg',
      '__wbg_alert',
      'ii:',
      'it imports "wbg.__wbg_alert", wasm-bindgen\'s; declare what the tool imports by #[link(wasm_import_module = …)] instead',
    ],
    ['gojs', 'runtime.wasmExit', 'i:', 'it imports "gojs.runtime.wasmExit", Go\'s for JavaScript; build with GOOS=wasip1 or with TinyGo'],
    ['btcp', 'a\n"b', ':', String.raw`it imports "btcp.a\n\"b", which is unknown`],
    [
      'wasi_snapshot_preview1',
      'fd_read',
      'iii:i',
      'its import "wasi_snapshot_preview1.fd_read" is declared (i32, i32, i32) -> i32, needed is (i32, i32, i32, i32) -> i32',
    ],
    [
      'wasi_snapshot_preview1',
      'fd_seek',
      'iiii:i',
      'its import "wasi_snapshot_preview1.fd_seek" is declared (i32, i32, i32, i32) -> i32, needed is (i32, i64, i32, i32) -> i32',
    ],
    ['wasi_snapshot_preview1', 'fd_fly', ':', 'it imports "wasi_snapshot_preview1.fd_fly", which WASI Preview 1 does not have'],
    [
      'wasi_unstable',
      'fd_write',
      'iiii:i',
      'it imports "wasi_unstable.fd_write", of a draft of WASI; build for WASI Preview 1 (wasm32-wasip1)',
    ],
    ['wasi:io/poll@0.2.0', 'poll', 'iii:', 'it imports "wasi:io/poll@0.2.0.poll", of WASI 0.2; build for WASI Preview 1 (wasm32-wasip1)'],
    ['tidepool', 'proc_spawn', 'iiiiiiiiiiiii:i', 'it imports "tidepool.proc_spawn", which is unknown'],
  ])('"%s.%s" as (%s)', ([module, name, type, message]) => {
    expect(importing(module, name, type)).toBe(message)
  })

  test('a command has none of a tool’s imports', () => {
    expect(importing('btcp', 'dom_text', 'iiii:i', 'stdio')).toBe(
      'it imports "btcp.dom_text", which a WASI command (abi "stdio") does not have',
    )
    expect(importing('env', 'abort', 'iiii:', 'stdio')).toBe('it imports "env.abort", which a WASI command (abi "stdio") does not have')
  })

  test.for<readonly [module: string, name: string, type: string, carrier: object]>([
    ['btcp', 'dom_query', 'ii:i', { by: 'request', import: 'dom_query', form: 'plain' }],
    ['btcp', 'dom_text', 'iiii:i', { by: 'request', import: 'dom_text', form: 'sized' }],
    ['btcp', 'dom_text', 'iii:i', { by: 'request', import: 'dom_text', form: 'unsized' }],
    ['btcp', 'dom_attr', 'iiiiii:i', { by: 'request', import: 'dom_attr', form: 'sized' }],
    ['btcp', 'storage_set', 'iiii:i', { by: 'request', import: 'storage_set', form: 'plain' }],
    ['btcp', 'call_tool', 'iiii:i', { by: 'request', import: 'call_tool', form: 'sized' }],
    ['btcp', 'log', 'iii:', { by: 'log' }],
    ['btcp', 'log', 'iii:i', { by: 'log' }],
    ['btcp', 'last_error', 'ii:i', { by: 'last-error' }],
    ['env', 'abort', 'iiii:', { by: 'abort' }],
    ['env', 'seed', ':F', { by: 'seed' }],
    ['env', 'trace', 'iiFFFFF:', { by: 'trace' }],
    ['env', 'console.log', 'i:', { by: 'console', level: 'log' }],
    ['env', 'console.error', 'i:', { by: 'console', level: 'error' }],
    ['env', 'Date.now', ':F', { by: 'clock', clock: 'now' }],
    ['env', 'performance.now', ':F', { by: 'clock', clock: 'monotonic' }],
    ['filesystem', 'read_file', 'iiii:i', { by: 'request', import: 'read_file', form: 'sized' }],
    ['filesystem', 'list_directory', 'ii:i', { by: 'request', import: 'list_directory', form: 'allocated' }],
    ['filesystem', 'file_exists', 'ii:i', { by: 'request', import: 'file_exists', form: 'plain' }],
    ['filesystem', 'write_file', 'iiii:i', { by: 'request', import: 'write_file', form: 'plain' }],
    ['wasi_snapshot_preview1', 'proc_exit', 'i:', { by: 'system-call', row: { name: 'proc_exit' } }],
  ])('"%s.%s" as (%s) has its carrier', ([module, name, type, expected]) => {
    expect(carrier(module, name, type)).toMatchObject(expected)
  })

  test('nothing but functions and env.memory can be imported', () => {
    const other = (...entry: number[]): string | undefined => withTool({ otherImports: [entry] })
    expect(other(...text('env'), ...text('t'), 1, 0x70, 0, 1)).toBe(
      'it imports "env.t", a table; only functions and "env.memory" can be imported',
    )
    expect(other(...text('env'), ...text('g'), 3, 0x7f, 0)).toBe(
      'it imports "env.g", a global; only functions and "env.memory" can be imported',
    )
    expect(other(...text('env'), ...text('e'), 4, 0, 0)).toBe('it imports "env.e", a tag; only functions and "env.memory" can be imported')
    expect(other(...text('js'), ...text('m'), 2, 0, 1)).toBe('it imports memory "js.m", only "env.memory" is there')
  })
})

describe('T82 memories', () => {
  test.for<readonly [title: string, parts: GateParts, message: string]>([
    ['shared', { memories: [[3, 1, 1]] }, 'its memory is shared, which is not allowed'],
    ['of 64 bits', { memories: [[4, 1]] }, 'its memory is of 64 bits, which is not allowed'],
    ['shared and of 64 bits', { memories: [[7, 1, 1]] }, 'its memory is shared, which is not allowed'],
    ['with other pages', { memories: [[8, 1, 0]] }, 'its memory has pages of another size, which is not allowed'],
    [
      'two',
      {
        memories: [
          [0, 1],
          [0, 1],
        ],
      },
      'it has 2 memories, one is allowed',
    ],
    ['one of its own besides an imported one', { otherImports: [memoryImport(0, 1)] }, 'it has several memories, one is allowed'],
    ['two imported', { memories: [], otherImports: [memoryImport(0, 1), memoryImport(0, 1)] }, 'it has several memories, one is allowed'],
    ['imported and shared', { memories: [], otherImports: [memoryImport(3, 1, 1)] }, 'its memory is shared, which is not allowed'],
    ['imported and of 64 bits', { memories: [], otherImports: [memoryImport(4, 1)] }, 'its memory is of 64 bits, which is not allowed'],
    ['larger at first than at most', { memories: [[1, 2, 1]] }, 'its memory is larger at first (2) than at most (1)'],
    ['of more than 4 GiB', { memories: [[1, 1, ...uleb(65_537)]] }, 'its memory is larger than 4 GiB'],
    [
      'larger at first than a process may be',
      { memories: [[0, ...uleb(4_097)]] },
      'its memory has 4097 pages at first, at most 4096 are allowed',
    ],
  ])('%s', ([, parts, message]) => {
    expect(withTool(parts)).toBe(message)
  })

  test('as large at first as a process may be', () => {
    expect(withTool({ memories: [[0, ...uleb(4_096)]] })).toBeUndefined()
  })
})

describe('T90 garbage-collected types and what else a cell does not have', () => {
  test.for<readonly [type: number[], name: string]>([
    [[0x5f, 0], 'struct'],
    [[0x5e, 0x7f, 1], 'array'],
    [[0x50, 0, 0x60, 0, 0], 'sub'],
    [[0x4f, 0, 0x60, 0, 0], 'sub final'],
    [[0x4e, 1, 0x60, 0, 0], 'rec'],
  ])('the type %s is %s', ([type, name]) => {
    expect(withTool({ types: [type] })).toBe(`its type 2 is ${name}, only function types are allowed`)
  })

  test.for<readonly [code: number, name: string]>([
    [0x6e, 'anyref'],
    [0x6d, 'eqref'],
    [0x6c, 'i31ref'],
    [0x6b, 'structref'],
    [0x6a, 'arrayref'],
    [0x69, 'exnref'],
    [0x71, 'nullref'],
    [0x63, 'ref null'],
    [0x64, 'ref'],
    [0x20, '0x20'],
  ])('a value type %i (%s) in types, locals, globals, tables and segments', ([code, name]) => {
    const tail = `of type ${name}, which is not allowed`
    expect(withTool({ types: [[0x60, 1, code, 0]] })).toBe(`its type 2 has a value ${tail}`)
    expect(withTool({ globals: [[code, 0, 0xd0, code, 0x0b]] })).toBe(`its global 0 is ${tail}`)
    expect(withTool({ tables: [[code, 0, 1]] })).toBe(`its table 0 is ${tail}`)
    expect(withTool({ elements: [[5, code, 1, 0xd0, code, 0x0b]] })).toBe(`its element segment 0 is ${tail}`)
    expect(withFunction(':', [[1, code]])).toBe(`its function 2 (parse_row) has locals ${tail}`)
  })

  test('every value type that a cell has passes', () => {
    const locals = [0x7f, 0x7e, 0x7d, 0x7c, 0x7b, 0x70, 0x6f].map((code) => [1, code])
    expect(withFunction('iIfFvrx:iIfFvrx', locals)).toBeUndefined()
    expect(
      withTool({
        tables: [
          [0x6f, 0, 1],
          [0x70, 0, 1],
        ],
        elements: [[5, 0x70, 1, 0xd0, 0x70, 0x0b]],
      }),
    ).toBeUndefined()
  })

  test('tags, tables of 64 bits, and initial values of a collector’s making', () => {
    expect(withTool({ sections: [{ id: 13, body: [1, 0, 0], before: 6 }] })).toBe(
      'it has a tag section (WebAssembly exceptions), which is not allowed',
    )
    expect(withTool({ tables: [[0x70, 4, 1]] })).toBe('its table is of 64 bits, which is not allowed')
    expect(withTool({ tables: [[0x40, 0, 0x70, 0, 1, 0xd0, 0x70, 0x0b]] })).toBe('its table 0 has an initial value, which is not allowed')
    expect(withTool({ globals: [[0x6f, 0, ...ins.i32(1), 0xfb, 0x1c, 0x0b]] })).toBe(
      'its global 0 begins with an expression that is not allowed (opcode 0xfb)',
    )
    expect(withTool({ globals: [[0x6f, 0, 0xd0, 0x6e, 0x0b]] })).toBe(
      'its global 0 begins with a null reference of a type that is not allowed',
    )
  })
})

test('the words name functions without a section of names by what they are exported as, or by their number', () => {
  const bytes = encodeModule({
    imports: [],
    memory: { pages: 1, imported: false },
    functions: [{ params: '', result: false, locals: 0, code: [] }],
    exports: { _start: 0 },
  })
  const at = bytes.lastIndexOf(0x0b) - 1
  const spoilt = Uint8Array.from([...bytes.subarray(0, at - 1), 4, 1, 1, 0x6e, 0x0b])
  spoilt[at - 3]! += 2
  expect(refusal(spoilt, 'stdio')).toBe('its function 0 (_start) has locals of type anyref, which is not allowed')
  expect(refusal(toolWithFunctions({ type: ':', locals: [[1, 0x6e]], code: [] }))).toBe(
    'its function 2 has locals of type anyref, which is not allowed',
  )
})
