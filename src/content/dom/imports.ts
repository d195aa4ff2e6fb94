/**
 * DOM imports: what the trusted side may ask of this document, one row each. The third of the three gates: before a row runs, the
 * document checks that the request is about itself and that the grants that came with it allow it.
 */
import { decide, type Capability, type Grant } from '../../protocol/capability.ts'
import { BtcpError } from '../../protocol/error.ts'
import type { JsonObject, JsonValue } from '../../protocol/parse.ts'
import type { Principal } from '../../protocol/principal.ts'
import { pageText } from './read.ts'

interface DomImport {
  readonly needs: readonly Capability[]
  readonly run: (args: JsonObject) => JsonValue
}

const DOM_IMPORTS: Readonly<Record<string, DomImport>> = {
  page_text: { needs: ['dom:read'], run: pageText },
}

/** What the service worker sends with each request; it is our own code, so its shape is given. */
export interface DomRequest {
  readonly principal: Principal & { readonly kind: 'site' }
  readonly manifest: string
  readonly call: string
  readonly grants: readonly Grant[]
  readonly arguments: JsonObject
}

/** Runs the import `method` (`dom/NAME`) in this document, or throws BtcpError. */
export function runDomImport(method: string, params: JsonObject): JsonValue {
  const name = method.replace(/^dom\//, '')
  const found = Object.hasOwn(DOM_IMPORTS, name) ? DOM_IMPORTS[name] : undefined
  if (!found) throw new BtcpError('METHOD_NOT_FOUND', `Cannot run "${name}": no such DOM import`)
  const { principal, manifest, call, grants, arguments: args } = params as unknown as DomRequest
  if (principal.origin !== location.origin)
    throw new BtcpError('TAB_GONE', `Cannot run "${name}": its document was left`, { effects: 'none' })
  const decision = decide(grants, { principal, manifest, builtIn: true, call, capabilities: found.needs, now: Date.now() })
  if (!decision.allow)
    throw new BtcpError('CAPABILITY_DENIED', `Cannot run "${name}": not granted`, { missing: decision.missing, effects: 'none' })
  return found.run(args)
}
