import { afterEach, expect, test, vi } from 'vitest'
import type { Grant } from '../../src/protocol/capability.ts'
import { parseOrigin } from '../../src/protocol/principal.ts'

vi.mock('../../src/content/dom/read.ts', () => ({ pageText: () => ({ text: 'read', truncated: false }) }))
vi.mock('../../src/content/dom/query.ts', () => ({
  pageQuery: () => 0,
  exists: () => true,
  count: () => 2,
  text: () => 't',
  attribute: () => 'a',
  html: () => 'h',
}))
vi.mock('../../src/content/dom/act.ts', () => ({ click: () => true, setText: () => true }))
vi.mock('../../src/content/dom/storage.ts', () => ({
  areaOf: ({ area = 'local' }) => area,
  getItem: () => ({ value: null }),
  setItem: ({ key = '' }) => ({ area: 'local', key }),
}))
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
const { signal } = new AbortController()
const ask = (method: string, grants: readonly Grant[], more: object = {}): unknown => {
  try {
    return runDomImport(method, { principal, manifest: 'page', builtIn: true, call: 'c', grants, arguments: {}, ...more } as never, signal)
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

test('each import needs what its row says; writing is reading, too', () => {
  vi.stubGlobal('location', { origin })
  const holding = (capability: string) => [{ ...grant, capability } as Grant]
  for (const name of ['page_query', 'dom_query', 'dom_count', 'dom_text', 'dom_attr', 'dom_html']) {
    expect([name, ask(`dom/${name}`, holding('storage:local:write'))]).toEqual([name, 'CAPABILITY_DENIED'])
    expect([name, ask(`dom/${name}`, holding('dom:write'))]).not.toEqual([name, 'CAPABILITY_DENIED'])
  }
  for (const name of ['dom_set_text', 'dom_click']) {
    expect([name, ask(`dom/${name}`, holding('dom:read'))]).toEqual([name, 'CAPABILITY_DENIED'])
    expect([name, ask(`dom/${name}`, holding('dom:write'))]).toEqual([name, true])
  }
})

test('storage needs the area and the direction; a module names no area and means the local one', () => {
  vi.stubGlobal('location', { origin })
  const get = (capability: string, args: object) =>
    ask('dom/storage_get', [{ ...grant, capability } as Grant], { arguments: { key: 'k', ...args } })
  expect(get('storage:local:read', {})).toEqual({ value: null })
  expect(get('storage:local:read', { area: 'session' })).toBe('CAPABILITY_DENIED')
  expect(get('storage:session:write', { area: 'session' })).toEqual({ value: null })
  expect(ask('dom/storage_set', [{ ...grant, capability: 'storage:local:read' }], { arguments: { key: 'k' } })).toBe('CAPABILITY_DENIED')
})

test('a caveat about keys or a selector is held to what the import touches', () => {
  vi.stubGlobal('location', { origin })
  const held: Grant = { ...grant, capability: 'storage:local:write', caveats: { keys: ['mine'] } }
  expect(ask('dom/storage_set', [held], { arguments: { key: 'mine' } })).toEqual({ area: 'local', key: 'mine' })
  for (const key of ['__proto__', 'constructor', 'Mine', 5, undefined])
    expect(ask('dom/storage_set', [held], { arguments: { key } })).toBe('CAPABILITY_DENIED')
  const chosen: Grant = { ...grant, caveats: { selector: 'h1' } }
  expect(ask('dom/dom_text', [chosen], { arguments: { selector: 'h1' } })).toBe('t')
  expect(ask('dom/dom_text', [chosen], { arguments: { selector: 'h1 ' } })).toBe('CAPABILITY_DENIED')
})

test('T24 a tool has its own grants, and none of the site for which it was installed', () => {
  vi.stubGlobal('location', { origin })
  const tool = { kind: 'tool', owner: principal, tool: 'reader', sha256: 'a'.repeat(64) } as const
  const asked = { principal: tool, manifest: 'reader', builtIn: false }
  expect(ask('dom/dom_text', [grant], asked)).toBe('CAPABILITY_DENIED')
  expect(ask('dom/dom_text', [{ ...grant, principal: tool }], asked)).toBe('CAPABILITY_DENIED')
  expect(ask('dom/dom_text', [{ ...grant, principal: tool, manifest: 'reader' }], asked)).toBe('t')
  const changed = { ...asked, principal: { ...tool, sha256: 'b'.repeat(64) } }
  expect(ask('dom/dom_text', [{ ...grant, principal: tool, manifest: 'reader' }], changed)).toBe('CAPABILITY_DENIED')
  vi.stubGlobal('location', { origin: 'https://b.example' })
  expect(ask('dom/dom_text', [{ ...grant, principal: tool, manifest: 'reader' }], asked)).toBe('TAB_GONE')
})

test('a tool of a sandbox of this machine has no document', () => {
  vi.stubGlobal('location', { origin })
  const tool = { kind: 'tool', owner: { kind: 'local', name: 'x' }, tool: 'reader', sha256: 'a'.repeat(64) }
  expect(ask('dom/dom_text', [grant], { principal: tool })).toBe('TAB_GONE')
})
