/**
 * What a library (abi `library`, docs/protocol.md section 5) is given and gives: values, results of checks, metadata. All forms that have
 * been published are read, and plain JSON besides; one is sent: a tag and its value (`{"Int":1}`), null as it is. Integers are those of 64
 * bits and stay exact. What a library says was written by code that nobody here wrote, so nothing here throws.
 */
import { isRecord, type JsonValue, own, type Parsed, Refused } from './parse.ts'

export type ScopeKind = 'file' | 'folder' | 'glob'

/** Files that a library means: what was said (`path`, a pattern for `glob`), and what was found if it is `resolved`. */
export interface LibraryScope {
  readonly kind: ScopeKind
  readonly path: string
  readonly paths: readonly string[]
  readonly resolved: boolean
}

export type LibraryValue =
  | { readonly type: 'null' }
  | { readonly type: 'bool'; readonly value: boolean }
  | { readonly type: 'int'; readonly value: bigint }
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'string'; readonly value: string }
  | { readonly type: 'list'; readonly items: readonly LibraryValue[] }
  | { readonly type: 'scope'; readonly scope: LibraryScope }

/** The answer to a call: a value, or the library's own word that it failed. */
export type LibraryAnswer = { readonly ok: true; readonly value: LibraryValue } | { readonly ok: false; readonly message: string }

export interface CheckResult {
  readonly result: 'pass' | 'fail' | 'error'
  readonly message?: string
}

export interface LibraryMetadata {
  readonly name: string
  readonly version: string
  readonly functions: readonly string[]
  readonly checks: readonly string[]
}

const DEPTH = 64
const NODES = 100_000
const INT_MIN = -(2n ** 63n)
const INT_MAX = 2n ** 63n - 1n

/** Reads JSON text; an integer that a number cannot hold becomes a bigint. */
export function parseLibraryJson(text: string): Parsed<unknown> {
  try {
    return { ok: true, value: JSON.parse(text, exactly) as unknown }
  } catch (error) {
    return refused('', error instanceof RangeError ? 'is nested too deeply' : 'is no JSON')
  }
}

function exactly(this: unknown, _key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value
  const { source = '' } = context ?? {}
  return /^-?[0-9]{1,40}$/.test(source) ? BigInt(source) : value
}

/** Reads a value in any form: published, or plain JSON (a list as an array, a scope as `{ scope: { kind, path } }`). */
export function parseLibraryValue(value: unknown, at = ''): Parsed<LibraryValue> {
  return reading(() => readValue(value, at, DEPTH, { nodes: NODES }))
}

/** Reads what a library answers to a call. */
export function parseLibraryAnswer(value: unknown): Parsed<LibraryAnswer> {
  const message = errorOf(value)
  if (message !== undefined) return { ok: true, value: { ok: false, message } }
  const parsed = parseLibraryValue(value)
  return parsed.ok ? { ok: true, value: { ok: true, value: parsed.value } } : parsed
}

/** Reads what a library answers to a check. */
export function parseCheckResult(value: unknown): Parsed<CheckResult> {
  if (typeof value === 'string' || typeof value === 'boolean') return { ok: true, value: checkOfText(String(value)) }
  if (!isRecord(value)) return refused('', 'is no result of a check')
  for (const [tag, result] of CHECK_TAGS) {
    if (Object.hasOwn(value, tag)) return { ok: true, value: checkOf(result, own(value, tag)) }
  }
  for (const key of ['type', 'result']) {
    const word = own(value, key)
    const result = typeof word === 'string' ? wordOf(word) : undefined
    if (result) return { ok: true, value: checkOf(result, own(value, 'message') ?? own(value, 'value')) }
  }
  return refused('', 'is no result of a check: it has none of Pass, Fail and Error')
}

/** Reads what a library says of itself. */
export function parseLibraryMetadata(value: unknown): Parsed<LibraryMetadata> {
  if (!isRecord(value)) return refused('', 'is no object')
  const name = own(value, 'name')
  const version = own(value, 'version') ?? ''
  if (typeof name !== 'string' || name === '') return refused('/name', 'is no name')
  if (typeof version !== 'string') return refused('/version', 'is no text')
  const functions = namesOf(own(value, 'functions'), '/functions')
  if (!functions.ok) return functions
  const checks = namesOf(own(value, 'checks'), '/checks')
  if (!checks.ok) return checks
  return { ok: true, value: { name, version, functions: functions.value, checks: checks.value } }
}

