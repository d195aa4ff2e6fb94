/**
 * The files that a program for Node is made of: its own, and those beside it that they name by `require('./x')`, `import` and `export … from`.
 * All are read before the program begins, since Node's `require` is synchronous; one that is not found is an error where it is asked for.
 */
import type { Node } from 'acorn'
import { nodesOf, type ParsedSource, parseSource, ScriptSyntaxError } from '../source.ts'
import { normalize } from './node-path.ts'

export interface CodeFile {
  /** absolute */
  readonly path: string
  readonly code: string
  readonly source: ParsedSource
  /** a module of ECMAScript; else CommonJS */
  readonly isModule: boolean
}
export interface DataFile {
  readonly path: string
  readonly json: string
}

export interface NodeGraph {
  readonly first: CodeFile
  readonly others: readonly (CodeFile | DataFile)[]
  /** paths as they are asked for → the files that they mean */
  readonly meant: ReadonlyMap<string, string>
}

const ENDINGS = ['', '.js', '.cjs', '.mjs', '.json', '/index.js']

/** `read` gives undefined where there is no such file. Throws ScriptSyntaxError, and RangeError where all of it is longer than `most`. */
export async function gatherFiles(
  path: string,
  code: string,
  read: (path: string) => Promise<string | undefined>,
  most: number,
): Promise<NodeGraph> {
  const first = codeFile(path, code)
  const others = new Map<string, CodeFile | DataFile>()
  const meant = new Map<string, string>()
  let length = code.length
  const find = async (wanted: string): Promise<CodeFile | undefined> => {
    for (const ending of ENDINGS) {
      const candidate = wanted + ending
      const known = candidate === path || others.has(candidate)
      const text = known ? '' : await read(candidate)
      if (text === undefined) continue
      meant.set(wanted, candidate)
      if (known) return undefined
      length += text.length
      if (length > most) throw new RangeError('Cannot run: the files of the program are longer than the limit jsModuleBytes')
      const file = candidate.endsWith('.json') ? { path: candidate, json: text } : inFile(candidate, () => codeFile(candidate, text))
      others.set(candidate, file)
      return 'code' in file ? file : undefined
    }
    return undefined
  }
  for (const open = [first]; open.length > 0;) {
    const file = open.pop()!
    for (const name of namesIn(file)) {
      const wanted = besides(file.path, name)
      const found = meant.has(wanted) ? undefined : await find(wanted)
      if (found) open.push(found)
    }
  }
  return { first, others: [...others.values()], meant }
}

/** What `name` says in the file at `path`. */
export const besides = (path: string, name: string): string =>
  normalize(name.startsWith('/') ? name : `${path.slice(0, path.lastIndexOf('/'))}/${name}`).replace(/(?<=.)\/$/, '')

export const isPath = (name: string): boolean => /^(?:\.{0,2}\/|\.{1,2}$)/.test(name)

/** As Node finds it out: what CommonJS cannot be is a module. */
function codeFile(path: string, code: string): CodeFile {
  try {
    return { path, code, source: parseSource(code, 'commonjs'), isModule: false }
  } catch (asCommonJs) {
    try {
      return { path, code, source: parseSource(code), isModule: true }
    } catch (asModule) {
      throw asModule instanceof ScriptSyntaxError && /^\s*(?:import|export)\b/m.test(code) ? asModule : asCommonJs
    }
  }
}

function inFile<T>(path: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw error instanceof ScriptSyntaxError ? new ScriptSyntaxError(error.message, { ...error.position, file: path }) : error
  }
}

/** The paths that a file names. */
function namesIn({ code, source: { program, dynamic }, isModule }: CodeFile): readonly string[] {
  const named = [...program.body, ...dynamic].map((node) => ('source' in node ? textOf(node.source) : undefined))
  // A bundle has no such call, and its tree is large.
  const calls = !isModule && /\brequire\(\s*['"`]\.{0,2}\//.test(code) ? [...nodesOf(program)].map(requiredBy) : []
  return [...named, ...calls].filter((name): name is string => name !== undefined && isPath(name))
}

function requiredBy(node: Node): string | undefined {
  if (node.type !== 'CallExpression') return undefined
  const { callee, arguments: args } = node as Node & { callee: { name?: unknown }; arguments: readonly unknown[] }
  return callee.name === 'require' ? textOf(args[0]) : undefined
}

function textOf(literal: unknown): string | undefined {
  const value = (literal as { value?: unknown } | null | undefined)?.value
  return typeof value === 'string' ? value : undefined
}
