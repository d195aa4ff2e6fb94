/** Which cells may live beside each other: the memory of all of them together is bounded. */
import { expect, test } from 'vitest'
import { Orchestrator } from '../../src/orchestrator/orchestrator.ts'
import { limitsWith } from '../../src/protocol/limits.ts'
import type { Principal } from '../../src/protocol/principal.ts'
import { obedient, type Script, testPlatform } from './scripted-cell.ts'

const principal = (name: string): Principal => ({ kind: 'local', name })

/** Uses 600 bytes from when it was first allowed memories. */
const large: Script = (message, cell) => {
  if (message.t === 'allow') cell.say({ t: 'beat', memories: 1, memoryBytes: 600, processes: 0 })
  else obedient(message, cell)
}

const startedAt = (allCellsMemoryBytes: number) => {
  const platform = testPlatform(large)
  const orchestrator = new Orchestrator(platform, { limits: limitsWith({ allCellsMemoryBytes, memoriesTerminatedHoldMs: 0 }) })
  const run = (name: string) => orchestrator.run(principal(name), { argv: ['sh', '-c', name] })
  const ended = (): boolean[] => platform.cells.map(({ terminated }) => terminated)
  return { run, ended, orchestrator }
}

test('when all cells together use too much memory, the one idle longest ends before another starts', async () => {
  const { run, ended, orchestrator } = startedAt(1_000)
  await run('first')
  await run('second')
  expect(ended()).toEqual([false, false])
  await run('third')
  expect(ended()).toEqual([true, false, false])
  await orchestrator.dispose()
})

test('as long as they use no more than they may, all of them stay', async () => {
  const { run, ended, orchestrator } = startedAt(10_000)
  for (const name of ['first', 'second', 'third', 'fourth']) await run(name)
  expect(ended()).toEqual([false, false, false, false])
  await orchestrator.dispose()
})

test('when the memories of a browser are all lent, the cell idle longest ends in advance, so that the next need not wait for them', async () => {
  const platform = testPlatform(large)
  const limits = limitsWith({ memoriesBroker: 24, memoriesCellReserved: 8, processesAlive: 8, memoriesTerminatedHoldMs: 200 })
  const orchestrator = new Orchestrator(platform, { limits })
  const run = (name: string) => orchestrator.run(principal(name), { argv: ['sh', '-c', name] })
  for (const name of ['first', 'second', 'third']) await run(name)
  await expect.poll(() => platform.cells.map(({ terminated }) => terminated)).toEqual([true, false, false])
  await new Promise((resolve) => setTimeout(resolve, 300))
  const began = performance.now()
  await run('fourth')
  expect(performance.now() - began).toBeLessThan(150)
  await orchestrator.dispose()
})
