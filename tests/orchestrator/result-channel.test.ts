/** Descriptor 3 of a run, and what its programs ask for, against cells that lie. */
import { describe, expect, test } from 'vitest'
import { Orchestrator } from '../../src/orchestrator/orchestrator.ts'
import { BtcpError } from '../../src/protocol/error.ts'
import { limitsWith } from '../../src/protocol/limits.ts'
import type { Principal } from '../../src/protocol/principal.ts'
import { obedient, type Script, testPlatform } from './scripted-cell.ts'

const ME: Principal = { kind: 'local', name: 'test' }
const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const failureOf = async (promise: Promise<unknown>): Promise<string> => {
  const error: unknown = await promise.then(
    () => 'it resolved',
    (reason: unknown) => reason,
  )
  return error instanceof BtcpError ? error.message : String(error)
}
const onRun =
  (act: (call: string, cell: Parameters<Script>[1]) => void): Script =>
  (message, cell) => {
    if (message.t === 'run') act(message.call, cell)
    else obedient(message, cell)
  }

describe('a result channel', () => {
  test('gives what came on descriptor 3, apart from the output, and credits it', async () => {
    const platform = testPlatform(
      onRun((call, cell) => {
        cell.out(call, 'printed')
        cell.say({ t: 'out', call, fd: 3, bytes: encode('told') })
        cell.exit(call)
      }),
    )
    const orchestrator = new Orchestrator(platform)
    let told = ''
    const run = await orchestrator.run(ME, { argv: ['x'], result: (bytes) => (told += decode(bytes)) })
    expect([decode(run.stdout), told]).toEqual(['printed', 'told'])
    expect(platform.cells[0]!.heard.find(({ t }) => t === 'run')).toMatchObject({ result: true })
    expect(platform.cells[0]!.heard).toContainEqual({ t: 'credit', call: 'call-1', fd: 3, bytes: 4 })
    await orchestrator.dispose()
  })

  test('that nobody asked for ends the cell', async () => {
    const orchestrator = new Orchestrator(testPlatform(onRun((call, cell) => cell.say({ t: 'out', call, fd: 3, bytes: encode('told') }))))
    expect(await failureOf(orchestrator.run(ME, { argv: ['x'] }))).toBe(
      'Cannot finish the call: the cell sent more output than it had credit for',
    )
    await orchestrator.dispose()
  })
})

describe('a program that asks for a tool', () => {
  test('is answered by who started the run', async () => {
    const platform = testPlatform(
      onRun((call, cell) => {
        cell.say({ t: 'ask', req: 7, call, request: '{"tools":true}' })
        setTimeout(() => cell.exit(call), 20)
      }),
    )
    const orchestrator = new Orchestrator(platform)
    await orchestrator.run(ME, { argv: ['x'], ask: async (request) => `answer to ${request}` })
    expect(platform.cells[0]!.heard).toContainEqual({ t: 'reply', req: 7, answer: 'answer to {"tools":true}' })
    await orchestrator.dispose()
  })

  test('hears that there are none where a run has none, and nothing for a run that is not there', async () => {
    const platform = testPlatform(
      onRun((call, cell) => {
        cell.say({ t: 'ask', req: 1, call: 'another', request: '{}' })
        cell.say({ t: 'ask', req: 2, call, request: '{}' })
        setTimeout(() => cell.exit(call), 20)
      }),
    )
    const orchestrator = new Orchestrator(platform)
    await orchestrator.run(ME, { argv: ['x'] })
    expect(platform.cells[0]!.heard.filter(({ t }) => t === 'reply')).toEqual([
      { t: 'reply', req: 2, answer: '{"error":{"btcpCode":"UNSUPPORTED","message":"Cannot call a tool: there are none here"}}' },
    ])
    await orchestrator.dispose()
  })

  test('with more data than may wait is BUSY, and the others are answered', async () => {
    const platform = testPlatform(
      onRun((call, cell) => {
        for (let req = 1; req <= 3; req++) cell.say({ t: 'ask', req, call, request: 'x'.repeat(400) })
        setTimeout(() => cell.exit(call), 50)
      }),
    )
    const orchestrator = new Orchestrator(platform, { limits: limitsWith({ messageBytes: 500 }) })
    await orchestrator.run(ME, { argv: ['x'], ask: () => new Promise((resolve) => setTimeout(resolve, 20, 'done')) })
    const replies = platform.cells[0]!.heard.flatMap((message) => (message.t === 'reply' ? [message] : []))
    expect(Object.fromEntries(replies.map(({ req, answer }) => [req, answer]))).toEqual({
      1: 'done',
      2: 'done',
      3: '{"error":{"btcpCode":"BUSY","message":"Cannot call a tool: others wait with too much data (limit messageBytes)"}}',
    })
    await orchestrator.dispose()
  })

  test('a thousand times at once ends the cell', async () => {
    const flood = onRun((call, cell) => {
      for (let req = 0; req < 1_000; req++) cell.say({ t: 'ask', req, call, request: '{}' })
    })
    const orchestrator = new Orchestrator(testPlatform(flood))
    expect(await failureOf(orchestrator.run(ME, { argv: ['x'], ask: () => new Promise(() => {}) }))).toBe(
      'Cannot finish the call: the cell asks for too much at once',
    )
    await orchestrator.dispose()
  })
})
