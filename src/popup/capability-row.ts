/**
 * One capability as a person sees it, in the popup and in the consent window: a plain sentence, the risk, when it was last used,
 * and Deny · Once · This session · Always, of which the usual ones stand out. "Always" of a high risk asks a second time.
 */
import type { CapabilityState, Choice } from '../protocol/panel.ts'
import { button, element } from './element.ts'

const CHOICES: readonly (readonly [Choice, string])[] = [
  ['deny', 'Deny'],
  ['once', 'Once'],
  ['session', 'This session'],
  ['always', 'Always'],
]

/** A list item; `onChoose` hears each choice after it has been confirmed where that is needed. `whose` tells rows of one page apart that are
 *  about the same capability. */
export function capabilityRow(state: CapabilityState, chosen: Choice, onChoose: (choice: Choice) => void, whose = ''): HTMLLIElement {
  const { capability, sentence, risk } = state
  const sentenceId = `sentence-${whose}${capability.replaceAll(':', '-')}`
  const choices = element('fieldset', { 'aria-labelledby': sentenceId })
  const row = element(
    'li',
    { 'data-capability': capability },
    element('div', { class: 'what' }, element('span', { class: 'sentence', id: sentenceId }, sentence), riskBadge(risk)),
    ...lastUsed(state.lastUsed),
    choices,
  )
  let confirmed = chosen
  /** The focus does not go away with a button of it. */
  const closeQuestion = (): void => {
    const question = row.querySelector('.sure')
    const hadFocus = question?.contains(document.activeElement)
    question?.remove()
    if (hadFocus) choices.querySelector<HTMLInputElement>('input:checked')?.focus()
  }
  const settle = (choice: Choice): void => {
    confirmed = choice
    closeQuestion()
    onChoose(choice)
  }
  const goBack = (): void => {
    const input = choices.querySelector<HTMLInputElement>(`input[value="${confirmed}"]`)
    if (input) input.checked = true
    closeQuestion()
  }
  for (const [choice, label] of CHOICES) {
    const input = element('input', { type: 'radio', name: whose + capability, value: choice })
    input.checked = choice === chosen
    input.addEventListener('change', () => {
      closeQuestion()
      if (choice === 'always' && risk === 'high') row.append(secondQuestion(REALLY, 'Yes, always', () => settle('always'), goBack))
      else settle(choice)
    })
    const offered = state.offer.some((offer) => offer === choice) ? { 'data-offered': '' } : {}
    choices.append(element('label', offered, input, label))
  }
  return row
}

function riskBadge(risk: CapabilityState['risk']): HTMLElement {
  return element('span', { class: 'risk', 'data-risk': risk }, `${risk} risk`)
}

const REALLY = 'Really without asking, every time, until you take it back?'

/** What is asked before something happens that is not easily taken back. */
export function secondQuestion(text: string, yesText: string, yes: () => void, no: () => void): HTMLElement {
  return element(
    'div',
    { class: 'sure', role: 'alert' },
    element('span', {}, text),
    button(yesText, 'quiet', yes),
    button('No', 'quiet', no),
  )
}

const UNITS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ['day', 86_400_000],
  ['hour', 3_600_000],
  ['minute', 60_000],
]

function lastUsed(time: number | undefined): HTMLElement[] {
  if (time === undefined) return []
  const ago = Date.now() - time
  const [unit, length] = UNITS.find(([, ms]) => ago >= ms) ?? ['minute', 60_000]
  const text = ago < 60_000 ? 'just now' : new Intl.RelativeTimeFormat('en').format(-Math.floor(ago / length), unit)
  return [element('p', { class: 'used' }, `last used ${text}`)]
}
