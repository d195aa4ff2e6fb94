/** Libraries that are processes of this machine: what they are asked and given, how they end, and who may register one. */
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { nodePlatform } from '../../src/node/node-platform.ts'
import { callInstalled } from '../../src/orchestrator/installed-call.ts'
import { digestOf } from '../../src/orchestrator/tool-mount.ts'
import { Orchestrator } from '../../src/orchestrator/orchestrator.ts'
import type { InstalledTool, PackageFile } from '../../src/protocol/installed-tool.ts'
import { libraryInputSchema } from '../../src/protocol/library-value.ts'
import { type LimitName, limitsWith } from '../../src/protocol/limits.ts'
import type { JsonObject } from '../../src/protocol/parse.ts'

/** A library that does as it is told: `function` is code whose value is the answer's line, or undefined for none. */
const PUPPET = `
import { createInterface } from 'node:readline'
import { spawn } from 'node:child_process'
let calls = 0
const env = process.env
for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line)
  const { id, method, params } = request
  calls++
  const ok = (result) => JSON.stringify({ jsonrpc: '2.0', result, id })
  const answer = await eval('(async () => (' + params.function + '))()')
  if (answer !== undefined) process.stdout.write(answer + '\\n')
}
`
const open: Orchestrator[] = []
afterEach(async () => {
  for (const orchestrator of open.splice(0)) await orchestrator.dispose()
})

interface Options {
  readonly limits?: Partial<Record<LimitName, number>>
  readonly env?: Readonly<Record<string, string>>
  readonly command?: readonly string[]
  readonly source?: string
}

/** A sandbox with the puppet; gives back how to call it. */
async function puppet({ limits = {}, env = {}, command = [process.execPath, 'bin/puppet.mjs'], source = PUPPET }: Options = {}) {
  const orchestrator = new Orchestrator(nodePlatform({ mounts: [] }), { limits: limitsWith(limits) })
  open.push(orchestrator)
  const { platform } = orchestrator
  const files: PackageFile[] = [{ path: 'bin/puppet.mjs', bytes: new Uint8Array(Buffer.from(source)) }]
  const sha256 = await digestOf(platform, files)
  await platform.packages.keep(sha256, files)
  const installed: InstalledTool = {
    tool: {
      name: 'puppet',
      title: 'Puppet',
      description: '',
      inputSchema: libraryInputSchema(),
      capabilities: [],
      annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true },
      examples: [],
      tags: [],
      timeout: 300_000,
    },
    implementation: { type: 'external', command },
    secrets: [],
    variables: {},
    maxConcurrent: 3,
    manifest: 'puppets',
    version: '1.0.0',
    sha256,
    env,
  }
  const call = (args: JsonObject, options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {}) =>
    callInstalled(orchestrator, {
      call: platform.newId(),
      owner: { kind: 'local', name: 'sandbox' },
      installed,
      arguments: args,
      desk: { tools: () => [], call: () => Promise.reject(new Error('no tool')) },
      ...options,
    })
  const ask = async (code: string, options: { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {}): Promise<unknown> => {
    const { isError, structuredContent, content } = await call({ function: code }, options)
    return isError ? (content[0]?.type === 'text' ? content[0].text : '') : (structuredContent as JsonObject)['value']
  }
  return { orchestrator, installed, call, ask }
}

const isAlive = (pid: unknown): boolean => {
  try {
    return !readFileSync(`/proc/${Number(pid)}/stat`, 'latin1').includes(') Z ')
  } catch {
    return false
  }
}
async function gone(pid: unknown): Promise<boolean> {
  for (let i = 0; i < 100 && isAlive(pid); i++) await delay(20)
  return !isAlive(pid)
}

