/**
 * Drives the built extension in real Chromium, by the ways a person has: the toolbar button, the real popup, the real consent window.
 * The one thing that no test can press is the browser's own question for access to a site; it is answered beforehand.
 */
import { createHash } from 'node:crypto'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { chromium, type BrowserContext, type CDPSession, type Page, type Worker } from '@playwright/test'
import { readChromium } from '../../scripts/bootstrap.mjs'
import type { Choice } from '../../src/protocol/panel.ts'
import { attachTarget, type AttachedTarget } from './attached-target.ts'

const BUILT = fileURLToPath(new URL('../../dist/extension', import.meta.url))

export interface LaunchOptions {
  /** a profile folder that outlives the browser; without it a fresh one is made and removed */
  readonly profile?: string
  readonly args?: readonly string[]
  readonly headless?: boolean
  /** another build of the extension */
  readonly build?: string
  /** folders of other extensions that are loaded, too */
  readonly beside?: readonly string[]
  /** let pages go to the back/forward cache, as browsers do outside of tests */
  readonly backForwardCache?: boolean
}

export async function launchTidepool(options: LaunchOptions = {}): Promise<Tidepool> {
  const { profile, args = [], headless = true, build = BUILT, beside = [], backForwardCache = false } = options
  if (!existsSync(join(build, 'manifest.json')))
    throw new Error(`Cannot start: there is no built extension in ${build}. Run "npm run build:extension".`)
  const folder = profile ?? mkdtempSync(join(tmpdir(), 'tidepool-profile-'))
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: browserPath(),
    headless,
    viewport: null,
    args: [...extensionArguments([build, ...beside]), ...args],
    ignoreDefaultArgs: backForwardCache ? ['--disable-back-forward-cache'] : [],
  })
  const id = await idOf(context, build)
  const browser = context.browser()
  if (!browser) throw new Error('Cannot drive the browser: it has no debugging session')
  return new Tidepool(context, id, await browser.newBrowserCDPSession(), profile === undefined ? folder : undefined)
}

/** The browser that tests drive: the one that the bootstrap chose, or Playwright's own where it has not been run. */
export const browserPath = (): string => readChromium()?.path ?? chromium.executablePath()

/** The id follows from the path of the folder: the first half of its SHA-256, with letters for digits. */
async function idOf(context: BrowserContext, build: string): Promise<string> {
  const digest = createHash('sha256').update(build).digest('hex').slice(0, 32)
  const id = Array.from(digest, (digit) => String.fromCharCode(97 + Number.parseInt(digit, 16))).join('')
  const isOurs = (worker: Worker): boolean => new URL(worker.url()).host === id
  if (!context.serviceWorkers().some(isOurs)) await context.waitForEvent('serviceworker', { predicate: isOurs })
  return id
}

/** What a browser needs to load extensions, also when nothing attaches to it. */
export function extensionArguments(folders: readonly string[] = [BUILT]): string[] {
  const root = process.getuid?.() === 0 ? ['--no-sandbox'] : []
  const list = folders.join(',')
  return [...root, `--disable-extensions-except=${list}`, `--load-extension=${list}`, '--enable-unsafe-extension-debugging']
}

/** A browser with the extension in it. */
export class Tidepool implements AsyncDisposable {
  readonly context: BrowserContext
  readonly id: string
  readonly browser: CDPSession
  readonly #temporary: string | undefined

  constructor(context: BrowserContext, id: string, browser: CDPSession, temporary: string | undefined) {
    this.context = context
    this.id = id
    this.browser = browser
    this.#temporary = temporary
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close()
  }

