/** Zip archives of tools: what is in them, and archives that lie. */
import fc from 'fast-check'
import { zipSync, type Zippable } from 'fflate'
import { describe, expect, test } from 'vitest'
import { limitsWith } from '../../src/protocol/limits.ts'
import { isZip, unpackPackage } from '../../src/protocol/package-zip.ts'

const text = (content: string): Uint8Array => new TextEncoder().encode(content)
const archive = (files: Zippable): Uint8Array => zipSync(files)

/** Path → text of what is unpacked, or the fault as `FILE: MESSAGE`. */
function unpacked(bytes: Uint8Array, limits = limitsWith()): Record<string, string> | string {
  const result = unpackPackage(bytes, limits)
  if (!result.ok) return result.faults.map(({ file, message }) => `${file}: ${message}`).join('\n')
  return Object.fromEntries(result.files.map((file) => [file.path, new TextDecoder().decode(file.bytes)]))
}

const END = [0x50, 0x4b, 5, 6]
const CENTRAL = [0x50, 0x4b, 1, 2]
const LOCAL = [0x50, 0x4b, 3, 4]

/** Where the `which`-th header of the kind begins. */
function headerAt(bytes: Uint8Array, kind: readonly number[], which = 0): number {
  let left = which
  for (let at = 0; at < bytes.length; at++) if (kind.every((byte, i) => bytes[at + i] === byte) && left-- === 0) return at
  throw new Error('there is no such header')
}

/** The archive with some bytes of a header changed. */
function changed(bytes: Uint8Array, kind: readonly number[], offset: number, values: readonly number[], which = 0): Uint8Array {
  const copy = bytes.slice()
  copy.set(values, headerAt(copy, kind, which) + offset)
  return copy
}

const u32 = (value: number): number[] => [value & 0xff, (value >>> 8) & 0xff, (value >>> 16) & 0xff, value >>> 24]
const PLAIN = archive({ 'manifest.json': text('{}'), 'dist/index.js': text('x'.repeat(1_000)) })

describe('an archive', () => {
  test('gives its files, below its one top directory, without what archivers add', () => {
    expect(unpacked(PLAIN)).toEqual({ 'manifest.json': '{}', 'dist/index.js': 'x'.repeat(1_000) })
    const folder = {
      tool: { 'manifest.json': text('{}'), 'é.txt': [text('é'), { level: 0 }] as const, '.DS_Store': text('') },
      __MACOSX: { tool: { '._x': text('') } },
    }
    expect(unpacked(archive(folder as unknown as Zippable))).toEqual({ 'manifest.json': '{}', 'é.txt': 'é' })
    expect(unpacked(archive({}))).toEqual({})
    expect(isZip(PLAIN)).toBe(true)
    expect(isZip(text('{}'))).toBe(false)
  })

  test('may have a comment', () => {
    const comment = changed(PLAIN, END, 20, [3, 0])
    expect(unpacked(Uint8Array.from([...comment, 1, 2, 3]))).toHaveProperty('manifest.json')
  })

  test('large files come out whole', () => {
    const large = new Uint8Array(3_000_000).map((_, i) => (i * i) >> 7)
    const result = unpackPackage(archive({ large, zeros: new Uint8Array(5_000_000) }))
    expect(result.ok && result.files.map(({ bytes }) => bytes.length)).toEqual([3_000_000, 5_000_000])
    expect(result.ok && Buffer.compare(result.files[0]?.bytes ?? new Uint8Array(0), large)).toBe(0)
  })
})

describe('T57 a bomb', () => {
  const bomb = archive({ 'bomb.bin': new Uint8Array(50_000_000) })

  test('T57 is refused for what it claims before anything is unpacked', () => {
    expect(bomb.length).toBeLessThan(60_000)
    const begun = performance.now()
    expect(unpacked(bomb, limitsWith({ toolPackageBytes: 1_000_000 }))).toBe(
      ': unpacks to more than 0.95367431640625 MiB (limit toolPackageBytes)',
    )
    expect(performance.now() - begun).toBeLessThan(100)
    expect(unpacked(PLAIN, limitsWith({ toolPackageFiles: 1 }))).toBe(': has more than 1 files (limit toolPackageFiles)')
    expect(unpacked(PLAIN, limitsWith({ toolPackageBytes: 100 }))).toContain('(limit toolPackageBytes)')
  })

  test('T57 that claims little is stopped at its claim', () => {
    const lying = changed(bomb, CENTRAL, 24, u32(1_000))
    expect(unpacked(lying)).toBe('bomb.bin: unpacks to more than it claims')
    expect(unpacked(changed(bomb, CENTRAL, 24, u32(60_000_000)), limitsWith({ toolPackageBytes: 61_000_000 }))).toBe(
      'bomb.bin: claims a size that it cannot have',
    )
    expect(unpacked(changed(PLAIN, CENTRAL, 24, u32(2_000), 1))).toBe('dist/index.js: unpacks to less than it claims')
  })

  test('T57 whose files share their bytes is refused', () => {
    const two = archive({ a: [new Uint8Array(100), { level: 0 }], b: [new Uint8Array(100), { level: 0 }] })
    expect(unpacked(changed(two, CENTRAL, 42, u32(0), 1))).toBe('b: shares its bytes with another file')
  })
})

