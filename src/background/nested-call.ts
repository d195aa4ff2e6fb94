/**
 * A tool that a program of a running call asks for (`btcp.call` in Python): checked, decided with the grants of that call's site, and
 * written down like a call of the page. A page's tool runs here, in the very document that made the call; one of the cell is allowed, and
 * the orchestrator's gate asks once more before it runs it.
 */
import { builtInTool, capabilitiesOf } from '../protocol/built-in-tools.ts'
import { BtcpError } from '../protocol/error.ts'
import { validateJson } from '../protocol/json-schema.ts'
import { manifestOf } from '../protocol/manifest.ts'
import { weight } from '../protocol/message.ts'
import { isRecord, type JsonObject, type JsonValue } from '../protocol/parse.ts'
import type { ToolResult } from '../protocol/tool.ts'
import { begin } from './audit.ts'
import { auditRow, denied } from './call-row.ts'
import type { Call } from './calls.ts'
import { siteOf, take } from './grants.ts'
import { renewGrants } from './offscreen-document.ts'
import { pageTool } from './page-tool.ts'

export type NestedAnswer = { readonly result: ToolResult } | { readonly allowed: (outcome: string) => void }

/** Throws BtcpError. `allowed` is to be called with how it ended. */
export async function nestedCall(outer: Call, name: string, args: JsonObject): Promise<NestedAnswer> {
  const call = parseNested(outer, name, args)
  const { origin } = outer.port.caller
  const capabilities = capabilitiesOf(call.tool, call.arguments)
  const request = { principal: siteOf(origin), manifest: call.manifest, builtIn: true, call: outer.id, capabilities, now: Date.now() }
  const { decision, snapshot, taken } = await take(origin, request)
  const finish = begin({ ...auditRow(call, decision.allow), call: crypto.randomUUID() }, call.arguments)
  if (!decision.allow) {
    finish({ outcome: 'CAPABILITY_DENIED' })
    throw denied(name, decision.missing)
  }
  const started = performance.now()
  const ended = (outcome: string, more: object = {}): void => finish({ outcome, durationMs: performance.now() - started, ...more })
  if (taken) renewGrants(siteOf(origin), snapshot)
  if (call.place === 'cell') return { allowed: ended }
  try {
    const result = await pageTool(call, snapshot)
    ended(result.isError ? 'failed' : 'ok', { resultBytes: weight(result as unknown as JsonValue) })
    return { result }
  } catch (error) {
    ended(error instanceof BtcpError ? error.data.btcpCode : 'INTERNAL_ERROR')
    throw error
  }
}

function parseNested(outer: Call, name: string, args: JsonObject): Call {
  const found = builtInTool(name)
  const manifest = manifestOf(name)
  if (!found || !manifest) throw new BtcpError('TOOL_NOT_FOUND', `Cannot call "${name.slice(0, 100)}": no such tool`, { effects: 'none' })
  const checked = validateJson(found.tool.inputSchema, args)
  if (!checked.ok || !isRecord(checked.value))
    throw new BtcpError('INVALID_PARAMS', `Cannot call "${name}": its arguments do not fit its schema`, {
      errors: checked.ok ? [] : checked.errors,
      effects: 'none',
    })
  const read: JsonObject = checked.value
  return { ...outer, tool: found.tool, place: found.place, manifest: manifest.name, arguments: read, progress: false }
}
