/** The dynamic linker, over small modules made by hand. */
import { beforeEach, describe, expect, test } from 'vitest'
import { DylinkError } from '../../../src/kernel/python/dylink.ts'
import { Linker, tableIndexOf } from '../../../src/kernel/python/linker.ts'
import { Base, dylink, giving, type Dylink, type LinkedModule, linkedModule } from '../../support/linked-module.ts'
import { ins } from '../../support/wasm-encoder.ts'

const MAIN_DATA = 1000
const FIRST_FREE = 4096
const MOST_TABLE = 65_536 * 4

let memory: WebAssembly.Memory
let main: WebAssembly.Instance
let linker: Linker
let free: number

/** `in_table` is in the main module's table at 1, `only_exported` is not; `call(index)` calls through the table. */
const MAIN = linkedModule({
  table: 4,
  functions: [
    giving('in_table', ins.i32(7)),
    giving('only_exported', ins.i32(8)),
    { name: 'call', params: 'i', result: true, locals: 0, code: [...ins.get(0), ...ins.callIndirect(0)] },
  ],
  addresses: { main_data: MAIN_DATA },
  elements: [0],
})

beforeEach(() => {
  memory = new WebAssembly.Memory({ initial: 1 })
  main = new WebAssembly.Instance(MAIN, { env: { memory } })
  free = FIRST_FREE
  linker = new Linker({
    main,
    memory,
    env: { of_host: () => 20, in_table: () => 21 },
    modules: { wasi_snapshot_preview1: { fd_close: () => 22 } },
    allocate: (align, bytes) => {
      if (bytes > 10_000) return 0
      const at = Math.ceil(free / align) * align
      free = at + bytes
      return at
    },
    tableIndex: () => tableIndexOf(main),
    missing: (symbol) => {
      throw new Error(`missing ${symbol}`)
    },
  })
})

const table = (): WebAssembly.Table => main.exports['__indirect_function_table'] as WebAssembly.Table
/** Links a side module. */
const load = (name: string, parts: LinkedModule, info: Dylink = {}, global = false) =>
  linker.load(name, linkedModule({ dylink: dylink(info), ...parts }), global)
const run = (side: ReturnType<typeof load>, symbol: string): unknown => (side.symbols.get(symbol) as () => unknown)()
const callIndex = (index: number): number => (main.exports['call'] as (index: number) => number)(index)
const importing = (name: string, module?: string): NonNullable<LinkedModule['imports']> => [
  { ...(module === undefined ? {} : { module }), name, params: '', result: true },
]
/** A side module whose export `f` calls the function that it imports. */
const caller = (name: string, module?: string): LinkedModule => ({
  imports: importing(name, module),
  functions: [giving('f', ins.call(0))],
})

describe('memory and table', () => {
  test('a side module has memory of its own with its data, aligned as it asks', () => {
    const side = load('a.so', { data: 'hello', addresses: { text: 2 } }, { memorySize: 100, memoryAlign: 8 })
    expect([side.memoryBase % 256, side.memorySize]).toEqual([0, 100])
    expect(side.memoryBase).toBeGreaterThanOrEqual(FIRST_FREE)
    expect(Buffer.from(memory.buffer, side.memoryBase, 5).toString()).toBe('hello')
    expect(linker.address(side, 'text')).toBe(side.memoryBase + 2)
  })
  test('what there is no memory for is refused', () => {
    expect(() => load('a.so', {}, { memorySize: 20_000 })).toThrow(new DylinkError('out of memory'))
    expect(linker.loaded('a.so')).toBeUndefined()
  })
  test('a side module has places in the table, and its functions are called there', () => {
    const side = load('a.so', { functions: [giving('f', ins.i32(42))], elements: [0] }, { tableSize: 3 })
    expect([side.tableBase, side.tableSize, table().length]).toEqual([4, 3, 7])
    expect(callIndex(side.tableBase)).toBe(42)
  })
  test('T113 the table has a largest size, however much is asked for', () => {
    const message = 'its table is too large'
    for (const tableSize of [MOST_TABLE, 2 ** 31, 2 ** 32 - 1])
      expect(() => load('a.so', {}, { tableSize })).toThrow(new DylinkError(message))
    load('b.so', {}, { tableSize: MOST_TABLE - table().length })
    expect(() => load('c.so', {}, { tableSize: 1 })).toThrow(new DylinkError(message))
    expect(() => linker.functionIndex('new', main.exports['only_exported'])).toThrow(new DylinkError(message))
  })
})

