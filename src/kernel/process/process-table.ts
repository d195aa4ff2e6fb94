/**
 * The processes: making, ending, waiting for and signalling them, as fork(2), execve(2), _exit(2), waitpid(2) and kill(2) do.
 * An ended process is a zombie until its parent takes its status; orphans belong to pid 1, the kernel, which takes theirs at once.
 * Its instance goes back to the pool when its coroutine has unwound, be that later than its end.
 */
import { Errno, SysError } from '../errno.ts'
import type { ProcessView } from '../fs/process-view.ts'
import { bytesOf, fromText, toText } from '../vfs/byte-string.ts'
import type { InstancePool } from './instance-pool.ts'
import { Process, type ProcessParts } from './process.ts'
import type { Scheduler } from './scheduler.ts'
import { Disposition, LAST_SIGNAL, Signal } from './signal.ts'
import { trapText } from './trap.ts'

/** Thrown through the frames of a process that has ended; no module of ours has a handler for it. */
export const UNWIND = Object.freeze({ unwind: 'process' })

export const FIRST_PID = 2

export interface SessionCount {
  /** processes whose coroutine has not unwound */
  present: number
  /** processes made so far */
  made: number
  readonly ended: (process: Process) => void
  readonly unwound: () => void
}

export interface ProcessTableOptions {
  monotonic(): number
  readonly maxAlive: number
  readonly maxPerSession: number
  /** a process has ended and closed its files */
  ended(): void
}

export class ProcessTable implements ProcessView {
  readonly #scheduler: Scheduler
  readonly #pool: InstancePool
  readonly #options: ProcessTableOptions
  /** also those that are reaped and not yet unwound: `setcur` looks here */
  readonly #byPid = new Map<number, Process>()
  readonly #sessions = new Map<number, SessionCount>()
  #nextPid = FIRST_PID
  alive = 0
  /** processes that have ended and hold their memory until their coroutine is resumed next */
  unwinding = 0

  constructor(scheduler: Scheduler, pool: InstancePool, options: ProcessTableOptions) {
    this.#scheduler = scheduler
    this.#pool = pool
    this.#options = options
  }

  // --- what /proc sees
  current(): Process | undefined {
    return this.#scheduler.current
  }
  get(pid: number): Process | undefined {
    const process = this.#byPid.get(pid)
    return process && !process.reaped ? process : undefined
  }
  pids(): readonly number[] {
    return this.#all()
      .map((p) => p.pid)
      .toSorted((a, b) => a - b)
  }

  /** Throws EAGAIN where there may be no further process. Call it before acquiring what the process is made of. */
  reserve(session: number | undefined): void {
    if (this.alive >= this.#options.maxAlive) throw SysError.of(Errno.EAGAIN)
    if (session !== undefined && this.#sessions.get(session)!.made >= this.#options.maxPerSession) throw SysError.of(Errno.EAGAIN)
  }

  /** The next process begins a session; gives its number. */
  openSession(count: SessionCount): number {
    this.#sessions.set(this.#nextPid, count)
    return this.#nextPid
  }
  closeSession(session: number): void {
    this.#sessions.delete(session)
  }

  /** Makes a process and puts it on the run queue. */
  add(parts: Omit<ProcessParts, 'pid' | 'startedAt'>): Process {
    const pid = this.#nextPid++
    const process = new Process({ ...parts, pid, startedAt: this.#options.monotonic() }, this.#scheduler)
    if (process.pgid === 0) process.pgid = pid
    this.#byPid.set(process.pid, process)
    const session = this.#sessions.get(process.session)!
    session.present++
    session.made++
    this.alive++
    process.parent?.children.add(process)
    process.wake()
    return process
  }

  /** The dispatcher's turn for a process. */
  run(process: Process): void {
    process.queued = false
    if (process.stopped && process.alive) {
      process.parked = true
      return
    }
    const resume = process.resume
    if (resume) {
      process.resume = undefined
      resume(process.pid)
    } else if (!process.started) this.#start(process)
  }

  #start(process: Process): void {
    process.started = true
    const instance = process.instance
    if (!process.alive) return this.#unwound(process, instance)
    const { initialize } = instance
    const run = initialize
      ? this.#enter(process, initialize).then(() => process.alive && this.#enter(process, process.entry))
      : this.#enter(process, process.entry)
    run.then(
      () => this.#unwound(process, instance),
      (error: unknown) => this.#unwound(process, instance, { error }),
    )
  }

  #enter(process: Process, entry: () => Promise<unknown>): Promise<unknown> {
    this.#scheduler.switchTo(process)
    const promise = entry()
    this.#scheduler.switchTo(undefined)
    return promise
  }

  /** The coroutine is gone. If the process still lives, it returned from its entry or trapped. */
  #unwound(process: Process, instance: Process['instance'], trapped?: { readonly error: unknown }): void {
    this.#scheduler.switchTo(process)
    this.#pool.release(instance)
    if (process.instance === instance) {
      process.unwound = true
      if (trapped && process.alive && instance.isForeign) tellTrap(process, trapped.error)
      if (process.alive) this.end(process, trapped ? Signal.ABRT : 0)
      else this.unwinding--
      this.#forget(process)
      const session = this.#sessions.get(process.session)!
      session.present--
      session.unwound()
    }
    this.#scheduler.switchTo(undefined)
  }

  /** The process image is replaced: the caller unwinds, and the same process starts anew. */
  replace(process: Process, image: Pick<ProcessParts, 'argv' | 'env' | 'exe' | 'preopens' | 'instance' | 'entry'>): void {
    process.argv = image.argv
    process.env = image.env
    process.exe = image.exe
    for (const preopen of process.preopens) preopen?.descriptor.file.unref()
    process.preopens = image.preopens
    process.instance = image.instance
    process.guest = image.instance.guest
    process.entry = image.entry
    process.signals = process.signals.forNewImage()
    process.fds.closeMarked()
    process.started = false
    process.wake()
  }

  /** Ends a process with a status as waitpid(2) gives it. Its coroutine unwinds when it is resumed next; the running one must throw UNWIND. */
  end(process: Process, waitStatus: number): void {
    if (!process.alive) return
    process.alive = false
    process.waitStatus = waitStatus
    process.endWait()
    process.fds.closeAll()
    for (const preopen of process.preopens) preopen?.descriptor.file.unref()
    process.preopens = []
    process.parked = false
    this.alive--
    for (const child of process.children) this.#adopt(child)
    process.children.clear()
    if (process.resume || !process.started) process.wake()
    if (!process.unwound) this.unwinding++
    this.#options.ended()
    this.#tellParent(process)
    this.#sessions.get(process.session)!.ended(process)
  }

  /** exit(3) of a process that is not the running one: its status is the low eight bits. */
  exit(process: Process, status: number): void {
    this.#scheduler.switchTo(process)
    this.end(process, (status & 0xff) << 8)
    this.#scheduler.switchTo(undefined)
  }

  #adopt(child: Process): void {
    child.parent = undefined
    if (!child.alive) this.#reap(child)
  }

