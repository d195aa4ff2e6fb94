/**
 * A package while it is read: its files by path, their text, and where faults go. A document (a JSON or TOML file) comes as fields whose
 * reports name the file.
 */
import { parse as parseToml } from 'smol-toml'
import type { PackageFile, Secret } from '../installed-tool.ts'
import { isRecord, parseJson } from '../parse.ts'
import { type Faults, quoted, type Report } from './fault.ts'
import { Fields } from './fields.ts'
import { boundary, utf8Text } from './text.ts'

const DOCUMENT_BYTES = 1024 * 1024
const README_BYTES = 64 * 1024
const TOML_DEPTH = 32

export class Source {
  readonly faults: Faults
  private readonly files: ReadonlyMap<string, Uint8Array>

  constructor(files: readonly PackageFile[], faults: Faults) {
    this.files = new Map(files.map(({ path, bytes }) => [path, bytes]))
    this.faults = faults
  }

  get paths(): string[] {
    return [...this.files.keys()]
  }

  has(path: string): boolean {
    return this.files.has(path)
  }

  bytes(path: string): Uint8Array | undefined {
    return this.files.get(path)
  }

  /** Of a file that may be missing; a fault only if it is no text. */
  text(path: string): string | undefined {
    const bytes = this.files.get(path)
    if (!bytes) return undefined
    const report = this.faults.of(path)
    if (bytes.length > DOCUMENT_BYTES)
      return report('', `is larger than ${DOCUMENT_BYTES / 1024} KiB: it describes the tool, its data goes into other files`)
    const text = utf8Text(bytes)
    if (text === undefined) report('', 'is no UTF-8 text: save it as UTF-8')
    return text
  }

  json(path: string): unknown {
    const text = this.text(path)
    if (text === undefined) return undefined
    try {
      return JSON.parse(text)
    } catch (error) {
      return this.faults.of(path)('', `is no JSON: ${error instanceof Error ? error.message : 'it cannot be read'}`)
    }
  }

  /** The fields of a JSON or TOML document. */
  fields(path: string): Fields | undefined {
    const value = path.endsWith('.toml') ? this.toml(path) : this.json(path)
    if (value === undefined) return undefined
    const report = this.faults.of(path)
    const copy = parseJson(value)
    if (!copy.ok) return report(copy.at, copy.reason)
    return Fields.of(copy.value, '', report)
  }

  private toml(path: string): unknown {
    const text = this.text(path)
    if (text === undefined) return undefined
    try {
      return withoutTimes(parseToml(text, { maxDepth: TOML_DEPTH }))
    } catch (error) {
      const message = error instanceof Error ? error.message.split('\n', 1)[0] : 'it cannot be read'
      const line = isRecord(error) && typeof error.line === 'number' ? ` (line ${error.line})` : ''
      return this.faults.of(path)('', `is no TOML: ${message}${line}`)
    }
  }

  /** Reports a file that a manifest names and the package has not. */
  hasNamed(path: string, at: string, report: Report): boolean {
    if (this.files.has(path)) return true
    const near = this.paths.find((other) => other.toLowerCase() === path.toLowerCase())
    report(
      at,
      `there is no file ${quoted(path)} in the package${near === undefined ? ': add it, or name the one that there is' : `: did you mean ${quoted(near)}?`}`,
    )
    return false
  }

  readme(): string | undefined {
    const path = this.paths.find((name) => /^readme(?:\.md|\.txt)?$/i.test(name))
    const bytes = path === undefined ? undefined : this.files.get(path)
    if (!bytes) return undefined
    return utf8Text(bytes.subarray(0, boundary(bytes, Math.min(bytes.length, README_BYTES))))
  }
}

/** TOML's times become texts; JSON has none. */
function withoutTimes(value: unknown): unknown {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '' : value.toISOString()
  if (Array.isArray(value)) return value.map(withoutTimes)
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, withoutTimes(inner)]))
}

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/
const SECRET = /^[A-Z][A-Z0-9_]*$/
const VALUE_LENGTH = 32 * 1024

/** `secrets`: `[{ name, description? }]` or names alone. */
export function readSecrets(fields: Fields): Secret[] {
  return (fields.list('secrets') ?? []).flatMap(({ item, at }) => {
    const secret = typeof item === 'string' ? Fields.of({ name: item }, at, fields.report) : Fields.of(item, at, fields.report)
    secret?.slips(['name', 'description'])
    const name = secret?.text('name', {
      required: true,
      most: 100,
      pattern: SECRET,
      form: 'the name of an environment variable, like SERVICE_TOKEN',
    })
    return name === undefined ? [] : [{ name, description: secret?.text('description', { least: 0, most: 500 }) ?? '' }]
  })
}

/** An object of variables with their values as texts. */
export function readVariables(fields: Fields, key: string): Record<string, string> {
  const table = fields.object(key)
  const variables: Record<string, string> = {}
  for (const name of table?.keys() ?? []) {
    const value = table?.value(name)
    if (!VARIABLE.test(name)) table?.fault(name, 'is no name of an environment variable: letters, digits and _')
    else if (typeof value === 'string' && value.length <= VALUE_LENGTH && !value.includes('\0')) variables[name] = value
    else if (typeof value === 'number' || typeof value === 'boolean') variables[name] = String(value)
    else table?.fault(name, `must be a text of at most ${VALUE_LENGTH} characters, a number, true or false`)
  }
  return variables
}
