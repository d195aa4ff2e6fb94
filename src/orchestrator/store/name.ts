/**
 * File names as keys: a name is bytes; as a string each UTF-16 unit is one byte, so that invalid UTF-8 round-trips.
 */
export function nameOf(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes)
}

export function nameBytes(name: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(name.length)
  for (let i = 0; i < name.length; i++) bytes[i] = name.charCodeAt(i)
  return bytes
}

/** Whether a directory may hold it: 1 … `limit` bytes, no slash, no NUL, not `.` or `..`. */
export function isName(bytes: Uint8Array, limit: number): boolean {
  if (bytes.length === 0 || bytes.length > limit || bytes.includes(0x2f) || bytes.includes(0)) return false
  return !(bytes[0] === 0x2e && (bytes.length === 1 || (bytes.length === 2 && bytes[1] === 0x2e)))
}
