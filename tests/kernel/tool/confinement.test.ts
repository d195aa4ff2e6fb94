/** That a tool is confined to its call and its cell: waiting, ends, re-entrancy, growth, and that no module makes the kernel itself fail. */
import { describe, expect, test } from 'vitest'
import type { Directory } from '../../../src/kernel/vfs/inode.ts'
import { type Call, callingModule, dataAt, type Import, OUT, OUT_BYTES, returned } from '../../support/calling-module.ts'
import { type GateFunction, gateModuleOf, TOOL, toolWith } from '../../support/gate-module.ts'
import { ToolKernel } from '../../support/tool-kernel.ts'
import { ins } from '../../support/wasm-encoder.ts'

const QUERY: Import = { module: 'btcp', name: 'dom_query', type: 'ii:i' }
const TEXT: Import = { module: 'btcp', name: 'dom_text', type: 'iiii:i' }
const READ_FILE: Import = { module: 'filesystem', name: 'read_file', type: 'ii:i' }
const asking = callingModule({ imports: [QUERY], calls: [{ import: 0, args: ['h1'] }] })
const ECHO = gateModuleOf(TOOL)
const soon = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5))
/** The tool waits for its first answer. */
async function asked(kernel: ToolKernel): Promise<void> {
  while (kernel.asked.length === 0) await soon()
}
const alloc = (...code: number[]): GateFunction => ({ type: 'i:i', code, export: 'alloc', name: 'alloc' })
const execute = (...code: number[]): GateFunction => ({ type: 'i:i', code, export: 'execute', name: 'execute' })

describe('waiting', () => {
  test('an import that waits suspends its tool, and not the cell', async () => {
    const first = Promise.withResolvers<boolean>()
    const kernel = new ToolKernel({ answer: ({ args }) => (args['selector'] === 'h1' ? first.promise : true) })
    const waiting = kernel.begin(asking)
    await asked(kernel)
    expect(await kernel.call(ECHO, { input: '{"a":1}' })).toMatchObject({ value: '{"a":1}' })
    const other = callingModule({ imports: [QUERY], calls: [{ import: 0, args: ['h2'] }] })
    expect(returned(await kernel.call(other), 1).values).toEqual([1])
    first.resolve(false)
    expect(returned(await waiting.ended, 1).values).toEqual([0])
  })

  test('many tools wait at a time, each for its own answer', async () => {
    const kernel = new ToolKernel({
      answer: async ({ args }) => {
        await new Promise((resolve) => setTimeout(resolve, 20 - Number(args['selector'])))
        return `of ${args['selector']}`
      },
    })
    const texts = Array.from({ length: 16 }, (_, i) => String(i))
    const outcomes = await Promise.all(
      texts.map((text) => kernel.call(callingModule({ imports: [TEXT], calls: [{ import: 0, args: [text, OUT, OUT_BYTES] }] }))),
    )
    expect(outcomes.map((outcome) => returned(outcome, 1).out)).toEqual(texts.map((text) => `of ${text}`))
  })

  test('killed while it waits, it ends at once, and what is answered later has no effect', async () => {
    const late = Promise.withResolvers<boolean>()
    const kernel = new ToolKernel({ answer: () => late.promise })
    const { session, ended } = kernel.begin(asking)
    await asked(kernel)
    session.kill(9)
    expect(await ended).toMatchObject({ status: 137, signal: 9, stdout: '', stderr: '' })
    late.resolve(true)
    await soon()
    expect(kernel.asked).toHaveLength(1)
    expect(kernel.tests.faults).toEqual([])
    expect(await kernel.call(ECHO)).toMatchObject({ value: '{}' })
    expect(kernel.tests.kernel.memories).toBe(1)
  })

  test('killed while it reads its input, or while its module compiles, it ends at once', async () => {
    const compiling = Promise.withResolvers<undefined>()
    const kernel = new ToolKernel({ modules: { find: () => compiling.promise, keep: () => {} } })
    const { session, ended } = kernel.begin(ECHO)
    session.kill(9)
    expect(await ended).toMatchObject({ status: 137 })
    compiling.resolve(undefined)
    await soon()
    expect(kernel.tests.faults).toEqual([])
  })
})

