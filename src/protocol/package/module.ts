/**
 * A light look into a WebAssembly module, before it has passed the gate: what it exports tells which ABI it was made for. Whether it may run
 * is found out elsewhere (src/sandbox/cell, wasm/pool-pass).
 */
import type { WasmAbi } from '../installed-tool.ts'
import { utf8Text } from './text.ts'

const EXPORTS = 7
const MAGIC = [0x00, 0x61, 0x73, 0x6d]

export const isModule = (bytes: Uint8Array): boolean => MAGIC.every((byte, i) => bytes[i] === byte)

/** The ABI that the exports speak for, or undefined. */
export function abiOf(bytes: Uint8Array): WasmAbi | undefined {
  const names = exportNames(bytes)
  if (names.includes('execute')) return 'btcp'
  if (names.includes('library_call') || names.includes('library_check')) return 'library'
  return names.includes('_start') ? 'stdio' : undefined
}

/** What can be read of the export section; nothing for bytes that are no module. */
function exportNames(bytes: Uint8Array): string[] {
  if (!isModule(bytes)) return []
  const names: string[] = []
  const cursor = { bytes, at: 8 }
  while (cursor.at < bytes.length) {
    const id = bytes[cursor.at++]
    const size = leb(cursor)
    const end = cursor.at + size
    if (id !== EXPORTS) {
      cursor.at = end
      continue
    }
    for (let left = leb(cursor); left > 0 && cursor.at < Math.min(end, bytes.length); left--) {
      const length = leb(cursor)
      names.push(utf8Text(bytes.subarray(cursor.at, Math.min(cursor.at + length, end))) ?? '')
      cursor.at += length + 1
      leb(cursor)
    }
    return names
  }
  return names
}

function leb(cursor: { readonly bytes: Uint8Array; at: number }): number {
  let value = 0
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = cursor.bytes[cursor.at++] ?? 0
    value += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
  }
  return value
}
