/** Mounts: what a walk takes in, what it refuses, what it serves. */
import { chmodSync, linkSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { mountTree, parseMount } from '../../src/node/mounts.ts'
import { type JournalRecord, readJournal } from '../../src/protocol/journal.ts'

const scratch = mkdtempSync(join(tmpdir(), 'tidepool-mounts-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))
let count = 0
const directory = (): string => {
  const path = join(scratch, `tree${count++}`)
  mkdirSync(path)
  return path
}
const recordsOf = (host: string): JournalRecord[] => [...readJournal(mountTree({ host, target: '/mnt/data' }).metadata[0]!)]
const names = (records: JournalRecord[]): Record<string, number> =>
  Object.fromEntries(records.flatMap((record) => (record.t === 'entry' ? [[new TextDecoder().decode(record.name), record.ino]] : [])))

describe('a mount', () => {
  test('is written HOST:TARGET or HOST:TARGET:ro', () => {
    expect(parseMount('./data:/mnt/data')).toEqual({ host: './data', target: '/mnt/data' })
    expect(parseMount('./data:/mnt/data:ro')).toEqual({ host: './data', target: '/mnt/data' })
    expect(parseMount('/a:b/c:/mnt:ro')).toEqual({ host: '/a:b/c', target: '/mnt' })
  })
  test.each([
    ['./data:/mnt/data:rw', 'writable mounts are not supported yet'],
    ['./data', 'write it as HOST:TARGET:ro'],
    ['./data:mnt', 'write it as HOST:TARGET:ro'],
    ['./data:/', 'it must be an absolute path below /'],
    ['./data:/mnt/../etc', 'without "." and ".."'],
    ['./data:/usr/bin', '/usr belongs to the system'],
  ])('T118: %s is refused', (text, reason) => {
    expect(() => parseMount(text)).toThrow(reason)
  })
  test('has files, directories and links of the tree, and hard links as one inode', () => {
    const root = directory()
    mkdirSync(join(root, 'sub'))
    writeFileSync(join(root, 'sub', 'file'), 'content')
    linkSync(join(root, 'sub', 'file'), join(root, 'hard'))
    symlinkSync('sub/file', join(root, 'relative'))
    symlinkSync(join(root, 'sub', 'file'), join(root, 'absolute'))
    const records = recordsOf(root)
    const inos = names(records)
    expect(Object.keys(inos).toSorted()).toEqual(['absolute', 'file', 'hard', 'relative', 'sub'])
    expect(inos.hard).toBe(inos.file)
    const targets = records.flatMap((record) => (record.t === 'target' ? [new TextDecoder().decode(record.target)] : []))
    expect(targets).toEqual(['sub/file', 'sub/file'])
    const file = records.find((record) => record.t === 'inode' && record.ino === inos.file)
    expect(file).toMatchObject({ kind: 1, size: 7, uid: 1000 })
  })
  test('serves content in chunks', async () => {
    const root = directory()
    const bytes = Buffer.alloc(200_000, 'abcdefg')
    writeFileSync(join(root, 'big'), bytes)
    const mount = mountTree({ host: root, target: '/mnt/data' })
    const ino = names([...readJournal(mount.metadata[0]!)]).big!
    const parts = await Promise.all([0, 1, 2, 3, 4].map((index) => mount.content(ino, index)))
    expect(parts.map((part) => part.length)).toEqual([65_536, 65_536, 65_536, 3_392, 0])
    expect(Buffer.concat(parts).equals(bytes)).toBe(true)
  })
  test('T118: with a link out of its root is refused, also with one that leads out over another', () => {
    const outside = directory()
    writeFileSync(join(outside, 'secret'), 'x')
    for (const target of [join(outside, 'secret'), '../..', '/etc/passwd', 'sub/../../x']) {
      const root = directory()
      symlinkSync(target, join(root, 'link'))
      expect(() => recordsOf(root)).toThrow('the link "link" leads out of it')
    }
    const root = directory()
    mkdirSync(join(root, 'sub'))
    symlinkSync('sub/../missing', join(root, 'dangling'))
    expect(Object.keys(names(recordsOf(root)))).toContain('dangling')
  })
  test('T118: never serves a file that was put in the place of the one it saw', async () => {
    const root = directory()
    writeFileSync(join(root, 'file'), 'inside')
    const mount = mountTree({ host: root, target: '/mnt/data' })
    const ino = names([...readJournal(mount.metadata[0]!)]).file!
    rmSync(join(root, 'file'))
    symlinkSync('/etc/passwd', join(root, 'file'))
    await expect(mount.content(ino, 0)).rejects.toThrow('ELOOP')
    await expect(mount.content(999, 0)).rejects.toThrow('no such file')
  })
  test('says so when there is no such directory, a file instead, or too much', () => {
    const root = directory()
    writeFileSync(join(root, 'a'), '')
    writeFileSync(join(root, 'b'), '')
    expect(() => recordsOf(join(root, 'missing'))).toThrow('no such directory')
    expect(() => recordsOf(join(root, 'a'))).toThrow('it is not a directory')
    expect(() => mountTree({ host: root, target: '/mnt/x' }, 1)).toThrow('more than 1 entries (limit mountEntries)')
  })
  test('changes nothing on the host', async () => {
    const root = directory()
    writeFileSync(join(root, 'f'), 'same')
    chmodSync(join(root, 'f'), 0o444)
    recordsOf(root)
    expect(readFileSync(join(root, 'f'), 'utf8')).toBe('same')
  })
})
