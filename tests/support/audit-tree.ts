/** fsck for tests: walks a whole tree and compares what it finds with what the file system has noted. */
import { expect } from 'vitest'
import { MemDirectory } from '../../src/kernel/fs/mem-directory.ts'
import { MemFile } from '../../src/kernel/fs/mem-file.ts'
import type { Inode } from '../../src/kernel/vfs/inode.ts'
import type { Tree } from './tree.ts'

/** Link counts, inode and byte accounts of a tree, counted again. */
export function auditTree(tree: Tree): void {
  const { files } = tree.booted
  const names = new Map<Inode, number>()
  let directories = 0
  const walk = (dir: MemDirectory): void => {
    directories++
    let below = 0
    for (const child of dir.children.values()) {
      if (child instanceof MemDirectory) {
        below++
        walk(child)
      } else names.set(child, (names.get(child) ?? 0) + 1)
    }
    expect(dir.nlink).toBe(2 + below)
  }
  walk(files.root)
  let charged = 0
  let entries = 0
  for (const [inode, count] of names) {
    expect(inode.nlink).toBe(count)
    entries += count
    if (inode instanceof MemFile) charged += inode.charged
  }
  expect(files.usedInodes).toBe(directories + entries)
  expect(files.usedBytes).toBe(charged)
}
