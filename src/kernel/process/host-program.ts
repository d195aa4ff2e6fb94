/**
 * A program that is no module by itself: an interpreter with a linker of its own (python3), or code of the host's (js). The kernel asks
 * it for an instance a process. What an instance does to the outside it does by the same system calls as any process.
 */
import type { ArchiveFs } from '../fs/archive-fs.ts'
import type { Syscall } from '../syscall-table.ts'
import type { ByteString } from '../vfs/byte-string.ts'
import type { System } from '../wasi/system.ts'
import type { MemoryBudget } from './memory-budget.ts'
import type { ProcessInstance } from './process.ts'

export interface HostProgram {
  /** Resolves when instances can be made; rejects where something of it cannot be had, and may be asked again. */
  prepare(): Promise<void>
  /** Throws EAGAIN or ENOMEM where there is no memory for it. */
  instantiate(argv: readonly ByteString[], env: readonly ByteString[]): HostInstance
  /** Gives up what an idle instance holds; false where there is nothing. */
  trim(): boolean
}

export interface HostInstance extends ProcessInstance {
  /** Runs the program; resolves to its exit status. The process is the current one until the promise is returned. */
  start(): Promise<number>
  /** Its coroutine has unwound. */
  release(): void
}

/** What a host program has of the kernel. */
export interface HostProgramKernel {
  readonly system: System
  readonly budget: MemoryBudget
  /** the tree at /usr/lib */
  readonly library: ArchiveFs
  /** System calls as a foreign module imports them, by module: WASI Preview 1, `tidepool`, `linux`. */
  readonly calls: Readonly<Record<Exclude<Syscall['module'], 'cell'>, Readonly<Record<string, unknown>>>>
  /** More calls of the same kind; a row says which may wait. */
  link(rows: readonly Syscall[], calls: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>
  report(error: unknown): void
}

/** Makes the host programs of a kernel, by the name that the catalog gives their module. */
export type HostPrograms = (kernel: HostProgramKernel) => ReadonlyMap<string, HostProgram>

/** What the loader gives for one. */
export class HostCode {
  readonly program: HostProgram

  constructor(program: HostProgram) {
    this.program = program
  }
}
