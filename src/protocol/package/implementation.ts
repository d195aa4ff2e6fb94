/**
 * `implementation` of a tool in a BTCP manifest (docs/protocol.md section 3): what runs when the tool is called. Without one, the file that
 * is named after the tool, or the only module of the package.
 */
import type { Implementation, WasmAbi } from '../installed-tool.ts'
import { parseWheelName } from '../wheel.ts'
import { quoted } from './fault.ts'
import type { Fields } from './fields.ts'
import { abiOf, isModule } from './module.ts'
import type { Source } from './source.ts'
import { pathFault } from './tree.ts'

const PAGES = 65_536
const ABIS = ['btcp', 'stdio', 'library'] as const
const TYPES = ['wasm', 'python', 'js', 'external'] as const
const KEYS = ['type', 'module', 'abi', 'sha256', 'entry', 'wheel', 'form', 'call', 'command', 'wasmOptions', 'strict']

/** What a manifest and a tool say about memory, time and refusals; the inner one wins. */
export interface WasmOptions {
  readonly memoryInitial?: number
  readonly memoryMaximum?: number
  readonly timeout?: number
  readonly strict?: boolean
}

export function readWasmOptions(fields: Fields | undefined, outer: WasmOptions, least: number, most: number): WasmOptions {
  const strict = fields?.flag('strict')
  const options = fields?.object('wasmOptions')
  options?.slips(['memoryInitial', 'memoryMaximum', 'timeout'])
  const memoryInitial = options?.whole('memoryInitial', 0, PAGES)
  const memoryMaximum = options?.whole('memoryMaximum', 1, PAGES)
  const timeout = options?.whole('timeout', least, most)
  if (memoryInitial !== undefined && memoryMaximum !== undefined && memoryInitial > memoryMaximum)
    options?.fault('memoryInitial', 'must not be more than memoryMaximum')
  return {
    ...outer,
    ...(strict === undefined ? {} : { strict }),
    ...(memoryInitial === undefined ? {} : { memoryInitial }),
    ...(memoryMaximum === undefined ? {} : { memoryMaximum }),
    ...(timeout === undefined ? {} : { timeout }),
  }
}

export function readImplementation(source: Source, fields: Fields, options: WasmOptions): Implementation | undefined {
  fields.slips(KEYS)
  if (fields.value('type') === undefined) return fields.fault('type', `is missing: give one of ${TYPES.join(', ')}`)
  switch (fields.choice('type', TYPES)) {
    case 'wasm':
      return wasm(source, fields, options)
    case 'python':
      return python(source, fields)
    case 'js':
      return js(source, fields)
    case 'external':
      return external(fields)
    case undefined:
      return undefined
  }
}

/** A path of the package's that the field names; `./` before it is left out. */
function fileOf(source: Source, fields: Fields, key: string): string | undefined {
  const path = fields.text(key, { required: true, most: 4_096 })?.replace(/^(?:\.\/)+/, '')
  if (path === undefined) return undefined
  const fault = pathFault(path)
  if (fault !== undefined) return fields.fault(key, `the path ${quoted(path)} ${fault}`)
  return source.hasNamed(path, `${fields.at}/${key}`, fields.report) ? path : undefined
}

function wasm(source: Source, fields: Fields, options: WasmOptions): Implementation | undefined {
  const module = fileOf(source, fields, 'module')
  const abi = fields.choice('abi', ABIS)
  const sha256 = fields.text('sha256', { pattern: /^[0-9a-fA-F]{64}$/, form: 'a SHA-256 of 64 hexadecimal digits' })
  if (module === undefined || (sha256 === undefined && fields.value('sha256') !== undefined)) return undefined
  const bytes = source.bytes(module) ?? new Uint8Array(0)
  if (!isModule(bytes)) return fields.fault('module', `${quoted(module)} is no WebAssembly module: it does not begin with \\0asm`)
  return moduleImplementation(module, abi ?? abiOf(bytes) ?? 'btcp', options)
}

