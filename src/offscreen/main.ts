/**
 * The composition root in the extension: one orchestrator over the web platform, linked to the service worker. It connects when
 * it is started and when it is asked to, never by itself: reconnecting would wake a service worker that has nothing to do. After some idle
 * minutes the document closes itself; files are in their store by then.
 */
import { LIMITS } from '../protocol/limits.ts'
import { LINK_WANTED } from '../protocol/link.ts'
import { Orchestrator } from '../orchestrator/orchestrator.ts'
import { BackgroundLink } from './background-link.ts'
import { webPlatform } from './web-platform.ts'

const orchestrator = new Orchestrator(webPlatform())
let leaving = false
let closing: ReturnType<typeof setTimeout> | undefined

async function leave(): Promise<void> {
  leaving = true
  link.close()
  await orchestrator.dispose()
  window.close()
}

function rest(idle: boolean): void {
  clearTimeout(closing)
  if (idle) closing = setTimeout(() => void leave(), LIMITS.offscreenIdleMs)
}

const link = new BackgroundLink(orchestrator, rest)
chrome.runtime.onMessage.addListener((message: unknown) => {
  if (message === LINK_WANTED && !leaving) link.connect()
})
link.connect()
rest(true)
