/**
 * What a tool's module asks of the network (`http_fetch`): `{ url, method?, headers?, body? }` as JSON text, which code wrote that nobody here
 * wrote. Invariant: where the origin is known, `url` of what is returned begins with exactly that origin. It is read by its characters, with no
 * URL parser that could mean something else than the next one does.
 */
import { BtcpError } from './error.ts'
import { LIMITS } from './limits.ts'
import { isRecord, own } from './parse.ts'

export interface FetchRequest {
  /** absolute where the origin is known or was given, else a path */
  readonly url: string
  /** the name of the server, as far as known */
  readonly host?: string
  readonly method: string
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body?: string
}

const URL_LENGTH = 8_192
const HEADERS = 64
const HEADER_LENGTH = 8_192
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']
const PARTS = ['url', 'method', 'headers', 'body']

/** RFC 9110, sections 5.6.2 and 5.5. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,256}$/
const VALUE = /^(?:[!-~\u{80}-\u{ff}](?:[\t -~\u{80}-\u{ff}]*[!-~\u{80}-\u{ff}])?)?$/u
/** What the browser alone says, and what would make another method of the one that was read. */
const FORBIDDEN =
  /^(?:accept-charset|accept-encoding|access-control-.*|connection|content-length|cookie2?|date|dnt|expect|host|keep-alive|origin|referer|service-worker.*|set-cookie2?|te|trailer|transfer-encoding|upgrade.*|user-agent|via|proxy-.*|sec-.*|x-http-method|x-http-method-override|x-method-override)$/

/** A space, a backslash and what cannot be seen have more than one reading. */
const ODD = /[\p{C}\p{Z}\\]/u
const ABSOLUTE = /^(https?):\/\/([^/?#]*)([^]*)$/i
const SCHEME = /^[a-z][a-z0-9+.-]*:/i
const DEFAULT_PORT: Readonly<Record<string, RegExp>> = { http: /^(\[[^\]]*\]|[^:]*):80$/, https: /^(\[[^\]]*\]|[^:]*):443$/ }

/** `origin` is that of the document; without it an absolute URL may be of any. Throws BtcpError INVALID_PARAMS, UNSUPPORTED (another origin). */
export function parseFetchRequest(text: unknown, origin?: string): FetchRequest {
  const asked = jsonOf(text)
  const stranger = Object.keys(asked).find((name) => !PARTS.includes(name))
  if (stranger !== undefined) throw bad(`there is no "${stranger.slice(0, 100)}" in a request`)
  const method = methodOf(own(asked, 'method'))
  const body = bodyOf(own(asked, 'body'), method)
  return {
    ...placeOf(own(asked, 'url'), origin),
    method,
    headers: headersOf(own(asked, 'headers')),
    ...(body === undefined ? {} : { body }),
  }
}

function jsonOf(text: unknown): Record<string, unknown> {
  if (typeof text !== 'string') throw bad('the request is no text')
  if (text.length > LIMITS.toolImportBytes)
    throw new BtcpError(
      'INVALID_PARAMS',
      `Cannot fetch: the request has more than ${LIMITS.toolImportBytes} bytes (limit toolImportBytes)`,
      {
        limit: 'toolImportBytes',
        effects: 'none',
      },
    )
  let asked: unknown
  try {
    asked = JSON.parse(text)
  } catch {
    throw bad('the request is no JSON')
  }
  if (!isRecord(asked)) throw bad('the request is no JSON object')
  return asked
}

function placeOf(url: unknown, origin: string | undefined): Pick<FetchRequest, 'url' | 'host'> {
  if (typeof url !== 'string' || url === '') throw bad('"url" is no text')
  if (url.length > URL_LENGTH) throw bad(`"url" is longer than ${URL_LENGTH} characters`)
  if (ODD.test(url)) throw bad('"url" has a space, a backslash or a character that cannot be seen')
  const absolute = ABSOLUTE.exec(url)
  if (absolute) return absoluteOf(absolute, origin)
  if (SCHEME.test(url)) throw bad('"url" is neither of http: nor of https:')
  if (url.startsWith('//')) throw bad('"url" names a server without a scheme')
  if (!url.startsWith('/')) throw bad('"url" begins neither with "https://" nor with "/"')
  return origin === undefined ? { url } : { url: `${origin}${url}`, host: hostOf(origin) }
}

function absoluteOf(
  [, scheme = '', server = '', path = '']: RegExpExecArray,
  origin: string | undefined,
): Pick<FetchRequest, 'url' | 'host'> {
  if (server === '') throw bad('"url" names no server')
  if (server.includes('@')) throw bad('"url" holds a name or a password')
  const lower = scheme.toLowerCase()
  const named = `${lower}://${server.toLowerCase().replace(DEFAULT_PORT[lower]!, '$1')}`
  if (origin !== undefined && named !== origin)
    throw new BtcpError(
      'UNSUPPORTED',
      `Cannot fetch from "${named.slice(0, 300)}": it is another origin than the page's, and this host does not offer "network:fetch:cross-origin"`,
      { effects: 'none' },
    )
  return { url: `${named}${path}`, host: hostOf(named) }
}

/** Without scheme and port. */
const hostOf = (origin: string): string => origin.replace(/^\w+:\/\//, '').replace(/:\d*$/, '')

function methodOf(method: unknown): string {
  if (method === undefined) return 'GET'
  if (typeof method === 'string' && METHODS.includes(method)) return method
  throw bad(`"method" is none of ${METHODS.join(', ')}`)
}

function bodyOf(body: unknown, method: string): string | undefined {
  if (body === undefined) return undefined
  if (typeof body !== 'string') throw bad('"body" is no text')
  if (method === 'GET' || method === 'HEAD') throw bad(`${method} has no "body"`)
  return body
}

function headersOf(headers: unknown): FetchRequest['headers'] {
  if (headers === undefined) return []
  if (!isRecord(headers)) throw bad('"headers" is no object')
  const entries = Object.entries(headers)
  if (entries.length > HEADERS) throw bad(`"headers" has more than ${HEADERS}`)
  const names = new Set<string>()
  return entries.map(([name, value]): readonly [string, string] => {
    if (!TOKEN.test(name)) throw bad('"headers" has a name that is none')
    const lower = name.toLowerCase()
    if (FORBIDDEN.test(lower)) throw bad(`the header "${name}" is the browser's to say`)
    if (names.has(lower)) throw bad(`the header "${name}" is there twice`)
    names.add(lower)
    if (typeof value !== 'string' || value.length > HEADER_LENGTH || !VALUE.test(value))
      throw bad(`the value of the header "${name}" is none`)
    return [name, value]
  })
}

const bad = (reason: string): BtcpError => new BtcpError('INVALID_PARAMS', `Cannot fetch: ${reason}`, { effects: 'none' })
