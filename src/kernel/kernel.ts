/**
 * The kernel of a cell: one file system, one process table, sessions. It knows no DOM and no Node; what it needs of the outside is
 * `KernelHost`. A run of the cell is a session: its first process, and everything that one starts.
 */
import { Errno, errnoName, SysError } from './errno.ts'
import { FdTable } from './process/fd-table.ts'
import type { HostProgram, HostPrograms } from './process/host-program.ts'
import { InstancePool } from './process/instance-pool.ts'
import { MemoryBudget } from './process/memory-budget.ts'
import type { Process } from './process/process.ts'
import { ProcessTable } from './process/process-table.ts'
import { ProgramLoader, type Program } from './process/program.ts'
import { Scheduler } from './process/scheduler.ts'
import { Disposition, Signal, SignalState } from './process/signal.ts'
import { startProgram } from './process/start.ts'
import { Waiter, WaitQueue } from './process/wait-queue.ts'
import type { ByteString } from './vfs/byte-string.ts'
import { Directory } from './vfs/inode.ts'
import type { OpenFile } from './vfs/open-file.ts'
import { type BootedVfs, bootVfs, type VfsHost } from './vfs/boot-vfs.ts'
import type { Vfs } from './vfs/vfs.ts'
import { Blocking } from './wasi/blocking.ts'
import { importTables } from './wasi/import-table.ts'
import type { System } from './wasi/system.ts'
import type { WasmImports, WasmModule } from './wasi/webassembly.ts'

export interface KernelHost extends Omit<VfsHost, 'processes'> {
  /** Runs `task` after the host's other tasks have had their turn (MessageChannel, setImmediate). */
  macrotask(task: () => void): void
  /** Runs `task` after so many milliseconds; gives what cancels it. */
  timer(milliseconds: number, task: () => void): () => void
  loadModule(name: string): Promise<WasmModule>
  /** programs that are no modules, by the catalog's names */
  readonly hostPrograms?: HostPrograms
  /** wasm memories that the cell may hold at first; `allowMemories` changes it */
  readonly memories: number
  /** hears of each memory that was taken; `Kernel.memories` says how many there are */
  tookMemory?(): void
  /** hears of faults of the kernel itself; the process that met one traps */
  report(error: unknown): void
  /** hears of every system call, as strace(1) prints them */
  readonly strace?: (line: string) => void
}

export interface SessionSpec {
  /** the run's name, for what it changes in the file system */
  readonly call: string
  /** program and arguments; the program is searched along PATH */
  readonly argv: readonly ByteString[]
  /** absolute; /home/user where it is missing */
  readonly cwd?: ByteString
  /** NAME=value */
  readonly env: readonly ByteString[]
  /** One reference to each goes over to the session. */
  readonly stdin: OpenFile
  readonly stdout: OpenFile
  readonly stderr: OpenFile
  /** descriptor 3 of the first program; what that one starts does not inherit it */
  readonly result?: OpenFile
}

export interface SessionEnd {
  /** 0 … 255; for a signal 128 + its number */
  readonly status: number
  readonly signal?: number
  /** how many processes there were */
  readonly processes: number
  /** the last journal message with effects of the session */
  readonly seq: number
  /** the program could not be started */
  readonly error?: { readonly errno: number; readonly message: string }
}

export interface Session {
  /** Resolves when no process of the session is left. */
  readonly exited: Promise<SessionEnd>
  /** Sends a signal to all its processes. */
  kill(signal: number): void
}

/** Processes that catch HUP have so long to end by themselves when their session's first process has ended. */
const HANGUP_GRACE_MS = 50
const TICK_MS = 50
const HOME = '/home/user'
const NOT_FOUND = 127
const NOT_EXECUTABLE = 126

export class Kernel {
  /** the file systems, their journal and the log of changes */
  readonly files: BootedVfs
  readonly #system: System
  readonly #budget: MemoryBudget
  readonly #pool: InstancePool

  readonly #host: KernelHost
  #sessions = 0

  constructor(host: KernelHost) {
    const { limits, clock } = host
    this.#host = host
    this.#budget = new MemoryBudget(host.memories, limits.cellMemoryBytes, () => host.tookMemory?.())
    const own: WasmImports = {}
    const foreign: WasmImports = {}
    const hostPrograms = new Map<string, HostProgram>()
    this.#pool = new InstancePool(this.#budget, own, foreign, limits, () => [...hostPrograms.values()].some((program) => program.trim()))
    const scheduler: Scheduler = new Scheduler(clock, (task) => host.macrotask(task), {
      run: (process) => table.run(process),
      switched: (process) => (files.changes.current = process?.call),
      turn: () => files.tick(),
    })
    const table: ProcessTable = new ProcessTable(scheduler, this.#pool, {
      monotonic: () => clock.monotonic(),
      maxAlive: limits.processesAlive,
      maxPerSession: limits.processesPerRun,
      ended: () => files.journal.closed(),
    })
    const files = bootVfs({ ...hostOfFiles(host), processes: table })
    this.files = files
    const { vfs } = files
    this.#system = {
      limits,
      clock,
      random: (into) => host.random(into),
      timer: (milliseconds, task) => host.timer(milliseconds, task),
      vfs,
      scheduler,
      table,
      pool: this.#pool,
      loader: new ProgramLoader(vfs, (name) => host.loadModule(name), limits, hostPrograms),
      blocking: new Blocking(scheduler, table, (process) => this.#pool.limit(process.instance)),
    }
    const imports = importTables(this.#system, (error) => host.report(error), host.strace)
    Object.assign(own, imports.own)
    Object.assign(foreign, imports.foreign)
    const report = (error: unknown): void => host.report(error)
    const made = host.hostPrograms?.({
      system: this.#system,
      budget: this.#budget,
      library: files.library,
      calls: imports.host,
      link: (rows, calls) => imports.link(rows, calls),
      report,
    })
    for (const [name, program] of made ?? []) hostPrograms.set(name, program)
  }

