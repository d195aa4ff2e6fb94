/**
 * What holds for every file system wherever it is mounted, writable or not, of data or of code: names, kinds and inodes agree, paths go
 * in and out of it, and what a user may not change stays. `path` is where it is mounted in the tree.
 */
import { describe, expect, test } from 'vitest'
import type { DirEntry } from '../../src/kernel/vfs/inode.ts'
import type { OpenDirectory } from '../../src/kernel/vfs/open-directory.ts'
import { O } from '../../src/kernel/vfs/open-file.ts'
import { errnoOf, type Tree } from '../support/tree.ts'

export interface MountedTree {
  readonly tree: Tree
  readonly path: string
  /** whether the user may make files in its root */
  readonly writable: boolean
  /** the error of a change that is refused */
  readonly refusal?: string
}

export function anyFileSystemContract(name: string, make: () => MountedTree): void {
  const entries = ({ tree, path }: MountedTree): readonly DirEntry[] => {
    const open = tree.open(path, O.RDONLY | O.DIRECTORY) as OpenDirectory
    const all = open.entries(0)
    open.unref()
    return all
  }
  const inside = (path: string, child: string): string => (path === '/' ? `/${child}` : `${path}/${child}`)

  describe(`${name}, as any file system,`, () => {
    test('lists the dots first, then names that are what they are listed as', () => {
      const mounted = make()
      const [dot, dots, ...rest] = entries(mounted)
      expect([dot?.name, dots?.name]).toEqual(['.', '..'])
      expect(rest.length).toBeGreaterThan(0)
      expect(new Set(rest.map((entry) => entry.name)).size).toBe(rest.length)
      for (const { name: child, kind } of rest) expect([child, mounted.tree.lstat(inside(mounted.path, child)).kind]).toEqual([child, kind])
    })
    test('gives each inode a number of its own', () => {
      const mounted = make()
      const numbers = entries(mounted)
        .slice(2)
        .map((entry) => entry.ino)
      expect(new Set(numbers).size).toBe(numbers.length)
    })
    test('has one root, which is its own parent only at /', () => {
      const { tree, path } = make()
      expect(tree.stat(`${path}/.`).ino).toBe(tree.stat(path).ino)
      expect(tree.stat(`${path}/..`)).toBe(path === '/' ? tree.stat('/') : tree.stat(path.slice(0, path.lastIndexOf('/')) || '/'))
      expect(tree.vfs.pathOf(tree.dir(path))).toBe(path)
    })
    test('answers ENOENT for a name that is not there, and EISDIR for writing to a directory', () => {
      const { tree, path } = make()
      expect(errnoOf(() => tree.stat(inside(path, 'no-such-name')))).toBe('ENOENT')
      expect(errnoOf(() => tree.stat(inside(path, 'no-such-name/x')))).toBe('ENOENT')
      expect(errnoOf(() => tree.open(path, O.WRONLY))).toBe('EISDIR')
      expect(errnoOf(() => tree.unlink(path))).toBe('EISDIR')
      expect(errnoOf(() => tree.stat(inside(path, 'x'.repeat(256))))).toBe('ENAMETOOLONG')
    })
    test('treats what is no directory as none', () => {
      const mounted = make()
      const file = entries(mounted).find(({ kind }) => kind === 1 || kind === 4)!
      const at = inside(mounted.path, file.name)
      expect(errnoOf(() => mounted.tree.stat(`${at}/`))).toBe('ENOTDIR')
      expect(errnoOf(() => mounted.tree.stat(`${at}/x`))).toBe('ENOTDIR')
      expect(errnoOf(() => mounted.tree.open(at, O.RDONLY | O.DIRECTORY))).toBe('ENOTDIR')
      expect(errnoOf(() => mounted.tree.rmdir(at))).toBe('ENOTDIR')
    })
    test('is left by .. and entered from elsewhere, but not by a rename or a link', () => {
      const { tree, path, writable, refusal = 'EACCES' } = make()
      tree.put('mine', 'x')
      expect(tree.stat(`${path}/../../../home/user/mine`)).toBe(tree.stat('mine'))
      const isSame = tree.stat(path).fs === tree.home.fs
      const expected = isSame ? (writable ? 'no error' : refusal) : 'EXDEV'
      expect(errnoOf(() => tree.link('mine', inside(path, 'mine-too')))).toBe(expected)
      expect(errnoOf(() => tree.rename('mine', inside(path, 'mine-moved')))).toBe(expected)
    })
    test('is changed by who may, and by nobody else', () => {
      const { tree, path, writable, refusal = 'EACCES' } = make()
      const change = errnoOf(() => tree.put(inside(path, 'new'), 'x'))
      expect(change).toBe(writable ? 'no error' : refusal)
      expect(errnoOf(() => tree.mkdir(inside(path, 'dir')))).toBe(writable ? 'no error' : refusal)
      expect(errnoOf(() => tree.symlink('x', inside(path, 'link')))).toBe(writable ? 'no error' : refusal)
      expect(errnoOf(() => tree.stat(inside(path, 'new')))).toBe(writable ? 'no error' : 'ENOENT')
    })
  })
}
