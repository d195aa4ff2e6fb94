/**
 * Text of a package's files. The protocol has ECMAScript only, so UTF-8 (RFC 3629) is decoded by what that has: `decodeURIComponent`
 * refuses everything that is not well-formed.
 */
const PART = 8_192
const PERCENT = Array.from({ length: 256 }, (_, byte) => `%${byte.toString(16).padStart(2, '0')}`)

/** The text without its byte order mark, or undefined for bytes that are no UTF-8. */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    let text = ''
    for (let i = 0; i < bytes.length;) {
      const end = boundary(bytes, Math.min(i + PART, bytes.length))
      if (end <= i) return undefined
      text += decode(bytes.subarray(i, end))
      i = end
    }
    return text.startsWith('\uFEFF') ? text.slice(1) : text
  } catch {
    return undefined
  }
}

function decode(part: Uint8Array): string {
  if (part.every((byte) => byte < 0x80)) return String.fromCharCode(...part)
  let encoded = ''
  for (const byte of part) encoded += PERCENT[byte]
  return decodeURIComponent(encoded)
}

/** The last place at or before `end` where no character is cut. */
export function boundary(bytes: Uint8Array, end: number): number {
  let at = end
  while (at > 0 && at > end - 4 && ((bytes[at] ?? 0) & 0xc0) === 0x80) at--
  return at
}
