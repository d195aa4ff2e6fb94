/** `decide`: what a grant allows, and everything else that it does not. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  bindGrants,
  CAPABILITIES,
  type Capability,
  type CapabilityRequest,
  decide,
  type Grant,
  offeredCapabilities,
  parseCapability,
  releaseGrants,
} from '../../src/protocol/capability.ts'
import { parseOrigin, type Principal } from '../../src/protocol/principal.ts'

const site = (origin: string): Principal => ({ kind: 'site', origin: parseOrigin(origin)! })
const A = site('https://a.example')
const B = site('https://b.example')

const grant = (capability: Capability, more: Partial<Grant> = {}): Grant => ({
  id: `${capability} ${JSON.stringify(more.caveats ?? {})} ${more.duration ?? ''}`,
  principal: A,
  manifest: '*',
  capability,
  caveats: {},
  duration: 'session',
  grantedAt: 0,
  taken: 0,
  boundTo: [],
  ...more,
})
const request = (capabilities: Capability[], more: Partial<CapabilityRequest> = {}): CapabilityRequest => ({
  principal: A,
  manifest: 'computer',
  builtIn: true,
  call: 'call-1',
  capabilities,
  now: 1_000,
  ...more,
})
const allows = (grants: Grant[], asked: CapabilityRequest): boolean => decide(grants, asked).allow

describe('decide', () => {
  test('denies by default and names each missing capability once', () => {
    expect(decide([], request(['shell:run', 'vfs:read', 'shell:run']))).toEqual({ allow: false, missing: ['shell:run', 'vfs:read'] })
  })
  test('allows what is granted', () => {
    const held = grant('shell:run')
    expect(decide([held], request(['shell:run']))).toEqual({ allow: true, uses: [held] })
  })
  test('does not carry a grant over to another principal', () => {
    expect(allows([grant('shell:run')], request(['shell:run'], { principal: B }))).toBe(false)
    const tool: Principal = { kind: 'tool', owner: { kind: 'site', origin: parseOrigin('https://a.example')! }, tool: 'x', sha256: '00' }
    expect(allows([grant('shell:run')], request(['shell:run'], { principal: tool }))).toBe(false)
  })
  test('takes a grant to * for the built-in manifests only', () => {
    expect(allows([grant('shell:run')], request(['shell:run'], { builtIn: false, manifest: 'page.mine' }))).toBe(false)
    expect(allows([grant('shell:run', { manifest: 'page' })], request(['shell:run']))).toBe(false)
    expect(allows([grant('shell:run', { manifest: 'computer' })], request(['shell:run']))).toBe(true)
  })
  test('ends a grant at its expiry, to the millisecond', () => {
    const held = grant('shell:run', { expiresAt: 1_000 })
    expect(allows([held], request(['shell:run'], { now: 999 }))).toBe(true)
    expect(allows([held], request(['shell:run'], { now: 1_000 }))).toBe(false)
    expect(allows([held], request(['shell:run'], { now: Number.NaN }))).toBe(false)
  })
  test('denies what this host does not offer, also when a grant says otherwise', () => {
    expect(allows([grant('clipboard:read')], request(['clipboard:read']))).toBe(false)
    expect(
      allows([grant('network:fetch:cross-origin', { caveats: { hosts: ['a.example'] } })], request(['network:fetch:same-origin'])),
    ).toBe(false)
  })
  test('takes the right to write for the right to read the same, and not the other way', () => {
    expect(allows([grant('dom:write')], request(['dom:read']))).toBe(true)
    expect(allows([grant('dom:read')], request(['dom:write']))).toBe(false)
    expect(allows([grant('storage:local:write')], request(['storage:local:read']))).toBe(true)
    expect(allows([grant('storage:local:write')], request(['storage:session:read']))).toBe(false)
  })
  test('knows no capability by a name from a prototype', () => {
    for (const name of ['__proto__', 'constructor', 'toString', 'shell:*', 'SHELL:RUN', '', 7])
      expect(parseCapability(name)).toBeUndefined()
    const forged = { ...grant('shell:run'), capability: 'constructor' as Capability }
    expect(allows([forged], request(['constructor' as Capability]))).toBe(false)
  })
  test('holds a path caveat: what is at and below it, and nothing that only looks so', () => {
    const held = grant('vfs:read', { caveats: { path: '/home/user/data' } })
    const at = (path?: string): boolean => allows([held], request(['vfs:read'], path === undefined ? {} : { subject: { path } }))
    expect([at('/home/user/data'), at('/home/user/data/a/b'), at('/home/user/data/')]).toEqual([true, true, true])
    expect([at(), at('/home/user/database'), at('/home/user'), at('data'), at('/home/user/data/../x'), at('/home/user/data//x')]).toEqual([
      false,
      false,
      false,
      false,
      false,
      false,
    ])
  })
  test('holds the other caveats to the letter', () => {
    const held = grant('dom:read', { caveats: { selector: 'table', hosts: ['a.example'] } })
    expect(allows([held], request(['dom:read'], { subject: { selector: 'table', host: 'a.example' } }))).toBe(true)
    expect(allows([held], request(['dom:read'], { subject: { selector: 'table' } }))).toBe(false)
    expect(allows([held], request(['dom:read'], { subject: { selector: 'table td', host: 'a.example' } }))).toBe(false)
    expect(allows([held], request(['dom:read'], { subject: { selector: 'table', host: 'b.a.example' } }))).toBe(false)
    const keyed = grant('vfs:read', { caveats: { keys: ['k'] } })
    expect(allows([keyed], request(['vfs:read'], { subject: { key: '__proto__' } }))).toBe(false)
  })
  test('is total: whatever it is given, it answers and never allows a capability that no grant names', () => {
    const names = Object.keys(CAPABILITIES) as Capability[]
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom(...names), { maxLength: 5 }),
        fc.array(fc.constantFrom(...names), { maxLength: 5 }),
        (held, asked) => {
          const decision = decide(
            held.map((name) => grant(name)),
            request(asked),
          )
          const reach = new Set(
            held.flatMap((name) => [name, ...((CAPABILITIES as Record<string, { implies?: readonly string[] }>)[name]!.implies ?? [])]),
          )
          const offered = new Set<string>(offeredCapabilities())
          if (decision.allow) expect(asked.every((name) => reach.has(name) && offered.has(name))).toBe(true)
          else expect(decision.missing.length).toBeGreaterThan(0)
        },
      ),
    )
  })
})

describe('a grant for once', () => {
  const once = grant('shell:run', { duration: 'once' })
  const asked = request(['shell:run'])

  test('is taken by the next call and holds for all that this call asks', () => {
    const decision = decide([once], asked)
    const bound = bindGrants([once], decision.allow ? decision.uses : [], 'call-1')
    expect(bound).toEqual([{ ...once, taken: 1, boundTo: ['call-1'] }])
    expect(allows([...bound], asked)).toBe(true)
    expect(allows([...bound], request(['shell:run'], { call: 'call-2' }))).toBe(false)
  })
  test('is gone when its call has ended', () => {
    const bound = bindGrants([once], [once], 'call-1')
    expect(releaseGrants(bound, 'call-2')).toBe(bound)
    expect(releaseGrants(bound, 'call-1')).toEqual([])
  })
  test('is spared while a standing grant carries the call', () => {
    const standing = grant('shell:run')
    expect(decide([once, standing], asked)).toEqual({ allow: true, uses: [standing] })
    expect(bindGrants([once, standing], [standing], 'call-1')).toEqual([once, standing])
  })
  test('is bound once, however often it is asked', () => {
    const bound = bindGrants([once], [once], 'call-1')
    expect(bindGrants(bound, [...bound], 'call-1')).toEqual(bound)
  })
})

test('a grant of three calls is used up by three', () => {
  let grants: readonly Grant[] = [grant('shell:run', { caveats: { maxCalls: 3 } })]
  for (const call of ['a', 'b', 'c']) {
    const decision = decide(grants, request(['shell:run'], { call }))
    expect(decision.allow).toBe(true)
    grants = releaseGrants(bindGrants(grants, decision.allow ? decision.uses : [], call), call)
  }
  expect(grants).toEqual([])
})

test('the table has the 23 names of BTCP and ours, each with a sentence; nothing critical is offered', () => {
  expect(Object.keys(CAPABILITIES)).toHaveLength(30)
  expect(offeredCapabilities()).toEqual([
    'shell:run',
    'vfs:read',
    'vfs:write',
    'python:run',
    'js:run',
    'dom:read',
    'dom:write',
    'storage:local:read',
    'storage:local:write',
    'storage:session:read',
    'storage:session:write',
    'network:fetch:same-origin',
  ])
  expect(offeredCapabilities('site')).toEqual(offeredCapabilities().filter((name) => name !== 'network:fetch:same-origin'))
  for (const [name, row] of Object.entries(CAPABILITIES)) {
    expect(name).toMatch(/^[a-z][a-z-]*(:[a-z][a-z-]*){0,2}$/)
    expect(row.sentence.length).toBeGreaterThan(5)
    if (row.risk === 'critical') expect([row.offered, row.offer]).toEqual([false, []])
  }
})
