/** The contract suites of tables and store over real IndexedDB, in a plain page of Chromium: they need nothing of the extension. */
import { chromium, expect, test } from '@playwright/test'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import { browserPath } from '../support/extension.ts'
import { serveSites } from '../support/site-server.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

async function bundle(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tidepool-store-'))
  await build({
    root: ROOT,
    configFile: false,
    logLevel: 'warn',
    build: {
      outDir: folder,
      emptyOutDir: true,
      lib: { entry: 'tests/extension/store-page.ts', formats: ['es'], fileName: () => 'page.js' },
    },
  })
  const script = readFileSync(join(folder, 'page.js'), 'utf8')
  await rm(folder, { recursive: true })
  return script
}

test('IndexedDB in Chromium keeps the contract of tables and store', async () => {
  test.setTimeout(180_000)
  await using sites = await serveSites()
  const script = await bundle()
  sites.route('/page.js', (_, response) => response.writeHead(200, { 'content-type': 'text/javascript' }).end(script))
  sites.route('/store', '<!doctype html><title>store</title><script type="module" src="/page.js"></script>')
  const browser = await chromium.launch({
    executablePath: browserPath(),
    args: ['--no-sandbox'],
  })
  try {
    const page = await browser.newPage()
    await page.goto(`${sites.origin('store')}/store`)
    await page.waitForFunction(() => 'storeContract' in window)
    const { passed, failed } = await page.evaluate(() => window.storeContract())
    expect(failed).toEqual([])
    expect(passed.length).toBeGreaterThanOrEqual(23)
  } finally {
    await browser.close()
  }
})
