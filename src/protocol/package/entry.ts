/**
 * What a published tool folder runs. Its `entrypoint.run` is a command for a machine of its own; here nothing of it is run: its words say
 * which file of the package is the program, and without them the folder's layout does.
 */
import type { Implementation, PythonStart } from '../installed-tool.ts'
import { isRecord, own } from '../parse.ts'
import { parseWheelName } from '../wheel.ts'
import { quoted, type Report } from './fault.ts'
import type { Fields } from './fields.ts'
import { moduleName } from './implementation.ts'
import type { Source } from './source.ts'

export type Language = 'python' | 'node'

/** `package.json` may say that `npm start` is another command: so many times. */
const HOPS = 3
const WRAPPERS = new Set(['uv', 'run', 'poetry', 'exec', 'env', 'npx', 'pdm', 'pipenv'])

/** The command that stands behind `npm start` and `npm run NAME`. */
function behindNpm(source: Source, command: string, hops = HOPS): string {
  const script = /^(?:npm|yarn|pnpm)(?: run)? ([\w:-]+)$/.exec(command.trim())?.[1]
  const path = 'package.json'
  if (script === undefined || hops === 0 || !source.has(path)) return command
  const scripts = source.fields(path)?.value('scripts')
  const behind = isRecord(scripts) ? own(scripts, script) : undefined
  return typeof behind === 'string' ? behindNpm(source, behind, hops - 1) : command
}

/** `at`: where the command stands. */
export function entryOfCommand(source: Source, command: string, at: string, report: Report): Implementation | undefined {
  const words = behindNpm(source, command).trim().split(/\s+/)
  while (words.length > 1 && (WRAPPERS.has(words[0] ?? '') || /^\w+=/.test(words[0] ?? ''))) words.shift()
  const [program = '', ...rest] = words
  const base = program.slice(program.lastIndexOf('/') + 1)
  if (/^python[\d.]*$/.test(base)) return pythonCommand(source, rest, at, report)
  if (base === 'node' || base === 'nodejs') return nodeCommand(source, rest, at, report)
  // The program's file alone, as a machine would run it by its first line.
  if (base.endsWith('.py')) return pythonCommand(source, words, at, report)
  if (/\.[cm]?js$/.test(base)) return nodeCommand(source, words, at, report)
  const script = consoleScript(source, program)
  if (script) return script
  if (program === '') report(at, 'must name what runs, like "python main.py"')
  else
    report(
      at,
      `cannot run ${quoted(program)}: a native program cannot run here; what runs is "python FILE", "python -m MODULE" and "node FILE", or a WebAssembly module`,
    )
  return undefined
}

function pythonCommand(source: Source, words: readonly string[], at: string, report: Report): Implementation | undefined {
  const args = words.filter((word) => !/^-[uBsIEOq]+$/.test(word))
  if (args[0] === '-m') {
    const module = args[1] ?? ''
    if (!/^[A-Za-z_][\w.]*$/.test(module)) return report(at, `${quoted(module)} is no name of a Python module`)
    return pythonModule(source, { run: 'module', module }, at, report)
  }
  const named = (args[0] ?? '').replace(/^(?:\.\/)+/, '')
  if (!named.endsWith('.py')) return report(at, 'must name a program (.py) or a module (-m MODULE)')
  const file = source.has(named) ? named : (onlyOneCalled(source, named) ?? named)
  return source.hasNamed(file, at, report) ? { type: 'python', start: { run: 'file', file }, path: wheelsOf(source) } : undefined
}

/** The one file of that name that lies deeper: some published commands name the program of their package's directory so. */
function onlyOneCalled(source: Source, name: string): string | undefined {
  const [file, ...others] = source.paths.filter((path) => path.endsWith(`/${name}`))
  return others.length === 0 ? file : undefined
}

/** Its source, where the package holds that; else a wheel of it. */
function pythonModule(source: Source, start: PythonStart & { run: 'module' }, at: string, report: Report): Implementation | undefined {
  const inside = start.module.replaceAll('.', '/')
  const root = ['', 'src/'].find((prefix) => source.has(`${prefix}${inside}/__main__.py`) || source.has(`${prefix}${inside}.py`))
  const wheels = wheelsOf(source)
  if (root === undefined && wheels.length === 0) {
    report(
      at,
      `there is no module ${quoted(start.module)} in the package: add ${quoted(`${inside}/__main__.py`)}, or its wheel under dist/ (py3-none-any)`,
    )
    return undefined
  }
  return { type: 'python', start, path: [...(root === undefined ? [] : [root === '' ? '.' : 'src']), ...wheels] }
}

