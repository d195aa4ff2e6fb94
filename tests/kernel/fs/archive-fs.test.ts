/** A tree out of zip archives: stored entries read as they are, and anything else refused as a whole. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ArchiveError, ArchiveFs } from '../../../src/kernel/fs/archive-fs.ts'
import { byteString } from '../../../src/kernel/vfs/byte-string.ts'
import { Directory } from '../../../src/kernel/vfs/inode.ts'
import { O } from '../../../src/kernel/vfs/open-file.ts'
import { type ZipEntry, zip, type ZipOptions } from '../../support/zip.ts'

const make = (): ArchiveFs => new ArchiveFs(20, 1_700_000_000)

/** Every file with its content, and every directory that is empty, by path. */
function contents(fs: ArchiveFs): Record<string, string> {
  const found: Record<string, string> = {}
  const visit = (directory: Directory, path: string): void => {
    const entries = directory.list()
    if (entries.length === 0 && path !== '') found[`${path}/`] = ''
    for (const { name } of entries) {
      const inode = directory.lookup(name)!
      if (inode instanceof Directory) visit(inode, `${path}/${name}`)
      else {
        const file = inode.open(O.RDONLY)
        const bytes = new Uint8Array(inode.size)
        expect(file.read(bytes)).toBe(inode.size)
        found[`${path}/${name}`] = byteString(bytes, 0, bytes.length)
      }
    }
  }
  visit(fs.root, '')
  return found
}

/** What an archive is refused with; nothing of it may have been added. */
function refusal(entries: readonly ZipEntry[], options: ZipOptions = {}): string {
  const fs = make()
  fs.add('lib', zip([{ name: 'there', text: 'before' }]))
  const before = contents(fs)
  try {
    fs.add('lib/more', zip(entries, options))
  } catch (error) {
    expect(error).toBeInstanceOf(ArchiveError)
    expect(contents(fs)).toEqual(before)
    return (error as ArchiveError).message
  }
  return 'taken'
}

describe('an archive of stored files', () => {
  test('is a tree below the path that it is added at', () => {
    const fs = make()
    fs.add('python3.14', zip([{ name: 'os.py', text: 'import abc' }, { name: 'json/' }, { name: 'json/__init__.py', text: '' }]))
    expect(contents(fs)).toEqual({ '/python3.14/os.py': 'import abc', '/python3.14/json/__init__.py': '' })
  })
  test('reads at any place, and no further than its end', () => {
    const fs = make()
    fs.add(
      '',
      zip([
        { name: 'a', text: 'first', extra: 'an extra field' },
        { name: 'b', text: 'second' },
      ]),
    )
    const file = fs.root.lookup('a')!.open(O.RDONLY)
    const into = new Uint8Array(10)
    expect([file.pread(into, 2), byteString(into, 0, 3)]).toEqual([3, 'rst'])
    expect(file.pread(into, 5)).toBe(0)
    expect(file.pread(into, 2 ** 40)).toBe(0)
    expect(contents(fs)['/b']).toBe('second')
  })
  test('may come after others, into the same directories', () => {
    const fs = make()
    fs.add('site', zip([{ name: 'one/a.py', text: '1' }]))
    fs.add('site', zip([{ name: 'one/b.py', text: '2' }]))
    fs.add('site', zip([]))
    expect(contents(fs)).toEqual({ '/site/one/a.py': '1', '/site/one/b.py': '2' })
  })
  test('has an inode for each file, and the time that the file system was made with', () => {
    const fs = make()
    fs.add('', zip([{ name: 'd/a' }, { name: 'd/b' }]))
    const directory = fs.root.lookup('d') as Directory
    const inodes = [fs.root, directory, directory.lookup('a')!, directory.lookup('b')!]
    expect(new Set(inodes.map(({ ino }) => ino)).size).toBe(4)
    expect(inodes.map(({ mtimeSec }) => mtimeSec)).toEqual(Array(4).fill(1_700_000_000))
  })
  test('may have bytes of any kind in a name', () => {
    const fs = make()
    fs.add('', zip([{ name: 'na\u00c3\u00afve \u00ff.py', text: 'x' }]))
    expect(contents(fs)).toEqual({ '/na\u00c3\u00afve \u00ff.py': 'x' })
  })
})

