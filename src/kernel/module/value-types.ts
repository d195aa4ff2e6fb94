/** Types as a module writes them: those that a cell knows, and the names of those that it refuses. */
import type { Signature, ValueType } from './gated-module.ts'
import { Malformed, type Reader } from './reader.ts'

const KNOWN: Readonly<Record<number, ValueType>> = {
  0x7f: 'i32',
  0x7e: 'i64',
  0x7d: 'f32',
  0x7c: 'f64',
  0x7b: 'v128',
  0x70: 'funcref',
  0x6f: 'externref',
}

const BY_CODE: readonly (ValueType | undefined)[] = Array.from({ length: 0x80 }, (_, code) => KNOWN[code])

const REFUSED: Readonly<Record<number, string>> = {
  0x78: 'i8',
  0x77: 'i16',
  0x75: 'nullcontref',
  0x74: 'nullexnref',
  0x73: 'nullfuncref',
  0x72: 'nullexternref',
  0x71: 'nullref',
  0x6e: 'anyref',
  0x6d: 'eqref',
  0x6c: 'i31ref',
  0x6b: 'structref',
  0x6a: 'arrayref',
  0x69: 'exnref',
  0x68: 'contref',
  0x64: 'ref',
  0x63: 'ref null',
}

const MOST_PARAMS = 1_000
const FUNCTION = 0x60
/** Forms of types other than a function's. */
const FORMS: Readonly<Record<number, string>> = {
  0x5f: 'struct',
  0x5e: 'array',
  0x5d: 'cont',
  0x50: 'sub',
  0x4f: 'sub final',
  0x4e: 'rec',
}

/** `holder`: who has the type, as messages say it: `its table 2 is`, `function 3 (f) has locals`. */
export function readValueType(reader: Reader, holder: () => string): ValueType {
  const code = reader.byte()
  const known = BY_CODE[code]
  if (known) return known
  throw new Malformed(`${holder()} of type ${REFUSED[code] ?? `0x${code.toString(16)}`}, which is not allowed`)
}

export function readReferenceType(reader: Reader, holder: () => string): ValueType {
  const type = readValueType(reader, holder)
  if (type !== 'funcref' && type !== 'externref') throw new Malformed(`${holder()} of type ${type}, which is no reference`)
  return type
}

/** Passes over one type of the type section; it is a function's, of known value types. */
export function skipFunctionType(reader: Reader, index: number): void {
  const form = reader.byte()
  if (form !== FUNCTION)
    throw new Malformed(`its type ${index} is ${FORMS[form] ?? `of form 0x${form.toString(16)}`}, only function types are allowed`)
  const holder = (): string => `its type ${index} has a value`
  for (let part = 0; part < 2; part++) for (let left = reader.count(1, MOST_PARAMS); left > 0; left--) readValueType(reader, holder)
}

/** A function type that `skipFunctionType` has passed over before. */
export function readFunctionType(reader: Reader): Signature {
  reader.byte()
  const list = (): ValueType[] => Array.from({ length: reader.count(1, MOST_PARAMS) }, () => readValueType(reader, () => 'it has a value'))
  return { params: list(), results: list() }
}

/** `(i32, i64) -> i32` */
export function signatureText({ params, results }: Signature): string {
  return `(${params.join(', ')}) -> ${results.length === 1 ? results[0]! : `(${results.join(', ')})`}`
}

const LETTERS: Readonly<Record<string, ValueType>> = { i: 'i32', I: 'i64', F: 'f64' }
const typesOf = (letters: string): ValueType[] => Array.from(letters, (letter) => LETTERS[letter]!)

/** From letters, `i` for i32, `I` for i64, `F` for f64: `ii:i` is (i32, i32) -> i32. */
export function signatureOf(letters: string): Signature {
  const [params = '', results = ''] = letters.split(':')
  return { params: typesOf(params), results: typesOf(results) }
}

export const sameSignature = (a: Signature, b: Signature): boolean => signatureText(a) === signatureText(b)

export interface SizeLimits {
  readonly least: number
  readonly most: number | undefined
}

const Flag = { most: 1, shared: 2, is64: 4, pageSize: 8 } as const

/** Limits of a memory or a table. */
export function readLimits(reader: Reader, what: 'memory' | 'table'): SizeLimits {
  const flags = reader.byte()
  if (flags & Flag.shared) throw new Malformed(`its ${what} is shared, which is not allowed`)
  if (flags & Flag.is64) throw new Malformed(`its ${what} is of 64 bits, which is not allowed`)
  if (flags & Flag.pageSize) throw new Malformed(`its ${what} has pages of another size, which is not allowed`)
  if (flags > 1) throw new Malformed(`its ${what} has unknown flags 0x${flags.toString(16)}`)
  const least = reader.unsigned()
  const most = flags & Flag.most ? reader.unsigned() : undefined
  if (most !== undefined && most < least) throw new Malformed(`its ${what} is larger at first (${least}) than at most (${most})`)
  return { least, most }
}
