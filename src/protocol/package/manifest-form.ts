/**
 * The BTCP manifest (`manifest.json`, docs/protocol.md section 3): tools with their schemas, what they need, and what runs.
 */
import { BUILT_IN_TOOLS } from '../built-in-tools.ts'
import { type Capability, capabilityRow, offeredCapabilities, parseCapability } from '../capability.ts'
import type { Implementation, PackagedTool, PackageManifest, Secret } from '../installed-tool.ts'
import type { JsonSchema } from '../json-schema.ts'
import { LIMITS } from '../limits.ts'
import { isRecord, type JsonValue } from '../parse.ts'
import type { Tool, ToolAnnotations } from '../tool.ts'
import { below, quoted, type Report } from './fault.ts'
import { Fields } from './fields.ts'
import { impliedImplementation, readImplementation, readWasmOptions, type WasmOptions } from './implementation.ts'
import { parseSchema } from './schema.ts'
import { readSecrets, readVariables, type Source } from './source.ts'

const MANIFEST_KEYS = [
  'btcp',
  'name',
  'version',
  'description',
  'provider',
  'tools',
  'capabilities',
  'config',
  'implementation',
  'secrets',
  'variables',
]
const CONFIG_KEYS = ['timeout', 'sandbox', 'maxConcurrent', 'strict', 'wasmOptions']
const TOOL_KEYS = [
  'name',
  'title',
  'description',
  'inputSchema',
  'outputSchema',
  'capabilities',
  'examples',
  'deprecated',
  'deprecationMessage',
  'tags',
  'timeout',
  'annotations',
  'implementation',
  'wasmOptions',
  'maxConcurrent',
  'secrets',
  'variables',
]
const TOOL_NAME = /^[a-zA-Z][a-zA-Z0-9_]*$/
const CAPABILITY = /^[a-z][a-z-]*(?::[a-z][a-z-]*){0,2}$/
const VERSION = /^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$/
const PACKAGE_NAME = /^[a-z][a-z0-9-]*$/
const CONCURRENT = 10

/** What all tools of a manifest share. */
interface Shared {
  readonly source: Source
  readonly capabilities: readonly Capability[] | undefined
  readonly timeout: number | undefined
  readonly maxConcurrent: number
  readonly options: WasmOptions
  readonly implementation: Fields | undefined
  readonly secrets: readonly Secret[]
  readonly variables: Readonly<Record<string, string>>
  readonly alone: boolean
}

/** What is read; it is a manifest only if no fault has been reported. */
export function readManifest(source: Source, fields: Fields): PackageManifest {
  fields.slips(MANIFEST_KEYS)
  const version = fields.text('btcp', { required: true, pattern: /^\d+\.\d+$/, form: 'a version like "1.0"' })
  if (version !== undefined && !version.startsWith('1.')) fields.fault('btcp', `must be "1.0": this host does not know version ${version}`)
  const config = fields.object('config')
  config?.slips(CONFIG_KEYS)
  config?.choice('sandbox', ['wasm', 'worker', 'iframe', 'ses'])
  const list = fields.list('tools')
  if (!list?.length && (list || fields.value('tools') === undefined)) fields.fault('tools', 'must be a list of at least one tool')
  const { runTimeoutMinMs: least, runTimeoutMaxMs: most } = LIMITS
  const shared: Shared = {
    source,
    capabilities: readCapabilities(fields),
    timeout: config?.whole('timeout', least, most),
    maxConcurrent: config?.whole('maxConcurrent', 1, CONCURRENT) ?? LIMITS.callsConcurrent,
    options: readWasmOptions(config, {}, least, most),
    implementation: fields.object('implementation'),
    secrets: readSecrets(fields),
    variables: readVariables(fields, 'variables'),
    alone: list?.length === 1,
  }
  const tools = (list ?? []).flatMap(({ item, at }) => readTool(shared, item, at, fields.report) ?? [])
  reportNames(list ?? [], fields.report)
  const provider = readProvider(fields)
  return {
    name:
      fields.text('name', {
        required: true,
        most: 64,
        pattern: PACKAGE_NAME,
        form: 'lower-case letters, digits and -, and begin with a letter',
      }) ?? '',
    version: fields.text('version', { required: true, most: 100, pattern: VERSION, form: 'a version like "1.2.3"' }) ?? '',
    description: fields.text('description', { least: 0, most: 500 }) ?? '',
    ...(provider === undefined ? {} : { provider }),
    tools,
  }
}

