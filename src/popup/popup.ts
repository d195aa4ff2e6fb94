/**
 * The popup: the switch of the site in the active tab, and one row a capability. The browser's own question for access to the
 * site must be asked inside the click, so the switch asks first and tells the service worker after it.
 */
import browser from 'webextension-polyfill'
import type { SiteState } from '../protocol/panel.ts'
import { parseOrigin } from '../protocol/principal.ts'
import { ask } from './ask.ts'
import { capabilityRow } from './capability-row.ts'
import { byId } from './element.ts'
import { showOrigin } from './origin.ts'

const toggle = byId<HTMLInputElement>('switch')

function show(state: SiteState): void {
  const { origin, on, capabilities, silenced, tools } = state
  const refocus = keepFocus()
  showOrigin(byId('origin'), origin)
  toggle.checked = on
  byId('switch-text').textContent = on ? 'On for this site' : 'Off for this site'
  byId('off-note').hidden = on
  byId('silenced').hidden = !silenced
  byId('rights').hidden = !on
  byId('tools-count').textContent = tools === 0 ? '' : `${tools} installed`
  byId('revoke').hidden = capabilities.every(({ choice }) => choice === 'deny')
  byId('capabilities').replaceChildren(
    ...capabilities.map((capability) =>
      capabilityRow(capability, capability.choice, (choice) =>
        act(ask({ t: 'choose', origin, capability: capability.capability, choice })),
      ),
    ),
  )
  byId('site').hidden = false
  current = state
  refocus()
}

/** The control that has the focus, to be found again after the rows were drawn anew. */
function keepFocus(): () => void {
  const { activeElement } = document
  if (!(activeElement instanceof HTMLInputElement) || activeElement.type !== 'radio') return () => undefined
  const selector = `input[name="${CSS.escape(activeElement.name)}"][value="${activeElement.value}"]`
  return () => document.querySelector<HTMLElement>(selector)?.focus()
}

let current: SiteState | undefined

/** Shows what the worker answers, or why it did not, and then what really stands. */
function act(answer: Promise<SiteState>): void {
  byId('error').hidden = true
  void answer.then(show, async (error: unknown) => {
    byId('error').textContent = error instanceof Error ? error.message : String(error)
    byId('error').hidden = false
    if (current) show(await ask({ t: 'site', origin: current.origin }))
  })
}

toggle.addEventListener('change', () => {
  if (!current) return
  const { origin, hostPattern } = current
  act(toggle.checked ? switchOn(origin, hostPattern) : ask({ t: 'switch', origin, on: false }))
})

async function switchOn(origin: string, hostPattern: string): Promise<SiteState> {
  const allowed = await browser.permissions.request({ origins: [hostPattern] })
  if (!allowed) throw new Error('The browser was not allowed to give Tidepool access to this site, so it stays off.')
  return await ask({ t: 'switch', origin, on: true })
}

byId('revoke').addEventListener('click', () => {
  if (!current) return
  const { origin, capabilities } = current
  act(denyAll(origin, capabilities))
})

/** In a tab of its own: a popup closes when a file dialog opens. */
for (const page of ['wheels', 'tools'] as const)
  byId(page).addEventListener('click', () => {
    if (!current) return
    const query = new URLSearchParams({ origin: current.origin })
    void browser.tabs.create({ url: `src/popup/${page}.html?${query}` }).then(() => window.close())
  })

async function denyAll(origin: string, capabilities: SiteState['capabilities']): Promise<SiteState> {
  for (const { capability, choice } of capabilities) if (choice !== 'deny') await ask({ t: 'choose', origin, capability, choice: 'deny' })
  return await ask({ t: 'site', origin })
}

async function start(): Promise<void> {
  const [tab] = await browser.tabs.query({ active: true, currentWindow: true })
  const origin = tab?.url !== undefined && URL.canParse(tab.url) ? parseOrigin(new URL(tab.url).origin) : undefined
  if (origin) act(ask({ t: 'site', origin }))
  else byId('elsewhere').hidden = false
}

/** What stands may change while the popup is open: a call takes what was given once, another window decides. */
browser.storage.onChanged.addListener(() => {
  if (current) void ask<SiteState>({ t: 'site', origin: current.origin }).then(show)
})

void start()
