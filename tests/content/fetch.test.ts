/** `http_fetch` in the document: how a request is sent, and what comes of each way in which it ends. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LIMITS } from '../../src/protocol/limits.ts'
import type { BtcpError } from '../../src/protocol/error.ts'

const ORIGIN = 'https://a.example'
const sent: { readonly url: string; readonly init: RequestInit }[] = []
let answer: (init: RequestInit) => Promise<Response>

vi.stubGlobal('fetch', async (url: string, init: RequestInit) => {
  sent.push({ url, init })
  return await answer(init)
})
const { httpFetch } = await import('../../src/content/dom/fetch.ts')
// The page's, from here on: nobody asks it.
vi.stubGlobal('fetch', () => {
  throw new Error('the page has it')
})

beforeEach(() => {
  vi.stubGlobal('location', { origin: ORIGIN })
  sent.length = 0
})
afterEach(() => vi.useRealTimers())

const fetching = async (request: object, signal = new AbortController().signal): Promise<unknown> => {
  const value = await httpFetch({ request: JSON.stringify(request) }, signal).catch((error: BtcpError) => error.data)
  return typeof value === 'string' ? JSON.parse(value) : value
}
const until = async ({ signal }: RequestInit): Promise<never> =>
  await new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)))

test('it is sent to the document’s own origin, follows nothing, and leaves the cache alone', async () => {
  answer = async () => new Response('hello', { status: 201, headers: { 'x-a': 'b' } })
  expect(await fetching({ url: '/x', method: 'PUT', headers: { 'X-Mine': '1' }, body: 'y' })).toEqual({
    status: 201,
    headers: { 'content-type': 'text/plain;charset=UTF-8', 'x-a': 'b' },
    body: 'hello',
  })
  expect(sent).toMatchObject([
    {
      url: `${ORIGIN}/x`,
      init: {
        method: 'PUT',
        headers: [['X-Mine', '1']],
        body: 'y',
        mode: 'same-origin',
        credentials: 'same-origin',
        redirect: 'manual',
        cache: 'no-store',
        referrerPolicy: 'strict-origin',
      },
    },
  ])
})

test('nothing is sent to another origin', async () => {
  expect(await fetching({ url: 'https://b.example/' })).toMatchObject({ btcpCode: 'UNSUPPORTED', effects: 'none' })
  expect(await fetching({ url: '//b.example/' })).toMatchObject({ btcpCode: 'INVALID_PARAMS' })
  expect(sent).toEqual([])
})

test('a redirect and a server that is down are no such thing, with the reason', async () => {
  answer = async () => Object.defineProperty(new Response(null), 'type', { value: 'opaqueredirect' })
  expect(await fetching({ url: '/x' })).toEqual({
    nothing: `Cannot fetch "${ORIGIN}/x": the server answers with a redirect, and none is followed`,
  })
  answer = async () => {
    throw new TypeError('Failed to fetch')
  }
  expect(await fetching({ url: '/x' })).toEqual({
    nothing: `Cannot fetch "${ORIGIN}/x": the server cannot be reached, or its answer broke off`,
  })
})

test('bytes that are no UTF-8 are base64; a mark of their order stays', async () => {
  answer = async () => new Response(new Uint8Array([0xc3, 0x28]))
  expect(await fetching({ url: '/x' })).toEqual({ status: 200, headers: {}, body: 'wyg=', encoding: 'base64' })
  answer = async () => new Response(new Uint8Array([0xef, 0xbb, 0xbf, 0x61]))
  expect(await fetching({ url: '/x' })).toEqual({ status: 200, headers: {}, body: '\ufeffa' })
})

test('an answer that is too long is ended where it is', async () => {
  let parts = 0
  let isCancelled = false
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      parts += 1
      controller.enqueue(new Uint8Array(1024 * 1024))
    },
    cancel: () => void (isCancelled = true),
  })
  answer = async () => new Response(endless)
  expect(await fetching({ url: '/x' })).toMatchObject({ limit: 'toolImportBytes', effects: 'unknown' })
  expect([parts < 16, isCancelled]).toEqual([true, true])
  // It fits as bytes, and not as the JSON that a tool gets.
  answer = async () => new Response(new Uint8Array(LIMITS.toolImportBytes - 1).fill(1))
  expect(await fetching({ url: '/x' })).toMatchObject({ limit: 'toolImportBytes' })
})

test('the call that ends and the deadline both end the request', async () => {
  answer = until
  const ended = new AbortController()
  const waiting = fetching({ url: '/x' }, ended.signal)
  ended.abort()
  expect(await waiting).toMatchObject({ btcpCode: 'CANCELLED', effects: 'unknown' })
  expect(sent[0]?.init.signal?.aborted).toBe(true)
  const timeout = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => AbortSignal.abort(new DOMException('late', 'TimeoutError')))
  answer = async ({ signal }) => {
    signal?.throwIfAborted()
    return new Response()
  }
  expect(await fetching({ url: '/x' })).toMatchObject({ btcpCode: 'TIMEOUT' })
  expect(timeout).toHaveBeenCalledWith(LIMITS.toolFetchMs)
  timeout.mockRestore()
})
