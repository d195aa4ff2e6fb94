/**
 * One JSON Schema, ready to be asked about values that somebody hostile chose, where the schema may be a stranger's, too. The validator
 * interprets a copy of the schema whose every use is counted, over a view of the value whose every read is counted; patterns that
 * JavaScript's own engine cannot be trusted with are walked as automata.
 * Invariant: a check takes so many steps as STEPS says for the value's size, whatever the schema is; then it throws TooManySteps.
 */
import { format as formats, type Schema, Validator } from '@cfworker/json-schema'
import { isRecord, type JsonValue } from './parse.ts'
import { type Charge, Pattern, PatternError } from './pattern.ts'

/** For any value, for each value and name in it, and at most: as long as a second on a slow machine. */
const STEPS = { any: 200_000, each: 40, most: 3_000_000 }
/** What asking one schema about one value takes, in steps. */
const ASKING = 3
/** Characters of a schema or a text that are read in one step. */
const CHARACTERS = 16

const MAPS = new Set(['$defs', 'definitions', 'properties', 'patternProperties', 'dependentSchemas'])
const LISTS = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems', 'items'])
/** What the validator takes as it stands. */
const VALUES = new Set(['enum', 'const', 'default', 'examples', 'required', 'dependentRequired', 'type', '$vocabulary'])
const SCHEMAS = new Set([
  'additionalProperties',
  'unevaluatedProperties',
  'unevaluatedItems',
  'additionalItems',
  'propertyNames',
  'contains',
])
const ANY_TEXT = 'any text'

export class TooManySteps extends Error {}

export interface RunError {
  readonly keyword: string
  readonly instanceLocation: string
  readonly error: string
}

type TextCheck = (text: string) => boolean

export class SchemaRun {
  readonly #validator: Validator
  readonly #checks = new Map<string, TextCheck>()
  readonly #patterns = new Map<string, Pattern>()
  #left = 0

  /** Throws what the validator or a pattern in the schema throws. */
  constructor(schema: object) {
    this.#validator = new Validator(this.#counted(schema) as Schema, '2020-12', false)
  }

