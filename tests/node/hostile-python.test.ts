/** The suites of hostile Python in a real cell of Node's: a locked child process, and a host with a canary, a secret and a counting server. */
import { createSocket } from 'node:dgram'
import { mkdtempSync, readdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Sandbox } from '../../src/node/index.ts'
import { hostilePython } from '../contract/hostile-python.ts'
import { pythonBombs } from '../contract/python-bombs.ts'
import type { Machine, Ran } from '../contract/python-machine.ts'
import { type WatchedServer, watchedServer } from '../support/watched-server.ts'

const SECRET = 'canary-of-the-environment-7319'
const canary = join(mkdtempSync(join(tmpdir(), 'tidepool-host-')), 'canary')
const sandboxes = new Map<string, Promise<Sandbox>>()
let watched: WatchedServer
let machine: Machine

beforeAll(async () => {
  process.env['TIDEPOOL_TEST_SECRET'] = SECRET
  watched = await watchedServer()
  machine = { run, target: watched.target, canary, secret: SECRET }
})
afterAll(async () => {
  delete process.env['TIDEPOOL_TEST_SECRET']
  for (const sandbox of sandboxes.values()) await (await sandbox).destroy()
  await watched[Symbol.asyncDispose]()
})

const run: Machine['run'] = async (command, { site = 'usual', ...options } = {}): Promise<Ran> => {
  let sandbox = sandboxes.get(site)
  if (!sandbox) sandboxes.set(site, (sandbox = Sandbox.create()))
  const { stdout, stderr, exitCode, timedOut, limit } = await (await sandbox).run(command, options)
  return { stdout, stderr, status: exitCode, timedOut, limit }
}

describe('hostile Python in a locked process', () => {
  test.for(Object.entries(hostilePython))('%s', async ([, check]) => await check(machine))

  test('T31 T43 the host has no file of it, and no server has heard of it', () => {
    expect(readdirSync(dirname(canary))).toEqual([])
    expect(watched.seen()).toEqual([])
  })

  test('T43 the server would have heard it: it counts requests, connections and datagrams of the host', async () => {
    const { http, ws, bare, stun } = watched.target
    await fetch(`${http}/py/urlopen`)
    await new Promise((resolve) => new WebSocket(`${ws}/py/open`).addEventListener('error', resolve))
    await fetch(bare).catch(() => undefined)
    const socket = createSocket('udp4')
    await new Promise((resolve) => socket.send('x', Number(stun.split(':').at(-1)), '127.0.0.1', resolve))
    socket.close()
    await expect.poll(() => watched.seen()).toEqual(['/py/open', '/py/urlopen', 'a STUN datagram', 'a bare connection'])
  })
})

describe('Python that uses up what there is, in a locked process', () => {
  test.for(Object.entries(pythonBombs))('%s', { timeout: 150_000 }, async ([, check]) => await check(machine))
})
