/**
 * Tool calls: parsed, checked against the tool's schema, decided, written down, run where the tool's place says, answered once.
 * The call's clock starts after consent. A call that loses a capability while it runs is ended.
 */
import { decide, type Capability, type CapabilityRequest } from '../protocol/capability.ts'
import { BtcpError, type Effects } from '../protocol/error.ts'
import { LIMITS } from '../protocol/limits.ts'
import { weight } from '../protocol/message.ts'
import type { JsonObject, JsonValue } from '../protocol/parse.ts'
import { type Origin, principalKey } from '../protocol/principal.ts'
import type { ToolResult } from '../protocol/tool.ts'
import { begin } from './audit.ts'
import { auditRow, denied, requestOf } from './call-row.ts'
import { principalOf, release, siteOf, snapshotOf, take, type Snapshot } from './grants.ts'
import { carryOut } from './imports.ts'
import { cancelOffscreen, type OffscreenCall, publish, runOffscreen } from './offscreen-document.ts'
import { nestedCall } from './nested-call.ts'
import { pageTool } from './page-tool.ts'
import { RunningTools } from './running-tools.ts'
import type { Incoming, TabPort } from './tab-ports.ts'
import { checkArguments, findTool, type FoundTool } from './tools.ts'

type Consent = (incoming: Incoming, names: readonly Capability[], options: JsonObject) => Promise<unknown>

/** A call that has been read: everything in it is a checked copy. */
export interface Call extends FoundTool {
  readonly id: string
  readonly port: TabPort
  readonly arguments: JsonObject
  readonly timeoutMs: number | undefined
  /** the page wants output while it comes */
  readonly progress: boolean
  readonly signal: AbortSignal
  /** the installed tools that run in it, itself among them where it is one */
  readonly tools: RunningTools
}
interface Running {
  readonly request: CapabilityRequest
  readonly end: (error: BtcpError) => void
}

const running = new Map<string, Running & { readonly origin: Origin }>()
const PARAMS = ['name', 'arguments', 'timeoutMs', 'onMissing', 'progress']

export async function callTool(incoming: Incoming, consent: Consent): Promise<JsonValue> {
  const ended = new AbortController()
  const call = await parseCall(incoming, AbortSignal.any([incoming.signal, ended.signal]))
  const { origin } = call.port.caller
  const { decision, snapshot, taken, request } = await decideCall(call, incoming, consent)
  const finish = begin(auditRow(call, decision.allow), call.arguments)
  if (!decision.allow) {
    finish({ outcome: 'CAPABILITY_DENIED' })
    throw denied(call, decision.missing)
  }
  running.set(call.id, { origin, request, end: (error) => ended.abort(error) })
  if (call.installed) call.tools.begin(call.installed)
  try {
    incoming.port.notify('notifications/started', { requestId: incoming.request.id })
    const result = await timed(finish, call, () => run(call, snapshot, taken, incoming.request.id))
    return result as unknown as JsonValue
  } finally {
    running.delete(call.id)
    ended.abort(new BtcpError('CANCELLED', 'Cannot finish the import: its call has ended', { effects: 'unknown' }))
    if (await release(origin, call.id)) await publish(siteOf(origin), await snapshotOf(origin))
  }
}

/** What the grants say; where the page wants that, its user is asked for what is missing, and they are asked again. */
async function decideCall(call: Call, incoming: Incoming, consent: Consent) {
  const { origin } = call.port.caller
  const request = requestOf(call, call.id)
  const first = await take(origin, request)
  if (first.decision.allow || incoming.request.params['onMissing'] !== 'prompt') return { ...first, request }
  await consent(incoming, first.decision.missing, { tool: call.tool.name }).catch((error: unknown) => {
    throw withEffects(error, 'none')
  })
  return { ...(await take(origin, { ...request, now: Date.now() })), request }
}

/** Runs the call and closes its row of the audit. */
async function timed(finish: ReturnType<typeof begin>, { tools }: Call, work: () => Promise<ToolResult>): Promise<ToolResult> {
  const started = performance.now()
  const end = (outcome: string, more: object = {}): void =>
    finish({ outcome, durationMs: performance.now() - started, ...tools.counted(), ...more })
  try {
    const result = await work()
    end(result.isError ? 'failed' : 'ok', { resultBytes: weight(result as unknown as JsonValue) })
    return result
  } catch (error) {
    end(error instanceof BtcpError ? error.data.btcpCode : 'INTERNAL_ERROR')
    throw error
  }
}