  get vfs(): Vfs {
    return this.files.vfs
  }
  get processes(): ProcessTable {
    return this.#system.table
  }
  /** wasm memories in being, and the bytes of those in use or kept */
  get memories(): number {
    return this.#budget.count
  }
  get memoryBytes(): number {
    return this.#budget.bytes
  }
  /** how many memories were given up as too large to keep, since the start */
  get memoryDrops(): number {
    return this.#budget.drops
  }

  /** The broker's allowance of wasm memories from now on. */
  allowMemories(count: number): void {
    this.#budget.allowance = count
    this.#pool.trim()
  }

  start(spec: SessionSpec): Session {
    if (this.#sessions++ === 0) this.#tickLater()
    this.files.changes.begin(spec.call)
    return new RunningSession(this.#system, spec, () => {
      this.#sessions--
      this.#host.macrotask(() => {
        if (this.#sessions === 0) this.#pool.dropLarge()
      })
      return this.files.journal.post(true, false)
    })
  }

  /** What is dirty is posted while processes only wait, too. */
  #tickLater(): void {
    this.#host.timer(TICK_MS, () => {
      this.files.tick()
      if (this.#sessions > 0) this.#tickLater()
    })
  }
}

const hostOfFiles = (host: KernelHost): Omit<VfsHost, 'processes'> => ({
  limits: host.limits,
  clock: host.clock,
  random: (into) => host.random(into),
  journal: host.journal,
  faults: host.faults,
  programs: host.programs,
  metadata: host.metadata,
  seq: host.seq,
  mounts: host.mounts,
})

class RunningSession implements Session {
  readonly exited: Promise<SessionEnd>
  readonly #system: System
  readonly #finish: () => number
  readonly #resolve: (end: SessionEnd) => void
  #session = 0
  #first: Process | undefined = undefined
  /** a signal that came before the first process was there */
  #early = 0
  readonly #count = {
    present: 0,
    made: 0,
    ended: (process: Process) => {
      if (process === this.#first) this.#hangUp()
    },
    unwound: () => this.#unwound(),
  }

  /** `finish` is called when no process is left; gives the number of the last journal message. */
  constructor(system: System, spec: SessionSpec, finish: () => number) {
    this.#system = system
    this.#finish = finish
    const { promise, resolve } = Promise.withResolvers<SessionEnd>()
    this.exited = promise
    this.#resolve = resolve
    void this.#start(spec)
  }

  kill(signal: number): void {
    if (!this.#first) this.#early = signal
    else for (const process of this.#system.table.ofSession(this.#session)) this.#system.table.send(process, signal)
  }

  async #start(spec: SessionSpec): Promise<void> {
    const { table, vfs, limits } = this.#system
    const fds = new FdTable(limits.descriptors)
    for (const file of [spec.stdin, spec.stdout, spec.stderr]) fds.add(file, false)
    if (spec.result) fds.add(spec.result, true)
    try {
      const cwd = vfs.resolve(vfs.root, spec.cwd ?? HOME, true, false)
      if (!(cwd instanceof Directory)) throw SysError.of(Errno.ENOTDIR)
      const program = await this.#load(cwd, spec)
      table.reserve(undefined)
      const session = table.openSession(this.#count)
      const signals = new SignalState()
      const { env, call } = spec
      const parts = { parent: undefined, session, pgid: session, call, umask: 0o022 }
      this.#first = startProgram(this.#system, { ...parts, program, env, cwd, fds, signals })
      this.#session = session
      if (this.#early) this.kill(this.#early)
    } catch (error) {
      fds.closeAll()
      this.#resolve({ ...startFailure(spec, error), processes: 0, seq: this.#finish() })
    }
  }

  async #load(cwd: Directory, spec: SessionSpec): Promise<Program> {
    const path = this.#system.loader.search(cwd, spec.argv[0] ?? '', spec.env)
    for (;;) {
      const found = this.#system.loader.find(cwd, path, spec.argv, spec.env)
      if (!(found instanceof WaitQueue)) return found
      await new Promise<void>((resolve) => found.add(new Waiter(resolve)))
    }
  }

  #unwound(): void {
    if (this.#count.present > 0 || !this.#first) return
    this.#system.table.closeSession(this.#session)
    const { waitStatus } = this.#first
    const signal = waitStatus & 0x7f
    const common = { processes: this.#count.made, seq: this.#finish() }
    this.#resolve(signal ? { ...common, status: 128 + signal, signal } : { ...common, status: waitStatus >> 8 })
  }

  /** HUP to what is left; who catches it may clean up, then and for all others KILL. */
  #hangUp(): void {
    const { table } = this.#system
    let catching = false
    for (const process of table.ofSession(this.#session)) {
      catching ||= process.signals.disposition(Signal.HUP) === Disposition.Catch
      table.send(process, Signal.HUP)
    }
    const end = (): void => {
      for (const process of table.ofSession(this.#session)) table.send(process, Signal.KILL)
    }
    if (catching) this.#system.timer(HANGUP_GRACE_MS, end)
    else end()
  }
}

function startFailure(spec: SessionSpec, error: unknown): Pick<SessionEnd, 'status' | 'error'> {
  const errno = error instanceof SysError ? error.errno : 0
  const message = `Cannot start "${spec.argv[0] ?? ''}": ${error instanceof SysError ? errnoName(errno) : String(error)}`
  const status = error instanceof SysError && errnoName(errno) === 'ENOENT' ? NOT_FOUND : NOT_EXECUTABLE
  return { status, error: { errno, message } }
}
