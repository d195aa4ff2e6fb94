/**
 * A tool that a program of a running call asks for (`btcp.call` in Python, `call_tool` of an installed tool): checked, decided, and written
 * down like a call of the page. A built-in tool acts as the site, an installed one as itself; the tools that wait for it must hold what it
 * needs, too, so that none does by another what it may not do itself. A page's tool runs here, in the very document that made the call;
 * one of a cell is allowed, and the orchestrator's gate asks once more before it runs it.
 */
import type { CapabilityRequest } from '../protocol/capability.ts'
import { BtcpError } from '../protocol/error.ts'
import type { ToService } from '../protocol/link.ts'
import { weight } from '../protocol/message.ts'
import type { JsonValue } from '../protocol/parse.ts'
import type { ToolResult } from '../protocol/tool.ts'
import { begin } from './audit.ts'
import { auditRow, denied, requestOf } from './call-row.ts'
import type { Call } from './calls.ts'
import { principalOf, siteOf, take } from './grants.ts'
import { renewGrants } from './offscreen-document.ts'
import { pageTool } from './page-tool.ts'
import { checkArguments, findTool } from './tools.ts'

export type NestedAnswer = { readonly result: ToolResult } | { readonly allowed: (outcome: string) => void }
export type Asked = Pick<Extract<ToService, { t: 'ask' }>, 'tool' | 'arguments' | 'from'>

/** Throws BtcpError. `allowed` is to be called with how it ended. */
export async function nestedCall(outer: Call, asked: Asked): Promise<NestedAnswer> {
  const call = await parseNested(outer, asked)
  const { origin } = outer.port.caller
  const request = requestOf(call, outer.id)
  const { decision, snapshot, taken } = await take(origin, request, ...asked.from.map((name) => onBehalf(outer, name, request)))
  const finish = begin({ ...auditRow(call, decision.allow), call: crypto.randomUUID() }, call.arguments)
  if (!decision.allow) {
    finish({ outcome: 'CAPABILITY_DENIED' })
    throw denied(call, decision.missing)
  }
  const started = performance.now()
  const ended = (outcome: string, more: object = {}): void => finish({ outcome, durationMs: performance.now() - started, ...more })
  if (taken) renewGrants(siteOf(origin), snapshot)
  if (call.place === 'cell') return { allowed: allowedCell(call, ended) }
  try {
    const result = await pageTool(call, snapshot)
    ended(result.isError ? 'failed' : 'ok', { resultBytes: weight(result as unknown as JsonValue) })
    return { result }
  } catch (error) {
    ended(error instanceof BtcpError ? error.data.btcpCode : 'INTERNAL_ERROR')
    throw error
  }
}

/** An installed tool may import from now on until it has ended. */
function allowedCell({ installed, tools }: Call, ended: (outcome: string) => void): (outcome: string) => void {
  if (installed) tools.begin(installed)
  return (outcome) => {
    if (installed) tools.end(installed)
    ended(outcome)
  }
}

/** The same asked of a tool that waits for it. */
function onBehalf(outer: Call, name: string, request: CapabilityRequest): CapabilityRequest {
  const run = outer.tools.find(name)
  if (!run)
    throw new BtcpError('CAPABILITY_DENIED', `Cannot call for "${name}": no call of it runs`, {
      missing: request.capabilities,
      effects: 'none',
    })
  const { tool } = run
  return { ...request, principal: principalOf(outer.port.caller.origin, tool), manifest: tool.manifest, builtIn: false }
}

async function parseNested(outer: Call, { tool: name, arguments: args }: Asked): Promise<Call> {
  const found = await findTool(outer.port.caller.origin, name)
  return { ...outer, ...found, arguments: checkArguments(found.tool, args), progress: false }
}
