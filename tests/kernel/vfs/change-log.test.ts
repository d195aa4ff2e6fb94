import { expect, test } from 'vitest'
import { Tree } from '../../support/tree.ts'

/** What a run that did `action` is said to have changed. */
function changed(prepare: (tree: Tree) => void, action: (tree: Tree) => void): string[] {
  const tree = new Tree()
  prepare(tree)
  const { changes } = tree.booted
  changes.begin('c')
  changes.current = 'c'
  action(tree)
  changes.current = undefined
  tree.put('by-somebody-else', 'x')
  return changes.end('c').map(({ path, kind }) => `${kind} ${path.replace('/home/user/', '')}`)
}
const nothing = (): void => {}
const file = (tree: Tree): void => tree.put('f', 'old')

test('a new file is created, however often it is written', () => {
  expect(changed(nothing, (tree) => void [tree.put('f', 'x'), tree.append('f', 'y')])).toEqual(['created f'])
})
test('an old one is modified by writing, cutting and chmod', () => {
  expect(changed(file, (tree) => tree.append('f', 'y'))).toEqual(['modified f'])
  expect(changed(file, (tree) => tree.put('f', ''))).toEqual(['modified f'])
  expect(changed(file, (tree) => tree.chmod('f', 0o600))).toEqual(['modified f'])
})
test('reading changes nothing', () => {
  expect(changed(file, (tree) => tree.text('f'))).toEqual([])
})
test('an old one that is removed is removed, a new one was never there', () => {
  expect(changed(file, (tree) => tree.unlink('f'))).toEqual(['removed f'])
  expect(changed(nothing, (tree) => void [tree.put('f', ''), tree.unlink('f')])).toEqual([])
  expect(changed(file, (tree) => void [tree.append('f', 'x'), tree.unlink('f')])).toEqual(['removed f'])
})
test('one that is removed and made again is modified', () => {
  expect(changed(file, (tree) => void [tree.unlink('f'), tree.put('f', 'new')])).toEqual(['modified f'])
})
test('a renamed file is removed and created', () => {
  expect(changed(file, (tree) => tree.rename('f', 'g'))).toEqual(['removed f', 'created g'])
})
test('writing beside and renaming over is a modification', () => {
  expect(changed(file, (tree) => void [tree.put('f.new', 'x'), tree.rename('f.new', 'f')])).toEqual(['modified f'])
})
test('directories and links count, too', () => {
  expect(changed(nothing, (tree) => void [tree.mkdir('d'), tree.symlink('d', 'l')])).toEqual(['created d', 'created l'])
  expect(
    changed(
      (tree) => tree.mkdir('d'),
      (tree) => tree.rmdir('d'),
    ),
  ).toEqual(['removed d'])
})
test('kept output does not count', () => {
  expect(
    changed(
      (tree) => tree.mkdir('/tmp/.out'),
      (tree) => tree.put('/tmp/.out/1', 'x'),
    ),
  ).toEqual([])
})
