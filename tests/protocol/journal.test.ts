import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  chunkCapacity,
  chunkCount,
  chunkOffset,
  chunkOfOffset,
  JournalFormatError,
  type JournalRecord,
  JournalWriter,
  readJournal,
} from '../../src/protocol/journal.ts'

const u32 = fc.integer({ min: 0, max: 0xffff_ffff })
const text = fc.uint8Array({ maxLength: 300 })
const time = fc.record({ sec: fc.maxSafeInteger(), nsec: fc.integer({ min: 0, max: 999_999_999 }) })
const record: fc.Arbitrary<JournalRecord> = fc.oneof(
  fc.record({
    t: fc.constant('inode' as const),
    ino: u32,
    kind: fc.constantFrom(1 as const, 2 as const, 3 as const),
    mode: fc.integer({ min: 0, max: 0o7777 }),
    uid: u32,
    gid: u32,
    nlink: u32,
    size: fc.maxSafeNat(),
    atime: time,
    mtime: time,
    ctime: time,
    keepChunks: u32,
  }),
  fc.record({ t: fc.constant('entry' as const), dir: u32, ino: u32, name: text }),
  fc.record({ t: fc.constant('forget' as const), ino: u32 }),
  fc.record({ t: fc.constant('target' as const), ino: u32, target: text }),
  fc.record({ t: fc.constant('data' as const), ino: u32, index: u32, blob: u32, offset: u32, length: u32 }),
  fc.record({
    t: fc.constant('extent' as const),
    ino: u32,
    index: u32,
    hash: fc.uint8Array({ minLength: 32, maxLength: 32 }),
    offset: u32,
    length: u32,
  }),
)

function write(records: readonly JournalRecord[]): Uint8Array {
  const writer = new JournalWriter()
  for (const r of records) {
    if (r.t === 'inode') writer.inode(r)
    else if (r.t === 'entry') writer.entry(r.dir, r.name, r.ino)
    else if (r.t === 'forget') writer.forget(r.ino)
    else if (r.t === 'target') writer.target(r.ino, r.target)
    else if (r.t === 'data') writer.data(r.ino, r.index, r.blob, r.offset, r.length)
    else writer.extent(r.ino, r.index, r.hash, r.offset, r.length)
  }
  return writer.take()
}

describe('records', () => {
  test('come back as they were written', () => {
    fc.assert(
      fc.property(fc.array(record, { maxLength: 30 }), (records) => {
        expect([...readJournal(write(records))]).toEqual(records)
      }),
    )
  })
  test('that are cut off anywhere are refused at the record that is not whole', () => {
    fc.assert(
      fc.property(record, record, (first, second) => {
        const whole = write([first, second])
        const start = write([first]).length
        for (let end = start + 1; end < whole.length; end++) {
          const seen: JournalRecord[] = []
          let refusal: unknown
          try {
            for (const one of readJournal(whole.subarray(0, end))) seen.push(one)
          } catch (error) {
            refusal = error
          }
          expect(seen).toEqual([first])
          expect(refusal).toMatchObject({ name: 'JournalFormatError', at: start })
        }
      }),
      { numRuns: 30 },
    )
  })
  test('of any bytes are read or refused, and nothing else happens', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.array(record, { maxLength: 3 }), fc.nat(), (junk, records, at) => {
        const stream = write(records)
        if (stream.length > 0) stream.set(junk.subarray(0, Math.max(0, stream.length - (at % stream.length))), at % stream.length)
        for (const bytes of [junk, stream]) {
          try {
            expect([...readJournal(bytes)].length).toBeLessThanOrEqual(bytes.length)
          } catch (error) {
            expect(error).toBeInstanceOf(JournalFormatError)
          }
        }
      }),
      { numRuns: 2_000 },
    )
  })
  test('read from the middle of a larger buffer are the same', () => {
    const stream = write([{ t: 'entry', dir: 1, ino: 2, name: new Uint8Array([97]) }])
    const larger = new Uint8Array(stream.length + 20)
    larger.set(stream, 7)
    expect([...readJournal(larger.subarray(7, 7 + stream.length))]).toEqual([{ t: 'entry', dir: 1, ino: 2, name: new Uint8Array([97]) }])
  })
})

describe('a file is cut into chunks', () => {
  test('of 64 KiB below 4 MiB and of 256 KiB from there on', () => {
    expect([0, 65_535, 65_536, 4 * 2 ** 20 - 1, 4 * 2 ** 20, 4 * 2 ** 20 + 262_143, 4 * 2 ** 20 + 262_144].map(chunkOfOffset)).toEqual([
      0, 0, 1, 63, 64, 64, 65,
    ])
    expect([0, 1, 63, 64, 65].map(chunkOffset)).toEqual([0, 65_536, 4_128_768, 4_194_304, 4_456_448])
    expect([0, 63, 64].map(chunkCapacity)).toEqual([65_536, 65_536, 262_144])
    expect([0, 1, 65_536, 65_537, 4 * 2 ** 20 + 1].map(chunkCount)).toEqual([0, 1, 1, 2, 65])
  })
  test('that lie side by side', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 40 }), (offset) => {
        const index = chunkOfOffset(offset)
        expect(chunkOffset(index)).toBeLessThanOrEqual(offset)
        expect(chunkOffset(index) + chunkCapacity(index)).toBeGreaterThan(offset)
        expect(chunkOffset(index + 1)).toBe(chunkOffset(index) + chunkCapacity(index))
      }),
    )
  })
})
