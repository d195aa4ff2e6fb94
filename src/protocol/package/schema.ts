/**
 * JSON Schemas that a stranger wrote, before a validator runs by them (T97): everything that they refer to is in them, no reference comes
 * back to itself without a step into the data, and what one value costs to check is bounded. Schemas are walked as
 * `@cfworker/json-schema` walks them, so that a reference which resolves here resolves there.
 */
import { type JsonSchema, probeSchema } from '../json-schema.ts'
import { isRecord, type JsonObject, own, parseJson } from '../parse.ts'
import { Pattern, PatternError } from '../pattern.ts'
import { componentsOf } from './components.ts'
import { below, quoted, type Report } from './fault.ts'

const SCHEMA_CHARACTERS = 256 * 1024
/** Schemas that are asked about one value, references followed. */
const CHECKS = 2_000
/** States of all patterns together, written out. */
const PATTERNS = 50_000
/** References that follow each other. */
const CHAIN = 100
const TYPES = ['null', 'boolean', 'number', 'integer', 'string', 'array', 'object']

type Shape = 'schema' | 'schemas' | 'map' | 'items' | 'number' | 'text' | 'texts' | 'flag' | 'list' | 'type' | 'pattern'
const KEYWORDS: Readonly<Record<Shape, readonly string[]>> = {
  map: ['$defs', 'definitions', 'properties', 'patternProperties', 'dependentSchemas'],
  schemas: ['allOf', 'anyOf', 'oneOf', 'prefixItems'],
  items: ['items'],
  schema: [
    'additionalItems',
    'unevaluatedItems',
    'contains',
    'additionalProperties',
    'unevaluatedProperties',
    'propertyNames',
    'not',
    'if',
    'then',
    'else',
  ],
  type: ['type'],
  list: ['enum'],
  texts: ['required'],
  pattern: ['pattern'],
  text: ['format'],
  number: [
    'minimum',
    'maximum',
    'exclusiveMinimum',
    'exclusiveMaximum',
    'multipleOf',
    'minLength',
    'maxLength',
    'minItems',
    'maxItems',
    'minContains',
    'maxContains',
    'minProperties',
    'maxProperties',
  ],
  flag: ['uniqueItems'],
}
const SHAPES: ReadonlyMap<string, Shape> = new Map(
  Object.entries(KEYWORDS).flatMap(([shape, keywords]) => keywords.map((keyword) => [keyword, shape as Shape] as const)),
)
/** What the validator does not look into. */
const PLAIN = new Set([
  'id',
  '$id',
  '$ref',
  '$schema',
  '$anchor',
  '$vocabulary',
  '$comment',
  'default',
  'const',
  'dependentRequired',
  'examples',
])
/** Keywords whose schemas are asked about the same value. */
const SAME = new Set(['allOf', 'anyOf', 'oneOf', 'not', 'if', 'then', 'else', 'dependentSchemas'])

interface Node {
  readonly at: string
  readonly ref?: string
  /** pointers of what is asked about the same value */
  readonly same: string[]
  /** pointers of what is asked about an item, or about a property (by name where that is one) */
  readonly steps: { readonly into: string; readonly to: string }[]
}

/** The schema as its own copy, or undefined with its faults reported. `whole`: it describes an object (a tool's arguments). */
export function parseSchema(value: unknown, at: string, report: Report, whole: 'object' | 'any'): JsonSchema | undefined {
  const copy = parseJson(value)
  if (!copy.ok) return report(`${at}${copy.at}`, copy.reason)
  if (!isRecord(copy.value)) return report(at, 'must be a JSON Schema: an object')
  if (JSON.stringify(copy.value).length > SCHEMA_CHARACTERS)
    return report(at, `is larger than ${SCHEMA_CHARACTERS / 1024} KiB: a tool's arguments need no more`)
  const schema: JsonObject = whole === 'object' && own(copy.value, 'type') === undefined ? { type: 'object', ...copy.value } : copy.value
  if (whole === 'object' && !describesObject(own(schema, 'type')))
    return report(below(at, 'type'), 'must be "object": a tool takes its arguments by name')
  return new Walk(at, report).holds(schema) ? schema : undefined
}

const describesObject = (type: unknown): boolean => type === 'object' || (Array.isArray(type) && type.length === 1 && type[0] === 'object')

class Walk {
  private readonly nodes = new Map<string, Node>()
  private readonly anchors = new Map<string, string>()
  private faulty = false
  private patterns = 0
  private readonly root: string
  private readonly tell: Report

