/** A call of abi `btcp`: what goes in and comes out, and every way in which a module can lie about it. */
import { describe, expect, test } from 'vitest'
import { callingModule, dataAt, returned } from '../../support/calling-module.ts'
import { gateModuleOf, type GateFunction, type GateParts, memoryImport, TOOL, toolWith } from '../../support/gate-module.ts'
import { type CallOptions, type Outcome, ToolKernel, type ToolKernelOptions } from '../../support/tool-kernel.ts'
import { ins, line } from '../../support/wasm-encoder.ts'

const PAGE = 65_536
const ECHO = gateModuleOf(TOOL)
const alloc = (...code: number[]): GateFunction => ({ type: 'i:i', code, export: 'alloc', name: 'alloc' })
const execute = (...code: number[]): GateFunction => ({ type: 'i:i', code, export: 'execute', name: 'execute' })
const dealloc = (type: string, ...code: number[]): GateFunction => ({ type, code, export: 'dealloc', name: 'dealloc' })
const store = (at: number, value: readonly number[]): number[] => [...ins.i32(at), ...value, ...ins.store(0)]
const GOOD_ALLOC = alloc(...ins.i32(1_024))
const toolOf = (functions: readonly GateFunction[], more: GateParts = {}): Uint8Array<ArrayBuffer> => toolWith({ functions, ...more })

async function call(module: Uint8Array, options: CallOptions = {}, kernelOptions: ToolKernelOptions = {}): Promise<Outcome> {
  const kernel = new ToolKernel({ answer: () => true, ...kernelOptions })
  const outcome = await kernel.call(module, options)
  expect(kernel.tests.faults).toEqual([])
  return outcome
}
const failureOf = async (...args: Parameters<typeof call>) => (await call(...args)).failure

test('the arguments go in as they are, and the result comes out as it is', async () => {
  for (const input of ['{}', '{"a":"é☃"}', '[1,2,3]', ''])
    expect(await call(ECHO, { input })).toMatchObject({ status: 0, value: input, stdout: '', stderr: '' })
})

test('the kernel reads no JSON: bytes that are no text come out as they went in', async () => {
  const input = Uint8Array.from({ length: 256 }, (_, i) => i)
  expect((await call(ECHO, { input })).bytes).toEqual(Buffer.from(input))
})

test('a result of 1 MiB comes out whole', async () => {
  const input = new Uint8Array(1_048_576).fill(0x61)
  const module = toolWith({ memories: [[0, 17]] })
  expect(Buffer.compare((await call(module, { input })).bytes!, input)).toBe(0)
})

test('without options the program says in one line what it is; with others than those of a call it complains', async () => {
  const { tests } = new ToolKernel()
  expect(await tests.run(['wasm-tool'])).toMatchObject({ status: 0, stdout: expect.stringMatching(/^wasm-tool: [^\n]+\n$/) })
  for (const options of ['', '{', '[]', '{}', '{"path":"x"}', `{"path":"/x","sha256":"${'a'.repeat(64)}","abi":"stdio","entry":"execute"}`])
    expect(await tests.run(['wasm-tool', options])).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringContaining('Cannot read its options'),
    })
})

test('without descriptor 3 the value goes to standard output, and a failure to standard error', async () => {
  const kernel = new ToolKernel()
  const argv = (path: string): string[] => ['wasm-tool', JSON.stringify({ path, sha256: 'a'.repeat(64), abi: 'btcp', entry: 'execute' })]
  expect(await kernel.tests.run(argv(kernel.install(ECHO)), { stdin: '{"a":1}' })).toMatchObject({ status: 0, stdout: '{"a":1}' })
  const trap = toolOf([GOOD_ALLOC, execute(...ins.unreachable)])
  expect(await kernel.tests.run(argv(kernel.install(trap)))).toMatchObject({
    status: 1,
    stdout: '',
    stderr: 'wasm-tool: execute trapped: unreachable\n',
  })
})

