/**
 * Random sequences of file calls against a model that is nothing but a table of paths: same results, same errors, same tree, also when the
 * file system is booted again from its journal in the middle, and its accounts agree with a walk of the whole tree.
 */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { O } from '../../../src/kernel/vfs/open-file.ts'
import { auditTree } from '../../support/audit-tree.ts'
import { JournalStore } from '../../support/journal-store.ts'
import { errnoOf, Tree } from '../../support/tree.ts'

type Node = { readonly dir: true } | { bytes: number[] }

/** Paths without symlinks and dots, relative to the home directory. Hard links are two paths with the same node. */
class Model {
  readonly nodes = new Map<string, Node>([['', { dir: true }]])

  lookup(path: string): Node | undefined {
    const parts = path.split('/')
    for (let i = 1; i < parts.length; i++) {
      const above = this.nodes.get(parts.slice(0, i).join('/'))
      if (!above) throw new Error('ENOENT')
      if (!('dir' in above)) throw new Error('ENOTDIR')
    }
    return this.nodes.get(path)
  }
  file(path: string): { bytes: number[] } {
    const node = this.lookup(path)
    if (!node) throw new Error('ENOENT')
    if ('dir' in node) throw new Error('EISDIR')
    return node
  }
  below(path: string): string[] {
    return [...this.nodes.keys()].filter((key) => key.startsWith(`${path}/`))
  }

  put(path: string, bytes: readonly number[]): void {
    const node = this.lookup(path)
    if (node && 'dir' in node) throw new Error('EISDIR')
    if (node) node.bytes = [...bytes]
    else this.nodes.set(path, { bytes: [...bytes] })
  }
  patch(path: string, at: number, bytes: readonly number[]): void {
    const file = this.file(path)
    while (file.bytes.length < at) file.bytes.push(0)
    file.bytes.splice(at, bytes.length, ...bytes)
  }
  cut(path: string, size: number): void {
    const file = this.file(path)
    while (file.bytes.length < size) file.bytes.push(0)
    file.bytes.length = size
  }
  mkdir(path: string): void {
    if (this.lookup(path)) throw new Error('EEXIST')
    this.nodes.set(path, { dir: true })
  }
  rmdir(path: string): void {
    const node = this.lookup(path)
    if (!node) throw new Error('ENOENT')
    if (!('dir' in node)) throw new Error('ENOTDIR')
    if (this.below(path).length > 0) throw new Error('ENOTEMPTY')
    this.nodes.delete(path)
  }
  unlink(path: string): void {
    this.file(path)
    this.nodes.delete(path)
  }
  link(from: string, to: string): void {
    const node = this.lookup(from)
    if (!node) throw new Error('ENOENT')
    if (this.lookup(to)) throw new Error('EEXIST')
    if ('dir' in node) throw new Error('EPERM')
    this.nodes.set(to, node)
  }
  rename(from: string, to: string): void {
    const moved = this.lookup(from)
    const replaced = this.lookup(to)
    if (!moved) throw new Error('ENOENT')
    if ('dir' in moved && `${to}/`.startsWith(`${from}/`) && to !== from) throw new Error('EINVAL')
    if (replaced && 'dir' in replaced && from.startsWith(`${to}/`)) throw new Error('ENOTEMPTY')
    if (moved === replaced) return
    if (replaced) this.#mayReplace(moved, replaced, to)
    const carried = this.below(from).map((path) => [path, this.nodes.get(path)!] as const)
    for (const path of [from, ...carried.map(([path]) => path)]) this.nodes.delete(path)
    this.nodes.set(to, moved)
    for (const [path, node] of carried) this.nodes.set(to + path.slice(from.length), node)
  }
  #mayReplace(moved: Node, replaced: Node, to: string): void {
    if ('dir' in moved && !('dir' in replaced)) throw new Error('ENOTDIR')
    if (!('dir' in moved) && 'dir' in replaced) throw new Error('EISDIR')
    if ('dir' in replaced && this.below(to).length > 0) throw new Error('ENOTEMPTY')
  }
}

