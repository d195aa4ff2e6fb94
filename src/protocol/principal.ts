/**
 * Who acts: a principal is a site (its origin), a tool of a site (origin, tool name, module hash), or a sandbox of this
 * machine's own user (Node). Corresponds to "principal" in docs/protocol.md section 4. A principal comes from the browser or
 * the host, never from a message; two principals never share a cell, a file system or a grant.
 */
declare const origin: unique symbol
/** A serialized tuple origin (RFC 6454 section 6.2) that may be enabled: never `null`, never with a path. */
export type Origin = string & { readonly [origin]: true }

export type Principal =
  | { readonly kind: 'site'; readonly origin: Origin }
  | { readonly kind: 'tool'; readonly origin: Origin; readonly tool: string; readonly sha256: string }
  | { readonly kind: 'local'; readonly name: string }

const HOST = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*\.?$/
const IPV6 = /^\[[0-9a-f:.]+\]$/
const ORIGIN = /^(https?):\/\/(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::([1-9][0-9]{0,4}))?$/
const LOOPBACK = /^(?:localhost|(?:[a-z0-9-]+\.)+localhost|127\.0\.0\.1)$/

/** An origin that a site may have: `https:` anywhere, `http:` on `localhost`, `*.localhost` and `127.0.0.1` only. Opaque origins
 *  (`null`), other schemes and anything that is no origin give undefined. */
export function parseOrigin(value: unknown): Origin | undefined {
  if (typeof value !== 'string' || value.length > 300) return undefined
  const match = ORIGIN.exec(value)
  if (!match) return undefined
  const [, scheme, host = '', port] = match
  if (!HOST.test(host) && !IPV6.test(host)) return undefined
  if (port !== undefined && Number(port) > 65_535) return undefined
  if (scheme === 'http' && !LOOPBACK.test(host)) return undefined
  return value as Origin
}

/** One text per principal: the key of grants, cells and databases. Parts are escaped, so two principals never meet. */
export function principalKey(principal: Principal): string {
  switch (principal.kind) {
    case 'site':
      return `site ${principal.origin}`
    case 'tool':
      return `tool ${principal.origin} ${encodeURIComponent(principal.tool)} ${principal.sha256}`
    case 'local':
      return `local ${encodeURIComponent(principal.name)}`
  }
}
