/**
 * The methods of the wire, one row each (docs/protocol.md section 1). A row gets the caller from the browser and parameters that it
 * reads as `unknown`; what it returns goes to the same Port.
 */
import { parseCapability, isOffered, decide, type Capability, type Grant } from '../protocol/capability.ts'
import { BtcpError } from '../protocol/error.ts'
import { LIMITS } from '../protocol/limits.ts'
import { BUILT_IN_MANIFESTS } from '../protocol/manifest.ts'
import { PROTOCOL_VERSION } from '../protocol/message.ts'
import type { InstalledTool } from '../protocol/installed-tool.ts'
import type { JsonObject, JsonValue } from '../protocol/parse.ts'
import type { Origin } from '../protocol/principal.ts'
import { firstText, type Tool, type ToolResult } from '../protocol/tool.ts'
import { builtInTool, isUsable } from '../protocol/built-in-tools.ts'
import { VERSION } from '../protocol/version.ts'
import { callTool } from './calls.ts'
import { ask, describe, isSilenced, type Choices } from './consent.ts'
import { grantsOf, lastUsed, principalOf, snapshotOf } from './grants.ts'
import { applyChoices, withdraw } from './rights.ts'
import type { Incoming } from './tab-ports.ts'
import { installedTool, toolsOf } from './tools.ts'
import { TokenBucket } from './token-bucket.ts'

type Route = (incoming: Incoming) => Promise<JsonValue>

export const ROUTES: Readonly<Record<string, Route>> = {
  hello: async () => ({ name: 'Tidepool', version: VERSION, protocolVersion: PROTOCOL_VERSION }),
  ping: async () => ({}),
  'tools/list': async ({ request, port }) => ({ tools: await listTools(port.caller.origin, request.params) }),
  'tools/get': async ({ request, port }) => (await getTool(port.caller.origin, request.params['name'])) as unknown as JsonValue,
  'tools/call': async (incoming) => await callTool(incoming, requestCapabilities),
  'execute-code': async (incoming) => await executeCode(incoming),
  'capabilities/list': async ({ request, port }) => {
    const { origin } = port.caller
    const { grants } = await snapshotOf(origin)
    return { grants: grantsOf(grants, principalOf(origin, await parseTool(origin, request.params))).map(shownGrant) }
  },
  'capabilities/preflight': async ({ request, port }) => {
    const { origin } = port.caller
    return await preflight(origin, parseNames(request.params), await parseTool(origin, request.params))
  },
  'capabilities/request': async (incoming) => {
    const { params } = incoming.request
    await parseTool(incoming.port.caller.origin, params)
    const choices = await requestCapabilities(incoming, parseNames(params), {
      reason: params['reason'] ?? null,
      ...(params['tool'] === undefined ? {} : { tool: params['tool'] }),
    })
    return consentAnswer(choices)
  },
  'capabilities/revoke': async ({ request, port }) => {
    const { params } = request
    const { origin } = port.caller
    await withdraw(origin, params['capabilities'] === undefined ? undefined : parseNames(params), await parseTool(origin, params))
    return {}
  },
}

/** The published BTCP's message: a call of `code_execute`, and its result in that message's form. */
async function executeCode(incoming: Incoming): Promise<JsonValue> {
  const params = { name: 'code_execute', arguments: incoming.request.params }
  const result = (await callTool({ ...incoming, request: { ...incoming.request, params } }, requestCapabilities)) as unknown as ToolResult
  const { output = '', error = firstText(result) ?? null } = (result.structuredContent ?? {}) as { output?: string; error?: string | null }
  return { type: 'execution-result', output, error }
}

const requestBuckets = new Map<Origin, TokenBucket>()
const REASON_CHARS = 500
const FILTERS = ['capabilities', 'excludeCapabilities', 'tags', 'names', 'includeUngranted']

/** The names in `params.capabilities`. An unknown name is INVALID_PARAMS, a known one with nothing behind it UNSUPPORTED. */
function parseNames(params: JsonObject): Capability[] {
  const given = params['capabilities']
  if (!Array.isArray(given) || given.length === 0 || given.length > 32)
    throw bad('/capabilities', 'must be a list of 1 to 32 capability names')
  const names = given.map((name: JsonValue, i) => parseCapability(name) ?? raise(bad(`/capabilities/${i}`, 'is no capability')))
  return [...new Set(names)]
}

