/**
 * Calls of a library (abi `library`, and libraries that are processes of the host's): `{ function, args, workspace }` or `{ check, … }` from
 * the caller becomes what the library reads, and what it answers becomes a value or the result of the check. `{ metadata: true }` asks what
 * functions and checks there are.
 */
import { BtcpError } from '../protocol/error.ts'
import {
  type LibraryValue,
  libraryText,
  parseCheckResult,
  parseLibraryAnswer,
  parseLibraryJson,
  parseLibraryMetadata,
  parseLibraryValue,
  plainOf,
} from '../protocol/library-value.ts'
import type { JsonObject, JsonValue } from '../protocol/parse.ts'
import type { ToolEnd } from './tool-run.ts'

export type LibraryEntry = 'library_call' | 'library_check' | 'get_metadata'

export interface LibraryRequest {
  readonly entry: LibraryEntry
  /** what the library reads: the JSON text of `{ function, args, workspace }`; nothing where it shall say what it is */
  readonly input: string
}

/** Throws INVALID_PARAMS, with the path of what is wrong. */
export function libraryRequest(tool: string, args: JsonObject, workspace: string): LibraryRequest {
  const { function: called, check, metadata } = args
  const [name, more] = [called, check, metadata].filter((one) => one !== undefined)
  if (more === undefined && metadata === true) return { entry: 'get_metadata', input: '' }
  if (more !== undefined || typeof name !== 'string') throw wrong(tool, '', 'it takes a function or a check, by name, or metadata')
  const values = valuesOf(tool, args['args'] ?? [])
  const input = `{"function":${JSON.stringify(name)},"args":[${values.map(libraryText).join(',')}],"workspace":${JSON.stringify(workspace)}}`
  return { entry: called === undefined ? 'library_check' : 'library_call', input }
}

const SHOWN = 100
const ANSWERS: Readonly<Record<LibraryEntry, string>> = {
  library_call: '{ "String": "a" }',
  library_check: '{ "Pass": null }',
  get_metadata: '{ "name": "a", "version": "1.0.0", "functions": [], "checks": [] }',
}

/** What the text of an answer says. */
export function libraryEnd(entry: LibraryEntry, text: string): ToolEnd {
  if (text.trim() === '') return bad(`it gave no text: ${entry} answers in JSON, like ${ANSWERS[entry]}`)
  const json = parseLibraryJson(text)
  return json.ok ? answerEnd(entry, json.value) : bad(`its result ${json.reason}: ${JSON.stringify(text.slice(0, SHOWN))}`)
}

/** The same of an answer that has been read. */
export function answerEnd(entry: LibraryEntry, json: unknown): ToolEnd {
  switch (entry) {
    case 'library_call':
      return callEnd(json)
    case 'library_check':
      return checkEnd(json)
    case 'get_metadata':
      return metadataEnd(json)
  }
}

function callEnd(json: unknown): ToolEnd {
  const answer = parseLibraryAnswer(json)
  if (!answer.ok) return bad(`its result: ${answer.at === '' ? 'it' : answer.at} ${answer.reason}`)
  if (!answer.value.ok) return { failure: { kind: 'abort', message: answer.value.message } }
  return { value: { value: plainOf(answer.value.value) } }
}

function checkEnd(json: unknown): ToolEnd {
  const parsed = parseCheckResult(json)
  if (parsed.ok) {
    const { result, message } = parsed.value
    if (result === 'error') return { failure: { kind: 'abort', message: message ?? 'the check could not be made' } }
    return { value: { result, ...(message === undefined ? {} : { message }) } }
  }
  return bad(`its result ${parsed.reason}`)
}

function metadataEnd(json: unknown): ToolEnd {
  const parsed = parseLibraryMetadata(json)
  if (!parsed.ok) return bad(`what it says of itself: ${parsed.at === '' ? 'it' : parsed.at} ${parsed.reason}`)
  const { name, version, functions, checks } = parsed.value
  return { value: { name, version, functions: [...functions], checks: [...checks] } }
}

function valuesOf(tool: string, args: JsonValue): LibraryValue[] {
  if (!Array.isArray(args)) throw wrong(tool, '/args', 'is no list')
  return args.map((arg: JsonValue, i) => {
    const parsed = parseLibraryValue(arg, `/args/${i}`)
    if (!parsed.ok) throw wrong(tool, parsed.at, parsed.reason)
    return parsed.value
  })
}

const bad = (message: string): ToolEnd => ({ failure: { kind: 'result', message } })

const wrong = (tool: string, instancePath: string, message: string): BtcpError =>
  new BtcpError('INVALID_PARAMS', `Cannot call "${tool}": ${instancePath === '' ? '' : `${instancePath} `}${message}`, {
    errors: [{ instancePath, message }],
    effects: 'none',
  })
