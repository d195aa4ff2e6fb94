/**
 * The service worker's entry: every listener is set in the first turn, since the browser starts this worker to deliver one event
 * and stops it when it likes. What must survive is in storage (state.ts) and in the audit.
 */
import browser from 'webextension-polyfill'
import { rotateLog } from './log-rotation.ts'
import { turnOff } from './rights.ts'
import { onConnect, onMessage } from './router.ts'
import { injectAll, registerScripts, sitesWithoutHost } from './sites.ts'
import { closeStorage } from './state.ts'

chrome.runtime.onConnect.addListener(onConnect)
chrome.runtime.onMessage.addListener(onMessage)
browser.runtime.onInstalled.addListener(() => void settle())
browser.runtime.onStartup.addListener(() => void settle())
browser.permissions.onRemoved.addListener(() => void dropSites())
void closeStorage()
void rotateLog()

/** After an installation, an update or a start of the browser: what the browser holds follows from what we hold. */
async function settle(): Promise<void> {
  await dropSites()
  await registerScripts()
  await injectAll()
}

/** Access to a site was taken back in the browser's settings: that is the switch turned off. */
async function dropSites(): Promise<void> {
  for (const origin of await sitesWithoutHost()) await turnOff(origin)
}