  async close(): Promise<void> {
    await this.context.close()
    if (this.#temporary !== undefined) rmSync(this.#temporary, { recursive: true, force: true })
  }

  /** The address of one of the extension's own files. */
  address(path: string): string {
    return `chrome-extension://${this.id}/${path}`
  }

  async open(address: string): Promise<Page> {
    const page = await this.context.newPage()
    await page.goto(address)
    return page
  }

  /** The service worker, while it lives. */
  serviceWorker(): Worker | undefined {
    return this.context.serviceWorkers().find((worker) => new URL(worker.url()).host === this.id)
  }

  /** Answers the browser's own question for a site, as its user would: yes. */
  async allowHost(origin: string): Promise<void> {
    await this.#changeHost('addHostPermission', origin)
  }

  /** Takes access to a site back, as the browser's settings page does. */
  async takeHost(origin: string): Promise<void> {
    await this.#changeHost('removeHostPermission', origin)
  }

  async #changeHost(method: 'addHostPermission' | 'removeHostPermission', origin: string): Promise<void> {
    const { protocol, hostname } = new URL(origin)
    const page = await this.open('chrome://extensions')
    await page.evaluate(
      async ([name, id, pattern]) => {
        const { developerPrivate } = chrome as unknown as {
          developerPrivate: Record<string, (id: string, pattern: string) => Promise<void>>
        }
        await developerPrivate[name]!(id, pattern)
      },
      [method, this.id, `${protocol}//${hostname}/*`] as const,
    )
    await page.close()
  }

  /** Presses the toolbar button on the page's tab, and attaches to the real popup that opens. */
  async openPopup(page: Page): Promise<Popup> {
    await page.bringToFront()
    const tab = await this.#tabTarget(page)
    await this.browser.send('Extensions.triggerAction' as never, { id: this.id, targetId: tab } as never)
    const address = this.address('src/popup/index.html')
    const popup = await attachTarget(this.browser, (target) => target.url === address)
    await popup.waitFor('["#site", "#elsewhere"].some((id) => document.querySelector(id)?.hidden === false)')
    return new Popup(popup)
  }

  async #tabTarget(page: Page): Promise<string> {
    const session = await this.context.newCDPSession(page)
    const { targetInfo } = await session.send('Target.getTargetInfo')
    await session.detach()
    const { targetInfos } = await this.browser.send('Target.getTargets', { filter: [{ type: 'tab' }] })
    const tabs = targetInfos.filter((tab) => tab.url === targetInfo.url)
    const tab = tabs.find((one) => one.title === targetInfo.title) ?? tabs[0]
    if (!tab) throw new Error(`Cannot press the toolbar button: there is no tab with ${targetInfo.url}`)
    return tab.targetId
  }

  /** Opens the popup on the page and switches its site on. */
  async switchOn(page: Page): Promise<void> {
    await this.allowHost(new URL(page.url()).origin)
    const popup = await this.openPopup(page)
    await popup.switchTo(true)
    await popup.close()
    await waitForProvider(page)
  }

  /** Opens the popup on the page and makes one choice in it. */
  async choose(page: Page, capability: string, choice: Choice): Promise<void> {
    const popup = await this.openPopup(page)
    await popup.choose(capability, choice)
    await popup.close()
  }

  /** A page with a blank site in it, switched on, with capabilities that stand for this session. */
  async site(origin: string, ...capabilities: string[]): Promise<Page> {
    const page = await this.open(`${origin}/`)
    await this.switchOn(page)
    for (const capability of capabilities) await this.choose(page, capability, 'session')
    return page
  }

  /** A page of a site that was switched on in an earlier life of the browser, which may show it before it has the extension. */
  async revisit(origin: string): Promise<Page> {
    const page = await this.open(`${origin}/`)
    await waitForProvider(page)
    return page
  }

  /** The consent window that is open, or opens next. */
  async consentWindow(): Promise<ConsentWindow> {
    const address = this.address('src/popup/consent.html')
    const isConsent = (page: Page): boolean => page.url().startsWith(address)
    const page = this.context.pages().find(isConsent) ?? (await this.context.waitForEvent('page', { predicate: isConsentSoon(address) }))
    await page.waitForSelector('#question:not([hidden])')
    return new ConsentWindow(page)
  }

  /** Stops the service worker, with whatever it does. The browser starts it again for the next event. */
  async stopServiceWorker(): Promise<void> {
    const { targetInfos } = await this.browser.send('Target.getTargets')
    const target = targetInfos.find(({ type, url }) => type === 'service_worker' && url.startsWith(this.address('')))
    if (target) await this.browser.send('Target.closeTarget', { targetId: target.targetId })
  }

  /** Closes the offscreen document, as the browser does when it needs the memory. */
  async closeOffscreen(): Promise<void> {
    await this.serviceWorker()?.evaluate(async () => await chrome.offscreen.closeDocument())
  }

  /** Ends the whole browser as a power cut does. */
  async kill(): Promise<void> {
    const { processInfo } = await this.browser.send('SystemInfo.getProcessInfo')
    const browser = processInfo.find(({ type }) => type === 'browser')
    if (!browser) throw new Error('Cannot kill the browser: it does not say its process id')
    const closed = new Promise((resolve) => this.context.once('close', resolve))
    process.kill(browser.id, 'SIGKILL')
    await closed
  }
}

