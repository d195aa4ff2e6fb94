/**
 * Capabilities: the one table of what a person can grant, and `decide`, the one place where a grant is compared with a request.
 * Corresponds to docs/protocol.md section 4. `decide` is pure and total: whatever it is given it answers allow or deny, and
 * what it cannot check it denies. Router, gate and DOM imports ask it; no other code looks into a grant.
 */
import { type Principal, principalKey } from './principal.ts'

export type Risk = 'low' | 'medium' | 'high' | 'critical'
export type Duration = 'once' | 'session' | 'always'

interface CapabilityRow {
  readonly risk: Risk
  /** what a person reads in the popup and the consent window: "This site may …" */
  readonly sentence: string
  /** the durations that the consent window highlights; `site` comes with the site switch */
  readonly offer: readonly (Duration | 'site')[]
  /** false: the name is known, this host has nothing behind it, and asking for it answers 4200 UNSUPPORTED */
  readonly offered: boolean
  /** only installed tools can hold it: a site has nothing that would use it */
  readonly only?: 'tool'
  /** holding it is holding these, too */
  readonly implies?: readonly string[]
  /** a grant without this caveat allows nothing */
  readonly mandatory?: keyof Caveats
}

const CAREFUL = ['once', 'session'] as const
const USUAL = ['session', 'always'] as const

export const CAPABILITIES = {
  // Tidepool's own
  'shell:run': { risk: 'medium', sentence: 'run commands in its own sandboxed computer', offer: USUAL, offered: true },
  'vfs:read': { risk: 'low', sentence: 'read the files of its own sandboxed computer', offer: ['site'], offered: true },
  'vfs:write': {
    risk: 'medium',
    sentence: 'create, change and delete files of its own sandboxed computer',
    offer: USUAL,
    offered: true,
  },
  'python:run': { risk: 'medium', sentence: 'run Python in its own sandboxed computer', offer: USUAL, offered: true },
  'js:run': { risk: 'medium', sentence: 'run JavaScript in its own sandboxed computer', offer: USUAL, offered: true },
  'tools:register': { risk: 'medium', sentence: 'offer tools of its own to agents', offer: USUAL, offered: false },
  'agent:bridge': { risk: 'high', sentence: 'be driven by an agent outside the browser', offer: CAREFUL, offered: false },
  // BTCP
  'dom:read': { risk: 'medium', sentence: 'read the text and structure of the page you have open', offer: USUAL, offered: true },
  'dom:write': {
    risk: 'high',
    sentence: 'click, type and change things on the page you have open',
    offer: CAREFUL,
    offered: true,
    implies: ['dom:read'],
  },
  'dom:observe': { risk: 'medium', sentence: 'watch the page you have open for changes', offer: USUAL, offered: false },
  'dom:shadow': { risk: 'medium', sentence: 'look inside the components of the page you have open', offer: USUAL, offered: false },
  'storage:local:read': { risk: 'high', sentence: 'read what the site has stored in this browser', offer: CAREFUL, offered: true },
  'storage:local:write': {
    risk: 'high',
    sentence: 'change what the site has stored in this browser',
    offer: CAREFUL,
    offered: true,
    implies: ['storage:local:read'],
  },
  'storage:session:read': { risk: 'high', sentence: 'read what the site has stored for this tab', offer: CAREFUL, offered: true },
  'storage:session:write': {
    risk: 'high',
    sentence: 'change what the site has stored for this tab',
    offer: CAREFUL,
    offered: true,
    implies: ['storage:session:read'],
  },
  'storage:cookie:read': { risk: 'critical', sentence: 'read cookies', offer: [], offered: false },
  'storage:cookie:write': {
    risk: 'critical',
    sentence: 'change cookies',
    offer: [],
    offered: false,
    implies: ['storage:cookie:read'],
  },
  'storage:indexed:read': { risk: 'critical', sentence: "read the site's databases", offer: [], offered: false },
  'storage:indexed:write': {
    risk: 'critical',
    sentence: "change the site's databases",
    offer: [],
    offered: false,
    implies: ['storage:indexed:read'],
  },
  'network:fetch:same-origin': {
    risk: 'high',
    sentence: 'send requests to the site itself, with your sign-in there',
    offer: CAREFUL,
    offered: true,
    only: 'tool',
  },
  'network:fetch:cross-origin': {
    risk: 'high',
    sentence: 'send requests to other sites that you name',
    offer: CAREFUL,
    offered: false,
    implies: ['network:fetch:same-origin'],
    mandatory: 'hosts',
  },
  'network:websocket:same-origin': { risk: 'critical', sentence: 'keep a connection to the site open', offer: [], offered: false },
  'network:websocket:cross-origin': {
    risk: 'critical',
    sentence: 'keep connections to other sites open',
    offer: [],
    offered: false,
    implies: ['network:websocket:same-origin'],
  },
  'clipboard:read': { risk: 'critical', sentence: 'read your clipboard', offer: [], offered: false },
  'clipboard:write': { risk: 'medium', sentence: 'put text on your clipboard', offer: USUAL, offered: false },
  'media:camera': { risk: 'critical', sentence: 'use your camera', offer: [], offered: false },
  'media:microphone': { risk: 'critical', sentence: 'use your microphone', offer: [], offered: false },
  'media:screen': { risk: 'critical', sentence: 'see your screen', offer: [], offered: false },
  geolocation: { risk: 'critical', sentence: 'know where you are', offer: [], offered: false },
  notifications: { risk: 'low', sentence: 'show notifications', offer: ['site'], offered: false },
} as const satisfies Record<string, CapabilityRow>

