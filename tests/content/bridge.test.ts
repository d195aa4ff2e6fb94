import { expect, test, vi } from 'vitest'
import type { Message } from '../../src/protocol/message.ts'
import { ScriptedTransport } from '../support/scripted-transport.ts'

/** The imports that wait, by their name. */
const waiting = new Map<string, AbortSignal>()
vi.mock('../../src/content/dom/imports.ts', () => ({
  runDomImport: async (method: string, _: unknown, signal: AbortSignal) => {
    if (method !== 'dom/http_fetch') return `ran ${method}`
    waiting.set(method, signal)
    return await new Promise((resolve) => signal.addEventListener('abort', () => resolve('ended')))
  },
}))
const { Bridge } = await import('../../src/content/bridge.ts')

interface Stage {
  readonly bridge: InstanceType<typeof Bridge>
  /** what the page has heard */
  readonly page: Message[]
  /** the Ports that were opened, in order */
  readonly ports: ScriptedTransport[]
}
function stage(isGone = (): boolean => false): Stage {
  const page: Message[] = []
  const ports: ScriptedTransport[] = []
  const bridge = new Bridge(
    (message) => page.push(message),
    () => {
      if (isGone()) throw new Error('Extension context invalidated.')
      const port = new ScriptedTransport()
      ports.push(port)
      return port
    },
  )
  return { bridge, page, ports }
}
const call = (id: number) => ({ jsonrpc: '2.0', id, method: 'tools/call', params: {} })
const error = (id: number, btcpCode: string, effects: string) => ({ id, error: { data: { btcpCode, effects } } })

test('a request opens the Port, and its answer comes back', () => {
  const { bridge, page, ports } = stage()
  bridge.fromPage(call(1))
  expect(ports[0]?.sent).toEqual([call(1)])
  ports[0]?.say({ jsonrpc: '2.0', id: 1, result: 'x' })
  expect(page).toEqual([{ jsonrpc: '2.0', id: 1, result: 'x' }])
})

test('T17 an answer that comes twice, or for nobody, is dropped', () => {
  const { bridge, page, ports } = stage()
  bridge.fromPage(call(1))
  for (const id of [2, 1, 1]) ports[0]?.say({ jsonrpc: '2.0', id, result: id })
  expect(page).toEqual([{ jsonrpc: '2.0', id: 1, result: 1 }])
})

test('T109 when the service worker dies, a call that had not begun has had no effect, and one that had may have', () => {
  const { bridge, page, ports } = stage()
  bridge.fromPage(call(1))
  bridge.fromPage(call(2))
  ports[0]?.say({ jsonrpc: '2.0', method: 'notifications/started', params: { requestId: 2 } })
  ports[0]?.drop()
  expect(page).toMatchObject([
    error(1, 'DISCONNECTED', 'none'),
    error(2, 'DISCONNECTED', 'unknown'),
    { method: 'notifications/disconnected' },
    { method: 'notifications/connected' },
  ])
  expect(ports[1]?.sent).toEqual([])
  bridge.fromPage(call(3))
  expect(ports[1]?.sent).toEqual([call(3)])
})

test('a Port that is lost while nothing runs is opened again by the next request, not before', () => {
  const { bridge, ports } = stage()
  bridge.fromPage(call(1))
  ports[0]?.say({ jsonrpc: '2.0', id: 1, result: 'x' })
  ports[0]?.drop()
  expect(ports.length).toBe(1)
  bridge.fromPage(call(2))
  expect(ports[1]?.sent).toEqual([call(2)])
})

test('T22 a document that is left ends its calls, and connects anew when it comes back', () => {
  const { bridge, page, ports } = stage()
  bridge.fromPage(call(1))
  bridge.leave()
  expect(page).toMatchObject([error(1, 'TAB_GONE', 'none')])
  ports[0]?.say({ jsonrpc: '2.0', id: 1, result: 'late' })
  expect(page.length).toBe(1)
  bridge.fromPage(call(2))
  expect(ports[1]?.sent).toEqual([call(2)])
})

