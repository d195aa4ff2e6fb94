/**
 * A light look into a WebAssembly module, before it has passed the gate: what it exports tells which ABI it was made for, what it imports
 * what it asks for. Whether it may run is found out elsewhere (src/sandbox/cell, wasm/pool-pass).
 */
import type { Capability } from '../capability.ts'
import type { WasmAbi } from '../installed-tool.ts'
import { TOOL_IMPORTS, type ToolImport } from '../tool-imports.ts'
import { utf8Text } from './text.ts'

const IMPORTS = 2
const EXPORTS = 7
const KIND = { function: 0, table: 1, memory: 2, global: 3 } as const
const MAGIC = [0x00, 0x61, 0x73, 0x6d]

export const isModule = (bytes: Uint8Array): boolean => MAGIC.every((byte, i) => bytes[i] === byte)

/** The ABI that the exports speak for, or undefined. */
export function abiOf(bytes: Uint8Array): WasmAbi | undefined {
  const names = exportNames(bytes)
  if (names.includes('execute')) return 'btcp'
  if (names.includes('library_call') || names.includes('library_check')) return 'library'
  return names.includes('_start') ? 'stdio' : undefined
}

/** What the imports that can be read need, each once: where nobody wrote it down, the module itself says what it asks for. */
export function neededCapabilities(bytes: Uint8Array): Capability[] {
  const imported = new Set(imports(bytes))
  const rows = Object.entries<ToolImport>(TOOL_IMPORTS).filter(([name, { module }]) => imported.has(`${module}.${name}`))
  return [...new Set(rows.flatMap(([, { needs }]) => needs ?? []))]
}

interface Cursor {
  readonly bytes: Uint8Array
  at: number
}

/** What can be read of the export section; nothing for bytes that are no module. */
function exportNames(bytes: Uint8Array): string[] {
  const cursor = sectionAt(bytes, EXPORTS)
  const names: string[] = []
  for (let left = leb(cursor); left > 0 && cursor.at < cursor.bytes.length; left--) {
    names.push(nameAt(cursor))
    cursor.at += 1
    leb(cursor)
  }
  return names
}

/** The functions that can be read of the import section, as `module.name`. */
function imports(bytes: Uint8Array): string[] {
  const cursor = sectionAt(bytes, IMPORTS)
  const names: string[] = []
  for (let left = leb(cursor); left > 0 && cursor.at < cursor.bytes.length; left--) {
    const name = `${nameAt(cursor)}.${nameAt(cursor)}`
    const kind = cursor.bytes[cursor.at++]
    if (kind === KIND.function) names.push(name)
    if (kind === KIND.table || kind === KIND.global) cursor.at += 1
    if (kind === KIND.global) cursor.at += 1
    else if (kind === KIND.table || kind === KIND.memory) limits(cursor)
    else leb(cursor)
  }
  return names
}

/** The content of the first section of that kind; empty where there is none. */
function sectionAt(bytes: Uint8Array, wanted: number): Cursor {
  const cursor = { bytes, at: isModule(bytes) ? 8 : bytes.length }
  while (cursor.at < bytes.length) {
    const id = bytes[cursor.at++]
    const size = leb(cursor)
    if (id === wanted) return { bytes: bytes.subarray(0, cursor.at + size), at: cursor.at }
    cursor.at += size
  }
  return { bytes: new Uint8Array(0), at: 0 }
}

function nameAt(cursor: Cursor): string {
  const length = leb(cursor)
  const name = utf8Text(cursor.bytes.subarray(cursor.at, cursor.at + length)) ?? ''
  cursor.at += length
  return name
}

function limits(cursor: Cursor): void {
  const flags = cursor.bytes[cursor.at++] ?? 0
  leb(cursor)
  if (flags & 1) leb(cursor)
}

function leb(cursor: Cursor): number {
  let value = 0
  for (let shift = 0; shift < 35; shift += 7) {
    const byte = cursor.bytes[cursor.at++] ?? 0
    value += (byte & 0x7f) * 2 ** shift
    if (byte < 0x80) break
  }
  return value
}
