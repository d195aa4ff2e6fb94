/**
 * A zip archive (PKWARE APPNOTE 6.3) as the files of a package. An archive is hostile: what its directory claims is checked whole, names,
 * sizes and overlaps, before one byte is unpacked, and what is unpacked must be what was claimed (T57, T114). Never throws.
 */
import { Inflate } from 'fflate'
import type { PackageFile } from './installed-tool.ts'
import { LIMITS, type Limits } from './limits.ts'
import { Faults, type PackageFault, quoted } from './package/fault.ts'
import { utf8Text } from './package/text.ts'
import { pathFault, trimPackage } from './package/tree.ts'
import { CENTRAL, CENTRAL_BYTES, DEFLATED, END, END_BYTES, LOCAL, LOCAL_BYTES, STORED } from './zip-record.ts'

export type UnpackedZip =
  { readonly ok: true; readonly files: PackageFile[] } | { readonly ok: false; readonly faults: readonly PackageFault[] }

interface Member {
  /** in the archive */
  readonly name: string
  /** in the package */
  readonly path: string
  readonly method: number
  readonly crc: number
  readonly packed: number
  readonly size: number
  /** of its local header */
  readonly offset: number
}

const COMMENT_BYTES = 0xffff
/** Deflate cannot do better. */
const RATIO = 1_032
/** What goes into the inflater at a time: so little beyond the claim can come out of it. */
const PART = 4_096
const UNIX = 3
const LINK = 0o120000
const TYPE = 0o170000

class Refused extends Error {
  readonly file: string
  constructor(file: string, message: string) {
    super(message)
    this.file = file
  }
}

/** The files below the archive's one top directory, if it has one; what an archiver or a desktop adds is left out. */
export function unpackPackage(bytes: Uint8Array, limits: Limits = LIMITS): UnpackedZip {
  try {
    const members = readDirectory(bytes, limits)
    const claimed = trimPackage(members)
    checkSizes(claimed, limits)
    return { ok: true, files: claimed.map((member) => ({ path: member.path, bytes: unpack(bytes, member) })) }
  } catch (error) {
    const faults = new Faults()
    if (error instanceof Refused) faults.of(error.file.slice(0, 300))('', error.message)
    else faults.of('')('', 'is no zip archive that can be read: it is cut short or damaged')
    return { ok: false, faults: faults.list }
  }
}

export const isZip = (bytes: Uint8Array): boolean => bytes[0] === 0x50 && bytes[1] === 0x4b

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function readDirectory(bytes: Uint8Array, limits: Limits): Member[] {
  if (bytes.length > limits.toolPackageBytes)
    throw new Refused('', `is larger than ${limits.toolPackageBytes / 1024 / 1024} MiB (limit toolPackageBytes)`)
  const view = viewOf(bytes)
  const end = findEnd(view)
  const count = view.getUint16(end + 10, true)
  const size = view.getUint32(end + 12, true)
  const start = view.getUint32(end + 16, true)
  if (count === 0xffff || size === 0xffffffff || start === 0xffffffff)
    throw new Refused('', 'is a zip64 archive, which is for larger packages than tools may be: make it again without')
  if (view.getUint16(end + 4, true) !== 0 || view.getUint16(end + 8, true) !== count)
    throw new Refused('', 'is one part of several: give one archive')
  if (start + size > end) throw new Refused('', 'is damaged: its directory does not fit into it')
  const members: Member[] = []
  let at = start
  for (let i = 0; i < count; i++) {
    if (at + CENTRAL_BYTES > start + size || view.getUint32(at, true) !== CENTRAL)
      throw new Refused('', 'is damaged: its directory ends early')
    const next = at + CENTRAL_BYTES + view.getUint16(at + 28, true) + view.getUint16(at + 30, true) + view.getUint16(at + 32, true)
    if (next > start + size) throw new Refused('', 'is damaged: its directory ends early')
    const member = readMember(bytes, view, at)
    if (member) members.push(member)
    at = next
  }
  checkTree(members, limits)
  checkOverlaps(bytes, view, members, start)
  return members
}

function findEnd(view: DataView): number {
  const last = view.byteLength - END_BYTES
  for (let at = last; at >= 0 && at >= last - COMMENT_BYTES; at--)
    if (view.getUint32(at, true) === END && at + END_BYTES + view.getUint16(at + 20, true) === view.byteLength) return at
  throw new Refused('', 'is no zip archive, or is cut short: it has no directory')
}

