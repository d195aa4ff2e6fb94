/** Python and JavaScript as a program that owns the sandbox runs them: `Sandbox.python` and `Sandbox.js` (docs/protocol.md section 6). */
import type { CodeError, RichItem } from '../protocol/code-record.ts'
import { BtcpError } from '../protocol/error.ts'
import type { JsonValue } from '../protocol/parse.ts'
import type { Owner, Principal } from '../protocol/principal.ts'
import { firstText } from '../protocol/tool.ts'
import { startError } from './file-error.ts'
import { CellFsError } from './live-cell.ts'
import { localClerk } from './local-desk.ts'
import type { LocalTools } from './local-tools.ts'
import type { Orchestrator } from './orchestrator.ts'
import { type PythonOutcome, type PythonRequest, runPython } from './python-run.ts'
import type { SessionOutcome } from './python-sessions.ts'
import { endOf, listenerOf, type RunResult, type TextRunOptions } from './sandbox-run.ts'

export interface PythonOptions extends Omit<TextRunOptions, 'encoding'> {
  /** `sys.argv[1:]` */
  readonly args?: readonly string[]
  /** runs in the interpreter of this name, whose variables stay; standard input is then a text */
  readonly session?: string
}

export interface PythonResult extends RunResult {
  /** of the last expression, where JSON has it; else null, and `valueText` is its repr */
  readonly value: JsonValue
  readonly valueText?: string
  /** the exception that ended the code */
  readonly error: CodeError | null
  /** figures, and what the value is shown as: pixels in base64, else text */
  readonly rich: readonly RichItem[]
  /** what is not among `rich`, and why */
  readonly leftOut: readonly string[]
  /** whether the session's interpreter began with this call, and why the one before, or this one, has ended */
  readonly session?: { readonly started: boolean; readonly ended?: string }
}

export interface JsOptions {
  /** the global `args` */
  readonly args?: readonly string[]
  readonly stdin?: string
  readonly timeoutMs?: number
}

export interface JsResult {
  /** what was printed */
  readonly output: string
  /** the exception, the syntax error, the deadline; null when all went well */
  readonly error: string | null
  readonly value: JsonValue
  readonly valueText?: string
}

/** The sandbox that code runs in. */
export interface OwnSandbox {
  readonly orchestrator: Orchestrator
  readonly principal: Owner
  readonly tools: LocalTools
}

export async function pythonIn(
  { orchestrator, principal, tools }: OwnSandbox,
  code: string | { readonly path: string },
  options: PythonOptions,
): Promise<PythonResult> {
  const { cwd, env, signal, timeoutMs, args = [], session } = options
  const listener = listenerOf(orchestrator.platform.text, options)
  const clerk = localClerk(orchestrator, tools)
  const request = {
    source: typeof code === 'string' ? code : code.path,
    isPath: typeof code !== 'string',
    args,
    ask: clerk.ask,
    ...(cwd === undefined ? {} : { cwd }),
    ...(env ? { env } : {}),
    ...(signal ? { signal } : {}),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    ...(listener ? { output: listener.take } : {}),
  }
  const work =
    session === undefined ? alone(orchestrator, principal, request, options) : inSession(orchestrator, principal, session, request, options)
  try {
    const run = await work
    await listener?.end()
    return resultOf(orchestrator, run)
  } catch (error) {
    throw error instanceof CellFsError ? startError(error.errno, 'python3', cwd) : error
  } finally {
    clerk.end()
  }
}

function alone(orchestrator: Orchestrator, principal: Principal, request: PythonRequest, { stdin }: PythonOptions): Promise<PythonOutcome> {
  const input = typeof stdin === 'string' ? orchestrator.platform.text.encode(stdin) : stdin
  return runPython(
    orchestrator,
    principal,
    { ...request, ...(input === undefined ? {} : { stdin: input }) },
    { unlimited: request.output !== undefined },
  )
}

function inSession(
  orchestrator: Orchestrator,
  principal: Principal,
  session: string,
  request: PythonRequest,
  { stdin = '' }: PythonOptions,
): Promise<SessionOutcome> {
  if (typeof stdin !== 'string')
    throw new BtcpError('INVALID_PARAMS', 'Cannot run Python in a session: its standard input must be a text', { effects: 'none' })
  return orchestrator.python.run(principal, session, orchestrator.platform.newId(), { ...request, stdin })
}

function resultOf({ platform }: Orchestrator, run: PythonOutcome | SessionOutcome): PythonResult {
  const { value = null, valueText, error = null, rich = [], leftOut = [] } = run.record ?? {}
  const ended = 'ended' in run && run.ended !== undefined ? { ended: run.ended } : {}
  return {
    stdout: platform.text.decode(run.stdout).text,
    stderr: platform.text.decode(run.stderr).text,
    ...endOf(run),
    value,
    ...(valueText === undefined ? {} : { valueText }),
    error,
    rich,
    leftOut,
    ...('started' in run ? { session: { started: run.started, ...ended } } : {}),
  }
}

export async function jsIn({ tools }: OwnSandbox, code: string, options: JsOptions): Promise<JsResult> {
  const result = await tools.call('js_run', { code, ...options })
  if (result.structuredContent === undefined)
    throw new BtcpError('SANDBOX_ERROR', firstText(result) ?? 'Cannot run JavaScript', { effects: 'none' })
  return result.structuredContent as unknown as JsResult
}