/** The JSON text of a value as it is sent to a library. */
export function libraryText(value: LibraryValue): string {
  switch (value.type) {
    case 'null':
      return 'null'
    case 'bool':
      return `{"Bool":${value.value}}`
    case 'int':
      return `{"Int":${value.value}}`
    case 'float':
      return `{"Float":${floatText(value.value)}}`
    case 'string':
      return `{"String":${JSON.stringify(value.value)}}`
    case 'list':
      return `{"List":[${value.items.map(libraryText).join(',')}]}`
    case 'scope': {
      const { kind, path, paths, resolved } = value.scope
      return `{"Scope":${JSON.stringify({ kind: { [SCOPE_TAG[kind]]: path }, paths, resolved })}}`
    }
  }
}

/** The value as its caller gets it: plain JSON. An integer that a number cannot hold is `{ Int: "…" }`, which is read, too. */
export function plainOf(value: LibraryValue): JsonValue {
  switch (value.type) {
    case 'null':
      return null
    case 'int':
      return isSafe(value.value) ? Number(value.value) : { Int: String(value.value) }
    case 'bool':
    case 'float':
    case 'string':
      return value.value
    case 'list':
      return value.items.map(plainOf)
    case 'scope':
      return { scope: { ...value.scope, paths: [...value.scope.paths] } }
  }
}

// --- values
function reading<T>(read: () => T): Parsed<T> {
  try {
    return { ok: true, value: read() }
  } catch (error) {
    return error instanceof Refused ? refused(error.at, error.message) : refused('', 'cannot be read')
  }
}

interface Budget {
  nodes: number
}
type Reader = (value: unknown, at: string, depth: number, budget: Budget) => LibraryValue

const NULL: LibraryValue = { type: 'null' }
const TAGS: Readonly<Record<string, Reader>> = {
  Null: () => NULL,
  Bool: (value, at) => ({ type: 'bool', value: typed(value, 'boolean', at, 'is neither true nor false') }),
  Int: (value, at) => ({ type: 'int', value: integerOf(value, at) }),
  Float: (value, at) => ({ type: 'float', value: floatOf(value, at) }),
  String: (value, at) => ({ type: 'string', value: typed(value, 'string', at, 'is no text') }),
  List: (value, at, depth, budget) => readList(value, at, depth, budget),
  Scope: (value, at, _depth, budget) => ({ type: 'scope', scope: scopeOf(value, at, budget) }),
}

function readValue(value: unknown, at: string, depth: number, budget: Budget): LibraryValue {
  spend(budget, at)
  if (depth === 0) throw new Refused(at, 'is nested too deeply')
  switch (typeof value) {
    case 'string':
      return { type: 'string', value }
    case 'boolean':
      return { type: 'bool', value }
    case 'bigint':
      return { type: 'int', value: integerOf(value, at) }
    case 'number':
      return numberOf(value, at)
    default:
  }
  if (value === null) return NULL
  if (Array.isArray(value)) return readList(value, at, depth, budget)
  if (isRecord(value)) return readTagged(value, at, depth, budget)
  throw new Refused(at, 'is no value of a library')
}

/** `{ Tag: value }`, `{ type: 'Tag', value }`, `{ type: 'Scope', kind, … }`, `{ scope: … }`. */
function readTagged(value: Record<string, unknown>, at: string, depth: number, budget: Budget): LibraryValue {
  const type = own(value, 'type')
  const adjacent = typeof type === 'string' && Object.hasOwn(TAGS, type) ? TAGS[type] : undefined
  if (adjacent) {
    const inner = Object.hasOwn(value, 'value') ? own(value, 'value') : type === 'Scope' ? value : undefined
    return adjacent(inner, `${at}/value`, depth, budget)
  }
  const keys = Object.keys(value)
  const [tag = ''] = keys
  if (keys.length === 1 && tag === 'scope') return TAGS['Scope']!(own(value, tag), `${at}/scope`, depth, budget)
  if (keys.length !== 1 || !Object.hasOwn(TAGS, tag))
    throw new Refused(at, `is no value of a library: it has none of the tags ${Object.keys(TAGS).slice(1).join(', ')}`)
  return TAGS[tag]!(own(value, tag), `${at}/${tag}`, depth, budget)
}

