/**
 * The built-in tools that run in a cell: arguments that their schema has accepted become runs and file operations, and
 * what comes back becomes a result that a model can act on. One row a tool; the schemas stand in protocol/built-in-tools.ts.
 */
import type { FsOp, FsValue } from '../protocol/cell.ts'
import { BtcpError } from '../protocol/error.ts'
import { builtInTool } from '../protocol/built-in-tools.ts'
import { validateJson } from '../protocol/json-schema.ts'
import type { JsonObject } from '../protocol/parse.ts'
import type { Principal } from '../protocol/principal.ts'
import type { ToolMeta, ToolResult } from '../protocol/tool.ts'
import { FileError, startError } from './file-error.ts'
import { CellFsError } from './live-cell.ts'
import type { CollectedRun, Orchestrator } from './orchestrator.ts'
import type { CancelSignal } from './platform.ts'

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
}

interface Ended {
  readonly value: JsonObject
  /** what a model reads; without it the value as JSON */
  readonly text?: string
  readonly meta?: Partial<ToolMeta>
  readonly isError?: boolean
}
type CellTool = (orchestrator: Orchestrator, call: ToolCall) => Promise<Ended>

/** Calls a tool of place `cell`. Throws BtcpError: TOOL_NOT_FOUND, INVALID_PARAMS, RATE_LIMITED, TIMEOUT, CANCELLED, BUSY, SANDBOX_ERROR. */
export async function callTool(orchestrator: Orchestrator, call: ToolCall): Promise<ToolResult> {
  const row = builtInTool(call.tool)
  const run = Object.hasOwn(CELL_TOOLS, call.tool) ? CELL_TOOLS[call.tool] : undefined
  if (!row || !run) throw new BtcpError('TOOL_NOT_FOUND', `Cannot call "${call.tool}": no such tool`, { effects: 'none' })
  const checked = validateJson(row.tool.inputSchema, call.arguments)
  if (!checked.ok)
    throw new BtcpError('INVALID_PARAMS', `Cannot call "${call.tool}": ${checked.errors[0]?.message}`, {
      errors: checked.errors,
      effects: 'none',
    })
  const leave = await orchestrator.admit(call.principal, call.signal)
  const began = orchestrator.platform.clock.monotonic()
  const meta = (more: Partial<ToolMeta> = {}): ToolMeta => ({
    'btcp/callId': call.call,
    'btcp/durationMs': Math.round(orchestrator.platform.clock.monotonic() - began),
    ...more,
  })
  try {
    const ended = await run(orchestrator, { ...call, arguments: checked.value as JsonObject })
    const text = ended.text ?? JSON.stringify(ended.value)
    return { content: [{ type: 'text', text }], structuredContent: ended.value, isError: ended.isError ?? false, _meta: meta(ended.meta) }
  } catch (error) {
    if (!(error instanceof FileError) && !(error instanceof LimitError)) throw error
    const code = error instanceof LimitError ? 'LIMIT_EXCEEDED' : error.code
    const limit = error instanceof LimitError ? { limit: error.limit } : {}
    return { content: [{ type: 'text', text: error.message }], isError: true, _meta: meta({ 'btcp/error': { code, ...limit } }) }
  } finally {
    leave()
  }
}

class LimitError extends Error {
  readonly limit: string
  constructor(message: string, limit: string) {
    super(message)
    this.limit = limit
  }
}

const text = (args: JsonObject, key: string): string | undefined => (typeof args[key] === 'string' ? args[key] : undefined)
const count = (args: JsonObject, key: string): number | undefined => (typeof args[key] === 'number' ? args[key] : undefined)
const flag = (args: JsonObject, key: string): boolean => args[key] === true

