/**
 * DOM imports: what the trusted side may ask of this document, one row each. The third of the three gates: before a row runs, the
 * document checks that the request is about itself and that the grants that came with it allow it. Page tools (`page_text`) and imports of
 * a tool's module (`dom_text`) are rows of the same table.
 */
import { decide, type Capability, type CapabilityRequest, type Grant } from '../../protocol/capability.ts'
import { BtcpError } from '../../protocol/error.ts'
import { importSubject } from '../../protocol/import-subject.ts'
import type { JsonObject, JsonValue } from '../../protocol/parse.ts'
import { ownerOf, type Principal } from '../../protocol/principal.ts'
import { click, setText } from './act.ts'
import { httpFetch } from './fetch.ts'
import { attribute, count, exists, html, pageQuery, text } from './query.ts'
import { pageText } from './read.ts'
import { areaOf, getItem, setItem } from './storage.ts'

interface DomImport {
  readonly needs: (args: JsonObject) => readonly Capability[]
  readonly run: (args: JsonObject, signal: AbortSignal) => JsonValue | Promise<JsonValue>
}

const reading = (run: DomImport['run']): DomImport => ({ needs: () => ['dom:read'], run })
const writing = (run: DomImport['run']): DomImport => ({ needs: () => ['dom:write'], run })

const DOM_IMPORTS: Readonly<Record<string, DomImport>> = {
  page_text: reading(pageText),
  page_query: reading(pageQuery),
  dom_query: reading(exists),
  dom_count: reading(count),
  dom_text: reading(text),
  dom_attr: reading(attribute),
  dom_html: reading(html),
  dom_set_text: writing(setText),
  dom_click: writing(click),
  storage_get: { needs: (args) => [`storage:${areaOf(args)}:read`], run: getItem },
  storage_set: { needs: (args) => [`storage:${areaOf(args)}:write`], run: setItem },
  http_fetch: { needs: () => ['network:fetch:same-origin'], run: httpFetch },
}

/** What the service worker sends with each request; it is our own code, so its shape is given. */
export interface DomRequest {
  /** the site, or a tool that was installed for it */
  readonly principal: Principal
  readonly manifest: string
  readonly builtIn: boolean
  readonly call: string
  readonly grants: readonly Grant[]
  readonly arguments: JsonObject
}

/** Runs the import `method` (`dom/NAME`) in this document until `signal` ends it, or throws BtcpError. */
export function runDomImport(method: string, params: JsonObject, signal: AbortSignal): JsonValue | Promise<JsonValue> {
  const name = method.replace(/^dom\//, '')
  const found = Object.hasOwn(DOM_IMPORTS, name) ? DOM_IMPORTS[name] : undefined
  if (!found) throw new BtcpError('METHOD_NOT_FOUND', `Cannot run "${name}": no such DOM import`)
  const request = params as unknown as DomRequest
  const owner = ownerOf(request.principal)
  if (owner.kind !== 'site' || owner.origin !== location.origin)
    throw new BtcpError('TAB_GONE', `Cannot run "${name}": its document was left`, { effects: 'none' })
  const decision = decide(request.grants, requestOf(name, found, request))
  if (!decision.allow)
    throw new BtcpError('CAPABILITY_DENIED', `Cannot run "${name}": not granted`, { missing: decision.missing, effects: 'none' })
  return found.run(request.arguments, signal)
}

function requestOf(
  name: string,
  { needs }: DomImport,
  { principal, manifest, builtIn, call, arguments: args }: DomRequest,
): CapabilityRequest {
  return {
    principal,
    manifest,
    builtIn,
    call,
    capabilities: needs(args),
    subject: importSubject({ import: name, arguments: args }, location.origin),
    now: Date.now(),
  }
}