describe('T114 names and sizes that lie', () => {
  test.each(['../x', '/etc/passwd', 'a/../../x', 'C:/x', 'a\\b', 'a//b', './a', 'a\0b'])('T114 a file %j is refused', (path) => {
    expect(unpacked(archive({ [path]: text('x') }))).toContain('whose path')
  })

  test('T114 two files of one name are refused, and one that its own header calls otherwise', () => {
    const two = archive({ aa: text('1'), ab: text('2') })
    expect(unpacked(changed(two, CENTRAL, 46, [...text('aa')], 1))).toBe('aa: is there twice')
    expect(unpacked(changed(two, LOCAL, 30, [...text('zz')], 1))).toBe('ab: has another name in its own header')
  })

  test('T114 zip64, parts of several archives, encryption, links and other methods are refused', () => {
    expect(unpacked(changed(PLAIN, END, 10, [0xff, 0xff]))).toContain('is a zip64 archive')
    expect(unpacked(changed(PLAIN, CENTRAL, 24, u32(0xffffffff)))).toBe(
      'manifest.json: is written for zip64, which is for larger files than tools may have',
    )
    expect(unpacked(changed(PLAIN, END, 4, [1, 0]))).toBe(': is one part of several: give one archive')
    expect(unpacked(changed(PLAIN, CENTRAL, 8, [1, 0]))).toBe('manifest.json: is encrypted: make the archive again without a password')
    const link = changed(changed(PLAIN, CENTRAL, 4, [20, 3]), CENTRAL, 38, u32(0o120777 << 16))
    expect(unpacked(link)).toBe('manifest.json: is a symbolic link: put the file itself there')
    expect(unpacked(changed(PLAIN, CENTRAL, 10, [12, 0]))).toBe('manifest.json: is packed by method 12: use deflate, or none')
  })

  test('T114 places outside of the archive are refused', () => {
    for (const [kind, offset] of [
      [END, 12],
      [END, 16],
      [CENTRAL, 20],
      [CENTRAL, 42],
    ] as const)
      expect(typeof unpacked(changed(PLAIN, kind, offset, u32(0x7fffffff))), `${kind.join(' ')} ${offset}`).toBe('string')
    expect(unpacked(changed(PLAIN, END, 10, [9, 0]))).toContain('is one part of several')
    expect(unpacked(changed(PLAIN, CENTRAL, 28, [0xff, 0x7f]))).toBe(': is damaged: its directory ends early')
  })

  test('T114 a changed byte of a file is noticed', () => {
    const stored = archive({ a: [text('hello'), { level: 0 }] })
    expect(unpacked(changed(stored, LOCAL, 31, [0x48]))).toBe('a: is damaged: its checksum is another')
  })

  test('T114 an archive that ends early is refused, wherever it ends', () => {
    for (let length = 0; length < PLAIN.length; length++) expect(typeof unpacked(PLAIN.subarray(0, length))).toBe('string')
  })

  test('T114 whatever bytes it has, it gives files or a fault', () => {
    const edits = fc.array(fc.tuple(fc.nat(PLAIN.length - 1), fc.nat(255)), { maxLength: 6 })
    fc.assert(
      fc.property(edits, (changes) => {
        const bytes = PLAIN.slice()
        for (const [at, value] of changes) bytes[at] = value
        const result = unpackPackage(bytes)
        if (result.ok) for (const { path } of result.files) expect(path).not.toMatch(/(?:^|\/)\.\.?(?:\/|$)|^\//)
        else expect(result.faults).toHaveLength(1)
      }),
      { numRuns: 3_000 },
    )
  })
})
