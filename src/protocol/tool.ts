/**
 * Tools: what an agent sees of one (MCP's Tool with BTCP's capabilities) and what a call gives back (MCP's CallToolResult).
 * Corresponds to docs/protocol.md sections 1 and 3. The tools that are built in stand in built-in-tools.ts.
 */
import type { Capability } from './capability.ts'
import type { JsonSchema } from './json-schema.ts'
import type { JsonValue } from './parse.ts'

export interface ToolAnnotations {
  readonly title?: string
  readonly readOnlyHint: boolean
  readonly destructiveHint: boolean
  readonly idempotentHint: boolean
  readonly openWorldHint: boolean
}

export interface Tool {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly inputSchema: JsonSchema
  /** without it the result may be any JSON */
  readonly outputSchema?: JsonSchema
  readonly capabilities: readonly Capability[]
  readonly annotations: ToolAnnotations
  readonly examples: readonly { readonly description: string; readonly input: JsonValue }[]
  readonly tags: readonly string[]
  /** the longest that a call may take, in milliseconds */
  readonly timeout: number
}

/** Where a built-in tool runs: in the site's cell, or in the very document that called (no cell is involved). */
export type ToolPlace = 'cell' | 'document'

export type ContentBlock =
  | { readonly type: 'text'; readonly text: string }
  | { readonly type: 'image'; readonly data: string; readonly mimeType: string }
  | { readonly type: 'resource'; readonly resource: { readonly uri: string; readonly mimeType: string; readonly text: string } }

/** A tool's failure is a result with `isError: true` and a text that a model can act on; protocol failures are BtcpErrors. */
export interface ToolResult {
  readonly content: readonly ContentBlock[]
  readonly structuredContent?: JsonValue
  readonly isError: boolean
  readonly _meta: ToolMeta
}

/** What a model reads first. */
export const firstText = ({ content }: Pick<ToolResult, 'content'>): string | undefined =>
  content.find((block) => block.type === 'text')?.text

export interface ToolMeta {
  readonly 'btcp/callId': string
  readonly 'btcp/durationMs': number
  readonly 'btcp/exitCode'?: number
  /** output was cut: `bytes` in all, `limit` returned, the kept part is the file `path` of the sandbox */
  readonly 'btcp/truncated'?: readonly {
    readonly stream: 'stdout' | 'stderr'
    readonly bytes: number
    readonly limit: number
    readonly path: string
  }[]
  /** bytes that are no UTF-8 were replaced by U+FFFD */
  readonly 'btcp/lossy'?: boolean
  /** the content comes from a page or a program, not from the user */
  readonly 'btcp/untrusted'?: boolean
  /** a tool-level failure: LIMIT_EXCEEDED, EXECUTION_ERROR, … and the limit's name */
  readonly 'btcp/error'?: { readonly code: string; readonly limit?: string; readonly suggestions?: readonly string[] }
}
