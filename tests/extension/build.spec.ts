/** What is built: a manifest that asks for no more than it needs, and cells that refuse to run where the sandbox's policy is missing. */
import { cpSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from '@playwright/test'
import { callTool } from '../support/btcp.ts'
import { launchTidepool } from '../support/extension.ts'
import { serveSites } from '../support/site-server.ts'

const BUILT = fileURLToPath(new URL('../../dist/extension', import.meta.url))
test('a frame that is built without the policy fails the self-test, and nothing runs in it', async () => {
  await using sites = await serveSites()
  const build = mkdtempSync(join(tmpdir(), 'tidepool-lax-'))
  cpSync(BUILT, build, { recursive: true })
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
