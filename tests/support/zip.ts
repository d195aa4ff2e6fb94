/** Zip archives for tests, written from plain data: right by default, and wrong in any field that a test names. */
import { line } from './wasm-encoder.ts'

export interface ZipEntry {
  readonly name: string
  readonly text?: string
  /** compression method; the bytes stay as they are */
  readonly method?: number
  /** size in the directory, where it shall not be the right one */
  readonly size?: number
  readonly compressedSize?: number
  /** offset of the local header, where it shall not be the right one */
  readonly local?: number
  readonly flags?: number
  /** extra field in the local header */
  readonly extra?: string
}
export interface ZipOptions {
  readonly comment?: string
  readonly count?: number
  readonly directoryOffset?: number
  readonly disk?: number
}

const u16 = (n: number): number[] => [n & 0xff, (n >>> 8) & 0xff]
const u32 = (n: number): number[] => [...u16(n & 0xffff), ...u16(n >>> 16)]
/** Names and contents are bytes as in Latin-1. */
const latin1 = (text: string): number[] => Array.from(text, (c) => c.charCodeAt(0))

function header(entry: ZipEntry, size: number, extra: readonly number[]): number[] {
  const name = latin1(entry.name)
  return [
    ...line(...u16(entry.flags ?? 0), ...u16(entry.method ?? 0), ...u32(0), ...u32(0)),
    ...line(...u32(entry.compressedSize ?? entry.size ?? size), ...u32(entry.size ?? size), ...u16(name.length), ...u16(extra.length)),
  ]
}

export function zip(entries: readonly ZipEntry[], options: ZipOptions = {}): Uint8Array<ArrayBuffer> {
  const files: number[] = []
  const directory: number[] = []
  for (const entry of entries) {
    const data = latin1(entry.text ?? '')
    const extra = latin1(entry.extra ?? '')
    const local = entry.local ?? files.length
    files.push(...u32(0x04034b50), ...u16(20), ...header(entry, data.length, extra), ...latin1(entry.name), ...extra, ...data)
    directory.push(
      ...u32(0x02014b50),
      ...u16(20),
      ...u16(20),
      ...header(entry, data.length, []),
      ...u16(0),
      ...u16(0),
      ...u16(0),
      ...u32(0),
    )
    directory.push(...u32(local), ...latin1(entry.name))
  }
  const count = options.count ?? entries.length
  const disk = options.disk ?? 0
  const comment = latin1(options.comment ?? '')
  const end = [
    ...line(...u32(0x06054b50), ...u16(disk), ...u16(disk), ...u16(count), ...u16(count)),
    ...line(...u32(directory.length), ...u32(options.directoryOffset ?? files.length), ...u16(comment.length), ...comment),
  ]
  return Uint8Array.from([...files, ...directory, ...end])
}
