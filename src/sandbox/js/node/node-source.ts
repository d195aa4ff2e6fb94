/**
 * The text of a program for Node made ready to run as the one module that there is: the first file where it stands, below it the others, each
 * as a function. What Node would wrap into a function (CommonJS) is wrapped into one; in a module, imports become constants of the line above
 * it, which is ours, and blanks where they stood, and exports become getters. So nothing moves within a line.
 */
import type { ExportDefaultDeclaration, ExportNamedDeclaration, ImportDeclaration, Node } from 'acorn'
import { IMPORT_META, nodesOf, type PreparedSource, withMetas, withoutHashBang } from '../source.ts'
import type { CodeFile, NodeGraph } from './node-graph.ts'

/** What the prepared text uses of its hook. */
export interface NodeHook {
  /** Hears of the other files, in their order; gives what the first one finds. */
  readonly begin: (others: readonly (FileCode | string)[]) => Found
}
/** The text of a file as a function; for data, the text of its JSON. */
export type FileCode = (...found: unknown[]) => void

/** What the text of a file finds, by the names that it has there. */
export interface Found {
  readonly exports: unknown
  readonly require: (name: unknown) => unknown
  readonly module: { exports: unknown }
  readonly __filename: string
  readonly __dirname: string
  /** `import()` */
  readonly $imprt: (name: unknown) => Promise<unknown>
  /** what is imported by name; `*` is all of it */
  readonly $named: (module: string, name: string) => unknown
  readonly $export: (getters: Readonly<Record<string, () => unknown>>) => void
  /** `export * from` */
  readonly $all: (module: string) => void
  readonly $importMeta: object
}
const COMMON_JS = ['exports', 'require', 'module', '__filename', '__dirname']
export const MODULE = ['$imprt', '$named', '$export', '$all', IMPORT_META]
export const NAMES: readonly string[] = [...COMMON_JS, ...MODULE]

/** What `import` of `import()` becomes, and `export default`: as long as those are. */
const LOAD = '$imprt'
const DEFAULT = 'const $deflt ='

export function prepareNode({ first, others }: NodeGraph, hook: string): PreparedSource {
  const functions = others.map((file, i) => ('json' in file ? JSON.stringify(file.json) : `${hook}_${i}`))
  const ours = `const ${hook}=globalThis.${hook}().begin([${functions.join(',')}]);const {${MODULE.join(',')}}=${hook};`
  const { text, above } = rewritten(first)
  const head = first.isModule ? `${ours}${above}` : `${ours}(function(${COMMON_JS.join(',')}){`
  const foot = first.isModule ? '' : `\n}).call(${[`${hook}.exports`, ...COMMON_JS.map((name) => `${hook}.${name}`)].join(',')});`
  let whole = `${head}\n${text}${foot}`
  /** where each other file begins and ends */
  const places: { readonly file: CodeFile; readonly from: number; readonly to: number }[] = []
  for (const [i, file] of others.entries()) {
    if ('json' in file) continue
    const other = rewritten(file)
    const from = linesOf(whole) + 1
    whole += `\nfunction ${functions[i]}(${NAMES.join(',')}){${other.above}\n${other.text}\n}`
    places.push({ file, from, to: from + linesOf(other.text) })
  }
  const own = linesOf(text)
  return {
    text: whole,
    at: ({ line, column }) => {
      const place = places.find(({ from, to }) => line > from && line <= to)
      if (place) return { line: line - place.from, column, file: place.file.path }
      return { line: line - 1 > own ? 0 : line - 1, column }
    },
  }
}

const linesOf = (text: string): number => text.split('\n').length

interface Rewritten {
  readonly text: string
  /** goes to the line before */
  readonly above: string
}

function rewritten({ code, source, isModule }: CodeFile): Rewritten {
  let text = withMetas(withoutHashBang(code), source.metas)
  const put = (start: number, end: number, words: string): void => {
    text = text.slice(0, start) + words + text.slice(start + words.length, end).replace(/[^\n\r]/g, ' ') + text.slice(end)
  }
  for (const { start } of source.dynamic) put(start, start + LOAD.length, LOAD)
  if (!isModule) return { text, above: '' }
  const constants: string[] = []
  const getters: string[] = []
  const stars: string[] = []
  for (const node of source.program.body) {
    switch (node.type) {
      case 'ImportDeclaration':
        constants.push(...constantsOf(node))
        put(node.start, node.end, ';')
        break
      case 'ExportAllDeclaration':
        if (node.exported) getters.push(getter(nameOf(node.exported), given(node.source.value, '*')))
        else stars.push(`$all(${JSON.stringify(node.source.value)});`)
        put(node.start, node.end, ';')
        break
      case 'ExportNamedDeclaration':
        getters.push(...gettersOf(node))
        put(node.start, node.declaration ? node.declaration.start : node.end, ';')
        break
      case 'ExportDefaultDeclaration': {
        const own = ownName(node)
        getters.push(getter('default', own ?? '$deflt'))
        put(node.start, node.declaration.start, own === undefined ? DEFAULT : ';')
        break
      }
      default:
    }
  }
  const list = constants.length > 0 ? `const ${constants.join(',')};` : ''
  return { text, above: `$export({${getters.join(',')}});${stars.join('')}${list}` }
}

const given = (module: unknown, name: string): string => `$named(${JSON.stringify(module)},${JSON.stringify(name)})`
const getter = (name: string, value: string): string => `[${JSON.stringify(name)}]:()=>${value}`

function constantsOf({ source, specifiers }: ImportDeclaration): string[] {
  if (specifiers.length === 0) return [`[]=[${given(source.value, '*')}]`]
  return specifiers.map((specifier) => {
    const { type, local } = specifier
    const imported = type === 'ImportSpecifier' ? nameOf(specifier.imported) : type === 'ImportDefaultSpecifier' ? 'default' : '*'
    return `${local.name}=${given(source.value, imported)}`
  })
}

function gettersOf({ declaration, specifiers, source }: ExportNamedDeclaration): string[] {
  if (declaration) return declaredBy(declaration).map((name) => getter(name, name))
  return specifiers.map(({ local, exported }) => getter(nameOf(exported), source ? given(source.value, nameOf(local)) : nameOf(local)))
}

/** The names that a declaration makes. */
function declaredBy(declaration: Node): string[] {
  const { id, declarations } = declaration as Node & { id?: Named; declarations?: readonly { readonly id: Node }[] }
  if (id) return [id.name]
  return (declarations ?? []).flatMap((one) => [...nodesOf(one.id)].flatMap((node) => (node.type === 'Identifier' ? [nameOf(node)] : [])))
}

/** The name of a function or class that is the default. */
function ownName({ declaration }: ExportDefaultDeclaration): string | undefined {
  const isNamed = declaration.type === 'FunctionDeclaration' || declaration.type === 'ClassDeclaration'
  return isNamed ? (declaration as { id?: Named | null }).id?.name : undefined
}

interface Named {
  readonly name: string
}
/** Of an identifier, or of a text that stands for one. */
const nameOf = (node: Node): string => ('name' in node ? (node as Node & Named).name : String((node as Node & { value?: unknown }).value))
