/**
 * The published tool folders (Hyperpocket): `pocket.json`, or `config.toml` with `schema.json`; the code reads JSON on standard input, prints
 * its result, and finds tokens in its environment. The commands that they name are not run (entry.ts).
 */
import type { Implementation, PackagedTool, PackageManifest, Secret } from '../installed-tool.ts'
import type { JsonSchema } from '../json-schema.ts'
import { LIMITS } from '../limits.ts'
import type { Tool } from '../tool.ts'
import { providerSecrets } from './auth-provider.ts'
import { entryOfCommand, entryOfLayout, type Language } from './entry.ts'
import { below, quoted, type Report } from './fault.ts'
import type { Fields } from './fields.ts'
import { isBuiltIn } from './manifest-form.ts'
import { parseSchema } from './schema.ts'
import { readSecrets, readVariables, type Source } from './source.ts'
import { pathFault } from './tree.ts'

const POCKET = 'pocket.json'
const CONFIG = 'config.toml'
const SCHEMA = 'schema.json'
const NAME = /^[a-zA-Z][a-zA-Z0-9_-]*(?: +[a-zA-Z0-9_-]+)*$/
/** Files that `include` names. */
const INCLUDES = 50

export function readPocket(source: Source, fields: Fields): PackageManifest {
  fields.slips(['tool', 'auth', 'language', 'baseImage', 'entrypoint', 'include', 'secrets', 'tool_vars'])
  const config = source.has(CONFIG) ? source.fields(CONFIG) : undefined
  const variables = { ...(config ? readVariables(config, 'tool_vars') : {}), ...readVariables(fields, 'tool_vars') }
  const documents = fields.value('include') === undefined ? [{ fields, file: POCKET }] : included(source, fields)
  const tools = documents.flatMap((document) => pocketTool(source, document.fields, fields, variables) ?? [])
  return manifestOf(source, tools)
}

/** `include`: further files of the same form, which take from the first what they do not say. */
function included(source: Source, fields: Fields): { readonly fields: Fields; readonly file: string }[] {
  const listed = (fields.list('include') ?? []).slice(0, INCLUDES).flatMap(({ item, at }) => {
    const file = typeof item === 'string' ? item.replace(/^(?:\.\/)+/, '') : ''
    if (pathFault(file) !== undefined || !file.endsWith('.json')) fields.report(at, 'must be the path of a .json file of the package')
    else if (source.hasNamed(file, at, fields.report)) {
      const inner = source.fields(file)
      return inner ? [{ fields: inner, file }] : []
    }
    return []
  })
  return fields.value('tool') === undefined ? listed : [{ fields, file: POCKET }, ...listed]
}

function pocketTool(source: Source, fields: Fields, outer: Fields, variables: Readonly<Record<string, string>>): PackagedTool | undefined {
  const tool = fields.object('tool')
  if (!tool)
    return fields.value('tool') === undefined
      ? fields.fault('tool', 'is missing: give { "name", "description", "inputSchema" }')
      : undefined
  tool.slips(['name', 'description', 'inputSchema'])
  const name = nameOf(tool)
  const given = tool.value('inputSchema')
  const inputSchema =
    given === undefined && source.has(SCHEMA)
      ? inputOf(source.json(SCHEMA), '', source.faults.of(SCHEMA))
      : inputOf(given ?? {}, below(tool.at, 'inputSchema'), fields.report)
  const description = tool.text('description', { required: true, most: 1_000 })
  const language = languageOf(fields.value('language') === undefined ? outer : fields)
  const entry = fields.object('entrypoint') ?? outer.object('entrypoint')
  entry?.slips(['build', 'run'])
  const run = entry?.text('run', { most: 1_000 })
  const implementation =
    run === undefined || !entry
      ? entryOfLayout(source, name ?? '', language, fields.report)
      : entryOfCommand(source, run, below(entry.at, 'run'), entry.report)
  const secrets = [...authSecrets(fields.value('auth') === undefined ? outer : fields), ...readSecrets(fields)]
  return packaged(name, description, inputSchema, implementation, secrets, variables)
}