  #tellParent(process: Process): void {
    const parent = process.parent
    if (!parent) return this.#reap(process)
    if (parent.signals.disposition(Signal.CHLD) === Disposition.Ignore) this.#reap(process)
    parent.childEnded.wakeAll()
    this.send(parent, Signal.CHLD)
  }

  #reap(process: Process): void {
    process.reaped = true
    const parent = process.parent
    if (parent) {
      parent.children.delete(process)
      parent.childrenCpuMs += process.cpuMs + process.childrenCpuMs
    }
    this.#forget(process)
  }

  #forget(process: Process): void {
    if (process.reaped && process.unwound) this.#byPid.delete(process.pid)
  }

  /**
   * Takes the status of an ended child: which ones, as waitpid(2)'s `pid` says. Undefined: there are such children and none has ended.
   * Throws ECHILD where there is no such child.
   */
  takeEnded(parent: Process, which: number): Process | undefined {
    let any = false
    for (const child of parent.children) {
      const wanted = which > 0 ? child.pid === which : which === -1 || child.pgid === (which === 0 ? parent.pgid : -which)
      if (!wanted) continue
      any = true
      if (child.alive) continue
      this.#reap(child)
      return child
    }
    if (!any) throw SysError.of(Errno.ECHILD)
    return undefined
  }

  /** kill(2): `target` > 0 a process, 0 the sender's group, −1 all of the sender's session, below it a group. Signal 0 only checks. */
  kill(sender: Process, target: number, signal: number): void {
    if (signal < 0 || signal > LAST_SIGNAL) throw SysError.of(Errno.EINVAL)
    if (target === 1) throw SysError.of(Errno.EPERM)
    const targets = this.#all().filter((p) => p.session === sender.session && isTarget(p, sender, target))
    if (targets.length === 0) throw SysError.of(Errno.ESRCH)
    if (signal === 0) return
    // The sender itself comes last, so that a signal to its own group reaches the others.
    for (const process of targets) if (process !== sender) this.send(process, signal)
    if (targets.includes(sender)) this.send(sender, signal)
  }

  send(process: Process, signal: number): void {
    if (!process.alive) return
    switch (process.signals.deliver(signal)) {
      case 'terminate':
        return this.end(process, signal)
      case 'stop':
        process.stopped = true
        if (process === this.#scheduler.current) this.#scheduler.fuel = 0
        return
      case 'continue':
        process.stopped = false
        if (process.parked || process.signals.interrupted) process.wake()
        process.parked = false
        return
      case 'interrupt':
        return process.wake()
      case 'nothing':
    }
  }

  hasGroup(session: number, pgid: number): boolean {
    return this.#all().some((p) => p.session === session && p.pgid === pgid)
  }

  /** Processes of a session that live. */
  ofSession(session: number): Process[] {
    return this.#all().filter((p) => p.session === session && p.alive)
  }

  /** For the shim: the process that a suspended call belongs to. */
  ofCoroutine(pid: number): Process {
    return this.#byPid.get(pid)!
  }

  #all(): Process[] {
    return [...this.#byPid.values()].filter((p) => !p.reaped)
  }
}

function isTarget(process: Process, sender: Process, target: number): boolean {
  if (target > 0) return process.pid === target
  if (target === -1) return process !== sender
  return process.pgid === (target === 0 ? sender.pgid : -target)
}

/** On its standard error, as far as that takes it at once. */
function tellTrap({ fds, exe }: Process, error: unknown): void {
  const file = fds.peek(2)?.file
  if (!file?.writable) return
  try {
    file.write(bytesOf(fromText(trapText(toText(exe.slice(exe.lastIndexOf('/') + 1)), error))))
  } catch (failed) {
    if (!(failed instanceof SysError)) throw failed
  }
}
