/** What is said of a call whether it came from the page or from a program of another call: what it needs, its row of the
 *  audit, and its denial. */
import type { Capability, CapabilityRequest } from '../protocol/capability.ts'
import { capabilitiesOf } from '../protocol/built-in-tools.ts'
import { BtcpError } from '../protocol/error.ts'
import type { begin } from './audit.ts'
import type { Call } from './calls.ts'
import { principalOf } from './grants.ts'

const neededBy = ({ tool, installed, arguments: args }: Omit<Call, 'id'>): readonly Capability[] =>
  installed ? tool.capabilities : capabilitiesOf(tool, args)

/** What a call of the tool needs of whom: an installed one acts as itself. `call` holds what is taken. */
export function requestOf(of: Omit<Call, 'id'>, call: string): CapabilityRequest {
  const { port, manifest, installed } = of
  const principal = principalOf(port.caller.origin, installed)
  return { principal, manifest, builtIn: !installed, call, capabilities: neededBy(of), now: Date.now() }
}

export const auditRow = (call: Call, allowed: boolean): Parameters<typeof begin>[0] => ({
  time: Date.now(),
  origin: call.port.caller.origin,
  call: call.id,
  tool: call.tool.name,
  capabilities: neededBy(call),
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
