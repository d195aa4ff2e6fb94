/**
 * Why a call of a module gave nothing: thrown inside the kernel's program for tools, told on descriptor 3. Beside it, how an engine's stack
 * of a trap becomes names: V8 and Firefox both write `wasm-function[3]:0x4f` for a frame.
 */
import { type FailureKind, RECORD_LINE_BYTES, type ToolFailure } from '../../protocol/tool-record.ts'
import type { GatedModule } from '../module/gated-module.ts'
import { rustName } from '../module/rust-name.ts'
import { fromText } from '../vfs/byte-string.ts'

export class ToolFault extends Error {
  readonly failure: ToolFailure

  constructor(failure: ToolFailure) {
    super(failure.message)
    this.failure = failure
  }
}

export const fault = (kind: FailureKind, message: string): ToolFault => new ToolFault({ kind, message })
export const beyondLimit = (limit: string, message: string): ToolFault =>
  new ToolFault({ kind: 'limit', message: `${message} (limit ${limit})`, limit })

const MESSAGE_LENGTH = 4_000
const FRAMES = 48
const NAME_LENGTH = 200

/** What descriptor 3 is told of a value (its bytes follow) or a failure: one line. */
export const valueLine = (bytes: number): string => `${JSON.stringify({ t: 'value', bytes })}\n`
export function failureLine({ kind, message, limit, stack }: ToolFailure): string {
  const about = { kind, message: message.slice(0, MESSAGE_LENGTH), ...(limit === undefined ? {} : { limit }) }
  const whole = lineOf({ ...about, ...(stack && stack.length > 0 ? { stack } : {}) })
  return whole.length <= RECORD_LINE_BYTES ? whole : lineOf(about)
}
const lineOf = (failure: ToolFailure): string => `${fromText(JSON.stringify({ t: 'failed', failure }))}\n`

/** V8 keeps ten frames of a stack, of which a panic of Rust's alone has more. For the whole cell, in which no guest sees a stack. */
export function keepDeepStacks(): void {
  Object.assign(Error, { stackTraceLimit: FRAMES })
}

const FRAME = /([^\s(@]*):wasm-function\[(\d+)\]:0x([0-9a-f]+)/

/** The frames of the module, innermost first. `own`: the innermost is the module's own; else an import's, of the kernel's shim. */
export function wasmStack(error: unknown, module: GatedModule, own: boolean): string[] {
  const lines = error instanceof Error ? (error.stack ?? '').split('\n') : []
  const frames = lines.map((line) => FRAME.exec(line)).filter((frame) => frame !== null)
  const shim = own ? undefined : frames[0]?.[1]
  return frames
    .filter(([, url]) => url !== shim)
    .slice(0, FRAMES)
    .map(([, , index, offset]) => frameOf(module, Number(index), Number.parseInt(offset!, 16)))
}

/** What a terminal obeys, what ends a line, and what shows a text in another order. */
const NOT_SHOWN = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

function frameOf(module: GatedModule, index: number, offset: number): string {
  const own = module.functionName(index)
  const name = own === undefined ? `function ${index}` : rustName(own).slice(0, NAME_LENGTH)
  const shown = name.replace(NOT_SHOWN, '?')
  return `${shown} at 0x${(offset + module.codeShift).toString(16)}`
}
