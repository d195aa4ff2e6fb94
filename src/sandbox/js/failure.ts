/**
 * Errors as the script's author should see them: positions in the script itself, and no frame of ours. `Error.prepareStackTrace` does it
 * for every stack that is ever looked at, also by the script.
 */
import { inspect } from 'node-inspect-extracted'
import type { Position, PreparedSource, ScriptSyntaxError } from './source.ts'

/** What went wrong, for the result and for standard error. */
export interface Failure {
  readonly name: string
  readonly message: string
  readonly line: number | null
  readonly column: number | null
  readonly stack: string
}

const LONG_LINE = 200

/** As much of V8's CallSite as is used. */
interface CallSite {
  getFileName(): string | null | undefined
  getLineNumber(): number | null
  getColumnNumber(): number | null
  toString(): string
}

export class Failures {
  readonly #name: string
  readonly #lines: readonly string[]
  #source: PreparedSource | undefined
  #address = ''
  /** where each error was thrown in the script; undefined where that was in another file of it */
  readonly #positions = new WeakMap<object, Position | undefined>()

  constructor(name: string, code: string) {
    this.#name = name
    this.#lines = code.split('\n')
  }

  /** From now on positions that begin with `address` are the script's. */
  expect(source: PreparedSource, address: string): void {
    this.#source = source
    this.#address = address
  }

  /** For `Error.prepareStackTrace`. */
  readonly prepareStackTrace = (error: unknown, sites: readonly CallSite[]): string => {
    const frames: string[] = []
    for (const site of sites) {
      const frame = this.#frameOf(error, site)
      if (frame !== undefined) frames.push(`\n    at ${frame}`)
    }
    return headOf(error) + frames.join('')
  }

  ofError(error: unknown): Failure {
    const isError = error instanceof Error
    const stack = isError ? textOf(() => error.stack) : ''
    const position = isError ? this.#positions.get(error) : undefined
    return {
      name: isError ? textOf(() => error.name) : typeof error,
      message: isError ? textOf(() => error.message) : textOf(() => inspect(error)),
      line: position?.line ?? null,
      column: position?.column ?? null,
      stack,
    }
  }

  ofSyntax({ name, message, position }: ScriptSyntaxError): Failure {
    const { line, column, file } = position
    const stack = `${name}: ${message}\n    at ${file ?? this.#name}:${line}:${column}`
    return file === undefined ? { name, message, line, column, stack } : { name, message, line: null, column: null, stack }
  }

  /** What is printed: the line, a mark below it, what is said of the error. */
  print({ line, column }: Failure, text: string): string {
    if (line === null) return `${text}\n`
    const place = `${this.#name}:${line}\n`
    const code = this.#lines[line - 1] ?? ''
    if (code.length > LONG_LINE) return `${place}${text}\n`
    return `${place}${code}\n${' '.repeat(Math.max(0, (column ?? 1) - 1))}^\n\n${text}\n`
  }

  #frameOf(error: unknown, site: CallSite): string | undefined {
    const file = site.getFileName()
    const [line, column] = [site.getLineNumber() ?? 0, site.getColumnNumber() ?? 0]
    const frame = site.toString()
    if (file === this.#address && this.#source) {
      const at = this.#source.at({ line, column })
      // Our own line before the script's first, and what follows its last.
      if (at.line < 1 || (at.file === undefined && at.line > this.#lines.length)) return undefined
      if (isObject(error) && !this.#positions.has(error)) this.#positions.set(error, at.file === undefined ? at : undefined)
      return frame.replace(`${file}:${line}:${column}`, `${at.file ?? this.#name}:${at.line}:${at.column}`)
    }
    return file === null || file === undefined ? frame : undefined
  }
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null

function headOf(error: unknown): string {
  if (!(error instanceof Error)) return 'Error'
  const [name, message] = [textOf(() => error.name), textOf(() => error.message)]
  return message === '' ? name : name === '' ? message : `${name}: ${message}`
}

/** A script's error may do anything when it is looked at. */
function textOf(read: () => unknown): string {
  try {
    const text = read()
    return typeof text === 'string' ? text : ''
  } catch {
    return ''
  }
}

/** An error as it is inspected, with its cause and what else it has; anything else by what it is. */
export function describe(error: unknown, failure: Failure): string {
  if (!(error instanceof Error)) return `Uncaught ${failure.message}`
  try {
    // One without a frame is shown in brackets.
    return inspect(error).replace(/^\[(.*)\]$/s, '$1')
  } catch {
    return failure.stack
  }
}
