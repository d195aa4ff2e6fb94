/** Reading the document for `page_text`. Text only: the value of a field is never in it, least of all of a password or payment field. */
import type { JsonObject, JsonValue } from '../../protocol/parse.ts'
import { getter } from '../pristine.ts'
import { cut, find, visibleText } from './element.ts'

const bodyOf = getter<Document, HTMLElement | null>(Document.prototype, 'body')
const rootOf = getter<Document, HTMLElement | null>(Document.prototype, 'documentElement')

const DEFAULT_CHARS = 100_000

/** `{ selector?, maxChars? } → { text, truncated }`, or `{ missing: true }` when the selector finds nothing. */
export function pageText(args: JsonObject): JsonValue {
  const isChosen = typeof args['selector'] === 'string'
  const element = isChosen ? find(args) : (bodyOf(document) ?? rootOf(document))
  if (!element) return isChosen ? { missing: true } : { text: '', truncated: false }
  const whole = visibleText(element)
  const most = args['maxChars']
  const text = cut(whole, typeof most === 'number' ? most : DEFAULT_CHARS)
  return { text, truncated: text.length < whole.length }
}
