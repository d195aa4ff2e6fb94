/**
 * What a tool's module imports besides WASI, as calls through the shim: one that waits suspends its process and no one else. What has a
 * consequence outside is a request, which the cell answers in its own time. A text that did not fit is kept for the next request alone, and given
 * to it without asking where import and arguments are the same: so nothing is done twice because a buffer was small (docs/tools.md).
 * Invariants: a pointer beyond the memory or a text that is no UTF-8 asks nothing; nothing is written beyond a capacity.
 */
import type { JsonObject } from '../../protocol/parse.ts'
import { IMPORT_ERROR, type ImportName, TOOL_IMPORTS, type ToolImport } from '../../protocol/tool-imports.ts'
import type { ToolFailure } from '../../protocol/tool-record.ts'
import { AGAIN, SysError } from '../errno.ts'
import { type CallForm, CONSOLE_LEVELS, type ConsoleLevel, UNSIZED_BYTES } from '../module/gated-module.ts'
import type { HostProgramKernel } from '../process/host-program.ts'
import type { Process } from '../process/process.ts'
import { WaitQueue } from '../process/wait-queue.ts'
import type { Syscall } from '../syscall-table.ts'
import { bytesOf, fromText } from '../vfs/byte-string.ts'
import type { OpenFile } from '../vfs/open-file.ts'
import { KILLED, WOULD_BLOCK } from '../wasi/shim.ts'
import { enter } from '../wasi/system.ts'
import type { Activation, Asked } from './activation.ts'
import { type ImportAnswer, importError, readAnswer } from './import-answer.ts'
import { oneLine, utf16At, utf8At, wholeCharacters } from './module-text.ts'

/** A call that goes through the shim; `drops`: the module does not see its result. */
type Row = Syscall & { readonly drops?: true }

const row = (name: string, params: string, more: Partial<Row> = {}): Row => ({
  module: 'cell',
  name,
  params,
  result: true,
  waits: true,
  support: 'full',
  note: '',
  ...more,
})

/** Parameters after the texts. */
const TAIL: Readonly<Record<CallForm, string>> = { plain: '', sized: 'ii', unsized: 'i', allocated: '' }

/** A row of the table of imports in one of its forms. */
interface Request {
  readonly name: ImportName
  readonly about: ToolImport
  readonly form: CallForm
}

const REQUESTS: readonly Request[] = (Object.entries(TOOL_IMPORTS) as [ImportName, ToolImport][]).flatMap(([name, about]) => {
  const forms: readonly CallForm[] = about.result === 'text' ? ['sized', 'unsized', 'allocated'] : ['plain']
  return forms.map((form) => ({ name, about, form }))
})

/** The name of a request's call. */
export const requestName = (name: ImportName, form: CallForm): string => `${name} ${form}`

/** The name of the call that prints by a method of `console`. */
export const consoleName = (level: ConsoleLevel): string => `console ${level}`

export const TOOL_CALLS: readonly Row[] = [
  ...REQUESTS.map(({ name, about, form }) => row(requestName(name, form), 'ii'.repeat(about.takes.length) + TAIL[form])),
  row('log', 'iii'),
  row('log dropped', 'iii', { drops: true }),
  row('last-error', 'ii'),
  row('abort', 'iiii', { result: false }),
  row('trace', 'iiFFFFF', { drops: true }),
  ...CONSOLE_LEVELS.map((level) => row(consoleName(level), 'i', { drops: true })),
  row('proc_exit', 'i', { result: false }),
]

const LEVELS = ['debug', 'info', 'warn', 'error']
const LINE_BYTES = 8 * 1024
const ABORT_BYTES = 4 * 1024
const FILE_BYTES = 1_024

/** A process that runs a tool. */
interface Caller {
  readonly process: Process
  readonly tool: Activation
}

