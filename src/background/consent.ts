/**
 * Consent: a site's request for capabilities becomes one window of the extension, never HTML of the page. One window a site at a
 * time; closing it is a denial; an answer that comes before the buttons are armed is none. Three denials silence a site until
 * the browser closes. A page that goes away, or takes its request back, closes its window.
 */
import browser from 'webextension-polyfill'
import { capabilityRow, type Capability } from '../protocol/capability.ts'
import { BtcpError } from '../protocol/error.ts'
import type { InstalledTool } from '../protocol/installed-tool.ts'
import { LIMITS } from '../protocol/limits.ts'
import type { Choice, ConsentQuestion, FromConsent, ToConsent } from '../protocol/panel.ts'
import type { Origin } from '../protocol/principal.ts'
import type { Transport } from '../protocol/transport.ts'
import { grantsOf, lastUsed, principalOf, snapshotOf } from './grants.ts'
import { SiteRows } from './state.ts'

const WINDOW = { width: 480, height: 640 }
const CHOICES: readonly Choice[] = ['deny', 'once', 'session', 'always']

export type Choices = ReadonlyMap<Capability, Choice>

interface Prompt {
  readonly question: ConsentQuestion
  readonly answer: (choices: Choices) => void
  windowId?: number
  /** when the window was last brought up; buttons arm some time after it */
  shownAt: number
}

const prompts = new Map<string, Prompt>()
/** the sites with a question that is open */
const asking = new Set<Origin>()
const denials = new SiteRows('session', 'denials', (stored) => (typeof stored === 'number' ? stored : 0))

export const isSilenced = async (origin: Origin): Promise<boolean> => (await denials.of(origin).read()) >= LIMITS.consentDenials
/** The person has dealt with the site in the popup: it may ask again. */
export const forgetDenials = async (origin: Origin): Promise<void> => await denials.of(origin).write(0)

/** Asks the person. Resolves to a choice for each capability; throws BUSY or USER_REJECTED when it cannot be asked now. */
export async function ask(question: ConsentQuestion, signal: AbortSignal): Promise<Choices> {
  const { origin } = question
  if (asking.has(origin))
    throw new BtcpError('BUSY', 'Cannot ask for capabilities: an earlier request of this site is still open', { effects: 'none' })
  asking.add(origin)
  try {
    return await askAlone(question, signal)
  } finally {
    asking.delete(origin)
  }
}

async function askAlone(question: ConsentQuestion, signal: AbortSignal): Promise<Choices> {
  const { origin } = question
  if (await isSilenced(origin))
    throw new BtcpError('USER_REJECTED', `Cannot ask for capabilities: the user has said no ${LIMITS.consentDenials} times in this session`)
  signal.throwIfAborted()
  const choices = await show(question, signal)
  signal.throwIfAborted()
  const isDenied = [...choices.values()].every((choice) => choice === 'deny')
  await denials.of(origin).write(isDenied ? (await denials.of(origin).read()) + 1 : 0)
  return choices
}

async function show(question: ConsentQuestion, signal: AbortSignal): Promise<Choices> {
  const id = crypto.randomUUID()
  const { promise, resolve } = Promise.withResolvers<Choices>()
  const prompt: Prompt = { question, answer: resolve, shownAt: Infinity }
  prompts.set(id, prompt)
  const giveUp = (): void => resolve(new Map())
  signal.addEventListener('abort', giveUp)
  try {
    const opened = await browser.windows.create({ url: `src/popup/consent.html?${id}`, type: 'popup', focused: true, ...WINDOW })
    if (opened.id !== undefined) prompt.windowId = opened.id
    const choices = await promise
    return new Map(question.capabilities.map(({ capability }) => [capability, choices.get(capability) ?? 'deny']))
  } finally {
    signal.removeEventListener('abort', giveUp)
    prompts.delete(id)
    if (prompt.windowId !== undefined) browser.windows.remove(prompt.windowId).catch(() => undefined)
  }
}

/** The consent window has opened its Port. A window whose request is over is told so. */
export function acceptConsentWindow(id: string, transport: Transport): void {
  const prompt = prompts.get(id)
  const send = (message: ToConsent): void => transport.send(message)
  if (!prompt) return send({ t: 'over' })
  transport.listen(
    (message) => receive(prompt, message as FromConsent),
    () => prompt.answer(new Map()),
  )
  send({ t: 'question', question: prompt.question })
}

function receive(prompt: Prompt, message: FromConsent): void {
  if (message.t === 'shown') prompt.shownAt = Date.now()
  if (message.t !== 'answer' || Date.now() - prompt.shownAt < LIMITS.consentArmMs) return
  const valid = Object.entries(message.choices).filter(([name, choice]) => isAsked(prompt, name) && CHOICES.includes(choice))
  prompt.answer(new Map(valid as [Capability, Choice][]))
}

const isAsked = (prompt: Prompt, name: string): boolean => prompt.question.capabilities.some(({ capability }) => capability === name)

/** What stands now of each of the capabilities, for the site or for its tool. */
export async function capabilityStates(
  origin: Origin,
  names: readonly Capability[],
  tool?: InstalledTool,
): Promise<ConsentQuestion['capabilities']> {
  const [{ grants }, timeOf] = await Promise.all([snapshotOf(origin), lastUsed(origin, tool?.tool.name)])
  const held = grantsOf(grants, principalOf(origin, tool))
  const choiceOf = (name: Capability): Choice => held.find((grant) => grant.capability === name)?.duration ?? 'deny'
  return names.map((name) => describe(name, choiceOf(name), timeOf(name)))
}

/** What a person reads about a capability, with what stands now. */
export function describe(capability: Capability, choice: Choice, lastUsed: number | undefined): ConsentQuestion['capabilities'][number] {
  const { sentence, risk, offer } = capabilityRow(capability)
  return { capability, sentence, risk, offer, choice, ...(lastUsed === undefined ? {} : { lastUsed }) }
}
