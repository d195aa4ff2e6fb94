/**
 * The desk of a running call: where its programs ask for tools (`btcp.call` in Python). Who may use what is decided by whoever made the
 * desk (src/offscreen/gated-desk.ts asks the grants; a sandbox of one's own has all tools of its cell). What was begun here ends with the call.
 */
import { BtcpError } from '../protocol/error.ts'
import type { JsonObject, JsonValue } from '../protocol/parse.ts'
import type { Tool, ToolResult } from '../protocol/tool.ts'
import { errorAnswer, importAnswer, importRefusal, parseToolRequest, resultAnswer, toolsAnswer } from '../protocol/tool-request.ts'
import type { ImportRequest } from '../protocol/tool-imports.ts'
import { CancelSource } from './cancel.ts'
import type { CancelSignal } from './platform.ts'

export interface NestedCall {
  readonly tool: string
  readonly arguments: JsonObject
  /** how many calls it is inside of */
  readonly depth: number
  readonly signal: CancelSignal
}

export interface Desk {
  /** What the caller may use now. */
  tools(): readonly Tool[]
  /** Throws BtcpError. */
  call(nested: NestedCall): Promise<ToolResult>
  /** Carries out an import of a tool's module; only the desk of a tool has it. Throws BtcpError. */
  import?(request: ImportRequest, signal: CancelSignal): Promise<JsonValue>
}

/** What answers the programs of one run; `end` when it is over. */
export interface Clerk {
  readonly ask: (request: string) => Promise<string>
  readonly end: () => void
}

/** `depth` is the running call's own. */
export function clerkOf(desk: Desk, depth: number, most: number): Clerk {
  const over = new CancelSource()
  const answer = async (text: string): Promise<string> => {
    const request = parseToolRequest(text)
    if ('tools' in request) return toolsAnswer(desk.tools())
    if ('import' in request) {
      if (!desk.import) throw new BtcpError('UNSUPPORTED', `Cannot import "${request.import}": only a tool may`, { effects: 'none' })
      return await desk.import(request, over).then(importAnswer, importRefusal)
    }
    if (depth >= most)
      throw new BtcpError('BUSY', `Cannot call "${request.tool}": calls are ${most} deep inside each other (limit toolDepth)`, {
        effects: 'none',
        limit: 'toolDepth',
      })
    return resultAnswer(await desk.call({ ...request, depth: depth + 1, signal: over }))
  }
  return { ask: (request) => answer(request).catch(errorAnswer), end: () => over.abort() }
}
