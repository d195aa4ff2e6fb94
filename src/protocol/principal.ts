/**
 * Who acts: a principal is a site (its origin), a sandbox of this machine's own user (Node), or a tool that one of them has
 * installed (owner, tool name, package hash). Corresponds to "principal" in docs/protocol.md section 4. A principal comes from the browser or
 * the host, never from a message; two principals never share a cell, a file system or a grant.
 */
declare const origin: unique symbol
/** A serialized tuple origin (RFC 6454 section 6.2) that may be enabled: never `null`, never with a path. */
export type Origin = string & { readonly [origin]: true }

/** Who may install tools: a site, or a sandbox of this machine's own user. */
export type Owner = { readonly kind: 'site'; readonly origin: Origin } | { readonly kind: 'local'; readonly name: string }
/** A tool of its owner; `sha256` (hex) is that of its package, so a changed one is another principal. */
export interface ToolPrincipal {
  readonly kind: 'tool'
  readonly owner: Owner
  readonly tool: string
  readonly sha256: string
}

export type Principal = Owner | ToolPrincipal

/** Whose grants stand over the principal: its own, or those of the site or sandbox that a tool was installed for. */
export const ownerOf = (principal: Principal): Owner => (principal.kind === 'tool' ? principal.owner : principal)

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
      return `tool ${principalKey(principal.owner)} ${encodeURIComponent(principal.tool)} ${principal.sha256}`
    case 'local':
      return `local ${encodeURIComponent(principal.name)}`
  }
}