/** `request` answers a process; it never rejects. `activationOf`: the tool that a process runs. */
export function toolCalls(
  kernel: HostProgramKernel,
  request: (request: string, process: Process) => Promise<string>,
  activationOf: (process: Process) => Activation,
): Readonly<Record<string, unknown>> {
  const { system } = kernel
  const { limits, blocking } = system

  function caller(): Caller {
    const process = enter(system)
    return { process, tool: activationOf(process) }
  }

  /** Ends the call of the tool: its module traps. */
  function end({ tool }: Caller, failure: ToolFailure): number {
    tool.failure ??= failure
    return KILLED
  }

  // --- requests
  function attend(asks: Request, numbers: readonly number[]): number {
    const by = caller()
    const { process, tool } = by
    if (tool.isClosed) return asks.form === 'allocated' ? 0 : IMPORT_ERROR.denied
    if (tool.isOverBudget) return end(by, tool.overBudget().failure)
    const { asked } = tool
    if (!asked) return begin(by, asks, numbers)
    if (asked.answer === undefined) return blocking.waitUninterrupted(process, asked.answered)
    tool.asked = undefined
    return settle(by, asks, numbers, asked.key, readAnswer(asks.name, asks.about, asked.answer, limits.toolImportBytes))
  }

  function begin(by: Caller, asks: Request, numbers: readonly number[]): number {
    const { process, tool } = by
    const { name } = asks
    if (tool.isNested) return end(by, { kind: 'trap', message: `alloc called the import "${name}" while another import ran` })
    const args = argumentsOf(tool, asks, numbers)
    if (!args.ok) return give(by, asks, numbers, args.error)
    const key = JSON.stringify({ import: name, args: args.value })
    const { kept } = tool
    tool.kept = undefined
    if (kept?.key === key) return settle(by, asks, numbers, key, { is: 'text', bytes: kept.bytes })
    const asked: Asked = { key, answered: new WaitQueue(), answer: undefined }
    tool.asked = asked
    request(key, process).then(
      (answer) => {
        asked.answer = answer
        asked.answered.wakeAll()
      },
      (error: unknown) => kernel.report(error),
    )
    return blocking.waitUninterrupted(process, asked.answered)
  }

  /** The texts that the module passes, or why nothing can be asked for. */
  function argumentsOf(tool: Activation, { name, about, form }: Request, numbers: readonly number[]): Arguments {
    const value: Record<string, string> = {}
    let bytes = 0
    for (const [i, take] of about.takes.entries()) {
      const [pointer, length] = [numbers[2 * i]!, numbers[2 * i + 1]! >>> 0]
      bytes += length
      if (!tool.has(pointer, length)) return refused(IMPORT_ERROR.invalid, `${name}: "${take}" is beyond the memory`)
      if (bytes > limits.toolImportBytes) return refused(IMPORT_ERROR.limit, `${name}: "${take}" is too long (limit toolImportBytes)`)
      const text = isBytes(name, take) ? tool.copy(pointer, length).toBase64() : utf8At(tool.guest, pointer, length)
      if (text === undefined) return refused(IMPORT_ERROR.invalid, `${name}: "${take}" is no UTF-8`)
      value[take] = text
    }
    const [out, cap] = roomOf(about, form, numbers)
    return tool.has(out, cap) ? { ok: true, value } : refused(IMPORT_ERROR.invalid, `${name}: its buffer is beyond the memory`)
  }

  function settle(by: Caller, asks: Request, numbers: readonly number[], key: string, answer: ImportAnswer): number {
    const { tool } = by
    if (answer.is === 'error' && answer.number === IMPORT_ERROR.denied && tool.strict)
      return end(by, { kind: 'trap', message: `The import "${asks.name}" was denied: ${answer.message}` })
    const { bytes } = answer.is === 'text' ? answer : { bytes: undefined }
    if (bytes && asks.form === 'sized' && bytes.length > roomOf(asks.about, asks.form, numbers)[1]) tool.kept = { key, bytes }
    return give(by, asks, numbers, answer)
  }

  /** Writes what is to be written; the result of the call. A pointer cannot tell an error: 0 does, and `last_error`. */
  function give(by: Caller, asks: Request, numbers: readonly number[], answer: ImportAnswer): number {
    const isPointer = asks.form === 'allocated'
    switch (answer.is) {
      case 'number':
        return answer.number
      case 'nothing':
        return isPointer ? 0 : IMPORT_ERROR.notFound
      case 'error':
        by.tool.lastError = bytesOf(fromText(answer.message))
        return isPointer ? 0 : answer.number
      case 'text':
        return isPointer ? giveAllocated(by, answer.bytes) : giveText(by, asks, numbers, answer.bytes)
    }
  }

  function giveText({ tool }: Caller, { name, about, form }: Request, numbers: readonly number[], bytes: Uint8Array): number {
    const [out, cap] = roomOf(about, form, numbers)
    const part = form === 'unsized' ? wholeCharacters(bytes, UNSIZED_BYTES) : bytes.subarray(0, cap)
    if (!tool.has(out, part.length)) {
      tool.lastError = bytesOf(`${name}: its buffer is beyond the memory`)
      return IMPORT_ERROR.invalid
    }
    tool.guest.u8.set(part, out >>> 0)
    return form === 'unsized' ? part.length : bytes.length
  }

  /** By the module's own `alloc`; the pointer is that of the length. */
  function giveAllocated({ tool }: Caller, bytes: Uint8Array): number {
    const pointer = tool.allocateNested(4 + bytes.length)
    if (pointer === undefined) return KILLED
    tool.guest.setU32(pointer, bytes.length)
    tool.guest.u8.set(bytes, pointer + 4)
    return pointer
  }

  // --- lines on standard error
  /** Writes a line to its end; `line` gives it when the call is made first, undefined where there is none. */
  function print(line: (tool: Activation) => string | undefined): number {
    const { process, tool } = caller()
    if (tool.isClosed) return 0
    if (!tool.isNested && blocking.mustYield(process)) return WOULD_BLOCK
    if (!tool.line) {
      const text = line(tool)
      if (text === undefined) return IMPORT_ERROR.invalid
      tool.line = bytesOf(`${fromText(oneLine(text))}\n`)
    }
    return drain(process, tool, tool.line)
  }

  /** What nobody can read is lost, and so is what does not fit where nothing can wait. */
  function drain(process: Process, tool: Activation, line: Uint8Array): number {
    const file = process.fds.peek(2)?.file
    let rest = file?.writable ? line : line.subarray(line.length)
    while (rest.length > 0) {
      const count = write(file!, rest)
      rest = count > 0 ? rest.subarray(count) : rest
      tool.line = rest
      if (count === AGAIN && !tool.isNested) return blocking.waitUninterrupted(process, file!.writers)
      if (count <= 0) break
    }
    tool.line = undefined
    return 0
  }

  const log = (level: number, pointer: number, length: number): number =>
    print((tool) => {
      const text = tool.has(pointer, length) ? utf8At(tool.guest, pointer, length, LINE_BYTES) : undefined
      return text === undefined ? undefined : `${LEVELS[level] ?? String(level)}: ${text}`
    })

  const requests = REQUESTS.map((asks) => [
    requestName(asks.name, asks.form),
    (a: number, b: number, c: number, d: number, e: number, f: number) => attend(asks, [a, b, c, d, e, f]),
  ])

  return {
    ...Object.fromEntries(requests),
    log,
    'log dropped': log,

    'last-error': (out: number, cap: number): number => {
      const { tool } = caller()
      if (!tool.has(out, cap)) return IMPORT_ERROR.invalid
      tool.guest.u8.set(tool.lastError.subarray(0, cap >>> 0), out >>> 0)
      return tool.lastError.length
    },

    abort(message: number, file: number, line: number, column: number): number {
      const by = caller()
      const said = utf16At(by.tool.guest, message, ABORT_BYTES) || 'abort'
      const where = utf16At(by.tool.guest, file, FILE_BYTES)
      return end(by, { kind: 'abort', message: where === '' ? said : `${said} at ${where}:${line >>> 0}:${column >>> 0}` })
    },

    trace: (message: number, count: number, a: number, b: number, c: number, d: number, e: number): number =>
      print(({ guest }) => {
        const numbers = [a, b, c, d, e].slice(0, Math.max(0, count))
        return `trace: ${utf16At(guest, message, LINE_BYTES)}${numbers.length > 0 ? ` ${numbers.join(', ')}` : ''}`
      }),

    ...Object.fromEntries(
      CONSOLE_LEVELS.map((level) => [
        consoleName(level),
        (message: number) => print(({ guest }) => `${level}: ${utf16At(guest, message, LINE_BYTES)}`),
      ]),
    ),

    proc_exit: (status: number): number => end(caller(), { kind: 'abort', message: `The module ended itself: proc_exit(${status >>> 0})` }),
  }
}

type Arguments = { readonly ok: true; readonly value: JsonObject } | { readonly ok: false; readonly error: ImportAnswer }
const refused = (number: number, message: string): Arguments => ({ ok: false, error: importError(number, message) })

/** Where a text goes, and how much room it says that there is. */
function roomOf({ takes }: ToolImport, form: CallForm, numbers: readonly number[]): readonly [out: number, cap: number] {
  const [out, cap] = numbers.slice(2 * takes.length)
  return form === 'sized' ? [out!, cap! >>> 0] : [form === 'unsized' ? out! : 0, 0]
}

const isBytes = (name: ImportName, take: string): boolean => name === 'write_file' && take === 'content'

/** 0: nobody can read it. */
function write(file: OpenFile, bytes: Uint8Array): number {
  try {
    return file.write(bytes)
  } catch (error) {
    if (error instanceof SysError) return 0
    throw error
  }
}