test('T110 an extension that was updated or removed ends calls with a word', () => {
  const { bridge, page } = stage(() => true)
  bridge.fromPage(call(1))
  expect(page).toMatchObject([error(1, 'DISCONNECTED', 'none')])
})

test('T15 an id is used once', () => {
  const { bridge, page, ports } = stage()
  bridge.fromPage(call(2))
  bridge.fromPage(call(2))
  bridge.fromPage(call(1))
  expect(page).toMatchObject([
    { id: 2, error: { data: { btcpCode: 'INVALID_REQUEST' } } },
    { id: 1, error: { data: { btcpCode: 'INVALID_REQUEST' } } },
  ])
  expect(ports[0]?.sent.length).toBe(1)
})

test('switched off, nothing leaves the page any more until it is switched on', () => {
  const { bridge, page, ports } = stage()
  bridge.fromPage(call(1))
  ports[0]?.say({ jsonrpc: '2.0', method: 'notifications/off', params: {} })
  bridge.fromPage(call(2))
  expect(page).toMatchObject([
    error(1, 'CAPABILITY_DENIED', 'none'),
    { method: 'notifications/disconnected' },
    error(2, 'CAPABILITY_DENIED', 'none'),
  ])
  expect(ports.length).toBe(1)
  bridge.connect()
  bridge.fromPage(call(3))
  expect(ports[1]?.sent).toEqual([call(3)])
})

test('the service worker asks this document, and the answer goes back on the same Port', async () => {
  const { bridge, ports } = stage()
  bridge.connect()
  ports[0]?.say({ jsonrpc: '2.0', id: 9, method: 'dom/page_text', params: {} })
  await vi.waitFor(() => expect(ports[0]?.sent).toEqual([{ jsonrpc: '2.0', id: 9, result: 'ran dom/page_text' }]))
})

test('an import that waits is ended when its call is, and the page hears nothing of it', async () => {
  const { bridge, page, ports } = stage()
  bridge.connect()
  ports[0]?.say({ jsonrpc: '2.0', id: 9, method: 'dom/http_fetch', params: {} })
  ports[0]?.say({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 8 } })
  expect(waiting.get('dom/http_fetch')?.aborted).toBe(false)
  ports[0]?.say({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 9 } })
  expect(waiting.get('dom/http_fetch')?.aborted).toBe(true)
  await vi.waitFor(() => expect(ports[0]?.sent).toEqual([{ jsonrpc: '2.0', id: 9, result: 'ended' }]))
  expect(page).toMatchObject([{ method: 'notifications/connected' }])
})

test('an import that waits is ended when the document is left, switched off, or its Port is lost, and answers nobody', async () => {
  const ends: readonly ((stage: Stage) => void)[] = [
    ({ bridge }) => bridge.leave(),
    ({ ports }) => ports[0]?.say({ jsonrpc: '2.0', method: 'notifications/off', params: {} }),
    ({ ports }) => ports[0]?.drop(),
  ]
  for (const end of ends) {
    const one = stage()
    one.bridge.connect()
    one.ports[0]?.say({ jsonrpc: '2.0', id: 1, method: 'dom/http_fetch', params: {} })
    end(one)
    expect(waiting.get('dom/http_fetch')?.aborted).toBe(true)
    one.bridge.connect()
    await new Promise((resolve) => setTimeout(resolve))
    expect(one.ports.map((port) => port.sent)).toEqual([[], []])
  }
})

test('T24 an import that comes late, and was given up meanwhile, is not carried out; one that was not is', async () => {
  const { bridge, ports } = stage()
  bridge.fromPage(call(1))
  const sent = Date.now() - 3_000
  for (const id of [7, 8]) ports[0]?.say({ jsonrpc: '2.0', id, method: 'dom/dom_set_text', params: { sent } })
  ports[0]?.say({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 7 } })
  await vi.waitFor(() => expect(ports[0]?.sent.at(-1)).toEqual({ jsonrpc: '2.0', id: 8, result: 'ran dom/dom_set_text' }))
  expect(ports[0]?.sent).not.toContainEqual(expect.objectContaining({ id: 7 }))
})
