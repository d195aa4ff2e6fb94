/**
 * The built-in tools that run in a cell: arguments that their schema has accepted become runs and file operations, and
 * what comes back becomes a result that a model can act on. One row a tool; the schemas stand in protocol/built-in-tools.ts.
 */
import type { FsOp, FsValue } from '../protocol/cell.ts'
import { BtcpError } from '../protocol/error.ts'
import { builtInTool } from '../protocol/built-in-tools.ts'
import { validateJson } from '../protocol/json-schema.ts'
import type { JsonObject } from '../protocol/parse.ts'
import type { ToolMeta, ToolResult } from '../protocol/tool.ts'
import {
  type CellCall,
  type CellTool,
  collectOptionsOf,
  countOf,
  type Ended,
  flagOf,
  invalidArgument,
  LimitError,
  limitText,
  outputMeta,
  progressOf,
  refusedArguments,
  runOptionsOf,
  stdinOf,
  textOf,
  textsOf,
  timeoutError,
  type ToolCall,
} from './cell-tool.ts'
import { codeExecute, jsRun } from './code-tool.ts'
import { clerkOf } from './desk.ts'
import { FileError, startError } from './file-error.ts'
import { CellFsError } from './live-cell.ts'
import type { Orchestrator } from './orchestrator.ts'
import { pythonRun } from './python-tool.ts'

/** Calls a tool of place `cell`. Throws BtcpError: TOOL_NOT_FOUND, INVALID_PARAMS, RATE_LIMITED, TIMEOUT, CANCELLED, BUSY, SANDBOX_ERROR. */
export async function callTool(orchestrator: Orchestrator, call: ToolCall): Promise<ToolResult> {
  const row = builtInTool(call.tool)
  const run = Object.hasOwn(CELL_TOOLS, call.tool) ? CELL_TOOLS[call.tool] : undefined
  if (!row || !run) throw new BtcpError('TOOL_NOT_FOUND', `Cannot call "${call.tool}": no such tool`, { effects: 'none' })
  const checked = validateJson(row.tool.inputSchema, call.arguments)
  if (!checked.ok) throw refusedArguments(call.tool, checked.errors)
  // A call that another one waits for takes no place of its own: it could wait for ever.
  const leave = call.depth ? () => {} : await orchestrator.admit(call.principal, call.signal)
  const clerk = call.desk && clerkOf(call.desk, call.depth ?? 0, orchestrator.limits.toolDepth)
  const began = orchestrator.platform.clock.monotonic()
  const meta = (more: Partial<ToolMeta> = {}): ToolMeta => ({
    'btcp/callId': call.call,
    'btcp/durationMs': Math.round(orchestrator.platform.clock.monotonic() - began),
    ...more,
  })
  try {
    const ended = await run(orchestrator, { ...call, arguments: checked.value as JsonObject, ...(clerk ? { ask: clerk.ask } : {}) })
    const content = [{ type: 'text' as const, text: ended.text ?? JSON.stringify(ended.value) }, ...(ended.more ?? [])]
    return { content, structuredContent: ended.value, isError: ended.isError ?? false, _meta: meta(ended.meta) }
  } catch (error) {
    if (!(error instanceof FileError) && !(error instanceof LimitError)) throw error
    const code = error instanceof LimitError ? 'LIMIT_EXCEEDED' : error.code
    const limit = error instanceof LimitError ? { limit: error.limit } : {}
    return { content: [{ type: 'text', text: error.message }], isError: true, _meta: meta({ 'btcp/error': { code, ...limit } }) }
  } finally {
    clerk?.end()
    leave()
  }
}

