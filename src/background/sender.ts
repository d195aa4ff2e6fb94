/**
 * Who speaks on a Port: read from the browser's own record of the sender, never from a message. Corresponds to
 * `chrome.runtime.MessageSender`. A caller is the top document of a site's tab; everything else is refused with a reason.
 */
import { parseOrigin, type Origin } from '../protocol/principal.ts'

export interface Caller {
  readonly origin: Origin
  readonly tabId: number
  /** the one document that may get answers and run DOM imports; another document of the same tab has another */
  readonly documentId: string
}

/** As much of a sender as is looked at. `url` and `tab.url` are not: they can name another origin than the one that runs. */
export interface Sender {
  readonly id?: string | undefined
  readonly origin?: string | undefined
  readonly frameId?: number | undefined
  readonly documentId?: string | undefined
  readonly documentLifecycle?: string | undefined
  readonly tab?: { readonly id?: number | undefined } | undefined
}

export type Sent = { readonly ok: true; readonly caller: Caller } | { readonly ok: false; readonly reason: string }

/** A page's caller, or why there is none. `self` is our own extension id. */
export function parseCaller(sender: Sender | undefined, self: string): Sent {
  if (!sender || sender.id !== self) return refused('another extension')
  if (sender.frameId !== 0) return refused('a sub-frame')
  if (sender.documentLifecycle !== undefined && sender.documentLifecycle !== 'active') return refused('a document that is not shown')
  const origin = parseOrigin(sender.origin)
  if (!origin) return refused('an origin that can have no grants')
  const tabId = sender.tab?.id
  if (tabId === undefined || !sender.documentId) return refused('no document of a tab')
  return { ok: true, caller: { origin, tabId, documentId: sender.documentId } }
}

const refused = (reason: string): Sent => ({ ok: false, reason })

/** Whether the sender is a page of our own (popup, consent, audit, offscreen): same extension, our origin, one of `paths`. A
 *  sandboxed frame has the origin `null`, a content script that of its page. */
export function isOwnPage(
  sender: (Sender & { readonly url?: string | undefined }) | undefined,
  self: string,
  base: string,
  paths: readonly string[],
): boolean {
  if (!sender || sender.id !== self || sender.origin !== base.replace(/\/$/, '')) return false
  const url = sender.url ?? ''
  return paths.some((path) => url === `${base}${path}` || url.startsWith(`${base}${path}?`))
}
