/**
 * Every way out of a Node process, with the means taken before the lock: in a locked process none leads anywhere and a counting server
 * hears nothing; the same script without the lock reaches it, which shows that the counting counts.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { LOCK } from '../support/cell-process.ts'
import { watchedServer } from '../support/watched-server.ts'

const SCRIPT = fileURLToPath(new URL('../support/ways-out-process.ts', import.meta.url))

interface Outcome {
  readonly open: readonly string[]
  readonly tried: number
  readonly seen: readonly string[]
  readonly left: readonly string[]
}

/** The signal ends the process of a test that has timed out. */
async function tryAll(how: 'locked' | 'open', signal: AbortSignal): Promise<Outcome> {
  await using server = await watchedServer()
  const folder = mkdtempSync(join(tmpdir(), 'tidepool-'))
  const canary = join(folder, 'canary')
  writeFileSync(canary, '0') // as a module, too, it can be read
  const flags = how === 'locked' ? [...LOCK, `--allow-fs-read=${SCRIPT}`] : ['--no-warnings']
  const child = spawn(process.execPath, [...flags, SCRIPT, how, server.target.http, canary], {
    env: { CANARY: 'canary' },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced',
    signal,
    killSignal: 'SIGKILL',
  })
  const answer = await new Promise<Pick<Outcome, 'open' | 'tried'>>((resolve, reject) => {
    child.on('message', resolve as (message: unknown) => void)
    child.on('error', reject)
    child.on('exit', () => reject(new Error('it ended without an answer')))
  })
  child.kill('SIGKILL')
  return { ...answer, seen: server.seen(), left: readdirSync(folder) }
}

test('T44 in a locked process no way leads out', async ({ signal }) => {
  expect(await tryAll('locked', signal)).toEqual({ open: [], tried: 34, seen: [], left: ['canary'] })
})

test('without the lock they do, so that the test would notice', async ({ signal }) => {
  const { open, tried, seen, left } = await tryAll('open', signal)
  expect(tried).toBe(34)
  // The server answers no WebSocket, but it hears of it.
  expect(open).toEqual([
    'fetch',
    'node:http',
    'node:http2',
    'node:net',
    'node:tls',
    'node:dgram',
    'a listening socket',
    'node:dns',
    'a child process',
    'a thread',
    'reading a file',
    'writing a file',
    'listing a directory',
    'a symlink',
    'process.kill',
    'host.kill',
    'process.getBuiltinModule',
    'process.binding',
    'process.chdir',
    'process.report',
    'node:sqlite',
    'another database by ATTACH',
    'flags of the engine',
    'node:vm',
    'node:os',
    'node:module',
    'a data: module',
    'a file: module',
    'eval',
    'Function',
    'the arguments',
    'the environment',
  ])
  expect(seen).toEqual(['/WebSocket', '/fetch', '/http'])
  expect(left).toEqual(['canary', 'canary.db', 'canary.link', 'canary.new'])
})
