/** The desk of a sandbox that belongs to who runs it: every tool of its cell, asked for without a grant; there is no page. */
import { BUILT_IN_TOOLS, builtInTool } from '../protocol/built-in-tools.ts'
import { BtcpError } from '../protocol/error.ts'
import type { Principal } from '../protocol/principal.ts'
import { callTool } from './catalog.ts'
import { type Clerk, clerkOf, type Desk } from './desk.ts'
import type { Orchestrator } from './orchestrator.ts'

/** What answers the programs of a run that no call of a tool has begun. */
export function localClerk(orchestrator: Orchestrator, principal: Principal): Clerk {
  return clerkOf(localDesk(orchestrator, principal), 0, orchestrator.limits.toolDepth)
}

function localDesk(orchestrator: Orchestrator, principal: Principal): Desk {
  const desk: Desk = {
    tools: () => Object.values(BUILT_IN_TOOLS).flatMap(({ place, tool }) => (place === 'cell' ? [tool] : [])),
    async call(nested) {
      if (builtInTool(nested.tool)?.place === 'document')
        throw new BtcpError('UNSUPPORTED', `Cannot call "${nested.tool}": there is no page here`, { effects: 'none' })
      return await callTool(orchestrator, { call: orchestrator.platform.newId(), principal, ...nested, desk })
    },
  }
  return desk
}
