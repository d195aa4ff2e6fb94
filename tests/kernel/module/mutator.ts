/** Changes bytes of a module by a seeded generator, as a bad disk, a bad compiler or somebody bad would: the same seed, the same mutant. */
import { text, uleb } from '../../support/wasm-encoder.ts'

/** A number below `below`. */
export type Pick = (below: number) => number

export function picker(seed: number): Pick {
  let state = seed >>> 0
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

type Bytes = Uint8Array<ArrayBuffer>
type Change = (bytes: Bytes, pick: Pick) => Bytes

const joined = (...parts: readonly ArrayLike<number>[]): Bytes => Uint8Array.from(parts.flatMap((part) => Array.from(part)))
/** So many bytes replaced, or as many as there are. */
const spliced = (bytes: Bytes, from: number, most: number, by: readonly number[]): Bytes => {
  const at = Math.min(from, bytes.length)
  const count = Math.min(most, bytes.length - at)
  const out = new Uint8Array(bytes.length - count + by.length)
  out.set(bytes.subarray(0, at))
  out.set(by, at)
  out.set(bytes.subarray(at + count), at + by.length)
  return out
}

/** Where the sections begin, and where the last one ends; as far as they can be read. */
function sectionStarts(bytes: Bytes): number[] {
  const starts = [8]
  for (let at = 8; at < bytes.length;) {
    let size = 0
    let next = at + 1
    for (let shift = 0; shift < 35 && next < bytes.length; shift += 7) {
      const byte = bytes[next++]!
      size += (byte & 0x7f) * 2 ** shift
      if (byte < 0x80) break
    }
    at = next + size
    if (at > bytes.length) break
    starts.push(at)
  }
  return starts
}

function section(bytes: Bytes, pick: Pick): { readonly from: number; readonly to: number } {
  const starts = sectionStarts(bytes)
  const index = pick(Math.max(1, starts.length - 1))
  return { from: starts[index]!, to: starts[index + 1] ?? bytes.length }
}

/** Bytes that mean much: types and forms, flags, limits, opcodes of the collector and of atomics. */
const TELLING = [
  0, 1, 2, 3, 4, 5, 6, 7, 8, 0x0b, 0x0d, 0x10, 0x20, 0x40, 0x41, 0x4e, 0x4f, 0x50, 0x5e, 0x5f, 0x60, 0x63, 0x64, 0x69, 0x6b, 0x6c, 0x6e,
  0x6f, 0x70, 0x71, 0x7b, 0x7c, 0x7d, 0x7e, 0x7f, 0x80, 0xd0, 0xd2, 0xfb, 0xfc, 0xfd, 0xfe, 0xff,
]
const NUMBERS = [0, 1, 127, 128, 65_535, 65_536, 65_537, 10_000_000, 0x7fff_ffff, 0xffff_ffff]
const WORDS = ['memory', 'execute', 'env', 'btcp', 'tidepool:start', '__proto__', 'constructor', 'dom_text', 'dom_frobnicate', 'wbg']

/** Well-formed entries of sections, by id, that an engine would take and no cell gives; of segments, that do not fit. */
const FORBIDDEN: readonly (readonly [id: number, entry: readonly number[]])[] = [
  [1, [0x5f, 0]],
  [1, [0x5e, 0x7f, 1]],
  [1, [0x50, 0, 0x60, 0, 0]],
  [1, [0x4e, 1, 0x60, 0, 0]],
  [1, [0x60, 1, 0x6e, 0]],
  [2, [...text('env'), ...text('table'), 1, 0x70, 0, 1]],
  [2, [...text('env'), ...text('global'), 3, 0x7f, 0]],
  [2, [...text('env'), ...text('tag'), 4, 0, 0]],
  [2, [...text('env'), ...text('memory'), 2, 3, 1, 1]],
  [2, [...text('env'), ...text('memory'), 2, 4, 1]],
  [2, [...text('env'), ...text('fetch'), 0, 0]],
  [2, [...text('btcp'), ...text('dom_count'), 0, 0]],
  [4, [0x6e, 0, 1]],
  [4, [0x63, 0x6d, 0, 1]],
  [4, [0x70, 4, 1]],
  [4, [0x70, 0, ...uleb(10_000_000)]],
  [4, [0x70, 1, 0, ...uleb(10_000_000)]],
  [5, [0, 1]],
  [5, [3, 1, 1]],
  [5, [4, 1]],
  [13, [0, 1]],
  [13, [0, 3]],
  [6, [0x6e, 1, 0xd0, 0x6e, 0x0b]],
  [6, [0x6d, 1, 0x41, 1, 0xfb, 0x1c, 0x0b]],
  [7, [...text('tidepool:start'), 0, 0]],
  [8, [3]],
  [9, [5, 0x6e, 1, 0xd0, 0x6e, 0x0b]],
  [11, [0, 0x41, 0x7f, 0x0b, 1, 1]],
]
const ORDER = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11]
const START = 8

