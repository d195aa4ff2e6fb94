/**
 * What the orchestrator answers to `btcp` (protocol/tool-request.ts), as its user reads it: a result, a list of tools, or an error with its
 * code and what can be done about it.
 */
import { isRecord, own } from '../../protocol/parse.ts'

export type Answer =
  | { readonly ok: true; readonly value: Record<string, unknown> }
  /** `result` is what a failed tool gave all the same */
  | { readonly ok: false; readonly text: string; readonly result?: unknown }

export interface ListedTool {
  readonly name: string
  readonly title?: string
  readonly description: string
  readonly capabilities: readonly string[]
  readonly inputSchema: unknown
}

export function parseAnswer(text: string): Answer {
  const answer = jsonOf(text)
  const value = isRecord(answer) ? own(answer, 'ok') : undefined
  if (isRecord(value)) return { ok: true, value }
  const error = isRecord(answer) ? own(answer, 'error') : undefined
  return isRecord(error) ? failureOf(error) : { ok: false, text: 'btcp: INTERNAL_ERROR: the answer cannot be read\n' }
}

/** Undefined where it is no JSON object. */
export function parseArguments(json: string): Record<string, unknown> | undefined {
  const value = jsonOf(json)
  return isRecord(value) ? value : undefined
}

/** The tools of an answer to `{ tools: true }`. */
export function toolsOf(value: Record<string, unknown>): readonly ListedTool[] {
  const tools = own(value, 'tools')
  return (Array.isArray(tools) ? tools : []).filter(isRecord).map((tool) => {
    const title = own(tool, 'title')
    const capabilities = own(tool, 'capabilities')
    return {
      name: String(own(tool, 'name')),
      ...(typeof title === 'string' ? { title } : {}),
      description: String(own(tool, 'description')),
      capabilities: Array.isArray(capabilities) ? capabilities.map(String) : [],
      inputSchema: own(tool, 'inputSchema'),
    }
  })
}

/** A line a tool, in columns. */
export function listing(tools: readonly ListedTool[]): string {
  const capabilitiesOf = (tool: ListedTool): string => tool.capabilities.join(',') || '-'
  const nameWidth = Math.max(0, ...tools.map(({ name }) => name.length))
  const capabilityWidth = Math.max(0, ...tools.map((tool) => capabilitiesOf(tool).length))
  return tools
    .map((tool) => {
      const [line = ''] = printable(tool.description).split('\n')
      return `${tool.name.padEnd(nameWidth)}  ${capabilitiesOf(tool).padEnd(capabilityWidth)}  ${line}\n`
    })
    .join('')
}

/** What somebody else wrote, without what moves a terminal's cursor. */
const printable = (text: string): string => text.replaceAll(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/g, ' ')

function failureOf(error: Record<string, unknown>): Answer {
  const code = String(own(error, 'btcpCode'))
  const data = own(error, 'data')
  const about = isRecord(data) ? data : {}
  const lines = [`btcp: ${code}: ${String(own(error, 'message'))}`, ...violationsOf(about), ...adviceOf(code, about)]
  const result = own(about, 'result')
  return { ok: false, text: printable(`${lines.join('\n')}\n`), ...(result === undefined ? {} : { result }) }
}

/** Where the arguments are wrong, a line each. */
function violationsOf(data: Record<string, unknown>): string[] {
  const errors = own(data, 'errors')
  return (Array.isArray(errors) ? errors : []).filter(isRecord).map((error) => {
    const path = String(own(error, 'instancePath'))
    return `  ${path === '' ? '(the whole)' : path}: ${String(own(error, 'message'))}`
  })
}

const ADVICE: Readonly<Record<string, string>> = {
  CAPABILITY_DENIED: 'A person has to allow it: in the popup of the extension, or when the page asks for it.',
  INVALID_PARAMS: 'Its arguments: btcp describe NAME',
  TOOL_NOT_FOUND: 'What there is: btcp tools',
}

function adviceOf(code: string, data: Record<string, unknown>): string[] {
  const suggestions = own(data, 'suggestions')
  const told = (Array.isArray(suggestions) ? suggestions : []).filter((line): line is string => typeof line === 'string')
  const advice = Object.hasOwn(ADVICE, code) ? ADVICE[code] : undefined
  return advice === undefined || told.length > 0 ? told : [advice]
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
