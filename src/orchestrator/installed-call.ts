/**
 * A call of an installed tool, from its arguments to its result: checked by its schemas on both sides, run in the cell of the tool's own
 * principal, as often at a time as its package says. Whether it may begin was asked before (the gate); what it reaches for while it runs is
 * asked by its desk.
 */
import { BtcpError } from '../protocol/error.ts'
import type { InstalledTool } from '../protocol/installed-tool.ts'
import { validateJson } from '../protocol/json-schema.ts'
import type { JsonObject, JsonValue } from '../protocol/parse.ts'
import type { Owner, ToolPrincipal } from '../protocol/principal.ts'
import type { ToolMeta, ToolResult } from '../protocol/tool.ts'
import type { ToolFailure } from '../protocol/tool-record.ts'
import { refusedArguments } from './cell-tool.ts'
import { clerkOf, type Desk } from './desk.ts'
import type { Orchestrator } from './orchestrator.ts'
import type { CancelSignal } from './platform.ts'
import { runTool, type ToolEnd } from './tool-run.ts'

export interface InstalledCall {
  readonly call: string
  readonly owner: Owner
  readonly installed: InstalledTool
  readonly arguments: JsonObject
  /** the caller's; the tool's own cuts it */
  readonly timeoutMs?: number
  readonly signal?: CancelSignal
  /** hears what it prints on standard error while it comes */
  readonly onProgress?: (progress: JsonObject) => void
  readonly desk: Desk
  /** how many calls it is inside of; it then takes no place of its own among the calls that run */
  readonly depth?: number
}

export function toolPrincipal(owner: Owner, { tool, sha256 }: InstalledTool): ToolPrincipal {
  return { kind: 'tool', owner, tool: tool.name, sha256 }
}

/** Calls the tool. What it did wrong is a result with `isError`. Throws BtcpError: INVALID_PARAMS, RATE_LIMITED, BUSY, TIMEOUT, CANCELLED,
 *  TAB_GONE, SANDBOX_ERROR, UNSUPPORTED. */
export async function callInstalled(orchestrator: Orchestrator, call: InstalledCall): Promise<ToolResult> {
  const { installed, signal, depth } = call
  const { tool } = installed
  const checked = validateJson(tool.inputSchema, call.arguments)
  if (!checked.ok) throw refusedArguments(tool.name, checked.errors)
  const principal = toolPrincipal(call.owner, installed)
  if (depth) orchestrator.admitNested(principal)
  // A call that another one waits for takes no place of its own: it could wait for ever.
  const leave = depth ? () => {} : await orchestrator.admit(principal, signal, installed.maxConcurrent)
  const desk = new WatchedDesk(call.desk)
  const clerk = clerkOf(desk, depth ?? 0, orchestrator.limits.toolDepth)
  const began = orchestrator.platform.clock.monotonic()
  try {
    const end = await runTool(orchestrator, {
      ...call,
      principal,
      arguments: checked.value as JsonObject,
      timeoutMs: deadlineOfTool(orchestrator, call),
      ask: clerk.ask,
    })
    if (desk.gone) throw desk.gone
    const result = resultOf(tool, end)
    const durationMs = Math.round(orchestrator.platform.clock.monotonic() - began)
    return { ...result, _meta: { 'btcp/callId': call.call, 'btcp/durationMs': durationMs, 'btcp/untrusted': true, ...result._meta } }
  } finally {
    clerk.end()
    leave()
  }
}

/** The caller's deadline, or the default one, cut to what the tool may take. */
const deadlineOfTool = ({ limits }: Orchestrator, { timeoutMs, installed }: InstalledCall): number =>
  Math.min(timeoutMs ?? limits.runTimeoutMs, installed.tool.timeout)

type Judged = Omit<ToolResult, '_meta'> & { readonly _meta: Partial<ToolMeta> }

function resultOf(tool: InstalledTool['tool'], end: ToolEnd): Judged {
  if ('failure' in end) return failed(tool.name, end.failure)
  const { value } = end
  if (tool.outputSchema) {
    const checked = validateJson(tool.outputSchema, value)
    if (!checked.ok) return failed(tool.name, { kind: 'result', message: violationText(checked.errors) })
  }
  const text = end.text ?? (typeof value === 'string' ? value : JSON.stringify(value))
  return { content: [{ type: 'text', text }], structuredContent: value, isError: false, _meta: {} }
}

const VIOLATIONS_TOLD = 5

function violationText(errors: readonly { readonly instancePath: string; readonly message: string }[]): string {
  const told = errors
    .slice(0, VIOLATIONS_TOLD)
    .map(({ instancePath, message }) => `${instancePath === '' ? '(the result)' : instancePath} ${message}`)
  return `its result is not what its outputSchema says: ${told.join('; ')}`
}

function failed(name: string, { kind, message, limit, stack = [] }: ToolFailure): Judged {
  const text = [`Cannot finish "${name}": ${message}`, ...stack.map((frame) => `    at ${frame}`)].join('\n')
  const code = kind === 'limit' ? 'LIMIT_EXCEEDED' : 'EXECUTION_ERROR'
  const error = { code, ...(limit === undefined ? {} : { limit }) }
  return { content: [{ type: 'text', text }], isError: true, _meta: { 'btcp/error': error } }
}

/** Remembers that the document has gone: whatever the code makes of the answer, the call ends with that. */
class WatchedDesk implements Desk {
  readonly #desk: Desk
  gone: BtcpError | undefined

  constructor(desk: Desk) {
    this.#desk = desk
  }

  tools(): ReturnType<Desk['tools']> {
    return this.#desk.tools()
  }
  call(...[nested]: Parameters<Desk['call']>): ReturnType<Desk['call']> {
    return this.#watch(this.#desk.call(nested))
  }
  import(...[request, signal]: Parameters<NonNullable<Desk['import']>>): Promise<JsonValue> {
    if (this.#desk.import) return this.#watch(this.#desk.import(request, signal))
    return Promise.reject(
      new BtcpError('UNSUPPORTED', `Cannot import "${request.import}": there is nothing here that has it`, { effects: 'none' }),
    )
  }

  async #watch<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      if (error instanceof BtcpError && error.data.btcpCode === 'TAB_GONE') this.gone = error
      throw error
    }
  }
}
