/**
 * Grants as they are kept: `always` in `storage.local`, `session` and `once` in `storage.session`, one row each a site, which holds those of
 * the site and of each of its tools. What they allow is said by `decide` alone. Every change of rights or tools raises the site's epoch; a
 * call that takes a `once` grant does not.
 * Invariants: a grant that a call took before this worker was started is used up, because that call is dead; what is given to and taken
 * from one holder leaves the others' grants as they are.
 */
import {
  bindGrants,
  decide,
  parseCapability,
  releaseGrants,
  type Capability,
  type CapabilityRequest,
  type Decision,
  type Duration,
  type Grant,
} from '../protocol/capability.ts'
import type { InstalledTool } from '../protocol/installed-tool.ts'
import { isRecord } from '../protocol/parse.ts'
import { type Origin, type Principal, principalKey } from '../protocol/principal.ts'
import { SiteRows } from './state.ts'
import { toolPrincipal, toolsOf } from './tools.ts'

export const siteOf = (origin: Origin): Principal & { kind: 'site' } => ({ kind: 'site', origin })

export interface Snapshot {
  readonly epoch: number
  /** of the site and of all its tools */
  readonly grants: readonly Grant[]
  readonly tools: readonly InstalledTool[]
}

/** Who holds grants: the site, or the tool where one is given. */
export const principalOf = (origin: Origin, tool: InstalledTool | undefined): Principal =>
  tool ? toolPrincipal(origin, tool) : siteOf(origin)

/** Which of the grants are the principal's own. */
export function grantsOf(grants: readonly Grant[], principal: Principal): Grant[] {
  const key = principalKey(principal)
  return grants.filter((grant) => principalKey(grant.principal) === key)
}

function parseGrants(stored: unknown): readonly Grant[] {
  if (!Array.isArray(stored)) return []
  const known = stored.filter(
    (row): row is Grant =>
      isRecord(row) && parseCapability(row['capability']) !== undefined && Array.isArray(row['boundTo']) && isRecord(row['principal']),
  )
  return known.map((grant) => ({ ...grant, boundTo: [] })).filter((grant) => grant.duration !== 'once' || grant.taken === 0)
}
const parseEpoch = (stored: unknown): number => (typeof stored === 'number' ? stored : 0)
const parseUsed = (stored: unknown): Readonly<Record<string, number>> => (isRecord(stored) ? (stored as Record<string, number>) : {})

const kept = new SiteRows('local', 'grants', parseGrants)
const passing = new SiteRows('session', 'grants', parseGrants)
const epochs = new SiteRows('session', 'epoch', parseEpoch)
const used = new SiteRows('local', 'used', parseUsed)
const turns = new Map<Origin, Promise<unknown>>()
/** "last used" is shown to people: no need to write it at each of a thousand calls */
const USE_PRECISION_MS = 60_000

export async function snapshotOf(origin: Origin): Promise<Snapshot> {
  const [epoch, always, rest, tools] = await Promise.all([
    epochs.of(origin).read(),
    kept.of(origin).read(),
    passing.of(origin).read(),
    toolsOf(origin),
  ])
  return { epoch, grants: [...always, ...rest], tools }
}

/** When the site's capability, or that of the tool where one is named, was last used, in milliseconds since the epoch. */
export async function lastUsed(origin: Origin, tool?: string): Promise<(capability: Capability) => number | undefined> {
  const times = await used.of(origin).read()
  return (capability) => times[useKey(capability, tool)]
}

const useKey = (capability: Capability, tool: string | undefined): string => (tool === undefined ? capability : `${capability} ${tool}`)

/** Gives the site, or the tool, the capabilities for the duration, in place of what it had of them. */
export async function grant(origin: Origin, capabilities: readonly Capability[], duration: Duration, tool?: InstalledTool): Promise<void> {
  const principal = principalOf(origin, tool)
  const made = capabilities.map((capability): Grant => ({
    id: crypto.randomUUID(),
    principal,
    manifest: tool?.manifest ?? '*',
    capability,
    caveats: {},
    duration,
    grantedAt: Date.now(),
    taken: 0,
    boundTo: [],
  }))
  await change(origin, (grants) => [...without(grants, principal, capabilities), ...made])
}

