/**
 * Reading the document for `page_text`. Text only: the value of a field is never in it, least of all of a password or payment
 * field. Methods are the prototypes' own, since a form or image of the page can hide those of `document` and of a form by its name.
 */
/* oxlint-disable typescript/unbound-method -- `uncurry` makes `this` the first argument of each */
import { BtcpError } from '../../protocol/error.ts'
import type { JsonObject, JsonValue } from '../../protocol/parse.ts'
import { getter, uncurry } from '../pristine.ts'

const bodyOf = getter<Document, HTMLElement | null>(Document.prototype, 'body')
const rootOf = getter<Document, HTMLElement | null>(Document.prototype, 'documentElement')
const query = uncurry(Document.prototype.querySelector) as (document: Document, selector: string) => Element | null
const innerText = getter<HTMLElement, string>(HTMLElement.prototype, 'innerText')
const textContent = getter<Node, string | null>(Node.prototype, 'textContent')
const isVisible = uncurry(Element.prototype.checkVisibility)
const closest = uncurry(Element.prototype.closest) as (element: Element, selector: string) => Element | null

const DEFAULT_CHARS = 100_000
/** What a person types into a field is no text of the page, whatever the field's type. */
const FIELDS = 'input, textarea, select, [autocomplete^="cc-"], [autocomplete*="password"]'

/** `{ selector?, maxChars? } → { text, truncated }`, or `{ missing: true }` when the selector finds nothing. */
export function pageText(args: JsonObject): JsonValue {
  const { selector, maxChars } = args
  const element = typeof selector === 'string' ? find(selector) : (bodyOf(document) ?? rootOf(document))
  if (!element) return typeof selector === 'string' ? { missing: true } : { text: '', truncated: false }
  return cut(visibleText(element), typeof maxChars === 'number' ? maxChars : DEFAULT_CHARS)
}

function find(selector: string): Element | null {
  try {
    return query(document, selector)
  } catch {
    throw new BtcpError('INVALID_PARAMS', 'Cannot read the page: "selector" is no CSS selector', {
      errors: [{ instancePath: '/selector', message: 'no CSS selector' }],
    })
  }
}

function visibleText(element: Element): string {
  if (closest(element, FIELDS) || !isVisible(element)) return ''
  return element instanceof HTMLElement ? innerText(element) : (textContent(element) ?? '')
}

/** At most `maxChars` UTF-16 units, never half a character. */
function cut(text: string, maxChars: number): JsonValue {
  if (text.length <= maxChars) return { text, truncated: false }
  const last = text.charCodeAt(maxChars - 1)
  const half = last >= 0xd800 && last <= 0xdbff
  return { text: text.slice(0, half ? maxChars - 1 : maxChars), truncated: true }
}
