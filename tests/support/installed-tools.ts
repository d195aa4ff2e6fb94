/** Installed tools as tests want them, without a manifest: everything that a test does not say has a plain value. */
import { digestOf } from '../../src/orchestrator/tool-mount.ts'
import type { Platform } from '../../src/orchestrator/platform.ts'
import type { Implementation, InstalledTool, PackageFile } from '../../src/protocol/installed-tool.ts'
import type { Owner } from '../../src/protocol/principal.ts'
import type { Tool } from '../../src/protocol/tool.ts'

export const OWNER: Owner = { kind: 'local', name: 'test' }

export const file = (path: string, content: string | Uint8Array): PackageFile => ({
  path,
  bytes: typeof content === 'string' ? new TextEncoder().encode(content) : new Uint8Array(content),
})

export const toolOf = (more: Partial<Tool> = {}): Tool => ({
  name: 'probe',
  title: 'Probe',
  description: 'A tool of a test.',
  inputSchema: { type: 'object' },
  capabilities: [],
  annotations: { readOnlyHint: false, destructiveHint: false, idempotentHint: false, openWorldHint: false },
  examples: [],
  tags: [],
  timeout: 300_000,
  ...more,
})

export const installedOf = (
  implementation: Implementation,
  more: Partial<InstalledTool> = {},
  tool: Partial<Tool> = {},
): InstalledTool => ({
  tool: toolOf(tool),
  implementation,
  secrets: [],
  variables: {},
  maxConcurrent: 3,
  manifest: 'probes',
  version: '1.0.0',
  sha256: '0'.repeat(64),
  env: {},
  ...more,
})

/** Keeps the package where cells find it; the result is its digest. */
export async function keepPackage(platform: Platform, files: readonly PackageFile[]): Promise<string> {
  const sha256 = await digestOf(platform, files)
  await platform.packages.keep(sha256, files)
  return sha256
}