export function moduleImplementation(module: string, abi: WasmAbi, { memoryInitial, memoryMaximum, strict }: WasmOptions): Implementation {
  return {
    type: 'wasm',
    module,
    abi,
    ...(memoryInitial === undefined ? {} : { memoryInitial }),
    ...(memoryMaximum === undefined ? {} : { memoryMaximum }),
    ...(strict === undefined ? {} : { strict }),
  }
}

function python(source: Source, fields: Fields): Implementation | undefined {
  checkStdio(fields)
  if (fields.value('entry') !== undefined && fields.value('wheel') !== undefined)
    return fields.fault('wheel', 'stands beside entry: give one of them')
  if (fields.value('wheel') !== undefined) return wheel(source, fields)
  if (fields.value('entry') === undefined) return fields.fault('entry', 'is missing: name the program, like "main.py", or give wheel')
  const file = fileOf(source, fields, 'entry')
  if (file === undefined) return undefined
  if (!file.endsWith('.py')) return fields.fault('entry', `must be a Python program (.py), not ${quoted(file)}`)
  return { type: 'python', start: { run: 'file', file }, path: [] }
}

function wheel(source: Source, fields: Fields): Implementation | undefined {
  const file = fileOf(source, fields, 'wheel')
  if (file === undefined) return undefined
  const name = parseWheelName(file.slice(file.lastIndexOf('/') + 1))
  if (!name.ok) return fields.fault('wheel', `cannot be used: ${name.reason}`)
  const module = fields.text('module', { pattern: /^[A-Za-z_][\w.]*$/, form: 'the name of a Python module' }) ?? moduleName(name.value.name)
  const call = fields.text('call', { pattern: /^[A-Za-z_]\w*$/, form: 'the name of a function' }) ?? 'main'
  return { type: 'python', start: { run: 'module', module, call }, path: [file] }
}

/** The module of a distribution that is named after it. */
export const moduleName = (distribution: string): string => distribution.replaceAll(/[-.]/g, '_').toLowerCase()

function js(source: Source, fields: Fields): Implementation | undefined {
  const stdio = checkStdio(fields)
  const form = fields.choice('form', ['function', 'stdio'] as const) ?? (stdio ? 'stdio' : 'function')
  const module = fileOf(source, fields, 'module')
  if (module === undefined) return undefined
  if (!/\.[cm]?js$/.test(module)) return fields.fault('module', `must be JavaScript (.js), not ${quoted(module)}`)
  return { type: 'js', module, form }
}

/** Python and JavaScript have one ABI. */
function checkStdio(fields: Fields): boolean {
  const abi = fields.value('abi')
  if (abi !== undefined && abi !== 'stdio') fields.fault('abi', 'must be "stdio" here: the others are for wasm')
  return abi === 'stdio'
}

function external(fields: Fields): Implementation | undefined {
  const command = fields.texts('command', 4_096)
  if (command === undefined || command.length === 0 || command[0] === '')
    return fields.fault('command', 'must be a list that begins with a program, like ["python3", "server.py"]')
  if (command.some((word) => word.includes('\0'))) return fields.fault('command', 'holds a NUL')
  return { type: 'external', command }
}

/** What runs for a tool that does not say it. `alone`: it is the only tool of its manifest. */
export function impliedImplementation(source: Source, tool: string, alone: boolean, options: WasmOptions): Implementation | undefined {
  const named = (extension: string): string | undefined =>
    [`${tool}.${extension}`, `tools/${tool}.${extension}`].find((path) => source.has(path))
  const modules = source.paths.filter((path) => path.endsWith('.wasm') && isModule(source.bytes(path) ?? new Uint8Array(0)))
  const module = named('wasm') ?? (alone && modules.length === 1 ? modules[0] : undefined)
  if (module !== undefined) return moduleImplementation(module, abiOf(source.bytes(module) ?? new Uint8Array(0)) ?? 'btcp', options)
  const script = named('js')
  if (script !== undefined) return { type: 'js', module: script, form: 'function' }
  const program = named('py')
  return program === undefined ? undefined : { type: 'python', start: { run: 'file', file: program }, path: [] }
}
