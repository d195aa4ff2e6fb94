/**
 * A script's text made ready to run as a module. acorn finds the last expression, whose value is the program's, and everything that asks
 * for another module, which there is not. What is put into the text moves nothing but what follows it on its line, and `at` undoes that.
 */
import { type ImportExpression, type Node, parse, type Program } from 'acorn'

/** Lines from 1, columns from 1, as V8 counts them. */
export interface Position {
  readonly line: number
  readonly column: number
  /** another file than the script's */
  readonly file?: string
}

export interface PreparedSource {
  readonly text: string
  /** Where a position of `text` is in the script. */
  at(position: Position): Position
}

/** The script cannot be run as it is written. */
export class ScriptSyntaxError extends Error {
  override readonly name = 'SyntaxError'
  readonly position: Position
  constructor(message: string, position: Position) {
    super(message)
    this.position = position
  }
}

/**
 * `hook` is a name that the script does not hold: the global of it is called at the start, and what it gives is told the script's value at
 * the end. It also has what `import.meta` is.
 */
export function prepareSource(code: string, hook: string): PreparedSource {
  const { program, dynamic, metas } = parseSource(code)
  refuseModules(program, dynamic)
  let text = withMetas(withoutHashBang(code), metas)
  const value = lastExpression(program)
  const open = `;${hook}.value=await(`
  if (value) text = `${text.slice(0, value.start)}${open}${text.slice(value.start, value.end)})${text.slice(value.end)}`
  const from = value?.loc?.start
  return {
    text: `const ${hook}=globalThis.${hook}()${metas.length > 0 ? `,${IMPORT_META}=${hook}.meta` : ''};\n${text}`,
    at: ({ line, column }) => {
      const isMoved = from !== undefined && line - 1 === from.line && column - 1 >= from.column
      // The engine may blame what was put before the expression for what happens in it.
      return { line: line - 1, column: isMoved ? Math.max(from.column + 1, column - open.length) : column }
    },
  }
}

/** As long as before. */
export const withoutHashBang = (code: string): string => (code.startsWith('#!') ? `//${code.slice(2)}` : code)

export function withMetas(text: string, metas: readonly Node[]): string {
  for (const meta of metas) text = text.slice(0, meta.start) + IMPORT_META.padEnd(meta.end - meta.start) + text.slice(meta.end)
  return text
}

/** A name that does not occur in the code. */
export function unusedName(code: string): string {
  let name = '$run'
  for (let i = 0; code.includes(name); i++) name = `$run${i}`
  return name
}

/** What `import.meta` becomes: as long as that is. */
export const IMPORT_META = '$importMeta'

export interface ParsedSource {
  readonly program: Program
  readonly dynamic: readonly ImportExpression[]
  readonly metas: readonly Node[]
}

/** A module, or what Node wraps into a function. Throws ScriptSyntaxError. */
export function parseSource(code: string, sourceType: 'module' | 'commonjs' = 'module'): ParsedSource {
  try {
    const program = parse(code, { ecmaVersion: 'latest', sourceType, locations: true, allowHashBang: true, preserveParens: true })
    const dynamic: ImportExpression[] = []
    const metas: Node[] = []
    if (code.includes('import')) {
      for (const node of nodesOf(program)) {
        if (node.type === 'ImportExpression') dynamic.push(node as ImportExpression)
        if (node.type === 'MetaProperty' && code.startsWith('import', node.start)) metas.push(node)
      }
    }
    return { program, dynamic, metas: metas.filter((meta) => !code.slice(meta.start, meta.end).includes('\n')) }
  } catch (error) {
    throw syntaxErrorOf(error, code)
  }
}

function syntaxErrorOf(error: unknown, code: string): unknown {
  if (!(error instanceof SyntaxError) || !('loc' in error)) {
    return error instanceof RangeError ? new ScriptSyntaxError('it is nested too deeply', { line: 1, column: 1 }) : error
  }
  const { loc, pos } = error as unknown as { readonly loc: { readonly line: number; readonly column: number }; readonly pos: number }
  const message = error.message.replace(/ \(\d+:\d+\)$/, '')
  const words = message === 'Unexpected token' ? unexpected(code.slice(pos, pos + 40)) : message
  return new ScriptSyntaxError(words, { line: loc.line, column: loc.column + 1 })
}

const RESERVED = new Set(
  `await break case catch class const continue debugger default delete do else enum export extends false finally for function if import in
  instanceof let new null return static super switch this throw true try typeof var void while with yield`.split(/\s+/),
)

/** As V8 words it: `rest` begins with what should not be there. */
function unexpected(rest: string): string {
  const [found] = /^(?:[\w$]+|\S)/.exec(rest) ?? []
  if (found === undefined) return 'Unexpected end of input'
  if (/^\d/.test(found)) return 'Unexpected number'
  if (/^['"]/.test(found)) return 'Unexpected string'
  return /^[a-z_$]/i.test(found) && !RESERVED.has(found) ? `Unexpected identifier '${found}'` : `Unexpected token '${found}'`
}

/** All nodes of a tree, without recursion. */
export function* nodesOf(root: Node): Generator<Node> {
  const open: unknown[] = [root]
  while (open.length > 0) {
    const next = open.pop()
    if (Array.isArray(next)) for (const item of next as unknown[]) open.push(item)
    else if (isNode(next)) {
      yield next
      for (const key of Object.keys(next)) if (key !== 'loc') open.push((next as unknown as Record<string, unknown>)[key])
    }
  }
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && 'type' in value && 'start' in value

function refuseModules(program: Program, dynamic: readonly ImportExpression[]): void {
  for (const node of program.body) {
    const isImport = node.type === 'ImportDeclaration'
    const isExport = node.type === 'ExportAllDeclaration' || (node.type === 'ExportNamedDeclaration' && node.source)
    if (isImport || isExport) throw refusal(node, (node.source as { value?: unknown } | null)?.value)
  }
  const [first] = dynamic
  if (first) throw refusal(first, (first.source as { value?: unknown }).value)
}

function refusal(node: Node, name: unknown): ScriptSyntaxError {
  const { line, column } = node.loc!.start
  const what = typeof name === 'string' ? `"${name}"` : 'a module'
  const about = /^(node:)?(fs|path|process|os|util|crypto|buffer|child_process)\b/.test(String(name))
  const globals = about ? '; what there is are globals: fs (async), args, stdin, console, crypto' : ''
  const bundle = /^\.{0,2}\//.test(String(name)) ? '; put it all into one file, as a bundler does' : ''
  return new ScriptSyntaxError(`Cannot import ${what}: a script has no other modules${globals}${bundle}`, { line, column: column + 1 })
}

/** The last statement that does something, where it is an expression. */
function lastExpression(program: Program): Node | undefined {
  const doing = program.body.findLast((node) => !['EmptyStatement', 'FunctionDeclaration'].includes(node.type))
  return doing?.type === 'ExpressionStatement' ? doing.expression : undefined
}
