/**
 * Grants as they are kept: `always` in `storage.local`, `session` and `once` in `storage.session`, one row each a site. What they
 * allow is said by `decide` alone. Every change of rights raises the site's epoch; a call that takes a `once` grant does not.
 * Invariant: a grant that a call took before this worker was started is used up, because that call is dead.
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
import { isRecord } from '../protocol/parse.ts'
import type { Origin, Principal } from '../protocol/principal.ts'
import { SiteRows } from './state.ts'

export const siteOf = (origin: Origin): Principal & { kind: 'site' } => ({ kind: 'site', origin })

export interface Snapshot {
  readonly epoch: number
  readonly grants: readonly Grant[]
}

function parseGrants(stored: unknown): readonly Grant[] {
  if (!Array.isArray(stored)) return []
  const known = stored.filter(
    (row): row is Grant => isRecord(row) && parseCapability(row['capability']) !== undefined && Array.isArray(row['boundTo']),
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
  const [epoch, always, rest] = await Promise.all([epochs.of(origin).read(), kept.of(origin).read(), passing.of(origin).read()])
  return { epoch, grants: [...always, ...rest] }
}

/** When each capability was last used by the site, in milliseconds since the epoch. */
export const lastUsed = async (origin: Origin): Promise<Readonly<Record<string, number>>> => await used.of(origin).read()

/** Gives the site the capabilities for the duration, in place of what it had of them. */
export async function grant(origin: Origin, capabilities: readonly Capability[], duration: Duration): Promise<void> {
  const made = capabilities.map((capability): Grant => ({
    id: crypto.randomUUID(),
    principal: siteOf(origin),
    manifest: '*',
    capability,
    caveats: {},
    duration,
    grantedAt: Date.now(),
    taken: 0,
    boundTo: [],
  }))
  await change(origin, (grants) => [...grants.filter((g) => !capabilities.includes(g.capability)), ...made])
}

/** Takes the named capabilities back, all of them when none is named. */
export async function revoke(origin: Origin, capabilities?: readonly Capability[]): Promise<void> {
  await change(origin, (grants) => (capabilities ? grants.filter((g) => !capabilities.includes(g.capability)) : []))
}

/** Switched off: what was given for this time only is gone. */
export async function dropPassing(origin: Origin): Promise<void> {
  await change(origin, (grants) => grants.filter((g) => g.duration === 'always'))
}

/** Asks `decide`, and lets the call take what it stands on; both in one step, so that two calls cannot take one `once` grant. */
export async function take(
  origin: Origin,
  request: CapabilityRequest,
): Promise<{ decision: Decision; snapshot: Snapshot; taken: boolean }> {
  return await alone(origin, async () => {
    const snapshot = await snapshotOf(origin)
    const decision = decide(snapshot.grants, request)
    if (!decision.allow) return { decision, snapshot, taken: false }
    void noteUse(origin, request.capabilities)
    const grants = bindGrants(snapshot.grants, decision.uses, request.call)
    if (grants === snapshot.grants) return { decision, snapshot, taken: false }
    await store(origin, grants)
    return { decision, snapshot: { epoch: snapshot.epoch, grants }, taken: true }
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

async function noteUse(origin: Origin, capabilities: readonly Capability[]): Promise<void> {
  const times = await used.of(origin).read()
  const now = Date.now()
  if (capabilities.every((name) => now - (times[name] ?? 0) < USE_PRECISION_MS)) return
  await used.of(origin).write({ ...times, ...Object.fromEntries(capabilities.map((name) => [name, now])) })
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