function readProvider(fields: Fields): string | undefined {
  const provider = fields.object('provider')
  provider?.slips(['name', 'url', 'contact', 'icon'])
  for (const key of ['url', 'contact', 'icon']) provider?.text(key, { least: 0, most: 2_048 })
  return provider?.text('name', { required: true, most: 100 })
}

/** The list, or undefined if there is none; what is wrong with a name is reported at it. */
function readCapabilities(fields: Fields): Capability[] | undefined {
  if (fields.value('capabilities') === undefined)
    return fields.fault('capabilities', 'is missing: list what is needed, or give [] if that is nothing')
  return fields.list('capabilities')?.flatMap(({ item, at }) => {
    const capability = parseCapability(item)
    const wrong = capability === undefined ? unknownCapability(item) : unofferedCapability(capability)
    if (wrong !== undefined) fields.report(at, wrong)
    return capability === undefined ? [] : [capability]
  })
}

function unknownCapability(item: unknown): string {
  if (typeof item !== 'string' || !CAPABILITY.test(item)) return 'must be the name of a capability, like "dom:read"'
  return `there is no capability ${quoted(item)}; this host offers ${offeredCapabilities().join(', ')}`
}

export const unofferedCapability = (capability: Capability): string | undefined =>
  capabilityRow(capability).offered
    ? undefined
    : `this host does not offer ${quoted(capability)}: a tool that needs it cannot be installed here`

function readTool(shared: Shared, item: unknown, at: string, report: Report): PackagedTool | undefined {
  const fields = Fields.of(item, at, report)
  if (!fields) return undefined
  fields.slips(TOOL_KEYS)
  const name = fields.text('name', { required: true, most: 64, pattern: TOOL_NAME, form: 'letters, digits and _, and begin with a letter' })
  const options = readWasmOptions(fields, shared.options, LIMITS.runTimeoutMinMs, LIMITS.runTimeoutMaxMs)
  const inputSchema = readSchema(fields, 'inputSchema', 'object')
  const outputSchema = fields.value('outputSchema') === undefined ? undefined : readSchema(fields, 'outputSchema', 'any')
  const capabilities = readCapabilities(fields)
  reportUndeclared(fields, capabilities, shared.capabilities)
  const implementation = implementationOf(shared, fields, name, options)
  const timeout = fields.whole('timeout', LIMITS.runTimeoutMinMs, LIMITS.runTimeoutMaxMs) ?? shared.timeout ?? LIMITS.runTimeoutMaxMs
  const secrets = [...readSecrets(fields), ...shared.secrets]
  const variables = { ...shared.variables, ...readVariables(fields, 'variables') }
  const tool = describe(
    fields,
    name ?? '',
    inputSchema ?? {},
    outputSchema,
    capabilities ?? [],
    Math.min(timeout, options.timeout ?? timeout),
  )
  const maxConcurrent = fields.whole('maxConcurrent', 1, CONCURRENT) ?? shared.maxConcurrent
  return implementation && { tool, implementation, secrets: unique(secrets), variables, maxConcurrent }
}

const unique = (secrets: readonly Secret[]): Secret[] =>
  [...new Map(secrets.toReversed().map((secret) => [secret.name, secret])).values()].toReversed()

function readSchema(fields: Fields, key: string, whole: 'object' | 'any'): JsonSchema | undefined {
  const value = fields.value(key)
  if (value === undefined) return fields.fault(key, 'is missing: give a JSON Schema, {} if it takes nothing')
  return parseSchema(value, below(fields.at, key), fields.report, whole)
}

