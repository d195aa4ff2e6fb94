/**
 * The suites of hostile Python in the cells of real sites: frames of the built extension. Whatever goes to the network is counted by a
 * server, and names that are looked up stand in the browser's own log of its network.
 */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test, type Page } from '@playwright/test'
import { CANARY_NAME, hostilePython } from '../contract/hostile-python.ts'
import { pythonBombs } from '../contract/python-bombs.ts'
import type { Machine, Ran } from '../contract/python-machine.ts'
import { callTool } from '../support/btcp.ts'
import { launchTidepool, type Tidepool } from '../support/extension.ts'
import { serveSites, type SiteServer } from '../support/site-server.ts'
import { type WatchedServer, watchedServer } from '../support/watched-server.ts'

const SECRET = 'canary-of-the-command-line-7319'
const CONTROL_NAME = 'page-canary.test'
const folder = mkdtempSync(join(tmpdir(), 'tidepool-host-'))
const canary = join(folder, 'canary')
const netLog = join(mkdtempSync(join(tmpdir(), 'tidepool-net-')), 'log.json')
const pages = new Map<string, Promise<Page>>()

let sites: SiteServer
let watched: WatchedServer
let tidepool: Tidepool
let machine: Machine

test.beforeAll(async () => {
  process.env['TIDEPOOL_TEST_SECRET'] = SECRET
  sites = await serveSites()
  watched = await watchedServer()
  tidepool = await launchTidepool({ args: [`--log-net-log=${netLog}`, `--tidepool-test-secret=${SECRET}`] })
  machine = { run, target: watched.target, canary, secret: SECRET }
})
test.afterAll(async () => {
  delete process.env['TIDEPOOL_TEST_SECRET']
  await tidepool?.close()
  await watched?.[Symbol.asyncDispose]()
  await sites?.[Symbol.asyncDispose]()
  for (const made of [folder, dirname(netLog)]) rmSync(made, { recursive: true, force: true })
})

interface Answer {
  readonly stdout: string
  readonly stderr: string
  readonly exitCode: number
}

/** As a command of the site's page. */
const run: Machine['run'] = async (command, { site = 'usual', ...options } = {}): Promise<Ran> => {
  let page = pages.get(site)
  if (!page) pages.set(site, (page = tidepool.site(sites.origin(`python-${site}`), 'shell:run', 'vfs:write')))
  const { value, failure } = await callTool(await page, 'shell_run', { command, ...options })
  if (failure?.data.btcpCode === 'TIMEOUT') {
    const { stdout = '', stderr = '' } = failure.data
    return { stdout, stderr, status: 137, timedOut: true }
  }
  if (failure) throw new Error(`${failure.data.btcpCode}: ${failure.message}`)
  const { stdout, stderr, exitCode } = value.structuredContent as unknown as Answer
  const error = value._meta['btcp/error'] as { limit?: string } | undefined
  return { stdout, stderr, status: exitCode, timedOut: false, limit: error?.limit }
}

for (const [name, check] of Object.entries({ ...hostilePython, ...pythonBombs }))
  test(name, async () => {
    test.setTimeout(180_000)
    await check(machine)
  })

test('T31 T43 the host has no file of it, and no server has heard of it', () => {
  expect(readdirSync(folder)).toEqual([])
  expect(existsSync(canary)).toBe(false)
  expect(watched.seen()).toEqual([])
})

// Last, because the browser ends in it.
test('T43 no name was looked up, and the server and the log would have shown it: a page of the same browser is seen', async () => {
  const { http, ws } = watched.target
  const page = await tidepool.open(`${sites.origin('control')}/`)
  await page.evaluate(
    async ([http, ws, name]) => {
      await fetch(`${http}/page/fetch`, { mode: 'no-cors' })
      await new Promise((resolve) => new WebSocket(`${ws}/page/WebSocket`).addEventListener('error', resolve))
      await fetch(`http://${name}/`, { mode: 'no-cors' }).catch(() => undefined)
    },
    [http, ws, CONTROL_NAME] as const,
  )
  expect(watched.seen()).toEqual(['/page/WebSocket', '/page/fetch'])
  await tidepool.close()
  const log = readFileSync(netLog, 'utf8')
  expect([log.includes(CONTROL_NAME), log.includes(CANARY_NAME)]).toEqual([true, false])
})
