/**
 * Finding elements of the document and asking them about themselves, with the prototypes' own methods: a form or image of the page can hide
 * those of `document` and of a form by its name. What a person types into a field is no text of the page, whatever the field's type,
 * and no selector tells a secret value letter by letter.
 */
/* oxlint-disable typescript/unbound-method -- `uncurry` makes `this` the first argument of each */
import { BtcpError } from '../../protocol/error.ts'
import { LIMITS } from '../../protocol/limits.ts'
import type { JsonObject } from '../../protocol/parse.ts'
import { getter, uncurry } from '../pristine.ts'
import { elementOf } from './refs.ts'

const query = uncurry(Document.prototype.querySelector) as (document: Document, selector: string) => Element | null
const queryAll = uncurry(Document.prototype.querySelectorAll) as (document: Document, selector: string) => NodeListOf<Element>
export const getAttribute = uncurry(Element.prototype.getAttribute)
export const hasAttribute = uncurry(Element.prototype.hasAttribute)
export const closest = uncurry(Element.prototype.closest) as (element: Element, selector: string) => Element | null
export const matches = uncurry(Element.prototype.matches)
export const localName = getter<Element, string>(Element.prototype, 'localName')
const isShown = uncurry(Element.prototype.checkVisibility)
const innerText = getter<HTMLElement, string>(HTMLElement.prototype, 'innerText')
const textContent = getter<Node, string | null>(Node.prototype, 'textContent')

export const SELECTOR_LENGTH = 4_096

const FIELDS = 'input, textarea, select'
/** Passwords, codes and payments by what the page says of the field; each word of `autocomplete` counts. */
const SECRETS =
  'input[type="password" i], [autocomplete*="password" i], [autocomplete*="one-time-code" i], [autocomplete^="cc-" i], [autocomplete*=" cc-" i]'
/** Pages often say it by the name only. */
const SECRET_NAMES = /passw(?:or)?d|card.?(?:num|no\b|exp)|cc.?(?:num|no\b|exp)|\bcv[cv]2?\b|security.?code/i
/** Their value is a label or a choice that the page's author wrote. */
const LABELS = 'input:is([type="button" i], [type="submit" i], [type="reset" i], [type="image" i], [type="checkbox" i], [type="radio" i])'

/** Whether the element is a field whose value must never leave the page, nor be set by anyone but the person. */
export function isSecret(element: Element): boolean {
  if (matches(element, SECRETS)) return true
  if (!matches(element, FIELDS)) return false
  return [getAttribute(element, 'name'), getAttribute(element, 'id')].some((name) => name !== null && SECRET_NAMES.test(name))
}

/** Whether its value is what a person typed or chose. */
export const holdsValue = (element: Element): boolean => isSecret(element) || (matches(element, FIELDS) && !matches(element, LABELS))

export const isVisible = (element: Element): boolean => isShown(element, { visibilityProperty: true })

/** The text that the page shows of the element. */
export function visibleText(element: Element): string {
  if (closest(element, `${FIELDS}, ${SECRETS}`) || !isShown(element)) return ''
  return element instanceof HTMLElement ? innerText(element) : (textContent(element) ?? '')
}

/** At most `length` UTF-16 units, never half a character. */
export function cut(text: string, length: number): string {
  if (text.length <= length) return text
  const last = text.charCodeAt(length - 1)
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length)
}

/** The first element that `selector` (or a `@ref:N` of page_query) finds. */
export function find(args: JsonObject): Element | null {
  const selector = selectorOf(args)
  return elementOf(selector) ?? search(selector, () => query(document, selector))
}

export function findAll(args: JsonObject): readonly Element[] {
  const selector = selectorOf(args)
  const known = elementOf(selector)
  return known ? [known] : Array.from(search(selector, () => queryAll(document, selector)) ?? [])
}

function selectorOf({ selector }: JsonObject): string {
  if (typeof selector !== 'string') throw invalid('selector', 'it is no text')
  if (selector.length > SELECTOR_LENGTH) throw invalid('selector', `it is longer than ${SELECTOR_LENGTH} characters`)
  return selector
}

function search<T>(selector: string, look: () => T): T | null {
  if (selector.startsWith('@ref:')) return null
  if (asksForValues(selector) && Array.from(queryAll(document, '[value]')).some(isSecret))
    throw invalid('selector', 'it compares the values of fields, and the page has one that is secret')
  try {
    return look()
  } catch {
    throw invalid('selector', 'it is no CSS selector')
  }
}

/** `[value^="a"]`, also with its name in escapes. */
const asksForValues = (selector: string): boolean => selector.includes('[') && /value|\\/i.test(selector)

export function textOf(args: JsonObject, name: string, most: number): string {
  const value = args[name]
  if (typeof value !== 'string') throw invalid(name, 'it is no text')
  if (value.length > most) throw invalid(name, `it is longer than ${most} characters`)
  return value
}

/** The text, or the error for one that is larger than an import may give. */
export function bounded(text: string): string {
  if (text.length * 3 <= LIMITS.toolImportBytes || new TextEncoder().encode(text).length <= LIMITS.toolImportBytes) return text
  throw new BtcpError('INTERNAL_ERROR', `Cannot read the page: it is more than ${LIMITS.toolImportBytes} bytes (limit toolImportBytes)`, {
    limit: 'toolImportBytes',
    effects: 'none',
  })
}

export const invalid = (name: string, reason: string): BtcpError =>
  new BtcpError('INVALID_PARAMS', `Cannot use the page: "${name}": ${reason}`, {
    errors: [{ instancePath: `/${name}`, message: reason }],
    effects: 'none',
  })