test('a module that is not there, or is no file, is a failure to load', async () => {
  const kernel = new ToolKernel()
  expect((await kernel.call('/home/user/none.wasm')).failure).toEqual({
    kind: 'load',
    message: 'Cannot read "/home/user/none.wasm": ENOENT',
  })
  expect((await kernel.call('/home')).failure).toEqual({ kind: 'load', message: 'Cannot load "/home": it is no file' })
})

test('T77 a module cut off at any byte is refused with its name and a reason', async () => {
  // Without the section of names, which a module may be without.
  const plain = gateModuleOf({ ...TOOL, functions: TOOL.functions!.map(({ type, code, export: name }) => ({ type, code, export: name! })) })
  const kernel = new ToolKernel()
  for (let length = 0; length < plain.length; length++) {
    const { status, failure } = await kernel.call(plain.subarray(0, length))
    expect(status).toBe(1)
    expect(failure).toMatchObject({
      kind: 'load',
      message: expect.stringMatching(/^Cannot (load|compile) "\/home\/user\/tool-\d+\.wasm": ./),
    })
  }
  expect(kernel.tests.faults).toEqual([])
})

test('a module that is too long is refused before it is read', async () => {
  expect(await failureOf(ECHO, {}, { limits: { toolModuleBytes: 10 } })).toMatchObject({ kind: 'limit', limit: 'toolModuleBytes' })
})

describe('T79 what alloc gives', () => {
  test.each([
    ['0', ins.i32(0), 'result', 'alloc(6) gave 0: no memory'],
    ['−1', ins.i32(-1), 'result', `alloc(6) gave 4294967295: that is beyond its memory of ${PAGE} bytes`],
    ['the last byte', ins.i32(PAGE - 1), 'result', `alloc(6) gave ${PAGE - 1}: that is beyond its memory of ${PAGE} bytes`],
    ['the end', ins.i32(PAGE), 'result', `alloc(6) gave ${PAGE}: that is beyond its memory of ${PAGE} bytes`],
    ['a trap', ins.unreachable, 'trap', 'alloc trapped: unreachable'],
  ])('%s is a failure that says so', async (_title, code, kind, message) => {
    expect(await failureOf(toolOf([alloc(...code), execute(...ins.get(0))]))).toMatchObject({ kind, message })
  })

  test('an odd address is as good as any, since WebAssembly reads it', async () => {
    expect(await call(toolOf([alloc(...ins.i32(1_025)), execute(...ins.get(0))]), { input: '{"a":1}' })).toMatchObject({ value: '{"a":1}' })
  })

  test('the very last bytes are as good as any', async () => {
    expect(await call(toolOf([alloc(...ins.i32(PAGE - 8)), execute(...ins.get(0))]), { input: '{"":' })).toMatchObject({ value: '{"":' })
  })

  test('an alloc that never returns ends with its process', async () => {
    const query = { module: 'btcp', name: 'log', type: 'iii:' }
    const spin = alloc(
      ...ins.loop,
      ...ins.i32(1),
      ...ins.i32(0),
      ...ins.i32(1),
      ...ins.call(0),
      ...ins.br(0),
      ...ins.end,
      ...ins.unreachable,
    )
    const kernel = new ToolKernel()
    const { session, ended } = kernel.begin(toolWith({ imports: [query], functions: [spin, execute(...ins.get(0))] }))
    setTimeout(() => session.kill(9), 30)
    expect(await ended).toMatchObject({ status: 137, signal: 9 })
  })
})

