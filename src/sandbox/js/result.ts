/** The result of a script, for who runs one by a tool: one line of JSON, `{ value, text, error }`, no longer than the limit jsResultBytes. */
import { inspect } from 'node-inspect-extracted'
import type { Failure } from './failure.ts'

/** As much is cut off as the note and the JSON's own characters need at most. */
const ROOM = 1024

export function resultLine(value: unknown, failure: Failure | undefined, most: number, encode: (text: string) => Uint8Array): Uint8Array {
  const text = value === undefined ? null : inspected(value)
  const whole = encode(lineOf(jsonOf(value), text, failure))
  if (whole.length <= most) return whole
  const room = Math.max(0, most - ROOM)
  const error = failure && { ...failure, message: cut(failure.message, room / 16), stack: cut(failure.stack, room / 8) }
  return encode(lineOf('null', text === null ? null : noted(text, room / 8, most), error))
}

const lineOf = (value: string, text: string | null, error: Failure | undefined): string =>
  `{"value":${value},"text":${JSON.stringify(text)},"error":${JSON.stringify(error ?? null)}}\n`

/** A character is at most six bytes in JSON. */
const cut = (text: string, characters: number): string => text.slice(0, Math.floor(characters))

const noted = (text: string, characters: number, most: number): string =>
  `${cut(text, characters)}\n… ${text.length} characters; the result is longer than the limit jsResultBytes (${most}) allows`

export function inspected(value: unknown): string {
  try {
    return inspect(value)
  } catch (error) {
    return `[it cannot be shown: ${error instanceof Error ? error.message : 'it throws'}]`
  }
}

/** What JSON cannot hold is null. */
function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'null'
  } catch {
    return 'null'
  }
}
