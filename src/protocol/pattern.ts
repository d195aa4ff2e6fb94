/**
 * Regular expressions that a stranger wrote, asked in bounded time: what JavaScript's own engine takes exponential time for
 * (`^(a+)+$`) is walked here as an automaton, every state at once. The grammar is ECMA-262's with the flag u; what one character must be is
 * left to JavaScript's own engine, so that classes and escapes mean here what they mean there.
 * Invariant: a test charges each step that it takes, before it takes it; it ends when the charge throws.
 */
type Node =
  | { readonly t: 'char'; readonly source: string }
  | { readonly t: 'start' | 'end' | 'edge' | 'noEdge' }
  | { readonly t: 'ahead'; readonly is: boolean; readonly body: Node }
  | { readonly t: 'row'; readonly parts: readonly Node[] }
  | { readonly t: 'either'; readonly ways: readonly Node[] }
  | { readonly t: 'repeat'; readonly body: Node; readonly min: number; readonly max: number }

type Step =
  | { readonly t: 'char'; readonly is: (point: number) => boolean }
  | { readonly t: 'holds'; readonly at: (text: string, i: number, charge: Charge) => boolean }
  | { readonly t: 'fork'; readonly to: readonly number[] }
  | { readonly t: 'match' }

/** Hears how many steps are about to be taken; throws to end the test. */
export type Charge = (steps: number) => void

const STEPS = 20_000
const DEPTH = 200

/** Why a pattern is not taken although it is one. */
export class PatternError extends Error {}

export class Pattern {
  /** Whether JavaScript's own engine needs no more than a step for each character: one choice at most, and where it repeats, from the start. */
  readonly isSimple: boolean
  readonly #program: readonly Step[]
  /** states that it is written out to */
  readonly size: number

  /** Throws PatternError, and SyntaxError where it is no pattern. */
  constructor(source: string) {
    RegExp(source, 'u')
    const tree = new Reader(source).read()
    const writer = new Writer()
    this.#program = writer.write(tree)
    this.size = writer.steps
    this.isSimple = isSimple(tree)
  }

  test(text: string, charge: Charge): boolean {
    return walk(this.#program, text, 0, false, charge)
  }
}

class Reader {
  #at = 0
  #depth = 0
  readonly #source: string

  constructor(source: string) {
    this.#source = source
  }

  read(): Node {
    if (++this.#depth > DEPTH) throw new PatternError('its groups are nested too deeply')
    const ways: Node[] = [this.#row()]
    while (this.#takes('|')) ways.push(this.#row())
    this.#depth -= 1
    return ways.length === 1 && ways[0] ? ways[0] : { t: 'either', ways }
  }

  #row(): Node {
    const parts: Node[] = []
    while (this.#at < this.#source.length && !this.#sees('|') && !this.#sees(')')) parts.push(this.#repeated(this.#part()))
    return { t: 'row', parts }
  }

  #part(): Node {
    if (this.#takes('^')) return { t: 'start' }
    if (this.#takes('$')) return { t: 'end' }
    if (this.#takes('\\b')) return { t: 'edge' }
    if (this.#takes('\\B')) return { t: 'noEdge' }
    if (this.#takes('(')) return this.#group()
    const source = this.#match(ATOM)
    if (/^\\(?:[1-9]|k)/.test(source)) throw new PatternError('it refers back to what a group has matched')
    return { t: 'char', source }
  }

  #group(): Node {
    const ahead = this.#takes('?=') ? true : this.#takes('?!') ? false : undefined
    if (ahead === undefined && !this.#takes('?:')) {
      const opening = this.#match(/(?:\?<[^=!>][^>]*>)?/y)
      if (opening === '' && this.#sees('?')) throw new PatternError('it looks behind, or changes its flags')
    }
    const body = this.read()
    this.#takes(')')
    return ahead === undefined ? body : { t: 'ahead', is: ahead, body }
  }

  #repeated(body: Node): Node {
    const quantifier = this.#match(/(?:[*+?]|\{\d+(?:,\d*)?\})?/y)
    if (quantifier === '') return body
    this.#takes('?')
    const [min, max] = BOUNDS[quantifier] ?? boundsIn(quantifier)
    return { t: 'repeat', body, min, max }
  }

  #sees(text: string): boolean {
    return this.#source.startsWith(text, this.#at)
  }

  #takes(text: string): boolean {
    if (!this.#sees(text)) return false
    this.#at += text.length
    return true
  }

  #match(what: RegExp): string {
    what.lastIndex = this.#at
    const [found = ''] = what.exec(this.#source) ?? []
    this.#at += found.length
    return found
  }
}

/** What stands for one character: a class, an escape (two, where they are the halves of one character), or itself. */
const ATOM =
  /\[(?:\\[^]|[^\]\\])*\]|\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|\\u[\da-fA-F]{4}|\\u\{[^}]*\}|\\[pP]\{[^}]*\}|\\x[\da-fA-F]{2}|\\c[a-zA-Z]|\\[^]|[^]/uy
const BOUNDS: Readonly<Record<string, readonly [number, number]>> = { '*': [0, Infinity], '+': [1, Infinity], '?': [0, 1] }

function boundsIn(quantifier: string): readonly [number, number] {
  const [min = '', max] = quantifier.slice(1, -1).split(',')
  return [Number(min), max === undefined ? Number(min) : max === '' ? Infinity : Number(max)]
}

/** Writes trees as programs. Repetitions are written out; what stands in one is made once. */
class Writer {
  /** of all programs */
  steps = 0
  readonly #chars = new Map<string, (point: number) => boolean>()
  readonly #ahead = new Map<Node, readonly Step[]>()

  write(tree: Node): readonly Step[] {
    const program: Step[] = []
    this.#add(program, tree)
    this.#put(program, { t: 'match' })
    return program
  }

  #put(program: Step[], step: Step): void {
    if (++this.steps > STEPS) throw new PatternError('it repeats too much')
    program.push(step)
  }

  /** A step that goes on at the places that are put into what is given back. */
  #fork(program: Step[], ...to: number[]): number[] {
    this.#put(program, { t: 'fork', to })
    return to
  }