  /** What is wrong with the value. Throws TooManySteps. */
  errors(value: JsonValue): readonly RunError[] {
    this.#left = Math.min(STEPS.any + STEPS.each * sizeOf(value), STEPS.most)
    const before = [...this.#checks.keys()].map((name) => [name, formats[name]] as const)
    for (const [name, check] of this.#checks) formats[name] = check
    try {
      return this.#validator.validate(new View(this.#charge).of(value)).errors
    } finally {
      for (const [name, check] of before)
        if (check) formats[name] = check
        else delete formats[name]
    }
  }

  readonly #charge: Charge = (steps) => {
    this.#left -= steps
    if (this.#left < 0) throw new TooManySteps('checking it takes too many steps')
  }

  #counted(schema: unknown): unknown {
    if (schema === true) return this.#counted({})
    if (!isRecord(schema)) return schema
    const out: Record<string, unknown> = {}
    for (const [key, value] of Object.entries(schema)) put(out, key, this.#keyword(key, value))
    this.#readText(out)
    const steps = ASKING + Math.ceil(ownLength(schema) / CHARACTERS)
    // The validator reads this keyword of another draft at each use of a schema, and at no other time.
    Object.defineProperty(out, '$recursiveAnchor', { enumerable: false, get: () => this.#charge(steps) })
    return out
  }

  #keyword(key: string, value: unknown): unknown {
    if (VALUES.has(key)) return value
    if (Array.isArray(value)) return LISTS.has(key) ? value.map((inner) => this.#counted(inner)) : value
    if (isRecord(value)) {
      // Names are left to JavaScript's own engine.
      if (key === 'patternProperties')
        for (const pattern of Object.keys(value)) if (!this.#patternOf(pattern).isSimple) throw new PatternError('it could take too long')
      return MAPS.has(key) ? this.#countedMap(value) : this.#counted(value)
    }
    return value === true && SCHEMAS.has(key) ? this.#counted({}) : value
  }

  #countedMap(map: Record<string, unknown>): Record<string, unknown> {
    const out: Record<string, unknown> = {}
    for (const [name, inner] of Object.entries(map)) put(out, name, this.#counted(inner))
    return out
  }

  /** What is asked of texts, by checks of our own under names that the validator takes for formats. */
  #readText(schema: Record<string, unknown>): void {
    const { pattern, format, minLength, maxLength } = schema
    if (typeof format === 'string' && Object.hasOwn(formats, format)) this.#useFormat(format)
    else delete schema['format']
    if (typeof pattern === 'string') {
      const known = this.#patternOf(pattern)
      if (!known.isSimple) {
        delete schema['pattern']
        const name = `pattern ${pattern}`
        this.#checks.set(name, (text) => known.test(text, this.#charge))
        const { allOf = [] } = schema
        if (schema['format'] === undefined) schema['format'] = name
        else schema['allOf'] = [...(allOf as readonly unknown[]), { format: name }]
      }
    }
    if (schema['format'] !== undefined || (pattern ?? minLength ?? maxLength) === undefined) return
    this.#checks.set(ANY_TEXT, (text) => (this.#chargeText(text), true))
    schema['format'] = ANY_TEXT
  }

  #patternOf(source: string): Pattern {
    const known = this.#patterns.get(source) ?? new Pattern(source)
    this.#patterns.set(source, known)
    return known
  }

  #useFormat(name: string): void {
    const check = name === 'url' ? isUrl : formats[name]
    if (check) this.#checks.set(name, (text) => (this.#chargeText(text), check(text)))
  }

  #chargeText(text: string): void {
    this.#charge(Math.ceil(text.length / CHARACTERS))
  }
}

/** The validator's own expression for it takes exponential time. */
const isUrl: TextCheck = (text) => /^(?:https?|ftp):\/\/[^\s/?#]+(?:[/?#]\S*)?$/i.test(text)

/** The value, whose every read is counted. It is never written to. */
class View {
  readonly #views = new WeakMap<object, object>()
  readonly #keys = new WeakMap<object, number>()
  readonly #charge: Charge

  constructor(charge: Charge) {
    this.#charge = charge
  }

  of(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value
    const known = this.#views.get(value)
    if (known) return known
    const view = new Proxy(value, this.#traps)
    this.#views.set(value, view)
    return view
  }

  readonly #traps: ProxyHandler<object> = {
    get: (target, key) => {
      this.#charge(1 + (typeof key === 'string' ? key.length / CHARACTERS : 0))
      return Object.hasOwn(target, key) ? this.of(Reflect.get(target, key)) : undefined
    },
    has: (target, key) => (this.#charge(1), Object.hasOwn(target, key)),
    getOwnPropertyDescriptor: (target, key) => (this.#charge(3), Reflect.getOwnPropertyDescriptor(target, key)),
    ownKeys: (target) => {
      const keys = Reflect.ownKeys(target)
      const steps = this.#keys.get(target) ?? keys.reduce((sum, key) => sum + 3 + String(key).length / CHARACTERS, 1)
      this.#keys.set(target, steps)
      this.#charge(steps)
      return keys
    },
  }
}

/** The values and names in a value; long texts count as several. */
function sizeOf(value: JsonValue): number {
  if (typeof value === 'string') return 1 + value.length / (CHARACTERS * 10)
  if (typeof value !== 'object' || value === null) return 1
  return Object.values(value).reduce<number>((sum, inner: JsonValue) => sum + 1 + sizeOf(inner), 1)
}

/** The characters of a schema that the validator reads or tells, without those of the schemas in it. */
function ownLength(schema: Record<string, unknown>): number {
  return Object.entries(schema).reduce((sum, [key, value]) => {
    if (isRecord(value) && MAPS.has(key)) return sum + Object.keys(value).reduce((names, name) => names + name.length + CHARACTERS, 0)
    const isInner = !VALUES.has(key) && typeof value === 'object'
    return sum + key.length + (isInner ? 0 : (JSON.stringify(value) ?? '').length)
  }, 0)
}

function put(out: Record<string, unknown>, key: string, value: unknown): void {
  Object.defineProperty(out, key, { value, enumerable: true, writable: true, configurable: true })
}