/** A script of `pyproject.toml`, which installing the package would make: the call of a function of its source. */
function consoleScript(source: Source, name: string): Implementation | undefined {
  const target = projectOf(source)?.object('scripts')?.value(name)
  const [, module = '', call] = (typeof target === 'string' && /^([A-Za-z_][\w.]*) *: *([A-Za-z_]\w*)$/.exec(target.trim())) || []
  const inside = module.replaceAll('.', '/')
  const root = ['', 'src/'].find((prefix) => source.has(`${prefix}${inside}.py`) || source.has(`${prefix}${inside}/__init__.py`))
  if (call === undefined || root === undefined) return undefined
  return { type: 'python', start: { run: 'module', module, call }, path: [root === '' ? '.' : 'src', ...wheelsOf(source)] }
}

const PROJECT = 'pyproject.toml'
const projectOf = (source: Source): Fields | undefined => (source.has(PROJECT) ? source.fields(PROJECT)?.object('project') : undefined)

/** The wheels under `dist/` that run here. */
const wheelsOf = (source: Source): string[] =>
  source.paths.filter((path) => path.startsWith('dist/') && parseWheelName(path.slice('dist/'.length)).ok).toSorted()

const BUNDLE = 'dist/index.js'

function nodeCommand(source: Source, words: readonly string[], at: string, report: Report): Implementation | undefined {
  if (source.has(BUNDLE)) return { type: 'js', module: BUNDLE, form: 'stdio' }
  const named = (words.find((word) => !word.startsWith('-')) ?? '').replace(/^(?:\.\/)+/, '')
  const module = [named, `${named}.js`, `${named}/index.js`].find((path) => path !== '' && source.has(path)) ?? named
  if (named === '') return report(at, 'must name a script, like "node main.js"')
  return source.hasNamed(module, at, report) ? { type: 'js', module, form: 'stdio' } : undefined
}

/** What a folder's layout says, for one without a command. */
export function entryOfLayout(source: Source, tool: string, language: Language | undefined, report: Report): Implementation | undefined {
  if (language !== 'python' && source.has(BUNDLE)) return { type: 'js', module: BUNDLE, form: 'stdio' }
  if (language === 'node') {
    const main = source.has('package.json') ? source.fields('package.json')?.value('main') : undefined
    const module = [typeof main === 'string' ? main.replace(/^\.\//, '') : '', 'index.js', 'main.js'].find((path) => source.has(path))
    if (module !== undefined) return { type: 'js', module, form: 'stdio' }
    return report('', `there is no program: add ${BUNDLE}, the tool and all that it imports in one file`)
  }
  return pythonLayout(source, tool) ?? report('', 'there is no program: add a wheel under dist/ (py3-none-any), or main.py')
}

function pythonLayout(source: Source, tool: string): Implementation | undefined {
  const project = projectOf(source)?.value('name')
  const module = moduleName(typeof project === 'string' && /^[A-Za-z][\w.-]*$/.test(project) ? project : tool)
  const wheels = wheelsOf(source)
  const own =
    wheels.find((path) => moduleName(path.slice('dist/'.length).split('-')[0] ?? '') === module) ??
    (wheels.length === 1 ? wheels[0] : undefined)
  if (own !== undefined) {
    const inWheel = moduleName(own.slice('dist/'.length).split('-')[0] ?? '')
    return {
      type: 'python',
      start: { run: 'module', module: inWheel, call: 'main' },
      path: [own, ...wheels.filter((path) => path !== own)],
    }
  }
  if (source.has('main.py')) return { type: 'python', start: { run: 'file', file: 'main.py' }, path: wheels }
  const root = ['', 'src/'].find((prefix) => source.has(`${prefix}${module}/__main__.py`))
  if (root !== undefined) return { type: 'python', start: { run: 'module', module }, path: [root === '' ? '.' : 'src', ...wheels] }
  return onlyScript(source) ?? onlyProgram(source, wheels)
}

/** The one script of the project. */
function onlyScript(source: Source): Implementation | undefined {
  const [name, ...others] = projectOf(source)?.object('scripts')?.keys() ?? []
  return name === undefined || others.length > 0 ? undefined : consoleScript(source, name)
}

/** The one directory that is a program, whatever it is called: a name with hyphens is no module's. */
function onlyProgram(source: Source, wheels: readonly string[]): Implementation | undefined {
  const [file, ...others] = source.paths.filter((path) => /^(?:src\/)?[^/]+\/__main__\.py$/.test(path))
  if (file === undefined || others.length > 0) return undefined
  const root = file.startsWith('src/') ? 'src' : '.'
  const module = file.slice(root === 'src' ? 'src/'.length : 0, file.lastIndexOf('/'))
  const start: PythonStart = /^[A-Za-z_]\w*$/.test(module) ? { run: 'module', module } : { run: 'file', file }
  return { type: 'python', start, path: [root, ...wheels] }
}
