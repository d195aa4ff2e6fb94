/**
 * The tools that a person has installed for a site, one row a site in `storage.local`, and the one way from a tool's name to the tool:
 * a built-in one, or one of the site's own. Corresponds to "tool principal" in docs/protocol.md section 4.
 * Invariant: no two tools that a site sees have the same name, whatever its case.
 */
import { builtInTool, BUILT_IN_TOOLS } from '../protocol/built-in-tools.ts'
import { BtcpError } from '../protocol/error.ts'
import type { InstalledTool } from '../protocol/installed-tool.ts'
import { validateJson } from '../protocol/json-schema.ts'
import { manifestOf } from '../protocol/manifest.ts'
import { isRecord, type JsonObject, type JsonValue } from '../protocol/parse.ts'
import { parseOrigin, type Origin, type ToolPrincipal } from '../protocol/principal.ts'
import type { Tool, ToolPlace } from '../protocol/tool.ts'
import { SiteRows } from './state.ts'
import { parseInstalledTools } from './tool-row.ts'

/** A tool that a site can call, and what a grant to it names. */
export interface FoundTool {
  readonly tool: Tool
  readonly place: ToolPlace
  readonly manifest: string
  /** undefined for a built-in one */
  readonly installed: InstalledTool | undefined
}

const rows = new SiteRows('local', 'tools', parseInstalledTools)

export const toolsOf = async (origin: Origin): Promise<readonly InstalledTool[]> => await rows.of(origin).read()

/** Those of every site. */
export async function allTools(): Promise<readonly { readonly origin: Origin; readonly tool: InstalledTool }[]> {
  const out: { origin: Origin; tool: InstalledTool }[] = []
  for (const key of await rows.origins()) {
    const origin = parseOrigin(key)
    if (origin) for (const tool of await toolsOf(origin)) out.push({ origin, tool })
  }
  return out
}

/** Whoever calls this publishes the site's snapshot anew. A site without tools has no row. */
export async function writeTools(origin: Origin, tools: readonly InstalledTool[]): Promise<void> {
  await (tools.length > 0 ? rows.of(origin).write(tools) : rows.of(origin).clear())
}

export const installedTool = async (origin: Origin, name: string): Promise<InstalledTool | undefined> =>
  (await toolsOf(origin)).find(({ tool }) => tool.name === name)

export const toolPrincipal = (origin: Origin, { tool, sha256 }: InstalledTool): ToolPrincipal => ({
  kind: 'tool',
  owner: { kind: 'site', origin },
  tool: tool.name,
  sha256,
})

/** What two names have in common that a person could take for the same. */
export const foldedName = (name: string): string => name.toLowerCase()

/** The name as somebody reads it who does not look twice. */
const skimmed = (name: string): string =>
  foldedName(name)
    .replaceAll('_', '')
    .replaceAll('0', 'o')
    .replaceAll(/[1i]/g, 'l')
    .replaceAll('5', 's')
    .replaceAll('rn', 'm')
    .replaceAll('vv', 'w')

const BUILT_IN_NAMES = new Map(Object.keys(BUILT_IN_TOOLS).map((name) => [skimmed(name), name]))
/** The built-in tool that a person could take it for. */
export const looksBuiltIn = (name: string): string | undefined => BUILT_IN_NAMES.get(skimmed(name))

/** Throws BtcpError TOOL_NOT_FOUND. */
export async function findTool(origin: Origin, name: string): Promise<FoundTool> {
  const [row, manifest] = [builtInTool(name), manifestOf(name)]
  if (row && manifest) return { tool: row.tool, place: row.place, manifest: manifest.name, installed: undefined }
  const installed = await installedTool(origin, name)
  if (!installed) throw new BtcpError('TOOL_NOT_FOUND', `Cannot call "${name.slice(0, 100)}": no such tool`, { effects: 'none' })
  return { tool: installed.tool, place: 'cell', manifest: installed.manifest, installed }
}

/** The arguments as checked copies. Throws BtcpError INVALID_PARAMS. */
export function checkArguments({ name, inputSchema }: Tool, args: JsonValue): JsonObject {
  const checked = validateJson(inputSchema, args)
  if (checked.ok && isRecord(checked.value)) return checked.value
  throw new BtcpError('INVALID_PARAMS', `Cannot call "${name}": its arguments do not fit its schema`, {
    errors: checked.ok ? [] : checked.errors,
    effects: 'none',
  })
}