describe('what a side module calls', () => {
  test('is the main module’s, then the host’s, then that of a global side module', () => {
    const functions = ['in_table', 'of_host', 'of_lib'].map((name, i) => giving(name, ins.i32(30 + i)))
    load('lib.so', { functions }, {}, true)
    expect(run(load('1', caller('in_table')), 'f')).toBe(7)
    expect(run(load('2', caller('of_host')), 'f')).toBe(20)
    expect(run(load('3', caller('of_lib')), 'f')).toBe(32)
    expect(run(load('4', caller('fd_close', 'wasi_snapshot_preview1')), 'f')).toBe(22)
  })
  test('is never of a side module that is not global, until it is made so', () => {
    const lib = load('lib.so', { functions: [giving('of_lib', ins.i32(32))] })
    const early = load('early.so', caller('of_lib'))
    expect(() => run(early, 'f')).toThrow('missing of_lib')
    linker.makeGlobal(lib)
    expect(run(early, 'f')).toBe(32)
    expect(run(load('late.so', caller('of_lib')), 'f')).toBe(32)
  })
  test('is the first of several global ones', () => {
    load('one.so', { functions: [giving('g', ins.i32(1))] }, {}, true)
    load('two.so', { functions: [giving('g', ins.i32(2))] }, {}, true)
    expect(run(load('3', caller('g')), 'f')).toBe(1)
  })
  test('may be its own, which it imports as well', () => {
    const side = load('a.so', {
      imports: importing('own'),
      functions: [giving('f', ins.call(0)), giving('own', ins.i32(5))],
    })
    expect(run(side, 'f')).toBe(5)
  })
  test('is an error when it is called, not when it is linked, where nobody has it', () => {
    const side = load('a.so', caller('nobody'))
    expect(() => run(side, 'f')).toThrow('missing nobody')
    expect(() => run(load('b.so', caller('nobody', 'elsewhere')), 'f')).toThrow('missing nobody')
  })
  test('T113 is nothing that every object of JavaScript has', () => {
    for (const name of ['constructor', 'toString', 'valueOf', '__proto__', 'hasOwnProperty', '__defineGetter__']) {
      expect(() => run(load(name, caller(name)), 'f')).toThrow(`missing ${name}`)
      for (const module of ['wasi_snapshot_preview1', '__proto__', 'constructor'])
        expect(() => run(load(module + name, caller(name, module)), 'f')).toThrow(`missing ${name}`)
      expect(linker.address(undefined, name)).toBeUndefined()
    }
  })
  test('T113 changes nothing of JavaScript’s, whatever its module is called', () => {
    load('evil.so', caller('polluted', '__proto__'))
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })
})

