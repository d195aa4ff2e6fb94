/** What is said of a call whether it came from the page or from a program of another call: its row of the audit, and its denial. */
import type { Capability } from '../protocol/capability.ts'
import { capabilitiesOf } from '../protocol/built-in-tools.ts'
import { BtcpError } from '../protocol/error.ts'
import type { begin } from './audit.ts'
import type { Call } from './calls.ts'

export const auditRow = (call: Call, allowed: boolean): Parameters<typeof begin>[0] => ({
  time: Date.now(),
  origin: call.port.caller.origin,
  call: call.id,
  tool: call.tool.name,
  capabilities: call.installed ? call.tool.capabilities : capabilitiesOf(call.tool, call.arguments),
  decision: allowed ? 'allowed' : 'denied',
  outcome: 'running',
})

/** What is missing to an installed tool is asked for it by name. */
export function denied({ tool, installed }: Pick<Call, 'tool' | 'installed'>, missing: readonly Capability[]): BtcpError {
  const [who, asked] = installed ? [' to the tool', `, ${JSON.stringify({ tool: tool.name })}`] : ['', '']
  return new BtcpError('CAPABILITY_DENIED', `Cannot call "${tool.name}": capability "${missing.join('", "')}" is not granted${who}`, {
    missing,
    effects: 'none',
    suggestions: [`Ask for it with btcp.requestCapabilities(${JSON.stringify(missing)}${asked}), or call with { onMissing: 'prompt' }.`],
  })
}