function readList(value: unknown, at: string, depth: number, budget: Budget): LibraryValue {
  if (!Array.isArray(value)) throw new Refused(at, 'is no list')
  if (value.length > budget.nodes) throw new Refused(at, 'has too many values')
  return { type: 'list', items: value.map((item: unknown, i) => readValue(item, `${at}/${i}`, depth - 1, budget)) }
}

function numberOf(value: number, at: string): LibraryValue {
  if (!Number.isFinite(value)) throw new Refused(at, 'is no finite number')
  if (Number.isSafeInteger(value)) return { type: 'int', value: BigInt(value) }
  if (Number.isInteger(value) && Math.abs(value) <= 2 ** 63)
    throw new Refused(at, 'is too large to be exact: write it as { "Int": "…" } or { "Float": … }')
  return { type: 'float', value }
}

function integerOf(value: unknown, at: string): bigint {
  const exact =
    typeof value === 'bigint'
      ? value
      : typeof value === 'string' && /^-?[0-9]{1,19}$/.test(value)
        ? BigInt(value)
        : Number.isSafeInteger(value)
          ? BigInt(value as number)
          : undefined
  if (exact === undefined) throw new Refused(at, 'is no whole number')
  if (exact < INT_MIN || exact > INT_MAX) throw new Refused(at, 'has more than 64 bits')
  return exact
}

function floatOf(value: unknown, at: string): number {
  const number = typeof value === 'bigint' ? Number(value) : value
  if (typeof number !== 'number' || !Number.isFinite(number)) throw new Refused(at, 'is no finite number')
  return number
}

function typed<T extends 'string' | 'boolean'>(value: unknown, type: T, at: string, reason: string): T extends 'string' ? string : boolean {
  if (typeof value !== type) throw new Refused(at, reason)
  return value as T extends 'string' ? string : boolean
}

function spend(budget: Budget, at: string): void {
  if (--budget.nodes < 0) throw new Refused(at, 'has too many values')
}

const isSafe = (value: bigint): boolean => value >= Number.MIN_SAFE_INTEGER && value <= Number.MAX_SAFE_INTEGER

/** A text that no reader takes for an integer. */
function floatText(value: number): string {
  const text = JSON.stringify(value)
  return /^-?[0-9]+$/.test(text) ? `${text}.0` : text
}

// --- scopes
const SCOPE_TAG: Readonly<Record<ScopeKind, string>> = { file: 'File', folder: 'Folder', glob: 'Glob' }

function scopeOf(value: unknown, at: string, budget: Budget): LibraryScope {
  if (!isRecord(value)) throw new Refused(at, 'is no object')
  const paths = own(value, 'paths') ?? []
  const resolved = own(value, 'resolved') ?? false
  if (!Array.isArray(paths)) throw new Refused(`${at}/paths`, 'is no list')
  return {
    ...kindOf(own(value, 'kind'), own(value, 'path'), at),
    paths: paths.map((path: unknown, i) => {
      spend(budget, `${at}/paths/${i}`)
      return typed(path, 'string', `${at}/paths/${i}`, 'is no text')
    }),
    resolved: typed(resolved, 'boolean', `${at}/resolved`, 'is neither true nor false'),
  }
}

