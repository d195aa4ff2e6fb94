/**
 * Names, paths, arguments and environment inside the kernel: a string in which each UTF-16 unit is one byte (0 … 255).
 * So invalid UTF-8 survives the way from a guest to a directory and back, and names are fast keys of a Map.
 */
export type ByteString = string

const PIECE = 8192

/** The bytes `from` … `to` of `bytes`. */
export function byteString(bytes: Uint8Array, from = 0, to = bytes.length): ByteString {
  const length = to - from
  if (length <= 12) {
    let text = ''
    for (let i = from; i < to; i++) text += String.fromCharCode(bytes[i]!)
    return text
  }
  if (length <= PIECE) return String.fromCharCode.apply(null, bytes.subarray(from, to) as unknown as number[])
  let text = ''
  for (let i = from; i < to; i += PIECE)
    text += String.fromCharCode.apply(null, bytes.subarray(i, Math.min(i + PIECE, to)) as unknown as number[])
  return text
}

/** Writes `text` at `at`; the caller has checked that there is room. */
export function writeByteString(text: ByteString, into: Uint8Array, at = 0): void {
  for (let i = 0; i < text.length; i++) into[at + i] = text.charCodeAt(i)
}

export function bytesOf(text: ByteString): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length)
  writeByteString(text, bytes)
  return bytes
}

/** The UTF-8 bytes of ordinary text; a lone surrogate becomes U+FFFD. */
export function fromText(text: string): ByteString {
  let out = ''
  let i = 0
  for (; i < text.length; i++) if (text.charCodeAt(i) > 0x7f) break
  if (i === text.length) return text
  out = text.slice(0, i)
  for (const character of text.slice(i)) {
    const c = character.codePointAt(0)!
    const point = c >= 0xd800 && c <= 0xdfff ? 0xfffd : c
    if (point < 0x80) out += String.fromCharCode(point)
    else if (point < 0x800) out += String.fromCharCode(0xc0 | (point >> 6), 0x80 | (point & 63))
    else if (point < 0x10000) out += String.fromCharCode(0xe0 | (point >> 12), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63))
    else out += String.fromCharCode(0xf0 | (point >> 18), 0x80 | ((point >> 12) & 63), 0x80 | ((point >> 6) & 63), 0x80 | (point & 63))
  }
  return out
}

/** Reads UTF-8 as the Encoding Standard does: what is invalid becomes U+FFFD, one for each maximal invalid part. */
export function toText(bytes: ByteString): string {
  let out = ''
  let i = 0
  while (i < bytes.length) {
    const b = bytes.charCodeAt(i)
    if (b < 0x80) {
      let end = i + 1
      while (end < bytes.length && bytes.charCodeAt(end) < 0x80) end++
      out += bytes.slice(i, end)
      i = end
      continue
    }
    const more = b >= 0xc2 && b <= 0xdf ? 1 : b >= 0xe0 && b <= 0xef ? 2 : b >= 0xf0 && b <= 0xf4 ? 3 : 0
    let point = more === 1 ? b & 31 : more === 2 ? b & 15 : b & 7
    let low = b === 0xe0 ? 0xa0 : b === 0xf0 ? 0x90 : 0x80
    let high = b === 0xed ? 0x9f : b === 0xf4 ? 0x8f : 0xbf
    let taken = 0
    i++
    while (taken < more) {
      const c = i < bytes.length ? bytes.charCodeAt(i) : 0
      if (c < low || c > high) break
      point = (point << 6) | (c & 63)
      low = 0x80
      high = 0xbf
      taken++
      i++
    }
    out += more > 0 && taken === more ? String.fromCodePoint(point) : '�'
  }
  return out
}

/** The text, where the bytes are UTF-8 throughout. */
export function strictText(bytes: ByteString): string | undefined {
  const text = toText(bytes)
  // What was invalid has become another character.
  return text.includes('\ufffd') && fromText(text) !== bytes ? undefined : text
}
