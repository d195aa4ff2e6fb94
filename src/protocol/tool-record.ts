/**
 * What a module's process tells of its end on descriptor 3: one line of JSON, and after the line of a value its bytes. The cell is hostile
 * to the orchestrator, so it is parsed there like any message; the bytes are UTF-8 and JSON only when the orchestrator has found so.
 */
import { isRecord, own, type Parsed } from './parse.ts'

/** Where a module failed: before it ran, at a trap, by its own word (`env.abort`, a library's error), or in what it gave back. */
export type FailureKind = 'load' | 'trap' | 'abort' | 'result' | 'limit'

export interface ToolFailure {
  readonly kind: FailureKind
  /** what and where, in words for the tool's author */
  readonly message: string
  /** the limit, for `limit` */
  readonly limit?: string
  /** the wasm stack of a trap, innermost first: `NAME` or `function 3`, with its offset in the module */
  readonly stack?: readonly string[]
}

export type ToolRecord = { readonly t: 'value'; readonly bytes: number } | { readonly t: 'failed'; readonly failure: ToolFailure }

/** Of the line, its end included. */
export const RECORD_LINE_BYTES = 64 * 1024
const MESSAGE_LENGTH = 4_096
const FRAMES = 64
const KINDS: readonly FailureKind[] = ['load', 'trap', 'abort', 'result', 'limit']

export function parseToolRecord(line: string): Parsed<ToolRecord> {
  let value: unknown
  try {
    value = JSON.parse(line)
  } catch {
    return refused('', 'is no JSON')
  }
  if (!isRecord(value)) return refused('', 'is no object')
  if (own(value, 't') === 'value') {
    const bytes = own(value, 'bytes')
    return Number.isSafeInteger(bytes) && (bytes as number) >= 0
      ? { ok: true, value: { t: 'value', bytes: bytes as number } }
      : refused('/bytes', 'is no whole number')
  }
  const failure = own(value, 'failure')
  if (own(value, 't') !== 'failed' || !isRecord(failure)) return refused('/t', 'is neither value nor failed')
  return parseFailure(failure)
}

function parseFailure(value: Record<string, unknown>): Parsed<ToolRecord> {
  const kind = KINDS.find((known) => known === own(value, 'kind'))
  const message = own(value, 'message')
  const limit = own(value, 'limit')
  const stack = own(value, 'stack')
  if (!kind) return refused('/failure/kind', 'is unknown')
  if (typeof message !== 'string') return refused('/failure/message', 'is no text')
  const frames = Array.isArray(stack) ? stack.filter((frame): frame is string => typeof frame === 'string') : []
  return {
    ok: true,
    value: {
      t: 'failed',
      failure: {
        kind,
        message: message.slice(0, MESSAGE_LENGTH),
        ...(typeof limit === 'string' ? { limit: limit.slice(0, 100) } : {}),
        ...(frames.length > 0 ? { stack: frames.slice(0, FRAMES).map((frame) => frame.slice(0, 300)) } : {}),
      },
    },
  }
}

const refused = (at: string, reason: string): { ok: false; at: string; reason: string } => ({ ok: false, at, reason })
