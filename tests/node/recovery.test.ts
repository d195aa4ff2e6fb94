/** How soon the built package (`npm run build:node`) answers after a command that had to be killed. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { beforeAll, expect, test } from 'vitest'
import type { Sandbox } from '../../src/node/index.ts'
import { SPIN } from '../support/spin-program.ts'

const BUILT = join(import.meta.dirname, '../../dist/node/index.js')
let create: () => Promise<Sandbox>

beforeAll(async () => {
  if (!existsSync(BUILT)) throw new Error('Cannot test the package: it is not built. Use "npm run build:node".')
  const built = (await import(pathToFileURL(BUILT).href)) as { Sandbox: typeof Sandbox }
  create = () => built.Sandbox.create()
})

/** The best of five, in milliseconds, because the machine does other things, too. */
async function recovery(sandbox: Sandbox, endless: string): Promise<number> {
  let best = Infinity
  for (let round = 0; round < 5; round++) {
    expect((await sandbox.run(endless, { timeoutMs: 200 })).timedOut).toBe(true)
    const began = performance.now()
    expect((await sandbox.run('echo hi')).stdout).toBe('hi\n')
    best = Math.min(best, performance.now() - began)
  }
  return best
}

test('T47: a loop of the shell is killed, and the next command answers within 500 ms', async () => {
  const sandbox = await create()
  expect(await recovery(sandbox, 'while :; do :; done')).toBeLessThan(500)
  await sandbox.destroy()
})

test('T48: a program that loops without a system call is killed with its cell, and the next command answers within 500 ms', async () => {
  const sandbox = await create()
  await sandbox.writeFile('spin', SPIN)
  await sandbox.run('chmod +x spin')
  expect(await recovery(sandbox, './spin')).toBeLessThan(500)
  await sandbox.destroy()
})