export function readConfig(source: Source, fields: Fields): PackageManifest {
  fields.slips(['name', 'description', 'language', 'auth', 'tool_vars', 'secrets'])
  const name = nameOf(fields)
  const description = fields.text('description', { required: true, most: 1_000 })
  if (!source.has(SCHEMA)) fields.report('', `there is no ${SCHEMA} beside it: add the JSON Schema of the tool's arguments`)
  const schema = source.has(SCHEMA) ? source.json(SCHEMA) : undefined
  const inputSchema = schema === undefined ? undefined : inputOf(schema, '', source.faults.of(SCHEMA))
  const implementation = entryOfLayout(source, name ?? '', languageOf(fields), fields.report)
  const secrets = [...authSecrets(fields), ...readSecrets(fields)]
  const tool = packaged(name, description, inputSchema, implementation, secrets, readVariables(fields, 'tool_vars'))
  return manifestOf(source, tool ? [tool] : [])
}

/** Tools of other hosts may have hyphens and blanks. */
function nameOf(fields: Fields): string | undefined {
  const name = fields
    .text('name', { required: true, most: 64, pattern: NAME, form: 'letters, digits, _ and -, and begin with a letter' })
    ?.replaceAll(/-| +/g, '_')
  if (name !== undefined && isBuiltIn(name.toLowerCase()))
    return fields.fault('name', `${quoted(name)} is a tool of this host: choose another name`)
  return name
}

const inputOf = (value: unknown, at: string, report: Report): JsonSchema | undefined => parseSchema(value, at, report, 'object')

function languageOf(fields: Fields): Language | undefined {
  const language = fields.value('language')
  if (language === undefined) return undefined
  if (language === 'python' || language === 'node') return language
  if (language === 'javascript' || language === 'js') return 'node'
  return fields.fault('language', 'must be "python" or "node": other languages run here as WebAssembly modules (manifest.json)')
}

function authSecrets(fields: Fields): Secret[] {
  const auth = fields.object('auth')
  auth?.slips(['auth_provider', 'auth_handler', 'scopes'])
  const provider = auth?.text('auth_provider', {
    least: 0,
    most: 60,
    pattern: /^(?:[A-Za-z][\w.-]*)?$/,
    form: 'the name of a provider, like "github"',
  })
  const scopes = auth?.texts('scopes', 300) ?? []
  // The older form: the names of handlers, like "slack-oauth2".
  const handlers = (fields.texts('auth_handlers', 60) ?? []).flatMap((handler) => /^[A-Za-z]\w*/.exec(handler)?.[0] ?? [])
  return [...(provider === undefined ? [] : [provider]), ...handlers].flatMap((name) => providerSecrets(name, scopes))
}

function packaged(
  name: string | undefined,
  description: string | undefined,
  inputSchema: JsonSchema | undefined,
  implementation: Implementation | undefined,
  secrets: readonly Secret[],
  variables: Readonly<Record<string, string>>,
): PackagedTool | undefined {
  if (name === undefined || description === undefined || !inputSchema || !implementation) return undefined
  return {
    tool: plainTool(name, description, inputSchema),
    implementation:
      implementation.type === 'python' || implementation.type === 'js' ? { ...implementation, inPackage: true } : implementation,
    secrets: [...new Map(secrets.map((secret) => [secret.name, secret])).values()],
    variables,
    maxConcurrent: LIMITS.callsConcurrent,
  }
}

/** A tool of which only this is known: it may change things (MCP's defaults). */
export function plainTool(name: string, description: string, inputSchema: JsonSchema, capabilities: Tool['capabilities'] = []): Tool {
  return {
    name,
    title: name,
    description,
    inputSchema,
    capabilities,
    annotations: { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: false },
    examples: [],
    tags: [],
    timeout: LIMITS.runTimeoutMaxMs,
  }
}

function manifestOf(source: Source, tools: readonly PackagedTool[]): PackageManifest {
  const [first] = tools
  return {
    name: packageName(first?.tool.name ?? ''),
    version: versionOf(source),
    description: first?.tool.description.slice(0, 500) ?? '',
    tools,
  }
}

export const packageName = (name: string): string => name.toLowerCase().replaceAll('_', '-')

/** The version that the code's own project file has. */
function versionOf(source: Source): string {
  const project = source.has('pyproject.toml') ? source.fields('pyproject.toml')?.object('project') : undefined
  const version = project?.value('version') ?? (source.has('package.json') ? source.fields('package.json')?.value('version') : undefined)
  return typeof version === 'string' && /^\d[\w.+-]{0,60}$/.test(version) ? version : '0.0.0'
}
