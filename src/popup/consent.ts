/**
 * The consent window: one request of one site. Its buttons arm some time after the window has come to the front, and again each
 * time it comes back, so that a click meant for the page below is none here. Escape, closing and Deny all say no.
 */
import browser from 'webextension-polyfill'
import { LIMITS } from '../protocol/limits.ts'
import {
  CONSENT_PORT,
  type CapabilityState,
  type Choice,
  type ConsentQuestion,
  type FromConsent,
  type ToConsent,
} from '../protocol/panel.ts'
import { capabilityRow } from './capability-row.ts'
import { byId } from './element.ts'
import { harmless } from './foreign-text.ts'
import { showOrigin } from './origin.ts'

const allow = byId<HTMLButtonElement>('allow')
const deny = byId<HTMLButtonElement>('deny')
const port = browser.runtime.connect({ name: CONSENT_PORT })
const send = (message: FromConsent): void => port.postMessage(message)
const choices = new Map<string, Choice>()

port.onMessage.addListener((message) => {
  const received = message as ToConsent
  if (received.t === 'question') show(received.question)
  else end()
})
port.onDisconnect.addListener(end)
const beat = setInterval(() => send({ t: 'beat' }), LIMITS.beatMs)

/** So much of a hash is shown: enough to tell two apart, short enough to be read. */
const SHOWN_HASH = 12

function show({ origin, tool, package: installed, reason, capabilities }: ConsentQuestion): void {
  showOrigin(byId('origin'), origin)
  byId('asks').textContent = asks(tool, installed !== undefined)
  byId('package').hidden = installed === undefined
  byId('package-name').textContent = harmless(`${installed?.name} ${installed?.version}`)
  byId('package-hash').textContent = `${installed?.sha256.slice(0, SHOWN_HASH)}…`
  byId('wants').textContent = installed ? 'The tool wants to …' : 'It wants to …'
  if (reason !== undefined) byId('reason-text').textContent = harmless(reason)
  byId('reason').hidden = reason === undefined
  byId('capabilities').replaceChildren(...capabilities.map(row))
  byId('question').hidden = false
  arm()
}

function asks(tool: string | undefined, isInstalled: boolean): string {
  if (tool === undefined) return 'This site asks for your permission.'
  if (!isInstalled) return `This site asks for your permission to use the tool "${tool}".`
  return `This site asks for your permission for the tool "${tool}". It is not part of Tidepool: somebody else made it, and you installed it here. What you choose is given to this tool only.`
}

function row(state: CapabilityState): HTMLLIElement {
  const chosen = usual(state)
  choices.set(state.capability, chosen)
  return capabilityRow(state, chosen, (choice) => choices.set(state.capability, choice))
}

/** What is chosen to begin with: what stands, else the shortest of the usual durations. */
function usual({ choice, offer }: CapabilityState): Choice {
  if (choice !== 'deny') return choice
  return offer.find((duration) => duration !== 'site') ?? 'session'
}

let arming: ReturnType<typeof setTimeout> | undefined

function arm(): void {
  clearTimeout(arming)
  allow.disabled = deny.disabled = true
  if (document.visibilityState !== 'visible') return
  send({ t: 'shown' })
  // A little more than the service worker asks for, so that a click on a button that is armed here is not refused there.
  arming = setTimeout(() => (allow.disabled = deny.disabled = false), LIMITS.consentArmMs + 50)
}

function answer(given: ReadonlyMap<string, Choice>): void {
  send({ t: 'answer', choices: Object.fromEntries(given) })
}

function end(): void {
  clearInterval(beat)
  byId('question').hidden = true
  byId('over').hidden = false
}

const denyAll = (): void => answer(new Map([...choices.keys()].map((capability) => [capability, 'deny'])))
allow.addEventListener('click', () => answer(choices))
deny.addEventListener('click', denyAll)
addEventListener('focus', arm)
document.addEventListener('visibilitychange', arm)
addEventListener('keydown', ({ key }) => {
  if (key === 'Escape') window.close()
})
