/** The main job: a page writes a large file, programs of the cell read it as the machine's own do, and it is there after a restart. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, type Page } from '@playwright/test'
import { run } from '../support/btcp.ts'
import { launchTidepool, type Tidepool } from '../support/extension.ts'
import { serveSites, type SiteServer } from '../support/site-server.ts'

const SIZE = 50 * 1024 * 1024
const PART = 7 * 1024 * 1024
const LEVELS = ['info', 'info', 'info', 'warning', 'error', 'debug', 'info']

/** A log as CSV, always the same: time, level, service, status, a number and a text with letters beyond ASCII. */
function csv(bytes: number): Buffer {
  const lines: string[] = []
  let length = 0
  let seed = 42
  const next = (n: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0
    return seed % n
  }
  for (let i = 0; length < bytes; i += 1) {
    const line = `2026-11-${String(1 + (i % 28)).padStart(2, '0')},${LEVELS[next(7)]},service-${next(40)},${200 + next(300)},${next(1_000_000)},entry ${i} für Größe\n`
    lines.push(line)
    length += Buffer.byteLength(line)
  }
  return Buffer.from(lines.join(''))
}

// One file, one browser after the other: what fails first is what is wrong.
test.describe.configure({ mode: 'serial' })
let sites: SiteServer
let profile: string
let folder: string
let tidepool: Tidepool
let page: Page
let data: Buffer

test.beforeAll(async () => {
  sites = await serveSites()
  profile = mkdtempSync(join(tmpdir(), 'tidepool-files-'))
  folder = mkdtempSync(join(tmpdir(), 'tidepool-native-'))
  data = csv(SIZE)
  writeFileSync(join(folder, 'data.csv'), data)
  sites.route('/data', (request, response) => {
    const from = Number(new URL(request.url ?? '', 'http://x').searchParams.get('from'))
    response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(data.subarray(from, from + PART))
  })
  tidepool = await launchTidepool({ profile })
  page = await tidepool.site(sites.origin('app'))
  for (const capability of ['vfs:write', 'shell:run']) await tidepool.choose(page, capability, 'always')
})
test.afterAll(async () => {
  await tidepool.close()
  await sites[Symbol.asyncDispose]()
  for (const path of [profile, folder]) rmSync(path, { recursive: true, force: true })
})

const native = (command: string): string =>
  execFileSync('bash', ['-c', command], { cwd: folder, encoding: 'utf8', env: { ...process.env, LC_ALL: 'C.UTF-8' } })
const COMMANDS = [
  'cat data.csv | grep error | wc -l',
  'cut -d, -f2,3 data.csv | sort | uniq -c | sort -rn | head',
  'sha256sum data.csv',
  'wc data.csv',
  'tail -n 2 data.csv',
]

test('a page writes a CSV of 50 MB in parts', async () => {
  test.setTimeout(120_000)
  const size = await page.evaluate(
    async ([total, part]) => {
      let size = 0
      for (let from = 0; from < total; from += part) {
        const bytes = new Uint8Array(await (await fetch(`/data?from=${from}`)).arrayBuffer())
        let content = ''
        for (let i = 0; i < bytes.length; i += 32_766) content += btoa(String.fromCharCode(...bytes.subarray(i, i + 32_766)))
        const mode = from === 0 ? 'replace' : 'append'
        const written = (await window.btcp.call('fs_write', { path: 'data.csv', content, encoding: 'base64', mode })) as { size: number }
        size = written.size
      }
      return size
    },
    [data.length, PART] as const,
  )
  expect(size).toBe(data.length)
})

for (const command of COMMANDS)
  test(`the cell answers as the machine does: ${command}`, async () => {
    test.setTimeout(120_000)
    const { stdout, stderr, exitCode } = await run(page, command, { timeoutMs: 100_000 })
    expect({ stdout, stderr, exitCode }).toEqual({ stdout: native(command), stderr: '', exitCode: 0 })
  })

test('the file is there after the browser was closed and started again', async () => {
  test.setTimeout(120_000)
  await tidepool.close()
  tidepool = await launchTidepool({ profile })
  page = await tidepool.revisit(sites.origin('app'))
  const { stdout } = await run(page, 'sha256sum data.csv')
  expect(stdout).toBe(native('sha256sum data.csv'))
})

test('another site has a computer of its own', async () => {
  const other = await tidepool.site(sites.origin('other'), 'shell:run')
  const { stdout, exitCode } = await run(other, 'cat data.csv; echo * /tmp/*')
  expect([stdout, exitCode]).toEqual(['* /tmp/*\n', 0])
  await other.close()
})