const CELL_TOOLS: Readonly<Record<string, CellTool>> = {
  shell_run: shellRun,

  async fs_read(orchestrator, call) {
    const { arguments: args } = call
    const path = text(args, 'path') ?? ''
    const encoding = text(args, 'encoding') ?? 'utf8'
    const length = Math.min(count(args, 'length') ?? Infinity, orchestrator.limits.fsReadBytes)
    const op: FsOp = { op: 'read', path, offset: count(args, 'offset') ?? 0, length }
    const { bytes, size, eof } = await files(orchestrator, call, op, 'read')
    if (encoding === 'base64') return { value: { content: bytes.toBase64(), encoding, size, eof } }
    const whole = eof ? bytes : bytes.subarray(0, wholeUtf8(bytes))
    const { text: content, lossy } = orchestrator.platform.text.decode(whole)
    return { value: { content, encoding, size, eof }, meta: lossy ? { 'btcp/lossy': true } : {} }
  },

  async fs_write(orchestrator, call) {
    const { arguments: args } = call
    const path = text(args, 'path') ?? ''
    const offset = count(args, 'offset')
    const mode = text(args, 'mode')
    if (offset !== undefined && mode !== undefined) throw invalid('fs_write', '/offset', 'cannot be given together with mode')
    const bytes = contentOf(orchestrator, args)
    if (bytes.length > orchestrator.limits.fsWriteBytes)
      throw new LimitError(
        `Cannot write "${path}": more than ${orchestrator.limits.fsWriteBytes} bytes (limit fsWriteBytes). Write it in parts with mode "append".`,
        'fsWriteBytes',
      )
    const how = offset === undefined ? (mode === 'append' ? 'append' : 'replace') : 'at'
    const value = await files(
      orchestrator,
      call,
      { op: 'write', path, bytes, mode: how, offset: offset ?? 0, mkdirs: flag(args, 'mkdirs') },
      'write',
    )
    return { value: { path: value.path, bytes: value.bytes, size: value.size } }
  },

  async fs_list(orchestrator, call) {
    const { arguments: args } = call
    const cursor = text(args, 'cursor')
    const op: FsOp = {
      op: 'list',
      path: text(args, 'path') ?? '',
      recursive: flag(args, 'recursive'),
      limit: count(args, 'limit') ?? 1_000,
      ...(cursor === undefined ? {} : { cursor }),
    }
    const { entries, next } = await files(orchestrator, call, op, 'list')
    return { value: { entries: entries.map((entry) => ({ ...entry })), ...(next === undefined ? {} : { next }) } }
  },

  async fs_stat(orchestrator, call) {
    const { stat } = await files(orchestrator, call, { op: 'stat', path: text(call.arguments, 'path') ?? '', follow: false }, 'stat')
    return { value: { ...stat } }
  },

  async fs_remove(orchestrator, call) {
    const { arguments: args } = call
    await files(orchestrator, call, { op: 'remove', path: text(args, 'path') ?? '', recursive: flag(args, 'recursive') }, 'remove')
    return { value: {} }
  },

  async fs_move(orchestrator, call) {
    const { arguments: args } = call
    const op: FsOp = { op: 'move', from: text(args, 'from') ?? '', to: text(args, 'to') ?? '', overwrite: flag(args, 'overwrite') }
    await files(orchestrator, call, op, 'move')
    return { value: {} }
  },
}

async function shellRun(orchestrator: Orchestrator, call: ToolCall): Promise<Ended> {
  const { arguments: args } = call
  const base64 = text(args, 'encoding') === 'base64'
  const timeoutMs = Math.min(count(args, 'timeoutMs') ?? Infinity, call.timeoutMs ?? Infinity)
  const stdin = text(args, 'stdin')
  const cwd = text(args, 'cwd')
  const input = stdin === undefined ? undefined : orchestrator.platform.text.encode(stdin)
  if (input && input.length > orchestrator.limits.stdinBytes)
    throw new LimitError(
      `Cannot run the command: more than ${orchestrator.limits.stdinBytes} bytes of standard input (limit stdinBytes)`,
      'stdinBytes',
    )
  const run = await orchestrator
    .run(
      call.principal,
      {
        argv: shellArgv(text(args, 'command') ?? ''),
        ...(cwd === undefined ? {} : { cwd }),
        env: (args.env ?? {}) as Record<string, string>,
        ...(input ? { stdin: input } : {}),
        ...(timeoutMs === Infinity ? {} : { timeoutMs }),
        ...(call.signal ? { signal: call.signal } : {}),
        ...progress(orchestrator, call),
      },
      { call: call.call, ...(call.maxOutputBytes === undefined ? {} : { maxOutputBytes: call.maxOutputBytes }) },
    )
    .catch((error: unknown) => {
      throw error instanceof CellFsError ? startError(error.errno, 'bash', cwd) : error
    })
  const out = texts(orchestrator, run, base64)
  if (run.timedOut)
    throw new BtcpError('TIMEOUT', 'Cannot finish "shell_run": the deadline has passed', {
      stdout: out.stdout,
      stderr: out.stderr,
      effects: 'unknown',
    })
  const value = {
    stdout: out.stdout,
    stderr: out.stderr,
    exitCode: run.status,
    durationMs: run.durationMs,
    changed: run.changed.map((change) => ({ ...change })),
  }
  return {
    value,
    isError: run.limit !== undefined,
    meta: shellMeta(run, out.lossy),
    ...(run.limit ? { text: limitText(orchestrator, run) } : {}),
  }
}