/** `{ Folder: "src/" }`, `"folder"` or `{ kind: "folder" }` with the path beside it, or the path alone, from whose form the kind follows. */
function kindOf(kind: unknown, beside: unknown, at: string): Pick<LibraryScope, 'kind' | 'path'> {
  if (isRecord(kind)) {
    for (const [name, tag] of Object.entries(SCOPE_TAG) as [ScopeKind, string][]) {
      const key = [tag, name].find((one) => Object.hasOwn(kind, one))
      if (key !== undefined) return { kind: name, path: typed(own(kind, key), 'string', `${at}/kind/${key}`, 'is no text') }
    }
    const inner = own(kind, 'kind') ?? own(kind, 'type')
    if (typeof inner === 'string') return kindOf(inner, own(kind, 'path') ?? own(kind, 'value') ?? beside, at)
  }
  if (typeof kind !== 'string') throw new Refused(`${at}/kind`, 'is none of file, folder and glob')
  const named = (Object.keys(SCOPE_TAG) as ScopeKind[]).find((name) => name === kind.toLowerCase())
  if (named) return { kind: named, path: typed(beside ?? '', 'string', `${at}/path`, 'is no text') }
  if (beside !== undefined) throw new Refused(`${at}/kind`, 'is none of file, folder and glob')
  return { kind: /[*?[]/.test(kind) ? 'glob' : kind.endsWith('/') ? 'folder' : 'file', path: kind }
}

// --- checks
const CHECK_TAGS = [
  ['Pass', 'pass'],
  ['Fail', 'fail'],
  ['Error', 'error'],
] as const
const CHECK_WORDS: Readonly<Record<string, CheckResult['result']>> = {
  pass: 'pass',
  ok: 'pass',
  true: 'pass',
  fail: 'fail',
  false: 'fail',
  error: 'error',
}

function wordOf(text: string): CheckResult['result'] | undefined {
  const word = text.trim().toLowerCase()
  return Object.hasOwn(CHECK_WORDS, word) ? CHECK_WORDS[word] : undefined
}

const checkOf = (result: CheckResult['result'], message: unknown): CheckResult =>
  result !== 'pass' && typeof message === 'string' && message !== '' ? { result, message } : { result }

/** A word, or the reason of a failure. */
function checkOfText(text: string): CheckResult {
  const result = wordOf(text)
  return result ? { result } : { result: 'fail', message: text }
}

function errorOf(value: unknown): string | undefined {
  if (!isRecord(value)) return undefined
  const isTagged = own(value, 'type') === 'Error'
  const isAlone = Object.keys(value).length === 1 && Object.hasOwn(value, 'Error')
  if (!isTagged && !isAlone) return undefined
  const message = isTagged ? (own(value, 'message') ?? own(value, 'value')) : own(value, 'Error')
  return typeof message === 'string' && message !== '' ? message : 'it does not say why'
}

// --- metadata
/** Names, or objects that have one. */
function namesOf(value: unknown, at: string): Parsed<readonly string[]> {
  if (value === undefined || value === null) return { ok: true, value: [] }
  if (!Array.isArray(value)) return refused(at, 'is no list')
  const names: string[] = []
  for (const [i, item] of value.entries() as IterableIterator<[number, unknown]>) {
    const name = isRecord(item) ? own(item, 'name') : item
    if (typeof name !== 'string' || name === '') return refused(`${at}/${i}`, 'is no name')
    names.push(name)
  }
  return { ok: true, value: names }
}

const refused = (at: string, reason: string): { readonly ok: false; readonly at: string; readonly reason: string } => ({
  ok: false,
  at,
  reason,
})

/** The schema of the arguments of a tool that is a library: one of its functions, one of its checks, or what it says of itself. */
export function libraryInputSchema(metadata?: LibraryMetadata): { readonly [keyword: string]: JsonValue } {
  const named = (what: string, names: readonly string[]): { readonly [keyword: string]: JsonValue } => ({
    type: 'string',
    minLength: 1,
    maxLength: 200,
    description: names.length > 0 ? `${what}: ${names.join(', ')}` : what,
  })
  return {
    type: 'object',
    properties: {
      function: named('The function to call', metadata?.functions ?? []),
      check: named('The check to make', metadata?.checks ?? []),
      metadata: { const: true, description: 'The names of its functions and checks' },
      args: {
        type: 'array',
        description: 'Values: null, true, 1, 1.5, "text", a list, or { "scope": { "kind": "file" | "folder" | "glob", "path": "…" } }',
      },
      workspace: { type: 'string', maxLength: 4096, description: 'The absolute path below which the library sees files' },
    },
    oneOf: [{ required: ['function'] }, { required: ['check'] }, { required: ['metadata'] }],
    additionalProperties: false,
  }
}
