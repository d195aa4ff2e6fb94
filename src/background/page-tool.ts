/**
 * Tools whose place is the calling document: they go from the router straight to that document's own Port and no cell is involved.
 * A document that was left answers TAB_GONE; the next one in the tab is never asked.
 */
import { BtcpError } from '../protocol/error.ts'
import { LIMITS } from '../protocol/limits.ts'
import { isRecord, type JsonObject, type JsonValue } from '../protocol/parse.ts'
import type { ToolMeta, ToolResult } from '../protocol/tool.ts'
import type { Call } from './calls.ts'
import { grantsOf, siteOf, type Snapshot } from './grants.ts'

export async function pageTool(call: Call, snapshot: Snapshot): Promise<ToolResult> {
  const started = performance.now()
  const deadline = AbortSignal.timeout(call.timeoutMs ?? LIMITS.runTimeoutMs)
  const principal = siteOf(call.port.caller.origin)
  const grants = grantsOf(snapshot.grants, principal)
  const params = {
    principal,
    manifest: call.manifest,
    builtIn: true,
    call: call.id,
    grants,
    arguments: call.arguments,
  } as unknown as JsonObject
  let value: JsonValue
  try {
    value = await call.port.runInDocument(call.tool.name, params, AbortSignal.any([call.signal, deadline]))
  } catch (error) {
    const isOver = error instanceof BtcpError && error.data.limit !== undefined
    if (isOver) return overLimit(error, metaOf(call, started))
    if (!deadline.aborted || call.signal.aborted) throw error
    throw new BtcpError('TIMEOUT', `Cannot finish "${call.tool.name}": the page did not answer in time`, {
      effects: 'none',
      limit: 'runTimeoutMs',
    })
  }
  const meta = metaOf(call, started)
  return isRecord(value) && value['missing'] === true ? notFound(call, meta) : found(value, meta)
}

const metaOf = (call: Call, started: number): ToolMeta => ({
  'btcp/callId': call.id,
  'btcp/durationMs': performance.now() - started,
  'btcp/untrusted': true,
})

/** A text is shown as it is, other data as JSON. */
function found(value: JsonValue, meta: ToolMeta): ToolResult {
  const text = isRecord(value) && typeof value['text'] === 'string' ? value['text'] : JSON.stringify(value)
  return { content: [{ type: 'text', text }], structuredContent: value, isError: false, _meta: meta }
}

/** The document has more than an answer holds, or the browser no room for more. */
function overLimit({ message, data }: BtcpError, meta: ToolMeta): ToolResult {
  const error = { code: 'LIMIT_EXCEEDED', ...(data.limit === undefined ? {} : { limit: data.limit }) }
  return { content: [{ type: 'text', text: message }], isError: true, _meta: { ...meta, 'btcp/error': error } }
}

function notFound(call: Call, meta: ToolMeta): ToolResult {
  const text = `Cannot read ${JSON.stringify(call.arguments['selector'])}: no element of the page matches it`
  const suggestions = ['Leave out "selector" to read the whole page.']
  return { content: [{ type: 'text', text }], isError: true, _meta: { ...meta, 'btcp/error': { code: 'ELEMENT_NOT_FOUND', suggestions } } }
}
