/** A booted file system for tests: paths and contents as ordinary text, errors by name, and a way to boot it again from its journal. */
import { AGAIN, errnoName, SysError } from '../../src/kernel/errno.ts'
import type { ProcessView } from '../../src/kernel/fs/process-view.ts'
import type { ProgramCatalog } from '../../src/kernel/fs/program-catalog.ts'
import { type BootedVfs, bootVfs } from '../../src/kernel/vfs/boot-vfs.ts'
import { byteString, bytesOf, fromText, toText } from '../../src/kernel/vfs/byte-string.ts'
import { Directory, type Inode } from '../../src/kernel/vfs/inode.ts'
import type { OpenDirectory } from '../../src/kernel/vfs/open-directory.ts'
import { O, type OpenFile } from '../../src/kernel/vfs/open-file.ts'
import type { Vfs } from '../../src/kernel/vfs/vfs.ts'
import type { CellMount } from '../../src/protocol/cell.ts'
import { type LimitName, limitsWith } from '../../src/protocol/limits.ts'
import { JournalStore } from './journal-store.ts'

export const noProcesses: ProcessView = { current: () => undefined, get: () => undefined, pids: () => [] }

export const twoPrograms: ProgramCatalog = {
  names: () => ['cat', 'ls'],
  find: (name) => (name === 'cat' || name === 'ls' ? { module: 'everyday', size: 8 } : undefined),
  read: (_module, done) => done(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0])),
}

/** Time goes on only when a test says so. */
export class TestClock {
  ms = 1_700_000_000_000
  now(): number {
    return this.ms
  }
  monotonic(): number {
    return this.ms
  }
}

export interface TreeOptions {
  readonly limits?: Partial<Record<LimitName, number>>
  readonly processes?: ProcessView
  readonly mounts?: readonly CellMount[]
  readonly store?: JournalStore
}

export class Tree {
  readonly store: JournalStore
  readonly clock = new TestClock()
  readonly #options: TreeOptions
  #booted: BootedVfs

  constructor(options: TreeOptions = {}) {
    this.#options = options
    this.store = options.store ?? new JournalStore()
    this.#booted = this.#boot()
  }

  get vfs(): Vfs {
    return this.#booted.vfs
  }
  get booted(): BootedVfs {
    return this.#booted
  }
  get home(): Directory {
    return this.dir('/home/user')
  }

  /** Posts what is dirty and boots anew from what was posted. */
  reboot(): void {
    this.#booted.journal.post(true, true)
    this.#booted = this.#boot()
  }

  #boot(): BootedVfs {
    const { store, clock } = this
    return bootVfs({
      limits: limitsWith(this.#options.limits),
      clock,
      random: (into) => into.fill(7),
      journal: store,
      faults: store,
      programs: twoPrograms,
      processes: this.#options.processes ?? noProcesses,
      metadata: store.metadata,
      seq: store.seq,
      mounts: this.#options.mounts ?? [],
    })
  }

  dir(path: string): Directory {
    const inode = this.stat(path)
    if (!(inode instanceof Directory)) throw new Error(`${path} is no directory`)
    return inode
  }
  stat(path: string): Inode {
    return this.vfs.statOf(this.vfs.resolve(this.#at(), fromText(path), true, false))
  }
  lstat(path: string): Inode {
    return this.vfs.statOf(this.vfs.resolve(this.#at(), fromText(path), false, false))
  }
  open(path: string, flags: number, mode = 0o644): OpenFile {
    return this.vfs.open(this.#at(), fromText(path), flags, mode, false)
  }
  /** Creates or replaces a file. */
  put(path: string, content: string | Uint8Array): void {
    const file = this.open(path, O.WRONLY | O.CREAT | O.TRUNC)
    this.writeAll(file, typeof content === 'string' ? bytesOf(fromText(content)) : content)
    file.unref()
  }
  append(path: string, text: string): void {
    const file = this.open(path, O.WRONLY | O.APPEND)
    this.writeAll(file, bytesOf(fromText(text)))
    file.unref()
  }
  text(path: string): string {
    return toText(byteString(this.bytes(path)))
  }
  bytes(path: string): Uint8Array {
    const file = this.open(path, O.RDONLY)
    const bytes = this.readAll(file)
    file.unref()
    return bytes
  }
  readAll(file: OpenFile): Uint8Array {
    const parts: number[] = []
    const buffer = new Uint8Array(100_000)
    for (;;) {
      const count = this.wait(() => file.read(buffer))
      if (count === 0) return Uint8Array.from(parts)
      for (let i = 0; i < count; i++) parts.push(buffer[i]!)
    }
  }
  writeAll(file: OpenFile, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length;) at += this.wait(() => file.write(bytes.subarray(at)))
  }
  /** Repeats a call that answers AGAIN, delivering faults in between. */
  wait(call: () => number): number {
    for (let rounds = 0; rounds < 100; rounds++) {
      const result = call()
      if (result !== AGAIN) return result
      if (this.store.deliver() === 0) break
    }
    throw new Error('it would wait for ever')
  }
  list(path: string): string[] {
    const open = this.open(path, O.RDONLY | O.DIRECTORY)
    const names = (open as OpenDirectory).entries(0).map((entry) => toText(entry.name))
    open.unref()
    return names.filter((name) => name !== '.' && name !== '..').toSorted()
  }
  mkdir(path: string, mode = 0o755): void {
    this.vfs.mkdir(this.#at(), fromText(path), mode, false)
  }
  rmdir(path: string): void {
    this.vfs.rmdir(this.#at(), fromText(path), false)
  }
  unlink(path: string): void {
    this.vfs.unlink(this.#at(), fromText(path), false)
  }
  rename(from: string, to: string): void {
    this.vfs.rename(this.#at(), fromText(from), this.#at(), fromText(to), false)
  }
  link(from: string, to: string): void {
    this.vfs.link(this.#at(), fromText(from), this.#at(), fromText(to), false, false)
  }
  symlink(target: string, path: string): void {
    this.vfs.symlink(fromText(target), this.#at(), fromText(path), false)
  }
  readlink(path: string): string {
    return toText(this.vfs.readlink(this.#at(), fromText(path), false))
  }
  chmod(path: string, mode: number): void {
    this.vfs.chmod(this.stat(path), mode)
  }

  #at(): Directory {
    return this.vfs.resolve(this.vfs.root, '/home/user', true, false) as Directory
  }
}

/** The name of the error that `action` ends with, or 'no error'. */
export function errnoOf(action: () => unknown): string {
  try {
    action()
    return 'no error'
  } catch (error) {
    if (error instanceof SysError) return errnoName(error.errno)
    throw error
  }
}
