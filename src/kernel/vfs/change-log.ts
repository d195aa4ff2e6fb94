/**
 * Which files each run created, changed and removed: the `changed` of its answer. `current` is the run that is being served;
 * changes that no run makes (boot, file operations of the broker) are not noted.
 */
import { LIMITS } from '../../protocol/limits.ts'
import type { Change } from '../../protocol/cell.ts'
import { type ByteString, toText } from './byte-string.ts'
import type { Directory, Inode } from './inode.ts'
import { pathOfInode } from './vfs.ts'

interface CallChanges {
  readonly touched: Map<Inode, 'created' | 'modified'>
  readonly removed: Set<ByteString>
}

export class ChangeLog {
  /** Set by the scheduler whenever it goes over to a process of another run. */
  current: string | undefined = undefined
  readonly #calls = new Map<string, CallChanges>()
  #root: Directory | undefined = undefined

  /** The directory that paths begin at; before it is set nothing is noted. */
  set root(root: Directory) {
    this.#root = root
  }

  begin(call: string): void {
    this.#calls.set(call, { touched: new Map(), removed: new Set() })
  }

  /** What the run did, by path; forgets the run. */
  end(call: string): Change[] {
    const changes = this.#calls.get(call)
    this.#calls.delete(call)
    if (!changes || !this.#root) return []
    const found = new Map<ByteString, Change['kind']>()
    for (const path of changes.removed) found.set(path, 'removed')
    for (const [inode, kind] of changes.touched) {
      const path = this.#pathOf(inode)
      if (path !== undefined) found.set(path, found.has(path) ? 'modified' : kind)
    }
    return [...found].map(([path, kind]) => ({ path: toText(path), kind })).toSorted((a, b) => (a.path < b.path ? -1 : 1))
  }

  created(inode: Inode): void {
    const changes = this.#changes(inode)
    if (!changes) return
    inode.changedBy = this.current
    changes.touched.set(inode, 'created')
  }

  /** Cheap when the run has changed it before; the caller may test `inode.changedBy !== log.current` itself. */
  modified(inode: Inode): void {
    const changes = this.#changes(inode)
    if (!changes) return
    inode.changedBy = this.current
    if (!changes.touched.has(inode)) changes.touched.set(inode, 'modified')
  }

  /** The name `name` of `dir` goes away or leads elsewhere now. Called before the change. */
  removed(dir: Directory, name: ByteString, inode: Inode): void {
    const changes = this.#changes(inode)
    if (!changes || !this.#root) return
    if (changes.touched.get(inode) === 'created') {
      if (inode.nlink <= 1 || inode.kind === 2) changes.touched.delete(inode)
      inode.changedBy = undefined
      return
    }
    const above = pathOfInode(dir, this.#root)
    changes.removed.add(above === '/' ? `/${name}` : `${above}/${name}`)
  }

  #changes(inode: Inode): CallChanges | undefined {
    return this.current === undefined || inode.volatile ? undefined : this.#calls.get(this.current)
  }

  #pathOf(inode: Inode): ByteString | undefined {
    if (inode.nlink === 0 || inode.parent?.lookup(inode.name) !== inode) return undefined
    let length = inode.name.length
    for (let d: Directory | undefined = inode.parent; d; d = d.parent) {
      // A path that no call takes is told to nobody, and not made: below deep chains that would take the square of their depth.
      if (d.nlink === 0 || (length += d.name.length + 1) > LIMITS.pathBytes) return undefined
    }
    return pathOfInode(inode, this.#root!)
  }
}
