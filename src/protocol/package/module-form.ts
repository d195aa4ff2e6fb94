/** A WebAssembly module and nothing else: a tool that is called after its file, takes whatever it is given and needs what its
 *  imports need. */
import type { PackageManifest } from '../installed-tool.ts'
import { libraryInputSchema } from '../library-value.ts'
import { LIMITS } from '../limits.ts'
import { moduleImplementation } from './implementation.ts'
import { isBuiltIn } from './manifest-form.ts'
import { abiOf, isModule, neededCapabilities } from './module.ts'
import { packageName, plainTool } from './pocket-form.ts'
import type { Source } from './source.ts'

/** Where nothing lies but one module and papers, its path. */
export function loneModule(source: Source): string | undefined {
  const rest = source.paths.filter((path) => !/^(?:readme|licen[cs]e|copying|notice|changelog)(?:\.\w+)?$/i.test(path))
  return rest.length === 1 && rest[0]?.endsWith('.wasm') ? rest[0] : undefined
}

export function readModule(source: Source, path: string): PackageManifest {
  const report = source.faults.of(path)
  const bytes = source.bytes(path) ?? new Uint8Array(0)
  const abi = abiOf(bytes)
  const stem = path.slice(path.lastIndexOf('/') + 1, -'.wasm'.length)
  const name = stem.replaceAll(/\W/g, '_').slice(0, 64)
  if (!isModule(bytes)) report('', 'is no WebAssembly module: it does not begin with \\0asm')
  else if (abi === undefined)
    report('', 'exports none of execute (ABI btcp), library_call (ABI library) and _start (a WASI command): docs/protocol.md section 5')
  if (!/^[a-zA-Z]/.test(name)) report('', 'must have a name that begins with a letter: the tool is called after it')
  else if (isBuiltIn(name.toLowerCase())) report('', 'is called like a tool of this host: rename it')
  const inputSchema = abi === 'library' ? libraryInputSchema() : { type: 'object' }
  const tool = plainTool(
    name,
    `The WebAssembly module ${path.slice(path.lastIndexOf('/') + 1)}, of which nothing more is known.`.slice(0, 1_000),
    inputSchema,
    neededCapabilities(bytes),
  )
  return {
    name: packageName(name),
    version: '0.0.0',
    description: '',
    tools: [
      {
        tool,
        implementation: moduleImplementation(path, abi ?? 'btcp', {}),
        secrets: [],
        variables: {},
        maxConcurrent: LIMITS.callsConcurrent,
      },
    ],
  }
}