export type Capability = keyof typeof CAPABILITIES

/** A name that the table has, whether offered or not. A wildcard, a prototype's name or another text gives undefined. */
export function parseCapability(value: unknown): Capability | undefined {
  return typeof value === 'string' && Object.hasOwn(CAPABILITIES, value) ? (value as Capability) : undefined
}

export function capabilityRow(capability: Capability): CapabilityRow {
  return CAPABILITIES[capability]
}

/** Whether this host has something behind it for principals of that kind. */
export function isOffered(capability: Capability, to: Principal['kind']): boolean {
  const { offered, only } = capabilityRow(capability)
  return offered && (only === undefined || only === to)
}

/** The names that this host offers, in the table's order; to tools it offers everything that it does. */
export function offeredCapabilities(to: Principal['kind'] = 'tool'): Capability[] {
  return (Object.keys(CAPABILITIES) as Capability[]).filter((name) => isOffered(name, to))
}

/** What narrows a grant. A request must name what the caveat is about, and stay within it. */
export interface Caveats {
  /** exact host names, lower case */
  readonly hosts?: readonly string[]
  /** exact storage keys */
  readonly keys?: readonly string[]
  /** this path and what is below it; absolute, without `.`, `..` and empty parts */
  readonly path?: string
  /** this selector, to the letter */
  readonly selector?: string
  /** how many calls may use the grant */
  readonly maxCalls?: number
}

export interface Grant {
  /** unique among all grants */
  readonly id: string
  readonly principal: Principal
  /** a manifest's name, or `*`: every built-in manifest, and no other */
  readonly manifest: string
  readonly capability: Capability
  readonly caveats: Caveats
  readonly duration: Duration
  /** milliseconds since the epoch */
  readonly grantedAt: number
  readonly expiresAt?: number
  /** for `once` and `maxCalls`: how many calls have taken it, and which of them still run */
  readonly taken: number
  readonly boundTo: readonly string[]
}

export interface CapabilityRequest {
  readonly principal: Principal
  /** the manifest whose tool asks, and whether it is one of ours */
  readonly manifest: string
  readonly builtIn: boolean
  readonly call: string
  readonly capabilities: readonly Capability[]
  /** what it is about to touch, as far as known; a caveat about something that is not named denies */
  readonly subject?: { readonly host?: string; readonly key?: string; readonly path?: string; readonly selector?: string }
  /** milliseconds since the epoch */
  readonly now: number
}

export type Decision =
  /** `uses` are the grants that carry it: hand them to `bindGrants` when the call starts */
  { readonly allow: true; readonly uses: readonly Grant[] } | { readonly allow: false; readonly missing: readonly Capability[] }

