/** Packages of tools as tests write them: paths with texts or bytes. */
import type { PackageFile } from '../../src/protocol/installed-tool.ts'

export type Content = string | readonly number[] | Uint8Array | object

/** An object is written as JSON. */
export function packageFiles(files: Readonly<Record<string, Content>>): PackageFile[] {
  return Object.entries(files).map(([path, content]) => ({ path, bytes: bytesOf(content) }))
}

function bytesOf(content: Content): Uint8Array<ArrayBuffer> {
  if (typeof content === 'string') return new TextEncoder().encode(content)
  if (content instanceof Uint8Array) return new Uint8Array(content)
  if (Array.isArray(content)) return Uint8Array.from(content as readonly number[])
  return new TextEncoder().encode(JSON.stringify(content))
}

const MAGIC_AND_VERSION = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]

/** A module that exports a function of no effect under each name. */
export function moduleExporting(...names: string[]): Uint8Array<ArrayBuffer> {
  const exported = names.flatMap((name) => [name.length, ...new TextEncoder().encode(name), 0, 0])
  const section = (id: number, content: readonly number[]): number[] => [id, content.length, ...content]
  return Uint8Array.from([
    ...MAGIC_AND_VERSION,
    ...section(1, [1, 0x60, 0, 0]),
    ...section(3, [1, 0]),
    ...section(7, [names.length, ...exported]),
    ...section(10, [1, 2, 0, 0x0b]),
  ])
}