/** Takes the named capabilities back from the site, or the tool; all of them when none is named. */
export async function revoke(origin: Origin, capabilities?: readonly Capability[], tool?: InstalledTool): Promise<void> {
  await change(origin, (grants) => without(grants, principalOf(origin, tool), capabilities))
}

/** The site has other tools than before, of which `gone` is left out: nothing that was given to them stands. */
export async function changeTools(origin: Origin, gone: readonly InstalledTool[]): Promise<void> {
  await change(origin, (grants) => gone.reduce<readonly Grant[]>((rest, tool) => without(rest, toolPrincipal(origin, tool)), grants))
  const times = Object.entries(await used.of(origin).read())
  const isGone = (key: string): boolean => gone.some(({ tool }) => key.endsWith(` ${tool.name}`))
  if (times.some(([key]) => isGone(key))) await used.of(origin).write(Object.fromEntries(times.filter(([key]) => !isGone(key))))
}

function without(grants: readonly Grant[], principal: Principal, capabilities?: readonly Capability[]): Grant[] {
  const key = principalKey(principal)
  return grants.filter((g) => principalKey(g.principal) !== key || (capabilities !== undefined && !capabilities.includes(g.capability)))
}

/** Switched off: what was given for this time only is gone. */
export async function dropPassing(origin: Origin): Promise<void> {
  await change(origin, (grants) => grants.filter((g) => g.duration === 'always'))
}

/** Asks `decide` for each request, and lets the call take what they stand on; all in one step, so that two calls cannot take one `once`
 *  grant. One that is denied denies all. */
export async function take(
  origin: Origin,
  ...requests: readonly CapabilityRequest[]
): Promise<{ decision: Decision; snapshot: Snapshot; taken: boolean }> {
  return await alone(origin, async () => {
    const snapshot = await snapshotOf(origin)
    const decisions = requests.map((request) => decide(snapshot.grants, request))
    const missing = decisions.flatMap((decision) => (decision.allow ? [] : decision.missing))
    if (missing.length > 0) return { decision: { allow: false, missing: [...new Set(missing)] }, snapshot, taken: false }
    const uses = decisions.flatMap((decision) => (decision.allow ? decision.uses : []))
    const decision = { allow: true, uses } as const
    void noteUse(origin, requests)
    const grants = bindGrants(snapshot.grants, uses, requests[0]?.call ?? '')
    if (grants === snapshot.grants) return { decision, snapshot, taken: false }
    await store(origin, grants)
    return { decision, snapshot: { ...snapshot, grants }, taken: true }
  })
}

/** The call has ended. Returns whether the site's grants are other ones now. */
export async function release(origin: Origin, call: string): Promise<boolean> {
  return await alone(origin, async () => {
    const { grants } = await snapshotOf(origin)
    const after = releaseGrants(grants, call)
    if (after === grants) return false
    await store(origin, after)
    return true
  })
}

async function change(origin: Origin, edit: (grants: readonly Grant[]) => readonly Grant[]): Promise<void> {
  await alone(origin, async () => {
    const { epoch, grants } = await snapshotOf(origin)
    await store(origin, edit(grants))
    await epochs.of(origin).write(epoch + 1)
  })
}

async function store(origin: Origin, grants: readonly Grant[]): Promise<void> {
  const [always, rest] = [grants.filter((g) => g.duration === 'always'), grants.filter((g) => g.duration !== 'always')]
  await Promise.all([kept.of(origin).write(always), passing.of(origin).write(rest)])
}

async function noteUse(origin: Origin, requests: readonly CapabilityRequest[]): Promise<void> {
  const times = await used.of(origin).read()
  const now = Date.now()
  const keys = requests.flatMap(({ principal, capabilities }) =>
    capabilities.map((name) => useKey(name, principal.kind === 'tool' ? principal.tool : undefined)),
  )
  if (keys.every((key) => now - (times[key] ?? 0) < USE_PRECISION_MS)) return
  await used.of(origin).write({ ...times, ...Object.fromEntries(keys.map((key) => [key, now])) })
}

/** Runs one step of a site at a time. */
async function alone<T>(origin: Origin, step: () => Promise<T>): Promise<T> {
  const before = turns.get(origin) ?? Promise.resolve()
  const turn = before.then(step)
  turns.set(
    origin,
    turn.catch(() => undefined),
  )
  return await turn
}
