/**
 * `npm run demo`: builds the extension, serves this folder at http://demo.localhost, opens Chromium with the extension on it. With a
 * display a person goes through the steps; with --headless, or without a display, this script presses every button itself: the
 * toolbar button, the switch in the real popup, the real consent window. It exits with 1 and says which step failed.
 */
import { execFileSync } from 'node:child_process'
import { createReadStream, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import type { Page } from '@playwright/test'
import { zipSync } from 'fflate'
import { launchTidepool, type Tidepool } from '../tests/support/extension.ts'
import { makeRequests } from './sample.js'

const HELP = `npm run demo [-- OPTIONS]

Opens Chromium with the extension and the demo page.

  --headless          no window: every step is done and checked by itself (the default without a display)
  --screenshots DIR   where the pictures go (default: .cache/demo)
  --help              this text`

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const TOOL = join(ROOT, 'wasm', 'sdk-as', 'examples', 'page-statistics')
const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript' }

/** The tool of the last step, as its author gives it away. */
function toolZip(): Uint8Array {
  const files = ['manifest.json', 'README.md', 'tool.wasm']
  return zipSync(Object.fromEntries(files.map((name) => [name, new Uint8Array(readFileSync(join(TOOL, name)))])))
}

async function serveDemo(): Promise<Server> {
  const server = createServer((request, response) => {
    const path = normalize(new URL(request.url ?? '/', 'http://demo').pathname)
    if (path === '/page-statistics.zip') {
      response.writeHead(200, { 'content-type': 'application/zip' }).end(toolZip())
      return
    }
    const file = join(ROOT, 'demo', path === '/' ? 'index.html' : path)
    const type = TYPES[extname(file)]
    if (type === undefined || !existsSync(file)) {
      response.writeHead(404).end('There is nothing here.')
      return
    }
    response.writeHead(200, { 'content-type': `${type}; charset=utf-8` })
    createReadStream(file).pipe(response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

/** One line a step, with the time since the start. */
function say(text: string): void {
  console.log(`${(performance.now() / 1000).toFixed(1).padStart(5)} s  ${text}`)
}

class StepFailed extends Error {}

function expect(is: boolean, text: string): void {
  if (!is) throw new StepFailed(text)
}

/** The steps of the page, pressed as a person would. */
class Walk {
  readonly #tidepool: Tidepool
  readonly #page: Page
  readonly #pictures: string

  constructor(tidepool: Tidepool, page: Page, pictures: string) {
    this.#tidepool = tidepool
    this.#page = page
    this.#pictures = pictures
  }

  async all(): Promise<void> {
    await this.#before()
    await this.#switchOn()
    await this.#grant()
    await this.#put()
    await this.#run()
    await this.#draw()
    await this.#denied()
    await this.#tool()
    await this.#activity()
    await this.#picture('page')
  }

  async #before(): Promise<void> {
    expect(!(await this.#page.evaluate(() => 'btcp' in window)), 'the page can see Tidepool before it was switched on')
    say('before the switch the page cannot see Tidepool')
  }

  async #switchOn(): Promise<void> {
    await this.#tidepool.allowHost(new URL(this.#page.url()).origin)
    const popup = await this.#tidepool.openPopup(this.#page)
    await popup.switchTo(true)
    await popup.screenshot(join(this.#pictures, 'popup.png'))
    await popup.close()
    say(`1  switched on in the popup: ${await this.#verdict('check', 'switch')}`)
  }

  async #grant(): Promise<void> {
    await this.#page.click('#grant')
    const consent = await this.#tidepool.consentWindow()
    await consent.page.waitForSelector('#allow:not([disabled])')
    await consent.page.screenshot({ path: join(this.#pictures, 'consent.png') })
    await consent.press('allow')
    say(`2  allowed in the consent window: ${await this.#verdict('grant', 'grant')}`)
  }

  async #put(): Promise<void> {
    await this.#page.click('#put')
    say(`3  put the file: ${await this.#verdict('put', 'file')}`)
  }

  async #run(): Promise<void> {
    const failed = makeRequests(20_000)
      .split('\n')
      .filter((line) => line.endsWith('error')).length
    for (const question of await this.#page.locator('#presets button').all()) {
      await question.click()
      await this.#page.click('#run')
      const verdict = await this.#verdict('run', 'run')
      const output = (await this.#page.textContent('#output')) ?? ''
      say(`4  ${await question.textContent()}  $ ${await this.#page.inputValue('#command')}`)
      for (const line of output.trimEnd().split('\n')) console.log(`         ${line}`)
      say(`   ${verdict}`)
      if ((await question.textContent()) === 'How many requests failed?')
        expect(output.trim() === String(failed), `the pipeline counted ${output.trim()} failed requests, the page made ${failed}`)
    }
  }

  /** Twice: the second drawing finds the interpreter, and must draw the same. */
  async #draw(): Promise<void> {
    const sources: (string | null)[] = []
    for (const which of ['first', 'second']) {
      await this.#page.click('#draw')
      await this.#page.locator('output[for="draw"]').filter({ hasNotText: 'Drawing' }).waitFor({ timeout: 120_000 })
      const verdict = await this.#verdict('draw', 'figure')
      expect(verdict.startsWith('Value /checkout,'), `Python finds that another page fails most: ${verdict}`)
      const figure = this.#page.locator('#figure')
      const width = await figure.evaluate(async (image: HTMLImageElement) => {
        await image.decode()
        return image.naturalWidth
      })
      expect(width > 500, `the figure is ${width} pixels wide`)
      sources.push(await figure.getAttribute('src'))
      say(`5  drew the ${which} figure, ${width} pixels wide: ${verdict}`)
    }
    expect(sources[0] === sources[1], 'the same code drew two different figures')
    await this.#page.locator('#step-figure').screenshot({ path: join(this.#pictures, 'figure.png') })
  }

  async #denied(): Promise<void> {
    await this.#page.click('#deny')
    const verdict = await this.#verdict('deny', 'denied')
    for (const attempt of await this.#page.locator('#attempts li').allInnerTexts()) say(`6  ${attempt.replace('\n', ': ')}`)
    say(`   ${verdict}`)
  }

  /** The tool's file goes the way of a person's: popup, page of tools, what it asks for, Install; what stayed denied is asked at the call. */
  async #tool(): Promise<void> {
    const popup = await this.#tidepool.openPopup(this.#page)
    const opened = this.#page.context().waitForEvent('page')
    await popup.target.click('#tools')
    const tools = await opened
    await tools.setInputFiles('#files', { name: 'page-statistics.zip', mimeType: 'application/zip', buffer: Buffer.from(toolZip()) })
    const card = tools.locator('[data-package="page-statistics"]')
    await tools.setViewportSize({ width: 900, height: 700 })
    await card.locator('li[data-capability="dom:read"] input[value="session"]').check({ force: true })
    await tools.screenshot({ path: join(this.#pictures, 'tools.png'), fullPage: true })
    await card.getByRole('button', { name: 'Install' }).click()
    await tools.locator('[data-tool="page_statistics"]').waitFor()
    await tools.close()
    await this.#page.bringToFront()
    const counted = await this.#page.evaluate(() => document.querySelectorAll('h1, h2, h3, h4, h5, h6').length)
    await this.#page.click('#tool')
    const consent = await this.#tidepool.consentWindow()
    await consent.page.waitForSelector('#allow:not([disabled])')
    await consent.page.screenshot({ path: join(this.#pictures, 'consent-tool.png') })
    await consent.press('allow')
    const verdict = await this.#verdict('tool', 'tool')
    expect(verdict.includes(`${counted} headings`), `the page has ${counted} headings, the tool says: ${verdict}`)
    say(`7  installed a tool and called it: ${verdict}`)
  }

  async #activity(): Promise<void> {
    const audit = await this.#tidepool.open(this.#tidepool.address('src/popup/audit.html'))
    await audit.setViewportSize({ width: 1280, height: 400 })
    await audit.waitForSelector('#rows tr')
    await audit.screenshot({ path: join(this.#pictures, 'activity.png') })
    await audit.close()
    await this.#page.bringToFront()
  }

  /** Waits until the step's button has its verdict, and throws when it is not a good one or the step is not done. */
  async #verdict(button: string, step: string): Promise<string> {
    const output = this.#page.locator(`output[for="${button}"]`)
    await output.and(this.#page.locator('[data-kind="good"], [data-kind="bad"]')).waitFor({ timeout: 60_000 })
    const text = (await output.textContent()) ?? ''
    expect((await output.getAttribute('data-kind')) === 'good', text)
    const done = (await this.#page.getAttribute('body', 'data-step'))?.split(' ') ?? []
    expect(done.includes(step), `step "${step}" is not done: ${text}`)
    return text
  }

  async #picture(name: string): Promise<void> {
    await this.#page.screenshot({ path: join(this.#pictures, `${name}.png`), fullPage: true })
  }
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { headless: { type: 'boolean' }, screenshots: { type: 'string' }, help: { type: 'boolean' } },
  })
  if (values.help) {
    console.log(HELP)
    return 0
  }
  const hasDisplay = process.platform !== 'linux' || (process.env['DISPLAY'] ?? process.env['WAYLAND_DISPLAY'] ?? '') !== ''
  const headless = values.headless ?? !hasDisplay
  const pictures = values.screenshots ?? join(ROOT, '.cache', 'demo')
  mkdirSync(pictures, { recursive: true })
  say('building the extension')
  execFileSync('npm', ['run', '--silent', 'build:extension'], { cwd: ROOT, stdio: ['ignore', 'ignore', 'inherit'] })
  const server = await serveDemo()
  const address = `http://demo.localhost:${(server.address() as AddressInfo).port}/`
  await using tidepool = await launchTidepool({ headless })
  const page = await tidepool.open(address)
  say(`Chromium shows ${address}`)
  try {
    if (headless) await new Walk(tidepool, page, pictures).all()
    else await untilClosed(tidepool)
  } finally {
    server.closeAllConnections()
    server.close()
  }
  if (headless) say(`all steps done; pictures are in ${pictures}`)
  return 0
}

async function untilClosed(tidepool: Tidepool): Promise<void> {
  say('go through the steps on the page; close the browser when you are done')
  await new Promise((resolve) => tidepool.context.once('close', resolve))
}

process.exitCode = await main().catch((error: unknown) => {
  if (error instanceof StepFailed) console.error(`The demo failed: ${error.message}`)
  else console.error(error)
  return 1
})