  constructor(root: string, report: Report) {
    this.root = root
    this.tell = (at, message) => {
      this.faulty = true
      return report(at, message)
    }
  }

  holds(schema: JsonObject): boolean {
    this.visit(schema, this.root)
    for (const node of this.nodes.values()) if (node.ref !== undefined) this.resolve(node)
    if (!this.faulty) this.findCycles()
    if (!this.faulty) this.findCost()
    if (!this.faulty) this.probe(schema)
    return !this.faulty
  }

  private visit(schema: unknown, at: string): void {
    if (typeof schema === 'boolean') return void this.nodes.set(at, { at, same: [], steps: [] })
    if (!isRecord(schema)) return this.tell(at, 'must be a schema: an object, true or false')
    const ref = own(schema, '$ref')
    if (ref !== undefined && typeof ref !== 'string') this.tell(below(at, '$ref'), 'must be a text')
    const node: Node = { at, same: [], steps: [], ...(typeof ref === 'string' ? { ref } : {}) }
    this.nodes.set(at, node)
    this.readNames(schema, at)
    for (const key of Object.keys(schema)) if (!PLAIN.has(key)) this.visitKeyword(node, key, schema[key])
  }

  private readNames(schema: Record<string, unknown>, at: string): void {
    const anchor = own(schema, '$anchor')
    if (typeof anchor === 'string') this.anchors.set(anchor, at)
    for (const key of ['$dynamicRef', '$recursiveRef'])
      if (own(schema, key) !== undefined) this.tell(below(at, key), 'is not read here: write $ref')
    for (const key of ['$id', 'id'])
      if (own(schema, key) !== undefined && (at !== this.root || typeof own(schema, key) !== 'string'))
        this.tell(below(at, key), 'is not read inside a schema: references are to "#/…", take it out')
  }

  private visitKeyword(node: Node, key: string, value: unknown): void {
    const at = below(node.at, key)
    if (key.startsWith('__')) return this.tell(at, 'is no keyword')
    const shape = SHAPES.get(key)
    if (shape === undefined) {
      if (isRecord(value)) this.visit(value, at)
      return
    }
    const children = this.childrenOf(shape, value, at)
    for (const { name, schema } of children) {
      const to = name === undefined ? at : below(at, name)
      this.visit(schema, to)
      if (SAME.has(key)) node.same.push(to)
      else if (shape !== 'map' || key === 'properties' || key === 'patternProperties')
        node.steps.push({
          into:
            key === 'properties'
              ? `property ${name}`
              : key.toLowerCase().includes('item') || key === 'contains'
                ? 'item'
                : 'other property',
          to,
        })
    }
  }

  private childrenOf(shape: Shape, value: unknown, at: string): { readonly name?: string; readonly schema: unknown }[] {
    if (shape === 'items') return this.childrenOf(Array.isArray(value) ? 'schemas' : 'schema', value, at)
    if (shape === 'schema') return [{ schema: value }]
    if (shape === 'schemas') {
      if (!Array.isArray(value)) this.tell(at, 'must be a list of schemas')
      else return (value as readonly unknown[]).map((schema, i) => ({ name: String(i), schema }))
    } else if (shape === 'map') {
      if (!isRecord(value)) this.tell(at, 'must be an object of schemas')
      else {
        if (at.endsWith('/patternProperties')) for (const key of Object.keys(value)) this.checkPattern(key, below(at, key), true)
        return Object.keys(value).map((name) => ({ name, schema: value[name] }))
      }
    } else this.checkValue(shape, value, at)
    return []
  }

  private checkValue(shape: Exclude<Shape, 'schema' | 'schemas' | 'map' | 'items'>, value: unknown, at: string): void {
    const isTexts = Array.isArray(value) && (value as readonly unknown[]).every((item) => typeof item === 'string')
    switch (shape) {
      case 'number':
        if (typeof value !== 'number') this.tell(at, 'must be a number')
        return
      case 'text':
        if (typeof value !== 'string') this.tell(at, 'must be a text')
        return
      case 'texts':
        if (!isTexts) this.tell(at, 'must be a list of texts')
        return
      case 'flag':
        if (typeof value !== 'boolean') this.tell(at, 'must be true or false')
        return
      case 'list':
        if (!Array.isArray(value)) this.tell(at, 'must be a list')
        return
      case 'type':
        if (!(isTexts ? (value as readonly string[]) : [value]).every((type) => TYPES.includes(type as string)))
          this.tell(at, `must be one of ${TYPES.join(', ')}, or a list of them`)
        return
      case 'pattern':
        if (typeof value !== 'string') this.tell(at, 'must be a text')
        else this.checkPattern(value, at)
    }
  }

