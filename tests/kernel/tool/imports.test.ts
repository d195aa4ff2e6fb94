/** What a module gets from its imports: the forms, the numbers, the texts, and what is asked outside meanwhile. */
import { expect, test } from 'vitest'
import { TOOL_IMPORTS, type ToolImport } from '../../../src/protocol/tool-imports.ts'
import {
  type Argument,
  type Call,
  callingModule,
  HEAP,
  type Import,
  OUT,
  OUT_BYTES,
  returned,
  textsOf,
} from '../../support/calling-module.ts'
import { type AskedFor, type Outcome, ToolKernel, type ToolKernelOptions } from '../../support/tool-kernel.ts'

const dom = (name: string, type: string): Import => ({ module: 'btcp', name, type })
const QUERY = dom('dom_query', 'ii:i')
const COUNT = dom('dom_count', 'ii:i')
const TEXT = dom('dom_text', 'iiii:i')
const DRAFT_TEXT = dom('dom_text', 'iii:i')
const LAST_ERROR = dom('last_error', 'ii:i')
const READ_FILE: Import = { module: 'filesystem', name: 'read_file', type: 'iiii:i' }
const READ_FILE_ALLOCATED: Import = { module: 'filesystem', name: 'read_file', type: 'ii:i' }
const LOG = dom('log', 'iii:')

interface Made {
  readonly values: number[]
  readonly out: string
  readonly asked: string[]
  readonly outcome: Outcome
}

async function make(
  imports: readonly Import[],
  calls: readonly Call[],
  answer: NonNullable<ToolKernelOptions['answer']>,
  options: ToolKernelOptions & { readonly strict?: boolean } = {},
): Promise<Made> {
  const { strict, ...rest } = options
  const kernel = new ToolKernel({ ...rest, answer })
  const outcome = await kernel.call(callingModule({ imports, calls }), strict ? { strict } : {})
  expect(kernel.tests.faults).toEqual([])
  const asked = textsOf(kernel.asked)
  return outcome.bytes ? { ...returned(outcome, calls.length), asked, outcome } : { values: [], out: '', asked, outcome }
}
const one = (wanted: Import, args: readonly Argument[], answer: unknown, options?: Parameters<typeof make>[3]): Promise<Made> =>
  make([wanted], [{ import: 0, args }], () => answer, options)

const error = (text: string): Error => new Error(text)

test.each([
  [true, 1],
  [1, 1],
  [false, 0],
  [null, -1],
])('a flag that is %j is %i', async (value, number) => {
  const { values, asked } = await one(QUERY, ['h1'], value)
  expect(values).toEqual([number])
  expect(asked).toEqual(['dom_query {"selector":"h1"}'])
})

test.each([
  [3, 3],
  [0, 0],
  [null, -1],
  [1e12, 0x7fff_ffff],
  [-7, 0],
])('a count of %j is %i', async (value, number) => {
  expect((await one(COUNT, ['p'], value)).values).toEqual([number])
})

test('a text is written, and its length in bytes returned', async () => {
  const { values, out } = await one(TEXT, ['h1', OUT, OUT_BYTES], 'é text')
  expect(values).toEqual([7])
  expect(out).toBe('é text')
})

test('where there is no such thing, −1 is returned and nothing written', async () => {
  expect(await one(TEXT, ['h1', OUT, OUT_BYTES], null)).toMatchObject({ values: [-1], out: '' })
})

test('a text that does not fit is cut at the capacity, and all of its length returned', async () => {
  expect(await one(TEXT, ['h1', OUT, 4], 'abcdefgh')).toMatchObject({ values: [8], out: 'abcd' })
  expect(await one(TEXT, ['h1', 0, 0], 'abcdefgh')).toMatchObject({ values: [8], out: '' })
})

test('the same call made again at once is answered by what did not fit, and nothing is asked twice', async () => {
  const calls: Call[] = [
    { import: 0, args: ['h1', 0, 0] },
    { import: 0, args: ['h1', OUT, 3] },
    { import: 0, args: ['h1', OUT, OUT_BYTES] },
    { import: 0, args: ['h1', OUT, OUT_BYTES] },
  ]
  let count = 0
  const made = await make([TEXT], calls, () => `answer ${++count}`)
  expect(made.values).toEqual([8, 8, 8, 8])
  expect(made.asked).toHaveLength(2)
  expect(made.out).toBe('answer 2')
})