/** Few, so that calls meet. */
const path = fc.constantFrom('a', 'a', 'b', 'd', 'd/a', 'd/b', 'd/e', 'd/e/a', 'a/x')
const offset = fc.constantFrom(0, 1, 5, 20, 100, 255, 256, 300, 4_095, 65_535, 65_536, 70_000, 131_072)
const data = fc.array(fc.integer({ min: 1, max: 255 }), { minLength: 1, maxLength: 40 })
const action = fc.oneof(
  fc.record({ do: fc.constant('put' as const), path, data }),
  fc.record({ do: fc.constant('patch' as const), path, at: offset, data }),
  fc.record({ do: fc.constant('cut' as const), path, at: offset }),
  fc.record({ do: fc.constantFrom('mkdir' as const, 'rmdir' as const, 'unlink' as const), path }),
  fc.record({ do: fc.constantFrom('link' as const, 'rename' as const), path, to: path }),
  fc.record({ do: fc.constantFrom('reboot' as const, 'post' as const, 'fail' as const, 'commit' as const) }),
)
type Action = typeof action extends fc.Arbitrary<infer T> ? T : never

function onModel(model: Model, step: Action): void {
  switch (step.do) {
    case 'put':
      return model.put(step.path, step.data)
    case 'patch':
      return model.patch(step.path, step.at, step.data)
    case 'cut':
      return model.cut(step.path, step.at)
    case 'mkdir':
      return model.mkdir(step.path)
    case 'rmdir':
      return model.rmdir(step.path)
    case 'unlink':
      return model.unlink(step.path)
    case 'link':
      return model.link(step.path, step.to)
    case 'rename':
      return model.rename(step.path, step.to)
    case 'reboot':
    case 'post':
    case 'fail':
    case 'commit':
  }
}

function onTree(tree: Tree, step: Action): void {
  const { journal } = tree.booted
  switch (step.do) {
    case 'put':
      return tree.put(step.path, Uint8Array.from(step.data))
    case 'patch': {
      const file = tree.open(step.path, O.WRONLY)
      file.seek(step.at, 0)
      tree.writeAll(file, Uint8Array.from(step.data))
      return file.unref()
    }
    case 'cut': {
      const file = tree.open(step.path, O.WRONLY)
      tree.wait(() => file.truncate(step.at))
      return file.unref()
    }
    case 'mkdir':
      return tree.mkdir(step.path)
    case 'rmdir':
      return tree.rmdir(step.path)
    case 'unlink':
      return tree.unlink(step.path)
    case 'link':
      return tree.link(step.path, step.to)
    case 'rename':
      return tree.rename(step.path, step.to)
    case 'reboot':
      return tree.reboot()
    case 'post':
      return void journal.post(true, false)
    case 'fail':
      return journal.failed(journal.post(true, false), 29)
    case 'commit':
      journal.committed(journal.post(true, false))
      return void tree.booted.files.memory.evict(1e9)
  }
}

function outcome(act: () => void): string {
  try {
    act()
    return 'no error'
  } catch (error) {
    return (error as Error).message
  }
}

function paths(tree: Tree, at: string, prefix: string): string[] {
  return tree.list(at).flatMap((name) => {
    const full = prefix + name
    return tree.stat(full).kind === 2 ? [full, ...paths(tree, full, `${full}/`)] : [full]
  })
}

test.each([
  ['at once', false],
  ['late', true],
])(
  'random file calls do what the model says, with content that comes %s',
  (_when, delayed) => {
    fc.assert(
      fc.property(fc.array(action, { maxLength: 80, size: 'max' }), (steps) => {
        const store = new JournalStore()
        store.delayed = delayed
        const tree = new Tree({ store })
        const model = new Model()
        for (const step of steps) expect([step, errnoOf(() => onTree(tree, step))]).toEqual([step, outcome(() => onModel(model, step))])
        auditTree(tree)
        tree.reboot()
        auditTree(tree)
        const expected = [...model.nodes.keys()].filter((key) => key !== '').toSorted()
        expect(paths(tree, '.', '').toSorted()).toEqual(expected)
        for (const [key, node] of model.nodes) if ('bytes' in node) expect([...tree.bytes(key)]).toEqual(node.bytes)
      }),
      { numRuns: 200 },
    )
  },
  60_000,
)
