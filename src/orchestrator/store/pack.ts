/**
 * Puts the contents of one commit into stored chunks: a large one is a chunk of its own, so that equal contents are stored
 * once; small ones are laid together, so that 10,000 small files are a few chunks. A chunk's name is the SHA-256 of its bytes.
 */
import { hexOf, type Extent } from './fs-image.ts'

const ALONE_FROM = 32 * 1024
const PACK_BYTES = 256 * 1024

export interface Piece {
  readonly ino: number
  readonly index: number
  readonly bytes: Uint8Array
}

export interface Packed {
  readonly placement: Map<number, Map<number, Extent>>
  readonly chunks: { readonly hash: string; readonly bytes: Uint8Array }[]
}

export async function pack(pieces: Iterable<Piece>, sha256: (bytes: Uint8Array) => Promise<Uint8Array>): Promise<Packed> {
  const groups = arrange(pieces)
  const chunks = await Promise.all(
    groups.map(async (group) => {
      const bytes = join(group)
      return { hash: hexOf(await sha256(bytes)), bytes }
    }),
  )
  const placement = new Map<number, Map<number, Extent>>()
  for (const [i, group] of groups.entries()) {
    let offset = 0
    for (const { ino, index, bytes } of group) {
      const ofInode = placement.get(ino) ?? new Map<number, Extent>()
      placement.set(ino, ofInode.set(index, { hash: chunks[i]?.hash ?? '', offset, length: bytes.length }))
      offset += bytes.length
    }
  }
  return { placement, chunks: chunks.filter((chunk) => chunk.bytes.length > 0) }
}

function arrange(pieces: Iterable<Piece>): Piece[][] {
  const groups: Piece[][] = []
  let open: Piece[] = []
  let openBytes = 0
  for (const piece of pieces) {
    if (piece.bytes.length >= ALONE_FROM) {
      groups.push([piece])
      continue
    }
    if (openBytes + piece.bytes.length > PACK_BYTES) {
      groups.push(open)
      open = []
      openBytes = 0
    }
    open.push(piece)
    openBytes += piece.bytes.length
  }
  return open.length > 0 ? [...groups, open] : groups
}

function join(group: readonly Piece[]): Uint8Array {
  const [only] = group
  // A part of a larger blob is copied: it would keep all of the blob alive.
  if (only && group.length === 1) return only.bytes.length === only.bytes.buffer.byteLength ? only.bytes : only.bytes.slice()
  const out = new Uint8Array(group.reduce((sum, piece) => sum + piece.bytes.length, 0))
  let at = 0
  for (const { bytes } of group) {
    out.set(bytes, at)
    at += bytes.length
  }
  return out
}
