/** A call of an installed tool against cells that say what a test wants: what is checked before and after, and how it ends. */
import { describe, expect, test } from 'vitest'
import { CancelSource } from '../../src/orchestrator/cancel.ts'
import type { Desk } from '../../src/orchestrator/desk.ts'
import { callInstalled, type InstalledCall } from '../../src/orchestrator/installed-call.ts'
import { Orchestrator } from '../../src/orchestrator/orchestrator.ts'
import { BtcpError } from '../../src/protocol/error.ts'
import type { Implementation, InstalledTool } from '../../src/protocol/installed-tool.ts'
import { type Limits, limitsWith } from '../../src/protocol/limits.ts'
import type { JsonObject } from '../../src/protocol/parse.ts'
import type { Tool, ToolResult } from '../../src/protocol/tool.ts'
import { file, installedOf, keepPackage, OWNER } from '../support/installed-tools.ts'
import { obedient, type Script, type ScriptedCell, testPlatform } from './scripted-cell.ts'

const MODULE: Implementation = { type: 'wasm', module: 'tool.wasm', abi: 'btcp' }
const COMMAND: Implementation = { type: 'js', module: 'tool.js', form: 'stdio' }
const NOWHERE: Desk = {
  tools: () => [],
  call: () => Promise.reject(new BtcpError('TOOL_NOT_FOUND', 'there is none')),
}

type Act = (call: string, cell: ScriptedCell) => void
const onRun =
  (act: Act): Script =>
  (message, cell) => {
    if (message.t === 'run') act(message.call, cell)
    else obedient(message, cell)
  }
const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const tell =
  (...parts: readonly (string | Uint8Array)[]): Act =>
  (call, cell) => {
    for (const part of parts) cell.say({ t: 'out', call, fd: 3, bytes: typeof part === 'string' ? encode(part) : part })
    cell.exit(call)
  }
const value = (json: string | Uint8Array): Act => {
  const bytes = typeof json === 'string' ? encode(json) : json
  return tell(`{"t":"value","bytes":${bytes.length}}\n`, bytes)
}
const print =
  (text: string | Uint8Array, status = 0, errors = ''): Act =>
  (call, cell) => {
    if (errors !== '') cell.out(call, errors, 2)
    cell.say({ t: 'out', call, fd: 1, bytes: typeof text === 'string' ? encode(text) : text })
    cell.exit(call, status)
  }

interface Setting {
  readonly implementation?: Implementation
  readonly installed?: Partial<InstalledTool>
  readonly tool?: Partial<Tool>
  readonly limits?: Limits
  readonly call?: Partial<InstalledCall>
}

class Bench {
  readonly platform
  readonly orchestrator: Orchestrator
  readonly #setting: Setting

  constructor(act: Act | { readonly script: Script }, setting: Setting = {}) {
    this.platform = testPlatform(typeof act === 'function' ? onRun(act) : act.script)
    this.orchestrator = new Orchestrator(this.platform, setting.limits ? { limits: setting.limits } : {})
    this.#setting = setting
  }

  async call(args: JsonObject = {}, more: Partial<InstalledCall> = {}): Promise<ToolResult> {
    const { implementation = MODULE, installed = {}, tool = {}, call = {} } = this.#setting
    const sha256 = await keepPackage(this.platform, [file('tool.wasm', 'x')])
    return await callInstalled(this.orchestrator, {
      call: this.platform.newId(),
      owner: OWNER,
      installed: installedOf(implementation, { sha256, ...installed }, tool),
      arguments: args,
      desk: NOWHERE,
      ...call,
      ...more,
    })
  }
  get runs(): JsonObject[] {
    return this.platform.cells.flatMap(({ heard }) => heard.filter(({ t }) => t === 'run')) as unknown as JsonObject[]
  }
}
const script = (one: Script): { readonly script: Script } => ({ script: one })