test('another call in between has it asked again', async () => {
  const calls: Call[] = [
    { import: 0, args: ['h1', 0, 0] },
    { import: 1, args: ['h1'] },
    { import: 0, args: ['h1', OUT, OUT_BYTES] },
  ]
  const { asked } = await make([TEXT, QUERY], calls, ({ import: name }) => (name === 'dom_text' ? 'text' : true))
  expect(asked).toHaveLength(3)
})

test('a call with other arguments is asked', async () => {
  const calls: Call[] = [
    { import: 0, args: ['h1', 0, 0] },
    { import: 0, args: ['h2', OUT, OUT_BYTES] },
  ]
  const { asked, out } = await make([TEXT], calls, ({ args }) => `of ${args['selector']}`)
  expect(asked).toEqual(['dom_text {"selector":"h1"}', 'dom_text {"selector":"h2"}'])
  expect(out).toBe('of h2')
})

test("the draft's dom_text without a capacity writes at most 1,024 bytes, whole characters, and returns how many", async () => {
  expect(await one(DRAFT_TEXT, ['h1', OUT], 'short')).toMatchObject({ values: [5], out: 'short' })
  const long = await one(DRAFT_TEXT, ['h1', OUT], `x${'é'.repeat(2_000)}`)
  expect(long.values).toEqual([1_023])
  expect(await one(DRAFT_TEXT, ['h1', OUT], null)).toMatchObject({ values: [-1] })
})

test.each([
  ['CAPABILITY_DENIED: not granted', -2],
  ['UNSUPPORTED: only a tool may', -2],
  ['TIMEOUT: too slow', -3],
  ['INVALID_PARAMS: no selector', -4],
  ['INTERNAL_ERROR: something', -4],
  ['TAB_GONE: it has navigated', -5],
  ['DISCONNECTED: it is gone', -5],
  ['RATE_LIMITED: too many', -6],
  ['BUSY: too many', -6],
  ['LIMIT_EXCEEDED: too large', -6],
  ['ELEMENT_NOT_FOUND: no such element', -1],
  ['TOOL_NOT_FOUND: no such tool', -1],
])('%s is %i, and last_error says what it was', async (text, number) => {
  const calls: Call[] = [
    { import: 0, args: ['h1', OUT, OUT_BYTES] },
    { import: 1, args: [OUT, 4] },
    { import: 1, args: [OUT, OUT_BYTES] },
  ]
  const made = await make([TEXT, LAST_ERROR], calls, () => error(text))
  const [, message] = text.split(': ')
  expect(made.values).toEqual([number, message!.length, message!.length])
  expect(made.out).toBe(message!.slice(0, OUT_BYTES))
})

test('an error that names a limit is −6', async () => {
  const kernel = new ToolKernel({ answer: () => new Error('SANDBOX_ERROR: too large', { cause: { limit: 'storageBytes' } }) })
  const outcome = await kernel.call(callingModule({ imports: [TEXT], calls: [{ import: 0, args: ['h1', OUT, OUT_BYTES] }] }))
  expect(returned(outcome, 1).values).toEqual([-6])
})

test('last_error is empty where nothing failed, and refuses a buffer beyond the memory', async () => {
  expect(await one(LAST_ERROR, [OUT, OUT_BYTES], '')).toMatchObject({ values: [0], out: '' })
  expect(await one(LAST_ERROR, [-8, 16], '')).toMatchObject({ values: [-4] })
})

test('with strict, an import that is denied traps and is named', async () => {
  const { outcome } = await one(TEXT, ['h1', OUT, OUT_BYTES], error('CAPABILITY_DENIED: "dom:read" is not granted'), { strict: true })
  expect(outcome).toMatchObject({
    status: 1,
    failure: { kind: 'trap', message: 'The import "dom_text" was denied: "dom:read" is not granted' },
  })
  expect(outcome.failure!.stack).toEqual([expect.stringMatching(/^execute at 0x[0-9a-f]+$/)])
  const other = await one(TEXT, ['h1', OUT, OUT_BYTES], error('TIMEOUT: too slow'), { strict: true })
  expect(other.values).toEqual([-3])
})

