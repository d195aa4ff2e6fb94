/** Schemas and patterns that are made to be slow: each check ends, and what JavaScript's own engine says of a pattern is what we say. */
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { validateJson } from '../../src/protocol/json-schema.ts'
import { Faults } from '../../src/protocol/package/fault.ts'
import { parseSchema } from '../../src/protocol/package/schema.ts'
import { Pattern, PatternError } from '../../src/protocol/pattern.ts'

/** Of the processor's time, since other tests run beside. Each took a third of it and less; unbounded they take minutes and more. */
const BOUND_MS = 5_000
vi.setConfig({ testTimeout: 60_000 })

const ITEMS = 99_000

/** What a check of the value says, after the schema was taken as a package's. */
function judged(schema: object, value: unknown): string {
  const began = process.cpuUsage()
  const faults = new Faults()
  const parsed = parseSchema({ type: 'object', ...schema }, '', faults.of('manifest.json'), 'object')
  const checked = parsed && validateJson(parsed, value)
  const { user, system } = process.cpuUsage(began)
  expect((user + system) / 1_000).toBeLessThan(BOUND_MS)
  if (!checked) return `refused: ${faults.list[0]?.message}`
  return checked.ok ? 'ok' : (checked.errors[0]?.message ?? '')
}

const text = (schema: object) => ({ properties: { a: { type: 'string', ...schema } } })
const list = (schema: object) => ({ properties: { a: { type: 'array', ...schema } } })
const numbers = Array.from({ length: ITEMS }, (_, i) => i)
const words = Array.from({ length: 20_000 }, (_, i) => `value${i}`)
const object = Object.fromEntries(Array.from({ length: 49_000 }, (_, i) => [`k${i}`, 1]))
const many = (schema: object) => Array.from({ length: 1_900 }, () => schema)

describe('T97 a pattern that takes JavaScript for ever', () => {
  test.for([
    ['^(a+)+$', `${'a'.repeat(50)}!`],
    ['^(a|a)*$', `${'a'.repeat(50)}!`],
    ['(.*a){25}$', `${'a'.repeat(1_000)}!`],
    ['^(|){50}b', ''],
    ['.*.*.*=.*', 'a'.repeat(100_000)],
    ['^(?:(?=a{2000}b|a)a)*c', 'a'.repeat(10_000)],
    ['^(?:\\w+\\s?)*$', `${'word '.repeat(20)}!`],
  ] as const)('T97 %s answers at once', ([pattern, value]) => {
    expect(judged(text({ pattern }), { a: value })).toMatch(/does not match pattern|takes too many steps/)
  })

  test('T97 as a name, beside a format, in a list of schemas', () => {
    const hostile = `${'a'.repeat(50)}!`
    expect(judged({ propertyNames: { pattern: '^(a+)+$' } }, { [hostile]: 1 })).toContain('does not match')
    expect(judged(text({ pattern: '^(a+)+$', format: 'hostname' }), { a: hostile })).toContain('does not match')
    expect(judged(text({ allOf: [{ pattern: '^(a+)+$' }], pattern: '(b+)+$' }), { a: hostile })).toContain('does not match')
    expect(judged({ patternProperties: { '^(a+)+$': {} } }, { [hostile]: 1 })).toMatch(/^refused: .*could take too long/)
  })

  test('T97 what cannot be asked in bounded time is refused at installation', () => {
    expect(judged(text({ pattern: '(a)\\1' }), {})).toContain('refers back')
    expect(judged(text({ pattern: '(?<=a)b' }), {})).toContain('looks behind')
    expect(judged(text({ pattern: '((a{1000}){1000}){1000}' }), {})).toContain('repeats too much')
    expect(judged(text({ pattern: '(?:(?=a{900}(?=(?:b(?=c{900}))*))a){900}(?=a{20000})' }), {})).toContain('repeats too much')
    expect(judged(text({ pattern: '(?:){999999999}' }), {})).toContain('repeats too much')
    const patterns = Array.from({ length: 500 }, (_, i) => [`p${i}`, { pattern: `(?:[a-z]{0,90}){90}${i}` }] as const)
    expect(judged({ properties: Object.fromEntries(patterns) }, {})).toContain('together they repeat too much')
    expect(judged(text({ pattern: `${'('.repeat(300)}a${')'.repeat(300)}` }), {})).toContain('nested too deeply')
  })

  test('a long text against a hard pattern is refused, never passed', () => {
    expect(judged(text({ pattern: '^(a+)+$' }), { a: 'a'.repeat(1 << 20) })).toContain('takes too many steps')
    expect(judged(text({ pattern: '^(a+)+$' }), { a: 'a'.repeat(5_000) })).toBe('ok')
    expect(judged(text({ pattern: '^[a-z]+$' }), { a: 'a'.repeat(1 << 22) })).toBe('ok')
  })
})