async function parseCall({ request, port }: Incoming, signal: AbortSignal): Promise<Call> {
  const { params } = request
  for (const name of Object.keys(params)) if (!PARAMS.includes(name)) throw bad(`there is no parameter "${name.slice(0, 100)}"`)
  const { name, timeoutMs, onMissing } = params
  if (typeof name !== 'string') throw bad('"name" is no text')
  const found = await findTool(port.caller.origin, name)
  const args = checkArguments(found.tool, params['arguments'] ?? {})
  if (
    timeoutMs !== undefined &&
    !(typeof timeoutMs === 'number' && timeoutMs >= LIMITS.runTimeoutMinMs && timeoutMs <= LIMITS.runTimeoutMaxMs)
  )
    throw bad(`"timeout" is no number from ${LIMITS.runTimeoutMinMs} to ${LIMITS.runTimeoutMaxMs}`)
  if (onMissing !== undefined && onMissing !== 'reject' && onMissing !== 'prompt') throw bad('"onMissing" is neither "reject" nor "prompt"')
  return {
    ...found,
    id: crypto.randomUUID(),
    port,
    arguments: args,
    timeoutMs,
    progress: params['progress'] === true,
    signal,
    tools: new RunningTools(signal),
  }
}

async function run(call: Call, snapshot: Snapshot, renew: boolean, requestId: number): Promise<ToolResult> {
  call.signal.throwIfAborted()
  if (call.place === 'document') return await pageTool(call, snapshot)
  const cancel = (): void => cancelOffscreen(call.id)
  call.signal.addEventListener('abort', cancel)
  try {
    const { id, tool, arguments: args, timeoutMs, port, progress } = call
    const onProgress = (progress: JsonValue): void => port.notify('notifications/progress', { requestId, progress })
    const { origin } = port.caller
    const common = {
      t: 'call',
      call: id,
      principal: principalOf(origin, call.installed),
      tool: tool.name,
      arguments: args,
      progress,
    } as const
    const request = timeoutMs === undefined ? common : { ...common, timeoutMs }
    const onAsk: OffscreenCall['onAsk'] = (asked) => endedFirst(origin, nestedCall(call, asked))
    const onImport: OffscreenCall['onImport'] = (asked) => endedFirst(origin, carryOut(call, asked))
    return await runOffscreen({ principal: siteOf(origin), request, onProgress, onAsk, onImport }, snapshot, renew)
  } catch (error) {
    // Whatever the sandbox says of its end, the reason is the one for which it was ended; whether it had begun, the sandbox knows.
    throw call.signal.aborted ? withEffects(call.signal.reason, effectsOf(error)) : error
  } finally {
    call.signal.removeEventListener('abort', cancel)
  }
}

/** What is taken back denies from the moment it is decided, and is enforced once it is written. A program that hears of it in between must
 *  not end its call in its own way: the calls that stood on it end before it hears. */
async function endedFirst<T>(origin: Origin, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    const isDenied = error instanceof BtcpError && error.data.btcpCode === 'CAPABILITY_DENIED'
    if (isDenied) await endUngranted(origin, await snapshotOf(origin))
    throw error
  }
}

/** Ends the site's calls that the grants no longer allow, and those of tools that it has no longer. */
export async function endUngranted(origin: Origin, { grants, tools }: Snapshot): Promise<void> {
  const installed = new Set(tools.map((tool) => principalKey(principalOf(origin, tool))))
  for (const call of running.values()) {
    if (call.origin !== origin) continue
    const { principal } = call.request
    if (principal.kind === 'tool' && !installed.has(principalKey(principal))) {
      call.end(lost(`the tool "${principal.tool}" was removed`, call.request.capabilities))
      continue
    }
    const decision = decide(grants, { ...call.request, now: Date.now() })
    if (!decision.allow) call.end(lost(`capability "${decision.missing.join('", "')}" was taken back`, decision.missing))
  }
}

const lost = (reason: string, missing: readonly Capability[]): BtcpError =>
  new BtcpError('CAPABILITY_DENIED', `Cannot finish the call: ${reason}`, { missing, effects: 'unknown' })

const effectsOf = (error: unknown): Effects => (error instanceof BtcpError ? error.data.effects : undefined) ?? 'unknown'

/** The same error, with what the call can have done by then. */
function withEffects(error: unknown, effects: Effects): unknown {
  if (!(error instanceof BtcpError)) return error
  const { btcpCode, ...data } = error.data
  return new BtcpError(btcpCode, error.message, { ...data, effects })
}

const bad = (reason: string): BtcpError => new BtcpError('INVALID_PARAMS', `Cannot call a tool: ${reason}`, { effects: 'none' })
