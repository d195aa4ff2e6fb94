/**
 * How the code of an installed tool is run, a row for each kind of it: a module by the kernel's host program `wasm-tool`, which tells its end
 * on descriptor 3; a command, a script or Python as plain processes with JSON on standard input and output. What comes back is hostile: it is
 * bounded while it comes, and read as UTF-8 and JSON when it is whole.
 */
import { BtcpError } from '../protocol/error.ts'
import { type Implementation, PACKAGE_ROOT, type StartsInPackage } from '../protocol/installed-tool.ts'
import { joinedBytes } from '../protocol/joined-bytes.ts'
import { type ModuleRun, moduleArgv } from '../protocol/module-run.ts'
import { type JsonValue, parseJson } from '../protocol/parse.ts'
import type { ToolPrincipal } from '../protocol/principal.ts'
import type { ToolFailure } from '../protocol/tool-record.ts'
import { progressOf } from './cell-tool.ts'
import { runExternal } from './external-call.ts'
import { startError } from './file-error.ts'
import type { InstalledCall } from './installed-call.ts'
import { libraryEnd, libraryRequest } from './library-call.ts'
import { CellFsError } from './live-cell.ts'
import type { Orchestrator } from './orchestrator.ts'
import { SIGKILL } from './run.ts'
import { ToolRecordReader } from './tool-record-reader.ts'
import { toolPythonArgv } from './tool-python.ts'
import { workspaceOf } from './workspace-files.ts'

/** A call that may begin. */
export interface AdmittedCall extends InstalledCall {
  readonly principal: ToolPrincipal
  readonly timeoutMs: number
  /** answers its code that asks for a tool or an import */
  readonly ask: (request: string) => Promise<string>
}

/** What a run has given: a value that is JSON within bounds, or why there is none. `text`: what a model reads instead of the JSON. */
export type ToolEnd = { readonly value: JsonValue; readonly text?: string } | { readonly failure: ToolFailure }

/** Runs the tool's code with the call's arguments. Throws BtcpError TIMEOUT, CANCELLED, SANDBOX_ERROR, UNSUPPORTED. */
export function runTool(orchestrator: Orchestrator, call: AdmittedCall): Promise<ToolEnd> {
  const { implementation } = call.installed
  switch (implementation.type) {
    case 'wasm':
      return runWasm(orchestrator, call, implementation)
    case 'python':
      return runCommand(orchestrator, call, toolPythonArgv(implementation), implementation.inPackage)
    case 'js': {
      const form = implementation.form === 'function' ? '--tool' : '--node'
      return runCommand(orchestrator, call, ['js', form, inPackage(implementation.module)], implementation.inPackage)
    }
    case 'external':
      return runExternal(orchestrator, call, implementation.command)
  }
}

export const inPackage = (path: string): string => `${PACKAGE_ROOT}/${path}`

type Wasm = Extract<Implementation, { type: 'wasm' }>

async function runWasm(orchestrator: Orchestrator, call: AdmittedCall, implementation: Wasm): Promise<ToolEnd> {
  const { abi, module } = implementation
  switch (abi) {
    case 'stdio': {
      const end = await runCommand(orchestrator, call, [inPackage(module)])
      if (!('failure' in end) || end.failure.kind !== 'load') return end
      // execve(2) has no words for why it does not start; the gate has.
      const checked = await runModule(orchestrator, call, implementation, 'check', '')
      return 'failure' in checked ? checked : end
    }
    case 'btcp': {
      const end = await runModule(orchestrator, call, implementation, 'execute', JSON.stringify(call.arguments))
      return 'failure' in end ? end : readJson(orchestrator, end.bytes)
    }
    case 'library': {
      const workspace = workspaceOf(call.arguments, orchestrator.limits)
      const { entry, input } = libraryRequest(call.installed.tool.name, call.arguments, workspace)
      const end = await runModule(orchestrator, call, implementation, entry, input)
      if ('failure' in end) return end
      const { text, lossy } = orchestrator.platform.text.decode(end.bytes)
      return lossy ? NO_UTF8 : libraryEnd(entry, text)
    }
  }
}

/** Runs a module by the kernel's program for tools; `input` is the JSON text that its entry gets. */
export async function runModule(
  orchestrator: Orchestrator,
  call: AdmittedCall,
  { module, abi, memoryInitial, memoryMaximum, strict }: Wasm,
  entry: ModuleRun['entry'],
  input: string,
): Promise<{ readonly bytes: Uint8Array } | { readonly failure: ToolFailure }> {
  const record = new ToolRecordReader(orchestrator)
  const argv = moduleArgv({
    path: inPackage(module),
    sha256: call.installed.sha256,
    abi,
    entry,
    ...(memoryInitial === undefined ? {} : { memoryInitial }),
    ...(memoryMaximum === undefined ? {} : { memoryMaximum }),
    ...(strict === undefined ? {} : { strict }),
  })
  const ran = await runProcess(orchestrator, call, { argv, input, result: (bytes) => record.take(bytes) })
  if ('failure' in ran) return ran
  const end = record.end()
  if (end) return end
  return { failure: { kind: 'trap', message: `it ended ${endOf(ran)} before it gave a result${printed(ran.errors)}` } }
}