test.each([
  ['a selector beyond the memory', [-4, 16, OUT, OUT_BYTES]],
  ['a selector of 4 GiB', [0, -1, OUT, OUT_BYTES]],
  ['a buffer beyond the memory', ['h1', -4, 16]],
  ['a buffer whose end is beyond the memory', ['h1', 131_072 - 4, 5]],
  ['a selector that is no UTF-8', [Uint8Array.of(0x68, 0xff), OUT, OUT_BYTES]],
  ['a selector cut in a character', [Uint8Array.of(0xc3), OUT, OUT_BYTES]],
  ['a selector with a surrogate', [Uint8Array.of(0xed, 0xa0, 0x80), OUT, OUT_BYTES]],
] as const)('%s is −4, and nothing is asked', async (_title, args) => {
  expect(await one(TEXT, args, 'text')).toMatchObject({ values: [-4], asked: [], out: '' })
})

test('U+FFFD itself is a character like any other', async () => {
  expect((await one(QUERY, ['\ufffd'], true)).asked).toEqual(['dom_query {"selector":"\ufffd"}'])
})

test('a text longer than the limit toolImportBytes is −6, in and out', async () => {
  const limits = { toolImportBytes: 100 }
  expect(await one(QUERY, [0, 101], true, { limits })).toMatchObject({ values: [-6], asked: [] })
  expect(await one(TEXT, ['h1', OUT, OUT_BYTES], 'x'.repeat(101), { limits })).toMatchObject({ values: [-6], out: '' })
})

test("a file's bytes come and go as base64", async () => {
  expect(await one(READ_FILE, ['a.bin', OUT, OUT_BYTES], Buffer.from('bytes').toString('base64'))).toMatchObject({
    values: [5],
    out: 'bytes',
  })
  expect(await one(READ_FILE, ['a.bin', OUT, OUT_BYTES], '!')).toMatchObject({ values: [-4] })
  const write: Import = { module: 'filesystem', name: 'write_file', type: 'iiii:i' }
  const { values, asked } = await one(write, ['a.bin', Uint8Array.of(0, 255)], null)
  expect(values).toEqual([0])
  expect(asked).toEqual(['write_file {"path":"a.bin","content":"AP8="}'])
})

test('the form of the library allocates by the module itself, and gives 0 where there is nothing', async () => {
  const found = await one(READ_FILE_ALLOCATED, ['a'], Buffer.from('content').toString('base64'))
  // `alloc` was called for the arguments before.
  expect(found.values).toEqual([HEAP + 16])
  expect((await one(READ_FILE_ALLOCATED, ['a'], null)).values).toEqual([0])
  expect((await one(READ_FILE_ALLOCATED, ['a'], error('CAPABILITY_DENIED: no'))).values).toEqual([0])
})

test('what is no text is given as its JSON', async () => {
  const list: Import = { module: 'filesystem', name: 'list_directory', type: 'iiii:i' }
  expect(await one(list, ['.', OUT, OUT_BYTES], ['a', 'b'])).toMatchObject({ out: '["a","b"]' })
})

const requests = (Object.entries(TOOL_IMPORTS) as [string, ToolImport][]).map(([name, row]) => ({ name, row }))
test.each(requests)('$name asks by its own name, waits, and gives what is answered', async ({ name, row }) => {
  const isText = row.result === 'text'
  const wanted: Import = { module: row.module, name, type: `${'ii'.repeat(row.takes.length)}${isText ? 'ii' : ''}:i` }
  const value = { flag: true, count: 1, done: null, text: 'aGk=' }[row.result]
  const answer = async ({ import: asked }: AskedFor): Promise<unknown> => {
    await new Promise((resolve) => setTimeout(resolve, 2))
    return asked === name ? value : undefined
  }
  const made = await make(
    [wanted],
    [{ import: 0, args: [...row.takes.map((take) => `<${take}>`), ...(isText ? [OUT, OUT_BYTES] : [])] }],
    answer,
  )
  const asked = JSON.parse(made.asked[0]!.slice(name.length)) as Record<string, string>
  expect(Object.keys(asked)).toEqual(row.takes)
  expect(asked[row.takes[0]!]).toBe(`<${row.takes[0]}>`)
  expect(made.values).toEqual([isText ? (name === 'read_file' ? 2 : 4) : row.result === 'done' ? 0 : 1])
})

test('log prints one line, by the name of its level', async () => {
  const calls: Call[] = [0, 1, 2, 3, 7].map((level) => ({ import: 0, args: [level, `said\nat ${level}`] }))
  const { outcome } = await make([LOG], calls, () => null)
  expect(outcome.stderr).toBe('debug: said at 0\ninfo: said at 1\nwarn: said at 2\nerror: said at 3\n7: said at 7\n')
})