describe('a call of an external library', () => {
  test('is one line of JSON-RPC 2.0, and so is the answer', async () => {
    const { call } = await puppet()
    const args = ['src/', 7, 1.5, true, null, { scope: { kind: 'folder', path: 'src/' } }]
    const { structuredContent } = await call({ function: 'ok({ String: line })', args, workspace: '/home/me/project' })
    const { value } = structuredContent as { value: string }
    expect(JSON.parse(value)).toEqual({
      jsonrpc: '2.0',
      method: 'library.call',
      params: {
        function: 'ok({ String: line })',
        args: [
          { String: 'src/' },
          { Int: 7 },
          { Float: 1.5 },
          { Bool: true },
          null,
          { Scope: { kind: { Folder: 'src/' }, paths: [], resolved: false } },
        ],
        workspace: '/home/me/project',
      },
      id: 1,
    })
  })

  test('keeps integers exact', async () => {
    const { ask } = await puppet()
    expect(await ask(`'{"jsonrpc":"2.0","result":{"Int":9007199254740993},"id":' + id + '}'`)).toEqual({ Int: '9007199254740993' })
  })

  test('is answered by one process, one request at a time', async () => {
    const { ask } = await puppet()
    const pids = await Promise.all([1, 2, 3].map(() => ask('ok({ List: [process.pid, calls] })')))
    const [first] = pids as number[][]
    expect(pids).toEqual([1, 2, 3].map((n) => [first![0], n]))
  })

  test('without a workspace has the directory that it runs in, where its package lies', async () => {
    const { call } = await puppet()
    const { structuredContent } = await call({ function: `ok([params.workspace, process.cwd(), process.argv[1]])` })
    const { value } = structuredContent as { value: string[] }
    expect(value[0]).toMatch(/tidepool-library-/)
    expect(value.slice(1)).toEqual([value[0], `${value[0]}/bin/puppet.mjs`])
  })

  test('of a check gives its result', async () => {
    const { call } = await puppet()
    const check = async (code: string) => {
      const { structuredContent, isError, content } = await call({ check: code })
      return isError ? content[0] : structuredContent
    }
    expect(await check(`method === 'library.check' ? ok({ Pass: null }) : ok({ Fail: method })`)).toEqual({ result: 'pass' })
    expect(await check(`ok({ Fail: 'no tests' })`)).toEqual({ result: 'fail', message: 'no tests' })
    expect(await check(`ok({ Error: 'cannot look' })`)).toEqual({ type: 'text', text: 'Cannot finish "puppet": cannot look' })
  })

  test('with arguments that are no values starts no process', async () => {
    const { call } = await puppet({ command: ['/nowhere/at/all'] })
    await expect(call({ function: 'f', args: [{ Int: 'x' }] })).rejects.toMatchObject({
      data: { btcpCode: 'INVALID_PARAMS', errors: [{ instancePath: '/args/0/Int', message: 'is no whole number' }] },
    })
  })
})

describe('its environment', () => {
  test('is PATH and what its user gave it, and nothing of ours', async () => {
    process.env['TIDEPOOL_TEST_SECRET'] = 'secret'
    try {
      const { ask } = await puppet({ env: { TOKEN: 't' } })
      expect(await ask('ok(JSON.stringify(env))')).toBe(JSON.stringify({ PATH: process.env['PATH'], TOKEN: 't' }))
    } finally {
      delete process.env['TIDEPOOL_TEST_SECRET']
    }
  })
})

describe('a library that breaks the rules', () => {
  const FAULTS: readonly (readonly [string, string, string])[] = [
    ['says what is no JSON', `'hello'`, 'it said what is no JSON-RPC: hello'],
    ['says JSON that is no object', `'[1]'`, 'it said what is no JSON-RPC: [1]'],
    ['answers another id', `JSON.stringify({ jsonrpc: '2.0', result: 1, id: 99 })`, 'it answered another request: id 99 instead of 1'],
    ['answers without an id', `JSON.stringify({ jsonrpc: '2.0', result: 1 })`, 'it answered another request: id undefined instead of 1'],
    ['has neither result nor error', `JSON.stringify({ jsonrpc: '2.0', id })`, 'its answer has neither result nor error'],
    [
      'gives what is no value',
      `ok({ What: 1 })`,
      'its result: it is no value of a library: it has none of the tags Bool, Int, Float, String, List, Scope',
    ],
    [
      'has an error object',
      `JSON.stringify({ jsonrpc: '2.0', error: { code: -32000, message: 'no such function' }, id })`,
      'no such function (-32000)',
    ],
    [
      'has an error for a request that it could not read',
      `JSON.stringify({ jsonrpc: '2.0', error: { message: 'what?' }, id: null })`,
      'what?',
    ],
    ['tells its error in the result', `ok({ Error: 'not today' })`, 'not today'],
    ['exits', `(console.error('oh dear'), process.exit(3))`, 'its process ended with status 3: oh dear'],
    ['is killed', `process.kill(process.pid, 'SIGSEGV')`, 'its process ended by SIGSEGV'],
    ['floods', `'x'.repeat(5_000_000)`, 'its answer is longer than a result may be (limit toolResultBytes)'],
  ]
  test.each(FAULTS)('%s: the call says so, and the next one is served', async (_what, code, reason) => {
    const { ask } = await puppet()
    expect(await ask(code)).toBe(`Cannot finish "puppet": ${reason}`)
    expect(await ask('ok(1)')).toBe(1)
  })

  test('blank lines and notifications are nothing', async () => {
    const { ask } = await puppet()
    expect(await ask(`'\\n{"jsonrpc":"2.0","method":"log","params":["x"]}\\n' + ok(5)`)).toBe(5)
  })

  test('an answer that nobody asked for ends it', async () => {
    const { ask } = await puppet()
    const pid = await ask(`(setTimeout(() => process.stdout.write('{"id":7}\\n'), 50), ok(process.pid))`)
    expect(await gone(pid)).toBe(true)
    expect(await ask('ok(calls)')).toBe(1)
  })

  test('a program that is not there is named', async () => {
    const { ask } = await puppet({ command: ['no-such-program-anywhere'] })
    expect(await ask('1')).toBe('Cannot finish "puppet": "no-such-program-anywhere" cannot be started: no such program')
  })

  test('a command that no system could start is refused', async () => {
    const { ask } = await puppet({ command: [process.execPath, 'a\0b'] })
    expect(await ask('1')).toBe(`Cannot finish "puppet": "${process.execPath}" cannot be started: ERR_INVALID_ARG_VALUE`)
  })

  test('a program of the package is run from there', async () => {
    const { ask } = await puppet({ command: ['./bin/puppet.mjs'], source: `#!${process.execPath}\n${PUPPET}` })
    expect(await ask('ok(calls)')).toBe(1)
  })
})