/** Whether the grants allow the request; each missing capability is named once, in the request's order. */
export function decide(grants: readonly Grant[], request: CapabilityRequest): Decision {
  const uses = new Set<Grant>()
  const missing = new Set<Capability>()
  for (const capability of request.capabilities) {
    const grant = best(grants.filter((g) => covers(g, capability, request)))
    if (grant) uses.add(grant)
    else missing.add(capability)
  }
  return missing.size > 0 ? { allow: false, missing: [...missing] } : { allow: true, uses: [...uses] }
}

/** A standing grant is used before one that this use would consume, and one that the call holds already before a fresh one. */
function best(grants: readonly Grant[]): Grant | undefined {
  const cost = (g: Grant): number => (allowance(g) === Infinity ? 0 : g.boundTo.length > 0 ? 1 : 2)
  return grants.toSorted((a, b) => cost(a) - cost(b))[0]
}

function covers(grant: Grant, capability: Capability, request: CapabilityRequest): boolean {
  const { kind } = request.principal
  const row = parseCapability(grant.capability) && capabilityRow(grant.capability)
  if (!row?.offered || !parseCapability(capability) || !isOffered(capability, kind)) return false
  if (grant.capability !== capability && !row.implies?.includes(capability)) return false
  if (principalKey(grant.principal) !== principalKey(request.principal)) return false
  if (grant.manifest === '*' ? !request.builtIn : grant.manifest !== request.manifest) return false
  if (grant.expiresAt !== undefined && !(request.now < grant.expiresAt)) return false
  if (row.mandatory !== undefined && grant.caveats[row.mandatory] === undefined) return false
  return hasCallsLeft(grant, request.call) && isWithin(grant.caveats, request.subject ?? {})
}

/** How many calls may take the grant in all. */
function allowance(grant: Grant): number {
  const cap = grant.caveats.maxCalls ?? Infinity
  return grant.duration === 'once' ? Math.min(1, cap) : cap
}

const hasCallsLeft = (grant: Grant, call: string): boolean => grant.boundTo.includes(call) || grant.taken < allowance(grant)

function isWithin(caveats: Caveats, subject: NonNullable<CapabilityRequest['subject']>): boolean {
  if (caveats.hosts && !(subject.host !== undefined && caveats.hosts.includes(subject.host))) return false
  if (caveats.keys && !(subject.key !== undefined && caveats.keys.includes(subject.key))) return false
  if (caveats.selector !== undefined && caveats.selector !== subject.selector) return false
  return caveats.path === undefined || (subject.path !== undefined && isBelow(subject.path, caveats.path))
}

function isBelow(path: string, root: string): boolean {
  const parts = path.split('/').slice(1)
  if (!path.startsWith('/') || parts.some((part, i) => part === '.' || part === '..' || (part === '' && i < parts.length - 1))) return false
  return root === '/' || path === root || path.startsWith(`${root}/`)
}

/** The grants after `call` has begun with what `decide` named: counted ones are taken by it. Binding is no change of rights, so
 *  it raises no epoch. The same array comes back when nothing was to be taken. */
export function bindGrants(grants: readonly Grant[], uses: readonly Grant[], call: string): readonly Grant[] {
  const ids = new Set(uses.filter((g) => allowance(g) !== Infinity && !g.boundTo.includes(call)).map((g) => g.id))
  if (ids.size === 0) return grants
  return grants.map((g) => (ids.has(g.id) ? { ...g, taken: g.taken + 1, boundTo: [...g.boundTo, call] } : g))
}

/** The grants after `call` has ended: it holds nothing any more, and what is used up is gone. */
export function releaseGrants(grants: readonly Grant[], call: string): readonly Grant[] {
  if (!grants.some((g) => g.boundTo.includes(call))) return grants
  return grants
    .map((g) => (g.boundTo.includes(call) ? { ...g, boundTo: g.boundTo.filter((c) => c !== call) } : g))
    .filter((g) => g.boundTo.length > 0 || g.taken < allowance(g))
}
