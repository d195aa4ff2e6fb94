import { expect, test } from 'vitest'
import { isOwnPage, parseCaller, type Sender } from '../../src/background/sender.ts'

const SELF = 'abcdefghijklmnopabcdefghijklmnop'
const PAGE: Sender = { id: SELF, origin: 'https://a.example', frameId: 0, documentId: 'D1', documentLifecycle: 'active', tab: { id: 5 } }
const reason = (sender: Sender | undefined): string | undefined => {
  const sent = parseCaller(sender, SELF)
  return sent.ok ? undefined : sent.reason
}

test('a caller is what the browser says of the top document of a tab', () => {
  expect(parseCaller(PAGE, SELF)).toEqual({ ok: true, caller: { origin: 'https://a.example', tabId: 5, documentId: 'D1' } })
})

test('T03 the origin counts, whatever address the tab shows, and a sub-frame is refused', () => {
  const framed = { ...PAGE, url: 'https://bank.example/', tab: { id: 5, url: 'https://bank.example/' } }
  expect(parseCaller(framed, SELF)).toMatchObject({ caller: { origin: 'https://a.example' } })
  expect(reason({ ...PAGE, frameId: 3 })).toBe('a sub-frame')
})

test('T04 an opaque origin is refused, and every other that can have no grants', () => {
  for (const origin of [
    'null',
    '',
    undefined,
    'file://',
    'data:',
    'http://a.example',
    'https://a.example/',
    'chrome-extension://x',
    'about:blank',
    'https://A.example',
  ])
    expect([origin, reason({ ...PAGE, origin })]).toEqual([origin, 'an origin that can have no grants'])
})

test('T05 another extension, and a sender without a document, are refused', () => {
  expect(reason({ ...PAGE, id: 'ponmlkjihgfedcbaponmlkjihgfedcba' })).toBe('another extension')
  expect(reason(undefined)).toBe('another extension')
  expect(reason({ ...PAGE, documentId: undefined })).toBe('no document of a tab')
  expect(reason({ ...PAGE, tab: undefined })).toBe('no document of a tab')
})

test('T19 a document that is prerendered or cached is refused', () => {
  for (const documentLifecycle of ['prerender', 'cached', 'pending_deletion'])
    expect(reason({ ...PAGE, documentLifecycle })).toBe('a document that is not shown')
})

test('our own pages are known by their address, to the letter', () => {
  const base = `chrome-extension://${SELF}/`
  const own = (url: string, origin = `chrome-extension://${SELF}`): boolean =>
    isOwnPage({ id: SELF, origin, url }, SELF, base, ['src/popup/index.html'])
  expect(own(`${base}src/popup/index.html`)).toBe(true)
  expect(own(`${base}src/popup/index.html?x`)).toBe(true)
  expect(own(`${base}src/popup/index.html.evil`)).toBe(false)
  expect(own(`${base}src/sandbox/frame/index.html`)).toBe(false)
  expect(own(`${base}src/popup/index.html`, 'null')).toBe(false)
  expect(own(`${base}src/popup/index.html`, 'https://a.example')).toBe(false)
})
