/**
 * Changing the document for a tool: `dom_set_text` and `dom_click`. Both stay within the page: what a person alone may give (passwords,
 * payments, files, permissions) and what leads out (other origins, scripts, downloads, windows) is refused with CAPABILITY_DENIED whatever
 * is granted; what cannot be done (hidden, switched off, no text field) is INVALID_PARAMS. Answers are true, or false where nothing is found.
 */
/* oxlint-disable typescript/unbound-method -- `uncurry` makes `this` the first argument of each */
import { BtcpError } from '../../protocol/error.ts'
import { LIMITS } from '../../protocol/limits.ts'
import type { JsonObject } from '../../protocol/parse.ts'
import { getOwnPropertyDescriptor, getter, uncurry } from '../pristine.ts'
import { closest, find, getAttribute, hasAttribute, invalid, isSecret, isVisible, localName, matches, textOf } from './element.ts'
import { leadsOut } from './way-out.ts'

const clickHtml = uncurry(HTMLElement.prototype.click)
const dispatch = uncurry(EventTarget.prototype.dispatchEvent)
const labelled = getter<HTMLLabelElement, HTMLElement | null>(HTMLLabelElement.prototype, 'control')
const inputValue = accessor<HTMLInputElement>(HTMLInputElement.prototype, 'value')
const areaValue = accessor<HTMLTextAreaElement>(HTMLTextAreaElement.prototype, 'value')
const content = accessor<Node>(Node.prototype, 'textContent')

const FRAMES = 'iframe, frame, fencedframe, object, embed, portal'
const PERMISSIONS = 'permission, geolocation, usermedia, install'
/** Their text is code, a style that can load from anywhere, or the page itself. */
const NO_TEXT = 'script, style, html, head, body, head *'
const TEXTLESS_INPUTS =
  ':is([type="button" i], [type="submit" i], [type="reset" i], [type="image" i], [type="checkbox" i], [type="radio" i], [type="hidden" i])'

/** `{ selector, value }` */
export function setText(args: JsonObject): boolean {
  const value = textOf(args, 'value', LIMITS.toolImportBytes)
  const element = find(args)
  if (!element) return false
  const reason = onlyThePerson(element)
  if (reason !== undefined) throw refused('set the text', reason)
  if (matches(element, NO_TEXT)) throw refused('set the text', `<${localName(element)}> holds no text that a tool may set`)
  if (element instanceof HTMLSelectElement || matches(element, TEXTLESS_INPUTS)) throw invalid('selector', 'the element takes no text')
  mustBeUsable(element)
  if (element instanceof HTMLInputElement) type(inputValue, element, value)
  else if (element instanceof HTMLTextAreaElement) type(areaValue, element, value)
  else content.set(element, value)
  return true
}

/** `{ selector }` */
export function click(args: JsonObject): boolean {
  const element = find(args)
  if (!element) return false
  const label = closest(element, 'label')
  const control = label instanceof HTMLLabelElement ? labelled(label) : null
  for (const target of control ? [element, control] : [element]) {
    const reason = onlyThePerson(target) ?? leadsOut(target)
    if (reason !== undefined) throw refused('click', reason)
  }
  mustBeUsable(element)
  if (element instanceof HTMLElement) clickHtml(element)
  else dispatch(element, new MouseEvent('click', { bubbles: true, cancelable: true, composed: true }))
  return true
}

/** Why nobody but the person may use the element. */
function onlyThePerson(element: Element): string | undefined {
  if (isSecret(element)) return 'passwords, codes and payments are for the person to give'
  if (matches(element, 'input[type="file" i]')) return 'files are for the person to choose'
  if (closest(element, FRAMES)) return 'what a frame shows is no part of this page'
  if (closest(element, PERMISSIONS)) return 'permissions are for the person to give'
  return undefined
}

function mustBeUsable(element: Element): void {
  if (!isVisible(element)) throw invalid('selector', 'the element is not visible')
  if (matches(element, ':disabled')) throw invalid('selector', 'the element is disabled')
}

/** As a person's typing does it: the native value, then the events that a page listens for. */
function type<T extends Element>(field: Accessor<T>, element: T, value: string): void {
  if (hasAttribute(element, 'readonly')) throw invalid('selector', 'the field is read-only')
  const before = field.get(element)
  field.set(element, value)
  if (value !== '' && field.get(element) === '') {
    field.set(element, before ?? '')
    throw invalid('value', `a field of type ${getAttribute(element, 'type') ?? 'text'} does not take it`)
  }
  dispatch(element, new InputEvent('input', { bubbles: true, composed: true, inputType: 'insertReplacementText', data: value }))
  dispatch(element, new Event('change', { bubbles: true }))
}

interface Accessor<T> {
  readonly get: (self: T) => string | null
  readonly set: (self: T, value: string) => void
}
function accessor<T>(prototype: object, name: string): Accessor<T> {
  const set = getOwnPropertyDescriptor(prototype, name)?.set
  if (!set) throw new TypeError(`Cannot capture "${name}": it has no setter`)
  return { get: getter<T, string | null>(prototype, name), set: uncurry(set as (this: T, value: string) => void) }
}

const refused = (what: string, reason: string): BtcpError =>
  new BtcpError('CAPABILITY_DENIED', `Cannot ${what}: ${reason}`, { missing: [], effects: 'none' })