/** The module with that entry at the end of the section, which is put in where it is missing. */
function withEntry(bytes: Bytes, id: number, entry: readonly number[]): Bytes {
  const starts = sectionStarts(bytes)
  const place = starts.findIndex((at) => bytes[at] === id)
  const from = starts[place]
  const to = starts[place + 1]
  if (id === START || from === undefined || to === undefined) {
    const later = ORDER.slice(ORDER.indexOf(id) + 1)
    const before = starts.find((at) => later.includes(bytes[at] ?? 0)) ?? bytes.length
    const body = id === START ? entry : [1, ...entry]
    return spliced(bytes, before, 0, [id, ...uleb(body.length), ...body])
  }
  let at = from + 1
  while (bytes[at]! >= 0x80) at++
  // Counts up to 127; a larger one becomes another number, which is a mutant as well.
  const body = [bytes[at + 1]! + 1, ...bytes.subarray(at + 2, to), ...entry]
  return spliced(bytes, from, to - from, [id, ...uleb(body.length), ...body])
}

const aimed: Change = (bytes, pick) => withEntry(bytes, ...FORBIDDEN[pick(FORBIDDEN.length)]!)
const oneBit: Change = (bytes, pick) => {
  const at = pick(bytes.length)
  return spliced(bytes, at, 1, [bytes[at]! ^ (1 << pick(8))])
}

const CHANGES: readonly Change[] = [
  aimed,
  oneBit,
  // a local of a type that is forbidden, in a body of one group or none
  (bytes, pick) => {
    const { from, to } = section(bytes, pick)
    return spliced(bytes, from + pick(to - from), 1, [1, 1, [0x6e, 0x6d, 0x69, 0x6b][pick(4)]!])
  },
  // a byte, a telling byte
  (bytes, pick) => spliced(bytes, pick(bytes.length), 1, [pick(256)]),
  (bytes, pick) => spliced(bytes, pick(bytes.length), 1, [TELLING[pick(TELLING.length)]!]),
  // the head of a section, where counts and types are
  (bytes, pick) => {
    const { from, to } = section(bytes, pick)
    return spliced(bytes, Math.min(bytes.length - 1, from + pick(Math.min(24, to - from))), 1, [TELLING[pick(TELLING.length)]!])
  },
  // a number, inserted or in place of bytes
  (bytes, pick) => spliced(bytes, pick(bytes.length - 4), pick(4), uleb(NUMBERS[pick(NUMBERS.length)]!)),
  // bytes lost, doubled, or the rest of the file lost
  (bytes, pick) => {
    const at = pick(bytes.length)
    return spliced(bytes, at, 1 + pick(Math.min(8, bytes.length - at)), [])
  },
  (bytes, pick) => {
    const at = pick(bytes.length)
    return spliced(bytes, at, 0, Array.from(bytes.subarray(at, at + 1 + pick(16))))
  },
  (bytes, pick) => bytes.slice(0, pick(bytes.length)),
  // a section lost, twice, in another place, of another kind, or made up
  (bytes, pick) => {
    const { from, to } = section(bytes, pick)
    return spliced(bytes, from, to - from, [])
  },
  (bytes, pick) => {
    const { from, to } = section(bytes, pick)
    return joined(bytes.subarray(0, to), bytes.subarray(from, to), bytes.subarray(to))
  },
  (bytes, pick) => {
    const { from, to } = section(bytes, pick)
    const rest = spliced(bytes, from, to - from, [])
    const other = section(rest, pick)
    return joined(rest.subarray(0, other.from), bytes.subarray(from, to), rest.subarray(other.from))
  },
  (bytes, pick) => {
    const { from } = section(bytes, pick)
    return from < bytes.length ? spliced(bytes, from, 1, [pick(15)]) : bytes
  },
  (bytes, pick) => {
    const body = Array.from({ length: pick(12) }, () => TELLING[pick(TELLING.length)]!)
    return spliced(bytes, section(bytes, pick).from, 0, [pick(14), ...uleb(body.length), ...body])
  },
  // another word where a name may be
  (bytes, pick) => {
    const word = WORDS[pick(WORDS.length)]!
    return spliced(bytes, pick(bytes.length), pick(word.length), [word.length, ...Buffer.from(word)])
  },
]

/** A quarter are well-aimed, a quarter have one bit changed, which keeps much of them alive, and the rest have one to four changes. */
export function mutate(bytes: Bytes, seed: number): Bytes {
  const pick = picker(seed)
  const kind = pick(4)
  if (kind === 0) return aimed(bytes, pick)
  if (kind === 1) return oneBit(bytes, pick)
  let out = bytes
  for (let left = 1 + pick(4); left > 0 && out.length > 8; left--) out = CHANGES[pick(CHANGES.length)]!(out, pick)
  return out
}
