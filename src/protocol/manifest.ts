/**
 * Manifests: tools under one name with the capabilities that they need (docs/protocol.md section 3). The two built-in
 * ones cover all tools of this host; a grant to `*` covers exactly them.
 */
import type { Capability } from './capability.ts'
import { BUILT_IN_TOOLS, type BuiltInToolName } from './built-in-tools.ts'
import type { Tool } from './tool.ts'

export interface Manifest {
  /** BTCP's version of the manifest's form */
  readonly btcp: '1.0'
  readonly name: string
  readonly version: string
  readonly description: string
  readonly capabilities: readonly Capability[]
  readonly tools: readonly Tool[]
}

export interface ManifestSummary {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly capabilities: readonly Capability[]
  readonly tools: readonly string[]
}

function builtIn(name: string, description: string, names: readonly BuiltInToolName[]): Manifest {
  const tools = names.map((tool) => BUILT_IN_TOOLS[tool].tool)
  const capabilities = [...new Set(tools.flatMap((tool) => tool.capabilities))]
  return { btcp: '1.0', name, version: '0.1.0', description, capabilities, tools }
}

export const BUILT_IN_MANIFESTS: readonly Manifest[] = [
  builtIn('computer', 'A shell with everyday Unix programs, Python, JavaScript and files of its own, without network.', [
    'shell_run',
    'python_run',
    'js_run',
    'code_execute',
    'fs_read',
    'fs_write',
    'fs_list',
    'fs_stat',
    'fs_remove',
    'fs_move',
  ]),
  builtIn('page', 'The page that calls.', ['page_text', 'page_query', 'storage_get', 'storage_set']),
]

export function summaryOf(manifest: Manifest): ManifestSummary {
  const { name, version, description, capabilities, tools } = manifest
  return { name, version, description, capabilities, tools: tools.map((tool) => tool.name) }
}

/** The manifest that has the tool `name`, or undefined when no tool has that name. */
export function manifestOf(name: string): Manifest | undefined {
  return BUILT_IN_MANIFESTS.find((manifest) => manifest.tools.some((tool) => tool.name === name))
}