describe('T86 re-entrancy', () => {
  const onceMore = (code: readonly number[]): number[] => [...ins.globalGet(0), ...ins.if, ...code, ...ins.end]
  const nested = (
    allocates: readonly number[],
    imports: readonly Import[],
    data: readonly (readonly number[])[] = [],
  ): Uint8Array<ArrayBuffer> =>
    toolWith({
      imports: [READ_FILE, ...imports],
      functions: [
        alloc(...onceMore(allocates), ...ins.i32(2_048), ...ins.globalGet(0), ...ins.add, ...ins.i32(4_096), ...ins.globalSet(0)),
        execute(...ins.i32(0), ...ins.i32(0), ...ins.call(0), ...ins.drop, ...ins.get(0)),
      ],
      globals: [[0x7f, 1, ...ins.i32(0), ...ins.end]],
      data,
    })
  const run = async (module: Uint8Array) => {
    const kernel = new ToolKernel({ answer: () => 'aGk=' })
    const outcome = await kernel.call(module, { input: '{"a":1}' })
    expect(kernel.tests.faults).toEqual([])
    return { ...outcome, asked: kernel.asked.map((asked) => asked.import) }
  }

  test('an alloc that is called for an answer may not ask in its turn', async () => {
    const module = nested([...ins.i32(0), ...ins.i32(0), ...ins.call(1), ...ins.drop], [QUERY])
    const { failure, asked } = await run(module)
    expect(failure).toMatchObject({ kind: 'trap', message: 'alloc called the import "dom_query" while another import ran' })
    expect(asked).toEqual(['read_file'])
  })

  test('it may log, and it may run execute, which is a function like any other of the module', async () => {
    const log: Import = { module: 'btcp', name: 'log', type: 'iii:' }
    const module = nested([...ins.i32(1), ...ins.i32(0), ...ins.i32(0), ...ins.call(1)], [log])
    expect(await run(module)).toMatchObject({ value: '{"a":1}', stderr: 'info: \n' })
  })

  test('a system call in it that would wait, a trap and an endless recursion end the call alone', async () => {
    const poll: Import = { module: 'wasi_snapshot_preview1', name: 'poll_oneoff', type: 'iiii:i' }
    // A subscription of the monotonic clock, 50 ms from now.
    const subscription = new Uint8Array(48)
    subscription[16] = 1
    new DataView(subscription.buffer).setBigUint64(24, 50_000_000n, true)
    const code = [...ins.i32(16_384), ...ins.i32(20_480), ...ins.i32(1), ...ins.i32(24_576), ...ins.call(1), ...ins.drop]
    expect(await run(nested(code, [poll], [dataAt(16_384, subscription)]))).toMatchObject({
      failure: { kind: 'trap', message: 'alloc trapped: it waited while an import ran' },
    })
    expect(await run(nested(ins.unreachable, []))).toMatchObject({ failure: { kind: 'trap', message: 'alloc trapped: unreachable' } })
    const deep = nested([...ins.i32(0), ...ins.call(1), ...ins.drop], [])
    expect(await run(deep)).toMatchObject({ failure: { kind: 'trap', message: expect.stringContaining('stack overflow') } })
  })

  test('what it gives for the answer is checked as at any time', async () => {
    for (const pointer of [0, -1, 65_536]) {
      const { failure } = await run(nested([...ins.i32(pointer), 0x0f], []))
      expect(failure).toMatchObject({ kind: 'result', message: expect.stringMatching(/^alloc\(6\) gave /) })
    }
  })
})