describe('T97 a schema that takes the validator for ever', () => {
  let deep: object | number = 1
  for (let i = 0; i < 30; i++) deep = { a: deep }
  const defs = Array.from({ length: 40 }, (_, i) => [
    `d${i}`,
    i === 39 ? {} : { allOf: Array.from({ length: 2 }, () => ({ properties: { a: { $ref: `#/$defs/d${i + 1}` } } })) },
  ])
  test.for([
    ['unique items', list({ uniqueItems: true }), { a: numbers }],
    ['unique objects', list({ uniqueItems: true }), { a: numbers.slice(0, 40_000).map((i) => ({ i })) }],
    ['a huge enum', list({ items: { enum: words } }), { a: numbers }],
    ['a huge enum that another schema lets pass', list({ items: { anyOf: [{ enum: words }, true] } }), { a: numbers }],
    ['many schemas an item', list({ items: { allOf: many({ type: 'number' }) } }), { a: numbers }],
    ['many schemas that read all names', { allOf: many({ additionalProperties: true }) }, object],
    ['many faults', { allOf: many({ additionalProperties: false }) }, object],
    ['many lengths of a long text', text({ allOf: many({ minLength: 1 }) }), { a: 'x'.repeat(1 << 24) }],
    ['references that double with each level of the value', { $defs: Object.fromEntries(defs), $ref: '#/$defs/d0' }, deep],
  ] as const)('T97 %s', ([, schema, value]) => {
    expect(judged(schema, value)).toContain('takes too many steps')
  })

  test('T97 many patterns of names are refused for what they take', () => {
    const patterns = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`^k${i}x$`, {}]))
    expect(judged({ patternProperties: patterns }, object)).toContain('takes too many steps')
  })

  test('T97 a format that is called like what every object has, or that the validator reads slowly', () => {
    for (const format of ['__proto__', 'constructor', 'hasOwnProperty', '__defineGetter__', 'valueOf'])
      expect(judged(text({ format }), { a: 'x' })).toBe('ok')
    expect(judged(text({ format: 'url' }), { a: `http://${'a'.repeat(60)} !` })).toContain('does not match format "url"')
    expect(judged(text({ format: 'url' }), { a: 'https://example.com/a?b#c' })).toBe('ok')
  })

  test('large values of plain schemas are taken', () => {
    const row = {
      type: 'object',
      properties: { id: { type: 'integer' }, kind: { enum: ['x', 'y'] } },
      required: ['id'],
      additionalProperties: false,
    }
    expect(judged(list({ items: { type: 'integer' } }), { a: numbers })).toBe('ok')
    expect(judged(list({ items: row }), { a: numbers.slice(0, 25_000).map((id) => ({ id, kind: 'x' })) })).toBe('ok')
  })

  test('what is told of a violation is short', () => {
    expect(judged(text({ enum: words }), { a: 'no' }).length).toBeLessThan(400)
    const name = 'k'.repeat(1 << 20)
    for (const value of [{ [name]: 'x' }, { [name]: { [name]: 1n } }]) {
      const checked = validateJson({ additionalProperties: { type: 'number' } }, value)
      expect(checked.ok ? 0 : JSON.stringify(checked.errors).length).toBeLessThan(3_000)
    }
  })
})

describe('patterns mean what they mean in JavaScript', () => {
  const atom = fc.constantFrom(
    'a',
    'b',
    '.',
    '\\w',
    '\\d',
    '[ab]',
    '[^a]',
    '\\u{1F600}',
    '\\uD83D\\uDE00',
    '😀',
    '\\n',
    '[\\]a-b]',
    '\\p{Lu}',
    '^',
    '$',
    '\\b',
    '\\B',
  )
  const { pattern } = fc.letrec<{ pattern: string }>((tie) => {
    const group = fc.tuple(fc.constantFrom('(', '(?:', '(?=', '(?!'), tie('pattern')).map(([open, inner]) => `${open}${inner})`)
    const part = fc.oneof({ weight: 4, arbitrary: atom }, { weight: 1, arbitrary: group })
    const piece = fc.tuple(part, fc.constantFrom('', '', '', '*', '+', '?', '*?', '{2}', '{1,3}', '{0,2}?', '{2,}'))
    const row = fc.array(piece, { maxLength: 4 }).map((pieces) => pieces.map(([one, many]) => (isPlace(one) ? one : one + many)).join(''))
    return {
      pattern: fc.oneof(
        { depthSize: 'small' },
        row,
        fc.tuple(row, tie('pattern')).map(([one, other]) => `${one}|${other}`),
      ),
    }
  })
  /** What JavaScript does not repeat with the flag u. */
  const isPlace = (part: string): boolean => ['^', '$', '\\b', '\\B'].includes(part) || part.startsWith('(?=') || part.startsWith('(?!')
  const subject = fc.string({ unit: fc.constantFrom('a', 'b', 'A', '1', ' ', '\n', '😀', '\uD83D', '!'), maxLength: 8 })

  /** Between characters: V8 begins inside of them, too, where a pattern has no character (`\\B`), which ECMA-262 does not. */
  const places = (value: string): number[] => Array.from(value).reduce((all, one) => [...all, (all.at(-1) ?? 0) + one.length], [0])
  function matchesAt(source: string, value: string, place: number): boolean {
    const native = new RegExp(source, 'uy')
    native.lastIndex = place
    return native.test(value)
  }

  test('whatever they are', () => {
    fc.assert(
      fc.property(pattern, subject, (source, value) => {
        expect(new Pattern(source).test(value, () => {})).toBe(places(value).some((place) => matchesAt(source, value, place)))
      }),
      { numRuns: 3_000 },
    )
  })

  test('a simple one takes JavaScript no longer than the text is', () => {
    for (const source of ['^[a-z]+$', '^a*', 'abc', '^x-', 'a|b', '[0-9]{4}-[0-9]{2}', '', '^.{1,80}$'])
      expect(new Pattern(source).isSimple).toBe(true)
    for (const source of ['a+$', '^a*b*', '^(a+)+$', '(a|b)(a|b)', '^(?:ab)*', 'a|b+', '^(?=a)'])
      expect(new Pattern(source).isSimple).toBe(false)
  })

  test('what is no pattern is none here, and what is not taken says so', () => {
    expect(() => new Pattern('(')).toThrow(SyntaxError)
    expect(() => new Pattern('(?<n>a)\\k<n>')).toThrow(PatternError)
    expect(() => new Pattern('(?i:a)')).toThrow(PatternError)
  })
})
