/** The tool `python_run`: code or a file of the cell, in an interpreter of its own or in a session; its value, errors and figures. */
import type { CodeError, PythonRecord, RichItem } from '../protocol/code-record.ts'
import { BtcpError } from '../protocol/error.ts'
import type { JsonObject } from '../protocol/parse.ts'
import type { ContentBlock } from '../protocol/tool.ts'
import {
  type CellCall,
  collectOptionsOf,
  type Ended,
  flagOf,
  invalidArgument,
  limitText,
  outputMeta,
  progressOf,
  refuseNul,
  runOptionsOf,
  stdinOf,
  textOf,
  textsOf,
  timeoutError,
} from './cell-tool.ts'
import { startError } from './file-error.ts'
import { CellFsError } from './live-cell.ts'
import type { Orchestrator } from './orchestrator.ts'
import { type PythonOutcome, type PythonRequest, runPython } from './python-run.ts'
import type { SessionOutcome } from './python-sessions.ts'

const TOOL = 'python_run'

export async function pythonRun(orchestrator: Orchestrator, call: CellCall): Promise<Ended> {
  const { arguments: args, principal } = call
  const session = textOf(args, 'session')
  if (flagOf(args, 'end')) return await endSession(orchestrator, call, session)
  const request = requestOf(orchestrator, call)
  const failed = (error: unknown): never => {
    throw error instanceof CellFsError ? startError(error.errno, 'python3', request.cwd) : error
  }
  if (session === undefined) {
    const run = await runPython(orchestrator, principal, { ...request, ...stdinOf(orchestrator, args) }, collectOptionsOf(call)).catch(
      failed,
    )
    return ended(orchestrator, run, call, { changed: run.changed.map((change) => ({ ...change })) }, [])
  }
  stdinOf(orchestrator, args)
  const run = await orchestrator.python
    .run(
      principal,
      session,
      call.call,
      { ...request, stdin: textOf(args, 'stdin') ?? '' },
      { ...collectOptionsOf(call), nested: (call.depth ?? 0) > 0 },
    )
    .catch(failed)
  if (call.signal?.aborted) throw new BtcpError('CANCELLED', 'Cannot finish the call: it was cancelled', { effects: 'unknown' })
  const { text, value } = sessionWords(session, run)
  return ended(orchestrator, run, call, value, text)
}

/** What the arguments ask to run. Throws BtcpError INVALID_PARAMS. */
function requestOf(orchestrator: Orchestrator, call: CellCall): PythonRequest {
  const { arguments: args } = call
  const code = textOf(args, 'code')
  const path = textOf(args, 'path')
  if ((code === undefined) === (path === undefined)) throw invalidArgument(TOOL, '/code', 'or "path" must be given, and not both')
  const given = Array.isArray(args['args']) ? (args['args'] as readonly string[]) : []
  refuseNul(TOOL, [code ?? path ?? '', ...given])
  return {
    ...runOptionsOf(call),
    ...progressOf(orchestrator, call),
    source: code ?? path ?? '',
    isPath: code === undefined,
    args: given,
  }
}

function ended(orchestrator: Orchestrator, run: PythonOutcome, call: CellCall, more: JsonObject, words: readonly string[]): Ended {
  const out = textsOf(orchestrator, run, false)
  if (run.timedOut) throw timeoutError(TOOL, out, words.map((word) => `. ${word}`).join(''))
  const value = {
    stdout: out.stdout,
    stderr: out.stderr,
    exitCode: run.status,
    durationMs: run.durationMs,
    ...toldOf(run.record),
    ...more,
  }
  const left = run.record?.leftOut ?? []
  const blocks = [
    ...words.map(textBlock),
    ...(run.record?.rich ?? []).map((item, i) => richBlock(item, `urn:btcp:result:${call.call}:${i + 1}`)),
    ...(left.length > 0 ? [textBlock(`Left out: ${left.join('; ')}.`)] : []),
  ]
  return {
    value,
    more: blocks,
    isError: run.limit !== undefined,
    meta: outputMeta(run, out.lossy),
    ...(run.limit ? { text: limitText(orchestrator, run) } : {}),
  }
}

const textBlock = (text: string): ContentBlock => ({ type: 'text', text })

/** Value and error as a result has them. */
function toldOf(record: PythonRecord | undefined): JsonObject {
  const { value = null, valueText, error = null } = record ?? {}
  return { value, ...(valueText === undefined ? {} : { valueText }), error: error && errorOf(error) }
}

const errorOf = ({ type, message, traceback, line }: CodeError): JsonObject => ({
  type,
  message,
  traceback,
  ...(line === undefined ? {} : { line }),
})

function richBlock({ mime, data }: RichItem, uri: string): ContentBlock {
  if (mime === 'image/png' || mime === 'image/jpeg') return { type: 'image', data, mimeType: mime }
  return { type: 'resource', resource: { uri, mimeType: mime, text: data } }
}

/** What a session's call says of the session. */
function sessionWords(name: string, { started, ended: why, timedOut }: SessionOutcome): { text: string[]; value: JsonObject } {
  const session = JSON.stringify(name)
  const text: string[] = []
  if (started && why !== undefined && !timedOut) text.push(`Session ${session}: ${why}. This code ran in a new interpreter.`)
  else if (why !== undefined) text.push(`Session ${session} has ended: ${why}`)
  else if (timedOut) text.push(`Session ${session} lives on`)
  return { text, value: { session: name, sessionStarted: started, ...(why === undefined ? {} : { sessionEnded: why }) } }
}

async function endSession(orchestrator: Orchestrator, call: CellCall, session: string | undefined): Promise<Ended> {
  const { arguments: args, principal } = call
  if (session === undefined) throw invalidArgument(TOOL, '/end', 'needs "session"')
  if (args['code'] !== undefined || args['path'] !== undefined) throw invalidArgument(TOOL, '/end', 'cannot be given together with code')
  const before = await orchestrator.python.end(principal, session)
  const sessionEnded = before ?? 'as asked'
  const nothing = { stdout: '', stderr: '', exitCode: 0, durationMs: 0, value: null, error: null }
  return { value: { ...nothing, session, sessionStarted: false, sessionEnded } }
}