  /** As the validator compiles it. One for names is left to JavaScript's own engine, and must be simple. */
  private checkPattern(pattern: string, at: string, isForNames = false): void {
    if (this.patterns > PATTERNS) return
    try {
      const { isSimple, size } = new Pattern(pattern)
      this.patterns += size
      if (this.patterns > PATTERNS) return this.tell(at, 'is one pattern too many: together they repeat too much')
      if (!isSimple && isForNames)
        this.tell(
          at,
          `${quoted(pattern)} could take too long: write names of it with "^" first and one repetition at most, of one character`,
        )
    } catch (error) {
      if (error instanceof PatternError) this.tell(at, `${quoted(pattern)} cannot be checked in bounded time: ${error.message}`)
      else this.tell(at, `${quoted(pattern)} is no regular expression (ECMA-262, with the flag u)`)
    }
  }

  private resolve(node: Node): void {
    const { ref = '' } = node
    const at = below(node.at, '$ref')
    if (!ref.startsWith('#')) return this.tell(at, `${quoted(ref)} lies outside: put what it names under "$defs" and refer to "#/$defs/…"`)
    const target = this.targetOf(ref.slice(1))
    if (target === undefined) this.tell(at, `there is no ${quoted(ref)} in this schema`)
    else node.same.push(target)
  }

  private targetOf(fragment: string): string | undefined {
    let text: string
    try {
      text = decodeURIComponent(fragment)
    } catch {
      return undefined
    }
    const target = text === '' ? this.root : text.startsWith('/') ? `${this.root}${text}` : this.anchors.get(text)
    return target !== undefined && this.nodes.has(target) ? target : undefined
  }

  /** A schema that is asked about a value because it was asked about it never ends. */
  private findCycles(): void {
    const state = new Map<string, 'open' | 'done'>()
    const walk = (at: string, depth: number): void => {
      if (depth > CHAIN) return this.tell(at, `refers to more than ${CHAIN} schemas, one after the other`)
      state.set(at, 'open')
      for (const next of this.nodes.get(at)?.same ?? []) {
        if (state.get(next) === 'open') this.tell(next, 'refers to itself about the same value, which never ends')
        else if (!state.has(next) && !this.faulty) walk(next, depth + 1)
      }
      state.set(at, 'done')
    }
    for (const at of this.nodes.keys()) if (!state.has(at) && !this.faulty) walk(at, 0)
  }

  /** One value must not take many checks, neither at once nor by doubling from level to level of the data. */
  private findCost(): void {
    const costs = new Map<string, number>()
    const cost = (at: string): number => {
      const known = costs.get(at)
      if (known !== undefined) return known
      const sum = (this.nodes.get(at)?.same ?? []).reduce((total, next) => total + cost(next), 1)
      costs.set(at, sum)
      return sum
    }
    for (const at of this.nodes.keys())
      if (cost(at) > CHECKS) return this.tell(at, 'asks too many schemas about one value: its references multiply')
    const edges = new Map([...this.nodes].map(([at, { same, steps }]) => [at, [...same, ...steps.map(({ to }) => to)]]))
    const component = componentsOf(edges)
    for (const at of this.nodes.keys())
      if (this.doubles(at, component))
        return this.tell(at, 'asks itself about one part of its value in several ways, which doubles with each level')
  }

  /** Whether two ways lead from the schema into the same part of its value and from both back to it. */
  private doubles(at: string, component: ReadonlyMap<string, number>): boolean {
    const ways = new Map<string, number>()
    const here = (from: string): void => {
      const node = this.nodes.get(from)
      for (const { into, to } of node?.steps ?? []) if (component.get(to) === component.get(at)) ways.set(into, (ways.get(into) ?? 0) + 1)
      for (const next of node?.same ?? []) here(next)
    }
    here(at)
    return [...ways.values()].some((count) => count > 1)
  }

  private probe(schema: JsonObject): void {
    try {
      probeSchema(schema)
    } catch (error) {
      this.tell(this.root, `cannot be used: ${error instanceof Error ? error.message : 'the validator failed'}`)
    }
  }
}