describe('the global offset table', () => {
  /** A side module that gives the values of its entries: `mem0`, `mem1`, … and `func0`, … */
  const entries = (gotMem: readonly string[], gotFunc: readonly string[], more: LinkedModule = {}): LinkedModule => ({
    ...more,
    gotMem,
    gotFunc,
    functions: [
      ...(more.functions ?? []),
      ...gotMem.map((_, i) => giving(`mem${i}`, ins.globalGet(Base.firstGot + i))),
      ...gotFunc.map((_, i) => giving(`func${i}`, ins.globalGet(Base.firstGot + gotMem.length + i))),
    ],
  })

  test('has addresses of the main module’s data, of other modules’ and of one’s own', () => {
    const lib = load('lib.so', { addresses: { lib_data: 8 } }, { memorySize: 16 }, true)
    const side = load('a.so', entries(['main_data', 'lib_data', 'own_data'], [], { addresses: { own_data: 4 } }), { memorySize: 8 })
    expect(['mem0', 'mem1', 'mem2'].map((f) => run(side, f))).toEqual([MAIN_DATA, lib.memoryBase + 8, side.memoryBase + 4])
  })
  test('has a function’s place in the table: one place, whoever asks', () => {
    const a = load('a.so', entries([], ['in_table', 'only_exported']))
    const b = load('b.so', entries([], ['in_table', 'only_exported']))
    const places = ['func0', 'func1'].map((f) => run(a, f))
    expect(places).toEqual(['func0', 'func1'].map((f) => run(b, f)))
    expect(places[0]).toBe(1)
    expect(callIndex(places[1] as number)).toBe(8)
    expect(linker.address(undefined, 'only_exported')).toBe(places[1])
  })
  test('has no place for a function of the host, which no table takes', () => {
    expect(() => load('a.so', entries([], ['of_host']))).toThrow(new DylinkError('"of_host" has no address'))
    const { length } = table()
    expect(linker.address(undefined, 'of_host')).toBeUndefined()
    expect(table().length).toBe(length)
  })
  test('has the place of a side module’s function, the same for dlsym', () => {
    const lib = load('lib.so', { functions: [giving('of_lib', ins.i32(32))] }, {}, true)
    const side = load('a.so', entries([], ['of_lib']))
    const place = run(side, 'func0') as number
    expect(callIndex(place)).toBe(32)
    expect(linker.address(lib, 'of_lib')).toBe(place)
  })
  test('has null for what nobody has, and that is not what a later module finds for its own', () => {
    const weak = load('weak.so', entries(['data'], ['f']))
    expect([run(weak, 'mem0'), run(weak, 'func0')]).toEqual([0, 0])
    const own = load('own.so', entries(['data'], ['f'], { addresses: { data: 4 }, functions: [giving('f', ins.i32(9))] }), {
      memorySize: 8,
    })
    expect(run(own, 'mem0')).toBe(own.memoryBase + 4)
    expect(callIndex(run(own, 'func0') as number)).toBe(9)
  })
  test('has each module’s own symbol where two that are not global have one of a name', () => {
    const make = (value: number): LinkedModule => entries([], ['f'], { functions: [giving('f', ins.i32(value))] })
    const [one, two] = [load('one.so', make(1)), load('two.so', make(2))]
    expect([one, two].map((side) => callIndex(run(side, 'func0') as number))).toEqual([1, 2])
  })
})

describe('a module is loaded', () => {
  test('and found by its name afterwards', () => {
    const side = load('/usr/lib/a.so', {})
    expect(linker.loaded('/usr/lib/a.so')).toBe(side)
  })
  test('relocated first, then constructed', () => {
    const store = (value: number): number[] => [...ins.globalGet(Base.memory), ...ins.i32(value), ...ins.store(0)]
    const load4 = [...ins.globalGet(Base.memory), ...ins.load(0)]
    const side = load(
      'a.so',
      {
        functions: [
          { name: '__wasm_apply_data_relocs', params: '', result: false, locals: 0, code: store(5) },
          {
            name: '__wasm_call_ctors',
            params: '',
            result: false,
            locals: 0,
            code: [...ins.globalGet(Base.memory), ...load4, ...load4, ...ins.add, ...ins.store(4)],
          },
        ],
      },
      { memorySize: 16 },
    )
    expect(new Int32Array(memory.buffer, side.memoryBase, 2)).toEqual(new Int32Array([5, 10]))
  })
  test('only when the modules that it needs are', () => {
    expect(() => load('a.so', {}, { needed: ['lib.so'] })).toThrow(new DylinkError('it needs "lib.so"'))
    load('lib.so', {})
    expect(load('a.so', {}, { needed: ['lib.so'] }).name).toBe('a.so')
  })
  test('only if it is a side module', () => {
    expect(() => linker.load('main', MAIN, false)).toThrow(new DylinkError('not a side module'))
  })
  test('dlsym finds its functions and addresses, and nothing else', () => {
    const side = load('a.so', { functions: [giving('f', ins.i32(3))], addresses: { data: 4 } }, { memorySize: 8 })
    expect(callIndex(linker.address(side, 'f')!)).toBe(3)
    expect(linker.address(side, 'data')).toBe(side.memoryBase + 4)
    expect(linker.address(side, 'in_table')).toBeUndefined()
    expect(linker.address(undefined, 'f')).toBeUndefined()
    expect(linker.address(undefined, 'main_data')).toBe(MAIN_DATA)
  })
})
