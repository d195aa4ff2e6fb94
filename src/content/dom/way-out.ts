/**
 * Where a click on an element would lead: a link or a form that leaves the site, opens a window, downloads or runs code is no way for a
 * tool, which has no network. What the page's own listeners do with a click is the page's.
 */
/* oxlint-disable typescript/unbound-method -- `uncurry` makes `this` the first argument of each */
import { getter, uncurry } from '../pristine.ts'
import { closest, getAttribute, hasAttribute } from './element.ts'

const queryFirst = uncurry(Document.prototype.querySelector) as (document: Document, selector: string) => Element | null
const baseOf = getter<Node, string>(Node.prototype, 'baseURI')
const buttonForm = getter<HTMLButtonElement, HTMLFormElement | null>(HTMLButtonElement.prototype, 'form')
const inputForm = getter<HTMLInputElement, HTMLFormElement | null>(HTMLInputElement.prototype, 'form')

const LINKS = 'a, area'
const SUBMITS = 'button:not([type="button" i], [type="reset" i]), input[type="submit" i], input[type="image" i]'
const XLINK = 'xlink:href'

/** Why a click there would leave the page, or undefined. */
export function leadsOut(element: Element): string | undefined {
  const link = closest(element, LINKS)
  const button = closest(element, SUBMITS)
  return (link && ofLink(link)) ?? (button ? ofButton(button) : undefined)
}

function ofLink(link: Element): string | undefined {
  const address = getAttribute(link, 'href') ?? getAttribute(link, XLINK)
  if (address === null) return undefined
  if (hasAttribute(link, 'download')) return 'the link downloads a file'
  if (hasAttribute(link, 'ping')) return 'the link tells another address of the click'
  return ofTarget(getAttribute(link, 'target')) ?? ofAddress(address, 'link')
}

function ofButton(button: Element): string | undefined {
  const form = button instanceof HTMLButtonElement ? buttonForm(button) : button instanceof HTMLInputElement ? inputForm(button) : null
  if (!form) return undefined
  const method = getAttribute(button, 'formmethod') ?? getAttribute(form, 'method')
  if (method?.toLowerCase() === 'dialog') return undefined
  const address = getAttribute(button, 'formaction') ?? getAttribute(form, 'action') ?? ''
  return ofTarget(getAttribute(button, 'formtarget') ?? getAttribute(form, 'target')) ?? ofAddress(address, 'form')
}

/** A target of the document's `<base>` counts where the element has none. */
function ofTarget(own: string | null): string | undefined {
  const base = queryFirst(document, 'base[target]')
  const target = (own ?? (base && getAttribute(base, 'target')) ?? '').toLowerCase()
  return ['', '_self', '_top', '_parent'].includes(target) ? undefined : 'it opens in another window or frame'
}

function ofAddress(address: string, kind: 'link' | 'form'): string | undefined {
  const url = URL.parse(address, baseOf(document))
  if (!url) return undefined
  if (url.protocol === 'javascript:') return `the ${kind} runs code`
  const stays = url.protocol === location.protocol && url.origin === location.origin
  return stays ? undefined : `the ${kind} leads to another site`
}
