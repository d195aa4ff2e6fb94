/**
 * A process, analogous to Linux's task_struct: a program's instance that runs as a coroutine, and what system calls act on.
 * Whether it lives is said here and nowhere else; how its coroutine unwinds (by an exception or a trap) tells nothing.
 */
import type { ProcessEntry } from '../fs/process-view.ts'
import type { ByteString } from '../vfs/byte-string.ts'
import type { Directory } from '../vfs/inode.ts'
import type { OpenFile } from '../vfs/open-file.ts'
import type { GuestMemory } from '../wasi/memory.ts'
import type { Descriptor, FdTable } from './fd-table.ts'
import type { Scheduler } from './scheduler.ts'
import type { SignalState } from './signal.ts'
import { Waiter, WaitQueue } from './wait-queue.ts'

/** A directory that a program finds open at its start, with the name it knows it by. */
export interface Preopen {
  readonly name: ByteString
  readonly descriptor: Descriptor
  /** whether `..` and absolute paths are refused below it */
  readonly confine: boolean
}

/** What a process runs in. */
export interface ProcessInstance {
  readonly guest: GuestMemory
  /** A foreign module's start function, which runs before its entry. */
  readonly initialize?: (() => Promise<unknown>) | undefined
  /** A foreign module: what it did wrong is told where its author looks, on standard error. */
  readonly isForeign?: boolean
  /** Takes memory of the program's own allocator; 0 where there is none left. */
  readonly allocate?: (align: number, bytes: number) => number
}

/** What a new process is made of. */
export interface ProcessParts {
  readonly pid: number
  readonly parent: Process | undefined
  readonly pgid: number
  readonly session: number
  /** the run that the session is for */
  readonly call: string
  readonly argv: readonly ByteString[]
  readonly env: readonly ByteString[]
  readonly exe: ByteString
  readonly cwd: Directory
  readonly umask: number
  readonly fds: FdTable
  readonly preopens: (Preopen | undefined)[]
  readonly signals: SignalState
  readonly instance: ProcessInstance
  readonly entry: () => Promise<unknown>
  /** milliseconds of the monotonic clock */
  readonly startedAt: number
}

export class Process implements ProcessEntry {
  readonly pid: number
  /** undefined: the kernel, which is pid 1 */
  parent: Process | undefined
  pgid: number
  /** pid of the first process of its session */
  readonly session: number
  readonly call: string
  argv: readonly ByteString[]
  env: readonly ByteString[]
  exe: ByteString
  cwd: Directory
  umask: number
  readonly fds: FdTable
  preopens: (Preopen | undefined)[]
  signals: SignalState
  instance: ProcessInstance
  guest: GuestMemory
  entry: () => Promise<unknown>
  readonly startMs: number
  /** time on the processor so far, and that of reaped children, in milliseconds */
  cpuMs = 0
  childrenCpuMs = 0

  readonly children = new Set<Process>()
  /** woken when a child has ended */
  readonly childEnded = new WaitQueue()
  alive = true
  /** its parent has taken its status (or nobody will) */
  reaped = false
  /** as waitpid(2) gives it */
  waitStatus = 0

  // The coroutine.
  readonly #scheduler: Scheduler
  started = false
  /** goes on after a suspension */
  resume: ((pid: number) => void) | undefined = undefined
  queued = false
  stopped = false
  parked = false
  /** the next suspension only gives the processor away */
  yielding = false
  unwound = false

  // The call under way: it is made again after each suspension and finds here how far it came.
  readonly waiter = new Waiter(() => this.wake())
  readonly moreWaiters: Waiter[] = []
  /** undoes what a waiting call set up besides the wait queues (a timer) */
  cancelWait: (() => void) | undefined = undefined
  /** bytes of this write that were taken already */
  written = 0
  /** when this poll was called first, in milliseconds of the monotonic clock; −1: no poll is under way */
  pollStart = -1

  constructor(parts: ProcessParts, scheduler: Scheduler) {
    this.pid = parts.pid
    this.parent = parts.parent
    this.pgid = parts.pgid
    this.session = parts.session
    this.call = parts.call
    this.argv = parts.argv
    this.env = parts.env
    this.exe = parts.exe
    this.cwd = parts.cwd
    this.umask = parts.umask
    this.fds = parts.fds
    this.preopens = parts.preopens
    this.signals = parts.signals
    this.instance = parts.instance
    this.guest = parts.instance.guest
    this.entry = parts.entry
    this.startMs = parts.startedAt
    this.#scheduler = scheduler
  }

  /** Makes it runnable; it never runs before the caller returns. */
  wake(): void {
    if (this.queued) return
    this.queued = true
    this.#scheduler.enqueue(this)
  }

  /** Ends the wait of the call under way: it is in no queue and has no timer any more. */
  endWait(): void {
    this.waiter.leave()
    for (const waiter of this.moreWaiters) waiter.leave()
    this.moreWaiters.length = 0
    this.cancelWait?.()
    this.cancelWait = undefined
  }

  // What /proc shows.
  get ppid(): number {
    return this.parent?.pid ?? 1
  }
  get state(): 'R' | 'S' | 'Z' {
    if (!this.alive) return 'Z'
    return this.queued || this.#scheduler.current === this ? 'R' : 'S'
  }
  get comm(): ByteString {
    const path = this.argv[0] ?? this.exe
    return path.slice(path.lastIndexOf('/') + 1)
  }
  get memoryBytes(): number {
    return this.alive ? this.guest.bytes : 0
  }
  get startedAt(): number {
    return this.startMs / 1000
  }
  get cpuSeconds(): number {
    return this.cpuMs / 1000
  }
  descriptors(): readonly number[] {
    return this.fds.numbers()
  }
  file(fd: number): OpenFile | undefined {
    return this.fds.peek(fd)?.file
  }
}