describe('T113 an archive is refused', () => {
  test.each<[string, readonly ZipEntry[], string]>([
    ['a compressed entry', [{ name: 'a', text: 'x', method: 8 }], '"a" is compressed'],
    ['two sizes of one entry', [{ name: 'a', text: 'x', compressedSize: 5 }], '"a" is compressed'],
    ['an encrypted entry', [{ name: 'a', text: 'x', flags: 1 }], '"a" is encrypted'],
    ['an entry that reaches into the directory', [{ name: 'a', text: 'x', size: 2 }], '"a" is cut'],
    ['a size of zip64', [{ name: 'a', text: 'x', size: 0xffffffff }], '"a" is cut'],
    ['an offset of zip64', [{ name: 'a', text: 'x', local: 0xffffffff }], '"a" is damaged'],
    ['a local header that is not there', [{ name: 'a', text: 'x', local: 1 }], '"a" is damaged'],
    ['a local header in the directory', [{ name: 'a', text: 'x', local: 32 }], '"a" is damaged'],
    [
      'an entry over another one',
      [
        { name: 'a', text: 'x' },
        { name: 'b', text: 'y', local: 0 },
      ],
      '"b" is damaged',
    ],
    ['an absolute name', [{ name: '/a' }], '"/a" leaves the tree'],
    ['a name with ..', [{ name: 'a/../../b' }], '"a/../../b" leaves the tree'],
    ['a name with .', [{ name: './a' }], '"./a" leaves the tree'],
    ['a name with two slashes', [{ name: 'a//b' }], '"a//b" leaves the tree'],
    ['a name with a backslash', [{ name: 'a\\b' }], '"a\\b" leaves the tree'],
    ['a name with NUL', [{ name: 'a\0b' }], '"a\0b" leaves the tree'],
    ['no name', [{ name: '' }], '"" leaves the tree'],
    [
      'a name that comes twice',
      [
        { name: 'a', text: '1' },
        { name: 'a', text: '2' },
      ],
      '"a" is there twice',
    ],
    ['a file that is a directory, too', [{ name: 'a', text: '1' }, { name: 'a/b' }], '"a" is a file and a directory'],
    ['a directory that is a file, too', [{ name: 'a/b' }, { name: 'a', text: '1' }], '"a" is a file and a directory'],
  ])('for %s', (_what, entries, message) => {
    expect(refusal([{ name: 'good', text: 'x' }, ...entries].slice(entries.some(({ local }) => local === 0) ? 1 : 0))).toBe(message)
  })
  test.each<[string, ZipOptions, string]>([
    ['a comment', { comment: 'hello' }, 'no zip archive, or one with a comment'],
    ['a count of zip64', { count: 0xffff }, 'not a plain zip archive'],
    ['several disks', { disk: 1 }, 'not a plain zip archive'],
    ['a directory at another place', { directoryOffset: 3 }, 'not a plain zip archive'],
    ['more entries than are there', { count: 3 }, 'its directory is damaged'],
    ['fewer entries than are there', { count: 1 }, 'its directory is damaged'],
  ])('for %s', (_what, options, message) => {
    expect(
      refusal(
        [
          { name: 'a', text: 'x' },
          { name: 'b', text: 'y' },
        ],
        options,
      ),
    ).toBe(message)
  })
  test('for a name that is a file or a directory of an earlier archive in the other’s place', () => {
    const fs = make()
    fs.add(
      '',
      zip([
        { name: 'a', text: '1' },
        { name: 'd/x', text: '2' },
      ]),
    )
    const before = contents(fs)
    expect(() => fs.add('', zip([{ name: 'new' }, { name: 'a/b' }]))).toThrow(new ArchiveError('"a" is a file'))
    expect(() => fs.add('', zip([{ name: 'new' }, { name: 'd' }]))).toThrow(new ArchiveError('"d" is a directory'))
    expect(() => fs.add('a', zip([{ name: 'new' }]))).toThrow(new ArchiveError('"a" is a file'))
    expect(contents(fs)).toEqual(before)
  })
  test('T114 when it is cut at any byte', () => {
    const whole = zip([
      { name: 'a.py', text: 'one' },
      { name: 'd/b.py', text: 'two' },
    ])
    for (let length = 0; length < whole.length; length++) {
      const fs = make()
      expect(() => fs.add('', whole.subarray(0, length))).toThrow(ArchiveError)
      expect(contents(fs)).toEqual({})
    }
  })
})

test('T114 whatever bytes are changed, an archive is taken as a whole or refused with an ArchiveError', () => {
  const whole = zip([{ name: 'a.py', text: 'one' }, { name: 'd/b.py', text: 'two' }, { name: 'd/' }])
  const change = fc.tuple(fc.nat(whole.length - 1), fc.nat(255))
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
      const bytes = whole.slice()
      for (const [at, value] of changes) bytes[at] = value
      const fs = make()
      try {
        fs.add('x/y', bytes)
      } catch (error) {
        if (!(error instanceof ArchiveError)) throw error
        expect(contents(fs)).toEqual({})
        return
      }
      for (const text of Object.values(contents(fs))) expect(text.length).toBeLessThan(whole.length)
    }),
    { numRuns: 3000 },
  )
})

test('T114 bytes that are no archive are refused with an ArchiveError', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect(() => make().add('', bytes)).toThrow(ArchiveError)
    }),
  )
})