/** The site's installed tool that the request is about; undefined where it is about the site itself. */
async function parseTool(origin: Origin, { tool: name }: JsonObject): Promise<InstalledTool | undefined> {
  if (name === undefined) return undefined
  if (typeof name !== 'string') throw bad('/tool', 'is no text')
  const found = await installedTool(origin, name)
  if (!found)
    throw new BtcpError('TOOL_NOT_FOUND', `Cannot find the tool "${name.slice(0, 100)}": it is not installed`, { effects: 'none' })
  return found
}

/** Those that the site does not hold are asked of its user; where `tool` is an installed one, those that the tool does not hold are asked for
 *  it. Resolves to what was chosen; what was held before counts as chosen. */
export async function requestCapabilities({ port, signal }: Incoming, names: readonly Capability[], options: JsonObject): Promise<Choices> {
  const { origin } = port.caller
  const [reason, tool] = [options['reason'], options['tool']]
  const installed = typeof tool === 'string' ? await installedTool(origin, tool) : undefined
  if (installed) refuseUndeclared(installed, names)
  const unsupported = names.filter((name) => !isOffered(name, installed ? 'tool' : 'site'))
  if (unsupported.length > 0)
    throw new BtcpError(
      'UNSUPPORTED',
      `Cannot grant "${unsupported.join('", "')}": this host does not offer it${installed ? '' : ' to sites'}`,
      { effects: 'none' },
    )
  const held = await heldBy(origin, names, installed)
  const asked = names.filter((name) => !held.has(name))
  if (asked.length === 0) return new Map(held)
  spendRequest(origin)
  const timeOf = await lastUsed(origin, installed?.tool.name)
  const question = {
    origin,
    capabilities: asked.map((name) => describe(name, 'deny', timeOf(name))),
    ...(typeof reason === 'string' && reason !== '' ? { reason: reason.slice(0, REASON_CHARS) } : {}),
    ...(typeof tool === 'string' ? { tool } : {}),
    ...(installed ? { package: { name: installed.manifest, version: installed.version, sha256: installed.sha256 } } : {}),
  }
  const chosen = await ask(question, signal)
  await applyChoices(origin, chosen, installed && (await stillInstalled(origin, installed)))
  return new Map([...held, ...chosen])
}

/** What a tool did not say that it wants, nobody gives it. */
function refuseUndeclared({ tool }: InstalledTool, names: readonly Capability[]): void {
  const others = names.filter((name) => !tool.capabilities.includes(name))
  if (others.length > 0) throw bad('/capabilities', `has "${others.join('", "')}", which the tool "${tool.name}" does not declare`)
}

/** A person has read the tool's hash and thought about it: meanwhile another may have taken its place. */
async function stillInstalled(origin: Origin, asked: InstalledTool): Promise<InstalledTool> {
  const now = await installedTool(origin, asked.tool.name)
  if (now?.sha256 === asked.sha256) return now
  throw new BtcpError('USER_REJECTED', `Cannot give capabilities to "${asked.tool.name}": it was changed meanwhile`, { effects: 'none' })
}

function spendRequest(origin: Origin): void {
  const now = performance.now()
  const perMinute = LIMITS.capabilityRequestsPerMinute
  let bucket = requestBuckets.get(origin)
  if (!bucket) requestBuckets.set(origin, (bucket = new TokenBucket(perMinute, perMinute / 60, now)))
  const retryAfterMs = bucket.take(now)
  if (retryAfterMs > 0)
    throw new BtcpError('RATE_LIMITED', 'Cannot ask for capabilities: the site asks too often', {
      retryAfterMs,
      limit: 'capabilityRequestsPerMinute',
    })
}

function consentAnswer(choices: Choices): JsonValue {
  const approved = [...choices].filter(([, choice]) => choice !== 'deny')
  const denied = [...choices.keys()].filter((name) => choices.get(name) === 'deny')
  const durations = new Set(approved.map(([, choice]) => choice))
  const [duration] = durations
  const common = { granted: denied.length === 0, approved: approved.map(([name]) => name), denied }
  return durations.size === 1 && duration !== undefined ? { ...common, duration } : common
}

