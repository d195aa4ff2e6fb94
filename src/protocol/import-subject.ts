/** What an import of the document touches, for the grants: whoever decides asks with this, so that nobody decides about something else. */
import type { CapabilityRequest } from './capability.ts'
import { parseFetchRequest } from './fetch-request.ts'
import type { JsonObject } from './parse.ts'

/** What a request touches, as far as a grant may narrow it. */
export type Subject = NonNullable<CapabilityRequest['subject']>

/** `origin` is that of the document, where it is known. Throws BtcpError where a request to the network is none that may be made. */
export function importSubject(
  { import: name, arguments: args }: { readonly import: string; readonly arguments: JsonObject },
  origin?: string,
): Subject {
  if (name === 'http_fetch') {
    const { host } = parseFetchRequest(args['request'], origin)
    return host === undefined ? {} : { host }
  }
  const { selector, key } = args
  return { ...(typeof selector === 'string' ? { selector } : {}), ...(typeof key === 'string' ? { key } : {}) }
}
