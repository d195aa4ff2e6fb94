/**
 * An installed tool as it lies in `storage.local`, read as unknown: a row that this build cannot read is dropped, so that no call meets half
 * a tool. The package itself lies with the offscreen document, by its hash.
 */
import { parseCapability } from '../protocol/capability.ts'
import type { Implementation, InstalledTool, PythonStart, Secret, WasmAbi } from '../protocol/installed-tool.ts'
import { isRecord, own, parseJson } from '../protocol/parse.ts'
import type { Tool, ToolAnnotations } from '../protocol/tool.ts'

const ABIS: readonly WasmAbi[] = ['btcp', 'stdio', 'library']
const DIGEST = /^[0-9a-f]{64}$/

export function parseInstalledTools(stored: unknown): readonly InstalledTool[] {
  return Array.isArray(stored) ? stored.flatMap((row) => parseInstalledTool(row) ?? []) : []
}

function parseInstalledTool(stored: unknown): InstalledTool | undefined {
  const copied = parseJson(stored)
  if (!copied.ok || !isRecord(copied.value)) return undefined
  const row = copied.value
  const [tool, implementation] = [parseTool(own(row, 'tool')), parseImplementation(own(row, 'implementation'))]
  const [manifest, version, sha256] = [own(row, 'manifest'), own(row, 'version'), own(row, 'sha256')]
  const [env, variables, secrets] = [textsOf(own(row, 'env')), textsOf(own(row, 'variables')), parseSecrets(own(row, 'secrets'))]
  const maxConcurrent = own(row, 'maxConcurrent')
  if (!tool || !implementation || !env || !variables || !secrets) return undefined
  if (typeof manifest !== 'string' || typeof version !== 'string' || typeof maxConcurrent !== 'number') return undefined
  if (typeof sha256 !== 'string' || !DIGEST.test(sha256)) return undefined
  return { tool, implementation, secrets, variables, maxConcurrent, manifest, version, sha256, env }
}

function parseTool(value: unknown): Tool | undefined {
  if (!isRecord(value)) return undefined
  const texts = ['name', 'title', 'description'].map((key) => own(value, key))
  const [name, title, description] = texts.filter((text) => typeof text === 'string')
  const [inputSchema, outputSchema, annotations] = [own(value, 'inputSchema'), own(value, 'outputSchema'), own(value, 'annotations')]
  const [capabilities, tags, examples] = [listOf(own(value, 'capabilities')), listOf(own(value, 'tags')), listOf(own(value, 'examples'))]
  const timeout = own(value, 'timeout')
  if (name === undefined || title === undefined || description === undefined || typeof timeout !== 'number') return undefined
  if (!isRecord(inputSchema) || !isRecord(annotations) || !capabilities || !tags || !examples) return undefined
  const known = capabilities.flatMap((capability) => parseCapability(capability) ?? [])
  // One that asks for more than this build knows must not run with less.
  if (known.length < capabilities.length) return undefined
  return {
    name,
    title,
    description,
    inputSchema,
    ...(isRecord(outputSchema) ? { outputSchema } : {}),
    capabilities: known,
    annotations: annotations as unknown as ToolAnnotations,
    examples: examples as Tool['examples'],
    tags: tags.filter((tag) => typeof tag === 'string'),
    timeout,
  }
}

function parseImplementation(value: unknown): Implementation | undefined {
  if (!isRecord(value)) return undefined
  const [type, module] = [own(value, 'type'), own(value, 'module')]
  const place = own(value, 'inPackage') === true ? ({ inPackage: true } as const) : {}
  if (type === 'wasm') return parseWasm(value, module)
  if (type === 'python') {
    const [start, path] = [parseStart(own(value, 'start')), listOf(own(value, 'path'))]
    return start && path ? { type, start, path: path.filter((item) => typeof item === 'string'), ...place } : undefined
  }
  const form = own(value, 'form')
  if (type === 'js')
    return typeof module === 'string' && (form === 'function' || form === 'stdio') ? { type, module, form, ...place } : undefined
  const command = listOf(own(value, 'command'))
  return type === 'external' && command ? { type, command: command.filter((item) => typeof item === 'string') } : undefined
}

function parseWasm(value: Record<string, unknown>, module: unknown): Implementation | undefined {
  const abi = ABIS.find((known) => known === own(value, 'abi'))
  if (!abi || typeof module !== 'string') return undefined
  const [initial, maximum] = [own(value, 'memoryInitial'), own(value, 'memoryMaximum')]
  return {
    type: 'wasm',
    module,
    abi,
    ...(typeof initial === 'number' ? { memoryInitial: initial } : {}),
    ...(typeof maximum === 'number' ? { memoryMaximum: maximum } : {}),
    ...(own(value, 'strict') === true ? { strict: true } : {}),
  }
}

function parseStart(value: unknown): PythonStart | undefined {
  if (!isRecord(value)) return undefined
  const [run, file, module, call] = [own(value, 'run'), own(value, 'file'), own(value, 'module'), own(value, 'call')]
  if (run === 'file' && typeof file === 'string') return { run, file }
  if (run !== 'module' || typeof module !== 'string') return undefined
  return typeof call === 'string' ? { run, module, call } : { run, module }
}

function parseSecrets(value: unknown): readonly Secret[] | undefined {
  return listOf(value)?.flatMap((secret) => {
    const [name, description] = isRecord(secret) ? [own(secret, 'name'), own(secret, 'description')] : []
    return typeof name === 'string' && typeof description === 'string' ? [{ name, description }] : []
  })
}

const listOf = (value: unknown): readonly unknown[] | undefined => (Array.isArray(value) ? value : undefined)

function textsOf(value: unknown): Readonly<Record<string, string>> | undefined {
  if (!isRecord(value)) return undefined
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'))
}
