/**
 * The router: who may connect, in the order of trust. Untrusted callers are answered first and the function returns; what stands
 * below is for pages of the extension itself. Other extensions and web pages have no way in at all: there is no
 * `externally_connectable`, and their listeners do nothing.
 */
import { BtcpError } from '../protocol/error.ts'
import { LIMITS } from '../protocol/limits.ts'
import { LINK_PORT } from '../protocol/link.ts'
import { CONSENT_PORT, type PanelRequest } from '../protocol/panel.ts'
import type { JsonValue } from '../protocol/parse.ts'
import type { Origin } from '../protocol/principal.ts'
import { portTransport } from '../protocol/transport.ts'
import { acceptConsentWindow } from './consent.ts'
import { acceptLink } from './offscreen-document.ts'
import { answerPanel } from './panel.ts'
import { ROUTES } from './routes.ts'
import { isOwnPage, parseCaller } from './sender.ts'
import { isSiteOn } from './sites.ts'
import { TabPort, type Incoming } from './tab-ports.ts'
import { TokenBucket } from './token-bucket.ts'

const OFFSCREEN = ['src/offscreen/index.html']
const CONSENT = ['src/popup/consent.html']
const PANELS = ['src/popup/index.html', 'src/popup/audit.html', 'src/popup/wheels.html', 'src/popup/tools.html']

const self = chrome.runtime.id
const base = chrome.runtime.getURL('')
const buckets = new Map<Origin, TokenBucket>()

export function onConnect(port: chrome.runtime.Port): void {
  // Untrusted: a content script, which speaks for its page.
  if (port.name === 'page') {
    const sent = parseCaller(port.sender, self)
    if (!sent.ok) return refuse(port, sent.reason)
    void serve(new TabPort(sent.caller, portTransport(port), route))
    return
  }
  // Trusted from here on: our own pages, each for its one purpose.
  if (port.name === LINK_PORT && isOwnPage(port.sender, self, base, OFFSCREEN)) return acceptLink(portTransport(port))
  if (port.name === CONSENT_PORT && isOwnPage(port.sender, self, base, CONSENT))
    return acceptConsentWindow(new URL(port.sender?.url ?? '').search.slice(1), portTransport(port))
  refuse(port, `a Port named "${port.name}"`)
}

export function onMessage(message: unknown, sender: chrome.runtime.MessageSender, answer: (value: unknown) => void): boolean {
  if (!isOwnPage(sender, self, base, PANELS)) return false
  void answerPanel(message as PanelRequest).then(answer, (error: unknown) =>
    answer({ error: error instanceof Error ? error.message : String(error) }),
  )
  return true
}

function refuse(port: chrome.runtime.Port, reason: string): void {
  console.warn(`Refused a connection: ${reason}`)
  port.disconnect()
}

/** A document of a site that is off (the browser still had its scripts) is told so and let go. */
async function serve(port: TabPort): Promise<void> {
  if (!(await isSiteOn(port.caller.origin))) port.switchOff()
}

async function route(incoming: Incoming): Promise<JsonValue> {
  const { request, port } = incoming
  const { origin } = port.caller
  if (!(await isSiteOn(origin)))
    throw new BtcpError('CAPABILITY_DENIED', `Cannot run "${request.method}": Tidepool is switched off for this site`, {
      effects: 'none',
      missing: [],
    })
  const found = Object.hasOwn(ROUTES, request.method) ? ROUTES[request.method] : undefined
  if (!found) throw new BtcpError('METHOD_NOT_FOUND', `Cannot run "${request.method}": no such method`)
  spend(origin)
  return await found(incoming)
}

function spend(origin: Origin): void {
  const now = performance.now()
  let bucket = buckets.get(origin)
  if (!bucket) buckets.set(origin, (bucket = new TokenBucket(LIMITS.callsBucket, LIMITS.callsPerSecond, now)))
  const retryAfterMs = bucket.take(now)
  if (retryAfterMs > 0)
    throw new BtcpError('RATE_LIMITED', 'Cannot run: the site has made too many requests', {
      retryAfterMs,
      limit: 'callsPerSecond',
      effects: 'none',
    })
}