/** How a command line is started: the shell reads it as its script. */
export function shellArgv(command: string): string[] {
  return ['bash', '-c', command]
}

function texts(orchestrator: Orchestrator, run: CollectedRun, base64: boolean): { stdout: string; stderr: string; lossy: boolean } {
  if (base64) return { stdout: run.stdout.toBase64(), stderr: run.stderr.toBase64(), lossy: false }
  const [out, err] = [orchestrator.platform.text.decode(run.stdout), orchestrator.platform.text.decode(run.stderr)]
  return { stdout: out.text, stderr: err.text, lossy: out.lossy || err.lossy }
}

function shellMeta(run: CollectedRun, lossy: boolean): Partial<ToolMeta> {
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

function limitText(orchestrator: Orchestrator, run: CollectedRun): string {
  const kept = run.cuts.flatMap(({ path }) => path ?? []).join(' and ')
  const where = kept ? ` The first part is in ${kept}.` : ''
  return `Cannot finish the command: it printed more than ${orchestrator.limits.outputKeptBytes} bytes (limit outputKeptBytes).${where} Write the output to a file with > and read the part you need.`
}

/** Output as progress while it comes; what is cut inside a character waits for its rest. */
function progress(orchestrator: Orchestrator, call: ToolCall): { output?: (fd: 1 | 2, bytes: Uint8Array) => void } {
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

async function files<Op extends FsOp['op']>(
  orchestrator: Orchestrator,
  call: ToolCall,
  op: Extract<FsOp, { op: Op }>,
  action: string,
): Promise<Extract<FsValue, { op: Op }>> {
  try {
    const value = await withinDeadline(orchestrator, call, orchestrator.fs(call.principal, op))
    if (value.op !== op.op)
      throw new BtcpError('SANDBOX_ERROR', 'Cannot finish the call: the cell answered something else', { effects: 'unknown' })
    return value as Extract<FsValue, { op: Op }>
  } catch (error) {
    throw error instanceof CellFsError
      ? new FileError(action, text(call.arguments, 'path') ?? text(call.arguments, 'from') ?? '', error.errno)
      : error
  }
}

/** A file operation cannot be stopped half-way: at the deadline its caller no longer waits. */
async function withinDeadline<T>(orchestrator: Orchestrator, call: ToolCall, work: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>()
  const { runTimeoutMs, runTimeoutMinMs, runTimeoutMaxMs } = orchestrator.limits
  const deadline = Math.min(runTimeoutMaxMs, Math.max(runTimeoutMinMs, call.timeoutMs ?? runTimeoutMs))
  const stop = (code: 'TIMEOUT' | 'CANCELLED', why: string): void =>
    reject(new BtcpError(code, `Cannot finish "${call.tool}": ${why}`, { effects: 'unknown' }))
  const cancel = orchestrator.platform.timer(deadline, () => stop('TIMEOUT', 'the deadline has passed'))
  const abort = (): void => stop('CANCELLED', 'it was cancelled')
  call.signal?.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([work, promise])
  } finally {
    work.catch(() => {})
    cancel()
    call.signal?.removeEventListener('abort', abort)
  }
}

function contentOf(orchestrator: Orchestrator, args: JsonObject): Uint8Array<ArrayBuffer> {
  const content = text(args, 'content') ?? ''
  if (text(args, 'encoding') !== 'base64') return orchestrator.platform.text.encode(content)
  try {
    return Uint8Array.fromBase64(content)
  } catch {
    throw invalid('fs_write', '/content', 'is not base64')
  }
}

function invalid(tool: string, instancePath: string, message: string): BtcpError {
  return new BtcpError('INVALID_PARAMS', `Cannot call "${tool}": ${instancePath.slice(1)} ${message}`, {
    errors: [{ instancePath, message }],
    effects: 'none',
  })
}

/** How many bytes of a part that was cut anywhere are whole UTF-8: a character at the cut is left for the next part. */
function wholeUtf8(bytes: Uint8Array): number {
  const from = Math.max(0, bytes.length - 3)
  for (let at = bytes.length - 1; at >= from; at--) {
    const byte = bytes[at] ?? 0
    if (byte < 0x80) return bytes.length
    if (byte < 0xc0) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2
    return at + length > bytes.length ? at : bytes.length
  }
  return bytes.length
}
