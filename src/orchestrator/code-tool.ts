/**
 * The tools `js_run` and `code_execute`: code whose whole answer is `{ output, error }`: what it printed, and why it did not end well as a
 * text, or null. A syntax error, an exception, the deadline and a lack of memory are such errors, and none of the tool.
 */
import { type CodeError, type JsRecord, parseJsRecord } from '../protocol/code-record.ts'
import type { JsonObject } from '../protocol/parse.ts'
import {
  type CellCall,
  collectOptionsOf,
  type Ended,
  outputMeta,
  progressOf,
  refuseNul,
  runOptionsOf,
  stdinOf,
  textOf,
  textsOf,
} from './cell-tool.ts'
import { startError } from './file-error.ts'
import { CellFsError } from './live-cell.ts'
import type { CollectedRun, Orchestrator } from './orchestrator.ts'
import { PrintedText } from './printed-text.ts'
import { runPython } from './python-run.ts'
import { jsArgv, jsEnv } from './js-run.ts'
import { deadlineOf } from './run.ts'
import { ToldLines } from './told-lines.ts'

interface Executed {
  readonly run: CollectedRun
  readonly printed: string
  readonly error: string | null
}

export async function codeExecute(orchestrator: Orchestrator, call: CellCall): Promise<Ended> {
  const executed =
    textOf(call.arguments, 'language') === 'python' ? await executePython(orchestrator, call) : await executeJs(orchestrator, call)
  return endedBy(orchestrator, executed, { output: executed.printed, error: executed.error })
}

export async function jsRun(orchestrator: Orchestrator, call: CellCall): Promise<Ended> {
  const executed = await executeJs(orchestrator, call)
  const { value = null, text } = executed.record ?? {}
  const shown = text === undefined ? {} : { valueText: text }
  return endedBy(orchestrator, executed, { output: executed.printed, error: executed.error, value, ...shown })
}

const endedBy = (orchestrator: Orchestrator, { run }: Executed, value: JsonObject): Ended => ({
  value,
  meta: outputMeta(run, textsOf(orchestrator, run, false).lossy),
})

async function executePython(orchestrator: Orchestrator, call: CellCall): Promise<Executed> {
  const printed = new PrintedText(orchestrator, progressOf(orchestrator, call).output)
  const source = textOf(call.arguments, 'code') ?? ''
  refuseNul(call.tool, [source])
  const request = { ...runOptionsOf(call), source, isPath: false, args: [], quiet: true, output: printed.take }
  const run = await runPython(orchestrator, call.principal, request, collectOptionsOf(call)).catch(notStarted('python3'))
  return { run, printed: printed.text(), error: errorText(orchestrator, call, run, run.record?.error ?? null, printed) }
}

async function executeJs(orchestrator: Orchestrator, call: CellCall): Promise<Executed & { readonly record?: JsRecord }> {
  const { limits, platform } = orchestrator
  const { arguments: args } = call
  const printed = new PrintedText(orchestrator, progressOf(orchestrator, call).output)
  const lines = new ToldLines(limits)
  let record: JsRecord | undefined
  const result = (bytes: Uint8Array): void => {
    for (const line of lines.take(bytes)) record = line && parseJsRecord(platform.text.decode(line).text, limits)
  }
  const options = runOptionsOf(call)
  const argv = jsArgv(textOf(args, 'code') ?? '', Array.isArray(args['args']) ? (args['args'] as readonly string[]) : [])
  refuseNul(call.tool, argv)
  const spec = { ...options, env: jsEnv(options.env), argv, ...stdinOf(orchestrator, args), output: printed.take, result }
  const run = await orchestrator.run(call.principal, spec, collectOptionsOf(call)).catch(notStarted('js'))
  const error = errorText(orchestrator, call, run, record?.error ?? null, printed)
  return { run, printed: printed.text(), error, ...(record ? { record } : {}) }
}

const notStarted =
  (program: string) =>
  (error: unknown): never => {
    throw error instanceof CellFsError ? startError(error.errno, program, undefined) : error
  }

/** Why it did not end well; null when it did. */
function errorText(
  orchestrator: Orchestrator,
  call: CellCall,
  run: CollectedRun,
  told: CodeError | null,
  printed: PrintedText,
): string | null {
  const { limits } = orchestrator
  if (run.timedOut) return `TimeoutError: it was not over after ${deadlineOf(runOptionsOf(call).timeoutMs, limits)} ms, and was ended`
  if (run.limit) return `LimitError: it printed more than ${limits.outputKeptBytes} bytes (limit ${run.limit})`
  if (told) return told.traceback.trimEnd() || `${told.type}: ${told.message}`
  if (run.status === 0) return null
  return printed.errors().trim() || `it ended with status ${run.status}`
}