  #add(program: Step[], node: Node): void {
    switch (node.t) {
      case 'char':
        return this.#put(program, { t: 'char', is: this.#charOf(node.source) })
      case 'start':
      case 'end':
      case 'edge':
      case 'noEdge':
        return this.#put(program, { t: 'holds', at: PLACES[node.t] })
      case 'ahead': {
        const body = this.#ahead.get(node) ?? this.write(node.body)
        this.#ahead.set(node, body)
        return this.#put(program, { t: 'holds', at: (text, i, charge) => walk(body, text, i, true, charge) === node.is })
      }
      case 'row':
        return node.parts.forEach((part) => this.#add(program, part))
      case 'either':
        return this.#addEither(program, node.ways)
      case 'repeat':
        return this.#addRepeat(program, node)
    }
  }

  #addEither(program: Step[], all: readonly Node[]): void {
    const ways = this.#fork(program)
    const ends = all.map((way) => {
      ways.push(program.length)
      this.#add(program, way)
      return this.#fork(program)
    })
    ends.forEach((end) => end.push(program.length))
  }

  #addRepeat(program: Step[], { body, min, max }: Extract<Node, { t: 'repeat' }>): void {
    for (let i = 0; i < min; i++) this.#addOnce(program, body)
    if (max === Infinity) {
      const start = program.length
      const loop = this.#fork(program, start + 1)
      this.#add(program, body)
      this.#fork(program, start)
      loop.push(program.length)
      return
    }
    const exits: number[][] = []
    for (let i = min; i < max; i++) {
      exits.push(this.#fork(program, program.length + 1))
      this.#add(program, body)
    }
    exits.forEach((exit) => exit.push(program.length))
  }

  /** Takes a step, so that what is empty is not written for ever. */
  #addOnce(program: Step[], body: Node): void {
    this.#fork(program, program.length + 1)
    this.#add(program, body)
  }

  #charOf(source: string): (point: number) => boolean {
    const is = this.#chars.get(source) ?? isOne(source)
    this.#chars.set(source, is)
    return is
  }
}

function isOne(source: string): (point: number) => boolean {
  const native = new RegExp(`^(?:${source})$`, 'u')
  const known = new Map<number, boolean>()
  return (point) => {
    const before = known.get(point)
    if (before !== undefined) return before
    const is = native.test(String.fromCodePoint(point))
    if (point < KNOWN_BELOW) known.set(point, is)
    return is
  }
}
const KNOWN_BELOW = 256

const isWord = (text: string, i: number): boolean => /^\w$/.test(text.charAt(i))
const isEdge = (text: string, i: number): boolean => isWord(text, i - 1) !== isWord(text, i)
const PLACES: Readonly<Record<'start' | 'end' | 'edge' | 'noEdge', (text: string, i: number) => boolean>> = {
  start: (_text, i) => i === 0,
  end: (text, i) => i === text.length,
  edge: isEdge,
  noEdge: (text, i) => !isEdge(text, i),
}

/** States that are made ready in the time of a step. */
const MARKED = 256

/** Whether the program matches from `from`, or from anywhere behind it where it is not held there. */
function walk(program: readonly Step[], text: string, from: number, held: boolean, charge: Charge): boolean {
  charge(program.length / MARKED)
  const marks = new Uint32Array(program.length)
  let now: number[] = []
  let turn = 0
  for (let i = from; ;) {
    turn += 1
    const chars: number[] = []
    const open = held && i > from ? now : [...now, 0]
    while (open.length > 0) {
      charge(1)
      const at = open.pop() ?? 0
      if (marks[at] === turn) continue
      marks[at] = turn
      const step = program[at]
      if (step?.t === 'match') return true
      if (step?.t === 'char') chars.push(at)
      else if (step?.t === 'fork') open.push(...step.to)
      else if (step?.at(text, i, charge)) open.push(at + 1)
    }
    if (i >= text.length || (held && chars.length === 0)) return false
    const point = text.codePointAt(i) ?? 0
    charge(chars.length)
    now = chars.filter((at) => (program[at] as Extract<Step, { t: 'char' }>).is(point)).map((at) => at + 1)
    i += point > 0xffff ? 2 : 1
  }
}

/** At most one choice in it; one that repeats without a bound stands behind the start of the text. */
function isSimple(tree: Node): boolean {
  const parts = tree.t === 'row' ? tree.parts : [tree]
  const choices = parts.filter((part) => !['char', 'start', 'end', 'edge', 'noEdge'].includes(part.t) && !isFixed(part))
  const [choice] = choices
  if (choice === undefined) return true
  if (choices.length > 1) return false
  if (choice.t === 'either') return choice.ways.every((way) => (way.t === 'row' ? way.parts : [way]).every((part) => isFixed(part)))
  return choice.t === 'repeat' && choice.body.t === 'char' && parts[0]?.t === 'start'
}

const isFixed = (node: Node): boolean =>
  ['char', 'start', 'end', 'edge', 'noEdge'].includes(node.t) || (node.t === 'repeat' && node.min === node.max && node.body.t === 'char')