describe('its end', () => {
  test('comes at the deadline, with all that it has started', async () => {
    const { ask } = await puppet()
    const [pid, child] = (await ask(`ok([process.pid, (globalThis.child = spawn('sleep', ['60'])).pid])`)) as number[]
    await expect(ask('new Promise(() => {})', { timeoutMs: 300 })).rejects.toMatchObject({
      message: 'Cannot finish "puppet": the deadline has passed',
      data: { btcpCode: 'TIMEOUT', effects: 'unknown' },
    })
    expect([await gone(pid), await gone(child)]).toEqual([true, true])
    expect(await ask('ok(calls)')).toBe(1)
  })

  test('comes when its call is cancelled, while others wait for theirs', async () => {
    const { ask } = await puppet()
    const pid = await ask('ok(process.pid)')
    const controller = new AbortController()
    const running = ask('new Promise(() => {})', { signal: controller.signal })
    const waiting = ask('ok(calls)')
    await delay(200)
    controller.abort()
    await expect(running).rejects.toMatchObject({ data: { btcpCode: 'CANCELLED' } })
    expect([await waiting, await gone(pid)]).toEqual([1, true])
  })

  test('of a call that still waits leaves the one before alone', async () => {
    const { ask } = await puppet()
    const first = ask('new Promise((resolve) => setTimeout(() => resolve(ok(calls)), 600))')
    const second = ask('ok(0)', { timeoutMs: 100 })
    const third = ask('ok(calls)')
    await expect(second).rejects.toMatchObject({ data: { btcpCode: 'TIMEOUT' } })
    expect([await first, await third]).toEqual([1, 2])
  })

  test('comes when it was idle for long', async () => {
    const { ask } = await puppet({ limits: { externalIdleMs: 200 } })
    const pid = await ask('ok(process.pid)')
    expect(await gone(pid)).toBe(true)
    expect(await ask('ok(calls)')).toBe(1)
  })

  test('comes with the sandbox, and its directory goes', async () => {
    const { ask, orchestrator } = await puppet()
    const [pid, directory] = (await ask('ok([process.pid, process.cwd()])')) as [number, string]
    await orchestrator.dispose()
    expect(await gone(pid)).toBe(true)
    expect(() => readFileSync(`${directory}/bin/puppet.mjs`)).toThrow('ENOENT')
  })
})

describe('who may have one', () => {
  test('a host without external libraries says that they need Node', async () => {
    const { external: _none, ...platform } = nodePlatform({ mounts: [] })
    const orchestrator = new Orchestrator(platform)
    open.push(orchestrator)
    const { installed } = await puppet()
    await expect(
      callInstalled(orchestrator, {
        call: 'c',
        owner: { kind: 'local', name: 'sandbox' },
        installed,
        arguments: { function: 'f' },
        desk: { tools: () => [], call: () => Promise.reject(new Error('no tool')) },
      }),
    ).rejects.toMatchObject({
      message:
        'Cannot call "puppet": it is a program that runs outside of the sandbox, with all rights of its user; external libraries need Node, and do not run in the extension',
      data: { btcpCode: 'UNSUPPORTED', effects: 'none' },
    })
  })
})