async function waitForProvider(page: Page): Promise<void> {
  await page.waitForFunction(() => 'btcp' in window)
  await page.evaluate(async () => await (window as unknown as { btcp: { ready: Promise<void> } }).btcp.ready)
}

/** A new window has no address at first. */
function isConsentSoon(address: string): (page: Page) => Promise<boolean> {
  return async (page) => {
    await page.waitForURL((url) => url.href.startsWith(address), { timeout: 5_000 }).catch(() => undefined)
    return page.url().startsWith(address)
  }
}

/** The real popup. Playwright does not see it, so it is driven over the debugging protocol. */
export class Popup {
  readonly target: AttachedTarget
  constructor(target: AttachedTarget) {
    this.target = target
  }

  async switchTo(on: boolean): Promise<void> {
    if (!(await this.target.evaluate<boolean>(`document.querySelector('#switch').checked === ${on}`))) await this.target.click('#switch')
    await this.target.waitFor(`document.querySelector('#switch').checked === ${on} && document.querySelector('#rights').hidden === ${!on}`)
  }

  async choose(capability: string, choice: Choice): Promise<void> {
    const input = `li[data-capability="${capability}"] input[value="${choice}"]`
    await this.target.waitFor(`document.querySelector('${input}')`)
    await this.target.click(input)
    await this.target.waitFor(`document.querySelector('${input}').checked`)
    await this.settled()
  }

  /** What stands in the service worker, by capability. */
  async choices(): Promise<Record<string, string>> {
    return await this.target.evaluate(
      `Object.fromEntries([...document.querySelectorAll('li[data-capability]')].map((row) => [row.dataset.capability, row.querySelector('input:checked')?.value]))`,
    )
  }

  /** Waits until the service worker has answered what was pressed. */
  async settled(): Promise<void> {
    await this.target.evaluate(`chrome.runtime.sendMessage({ t: 'site', origin: document.querySelector('#origin').textContent })`)
  }

  async screenshot(path: string): Promise<void> {
    await this.target.screenshot(path)
  }

  async close(): Promise<void> {
    await this.target.close()
  }
}

export class ConsentWindow {
  readonly page: Page
  constructor(page: Page) {
    this.page = page
  }

  async choose(capability: string, choice: Choice): Promise<void> {
    await this.page.locator(`li[data-capability="${capability}"] input[value="${choice}"]`).check({ force: true })
  }

  /** Presses the button as soon as it is armed, and waits until the window is gone. */
  async press(button: 'allow' | 'deny'): Promise<void> {
    const closed = this.page.waitForEvent('close')
    // The window may be gone before the click has ended.
    await this.page.click(`#${button}`).catch((error: unknown) => {
      if (!this.page.isClosed()) throw error
    })
    await closed
  }
}