/** A file of the directory; undefined for a directory's own entry. */
function readMember(bytes: Uint8Array, view: DataView, at: number): Member | undefined {
  const nameBytes = bytes.subarray(at + CENTRAL_BYTES, at + CENTRAL_BYTES + view.getUint16(at + 28, true))
  const name = utf8Text(nameBytes)
  if (name === undefined) throw new Refused('', 'has a name that is no UTF-8: make it again with another archiver')
  const fault = pathFault(name.endsWith('/') ? name.slice(0, -1) : name)
  if (fault !== undefined) throw new Refused('', `has a file ${quoted(name)} whose path ${fault}`)
  const flags = view.getUint16(at + 8, true)
  const isUnix = view.getUint16(at + 4, true) >> 8 === UNIX
  const mode = view.getUint32(at + 38, true) >>> 16
  if (isUnix && (mode & TYPE) === LINK) throw new Refused(name, 'is a symbolic link: put the file itself there')
  if ((flags & 0x2041) !== 0) throw new Refused(name, 'is encrypted: make the archive again without a password')
  const [packed, size, offset] = [view.getUint32(at + 20, true), view.getUint32(at + 24, true), view.getUint32(at + 42, true)]
  if ([packed, size, offset].includes(0xffffffff))
    throw new Refused(name, 'is written for zip64, which is for larger files than tools may have')
  if (name.endsWith('/')) return undefined
  const method = view.getUint16(at + 10, true)
  if (method !== STORED && method !== DEFLATED) throw new Refused(name, `is packed by method ${method}: use deflate, or none`)
  if (method === STORED ? packed !== size : size > packed * RATIO) throw new Refused(name, 'claims a size that it cannot have')
  return { name, path: name, method, crc: view.getUint32(at + 16, true), packed, size, offset }
}

function checkTree(members: readonly Member[], limits: Limits): void {
  if (members.length > limits.toolPackageFiles)
    throw new Refused('', `has more than ${limits.toolPackageFiles} files (limit toolPackageFiles)`)
  const seen = new Set<string>()
  for (const { path } of members) {
    if (seen.has(path)) throw new Refused(path, 'is there twice')
    seen.add(path)
  }
}

/** No two files share bytes of the archive, and none the directory's: what is small stays small. */
function checkOverlaps(bytes: Uint8Array, view: DataView, members: readonly Member[], directory: number): void {
  let free = 0
  for (const member of members.toSorted((a, b) => a.offset - b.offset)) {
    if (member.offset < free) throw new Refused(member.path, 'shares its bytes with another file')
    free = dataStart(bytes, view, member) + member.packed
    if (free > directory) throw new Refused(member.path, 'is damaged: it does not fit into the archive')
  }
}

/** Behind the local header, which must be that of the same file. */
function dataStart(bytes: Uint8Array, view: DataView, { name, path, offset }: Member): number {
  if (offset + LOCAL_BYTES > bytes.length || view.getUint32(offset, true) !== LOCAL) throw new Refused(path, 'is damaged: it has no header')
  const nameEnd = offset + LOCAL_BYTES + view.getUint16(offset + 26, true)
  if (utf8Text(bytes.subarray(offset + LOCAL_BYTES, nameEnd)) !== name) throw new Refused(path, 'has another name in its own header')
  return nameEnd + view.getUint16(offset + 28, true)
}

function checkSizes(members: readonly Member[], limits: Limits): void {
  const total = members.reduce((sum, { size }) => sum + size, 0)
  if (total > limits.toolPackageBytes)
    throw new Refused('', `unpacks to more than ${limits.toolPackageBytes / 1024 / 1024} MiB (limit toolPackageBytes)`)
}

function unpack(bytes: Uint8Array, member: Member): Uint8Array<ArrayBuffer> {
  const start = dataStart(bytes, viewOf(bytes), member)
  const packed = bytes.subarray(start, start + member.packed)
  const content = member.method === STORED ? new Uint8Array(packed) : inflate(packed, member)
  if (crc32(content) !== member.crc) throw new Refused(member.path, 'is damaged: its checksum is another')
  return content
}

function inflate(packed: Uint8Array, { path, size }: Member): Uint8Array<ArrayBuffer> {
  const content = new Uint8Array(size)
  let at = 0
  const inflater = new Inflate((part) => {
    if (at + part.length > size) throw new Refused(path, 'unpacks to more than it claims')
    content.set(part, at)
    at += part.length
  })
  try {
    for (let i = 0; i < packed.length; i += PART) inflater.push(packed.subarray(i, i + PART), i + PART >= packed.length)
  } catch (error) {
    throw error instanceof Refused ? error : new Refused(path, 'is damaged: it cannot be unpacked')
  }
  if (at !== size) throw new Refused(path, 'unpacks to less than it claims')
  return content
}

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let value = byte
  for (let i = 0; i < 8; i++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1
  return value
})

function crc32(bytes: Uint8Array): number {
  let crc = -1
  // By index: a package has 64 MiB, and `for … of` takes five times as long.
  for (let i = 0; i < bytes.length; i++) crc = (CRC_TABLE[(crc ^ (bytes[i] ?? 0)) & 0xff] ?? 0) ^ (crc >>> 8)
  return ~crc >>> 0
}
