/** The computer in which the command line tries tools: its files in a store or gone at the end, packages gone at the end in any case. */
import { MemoryPackages } from '../orchestrator/memory-packages.ts'
import { Orchestrator } from '../orchestrator/orchestrator.ts'
import { type MountSpec, mountTree } from './mounts.ts'
import { nodePlatform } from './node-platform.ts'

/** Whose tools they are: the same as `tidepool run` acts for. */
export const OWNER = { kind: 'local', name: 'cli' } as const

export async function withOrchestrator<T>(
  store: string | undefined,
  mounts: readonly MountSpec[],
  work: (orchestrator: Orchestrator) => Promise<T>,
): Promise<T> {
  const platform = nodePlatform({ mounts: mounts.map((spec) => mountTree(spec)), ...(store === undefined ? {} : { store }) })
  const orchestrator = new Orchestrator({ ...platform, packages: new MemoryPackages() })
  try {
    return await work(orchestrator)
  } finally {
    await orchestrator.dispose()
  }
}