describe('T80 what execute gives', () => {
  const beyond = (length: number, pointer: number): string =>
    `execute gave ${length} bytes at ${pointer}: that is beyond its memory of ${PAGE} bytes`
  test.each([
    ['the pointer 0', ins.i32(0), 'execute gave the pointer 0: no result'],
    ['a negative pointer', ins.i32(-16), beyond(4, 2 ** 32 - 16)],
    ['a pointer at the end', ins.i32(PAGE), beyond(4, PAGE)],
    ['a length that is cut off', ins.i32(PAGE - 3), beyond(4, PAGE - 3)],
    ['a text beyond the end', [...store(PAGE - 8, ins.i32(5)), ...ins.i32(PAGE - 8)], beyond(5, PAGE - 4)],
  ])('%s is a failure that says so', async (_title, code, message) => {
    expect(await failureOf(toolOf([GOOD_ALLOC, execute(...code)]))).toMatchObject({ kind: 'result', message })
  })

  test.each([
    ['a negative length', -1],
    ['4 GiB less a little', -8],
    ['2 GiB', -2_147_483_648],
    ['more than the limit', 1_048_577],
  ])('a text of %s passes the limit', async (_title, length) => {
    const module = toolOf([GOOD_ALLOC, execute(...store(64, ins.i32(length)), ...ins.i32(64))])
    expect(await failureOf(module)).toMatchObject({
      kind: 'limit',
      limit: 'toolResultBytes',
      message: expect.stringContaining(`${length >>> 0} bytes`),
    })
  })

  test('a result may lie over the arguments, at an odd address, and up to the last byte', async () => {
    const over = toolOf([GOOD_ALLOC, execute(...store(1_026, ins.i32(3)), ...ins.i32(1_026))])
    expect(await call(over, { input: '{"a":1}' })).toMatchObject({ value: 'a":' })
    const last = toolOf([GOOD_ALLOC, execute(...store(PAGE - 6, ins.i32(2)), ...ins.i32(PAGE - 6))])
    expect((await call(last)).bytes).toEqual(Buffer.from([0, 0]))
  })
})

test('T81 a result that is no UTF-8 is handed on as bytes, one that is too long is refused by its length alone', async () => {
  const bytes = [0xff, 0xfe, 0x80]
  const module = toolOf([GOOD_ALLOC, execute(...ins.i32(64))], { data: [dataAt(64, [3, 0, 0, 0, ...bytes])] })
  expect((await call(module)).bytes).toEqual(Buffer.from(bytes))
  expect(await failureOf(ECHO, { input: 'x'.repeat(101) }, { limits: { toolResultBytes: 100 } })).toMatchObject({
    kind: 'limit',
    limit: 'toolResultBytes',
  })
})

