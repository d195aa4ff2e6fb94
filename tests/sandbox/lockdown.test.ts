/** Each way out of a cell in Node is tried and shut, and the cell refuses to run where one is open. */
import { writeFileSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { LOCK, TestCell } from '../support/cell-process.ts'

const cells: TestCell[] = []
afterEach(async () => {
  for (const cell of cells.splice(0)) await cell.end()
})
function start(flags: readonly string[], env: NodeJS.ProcessEnv = {}): TestCell {
  const cell = new TestCell({ flags, env })
  cells.push(cell)
  return cell
}
const without = (...names: string[]): string[] => LOCK.filter((flag) => !names.includes(flag))

test('a locked cell proves each check and is ready', async () => {
  expect(await start(LOCK).boot()).toEqual({
    t: 'ready',
    version: 1,
    proof: [
      'no file outside the folder',
      'no child process',
      'no thread',
      'no socket',
      'no node:sqlite',
      'no process.kill',
      'no built-in by name',
      'no import',
      'no code from text',
      'no environment',
      'no other global',
    ],
  })
})

describe('a cell refuses to run', () => {
  test('without the permission model', async () => {
    const flags = LOCK.filter((flag) => !flag.startsWith('--permission') && !flag.startsWith('--allow'))
    expect(await start(flags).boot()).toEqual({ t: 'refused', reason: 'the self-test failed: no file outside the folder' })
  })
  test('when it may start processes', async () => {
    expect(await start(['--allow-child-process', ...LOCK]).boot()).toEqual({
      t: 'refused',
      reason: 'the self-test failed: no child process',
    })
  })
  test('when it may start threads', async () => {
    expect(await start(['--allow-worker', ...LOCK]).boot()).toEqual({ t: 'refused', reason: 'the self-test failed: no thread' })
  })
  test('when it may open sockets', async () => {
    expect(await start(['--allow-net', ...LOCK]).boot()).toEqual({ t: 'refused', reason: 'the self-test failed: no socket' })
  })
  test('when node:sqlite is there', async () => {
    expect(await start(without('--no-experimental-sqlite')).boot()).toEqual({
      t: 'refused',
      reason: 'the self-test failed: no node:sqlite',
    })
  })
  test('when text becomes code', async () => {
    const cell = start(without('--disallow-code-generation-from-strings'))
    expect(await cell.boot()).toEqual({ t: 'refused', reason: 'the self-test failed: no code from text' })
  })
  test('when it may read everywhere', async () => {
    expect(await start([...LOCK, '--allow-fs-read=*']).boot()).toEqual({
      t: 'refused',
      reason: 'the self-test failed: no file outside the folder',
    })
  })
})

test('a cell that refuses ends by itself', async () => {
  const cell = start(['--allow-net', ...LOCK])
  await cell.boot()
  await cell.closed
  expect(cell.child.exitCode).toBe(1)
})

test("nothing of the parent's environment or arguments is seen inside", async () => {
  const secret = join(mkdtempSync(join(tmpdir(), 'tidepool-')), 'canary')
  writeFileSync(secret, 'canary-content')
  const cell = start(LOCK, { CANARY: 'canary-content' })
  expect(await cell.boot()).toMatchObject({ t: 'ready' })
  expect(await cell.read('/proc/1/environ')).not.toContain('canary')
  expect(await cell.read(secret)).toMatch(/^Cannot read ".*canary": ENOENT$/)
  expect(await cell.read('/etc/hostname')).toBe('tidepool\n')
})

test('a broker that does not speak the wire is answered by a refusal', async () => {
  const cell = start(LOCK)
  await cell.boot()
  const answer = cell.next((message) => message.t === 'refused')
  cell.say({ t: 'format' } as never)
  expect(await answer).toEqual({ t: 'refused', reason: "the broker's message /t is no message to a cell" })
})
