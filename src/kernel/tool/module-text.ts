/** Texts of a module as they lie in its memory: UTF-8 by pointer and length, or AssemblyScript's strings. */
import { byteString, strictText } from '../vfs/byte-string.ts'
import type { GuestMemory } from '../wasi/memory.ts'

/** The text of bytes that are in the memory; undefined where it is no UTF-8. What is longer than `most` is cut off. */
export function utf8At({ u8 }: GuestMemory, pointer: number, length: number, most = Number.MAX_SAFE_INTEGER): string | undefined {
  const start = pointer >>> 0
  return strictText(byteString(wholeCharacters(u8.subarray(start, start + (length >>> 0)), most)))
}

/** So many bytes at most, and no part of a character at their end. */
export function wholeCharacters(bytes: Uint8Array, most: number): Uint8Array {
  if (bytes.length <= most) return bytes
  let end = most
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--
  return bytes.subarray(0, end)
}

/** UTF-16 with its length in bytes before it, at most `most` of them; empty where there is no such string. */
export function utf16At({ view, bytes }: GuestMemory, pointer: number, most: number): string {
  const start = pointer >>> 0
  if (start < 4 || start > bytes) return ''
  const length = Math.min(view.getUint32(start - 4, true), most, bytes - start)
  let text = ''
  for (let i = 0; i + 1 < length; i += 2) text += String.fromCharCode(view.getUint16(start + i, true))
  return text.toWellFormed()
}

/** Control characters but the tab, and what else ends a line, become spaces. */
export const oneLine = (text: string): string => text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ')
