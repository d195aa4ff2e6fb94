/**
 * Arguments and results against a tool's JSON Schema (draft 2020-12), by a validator that interprets: an extension's policy forbids
 * `new Function`. What comes back is a copy made of plain objects, arrays and primitives; the original is not used further.
 * Invariant: whatever the schema and the value are, a check ends after a bounded number of steps (T97); what takes more is refused.
 */
import { parseJson, type JsonValue } from './parse.ts'
import { type RunError, SchemaRun, TooManySteps } from './schema-run.ts'

export type JsonSchema = { readonly [keyword: string]: unknown }

/** One violation; the path is a JSON Pointer into the value, `` for the value itself. */
export interface Violation {
  readonly instancePath: string
  readonly message: string
}

export type Validated = { readonly ok: true; readonly value: JsonValue } | { readonly ok: false; readonly errors: readonly Violation[] }

const runs = new WeakMap<JsonSchema, SchemaRun>()
const VIOLATIONS_SHOWN = 20
const ERRORS_READ = 500
const MESSAGE = 300
/** Names in a value can be as long as it is. */
const PATH = 1_000

/** The value as plain JSON if the schema accepts it, else why not. Never throws. */
export function validateJson(schema: JsonSchema, value: unknown): Validated {
  const parsed = parseJson(value)
  if (!parsed.ok) return { ok: false, errors: [{ instancePath: cut(parsed.at, PATH), message: parsed.reason }] }
  try {
    const errors = runOf(schema).errors(parsed.value)
    return errors.length === 0 ? { ok: true, value: parsed.value } : { ok: false, errors: leaves(errors.slice(0, ERRORS_READ)) }
  } catch (error) {
    const message = error instanceof TooManySteps ? 'is too much for its schema' : 'cannot be checked by its schema'
    return { ok: false, errors: [{ instancePath: '', message: `${message}: ${error instanceof Error ? error.message : 'it failed'}` }] }
  }
}

/** Throws where the schema can be asked about no value. */
export function probeSchema(schema: JsonSchema): void {
  const run = runOf(schema)
  for (const value of [{}, [], '', 0, null]) run.errors(value)
}

function runOf(schema: JsonSchema): SchemaRun {
  let run = runs.get(schema)
  if (!run) {
    run = new SchemaRun(schema)
    runs.set(schema, run)
  }
  return run
}

const AROUND = new Set(['properties', 'additionalProperties', 'patternProperties', 'items', 'prefixItems'])

/** The validator reports a violation once more for each keyword around it: what is inside is kept. */
function leaves(errors: readonly RunError[]): Violation[] {
  const inner = errors.filter(
    (e) => !AROUND.has(e.keyword) || !errors.some((other) => other !== e && other.instanceLocation.startsWith(`${e.instanceLocation}/`)),
  )
  return inner
    .slice(0, VIOLATIONS_SHOWN)
    .map((e) => ({ instancePath: cut(e.instanceLocation.replace(/^#/, ''), PATH), message: messageOf(e) }))
}

function messageOf(e: RunError): string {
  const message =
    e.keyword === 'false'
      ? `Property "${e.instanceLocation.slice(e.instanceLocation.lastIndexOf('/') + 1)}" is not known.`
      : e.error.replace(/^String does not match format "pattern /, 'String does not match pattern "')
  return cut(message, MESSAGE)
}

const cut = (text: string, most: number): string => (text.length > most ? `${text.slice(0, most)}…` : text)