const failureOf = async (promise: Promise<unknown>): Promise<BtcpError> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof BtcpError)) throw new Error(`no BtcpError: ${String(error)}`)
  return error
}
const textOf = ({ content }: ToolResult): string => (content[0]?.type === 'text' ? content[0].text : '')

describe('the arguments', () => {
  const inputSchema = { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'], additionalProperties: false }

  test('are checked before anything runs', async () => {
    const bench = new Bench(value('1'), { tool: { inputSchema } })
    const error = await failureOf(bench.call({ n: 'no' }))
    expect(error.message).toMatch(/^Cannot call "[^"]+": \/n Instance/)
    expect(error.data).toMatchObject({ btcpCode: 'INVALID_PARAMS', effects: 'none', errors: [{ instancePath: '/n' }] })
    expect(bench.platform.cells).toEqual([])
  })

  test('go to the tool as JSON on standard input', async () => {
    const atItsEnd = script((message, cell) => {
      if (message.t === 'stdin' && message.bytes === null) value('1')(message.call, cell)
      else if (message.t !== 'run') obedient(message, cell)
    })
    const bench = new Bench(atItsEnd, { tool: { inputSchema }, installed: { env: { TOKEN: 't' } } })
    await bench.call({ n: 1 })
    const [run] = bench.runs
    const argv = run!['argv'] as string[]
    expect(argv[0]).toBe('wasm-tool')
    expect(JSON.parse(argv[1]!)).toMatchObject({ path: '/opt/tool/tool.wasm', abi: 'btcp', entry: 'execute' })
    expect(run).toMatchObject({ env: { TOKEN: 't' }, result: true })
    const heard = bench.platform.cells[0]!.heard.flatMap((one) =>
      one.t === 'stdin' && one.bytes ? [new TextDecoder().decode(one.bytes)] : [],
    )
    expect(heard.join('')).toBe('{"n":1}')
  })
})

describe('a module', () => {
  test('gives a value that is the result and its text', async () => {
    const result = await new Bench(value('{"a":["ü"]}')).call()
    expect(result).toMatchObject({
      content: [{ type: 'text', text: '{"a":["ü"]}' }],
      structuredContent: { a: ['ü'] },
      isError: false,
      _meta: { 'btcp/untrusted': true, 'btcp/callId': 'call-1' },
    })
  })

  test('whose value is a text shows that', async () => {
    expect(await new Bench(value('"plain"')).call()).toMatchObject({ content: [{ text: 'plain' }], structuredContent: 'plain' })
  })

  test('that traps says where', async () => {
    const failure = { kind: 'trap', message: 'unreachable', stack: ['inner (0x12)', 'execute (0x40)'] }
    const result = await new Bench(tell(`${JSON.stringify({ t: 'failed', failure })}\n`)).call()
    expect(result.isError).toBe(true)
    expect(textOf(result)).toBe('Cannot finish "probe": unreachable\n    at inner (0x12)\n    at execute (0x40)')
    expect(result._meta['btcp/error']).toEqual({ code: 'EXECUTION_ERROR' })
  })

  test('that passed a limit names it', async () => {
    const failure = { kind: 'limit', message: 'more than 256 MiB', limit: 'processMemoryBytes' }
    const result = await new Bench(tell(`${JSON.stringify({ t: 'failed', failure })}\n`)).call()
    expect(result._meta['btcp/error']).toEqual({ code: 'LIMIT_EXCEEDED', limit: 'processMemoryBytes' })
  })

  test('reads what comes in any pieces', async () => {
    const whole = encode(`{"t":"value","bytes":7}\n{"a":1}`)
    const pieces = Array.from(whole, (byte) => Uint8Array.of(byte))
    expect((await new Bench(tell(...pieces)).call()).structuredContent).toEqual({ a: 1 })
  })

  test.each<[string, Act, string]>([
    ['no UTF-8', value(Uint8Array.of(0x22, 0xff, 0x22)), 'its result is no UTF-8'],
    ['no JSON', value('{"a":'), 'its result is no JSON'],
    ['a number that is none', value('1e999'), 'its result cannot be taken: it is no finite number'],
    ['JSON that is too deep', value('['.repeat(100) + ']'.repeat(100)), 'is nested too deeply'],
    ['very deep JSON', value('['.repeat(500_000)), 'its result is no JSON'],
    ['less than it said', tell('{"t":"value","bytes":9}\n', '{}'), 'its result was cut off'],
    ['a line that is no record', tell('{"t":"other"}\n'), 'what it told of its end cannot be read: /t is neither value nor failed'],
    ['a line without end', tell('x'.repeat(70_000)), 'what it told of its end has too long a line'],
    ['nothing', tell(), 'it ended with status 0 before it gave a result'],
  ])('T81: that gives %s has failed', async (_what, act, message) => {
    const result = await new Bench(act).call()
    expect(result.isError).toBe(true)
    expect(textOf(result)).toContain(message)
    expect(result._meta['btcp/error']?.code).toBe('EXECUTION_ERROR')
  })

  test('T81: that gives too much is ended, and says by which limit', async () => {
    const limits = limitsWith({ toolResultBytes: 100 })
    for (const act of [value(`"${'x'.repeat(100)}"`), tell('{"t":"value","bytes":100000000}\n')]) {
      const result = await new Bench(act, { limits }).call()
      expect(textOf(result)).toBe('Cannot finish "probe": its result has more than 100 bytes (limit toolResultBytes)')
      expect(result._meta['btcp/error']).toEqual({ code: 'LIMIT_EXCEEDED', limit: 'toolResultBytes' })
    }
  })

  test('whose result is not what its schema says names the place', async () => {
    const outputSchema = { type: 'object', properties: { rows: { type: 'array', items: { type: 'integer' } } } }
    const result = await new Bench(value('{"rows":[1,"two"]}'), { tool: { outputSchema } }).call()
    expect(textOf(result)).toMatch(/^Cannot finish "probe": its result is not what its outputSchema says: \/rows\/1 /)
    expect(result).toMatchObject({ isError: true, _meta: { 'btcp/error': { code: 'EXECUTION_ERROR' } } })
    expect(result.structuredContent).toBeUndefined()
  })
})

describe('a process', () => {
  test('prints JSON, which is the value', async () => {
    const result = await new Bench(print(' {"a":1}\n'), { implementation: COMMAND }).call()
    expect(result).toMatchObject({ structuredContent: { a: 1 }, content: [{ text: '{"a":1}' }] })
  })
  test('prints something else, which is a text', async () => {
    expect((await new Bench(print('two\nlines\n'), { implementation: COMMAND }).call()).structuredContent).toBe('two\nlines')
  })
  test('that ends with another status has failed, with the end of its errors', async () => {
    const result = await new Bench(print('{}', 3, `${'x'.repeat(5_000)}ValueError: no\n`), { implementation: COMMAND }).call()
    expect(result.isError).toBe(true)
    expect(textOf(result)).toMatch(/^Cannot finish "probe": it ended with status 3: x{4081}ValueError: no$/)
  })
  test('that prints no UTF-8 has failed', async () => {
    expect(textOf(await new Bench(print(Uint8Array.of(0xff)), { implementation: COMMAND }).call())).toContain('no UTF-8')
  })
  test('that prints too much is ended', async () => {
    const bench = new Bench(
      script((message, cell) => {
        if (message.t === 'run') cell.out(message.call, 'x'.repeat(200))
        else obedient(message, cell)
      }),
      { implementation: COMMAND, limits: limitsWith({ toolResultBytes: 100 }) },
    )
    expect((await bench.call())._meta['btcp/error']).toEqual({ code: 'LIMIT_EXCEEDED', limit: 'toolResultBytes' })
  })
  test('tells its progress on standard error', async () => {
    const progress: JsonObject[] = []
    await new Bench(print('{}', 0, 'half\n'), { implementation: COMMAND }).call({}, { onProgress: (one) => progress.push(one) })
    expect(progress).toEqual([{ stream: 'stderr', text: 'half\n' }])
  })
})

describe('a call', () => {
  /** It ends when it is killed. */
  const never = script((message, cell) => (message.t === 'run' ? undefined : obedient(message, cell)))

  test('has the smaller of the deadlines', async () => {
    for (const [tool, mine] of [
      [60, undefined],
      [60, 10_000],
      [10_000, 60],
    ] as const) {
      const bench = new Bench(never, { tool: { timeout: tool } })
      const began = performance.now()
      const error = await failureOf(bench.call({}, mine === undefined ? {} : { timeoutMs: mine }))
      expect(error.data).toMatchObject({ btcpCode: 'TIMEOUT', effects: 'unknown' })
      expect(performance.now() - began).toBeLessThan(5_000)
    }
  })

  test('is cancelled', async () => {
    const signal = new CancelSource()
    const call = failureOf(new Bench(never).call({}, { signal }))
    setTimeout(() => signal.abort(), 30)
    expect((await call).data.btcpCode).toBe('CANCELLED')
  })

  test('waits while so many of its tool run, and is refused where too many wait', async () => {
    const limits = limitsWith({ callsQueued: 1 })
    const bench = new Bench(never, { installed: { maxConcurrent: 2 }, limits })
    const signal = new CancelSource()
    const calls = [1, 2, 3].map(() => failureOf(bench.call({}, { signal })))
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(bench.runs).toHaveLength(2)
    expect((await failureOf(bench.call())).data).toMatchObject({ btcpCode: 'BUSY', limit: 'callsQueued' })
    signal.abort()
    expect((await Promise.all(calls)).map(({ data }) => data.btcpCode)).toEqual(['CANCELLED', 'CANCELLED', 'CANCELLED'])
  })

  test('inside another takes no place, but a token', async () => {
    const bench = new Bench(never, { installed: { maxConcurrent: 1 }, limits: limitsWith({ callsBucket: 2, callsPerSecond: 0.001 }) })
    const signal = new CancelSource()
    const calls = [bench.call({}, { signal }), bench.call({}, { signal, depth: 1 })].map(failureOf)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(bench.runs).toHaveLength(2)
    expect((await failureOf(bench.call({}, { depth: 1 }))).data.btcpCode).toBe('RATE_LIMITED')
    signal.abort()
    await Promise.all(calls)
  })

  test('ends with TAB_GONE when an import did, whatever the module gives then', async () => {
    const gone = new BtcpError('TAB_GONE', 'Cannot read the page: it is gone', { effects: 'none' })
    const desk: Desk = { ...NOWHERE, import: () => Promise.reject(gone) }
    const bench = new Bench(
      script((message, cell) => {
        if (message.t === 'run')
          cell.say({ t: 'ask', req: 1, call: message.call, request: '{"import":"dom_text","args":{"selector":"h1"}}' })
        else if (message.t === 'reply') value('"fine"')('call-1', cell)
        else obedient(message, cell)
      }),
    )
    expect(await failureOf(bench.call({}, { desk }))).toBe(gone)
  })

  test('of a tool whose package has been changed does not begin', async () => {
    const bench = new Bench(value('1'), { installed: { sha256: 'f'.repeat(64) } })
    expect((await failureOf(bench.call())).data).toMatchObject({ btcpCode: 'SANDBOX_ERROR', effects: 'none' })
  })

  test('has nothing of the environment of its owner', async () => {
    const bench = new Bench(value('1'))
    await bench.call()
    expect(bench.platform.cells[0]!.heard.find(({ t }) => t === 'boot')).toMatchObject({ env: {} })
  })
})
