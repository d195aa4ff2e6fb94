/**
 * What the tools of a cell have in common: a call whose arguments their schema has accepted, what it ends with, and how a command's output
 * becomes part of a result.
 */
import { BtcpError } from '../protocol/error.ts'
import type { Violation } from '../protocol/json-schema.ts'
import type { JsonObject } from '../protocol/parse.ts'
import type { Principal } from '../protocol/principal.ts'
import type { ContentBlock, ToolMeta } from '../protocol/tool.ts'
import type { Desk } from './desk.ts'
import type { CollectedRun, Orchestrator } from './orchestrator.ts'
import type { CancelSignal } from './platform.ts'
import type { RunSpec } from './run.ts'

export interface ToolCall {
  readonly call: string
  readonly principal: Principal
  readonly tool: string
  readonly arguments: JsonObject
  /** the caller's, besides what the arguments say; the smaller holds */
  readonly timeoutMs?: number
  readonly maxOutputBytes?: number
  readonly signal?: CancelSignal
  /** hears output while it comes */
  readonly onProgress?: (progress: JsonObject) => void
  /** where its programs may ask for tools; without it there are none */
  readonly desk?: Desk
  /** how many calls it is inside of; it then takes no place of its own among the calls that run */
  readonly depth?: number
}

export interface Ended {
  readonly value: JsonObject
  /** what a model reads; without it the value as JSON */
  readonly text?: string
  readonly meta?: Partial<ToolMeta>
  readonly isError?: boolean
  /** after the text */
  readonly more?: readonly ContentBlock[]
}
/** A call as its tool has it. */
export interface CellCall extends ToolCall {
  /** answers its programs that ask for tools */
  readonly ask?: (request: string) => Promise<string>
}
export type CellTool = (orchestrator: Orchestrator, call: CellCall) => Promise<Ended>

export class LimitError extends Error {
  readonly limit: string
  constructor(message: string, limit: string) {
    super(message)
    this.limit = limit
  }
}

export const textOf = (args: JsonObject, key: string): string | undefined => (typeof args[key] === 'string' ? args[key] : undefined)
export const countOf = (args: JsonObject, key: string): number | undefined => (typeof args[key] === 'number' ? args[key] : undefined)
export const flagOf = (args: JsonObject, key: string): boolean => args[key] === true

export function textsOf(
  orchestrator: Orchestrator,
  run: CollectedRun,
  base64: boolean,
): { stdout: string; stderr: string; lossy: boolean } {
  if (base64) return { stdout: run.stdout.toBase64(), stderr: run.stderr.toBase64(), lossy: false }
  const [out, err] = [orchestrator.platform.text.decode(run.stdout), orchestrator.platform.text.decode(run.stderr)]
  return { stdout: out.text, stderr: err.text, lossy: out.lossy || err.lossy }
}

export function outputMeta(run: CollectedRun, lossy: boolean): Partial<ToolMeta> {
  const truncated = run.cuts.map(({ fd, bytes, limit, path }) => ({
    stream: fd === 1 ? ('stdout' as const) : ('stderr' as const),
    bytes,
    limit,
    path: path ?? '',
  }))
  return {
    'btcp/exitCode': run.status,
    'btcp/untrusted': true,
    ...(truncated.length > 0 ? { 'btcp/truncated': truncated } : {}),
    ...(lossy ? { 'btcp/lossy': true } : {}),
    ...(run.limit
      ? {
          'btcp/error': {
            code: 'LIMIT_EXCEEDED',
            limit: run.limit,
            suggestions: ['Write the output to a file with > and read the part you need.'],
          },
        }
      : {}),
  }
}

export function limitText(orchestrator: Orchestrator, run: CollectedRun): string {
  const kept = run.cuts.flatMap(({ path }) => path ?? []).join(' and ')
  const where = kept ? ` The first part is in ${kept}.` : ''
  return `Cannot finish the command: it printed more than ${orchestrator.limits.outputKeptBytes} bytes (limit outputKeptBytes).${where} Write the output to a file with > and read the part you need.`
}