/** Which of the names a call could use now, with the duration that they stand for. */
async function heldBy(origin: Origin, names: readonly Capability[], tool?: InstalledTool): Promise<Map<Capability, Grant['duration']>> {
  const { grants } = await snapshotOf(origin)
  const held = new Map<Capability, Grant['duration']>()
  for (const name of names) {
    const decision = decide(grants, {
      principal: principalOf(origin, tool),
      manifest: tool?.manifest ?? '*',
      builtIn: !tool,
      call: '',
      capabilities: [name],
      now: Date.now(),
    })
    if (decision.allow) held.set(name, decision.uses[0]?.duration ?? 'session')
  }
  return held
}

async function preflight(origin: Origin, names: readonly Capability[], tool: InstalledTool | undefined): Promise<JsonObject> {
  const held = await heldBy(origin, names, tool)
  const silenced = await isSilenced(origin)
  const isHopeless = (name: Capability): boolean =>
    silenced || !isOffered(name, tool ? 'tool' : 'site') || (tool !== undefined && !tool.tool.capabilities.includes(name))
  const answer = (name: Capability): string => (held.has(name) ? 'granted' : isHopeless(name) ? 'denied' : 'prompt')
  return Object.fromEntries(names.map((name) => [name, answer(name)]))
}

async function listTools(origin: Origin, filter: JsonObject): Promise<JsonValue> {
  for (const name of Object.keys(filter)) if (!FILTERS.includes(name)) throw bad(`/${name}`, 'is no filter')
  const list = (name: string): readonly string[] | undefined => (filter[name] === undefined ? undefined : parseTexts(name, filter[name]))
  const [wanted, excluded, tags, names] = [list('capabilities'), list('excludeCapabilities'), list('tags'), list('names')]
  const usable = filter['includeUngranted'] === false ? await usableTools(origin) : undefined
  const tools = [...BUILT_IN_MANIFESTS.flatMap((manifest) => manifest.tools), ...(await toolsOf(origin)).map(({ tool }) => tool)]
  const fits = (tool: Tool): boolean =>
    (usable === undefined || usable.has(tool.name)) &&
    (wanted === undefined || tool.capabilities.every((name) => wanted.includes(name))) &&
    (excluded === undefined || !tool.capabilities.some((name) => excluded.includes(name))) &&
    (tags === undefined || tool.tags.some((tag) => tags.includes(tag))) &&
    (names === undefined || names.includes(tool.name))
  return tools.filter(fits) as unknown as JsonValue
}

/** The names of those that could be called now. */
async function usableTools(origin: Origin): Promise<ReadonlySet<string>> {
  const builtIn = BUILT_IN_MANIFESTS.flatMap((manifest) => manifest.tools)
  const held = await heldBy(origin, [...new Set(builtIn.flatMap((tool) => tool.capabilities))])
  const names = new Set(builtIn.filter((tool) => isUsable(tool, (name) => held.has(name))).map(({ name }) => name))
  for (const installed of await toolsOf(origin)) {
    const { name, capabilities } = installed.tool
    if ((await heldBy(origin, capabilities, installed)).size === capabilities.length) names.add(name)
  }
  return names
}

function parseTexts(name: string, value: JsonValue): string[] {
  if (!Array.isArray(value) || value.some((item: JsonValue) => typeof item !== 'string')) throw bad(`/${name}`, 'must be a list of texts')
  return value as string[]
}

async function getTool(origin: Origin, name: JsonValue | undefined): Promise<Tool> {
  const found = typeof name === 'string' ? (builtInTool(name) ?? (await installedTool(origin, name))) : undefined
  if (!found)
    throw new BtcpError('TOOL_NOT_FOUND', `Cannot find the tool${typeof name === 'string' ? ` "${name.slice(0, 100)}"` : ''}: no such tool`)
  return found.tool
}

/** A grant as the site that holds it may see it. */
function shownGrant({ capability, duration, grantedAt, manifest }: Grant): JsonObject {
  return { capability, duration, grantedAt, manifest }
}

const bad = (instancePath: string, message: string): BtcpError =>
  new BtcpError('INVALID_PARAMS', `Cannot read parameters: "${instancePath.slice(1)}" ${message}`, { errors: [{ instancePath, message }] })

function raise(error: Error): never {
  throw error
}
