/**
 * `http_fetch` of a tool's module: a request to the document's own origin, with the person's sign-in there. The `fetch` is the isolated world's,
 * which the page cannot replace. Invariants: nothing goes to another origin, also not by a redirect; a request ends with its call, with its
 * document, or at its deadline; no answer is longer than an import may give.
 */
import { BtcpError } from '../../protocol/error.ts'
import { type FetchRequest, parseFetchRequest } from '../../protocol/fetch-request.ts'
import { joinedBytes } from '../../protocol/joined-bytes.ts'
import { LIMITS } from '../../protocol/limits.ts'
import type { JsonObject, JsonValue } from '../../protocol/parse.ts'

const send = globalThis.fetch

/** `{ request } → ` the JSON text of `{ status, headers, body, encoding? }`, or `{ nothing }` where the server gave no answer. */
export async function httpFetch({ request }: JsonObject, signal: AbortSignal): Promise<JsonValue> {
  const asked = parseFetchRequest(request, location.origin)
  // Two readings of one text: what was read by its characters is what the browser would ask for.
  if (new URL(asked.url).origin !== location.origin) throw failure('UNSUPPORTED', asked, 'it is another origin', { effects: 'none' })
  const deadline = AbortSignal.timeout(LIMITS.toolFetchMs)
  try {
    return await answerOf(asked, AbortSignal.any([signal, deadline]))
  } catch (error) {
    if (error instanceof BtcpError) throw error
    if (signal.aborted) throw failure('CANCELLED', asked, 'the call has ended')
    if (deadline.aborted) throw failure('TIMEOUT', asked, `no answer within ${LIMITS.toolFetchMs} ms (limit toolFetchMs)`)
    return { nothing: failureText(asked, 'the server cannot be reached, or its answer broke off') }
  }
}

async function answerOf(asked: FetchRequest, signal: AbortSignal): Promise<JsonValue> {
  const { url, method, headers, body } = asked
  const response = await send(url, {
    method,
    headers: headers.map(([name, value]): [string, string] => [name, value]),
    ...(body === undefined ? {} : { body }),
    mode: 'same-origin',
    credentials: 'same-origin',
    // Not `error`: that is not told from a server that is down. None is followed either way.
    redirect: 'manual',
    cache: 'no-store',
    referrerPolicy: 'strict-origin',
    signal,
  })
  if (response.type === 'opaqueredirect') return { nothing: failureText(asked, 'the server answers with a redirect, and none is followed') }
  const content = bodyOf(await bytesOf(response, asked))
  const answer = JSON.stringify({ status: response.status, headers: Object.fromEntries(response.headers), ...content })
  if (new TextEncoder().encode(answer).length > LIMITS.toolImportBytes) throw tooLarge(asked)
  return answer
}

/** To leave the loop is to end the transfer. */
async function bytesOf({ body }: Response, asked: FetchRequest): Promise<Uint8Array> {
  if (!body) return new Uint8Array()
  const parts: Uint8Array[] = []
  let size = 0
  for await (const part of body) {
    size += part.length
    if (size > LIMITS.toolImportBytes) throw tooLarge(asked)
    parts.push(part)
  }
  return joinedBytes(parts)
}

function bodyOf(bytes: Uint8Array): { readonly body: string; readonly encoding?: 'base64' } {
  try {
    return { body: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) }
  } catch {
    return { body: bytes.toBase64(), encoding: 'base64' }
  }
}

const tooLarge = (asked: FetchRequest): BtcpError =>
  failure('INTERNAL_ERROR', asked, `the answer has more than ${LIMITS.toolImportBytes} bytes (limit toolImportBytes)`, {
    limit: 'toolImportBytes',
    effects: 'unknown',
  })

const failure = (
  code: 'UNSUPPORTED' | 'CANCELLED' | 'TIMEOUT' | 'INTERNAL_ERROR',
  asked: FetchRequest,
  reason: string,
  data: ConstructorParameters<typeof BtcpError>[2] = { effects: 'unknown' },
): BtcpError => new BtcpError(code, failureText(asked, reason), data)

const failureText = ({ url }: FetchRequest, reason: string): string => `Cannot fetch "${url.slice(0, 300)}": ${reason}`