/** Runs a process that gets its arguments on standard input and prints its result: one JSON value, or else a text. */
async function runCommand(
  orchestrator: Orchestrator,
  call: AdmittedCall,
  argv: readonly string[],
  startsInPackage?: StartsInPackage,
): Promise<ToolEnd> {
  const { limits, platform } = orchestrator
  const output = new Bytes(limits.toolResultBytes)
  const ran = await runProcess(orchestrator, call, {
    argv,
    ...(startsInPackage ? { cwd: PACKAGE_ROOT } : {}),
    input: JSON.stringify(call.arguments),
    output: (bytes) => output.take(bytes),
  })
  if ('failure' in ran) return ran
  if (output.isOver) return overLimit(limits.toolResultBytes)
  if (ran.status !== 0) return { failure: { kind: 'abort', message: `it ended ${endOf(ran)}${printed(ran.errors)}` } }
  const { text, lossy } = platform.text.decode(output.whole())
  if (lossy) return { failure: { kind: 'result', message: 'what it printed is no UTF-8' } }
  try {
    JSON.parse(text)
  } catch {
    return { value: text.endsWith('\n') ? text.slice(0, -1) : text }
  }
  return readJson(orchestrator, output.whole())
}

interface Process {
  readonly argv: readonly string[]
  readonly cwd?: string
  /** JSON text */
  readonly input: string
  /** Takes standard output; false ends the process. */
  readonly output?: (bytes: Uint8Array) => boolean
  /** Takes what it tells on descriptor 3; false ends the process. */
  readonly result?: (bytes: Uint8Array) => boolean
}

interface Ran {
  readonly status: number
  readonly signal?: number
  /** the end of what it printed on standard error */
  readonly errors: string
}

/** Runs a process of the tool to its end; what it prints and nobody takes is progress. */
async function runProcess(
  orchestrator: Orchestrator,
  call: AdmittedCall,
  { argv, cwd, input, output, result }: Process,
): Promise<Ran | { readonly failure: ToolFailure }> {
  const { principal, installed, signal, timeoutMs, ask } = call
  const { text } = orchestrator.platform
  const errors = new Tail(ERRORS_TOLD)
  const progress = progressOf(orchestrator, call).output
  const kill = (): void => run.kill(SIGKILL)
  const run = orchestrator.start(
    principal,
    {
      argv,
      ...(cwd === undefined ? {} : { cwd }),
      env: installed.env,
      stdin: text.encode(input),
      timeoutMs,
      ...(signal ? { signal } : {}),
      ask,
      output: (fd, bytes) => {
        if (fd === 2) errors.take(bytes)
        if (fd === 2 || !output) progress?.(fd, bytes)
        else if (!output(bytes)) kill()
      },
      ...(result ? { result: (bytes: Uint8Array) => void (result(bytes) || kill()) } : {}),
    },
    call.call,
  )
  try {
    const { status, signal: ended, timedOut } = await run.done
    const told = text.decode(errors.bytes()).text.trim()
    if (timedOut) throw timeoutOf(installed.tool.name, told)
    return { status, ...(ended === undefined ? {} : { signal: ended }), errors: told }
  } catch (error) {
    if (!(error instanceof CellFsError)) throw error
    return { failure: { kind: 'load', message: startError(error.errno, argv[0] ?? '', undefined).message } }
  }
}

function timeoutOf(name: string, stderr: string): BtcpError {
  return new BtcpError('TIMEOUT', `Cannot finish "${name}": the deadline has passed`, { effects: 'unknown', stdout: '', stderr })
}

const ERRORS_TOLD = 4_096
const PATH_TOLD = 1_000
const endOf = ({ status, signal }: Ran): string => (signal === undefined ? `with status ${status}` : `by signal ${signal}`)
const printed = (errors: string): string => (errors === '' ? '' : `: ${errors}`)

const NO_UTF8: ToolEnd = { failure: { kind: 'result', message: 'its result is no UTF-8' } }

function readJson({ platform }: Orchestrator, bytes: Uint8Array): ToolEnd {
  const { text, lossy } = platform.text.decode(bytes)
  if (lossy) return NO_UTF8
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return { failure: { kind: 'result', message: `its result is no JSON: ${error instanceof Error ? error.message : ''}` } }
  }
  const parsed = parseJson(value)
  if (parsed.ok) return { value: parsed.value }
  return {
    failure: {
      kind: 'result',
      message: `its result cannot be taken: ${parsed.at === '' ? 'it' : parsed.at.slice(0, PATH_TOLD)} ${parsed.reason}`,
    },
  }
}

const overLimit = (most: number): ToolEnd => ({
  failure: { kind: 'limit', message: `its result has more than ${most} bytes (limit toolResultBytes)`, limit: 'toolResultBytes' },
})

/** What came, up to so many bytes. */
class Bytes {
  readonly #most: number
  readonly #pieces: Uint8Array[] = []
  #length = 0

  constructor(most: number) {
    this.#most = most
  }

  get isOver(): boolean {
    return this.#length > this.#most
  }
  take(bytes: Uint8Array): boolean {
    this.#length += bytes.length
    if (!this.isOver) this.#pieces.push(bytes.slice())
    return !this.isOver
  }
  whole(): Uint8Array {
    return joinedBytes(this.#pieces)
  }
}

/** The end of what came. */
class Tail {
  readonly #most: number
  #kept: Uint8Array = new Uint8Array(0)

  constructor(most: number) {
    this.#most = most
  }

  take(bytes: Uint8Array): void {
    this.#kept = joinedBytes([this.#kept, bytes.subarray(Math.max(0, bytes.length - this.#most))]).slice(-this.#most)
  }
  bytes(): Uint8Array {
    return this.#kept
  }
}