test('log refuses what is no text, and cuts a line at 8 KiB', async () => {
  const withResult = dom('log', 'iii:i')
  const calls: Call[] = [
    { import: 0, args: [1, -1, 4] },
    { import: 0, args: [1, Uint8Array.of(255)] },
    { import: 0, args: [1, 'x'.repeat(9_000)] },
  ]
  const { values, outcome } = await make([withResult], calls, () => null)
  expect(values).toEqual([-4, -4, 0])
  expect(outcome.stderr).toBe(`info: ${'x'.repeat(8_192)}\n`)
})

test('a tool that logs more than a pipe holds waits for its reader', async () => {
  const more: Call[] = Array.from({ length: 39 }, () => ({ import: 0, args: [1, 1_024, 8_000] }))
  const kernel = new ToolKernel()
  const outcome = await kernel.call(callingModule({ imports: [LOG], calls: [{ import: 0, args: [1, 'x'.repeat(8_000)] }, ...more] }))
  expect(outcome.stderr.length).toBe(40 * 8_007)
})

/** AssemblyScript's string. */
const wide = (text: string): Uint8Array => {
  const content = Buffer.from(text, 'utf16le')
  const length = Buffer.alloc(4)
  length.writeUInt32LE(content.length)
  return Buffer.concat([length, content])
}

test('abort ends the call and says where', async () => {
  const abort: Import = { module: 'env', name: 'abort', type: 'iiii:' }
  const message = wide('no such row ☃')
  const file = wide('src/index.ts')
  // The texts lie one after the other from 1,024 on; a query places them, and is made no more.
  const calls: Call[] = [
    { import: 1, args: [message] },
    { import: 1, args: [file] },
    { import: 0, args: [1_028, 1_024 + message.length + 4, 12, 5] },
  ]
  const { outcome } = await make([abort, QUERY], calls, () => true)
  expect(outcome).toMatchObject({ status: 1, failure: { kind: 'abort', message: 'no such row ☃ at src/index.ts:12:5' } })
  expect(outcome.failure!.stack).toHaveLength(1)
  const nothing = await make([abort], [{ import: 0, args: [0, 0, 0, 0] }], () => true)
  expect(nothing.outcome.failure).toMatchObject({ kind: 'abort', message: 'abort' })
  const beyond = await make([abort], [{ import: 0, args: [-2, 131_071, 1, 1] }], () => true)
  expect(beyond.outcome.failure).toMatchObject({ kind: 'abort', message: 'abort' })
})

test('proc_exit ends the call and says its status', async () => {
  const exit: Import = { module: 'wasi_snapshot_preview1', name: 'proc_exit', type: 'i:' }
  const { outcome } = await make([exit], [{ import: 0, args: [7] }], () => true)
  expect(outcome).toMatchObject({ status: 1, failure: { kind: 'abort', message: 'The module ended itself: proc_exit(7)' } })
})

test("AssemblyScript's trace prints its numbers, and its seed is another one each time", async () => {
  const trace: Import = { module: 'env', name: 'trace', type: 'iiFFFFF:' }
  const seed: Import = { module: 'env', name: 'seed', type: ':F' }
  const numbers = [1.5, 2, 3, 4, 5].map((f64) => ({ f64 }))
  const calls: Call[] = [
    { import: 1, args: [wide('rows')] },
    { import: 0, args: [1_028, 2, ...numbers] },
    { import: 0, args: [0, 0, ...numbers] },
    { import: 2, args: [] },
    { import: 2, args: [] },
  ]
  const { outcome, values } = await make([trace, QUERY, seed], calls, () => true)
  expect(outcome.stderr).toBe('trace: rows 1.5, 2\ntrace: \n')
  expect(values[3]).not.toBe(values[4])
})

test("AssemblyScript's console prints on standard error, and its clocks go", async () => {
  const warn: Import = { module: 'env', name: 'console.warn', type: 'i:' }
  const now: Import = { module: 'env', name: 'Date.now', type: ':F' }
  const monotonic: Import = { module: 'env', name: 'performance.now', type: ':F' }
  const calls: Call[] = [
    { import: 1, args: [wide('no\nrow ☃')] },
    { import: 0, args: [1_028] },
    { import: 0, args: [-1] },
    { import: 2, args: [] },
    { import: 3, args: [] },
  ]
  const { outcome, values } = await make([warn, QUERY, now, monotonic], calls, () => true)
  expect(outcome.stderr).toBe('warn: no row ☃\nwarn: \n')
  expect(values[3]).not.toBe(0)
  expect(values[4]).not.toBe(values[3])
})
