/** The orchestrator's gate: denied without a snapshot, revoked in the middle, acknowledged when nothing goes on. */
import { describe, expect, test } from 'vitest'
import { Gate } from '../../src/orchestrator/gate.ts'
import type { CapabilityRequest, Grant } from '../../src/protocol/capability.ts'
import { BtcpError } from '../../src/protocol/error.ts'
import { type Owner, parseOrigin, type Principal } from '../../src/protocol/principal.ts'
import { installedOf } from '../support/installed-tools.ts'

const A: Owner = { kind: 'site', origin: parseOrigin('https://a.example')! }
const GRANT: Grant = {
  id: '1',
  principal: A,
  manifest: '*',
  capability: 'shell:run',
  caveats: {},
  duration: 'session',
  grantedAt: 0,
  taken: 0,
  boundTo: [],
}
const ASKED: Omit<CapabilityRequest, 'now'> = { principal: A, manifest: 'computer', builtIn: true, call: 'c1', capabilities: ['shell:run'] }
const TOOL = installedOf({ type: 'js', module: 'a.js', form: 'stdio' }, {}, { capabilities: ['dom:read'] })
const PRINCIPAL: Principal = { kind: 'tool', owner: A, tool: TOOL.tool.name, sha256: TOOL.sha256 }
const TOOLS_GRANT: Grant = { ...GRANT, id: '2', principal: PRINCIPAL, manifest: TOOL.manifest, capability: 'dom:read' }
const TOOL_ASKED: Omit<CapabilityRequest, 'now'> = {
  principal: PRINCIPAL,
  manifest: TOOL.manifest,
  builtIn: false,
  call: 'c2',
  capabilities: ['dom:read'],
}
const NOBODY = { abort: () => {} }

const failure = async (promise: Promise<unknown>): Promise<BtcpError['data']> => {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof BtcpError)) throw new Error(`no BtcpError: ${String(error)}`)
  return error.data
}

describe('the gate', () => {
  test('denies everything while it has no snapshot', async () => {
    const gate = new Gate(() => 0)
    expect(await failure(gate.run(ASKED, 'shell_run', NOBODY, async () => 'ran'))).toEqual({
      btcpCode: 'CAPABILITY_DENIED',
      missing: ['shell:run'],
      effects: 'none',
    })
  })
  test('lets through what the snapshot allows', async () => {
    const gate = new Gate(() => 0)
    expect(await gate.update(A, 1, [GRANT])).toBe(1)
    expect(await gate.run(ASKED, 'shell_run', NOBODY, async () => 'ran')).toBe('ran')
  })
  test('T23: cancels a running call whose grant is revoked, and acknowledges when it has ended', async () => {
    const gate = new Gate(() => 0)
    await gate.update(A, 1, [GRANT])
    const order: string[] = []
    const { promise: cancelled, resolve: cancel } = Promise.withResolvers<void>()
    const call = gate.run(ASKED, 'shell_run', { abort: () => cancel() }, async () => {
      await cancelled
      await new Promise((resolve) => setTimeout(resolve, 20))
      order.push('killed')
    })
    const failed = failure(call)
    await gate.update(A, 2, []).then(() => order.push('acknowledged'))
    expect(await failed).toEqual({ btcpCode: 'CAPABILITY_DENIED', missing: ['shell:run'], effects: 'unknown' })
    expect(order).toEqual(['killed', 'acknowledged'])
  })
  test('T24: denies the next operation of a call whose grant is revoked', async () => {
    const gate = new Gate(() => 0)
    await gate.update(A, 1, [GRANT])
    gate.check(ASKED, 'shell_run')
    await gate.update(A, 2, [])
    expect(() => gate.check(ASKED, 'shell_run')).toThrow('Cannot call "shell_run": capability "shell:run" is not granted')
  })
  test('leaves running calls alone that need nothing that was revoked', async () => {
    const gate = new Gate(() => 0)
    await gate.update(A, 1, [GRANT, { ...GRANT, id: '2', capability: 'vfs:read' }])
    const call = gate.run(ASKED, 'shell_run', NOBODY, () => new Promise((resolve) => setTimeout(() => resolve('ran'), 20)))
    await gate.update(A, 2, [GRANT])
    expect(await call).toBe('ran')
  })
  test('ignores a snapshot that is older than the one it has', async () => {
    const gate = new Gate(() => 0)
    await gate.update(A, 5, [])
    expect(await gate.update(A, 4, [GRANT])).toBe(5)
    expect(() => gate.check(ASKED, 'shell_run')).toThrow(BtcpError)
  })
  test("finds the grants of a tool in its owner's snapshot, and lets go on what the tool holds", async () => {
    const gate = new Gate(() => 0)
    await gate.update(A, 1, [GRANT, TOOLS_GRANT], [TOOL])
    expect(gate.tools(A)).toEqual([TOOL])
    expect([gate.allows(TOOL_ASKED), gate.allows({ ...TOOL_ASKED, capabilities: ['shell:run'] })]).toEqual([true, false])
    expect(gate.allows({ ...ASKED, capabilities: ['dom:read'] })).toBe(false)
    const call = gate.run(TOOL_ASKED, 'probe', NOBODY, async () => await gate.update(A, 2, [TOOLS_GRANT], [TOOL]))
    expect(await call).toBe(2)
  })
  test('T91 ends the running call of a tool that its owner has no longer, and of one that was changed, whatever it needs', async () => {
    const needsNothing = { ...TOOL_ASKED, capabilities: [] }
    for (const tools of [[], [{ ...TOOL, sha256: '1'.repeat(64) }]]) {
      const gate = new Gate(() => 0)
      await gate.update(A, 1, [], [TOOL])
      const { promise: cancelled, resolve: cancel } = Promise.withResolvers<void>()
      const failed = failure(gate.run(needsNothing, 'probe', { abort: () => cancel() }, () => cancelled))
      await gate.update(A, 2, [], tools)
      expect(await failed).toEqual({ btcpCode: 'CAPABILITY_DENIED', missing: [], effects: 'unknown' })
      expect(gate.allows(needsNothing)).toBe(false)
      expect(await failure(gate.run(needsNothing, 'probe', NOBODY, async () => 'ran'))).toMatchObject({ effects: 'none' })
    }
    expect(await failure(new Gate(() => 0).run(needsNothing, 'probe', NOBODY, async () => 'ran'))).toMatchObject({ missing: [] })
  })
})
