/**
 * Reading the fields of a manifest: each reader gives the value if it has the form that is asked for, or reports what form that is and gives
 * undefined. A key that is close to a known one is taken for a slip of the pen and reported; other unknown keys are somebody else's.
 */
import { isRecord, own } from '../parse.ts'
import { below, quoted, type Report } from './fault.ts'

export interface TextForm {
  readonly required?: true
  readonly least?: number
  readonly most?: number
  readonly pattern?: RegExp
  /** the pattern in words: "must be …" */
  readonly form?: string
}

export class Fields {
  readonly at: string
  readonly report: Report
  private readonly record: Record<string, unknown>

  private constructor(record: Record<string, unknown>, at: string, report: Report) {
    this.record = record
    this.at = at
    this.report = report
  }

  static of(value: unknown, at: string, report: Report): Fields | undefined {
    if (isRecord(value)) return new Fields(value, at, report)
    report(at, 'must be an object')
    return undefined
  }

  value(key: string): unknown {
    return own(this.record, key)
  }

  keys(): string[] {
    return Object.keys(this.record)
  }

  fault(key: string, message: string): undefined {
    this.report(below(this.at, key), message)
    return undefined
  }

  text(key: string, { required, least = 1, most = 1_000, pattern, form }: TextForm = {}): string | undefined {
    const value = this.value(key)
    if (value === undefined) return required ? this.fault(key, 'is missing: give a text') : undefined
    if (typeof value !== 'string') return this.fault(key, 'must be a text')
    if (value.length < least) return this.fault(key, least === 1 ? 'must not be empty' : `must have at least ${least} characters`)
    if (value.length > most) return this.fault(key, `must have at most ${most} characters, and has ${value.length}`)
    if (pattern && !pattern.test(value)) return this.fault(key, `must be ${form}, not ${quoted(value)}`)
    return value
  }

  whole(key: string, least: number, most: number): number | undefined {
    const value = this.value(key)
    if (value === undefined) return undefined
    if (Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most) return value as number
    return this.fault(key, `must be a whole number from ${least} to ${most}`)
  }

  flag(key: string): boolean | undefined {
    const value = this.value(key)
    if (value === undefined || typeof value === 'boolean') return value
    return this.fault(key, 'must be true or false')
  }

  choice<T extends string>(key: string, choices: readonly T[]): T | undefined {
    const value = this.value(key)
    if (value === undefined) return undefined
    return choices.find((choice) => choice === value) ?? this.fault(key, `must be one of ${choices.join(', ')}`)
  }

  object(key: string): Fields | undefined {
    const value = this.value(key)
    return value === undefined ? undefined : Fields.of(value, below(this.at, key), this.report)
  }

  /** The items with their pointers. */
  list(key: string): { readonly item: unknown; readonly at: string }[] | undefined {
    const value = this.value(key)
    if (value === undefined) return undefined
    if (!Array.isArray(value)) return this.fault(key, 'must be a list')
    const at = below(this.at, key)
    return (value as readonly unknown[]).map((item, i) => ({ item, at: below(at, i) }))
  }

  texts(key: string, most = 1_000): string[] | undefined {
    return this.list(key)?.flatMap(({ item, at }) => {
      if (typeof item === 'string' && item.length <= most) return [item]
      this.report(at, `must be a text of at most ${most} characters`)
      return []
    })
  }

  /** Reports the keys that are nearly one of `known`. */
  slips(known: readonly string[]): void {
    for (const key of this.keys().slice(0, 200)) {
      if (known.includes(key) || key.length > 40 || key.startsWith('x-') || key.startsWith('$')) continue
      const meant = known.find((other) => !this.keys().includes(other) && isNear(key, other))
      if (meant !== undefined) this.fault(key, `is not known: did you mean "${meant}"?`)
    }
  }
}

const plain = (key: string): string => key.toLowerCase().replaceAll(/[-_ ]/g, '')

/** They differ in case and hyphens, or by one letter of at least three. */
function isNear(a: string, b: string): boolean {
  if (plain(a) === plain(b)) return true
  return Math.min(a.length, b.length) >= 3 && isOneEdit(plain(a), plain(b))
}

function isOneEdit(a: string, b: string): boolean {
  if (a.length > b.length) return isOneEdit(b, a)
  if (b.length - a.length > 1) return false
  let i = 0
  while (i < a.length && a[i] === b[i]) i++
  if (a.length < b.length) return a.slice(i) === b.slice(i + 1)
  return a.slice(i + 1) === b.slice(i + 1) || (a[i] === b[i + 1] && a[i + 1] === b[i] && a.slice(i + 2) === b.slice(i + 2))
}
