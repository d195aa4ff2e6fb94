/**
 * `tidepool.toml`, published also as `hielements.toml`: `[libraries]` with one tool a library, called after it (ABI `library`). Without a
 * type a library is an external process, unless its path is that of a WebAssembly module.
 */
import type { Capability } from '../capability.ts'
import type { Implementation, PackagedTool, PackageManifest } from '../installed-tool.ts'
import { libraryInputSchema } from '../library-value.ts'
import { LIMITS } from '../limits.ts'
import { below, quoted } from './fault.ts'
import type { Fields } from './fields.ts'
import { isModule } from './module.ts'
import { isBuiltIn } from './manifest-form.ts'
import { packageName, plainTool } from './pocket-form.ts'
import type { Source } from './source.ts'
import { pathFault } from './tree.ts'

const NAME = /^[a-zA-Z][a-zA-Z0-9_]{0,63}$/

export function readLibraries(source: Source, fields: Fields): PackageManifest {
  const libraries = fields.object('libraries')
  if (!libraries) {
    if (fields.value('libraries') === undefined)
      fields.fault('libraries', 'is missing: write [libraries] and name = { type = "wasm", path = "name.wasm" }')
  } else if (libraries.keys().length === 0) fields.fault('libraries', 'names no library')
  const tools = (libraries?.keys() ?? []).flatMap((name) => readLibrary(source, libraries, name) ?? [])
  reportTwice(libraries, tools)
  const name = fields.value('name')
  const version = fields.value('version')
  return {
    name: typeof name === 'string' && /^[a-z][a-z0-9-]{0,63}$/.test(name) ? name : packageName(tools[0]?.tool.name ?? ''),
    version: typeof version === 'string' && /^\d[\w.+-]{0,60}$/.test(version) ? version : '0.0.0',
    description: fields.text('description', { least: 0, most: 500 }) ?? '',
    tools,
  }
}

function readLibrary(source: Source, libraries: Fields | undefined, key: string): PackagedTool | undefined {
  const library = libraries?.object(key)
  if (!library) return undefined
  library.slips(['type', 'path', 'executable', 'args', 'capabilities', 'description', 'name'])
  const name = key.replaceAll('-', '_')
  if (!NAME.test(name)) return library.report(library.at, 'must be called by letters, digits and _, and begin with a letter')
  if (isBuiltIn(name.toLowerCase())) return library.report(library.at, `${quoted(name)} is a tool of this host: choose another name`)
  const implementation = implementationOf(source, library)
  const capabilities = readCapabilities(library, implementation?.type !== 'external')
  const described = library.text('description', { most: 1_000 }) ?? `Functions and checks of the library ${key}.`
  return (
    implementation && {
      tool: plainTool(name, described, libraryInputSchema(), capabilities),
      implementation,
      secrets: [],
      variables: {},
      maxConcurrent: LIMITS.callsConcurrent,
    }
  )
}

function implementationOf(source: Source, library: Fields): Implementation | undefined {
  const path = library.text('path', { most: 4_096 })?.replace(/^(?:\.\/)+/, '')
  const type = library.choice('type', ['wasm', 'external'] as const) ?? (path?.endsWith('.wasm') ? 'wasm' : 'external')
  if (type === 'external') return external(library, path)
  if (path === undefined)
    return library.value('path') === undefined ? library.fault('path', 'is missing: name the module, like "lib/name.wasm"') : undefined
  const fault = pathFault(path)
  if (fault !== undefined) return library.fault('path', `the path ${quoted(path)} ${fault}`)
  if (!source.hasNamed(path, below(library.at, 'path'), library.report)) return undefined
  if (!isModule(source.bytes(path) ?? new Uint8Array(0)))
    return library.fault('path', `${quoted(path)} is no WebAssembly module: it does not begin with \\0asm`)
  return { type: 'wasm', module: path, abi: 'library' }
}

function external(library: Fields, path: string | undefined): Implementation | undefined {
  const executable = library.text('executable', { most: 4_096 }) ?? path
  const args = library.texts('args', 4_096) ?? []
  if (executable === undefined)
    return library.value('executable') === undefined
      ? library.fault('executable', 'is missing: name the program, or give type = "wasm" with a path')
      : undefined
  if ([executable, ...args].some((word) => word.includes('\0'))) return library.fault('args', 'holds a NUL')
  return { type: 'external', command: [executable, ...args] }
}

/** `{ file_read = true, file_write, network }`, or by level: `{ fs = "none" | "read" | "write" }`. `confined`: not a program of this machine,
 *  which has the rights of its user and asks for no file. */
function readCapabilities(library: Fields, confined: boolean): Capability[] {
  const given = library.object('capabilities')
  given?.slips(['file_read', 'file_write', 'network', 'fs', 'workspace', 'workspace_only', 'env'])
  const level = given?.choice('fs', ['none', 'read', 'write'] as const)
  const reads = given?.flag('file_read') ?? (level === undefined ? confined : level !== 'none')
  const writes = given?.flag('file_write') ?? level === 'write'
  if (given?.flag('network')) given.fault('network', 'this host offers no network to libraries: take it out if the library works without')
  return [...(reads ? (['vfs:read'] as const) : []), ...(writes ? (['vfs:write'] as const) : [])]
}

function reportTwice(libraries: Fields | undefined, tools: readonly PackagedTool[]): void {
  const names = tools.map(({ tool }) => tool.name.toLowerCase())
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  if (twice !== undefined) libraries?.report(libraries.at, `two libraries are called ${quoted(twice)}: rename one`)
}
