/**
 * The text of a program for Node made ready to run as the one module that there is. What Node would wrap into a function (CommonJS) is
 * wrapped into one; in a module the imports become constants of the first line, which is ours, and blanks where they stood. So nothing
 * moves, and positions need no account but for that line.
 */
import type { ImportDeclaration, ImportSpecifier, Node } from 'acorn'
import {
  IMPORT_META,
  parseSource,
  type ParsedSource,
  type PreparedSource,
  refusal,
  ScriptSyntaxError,
  withMetas,
  withoutHashBang,
} from '../source.ts'

/** What the prepared text uses of its hook. */
export interface NodeHook {
  readonly require: (name: unknown) => unknown
  readonly module: { exports: unknown }
  readonly filename: string
  readonly dirname: string
  /** `import()` */
  readonly load: (name: unknown) => Promise<unknown>
  /** What is imported by name; `*` is all of it. */
  readonly named: (module: string, name: string) => unknown
}

/** What `import` of `import()` becomes: as long as that is. */
const LOAD = '$imprt'

export function prepareNode(code: string, hook: string): PreparedSource {
  const { source, isModule } = parsedAsNode(code)
  let text = withMetas(withoutHashBang(code), source.metas)
  for (const { start } of source.dynamic) text = text.slice(0, start) + LOAD + text.slice(start + LOAD.length)
  const first = `const ${hook}=globalThis.${hook}(),${LOAD}=${hook}.load`
  const at: PreparedSource['at'] = ({ line, column }) => ({ line: line - 1, column })
  if (!isModule) {
    const names = 'exports,require,module,__filename,__dirname'
    const given = `${hook}.module.exports,${hook}.module.exports,${hook}.require,${hook}.module,${hook}.filename,${hook}.dirname`
    return { text: `${first};(function(${names}){\n${text}\n}).call(${given});`, at }
  }
  const constants: string[] = []
  for (const node of source.program.body) {
    if (node.type === 'ExportAllDeclaration' || (node.type === 'ExportNamedDeclaration' && node.source))
      throw refusal(node, node.source?.value)
    if (node.type !== 'ImportDeclaration') continue
    constants.push(...constantsOf(node, hook))
    text = `${text.slice(0, node.start)};${text.slice(node.start + 1, node.end).replace(/[^\n\r]/g, ' ')}${text.slice(node.end)}`
  }
  return { text: `${[first, `${IMPORT_META}=${hook}.meta`, ...constants].join(',')};\n${text}`, at }
}

/** As Node finds it out: what CommonJS cannot be is a module. */
function parsedAsNode(code: string): { readonly source: ParsedSource; readonly isModule: boolean } {
  try {
    return { source: parseSource(code, 'commonjs'), isModule: false }
  } catch (asCommonJs) {
    try {
      return { source: parseSource(code), isModule: true }
    } catch (asModule) {
      throw asModule instanceof ScriptSyntaxError && /^\s*(?:import|export)\b/m.test(code) ? asModule : asCommonJs
    }
  }
}

function constantsOf(node: ImportDeclaration, hook: string): string[] {
  const module = JSON.stringify(node.source.value)
  const given = (name: string): string => `${hook}.named(${module},${JSON.stringify(name)})`
  if (node.specifiers.length === 0) return [`[]=[${given('*')}]`]
  return node.specifiers.map((specifier) => {
    const imported =
      specifier.type === 'ImportSpecifier' ? nameOf(specifier) : specifier.type === 'ImportDefaultSpecifier' ? 'default' : '*'
    return `${specifier.local.name}=${given(imported)}`
  })
}

const nameOf = ({ imported }: ImportSpecifier): string =>
  'name' in imported ? imported.name : String((imported as Node & { value: unknown }).value)
