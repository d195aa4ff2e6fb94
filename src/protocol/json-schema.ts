/**
 * Arguments against a tool's JSON Schema (draft 2020-12), by a validator that interprets: an extension's policy forbids
 * `new Function`. What comes back is a copy made of plain objects, arrays and primitives; the original is not used further.
 */
import { Validator } from '@cfworker/json-schema'
import { parseJson, type JsonValue } from './parse.ts'

export type JsonSchema = { readonly [keyword: string]: unknown }

/** One violation; the path is a JSON Pointer into the value, `` for the value itself. */
export interface Violation {
  readonly instancePath: string
  readonly message: string
}

export type Validated = { readonly ok: true; readonly value: JsonValue } | { readonly ok: false; readonly errors: readonly Violation[] }

const validators = new WeakMap<JsonSchema, Validator>()
const VIOLATIONS_SHOWN = 20

/** The value as plain JSON if the schema accepts it, else why not. Never throws. */
export function validateJson(schema: JsonSchema, value: unknown): Validated {
  const parsed = parseJson(value)
  if (!parsed.ok) return { ok: false, errors: [{ instancePath: parsed.at, message: parsed.reason }] }
  const result = validatorOf(schema).validate(parsed.value)
  if (result.valid) return { ok: true, value: parsed.value }
  return { ok: false, errors: leaves(result.errors) }
}

function validatorOf(schema: JsonSchema): Validator {
  let validator = validators.get(schema)
  if (!validator) {
    validator = new Validator(schema, '2020-12', false)
    validators.set(schema, validator)
  }
  return validator
}

interface ValidatorError {
  readonly keyword: string
  readonly instanceLocation: string
  readonly error: string
}

const AROUND = new Set(['properties', 'additionalProperties', 'patternProperties', 'items', 'prefixItems'])

/** The validator reports a violation once more for each keyword around it: what is inside is kept. */
function leaves(errors: readonly ValidatorError[]): Violation[] {
  const inner = errors.filter(
    (e) => !AROUND.has(e.keyword) || !errors.some((other) => other !== e && other.instanceLocation.startsWith(`${e.instanceLocation}/`)),
  )
  return inner.slice(0, VIOLATIONS_SHOWN).map((e) => ({ instancePath: e.instanceLocation.replace(/^#/, ''), message: messageOf(e) }))
}

function messageOf(e: ValidatorError): string {
  if (e.keyword !== 'false') return e.error
  return `Property "${e.instanceLocation.slice(e.instanceLocation.lastIndexOf('/') + 1)}" is not known.`
}
