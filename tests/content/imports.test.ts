import { afterEach, expect, test, vi } from 'vitest'
import type { Grant } from '../../src/protocol/capability.ts'
import { parseOrigin } from '../../src/protocol/principal.ts'

vi.mock('../../src/content/dom/read.ts', () => ({ pageText: () => ({ text: 'read', truncated: false }) }))
const { runDomImport } = await import('../../src/content/dom/imports.ts')

const origin = parseOrigin('https://a.example')!
const principal = { kind: 'site', origin } as const
const grant: Grant = {
  id: 'g',
  principal,
  manifest: '*',
  capability: 'dom:read',
  caveats: {},
  duration: 'session',
  grantedAt: 0,
  taken: 0,
  boundTo: [],
}
const ask = (method: string, grants: readonly Grant[]): unknown => {
  try {
    return runDomImport(method, { principal, manifest: 'page', call: 'c', grants, arguments: {} } as never)
  } catch (error) {
    return (error as { data: { btcpCode: string } }).data.btcpCode
  }
}

afterEach(() => vi.unstubAllGlobals())

test('a document runs what is about itself and granted', () => {
  vi.stubGlobal('location', { origin })
  expect(ask('dom/page_text', [grant])).toEqual({ text: 'read', truncated: false })
})

test('T21 a document of another origin runs nothing, whoever asks', () => {
  vi.stubGlobal('location', { origin: 'https://b.example' })
  expect(ask('dom/page_text', [grant])).toBe('TAB_GONE')
})

test('T24 the third gate asks decide itself', () => {
  vi.stubGlobal('location', { origin })
  expect(ask('dom/page_text', [])).toBe('CAPABILITY_DENIED')
  expect(ask('dom/page_text', [{ ...grant, capability: 'vfs:read' }])).toBe('CAPABILITY_DENIED')
  expect(ask('dom/page_text', [{ ...grant, duration: 'once', taken: 1, boundTo: ['another'] }])).toBe('CAPABILITY_DENIED')
})

test('there is no import but those of the table', () => {
  vi.stubGlobal('location', { origin })
  for (const name of ['constructor', '__proto__', 'toString', 'page_click']) expect(ask(`dom/${name}`, [grant])).toBe('METHOD_NOT_FOUND')
})