function reportUndeclared(
  fields: Fields,
  capabilities: readonly Capability[] | undefined,
  declared: readonly Capability[] | undefined,
): void {
  if (!declared) return
  for (const [i, capability] of (capabilities ?? []).entries())
    if (!declared.includes(capability))
      fields.report(
        `${fields.at}/capabilities/${i}`,
        `${quoted(capability)} is not among the manifest's own capabilities: add it to "/capabilities"`,
      )
}

function implementationOf(shared: Shared, fields: Fields, name: string | undefined, options: WasmOptions): Implementation | undefined {
  const own = fields.object('implementation')
  if (own || fields.value('implementation') !== undefined) return own && readImplementation(shared.source, own, options)
  if (shared.implementation) return readImplementation(shared.source, shared.implementation, options)
  const implied = impliedImplementation(shared.source, name ?? '', shared.alone, options)
  return implied ?? fields.fault('implementation', 'is missing: say what runs, like { "type": "wasm", "module": "tool.wasm" }')
}

function describe(
  fields: Fields,
  name: string,
  inputSchema: JsonSchema,
  outputSchema: JsonSchema | undefined,
  capabilities: readonly Capability[],
  timeout: number,
): Tool {
  const description = fields.text('description', { required: true, most: 1_000 }) ?? ''
  const deprecated = fields.flag('deprecated') ?? false
  const instead = fields.text('deprecationMessage', { least: 0, most: 500 })
  const annotations = readAnnotations(fields.object('annotations'), capabilities)
  return {
    name,
    title: fields.text('title', { most: 100 }) ?? annotations.title ?? name,
    description: deprecated ? `${description} (deprecated${instead ? `: ${instead}` : ''})` : description,
    inputSchema,
    ...(outputSchema ? { outputSchema } : {}),
    capabilities: [...new Set(capabilities)],
    annotations,
    examples: readExamples(fields),
    tags: fields.texts('tags', 100) ?? [],
    timeout,
  }
}

/** What is not said is as MCP has it: a tool may change things, and not twice the same. */
function readAnnotations(fields: Fields | undefined, capabilities: readonly Capability[]): ToolAnnotations {
  fields?.slips(['title', 'readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint'])
  const title = fields?.text('title', { most: 100 })
  return {
    ...(title === undefined ? {} : { title }),
    readOnlyHint: fields?.flag('readOnlyHint') ?? false,
    destructiveHint: fields?.flag('destructiveHint') ?? true,
    idempotentHint: fields?.flag('idempotentHint') ?? false,
    openWorldHint: fields?.flag('openWorldHint') ?? capabilities.some((capability) => capability.startsWith('network:')),
  }
}

function readExamples(fields: Fields): { readonly description: string; readonly input: JsonValue }[] {
  return (fields.list('examples') ?? []).flatMap(({ item, at }) => {
    const example = Fields.of(item, at, fields.report)
    const input = example?.value('input')
    if (!example) return []
    if (!isRecord(input)) return example.fault('input', 'must be an object: arguments of the tool') ?? []
    return [{ description: example.text('description', { least: 0, most: 1_000 }) ?? '', input: input as JsonValue }]
  })
}

/** Two tools of one name, and names of tools that this host has itself (T97), by whatever case. */
export function reportNames(items: readonly { readonly item: unknown; readonly at: string }[], report: Report): void {
  const seen = new Set<string>()
  for (const { item, at } of items) {
    const name = isRecord(item) ? item.name : undefined
    if (typeof name !== 'string') continue
    const folded = name.toLowerCase()
    if (seen.has(folded)) report(below(at, 'name'), `two tools are called ${quoted(name)}, upper and lower case being one: rename one`)
    else if (isBuiltIn(folded)) report(below(at, 'name'), `${quoted(name)} is a tool of this host: choose another name`)
    seen.add(folded)
  }
}

export const isBuiltIn = (folded: string): boolean => Object.keys(BUILT_IN_TOOLS).some((name) => name.toLowerCase() === folded)
