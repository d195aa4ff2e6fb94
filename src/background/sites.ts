/**
 * The site switch: which origins are on, and the content scripts that follow from it. A script is registered for exactly the
 * origins that are on (scheme, host and port) and injected into their open documents at once, so that no reload is asked.
 * On a site that is off nothing of ours runs.
 */
import browser from 'webextension-polyfill'
import { isRecord } from '../protocol/parse.ts'
import { parseOrigin, type Origin } from '../protocol/principal.ts'
import inpageScript from '../content/inpage.iife.ts?script'
import bridgeScript from '../content/main.iife.ts?script'
import { Row } from './state.ts'

type Enabled = Readonly<Record<Origin, number>>

function parseEnabled(stored: unknown): Enabled {
  const out: Record<Origin, number> = {}
  for (const [key, since] of Object.entries(isRecord(stored) ? stored : {})) {
    const origin = parseOrigin(key)
    if (origin && typeof since === 'number') out[origin] = since
  }
  return out
}

const enabled = new Row<Enabled>('local', 'sites', parseEnabled)

export const isSiteOn = async (origin: Origin): Promise<boolean> => Object.hasOwn(await enabled.read(), origin)
export const sitesOn = async (): Promise<Origin[]> => Object.keys(await enabled.read()) as Origin[]

/** The permission that the popup asks the browser for. It has no port: browsers grant hosts. */
export function hostPattern(origin: Origin): string {
  const { protocol, hostname } = new URL(origin)
  return `${protocol}//${hostname}/*`
}

const hasHost = async (origin: Origin): Promise<boolean> => await browser.permissions.contains({ origins: [hostPattern(origin)] })

/** Switches the site on: it has the browser's permission by now, or this throws. */
export async function switchOn(origin: Origin): Promise<void> {
  if (!(await hasHost(origin))) throw new Error(`Cannot switch on ${origin}: the browser has not given access to this site`)
  await enabled.write({ ...(await enabled.read()), [origin]: Date.now() })
  await registerScripts()
  for (const tabId of await tabsOf(origin)) await inject(tabId)
}

export async function switchOff(origin: Origin): Promise<void> {
  const { [origin]: _, ...rest } = await enabled.read()
  await enabled.write(rest)
  await registerScripts()
}

/** Sites that are on though the browser no longer gives access to them (taken back in its settings). */
export async function sitesWithoutHost(): Promise<Origin[]> {
  const out: Origin[] = []
  for (const origin of await sitesOn()) if (!(await hasHost(origin))) out.push(origin)
  return out
}

/** Makes the browser's registered scripts follow from the switch; they stay over a restart of the browser. What is right already is
 *  left alone, so that no document that loads meanwhile goes without. */
export async function registerScripts(): Promise<void> {
  const matches = (await sitesOn()).map((origin) => `${origin}/*`)
  const common = { matches, runAt: 'document_start', allFrames: false, persistAcrossSessions: true } as const
  const wanted = [
    { ...common, id: 'bridge', js: [bridgeScript], world: 'ISOLATED' as const },
    { ...common, id: 'inpage', js: [inpageScript], world: 'MAIN' as const },
  ]
  const registered = await chrome.scripting.getRegisteredContentScripts()
  if (matches.length === 0) {
    if (registered.length > 0) await chrome.scripting.unregisterContentScripts()
  } else if (registered.length !== wanted.length) {
    if (registered.length > 0) await chrome.scripting.unregisterContentScripts()
    await chrome.scripting.registerContentScripts(wanted)
  } else if (!registered.every((script) => isSame(script, wanted))) await chrome.scripting.updateContentScripts(wanted)
}

type Script = chrome.scripting.RegisteredContentScript
const listed = (list: readonly string[] = []): string =>
  list
    .map((item) => item.replace(/^\//, ''))
    .toSorted()
    .join(' ')
const isSame = (script: Script, wanted: readonly Script[]): boolean =>
  wanted.some(({ id, js, matches }) => id === script.id && listed(js) === listed(script.js) && listed(matches) === listed(script.matches))

/** Puts the scripts into every open document of a site that is on. A browser that starts can show documents before it has this
 *  extension; those that have the scripts already notice nothing. */
export async function injectAll(): Promise<void> {
  for (const origin of await sitesOn()) for (const tabId of await tabsOf(origin)) await inject(tabId)
}

async function tabsOf(origin: Origin): Promise<number[]> {
  const tabs = await browser.tabs.query({ url: `${origin}/*` })
  return tabs.flatMap((tab) => (tab.id === undefined ? [] : [tab.id]))
}

/** Puts both scripts into the tab's top document. One that is gone by now, or an error page, has nothing to be told. */
async function inject(tabId: number): Promise<void> {
  const target = { tabId, frameIds: [0] }
  try {
    await chrome.scripting.executeScript({ target, files: [bridgeScript], world: 'ISOLATED', injectImmediately: true })
    await chrome.scripting.executeScript({ target, files: [inpageScript], world: 'MAIN', injectImmediately: true })
  } catch (error) {
    console.warn('Cannot inject into an open tab:', error instanceof Error ? error.message : error)
  }
}

/** Asks the documents of a site that have no Port to connect, so that they hear what changed. */
export async function wakeDocuments(origin: Origin, connected: ReadonlySet<number>): Promise<void> {
  if (!(await hasHost(origin))) return
  for (const tabId of await tabsOf(origin))
    if (!connected.has(tabId)) await browser.tabs.sendMessage(tabId, 'connect', { frameId: 0 }).catch(() => undefined)
}
