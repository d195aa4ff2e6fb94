/**
 * What a program in a cell asks of the orchestrator: a tool, the list of those that it may use, or (only a tool's module) an import. Both sides are JSON text (`ask` and
 * `reply` of cell.ts). What is asked was written by code that nobody here wrote.
 */
import { BTCP_CODES, BtcpError } from './error.ts'
import { isRecord, type JsonObject, type JsonValue, own, parseJson } from './parse.ts'
import { firstText, type Tool, type ToolResult } from './tool.ts'
import { type ImportName, type ImportRequest, toolImport } from './tool-imports.ts'

export type ToolRequest = { readonly tools: true } | { readonly tool: string; readonly arguments: JsonObject } | ImportRequest

const NAME_LENGTH = 100

/** Throws BtcpError INVALID_PARAMS. */
export function parseToolRequest(text: string): ToolRequest {
  const asked = jsonOf(text)
  if (!isRecord(asked)) throw bad('it is no JSON object')
  if (own(asked, 'tools') === true) return { tools: true }
  const imported = own(asked, 'import')
  if (imported !== undefined) return { import: importName(imported), arguments: argumentsOf(asked) }
  const tool = own(asked, 'tool')
  if (typeof tool !== 'string' || tool.length > NAME_LENGTH) throw bad('"tool" is no name of a tool')
  return { tool, arguments: argumentsOf(asked) }
}

function importName(value: unknown): ImportName {
  if (typeof value !== 'string' || !toolImport(value)) throw bad('"import" is no name of an import')
  return value as ImportName
}

function argumentsOf(asked: Record<string, unknown>): JsonObject {
  const args = parseJson(own(asked, 'args') ?? {})
  if (!args.ok) throw bad(`its arguments: ${args.at} ${args.reason}`)
  if (!isRecord(args.value)) throw bad('its arguments are no object')
  return args.value
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw bad('it is no JSON')
  }
}

/** Tools are told often, and their schemas can be long. */
const told = new WeakMap<Tool, string>()

export const toolsAnswer = (tools: readonly Tool[]): string => `{"ok":{"tools":[${tools.map(textOfTool).join(',')}]}}`

function textOfTool(tool: Tool): string {
  const { name, title, description, inputSchema, capabilities } = tool
  const text = told.get(tool) ?? JSON.stringify({ name, title, description, inputSchema, capabilities })
  told.set(tool, text)
  return text
}

/** What an import gave. */
export const importAnswer = (value: JsonValue): string => JSON.stringify({ ok: { value } })

/** Why an import gave nothing. A module has a number of its own for a limit, whatever the code. */
export const importRefusal = (error: unknown): string =>
  error instanceof BtcpError && error.data.limit !== undefined
    ? errorText('LIMIT_EXCEEDED', error.message, { limit: error.data.limit })
    : errorAnswer(error)

/** A result with `isError` is an error to the program. */
export function resultAnswer({ structuredContent, isError, content, _meta }: ToolResult): string {
  if (!isError) return JSON.stringify({ ok: { structuredContent: structuredContent ?? null } })
  const message = firstText({ content }) ?? 'The tool failed'
  return errorText(
    _meta['btcp/error']?.code ?? 'EXECUTION_ERROR',
    message,
    structuredContent === undefined ? {} : { result: structuredContent },
  )
}

export function errorAnswer(error: unknown): string {
  if (!(error instanceof BtcpError)) return errorText('INTERNAL_ERROR', 'Cannot call the tool: something failed outside the cell', {})
  const { btcpCode, ...data } = error.data
  return errorText(btcpCode, error.message, data)
}

/** `number` is JSON-RPC's; null for a failure of the tool itself. */
function errorText(btcpCode: string, message: string, data: { readonly [key: string]: unknown }): string {
  const number: JsonValue = Object.hasOwn(BTCP_CODES, btcpCode) ? BTCP_CODES[btcpCode as keyof typeof BTCP_CODES] : null
  return JSON.stringify({ error: { btcpCode, number, message, data } })
}

const bad = (reason: string): BtcpError => new BtcpError('INVALID_PARAMS', `Cannot call a tool: ${reason}`, { effects: 'none' })