/** Output as progress while it comes; what is cut inside a character waits for its rest. */
export function progressOf(
  orchestrator: Orchestrator,
  call: Pick<ToolCall, 'onProgress'>,
): { output?: (fd: 1 | 2, bytes: Uint8Array) => void } {
  const { onProgress } = call
  if (!onProgress) return {}
  const decoders = { 1: orchestrator.platform.text.decoder(), 2: orchestrator.platform.text.decoder() }
  let left = orchestrator.limits.outputReturnedBytes
  return {
    output: (fd, bytes) => {
      if (left <= 0) return
      left -= bytes.length
      const piece = decoders[fd](bytes)
      if (piece !== '') onProgress({ stream: fd === 1 ? 'stdout' : 'stderr', text: piece })
    },
  }
}

/** Standard input as bytes; empty without it. Throws LimitError. */
export function stdinOf(orchestrator: Orchestrator, args: JsonObject): { stdin?: Uint8Array } {
  const stdin = textOf(args, 'stdin')
  if (stdin === undefined) return {}
  const bytes = orchestrator.platform.text.encode(stdin)
  if (bytes.length <= orchestrator.limits.stdinBytes) return { stdin: bytes }
  throw new LimitError(
    `Cannot run the command: more than ${orchestrator.limits.stdinBytes} bytes of standard input (limit stdinBytes)`,
    'stdinBytes',
  )
}

/** What a run takes from the arguments and from the call: directory, environment, the smaller deadline, cancelling, tools. */
export function runOptionsOf(call: CellCall): Pick<RunSpec, 'cwd' | 'env' | 'timeoutMs' | 'signal' | 'ask'> {
  const { arguments: args, signal, ask } = call
  const cwd = textOf(args, 'cwd')
  const timeoutMs = Math.min(countOf(args, 'timeoutMs') ?? Infinity, call.timeoutMs ?? Infinity)
  return {
    ...(cwd === undefined ? {} : { cwd }),
    env: (args['env'] ?? {}) as Record<string, string>,
    ...(timeoutMs === Infinity ? {} : { timeoutMs }),
    ...(signal ? { signal } : {}),
    ...(ask ? { ask } : {}),
  }
}

export const collectOptionsOf = ({ call, maxOutputBytes }: ToolCall): { call: string; maxOutputBytes?: number } => ({
  call,
  ...(maxOutputBytes === undefined ? {} : { maxOutputBytes }),
})

export function timeoutError(tool: string, out: { readonly stdout: string; readonly stderr: string }, more = ''): BtcpError {
  return new BtcpError('TIMEOUT', `Cannot finish "${tool}": the deadline has passed${more}`, {
    stdout: out.stdout,
    stderr: out.stderr,
    effects: 'unknown',
  })
}

/** Arguments that the tool's schema refuses: the first fault with its path, and all of them as data. */
export function refusedArguments(tool: string, errors: readonly Violation[]): BtcpError {
  const { instancePath = '', message = 'they are refused' } = errors[0] ?? {}
  const where = instancePath === '' ? '' : `${instancePath} `
  return new BtcpError('INVALID_PARAMS', `Cannot call "${tool}": ${where}${message}`, { errors, effects: 'none' })
}

export function invalidArgument(tool: string, instancePath: string, message: string): BtcpError {
  return new BtcpError('INVALID_PARAMS', `Cannot call "${tool}": ${instancePath.slice(1)} ${message}`, {
    errors: [{ instancePath, message }],
    effects: 'none',
  })
}

/** The texts become arguments of a program, which end at a NUL. Throws BtcpError INVALID_PARAMS. */
export function refuseNul(tool: string, texts: readonly string[]): void {
  if (texts.some((text) => text.includes('\0'))) throw invalidArgument(tool, '/code', 'or an argument has a NUL character')
}