describe('T87 an import when the call is over', () => {
  test('called in dealloc it asks nothing and is denied', async () => {
    const kernel = new ToolKernel({ answer: () => true })
    const dealloc: GateFunction = {
      type: 'i:',
      export: 'dealloc',
      code: [
        ...ins.i32(0),
        ...ins.i32(0),
        ...ins.call(0),
        ...ins.i32(-2),
        0x47,
        ...ins.if,
        ...ins.loop,
        ...ins.br(0),
        ...ins.end,
        ...ins.end,
      ],
    }
    const module = toolWith({ imports: [QUERY], functions: [alloc(...ins.i32(1_024)), execute(...ins.get(0)), dealloc] })
    expect(await kernel.call(module, { input: '{"a":1}' })).toMatchObject({ value: '{"a":1}', stderr: '' })
    expect(kernel.asked).toEqual([])
  })

  test('after a kill nothing of the module runs on', async () => {
    const log: Import = { module: 'btcp', name: 'log', type: 'iii:' }
    const late = Promise.withResolvers<boolean>()
    const kernel = new ToolKernel({ answer: () => late.promise })
    const calls: Call[] = [
      { import: 0, args: ['h1'] },
      { import: 1, args: [1, 'after'] },
      { import: 0, args: ['h2'] },
    ]
    const { session, ended } = kernel.begin(callingModule({ imports: [QUERY, log], calls }))
    await asked(kernel)
    session.kill(15)
    late.resolve(true)
    expect(await ended).toMatchObject({ signal: 15, stderr: '' })
    await soon()
    expect(kernel.asked).toHaveLength(1)
  })
})

describe('T88 what a module may import', () => {
  test.each([
    ['an unknown name', { module: 'btcp', name: 'dom_eval', type: 'ii:i' }],
    ['a known name of another module', { module: 'env', name: 'dom_query', type: 'ii:i' }],
    ['another type', { module: 'btcp', name: 'dom_query', type: 'iI:i' }],
    ["a call of the kernel's own", { module: 'cell', name: 'request', type: 'iii:i' }],
    ['a call of the programs of the build', { module: 'tidepool', name: 'proc_spawn', type: 'iiiiiiiiiiiii:i' }],
    ['a name that every object has', { module: 'constructor', name: 'prototype', type: ':' }],
    ['a name that would change every object', { module: '__proto__', name: 'then', type: ':' }],
  ])('%s is refused at load, by its name', async (_title, wanted) => {
    const kernel = new ToolKernel({ answer: () => true })
    const { failure } = await kernel.call(toolWith({ imports: [wanted] }))
    expect(failure).toMatchObject({ kind: 'load', message: expect.stringContaining(wanted.name) })
    expect(kernel.asked).toEqual([])
  })

  test('a known one without its grant answers −2', async () => {
    const kernel = new ToolKernel({ answer: () => new Error('CAPABILITY_DENIED: "dom:read" is not granted') })
    expect(returned(await kernel.call(asking), 1).values).toEqual([-2])
  })
})

