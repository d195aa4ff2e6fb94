/**
 * What a tool's module is before it is called: loaded in a cell by the gate, as for a call, and described; nothing of it runs.
 */
import { BtcpError } from '../protocol/error.ts'
import { type Capability } from '../protocol/capability.ts'
import type { InstalledTool, PackagedTool } from '../protocol/installed-tool.ts'
import { isRecord, own } from '../protocol/parse.ts'
import { toolImport } from '../protocol/tool-imports.ts'
import type { Desk } from './desk.ts'
import { toolPrincipal } from './installed-call.ts'
import type { Orchestrator } from './orchestrator.ts'
import { runModule } from './tool-run.ts'

/** An import that leads out of the cell; `needs` is undefined where that depends on the request. */
export interface CheckedImport {
  readonly name: string
  readonly needs: Capability | undefined
}

const NOBODY: Desk = {
  tools: () => [],
  call: async () => {
    throw new BtcpError('UNSUPPORTED', 'Cannot call a tool: this one is only being checked', { effects: 'none' })
  },
}

/** The module's imports, or why it cannot be loaded; its package lies among the platform's. Throws BtcpError where no cell can be had. */
export async function moduleNotes(
  orchestrator: Orchestrator,
  packaged: PackagedTool,
  of: { readonly manifest: string; readonly version: string; readonly sha256: string },
): Promise<{ readonly imports: readonly CheckedImport[] } | { readonly failure: string }> {
  const { implementation } = packaged
  if (implementation.type !== 'wasm') return { imports: [] }
  const installed: InstalledTool = { ...packaged, ...of, env: {} }
  const owner = { kind: 'local', name: 'check' } as const
  const end = await runModule(
    orchestrator,
    {
      call: orchestrator.platform.newId(),
      owner,
      principal: toolPrincipal(owner, installed),
      installed,
      arguments: {},
      timeoutMs: orchestrator.limits.runTimeoutMs,
      desk: NOBODY,
      ask: async () => '',
    },
    implementation,
    'check',
    '',
  )
  if ('failure' in end) return { failure: end.failure.message }
  return { imports: importsOf(orchestrator.platform.text.decode(end.bytes).text) }
}

function importsOf(text: string): CheckedImport[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return []
  }
  const imports = isRecord(value) ? own(value, 'imports') : undefined
  if (!Array.isArray(imports)) return []
  return (imports as readonly unknown[]).flatMap((one) => {
    const name = isRecord(one) ? own(one, 'name') : undefined
    const known = typeof name === 'string' ? toolImport(name) : undefined
    return known && typeof name === 'string' && isRecord(one) && own(one, 'module') === known.module ? [{ name, needs: known.needs }] : []
  })
}
