/**
 * python3 as a program of the kernel: CPython's main module (Pyodide's build of it, its memory made an import), the standard library as a
 * read-only tree at /usr/lib/python3.14, and packages that appear there when a process first asks for them.
 */
import { Errno, SysError } from '../errno.ts'
import type { ArchiveFs } from '../fs/archive-fs.ts'
import type { HostInstance, HostProgram, HostProgramKernel } from '../process/host-program.ts'
import { UNWIND } from '../process/process-table.ts'
import type { Process } from '../process/process.ts'
import { Signal } from '../process/signal.ts'
import { type ByteString, bytesOf, fromText } from '../vfs/byte-string.ts'
import type { GuestMemory } from '../wasi/memory.ts'
import { PAGE, wasm, type WasmMemory, type WasmModule } from '../wasi/webassembly.ts'
import { CELL, cellCalls } from './cell-calls.ts'
import type { Calls } from './environment.ts'
import type { TableIndex } from './linker.ts'
import { PythonInstance } from './python-instance.ts'

/** pages that the module begins with */
const FIRST_PAGES = 480
const LIBRARY = 'python3.14'
const SITE = `${LIBRARY}/site-packages`

export interface PythonHost {
  /** The compiled main module; its memory is the import `env.memory`. */
  module(): Promise<WasmModule>
  /** Bytes of an archive of the build, by its name; rejects where there is none or they are not those of the build. */
  archive(name: string): Promise<Uint8Array>
  /** Answers what a process asks of its cell besides packages; never rejects. */
  request(request: string, process: Process): Promise<string>
}

/** What all interpreters of a cell share. */
export class PythonRuntime {
  readonly kernel: HostProgramKernel
  readonly cell: Calls
  readonly mostBytes: number
  #index: TableIndex | undefined
  #spare: WasmMemory | undefined

  constructor(kernel: HostProgramKernel, ask: (request: string, process: Process) => Promise<Uint8Array>) {
    this.kernel = kernel
    this.mostBytes = kernel.system.limits.pythonMemoryBytes
    const { system } = kernel
    this.cell = kernel.link(CELL, cellCalls(system, system.limits.programBytes, ask))
  }

  get freeBytes(): number {
    return this.kernel.budget.freeBytes
  }
  /** A side module grows the memory without asking: a process that passes the cell's limit by it is killed where that is found. */
  grown(bytes: number): void {
    const { budget, system } = this.kernel
    budget.bytes += bytes
    const { current } = system.scheduler
    if (budget.bytes <= budget.limitBytes || !current) return
    system.table.end(current, Signal.KILL)
    throw UNWIND
  }
  /** The same for all instances of the module: made once. */
  tableIndex(make: () => TableIndex): TableIndex {
    return (this.#index ??= make())
  }

  /** A memory that is all zero. Throws EAGAIN or ENOMEM. */
  takeMemory(): WasmMemory {
    const spare = this.#spare
    this.#spare = undefined
    if (spare) {
      new Uint8Array(spare.buffer).fill(0)
      return spare
    }
    const { budget } = this.kernel
    if (!budget.hasRoom) throw SysError.of(Errno.EAGAIN)
    if (budget.freeBytes < FIRST_PAGES * PAGE) throw SysError.of(Errno.ENOMEM)
    const memory = new wasm.Memory({ initial: FIRST_PAGES, maximum: Math.floor(this.mostBytes / PAGE) })
    budget.take(memory)
    return memory
  }

  /** One memory is kept for the next interpreter, unless it has grown large. */
  recycle({ memory }: GuestMemory): void {
    const large = memory.buffer.byteLength > 3 * FIRST_PAGES * PAGE
    if (this.#spare || large) this.kernel.budget.drop(memory)
    else this.#spare = memory
  }

  trim(): boolean {
    if (!this.#spare) return false
    this.kernel.budget.drop(this.#spare)
    this.#spare = undefined
    return true
  }
}

export class PythonProgram implements HostProgram {
  readonly #runtime: PythonRuntime
  readonly #host: PythonHost
  readonly #tree: ArchiveFs
  readonly #packages = new Map<string, Promise<void>>()
  #module: WasmModule | undefined

  constructor(kernel: HostProgramKernel, host: PythonHost) {
    this.#host = host
    this.#tree = kernel.library
    this.#runtime = new PythonRuntime(kernel, (request, process) => this.#answer(request, process))
  }

  async prepare(): Promise<void> {
    try {
      const [module, library] = await Promise.all([this.#host.module(), this.#host.archive('python-library')])
      this.#tree.add(LIBRARY, library)
      this.#module = module
    } catch (error) {
      this.#runtime.kernel.report(error)
      throw error
    }
  }

  instantiate(given: readonly ByteString[]): HostInstance {
    const argv = isPip(given[0] ?? '') ? ['python3', '-m', 'pip', ...given.slice(1)] : given
    const memory = this.#runtime.takeMemory()
    try {
      return new PythonInstance(this.#runtime, this.#module!, memory, argv)
    } catch (error) {
      this.#runtime.kernel.budget.drop(memory)
      throw error
    }
  }

  trim(): boolean {
    return this.#runtime.trim()
  }

  async #answer(request: string, process: Process): Promise<Uint8Array> {
    const name = packageOf(request)
    const answer = name === undefined ? await this.#host.request(request, process) : JSON.stringify(await this.#install(name))
    return bytesOf(fromText(answer))
  }

  /** Makes a package's files appear. */
  async #install(name: string): Promise<{ readonly ok: boolean; readonly reason?: string }> {
    let installing = this.#packages.get(name)
    if (!installing) {
      installing = this.#host.archive(name).then((bytes) => this.#tree.add(SITE, bytes))
      this.#packages.set(name, installing)
    }
    try {
      await installing
      return { ok: true }
    } catch (error) {
      this.#packages.delete(name)
      return { ok: false, reason: error instanceof Error ? error.message : String(error) }
    }
  }
}

/** `pip` is a module of the library. */
const isPip = (name: ByteString): boolean => /(?:^|\/)pip3?$/.test(name)

/** The archive that a request asks for; undefined where it asks for something else. */
function packageOf(request: string): string | undefined {
  try {
    const { package: name } = JSON.parse(request) as { package?: unknown }
    return typeof name === 'string' ? name : undefined
  } catch {
    return undefined
  }
}