describe('T82 memories', () => {
  test('memory that grows inside alloc is seen as it is then', async () => {
    const grows = alloc(...ins.i32(3), ...ins.grow, ...ins.drop, ...ins.i32(2 * PAGE))
    expect(await call(toolOf([grows, execute(...ins.get(0))]), { input: '{"a":1}' })).toMatchObject({ value: '{"a":1}' })
  })

  test('memory that grows inside execute, and an import after it', async () => {
    const module = toolWith({
      imports: [{ module: 'btcp', name: 'dom_text', type: 'iiii:i' }],
      functions: [
        GOOD_ALLOC,
        execute(
          ...line(...ins.i32(1), ...ins.grow, ...ins.drop),
          ...store(PAGE + 8, [...ins.i32(0), ...ins.i32(0), ...ins.i32(PAGE + 12), ...ins.i32(8), ...ins.call(0)]),
          ...ins.i32(PAGE + 8),
        ),
      ],
    })
    expect(await call(module, {}, { answer: () => 'grown' })).toMatchObject({ value: 'grown' })
  })

  test('it grows to the limit of a process, or less where the module or its settings say so', async () => {
    // Grows page by page until no more is given; the result is so many bytes.
    const grow: GateFunction = execute(
      ...line(...ins.loop, ...ins.i32(1), ...ins.grow, ...ins.i32(-1), 0x47, ...ins.brIf(0), ...ins.end),
      ...store(64, ins.size),
      ...ins.i32(64),
    )
    const pages = async (memory: readonly number[], options: CallOptions = {}): Promise<number> =>
      (await call(toolOf([GOOD_ALLOC, grow], { memories: [memory] }), options, { limits: { processMemoryBytes: 20 * PAGE } })).bytes!.length
    expect(await pages([0, 1])).toBe(20)
    expect(await pages([1, 1, 7])).toBe(7)
    expect(await pages([0, 1], { memoryMaximum: 5 })).toBe(5)
    expect(await pages([1, 1, 7], { memoryMaximum: 9 })).toBe(7)
    expect(await pages([1, 1, 100], { memoryMaximum: 200 })).toBe(20)
  })

  test('it begins with as many pages as its settings say', async () => {
    const size = toolOf([GOOD_ALLOC, execute(...store(64, ins.size), ...ins.i32(64))])
    expect((await call(size, { memoryInitial: 9 })).bytes).toHaveLength(9)
    expect((await call(size, { memoryInitial: 9, memoryMaximum: 4 })).bytes).toHaveLength(4)
  })

  test('one that needs more than it may have is refused', async () => {
    const module = toolWith({ memories: [[0, 4]] })
    expect(await failureOf(module, { memoryMaximum: 3 })).toMatchObject({
      kind: 'load',
      message: expect.stringContaining('begins with 4 pages'),
    })
    expect(await failureOf(module, {}, { memories: 0 })).toMatchObject({ kind: 'limit', limit: 'memoriesBroker' })
    expect(await failureOf(module, {}, { limits: { cellMemoryBytes: 2 * PAGE } })).toMatchObject({
      kind: 'limit',
      limit: 'cellMemoryBytes',
    })
  })

  test('one that grows beyond what the cell has left ends', async () => {
    const grows = toolOf([GOOD_ALLOC, execute(...ins.i32(40), ...ins.grow, ...ins.drop, ...ins.get(0))])
    const limits = { cellMemoryBytes: 30 * PAGE }
    expect(await failureOf(grows, {}, { limits })).toMatchObject({ kind: 'limit', limit: 'cellMemoryBytes' })
  })

  test('an imported memory is as good as one of its own', async () => {
    const module = gateModuleOf({ functions: TOOL.functions!, otherImports: [memoryImport(0, 1)] })
    expect(await call(module, { input: '{"a":1}' })).toMatchObject({ value: '{"a":1}' })
  })

  test('a segment beyond the memory is a failure to load', async () => {
    expect(await failureOf(toolWith({ data: [dataAt(PAGE - 1, [1, 2])] }))).toMatchObject({
      kind: 'load',
      message: expect.stringContaining('Cannot instantiate'),
    })
  })
})

describe('T83 what runs before execute', () => {
  const START_THEN_INIT: GateFunction[] = [
    GOOD_ALLOC,
    execute(...ins.i32(64)),
    { type: ':', code: [...store(64, ins.i32(1)), ...store(68, ins.i32(0x41))] },
    { type: ':', code: store(68, [...ins.i32(68), ...ins.load(0), ...ins.i32(1), ...ins.add]), export: '_initialize' },
    { type: ':', code: ins.unreachable, export: '_start' },
  ]
  test('the start section once, then _initialize; never _start', async () => {
    expect(await call(toolOf(START_THEN_INIT, { start: 2 }))).toMatchObject({ value: 'B' })
  })

  test('a start section may call imports, and what it traps with is told', async () => {
    const asks: GateFunction = { type: ':', code: store(64, [...ins.i32(0), ...ins.i32(0), ...ins.call(0)]), name: 'begin' }
    const module = toolOf([GOOD_ALLOC, execute(...ins.i32(64)), asks], {
      imports: [{ module: 'btcp', name: 'dom_count', type: 'ii:i' }],
      start: 3,
    })
    expect((await call(module, {}, { answer: () => 3 })).bytes).toHaveLength(3)
    const traps = toolOf([GOOD_ALLOC, execute(...ins.i32(64)), { type: ':', code: ins.unreachable, name: 'begin' }], { start: 2 })
    expect(await failureOf(traps)).toMatchObject({
      kind: 'trap',
      message: 'tidepool:start trapped: unreachable',
      stack: [expect.stringContaining('begin at 0x')],
    })
  })
})

