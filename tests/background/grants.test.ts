import { beforeEach, expect, test, vi } from 'vitest'
import type { Capability } from '../../src/protocol/capability.ts'
import { parseOrigin } from '../../src/protocol/principal.ts'

/** What the browser keeps: it outlives the service worker, whose modules are loaded anew for each test. */
const kept = { local: new Map<string, unknown>(), session: new Map<string, unknown>() }
const area = (rows: Map<string, unknown>) => ({
  get: async (key: string) => (rows.has(key) ? { [key]: structuredClone(rows.get(key)) } : {}),
  set: async (values: object) => {
    for (const [key, value] of Object.entries(values)) rows.set(key, structuredClone(value))
  },
})
vi.mock('webextension-polyfill', () => ({ default: { storage: { local: area(kept.local), session: area(kept.session) } } }))

const origin = parseOrigin('https://a.example')!
const load = async () => {
  vi.resetModules()
  return await import('../../src/background/grants.ts')
}
type Grants = Awaited<ReturnType<typeof load>>
const request = (grants: Grants, call: string, ...capabilities: Capability[]) => ({
  principal: grants.siteOf(origin),
  manifest: 'page',
  builtIn: true,
  call,
  capabilities,
  now: Date.now(),
})
const allowed = async (grants: Grants, call: string, ...capabilities: Capability[]): Promise<boolean> =>
  (await grants.take(origin, request(grants, call, ...capabilities))).decision.allow

beforeEach(() => {
  kept.local.clear()
  kept.session.clear()
})

test('nothing is held until it is given', async () => {
  const grants = await load()
  expect(await allowed(grants, 'c', 'dom:read')).toBe(false)
  expect(await grants.snapshotOf(origin)).toEqual({ epoch: 0, grants: [], tools: [] })
})

test('once serves one call, whatever comes at the same time', async () => {
  const grants = await load()
  await grants.grant(origin, ['dom:read'], 'once')
  const outcomes = await Promise.all(['a', 'b', 'c'].map(async (call) => await allowed(grants, call, 'dom:read')))
  expect(outcomes).toEqual([true, false, false])
  expect(await grants.release(origin, 'a')).toBe(true)
  expect((await grants.snapshotOf(origin)).grants).toEqual([])
})

test('once that was not used stands when the service worker is stopped; a call that held it is dead, and so is the grant', async () => {
  let grants = await load()
  await grants.grant(origin, ['dom:read'], 'once')
  grants = await load()
  expect(await allowed(grants, 'a', 'dom:read')).toBe(true)
  grants = await load()
  expect(await allowed(grants, 'b', 'dom:read')).toBe(false)
})

test('T112 session goes with the browser, always stays', async () => {
  let grants = await load()
  await grants.grant(origin, ['dom:read'], 'session')
  await grants.grant(origin, ['shell:run'], 'always')
  grants = await load()
  expect([await allowed(grants, 'a', 'dom:read'), await allowed(grants, 'a', 'shell:run')]).toEqual([true, true])
  kept.session.clear()
  grants = await load()
  expect([await allowed(grants, 'a', 'dom:read'), await allowed(grants, 'a', 'shell:run')]).toEqual([false, true])
})

test('each change of rights raises the epoch, a call that takes one does not', async () => {
  const grants = await load()
  await grants.grant(origin, ['dom:read', 'shell:run'], 'once')
  await grants.take(origin, request(grants, 'a', 'dom:read'))
  expect((await grants.snapshotOf(origin)).epoch).toBe(1)
  await grants.revoke(origin, ['shell:run'])
  expect((await grants.snapshotOf(origin)).epoch).toBe(2)
})

test('giving again replaces, and the switch turned off drops what was for now', async () => {
  const grants = await load()
  await grants.grant(origin, ['dom:read'], 'session')
  await grants.grant(origin, ['dom:read'], 'always')
  await grants.grant(origin, ['shell:run'], 'session')
  await grants.dropPassing(origin)
  expect((await grants.snapshotOf(origin)).grants.map(({ capability, duration }) => [capability, duration])).toEqual([
    ['dom:read', 'always'],
  ])
})

test('rows that are no grants are dropped when they are read', async () => {
  kept.local.set(`grants ${origin}`, [null, 7, { capability: 'root' }, { capability: 'dom:read' }])
  const grants = await load()
  expect((await grants.snapshotOf(origin)).grants).toEqual([])
})
