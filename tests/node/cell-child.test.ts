/** A cell's process: what it is started with, and that it never outlives its parent. */
import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { Sandbox } from '../../src/node/index.ts'

const LINUX = process.platform === 'linux'
const stateOf = (pid: number): string =>
  existsSync(`/proc/${pid}/stat`) ? (readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0] ?? '') : ''
const childrenOf = (pid: number): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((other) => {
      try {
        return readFileSync(`/proc/${other}/stat`, 'utf8').split(') ')[1]?.split(' ')[1] === String(pid)
      } catch {
        return false
      }
    })
const cellOf = (pid: number): number =>
  childrenOf(pid).find((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('cell-process'))!
async function eventually(check: () => boolean): Promise<boolean> {
  for (let i = 0; i < 100; i++) {
    if (check()) return true
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return false
}

describe.runIf(LINUX)('the process of a cell', () => {
  test('T119: has no environment of its parent and no secret in its arguments', async () => {
    process.env.TIDEPOOL_TEST_SECRET = 'hunter2'
    const sandbox = await Sandbox.create()
    await sandbox.writeFile('x', 'y')
    const cell = cellOf(process.pid)
    expect(readFileSync(`/proc/${cell}/environ`, 'utf8')).not.toMatch(/hunter2|HOME=|PATH=/)
    expect(readFileSync(`/proc/${cell}/cmdline`, 'utf8').split('\0')).toContain('--permission')
    await sandbox.destroy()
    expect(await eventually(() => stateOf(cell) === '' || stateOf(cell) === 'Z')).toBe(true)
    delete process.env.TIDEPOOL_TEST_SECRET
  })

  test('ends when its parent is killed, also when it hears nothing any more', { timeout: 30_000 }, async () => {
    const holder = spawn(process.execPath, [join(import.meta.dirname, 'fixtures/sandbox-holder.ts')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await new Promise((resolve) => holder.stdout.once('data', resolve))
    const cell = cellOf(holder.pid!)
    // As deaf as one that spins in a loop without system calls.
    process.kill(cell, 'SIGSTOP')
    holder.kill('SIGKILL')
    expect(await eventually(() => stateOf(cell) === '' || stateOf(cell) === 'Z')).toBe(true)
  })
})
