/** A command that says nothing for 45 s, in a browser that no debugger is attached to: one would keep the service worker alive. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { browserPath, extensionArguments, launchTidepool } from '../support/extension.ts'
import { serveSites } from '../support/site-server.ts'

const SILENCE = 45

/** A page that calls by itself, and tells the server what it got. */
const CALLING = `<!doctype html><title>calling</title><script>
  // The browser may show a document before it has the extension, and brings the provider then.
  void (async () => {
    if (!('btcp' in window)) await new Promise((resolve) => addEventListener('btcp:ready', resolve))
    await btcp.ready
    const started = performance.now()
    const answer = await btcp.call('shell_run', { command: 'sleep ${SILENCE}; echo awake', timeoutMs: 120000 }).then(
      ({ stdout, stderr, exitCode }) => ({ stdout, stderr, exitCode }),
      ({ code, message }) => ({ code, message }),
    )
    await fetch('/answer', { method: 'POST', body: JSON.stringify({ ...answer, seconds: (performance.now() - started) / 1000 }) })
  })()
</script>`

/** Chromium as a person starts it: no debugging port, nothing attached. */
function startUnattached(profile: string, address: string): ChildProcess {
  const args = [
    '--headless=new',
    `--user-data-dir=${profile}`,
    '--no-first-run',
    '--password-store=basic',
    '--use-mock-keychain',
    ...extensionArguments(),
    address,
  ]
  return spawn(browserPath(), args, { stdio: 'ignore', detached: true })
}

test(`a command that is silent for ${SILENCE} s answers in a browser that nothing is attached to`, async () => {
  test.setTimeout(150_000)
  await using sites = await serveSites()
  const profile = mkdtempSync(join(tmpdir(), 'tidepool-silent-'))
  const prepared = await launchTidepool({ profile })
  const page = await prepared.site(sites.origin('silent'))
  await prepared.choose(page, 'shell:run', 'always')
  await prepared.close()

  const { promise: answered, resolve } = Promise.withResolvers<unknown>()
  sites.route('/calling', CALLING)
  sites.route('/answer', (request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      response.writeHead(204).end()
      resolve(JSON.parse(body))
    })
  })
  const browser = startUnattached(profile, `${sites.origin('silent')}/calling`)
  try {
    const late = new Promise((_, reject) => setTimeout(() => reject(new Error('The page never told an answer')), 120_000))
    const answer = (await Promise.race([answered, late])) as { seconds: number }
    expect(answer).toMatchObject({ stdout: 'awake\n', stderr: '', exitCode: 0 })
    expect(answer.seconds).toBeGreaterThan(SILENCE)
  } finally {
    const gone = new Promise((done) => browser.once('exit', done))
    if (browser.pid !== undefined) process.kill(-browser.pid, 'SIGTERM')
    await gone
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
  }
})