const CELL_TOOLS: Readonly<Record<string, CellTool>> = {
  shell_run: shellRun,
  python_run: pythonRun,
  js_run: jsRun,
  code_execute: codeExecute,

  async fs_read(orchestrator, call) {
    const { arguments: args } = call
    const path = textOf(args, 'path') ?? ''
    const encoding = textOf(args, 'encoding') ?? 'utf8'
    const length = Math.min(countOf(args, 'length') ?? Infinity, orchestrator.limits.fsReadBytes)
    const op: FsOp = { op: 'read', path, offset: countOf(args, 'offset') ?? 0, length }
    const { bytes, size, eof } = await files(orchestrator, call, op, 'read')
    if (encoding === 'base64') return { value: { content: bytes.toBase64(), encoding, size, eof } }
    const whole = eof ? bytes : bytes.subarray(0, wholeUtf8(bytes))
    const { text: content, lossy } = orchestrator.platform.text.decode(whole)
    return { value: { content, encoding, size, eof }, meta: lossy ? { 'btcp/lossy': true } : {} }
  },

  async fs_write(orchestrator, call) {
    const { arguments: args } = call
    const path = textOf(args, 'path') ?? ''
    const offset = countOf(args, 'offset')
    const mode = textOf(args, 'mode')
    if (offset !== undefined && mode !== undefined) throw invalidArgument('fs_write', '/offset', 'cannot be given together with mode')
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
      { op: 'write', path, bytes, mode: how, offset: offset ?? 0, mkdirs: flagOf(args, 'mkdirs') },
      'write',
    )
    return { value: { path: value.path, bytes: value.bytes, size: value.size } }
  },

  async fs_list(orchestrator, call) {
    const { arguments: args } = call
    const cursor = textOf(args, 'cursor')
    const op: FsOp = {
      op: 'list',
      path: textOf(args, 'path') ?? '',
      recursive: flagOf(args, 'recursive'),
      limit: countOf(args, 'limit') ?? 1_000,
      ...(cursor === undefined ? {} : { cursor }),
    }
    const { entries, next } = await files(orchestrator, call, op, 'list')
    return { value: { entries: entries.map((entry) => ({ ...entry })), ...(next === undefined ? {} : { next }) } }
  },

  async fs_stat(orchestrator, call) {
    const { stat } = await files(orchestrator, call, { op: 'stat', path: textOf(call.arguments, 'path') ?? '', follow: false }, 'stat')
    return { value: { ...stat } }
  },

  async fs_remove(orchestrator, call) {
    const { arguments: args } = call
    await files(orchestrator, call, { op: 'remove', path: textOf(args, 'path') ?? '', recursive: flagOf(args, 'recursive') }, 'remove')
    return { value: {} }
  },

  async fs_move(orchestrator, call) {
    const { arguments: args } = call
    const op: FsOp = { op: 'move', from: textOf(args, 'from') ?? '', to: textOf(args, 'to') ?? '', overwrite: flagOf(args, 'overwrite') }
    await files(orchestrator, call, op, 'move')
    return { value: {} }
  },
}

async function shellRun(orchestrator: Orchestrator, call: CellCall): Promise<Ended> {
  const { arguments: args } = call
  const spec = runOptionsOf(call)
  const run = await orchestrator
    .run(
      call.principal,
      { ...spec, argv: shellArgv(textOf(args, 'command') ?? ''), ...stdinOf(orchestrator, args), ...progressOf(orchestrator, call) },
      collectOptionsOf(call),
    )
    .catch((error: unknown) => {
      throw error instanceof CellFsError ? startError(error.errno, 'bash', spec.cwd) : error
    })
  const out = textsOf(orchestrator, run, textOf(args, 'encoding') === 'base64')
  if (run.timedOut) throw timeoutError('shell_run', out)
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
    meta: outputMeta(run, out.lossy),
    ...(run.limit ? { text: limitText(orchestrator, run) } : {}),
  }
}

/** How a command line is started: the shell reads it as its script. */
export function shellArgv(command: string): string[] {
  return ['bash', '-c', command]
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
      ? new FileError(action, textOf(call.arguments, 'path') ?? textOf(call.arguments, 'from') ?? '', error.errno)
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
  const content = textOf(args, 'content') ?? ''
  if (textOf(args, 'encoding') !== 'base64') return orchestrator.platform.text.encode(content)
  try {
    return Uint8Array.fromBase64(content)
  } catch {
    throw invalidArgument('fs_write', '/content', 'is not base64')
  }
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