describe('the cache of modules', () => {
  function packaged({ tests }: ToolKernel): void {
    const { vfs } = tests.kernel
    // No guest may make it: a mount is there in a tool's cell.
    const opt = vfs.resolve(vfs.root, '/opt', true, false) as Directory
    opt.fs.mkdir(opt, 'tool', 0o777)
    tests.writeFile('/opt/tool/x.wasm', ECHO)
  }

  test('a file that has changed is another module', async () => {
    const kernel = new ToolKernel()
    const path = kernel.install(ECHO)
    expect(await kernel.call(path, { input: '{"a":1}' })).toMatchObject({ value: '{"a":1}' })
    const gives = toolWith({ functions: [alloc(...ins.i32(1_024)), execute(...ins.i32(64))], data: [dataAt(64, [2, 0, 0, 0, 0x7b, 0x7d])] })
    kernel.tests.writeFile(path, gives)
    expect(await kernel.call(path, { input: '{"a":1}' })).toMatchObject({ value: '{}' })
  })

  test('what compiles beyond the limit ends the call, and the next one finds it when it is there', async () => {
    const found = Promise.withResolvers<undefined>()
    const kernel = new ToolKernel({ limits: { toolCompileMs: 20 }, modules: { find: () => found.promise, keep: () => {} } })
    packaged(kernel)
    expect((await kernel.call('/opt/tool/x.wasm')).failure).toMatchObject({ kind: 'limit', limit: 'toolCompileMs' })
    expect((await kernel.call('/opt/tool/x.wasm')).failure).toMatchObject({ kind: 'limit', limit: 'toolCompileMs' })
    found.resolve(undefined)
    let outcome = await kernel.call('/opt/tool/x.wasm')
    while (outcome.failure?.limit === 'toolCompileMs') outcome = await soon().then(() => kernel.call('/opt/tool/x.wasm'))
    expect(outcome).toMatchObject({ value: '{}' })
  })

  test('modules of a package are kept for the next cell by their hash, others are not', async () => {
    const kept = new Map<string, object>()
    const modules = { find: async (key: string) => kept.get(key), keep: (key: string, module: object) => void kept.set(key, module) }
    const cell = (): ToolKernel => {
      const kernel = new ToolKernel({ modules })
      packaged(kernel)
      return kernel
    }
    const first = cell()
    await first.call(ECHO)
    expect(kept.size).toBe(0)
    await first.call('/opt/tool/x.wasm')
    expect([...kept.keys()]).toEqual([`btcp ${'a'.repeat(64)} /opt/tool/x.wasm`])
    const [module] = kept.values()
    expect(await cell().call('/opt/tool/x.wasm')).toMatchObject({ value: '{}' })
    expect([...kept.values()]).toEqual([module])
  })
})

test('1,000 calls leave no more memories than the first', async () => {
  const kernel = new ToolKernel({ answer: () => true, memories: 8 })
  const trap = kernel.install(toolWith({ functions: [alloc(...ins.i32(1_024)), execute(...ins.unreachable)] }))
  const small = kernel.install(toolWith({ memories: [[1, 1, 5]] }))
  const paths = [kernel.install(ECHO), kernel.install(asking), trap, small]
  for (let i = 0; i < 250; i++) for (const path of paths) await kernel.call(path)
  expect(kernel.tests.kernel.memories).toBeLessThanOrEqual(2)
  expect(kernel.tests.faults).toEqual([])
})

/** A small generator of numbers (mulberry32), so that a failure can be had again. */
function numbers(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return (t ^ (t >>> 14)) >>> 0
  }
}

test('T77 modules with changed bytes make the kernel fail in no way', async () => {
  const many = process.env['TIDEPOOL_LONG'] === '1' ? 10_000 : 500
  const good = [
    ECHO,
    callingModule({
      imports: [QUERY, TEXT, READ_FILE, { module: 'wasi_snapshot_preview1', name: 'fd_write', type: 'iiii:i' }],
      calls: [
        { import: 0, args: ['h1'] },
        { import: 1, args: ['h1', OUT, OUT_BYTES] },
        { import: 2, args: ['a'] },
        { import: 3, args: [1, 40_000, 1, 45_000] },
      ],
    }),
  ]
  const next = numbers(20_261)
  const kernel = new ToolKernel({ answer: () => 'aGk=' })
  for (let i = 0; i < many; i++) {
    const bytes = Uint8Array.from(good[i % good.length]!)
    const changes = 1 + (next() % 3)
    for (let change = 0; change < changes; change++) bytes[8 + (next() % (bytes.length - 8))] = next() & 255
    const { session, ended } = kernel.begin(kernel.install(bytes))
    const deadline = setTimeout(() => session.kill(9), 1_000)
    const { status, bytes: value, failure } = await ended
    clearTimeout(deadline)
    expect(status === 0 ? value !== undefined : failure !== undefined || status === 137, `seed 20261, module ${i}`).toBe(true)
    expect(kernel.tests.faults, `seed 20261, module ${i}`).toEqual([])
  }
  expect(kernel.tests.kernel.memories).toBeLessThanOrEqual(3)
}, 120_000)
