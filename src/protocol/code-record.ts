/**
 * What Python and JavaScript tell on descriptor 3 besides their output: one line of JSON a run. Code that nobody here wrote can write
 * anything there, so it is read as hostile text: what does not fit gives undefined, and is as if nothing had been told.
 */
import type { Limits } from './limits.ts'
import { isRecord, type JsonValue, own, parseJson } from './parse.ts'

/** An image or a document that a value or a figure is shown as. */
export interface RichItem {
  readonly mime: 'image/png' | 'image/jpeg' | 'image/svg+xml' | 'text/html'
  /** base64 for an image of pixels, else text */
  readonly data: string
}

export interface CodeError {
  /** the class */
  readonly type: string
  readonly message: string
  /** as the interpreter prints it, with the code's own lines only */
  readonly traceback: string
  /** of the code, from 1 */
  readonly line?: number
}

export interface PythonRecord {
  readonly exitCode: number
  /** of the last expression, where JSON has it without loss */
  readonly value: JsonValue
  /** its `repr` where JSON has not */
  readonly valueText?: string
  readonly error: CodeError | null
  readonly rich: readonly RichItem[]
  /** what is not among `rich`, and why */
  readonly leftOut: readonly string[]
  /** the code has ended the interpreter */
  readonly ends: boolean
}

export interface JsRecord {
  readonly value: JsonValue
  readonly text?: string
  readonly error: CodeError | null
}

const NAME_LENGTH = 1_000
const TEXT_LENGTH = 256 * 1024
const LEFT_OUT = 64
const PIXELS = ['image/png', 'image/jpeg'] as const
const DOCUMENTS = ['image/svg+xml', 'text/html'] as const
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

export function parsePythonRecord(line: string, limits: Limits): PythonRecord | undefined {
  const record = objectOf(line)
  if (!record) return undefined
  const exitCode = own(record, 'exitCode')
  const error = readError(own(record, 'error'), 'type', 'traceback')
  const rich = readList(own(record, 'rich'), limits.richItems, (item) => readItem(item, limits))
  const leftOut = readList(own(record, 'leftOut'), LEFT_OUT, (item) => readText(item, NAME_LENGTH))
  const value = readValue(own(record, 'value'), limits.valueBytes)
  const valueText = readText(own(record, 'valueText'), limits.valueBytes + 1)
  if (!isStatus(exitCode) || error === undefined || !rich || !leftOut || value === undefined) return undefined
  return { exitCode, value, ...(valueText === undefined ? {} : { valueText }), error, rich, leftOut, ends: own(record, 'ends') === true }
}

export function parseJsRecord(line: string, limits: Limits): JsRecord | undefined {
  const record = objectOf(line)
  if (!record) return undefined
  const error = readError(own(record, 'error') ?? null, 'name', 'stack')
  if (error === undefined) return undefined
  const text = readText(own(record, 'text'), limits.resultBytes)
  const value = readValue(own(record, 'value') ?? null, limits.jsResultBytes) ?? null
  return { value, ...(text === undefined ? {} : { text: text.slice(0, limits.valueBytes) }), error }
}

function objectOf(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

const isStatus = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 255
const readText = (value: unknown, length: number): string | undefined =>
  typeof value === 'string' && value.length <= length ? value : undefined

/** null where there is none; undefined where it cannot be read. */
function readError(value: unknown, typeKey: string, textKey: string): CodeError | null | undefined {
  if (value === null) return null
  if (!isRecord(value)) return undefined
  const cut = (key: string, length: number): string => {
    const text = own(value, key)
    return typeof text === 'string' ? text.slice(0, length) : ''
  }
  const line = own(value, 'line')
  const where = Number.isSafeInteger(line) && (line as number) > 0 ? { line: line as number } : {}
  return { type: cut(typeKey, NAME_LENGTH), message: cut('message', TEXT_LENGTH), traceback: cut(textKey, TEXT_LENGTH), ...where }
}

/** Where its JSON text is no longer than `most`. */
function readValue(value: unknown, most: number): JsonValue | undefined {
  const parsed = parseJson(value)
  if (!parsed.ok || JSON.stringify(parsed.value).length > most) return undefined
  return parsed.value
}

function readItem(item: unknown, limits: Limits): RichItem | undefined {
  if (!isRecord(item)) return undefined
  const mime = own(item, 'mime')
  const data = own(item, 'data')
  if (typeof data !== 'string') return undefined
  const pixels = PIXELS.find((one) => one === mime)
  if (pixels) return data.length <= Math.ceil(limits.richBytes / 3) * 4 && BASE64.test(data) ? { mime: pixels, data } : undefined
  const document = DOCUMENTS.find((one) => one === mime)
  return document && data.length <= limits.richBytes ? { mime: document, data } : undefined
}

function readList<T>(value: unknown, most: number, read: (item: unknown) => T | undefined): T[] | undefined {
  if (!Array.isArray(value) || value.length > most) return undefined
  const items: T[] = []
  for (const item of value) {
    const one = read(item)
    if (one === undefined) return undefined
    items.push(one)
  }
  return items
}
