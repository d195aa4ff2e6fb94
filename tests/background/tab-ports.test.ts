import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test, vi } from 'vitest'
import { portsOf, TabPort, type Incoming } from '../../src/background/tab-ports.ts'
import type { BtcpError } from '../../src/protocol/error.ts'
import type { JsonValue } from '../../src/protocol/parse.ts'
import { parseOrigin } from '../../src/protocol/principal.ts'
import { ScriptedTransport } from '../support/scripted-transport.ts'

const origin = parseOrigin('https://a.example')!
const caller = { origin, tabId: 1, documentId: 'D' }
const call = (id: number) => ({ jsonrpc: '2.0', id, method: 'ping', params: {} })
const open = (answer: (incoming: Incoming) => Promise<JsonValue>): { port: TabPort; page: ScriptedTransport } => {
  const page = new ScriptedTransport()
  return { port: new TabPort(caller, page, answer), page }
}
const settle = async (): Promise<void> => await sleep(5)

test('an answer goes to the Port of its request and to no other', async () => {
  const one = open(async () => 'one')
  const other = open(async () => 'other')
  one.page.say(call(1))
  await settle()
  expect(one.page.sent).toEqual([{ jsonrpc: '2.0', id: 1, result: 'one' }])
  expect(other.page.sent).toEqual([])
})

test('T15 an id is used once', async () => {
  const { page } = open(async () => 'done')
  page.say(call(4))
  page.say(call(4))
  page.say(call(3))
  await settle()
  expect(page.sent.map((message) => (message as { error?: { message: string } }).error?.message)).toEqual([
    'Cannot run "ping": duplicate id 4',
    'Cannot run "ping": duplicate id 3',
    undefined,
  ])
})

test('T16 T17 an answer that nobody waits for, or that comes too late, changes nothing', async () => {
  const { port, page } = open(async () => 'done')
  page.say({ jsonrpc: '2.0', id: 1, result: 'forged' })
  const late = port.runInDocument('page_text', {}, AbortSignal.timeout(20))
  await expect(late).rejects.toThrow('timeout')
  page.say({ jsonrpc: '2.0', id: 1, result: 'late' })
  const next = port.runInDocument('page_text', {}, AbortSignal.timeout(1_000))
  page.say({ jsonrpc: '2.0', id: 1, result: 'again' })
  page.say({ jsonrpc: '2.0', id: 2, result: 'right' })
  expect(await next).toBe('right')
})

test('a document is told that nobody waits for its import any more', async () => {
  const { port, page } = open(async () => 'done')
  const ended = new AbortController()
  const waiting = port.runInDocument('http_fetch', {}, ended.signal)
  ended.abort(new Error('the call has ended'))
  await expect(waiting).rejects.toThrow('the call has ended')
  expect(page.sent).toMatchObject([
    { id: 1, method: 'dom/http_fetch' },
    { method: 'notifications/cancelled', params: { requestId: 1 } },
  ])
})

test('T18 a document that is gone ends its imports and its calls, and gets no answer', async () => {
  let reason: unknown
  const { port, page } = open(
    async ({ signal }) =>
      await new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason
          resolve('too late')
        })
      }),
  )
  const asked = port.runInDocument('page_text', {}, AbortSignal.timeout(1_000))
  page.say(call(1))
  page.drop()
  await expect(asked).rejects.toMatchObject({ data: { btcpCode: 'TAB_GONE' } })
  await settle()
  expect((reason as BtcpError).data.btcpCode).toBe('TAB_GONE')
  expect(page.sent).toEqual([{ jsonrpc: '2.0', id: 1, method: 'dom/page_text', params: { sent: expect.any(Number) } }])
  await expect(port.runInDocument('page_text', {}, AbortSignal.timeout(1_000))).rejects.toMatchObject({ data: { btcpCode: 'TAB_GONE' } })
  expect(portsOf(origin)).not.toContain(port)
})

test('T02 a page that says nothing but noise loses its Port', async () => {
  vi.spyOn(console, 'warn').mockReturnValue()
  const { port, page } = open(async () => 'done')
  for (let i = 0; i < 100; i += 1) page.say({ noise: i })
  expect(page.closed).toBe(true)
  expect(portsOf(origin)).not.toContain(port)
})

test('a route that fails by itself says nothing of our inside', async () => {
  vi.spyOn(console, 'error').mockReturnValue()
  const { page } = open(async () => await Promise.reject(new TypeError('secret at /src/background/x.ts')))
  page.say(call(1))
  await settle()
  expect(page.sent).toEqual([
    {
      jsonrpc: '2.0',
      id: 1,
      error: { code: -32603, message: 'Cannot answer: something failed inside the extension', data: { btcpCode: 'INTERNAL_ERROR' } },
    },
  ])
})

test('the page cancels its own call', async () => {
  const { page } = open(
    async ({ signal }) => await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
  )
  page.say(call(1))
  page.say({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
  await settle()
  expect(page.sent).toMatchObject([{ id: 1, error: { data: { btcpCode: 'CANCELLED' } } }])
})

test('switched off, calls end with a word and the Port is closed', async () => {
  const { port, page } = open(
    async ({ signal }) => await new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
  )
  page.say(call(1))
  port.switchOff()
  await settle()
  expect(page.sent).toMatchObject([{ method: 'notifications/off' }])
  expect(page.closed).toBe(true)
})
