/**
 * Reading `unknown`: the few steps that every parser of a message is made of. A parser returns a value made of what it has
 * checked, or a reason; it never throws and never hands on the object that it was given.
 */
export type JsonValue = null | boolean | number | string | readonly JsonValue[] | { readonly [key: string]: JsonValue }
export type JsonObject = { readonly [key: string]: JsonValue }

export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly at: string; readonly reason: string }

export interface JsonBounds {
  readonly depth: number
  /** values of any kind, keys included */
  readonly nodes: number
}
const BOUNDS: JsonBounds = { depth: 64, nodes: 100_000 }

/** A plain object that is nobody's instance, not an array; its own keys are read, never a prototype's. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The own property `key`, or undefined; never something inherited. An accessor or a Proxy trap that throws counts as absent. */
export function own(value: Record<string, unknown>, key: string): unknown {
  try {
    return Object.hasOwn(value, key) ? value[key] : undefined
  } catch {
    return undefined
  }
}

/** Copies JSON data. Each property is read once; `toJSON` is a key like any other; undefined properties are left out;
 *  functions, symbols, bigints, cycles and other numbers than finite ones are refused. `__proto__` stays an own property. */
export function parseJson(value: unknown, bounds: JsonBounds = BOUNDS): Parsed<JsonValue> {
  const budget = { nodes: bounds.nodes }
  try {
    return { ok: true, value: copy(value, '', bounds.depth, budget) }
  } catch (error) {
    if (error instanceof Refused) return { ok: false, at: error.at, reason: error.message }
    return { ok: false, at: '', reason: 'cannot be read' }
  }
}

/** What a parser throws inside and turns into its reason: `at` is a JSON pointer (RFC 6901) to what is wrong. */
export class Refused extends Error {
  readonly at: string
  constructor(at: string, reason: string) {
    super(reason)
    this.at = at
  }
}

function copy(value: unknown, at: string, depth: number, budget: { nodes: number }): JsonValue {
  if (--budget.nodes < 0) throw new Refused(at, 'too many values')
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      if (!Number.isFinite(value)) throw new Refused(at, 'is no finite number')
      return value
    case 'object':
      if (value === null) return null
      if (depth === 0) throw new Refused(at, 'is nested too deeply')
      return Array.isArray(value) ? copyArray(value, at, depth, budget) : copyObject(value, at, depth, budget)
    case 'undefined':
    case 'function':
    case 'symbol':
    case 'bigint':
      throw new Refused(at, `is ${typeof value}, which JSON has not`)
  }
}

function copyArray(value: readonly unknown[], at: string, depth: number, budget: { nodes: number }): JsonValue[] {
  const out: JsonValue[] = []
  const { length } = value
  if (length > budget.nodes) throw new Refused(at, 'too many values')
  for (let i = 0; i < length; i++) out.push(copy(value[i], `${at}/${i}`, depth - 1, budget))
  return out
}

function copyObject(value: object, at: string, depth: number, budget: { nodes: number }): JsonObject {
  const out: Record<string, JsonValue> = {}
  for (const key of Object.keys(value)) {
    const inner: unknown = (value as Record<string, unknown>)[key]
    if (inner === undefined) continue
    const copied = copy(inner, `${at}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`, depth - 1, budget)
    Object.defineProperty(out, key, { value: copied, enumerable: true, writable: true, configurable: true })
  }
  return out
}
