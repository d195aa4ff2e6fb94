/** A module as the sections that it is made of, in their order, each known one at most once; and a module made of sections. */
import { HEADER, unsigned } from '../wasi/wasm-encoder.ts'
import { Malformed, Reader } from './reader.ts'

export const SectionId = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
  tag: 13,
} as const

/** By id, in the words of messages. */
const TITLES: readonly string[] = [
  'custom',
  'type',
  'import',
  'function',
  'table',
  'memory',
  'global',
  'export',
  'start',
  'element',
  'code',
  'data',
  'data count',
  'tag',
]
const MOST = 10_000
const ORDER: readonly number[] = [1, 2, 3, 4, 5, 13, 6, 7, 8, 9, 12, 10, 11]

export interface Section {
  readonly id: number
  /** where its content begins in the file */
  readonly at: number
  /** the content without id and size */
  readonly body: Uint8Array
}

export function readSections(bytes: Uint8Array): Section[] {
  checkHeader(bytes)
  const file = new Reader(bytes, 'file', HEADER.length)
  const sections: Section[] = []
  const seen = new Set<number>()
  let place = -1
  while (!file.isDone) {
    const id = file.byte()
    const title = TITLES[id]
    if (title === undefined) throw new Malformed(`it has a section of unknown kind ${id}`)
    const size = file.unsigned()
    const at = file.at
    if (size > bytes.length - at)
      throw new Malformed(`it breaks off: its ${title} section has ${size} bytes, ${bytes.length - at} are there`)
    file.skip(size)
    sections.push({ id, at, body: bytes.subarray(at, at + size) })
    if (sections.length > MOST) throw new Malformed(`it has more than ${MOST} sections`)
    if (id === SectionId.custom) continue
    if (seen.has(id)) throw new Malformed(`it has two ${title} sections`)
    seen.add(id)
    const next = ORDER.indexOf(id)
    if (next < place) throw new Malformed(`its ${title} section is in the wrong place`)
    place = next
  }
  return sections
}

function checkHeader(bytes: Uint8Array): void {
  for (let i = 0; i < 4; i++) if (bytes[i] !== HEADER[i]) throw new Malformed('it is not a WebAssembly module')
  if (bytes.length < HEADER.length) throw new Malformed('it breaks off within its first eight bytes')
  const version = bytes[4]! | (bytes[5]! << 8)
  const layer = bytes[6]! | (bytes[7]! << 8)
  if (layer === 1) throw new Malformed('it is a component, a core module is needed (build for wasm32-wasip1 or wasm32-unknown-unknown)')
  if (version !== 1 || layer !== 0) throw new Malformed(`it is of version ${version}.${layer}, version 1 is needed`)
}

export const readerOf = (section: Section): Reader => new Reader(section.body, `${TITLES[section.id]} section`)

/** The file of these sections, and where each one's content begins in it. */
export function joinSections(sections: readonly Pick<Section, 'id' | 'body'>[]): {
  readonly bytes: Uint8Array<ArrayBuffer>
  readonly at: readonly number[]
} {
  const heads = sections.map(({ id, body }) => [id, ...unsigned(body.length)])
  const bytes = new Uint8Array(sections.reduce((sum, { body }, i) => sum + heads[i]!.length + body.length, HEADER.length))
  bytes.set(HEADER)
  const at: number[] = []
  let end = HEADER.length
  sections.forEach(({ body }, i) => {
    bytes.set(heads[i]!, end)
    end += heads[i]!.length
    at.push(end)
    bytes.set(body, end)
    end += body.length
  })
  return { bytes, at }
}

/** A vector with one more entry at its end. */
export function appended(vector: Uint8Array, entry: readonly number[]): Uint8Array {
  const reader = new Reader(vector, 'vector')
  const count = Uint8Array.from(unsigned(reader.unsigned() + 1))
  const rest = vector.subarray(reader.at)
  const out = new Uint8Array(count.length + rest.length + entry.length)
  out.set(count)
  out.set(rest, count.length)
  out.set(entry, count.length + rest.length)
  return out
}
