/**
 * The page that a program gives to a tool which it registers (Playwright, a DOM library): it carries out the imports of place `document` in a
 * host that has no page of its own. What it answers is read like anything from outside.
 */
import { BtcpError } from '../protocol/error.ts'
import { parseFetchRequest } from '../protocol/fetch-request.ts'
import type { Limits } from '../protocol/limits.ts'
import { isRecord, type JsonObject, type JsonValue, parseJson } from '../protocol/parse.ts'
import { type ImportName, type ImportRequest, type ImportResult, TOOL_IMPORTS } from '../protocol/tool-imports.ts'

export interface ToolPage {
  /** A text is a string, or null where there is no such thing; a flag is true or false; a count is a number; what is only done may give
   *  anything. What it throws that is no BtcpError, the tool gets as an invalid request.
   *  `http_fetch` gets `{ url, method, headers, body? }`, in which `url` is absolute or begins with `/`, and gives `{ status, headers, body,
   *  encoding? }`; where the request may go is the program's to decide. What it throws is told as a server that cannot be reached. */
  run(name: ImportName, args: JsonObject): unknown
}

export async function runInPage(
  page: ToolPage | undefined,
  { import: name, arguments: args }: ImportRequest,
  { toolImportBytes: most }: Limits,
): Promise<JsonValue> {
  if (!page) throw new BtcpError('UNSUPPORTED', `Cannot import "${name}": there is no page here`, { effects: 'none' })
  let answer: unknown
  try {
    answer = name === 'http_fetch' ? textOf(await page.run(name, fetchArguments(args))) : await page.run(name, args)
  } catch (error) {
    if (error instanceof BtcpError) throw error
    const reason = `Cannot import "${name}": ${error instanceof Error ? error.message : 'the page failed'}`
    if (name === 'http_fetch') return { nothing: reason }
    throw new BtcpError('INVALID_PARAMS', reason, { effects: 'unknown' })
  }
  const value = READ[TOOL_IMPORTS[name].result](answer)
  if (typeof value === 'string' && value.length > most)
    throw new BtcpError('INVALID_PARAMS', `Cannot import "${name}": the answer has more than ${most} bytes (limit toolImportBytes)`, {
      effects: 'unknown',
      limit: 'toolImportBytes',
    })
  if (value !== undefined) return value
  throw new BtcpError('SANDBOX_ERROR', `Cannot import "${name}": the page answered something else`, { effects: 'unknown' })
}

function fetchArguments({ request }: JsonObject): JsonObject {
  const { url, method, headers, body } = parseFetchRequest(request)
  return { url, method, headers: Object.fromEntries(headers), ...(body === undefined ? {} : { body }) }
}

/** An object is given as its JSON. */
function textOf(answer: unknown): unknown {
  const json = isRecord(answer) ? parseJson(answer) : undefined
  return json ? (json.ok ? JSON.stringify(json.value) : undefined) : answer
}

const READ: Readonly<Record<ImportResult, (answer: unknown) => JsonValue | undefined>> = {
  flag: (answer) => (typeof answer === 'boolean' || answer === 0 || answer === 1 ? Number(answer) : undefined),
  count: (answer) => (Number.isSafeInteger(answer) && (answer as number) >= 0 ? (answer as number) : undefined),
  text: (answer) => (typeof answer === 'string' || answer === null ? answer : undefined),
  done: () => 0,
}
