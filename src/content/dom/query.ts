/**
 * What `page_query` and the reading imports of a tool's module answer. Markup is given as it stands, but for the values of fields: those are
 * empty in it, and `dom_attr` has none.
 */
/* oxlint-disable typescript/unbound-method -- `uncurry` makes `this` the first argument of each */
import type { JsonObject, JsonValue } from '../../protocol/parse.ts'
import { getter, uncurry } from '../pristine.ts'
import { bounded, cut, find, findAll, getAttribute, holdsValue, localName, textOf, visibleText } from './element.ts'
import { refOf } from './refs.ts'

const importNode = uncurry(Document.prototype.importNode) as (document: Document, node: Element, deep: boolean) => Element
const outerHtml = getter<Element, string>(Element.prototype, 'outerHTML')
const setAttribute = uncurry(Element.prototype.setAttribute)
const replaceChildren = uncurry(Element.prototype.replaceChildren) as (element: Element) => void
const within = uncurry(Element.prototype.querySelectorAll) as (element: Element, selector: string) => NodeListOf<Element>
const templateContent = getter<HTMLTemplateElement, DocumentFragment>(HTMLTemplateElement.prototype, 'content')
const withinFragment = uncurry(DocumentFragment.prototype.querySelectorAll) as (
  root: DocumentFragment,
  selector: string,
) => NodeListOf<Element>

const ITEMS = 100
const ITEM_TEXT = 200
const NAME_LENGTH = 256

/** `{ selector, limit? } → { count, items: { ref, tag, text }[] }` */
export function pageQuery(args: JsonObject): JsonValue {
  const found = findAll(args)
  const limit = typeof args['limit'] === 'number' ? args['limit'] : ITEMS
  const items = found
    .slice(0, limit)
    .map((element) => ({ ref: refOf(element), tag: localName(element), text: cut(visibleText(element), ITEM_TEXT) }))
  return { count: found.length, items }
}

export const exists = (args: JsonObject): boolean => find(args) !== null

export const count = (args: JsonObject): number => findAll(args).length

/** The visible text of the first element, or null. */
export function text(args: JsonObject): string | null {
  const element = find(args)
  return element && bounded(visibleText(element))
}

/** `{ selector, name }`: null where there is no such element or attribute, and for the value of a field. */
export function attribute(args: JsonObject): string | null {
  const name = textOf(args, 'name', NAME_LENGTH)
  const element = find(args)
  if (!element || (name.toLowerCase() === 'value' && holdsValue(element))) return null
  const value = getAttribute(element, name)
  return value === null ? null : bounded(value)
}

/** The markup of the first element, or null. */
export function html(args: JsonObject): string | null {
  const element = find(args)
  if (!element) return null
  // In a document without a window nothing of the copy loads, runs or is upgraded.
  const copy = importNode(new DOMParser().parseFromString('', 'text/html'), element, true)
  blank(copy)
  for (const inner of within(copy, '*')) blank(inner)
  return bounded(outerHtml(copy))
}

function blank(element: Element): void {
  if (element instanceof HTMLTemplateElement) for (const inner of withinFragment(templateContent(element), '*')) blank(inner)
  if (!holdsValue(element)) return
  if (getAttribute(element, 'value') !== null) setAttribute(element, 'value', '')
  if (localName(element) === 'textarea') replaceChildren(element)
}