describe('T89 dealloc', () => {
  test('is called for the arguments and the result, with or without sizes', async () => {
    const imports = [{ module: 'wasi_snapshot_preview1', name: 'fd_write', type: 'iiii:i' }]
    const data = [dataAt(600, [0x6c, 2, 0, 0, 1, 0, 0, 0]), dataAt(620, [0x64])]
    for (const type of ['i:', 'ii:']) {
      const prints = dealloc(type, ...ins.i32(1), ...ins.i32(600), ...ins.i32(1), ...ins.i32(640), ...ins.call(0), ...ins.drop)
      const module = toolOf([GOOD_ALLOC, execute(...ins.get(0)), prints], { imports, data })
      expect(await call(module)).toMatchObject({ value: '{}', stdout: 'dd' })
    }
  })

  test('one that traps, or frees what is not there, takes nothing from the result', async () => {
    for (const code of [ins.unreachable, [...ins.get(0), ...ins.i32(-1), ...ins.store(0)], store(0, ins.i32(7))])
      expect(await call(toolOf([GOOD_ALLOC, execute(...ins.get(0)), dealloc('ii:', ...code)]), { input: '{"a":1}' })).toMatchObject({
        status: 0,
        value: '{"a":1}',
      })
  })
})

describe('traps', () => {
  test.each([
    ['unreachable', ins.unreachable, 'unreachable'],
    ['memory', [...ins.i32(-4), ...ins.load(0)], 'memory access out of bounds'],
    ['division', [...ins.i32(1), ...ins.i32(0), 0x6d], 'divide by zero'],
  ])('%s: the failure says which and where', async (_title, code, message) => {
    const inner: GateFunction = { type: ':i', code: [...code], name: 'inner' }
    const failure = await failureOf(toolOf([GOOD_ALLOC, execute(...ins.call(2)), inner]))
    expect(failure).toMatchObject({ kind: 'trap', message: `execute trapped: ${message}` })
    expect(failure!.stack).toEqual([expect.stringMatching(/^inner at 0x[0-9a-f]+$/), expect.stringMatching(/^execute at 0x[0-9a-f]+$/)])
  })

  test('T96 a function whose name ends lines, colours terminals or turns texts around is one frame like another', async () => {
    const name = 'x\n    at forged at 0x1\u001b[31m\u009b31m\u202e\u2066\u2028'
    const failure = await failureOf(toolOf([GOOD_ALLOC, execute(...ins.call(2)), { type: ':i', code: ins.unreachable, name }]))
    expect(failure!.stack![0]).toMatch(/^x\?    at forged at 0x1\?\[31m\?31m\?\?\? at 0x[0-9a-f]+$/)
    expect(failure!.stack).toHaveLength(2)
  })

  test('a function without a name goes by its number', async () => {
    const failure = await failureOf(toolOf([GOOD_ALLOC, execute(...ins.call(2)), { type: ':i', code: ins.unreachable }]))
    expect(failure!.stack![0]).toMatch(/^function 2 at 0x/)
  })

  test('calls too deep inside each other are a stack overflow', async () => {
    const deep: GateFunction = { type: 'i:i', code: [...ins.get(0), ...ins.call(2)], name: 'deep' }
    const failure = await failureOf(toolOf([GOOD_ALLOC, execute(...ins.get(0), ...ins.call(2)), deep]))
    expect(failure).toMatchObject({ kind: 'trap', message: 'execute trapped: stack overflow: its calls are too deep inside each other' })
    expect(failure!.stack![0]).toMatch(/^deep at 0x/)
    expect(failure!.stack!.length).toBeGreaterThan(20)
  })

  test('an import called at the end of the stack is no fault of the kernel', async () => {
    const imports = [
      { module: 'btcp', name: 'log', type: 'iii:' },
      { module: 'wasi_snapshot_preview1', name: 'fd_write', type: 'iiii:i' },
      { module: 'btcp', name: 'dom_query', type: 'ii:i' },
    ]
    for (const each of [
      [...ins.i32(1), ...ins.i32(0), ...ins.i32(0), ...ins.call(0)],
      [...ins.i32(1), ...ins.i32(0), ...ins.i32(0), ...ins.i32(8), ...ins.call(1), ...ins.drop],
      [...ins.i32(-1), ...ins.i32(0), ...ins.call(2), ...ins.drop],
    ]) {
      const deep: GateFunction = { type: 'i:i', code: [...each, ...ins.get(0), ...ins.call(5)], name: 'deep' }
      const failure = await failureOf(toolOf([GOOD_ALLOC, execute(...ins.get(0), ...ins.call(5)), deep], { imports }))
      expect(failure).toMatchObject({ kind: 'trap', message: expect.stringContaining('stack overflow') })
    }
  })
})

test('nothing of a call is left for the next', async () => {
  // Gives what it finds at 64, and leaves something there and in a global.
  const global = [0x7f, 1, ...ins.i32(0x41), ...ins.end]
  const module = toolOf(
    [
      GOOD_ALLOC,
      execute(
        ...line(...ins.i32(68), ...ins.globalGet(0), 0x3a, 0, 0),
        ...line(...ins.globalGet(0), ...ins.i32(1), ...ins.add, ...ins.globalSet(0)),
        ...store(64, [...ins.i32(64), ...ins.load(0), ...ins.i32(1), ...ins.add]),
        ...ins.i32(64),
      ),
    ],
    { globals: [global] },
  )
  const kernel = new ToolKernel()
  const path = kernel.install(module)
  for (let i = 0; i < 3; i++) expect(await kernel.call(path)).toMatchObject({ value: 'A' })
  expect(kernel.tests.kernel.memories).toBe(1)
})

test('the check runs nothing and tells what the module takes and gives', async () => {
  const module = toolOf([GOOD_ALLOC, execute(...ins.unreachable), { type: ':', code: ins.unreachable }], {
    imports: [{ module: 'btcp', name: 'dom_query', type: 'ii:i' }],
    start: 3,
  })
  const { status, value } = await call(module, { entry: 'check' }, { memories: 0 })
  expect(status).toBe(0)
  expect(JSON.parse(value!)).toEqual({
    imports: [{ module: 'btcp', name: 'dom_query', params: ['i32', 'i32'], results: ['i32'] }],
    exports: [
      { name: 'alloc', kind: 'function', params: ['i32'], results: ['i32'] },
      { name: 'execute', kind: 'function', params: ['i32'], results: ['i32'] },
      { name: 'memory', kind: 'memory' },
    ],
    abi: { initialize: false, alloc: 'alloc' },
  })
})

test('a module has the files of its cell, and no descriptor of the result', async () => {
  const wasi = (name: string, type: string) => ({ module: 'wasi_snapshot_preview1', name, type })
  const fds = Array.from({ length: 30 }, (_, i) => 3 + i)
  const calls = [0, 1].flatMap((index) => fds.map((fd) => ({ import: index, args: [fd, 45_056] })))
  const outcome = await call(callingModule({ imports: [wasi('fd_prestat_get', 'ii:i'), wasi('fd_fdstat_get', 'ii:i')], calls }))
  const { values } = returned(outcome, calls.length)
  const directories = values.slice(0, fds.length)
  expect(directories.indexOf(8)).toBeGreaterThan(3)
  expect(values.slice(fds.length)).toEqual(directories)
})
