/** The object `crypto` of a script: randomness. `subtle` is not there, because a worker of an opaque origin has none. */
import type { JsHost } from './js-host.ts'

export function makeCrypto(host: JsHost): Readonly<Record<string, unknown>> {
  const getRandomValues = (into: unknown): unknown => host.getRandomValues(into)
  return { getRandomValues, randomUUID: () => uuidOf(getRandomValues(new Uint8Array(16)) as Uint8Array) }
}

/** Version 4 of RFC 9562. */
function uuidOf(bytes: Uint8Array): string {
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return bytes.toHex().replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}
