/** What answers the programs of a run of one's own sandbox that no call of a tool has begun: all its tools, asked for without a grant. */
import { type Clerk, clerkOf } from './desk.ts'
import type { LocalTools } from './local-tools.ts'
import type { Orchestrator } from './orchestrator.ts'

export function localClerk({ limits }: Orchestrator, tools: LocalTools): Clerk {
  return clerkOf(tools.desk(), 0, limits.toolDepth)
}
