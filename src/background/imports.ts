/**
 * An import of a tool's module that the document carries out (`dom_text`, `storage_get`, `http_fetch`): decided here once more with what the tool holds at
 * this moment, then sent to the very document that made the call, over its own Port, where it is decided a last time. There is no row of
 * the audit for each; the call's own counts them. This path is short on purpose: a tool makes many imports, and waits for each.
 */
import { decide, type CapabilityRequest } from '../protocol/capability.ts'
import { BtcpError } from '../protocol/error.ts'
import { importSubject } from '../protocol/import-subject.ts'
import type { ToService } from '../protocol/link.ts'
import { isRecord, type JsonObject, type JsonValue } from '../protocol/parse.ts'
import { toolImport } from '../protocol/tool-imports.ts'
import type { Call } from './calls.ts'
import { grantsOf, snapshotOf } from './grants.ts'
import { toolPrincipal } from './tools.ts'

type Asked = Pick<Extract<ToService, { t: 'import' }>, 'tool' | 'request'>

/** Throws BtcpError. */
export async function carryOut(call: Call, { tool: name, request: asked }: Asked): Promise<JsonValue> {
  const { import: wanted, arguments: args } = asked
  const row = toolImport(wanted)
  const run = call.tools.find(name)
  if (!run || row?.place !== 'document' || row.needs === undefined)
    throw new BtcpError('CAPABILITY_DENIED', `Cannot import "${wanted}": no call of "${name}" runs`, { missing: [], effects: 'none' })
  const { tool, signal } = run
  const { origin } = call.port.caller
  const [principal, manifest] = [toolPrincipal(origin, tool), tool.manifest]
  const subject = importSubject(asked, origin)
  const grants = grantsOf((await snapshotOf(origin)).grants, principal)
  const request: CapabilityRequest = {
    principal,
    manifest,
    builtIn: false,
    call: call.id,
    capabilities: [row.needs],
    subject,
    now: Date.now(),
  }
  const decision = decide(grants, request)
  if (!decision.allow)
    throw new BtcpError('CAPABILITY_DENIED', `Cannot import "${wanted}": capability "${row.needs}" is not granted`, {
      missing: decision.missing,
      effects: 'none',
    })
  signal.throwIfAborted()
  call.tools.countImport()
  const params = { principal, manifest, builtIn: false, call: call.id, grants, arguments: args } as unknown as JsonObject
  const answer = await call.port.runInDocument(wanted, params, signal)
  // The page tool of that name answers an object; the import is the text in it.
  return wanted === 'storage_get' && isRecord(answer) ? (answer['value'] ?? null) : answer
}
