/**
 * What an import answers to its module, made of what the orchestrator answered to the cell: `{ ok: { value } }` or
 * `{ error: { btcpCode, message } }` (protocol/tool-request.ts). Below 0 are the errors of docs/tools.md.
 */
import { isRecord, own } from '../../protocol/parse.ts'
import { IMPORT_ERROR, type ImportName, type ToolImport } from '../../protocol/tool-imports.ts'
import { bytesOf, fromText } from '../vfs/byte-string.ts'

export type ImportAnswer =
  | { readonly is: 'number'; readonly number: number }
  | { readonly is: 'text'; readonly bytes: Uint8Array }
  | { readonly is: 'nothing' }
  | { readonly is: 'error'; readonly number: number; readonly message: string }

/** Every other code is `invalid`, or `limit` where the error names one. */
const NUMBERS: Readonly<Record<string, number>> = {
  CAPABILITY_DENIED: IMPORT_ERROR.denied,
  USER_REJECTED: IMPORT_ERROR.denied,
  UNSUPPORTED: IMPORT_ERROR.denied,
  TIMEOUT: IMPORT_ERROR.timeout,
  CANCELLED: IMPORT_ERROR.timeout,
  INVALID_PARAMS: IMPORT_ERROR.invalid,
  TAB_GONE: IMPORT_ERROR.gone,
  DISCONNECTED: IMPORT_ERROR.gone,
  RATE_LIMITED: IMPORT_ERROR.limit,
  BUSY: IMPORT_ERROR.limit,
  LIMIT_EXCEEDED: IMPORT_ERROR.limit,
  TOOL_NOT_FOUND: IMPORT_ERROR.notFound,
  ELEMENT_NOT_FOUND: IMPORT_ERROR.notFound,
}
const MOST_I32 = 0x7fff_ffff

export const importError = (number: number, message: string): ImportAnswer => ({ is: 'error', number, message })

/** Texts longer than `mostBytes` are an error. Never throws. */
export function readAnswer(name: ImportName, row: ToolImport, answer: string, mostBytes: number): ImportAnswer {
  const parsed = jsonOf(answer)
  const [ok, error] = isRecord(parsed) ? [own(parsed, 'ok'), own(parsed, 'error')] : []
  if (isRecord(error)) return failed(own(error, 'btcpCode'), own(error, 'message'), own(error, 'data'))
  const value = isRecord(ok) ? own(ok, 'value') : undefined
  switch (row.result) {
    case 'done':
      return { is: 'number', number: 0 }
    case 'flag':
      return value === null ? { is: 'nothing' } : { is: 'number', number: value === true || value === 1 ? 1 : 0 }
    case 'count':
      return typeof value === 'number' ? { is: 'number', number: Math.min(Math.max(0, Math.trunc(value)), MOST_I32) } : { is: 'nothing' }
    case 'text':
      return value === null || value === undefined ? { is: 'nothing' } : text(name, value, mostBytes)
  }
}

function text(name: ImportName, value: unknown, mostBytes: number): ImportAnswer {
  const reason = isRecord(value) ? own(value, 'nothing') : undefined
  if (typeof reason === 'string') return importError(IMPORT_ERROR.notFound, reason)
  const bytes = bytesOfValue(name, value)
  if (!bytes) return importError(IMPORT_ERROR.invalid, 'The answer is no base64')
  return bytes.length > mostBytes
    ? importError(IMPORT_ERROR.limit, `The answer has ${bytes.length} bytes (limit toolImportBytes)`)
    : { is: 'text', bytes }
}

/** A file's bytes come as base64; what is no text is given as its JSON. */
function bytesOfValue(name: ImportName, value: unknown): Uint8Array | undefined {
  if (typeof value !== 'string') return bytesOf(fromText(JSON.stringify(value)))
  if (name !== 'read_file') return bytesOf(fromText(value))
  try {
    return Uint8Array.fromBase64(value)
  } catch {
    return undefined
  }
}

function failed(code: unknown, message: unknown, data: unknown): ImportAnswer {
  const isLimit = isRecord(data) && own(data, 'limit') !== undefined
  const other = isLimit ? IMPORT_ERROR.limit : IMPORT_ERROR.invalid
  const number = typeof code === 'string' && Object.hasOwn(NUMBERS, code) ? NUMBERS[code]! : other
  return importError(number, typeof message === 'string' ? message : 'It failed')
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
