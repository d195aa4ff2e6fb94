/** The module `tidepool` (docs/abi.md): the calls on processes and signals. */
import { Errno, SysError } from '../errno.ts'
import { Instance } from '../process/instance-pool.ts'
import { imageOf, startProgram } from '../process/start.ts'
import type { FdTable } from '../process/fd-table.ts'
import type { Process } from '../process/process.ts'
import { UNWIND } from '../process/process-table.ts'
import { Disposition, LAST_SIGNAL, Signal } from '../process/signal.ts'
import { WaitQueue } from '../process/wait-queue.ts'
import type { ByteString } from '../vfs/byte-string.ts'
import { Directory } from '../vfs/inode.ts'
import type { GuestMemory } from './memory.ts'
import { enter, leaveIfEnded, type System } from './system.ts'

const ACTION_BYTES = 12
const Action = { Dup2: 0, Close: 1 } as const
const ACTIONS_MAX = 1024
const SpawnFlag = { Group: 1, IgnoreInterrupts: 2 } as const
const WNOHANG = 1
const NANOSECONDS = 1e6

export const processExtension = (system: System) => ({
  proc_spawn(
    path: number,
    pathLength: number,
    argv: number,
    argvLength: number,
    env: number,
    envLength: number,
    cwd: number,
    cwdLength: number,
    actions: number,
    actionCount: number,
    flags: number,
    pgid: number,
    out: number,
  ): number {
    const parent = enter(system)
    const { guest } = parent
    const result = guest.at(out, 4)
    if (actionCount >>> 0 > ACTIONS_MAX) throw SysError.of(Errno.EINVAL)
    const actionsAt = guest.at(actions, actionCount * ACTION_BYTES)
    system.table.reserve(parent.session)
    const directory = cwdLength === 0 ? parent.cwd : directoryAt(system, parent, guest.string(cwd, cwdLength))
    const group = flags & SpawnFlag.Group ? groupFor(system, parent, pgid) : parent.pgid
    const environment = listAt(guest, env, envLength)
    const program = system.loader.find(parent.cwd, guest.string(path, pathLength), listAt(guest, argv, argvLength), environment)
    if (program instanceof WaitQueue) return system.blocking.waitUninterrupted(parent, program)

    const fds = parent.fds.copy()
    try {
      applyActions(guest, actionsAt, actionCount, fds)
      fds.closeMarked()
      const signals = parent.signals.forNewImage()
      if (flags & SpawnFlag.IgnoreInterrupts)
        for (const signal of [Signal.INT, Signal.QUIT]) signals.setDisposition(signal, Disposition.Ignore)
      const { session, call, umask } = parent
      const from = { parent, session, call, pgid: group, umask }
      const child = startProgram(system, { ...from, program, env: environment, cwd: directory, fds, signals })
      guest.setU32(result, child.pid)
    } catch (error) {
      fds.closeAll()
      // What has just ended gives its memory back in a moment.
      if (error instanceof SysError && error.errno === Errno.EAGAIN && system.table.unwinding > 0) return system.blocking.yield(parent)
      throw error
    }
    return Errno.SUCCESS
  },

  proc_exec(path: number, pathLength: number, argv: number, argvLength: number, env: number, envLength: number): number {
    const process = enter(system)
    const { guest } = process
    const environment = listAt(guest, env, envLength)
    const program = system.loader.find(process.cwd, guest.string(path, pathLength), listAt(guest, argv, argvLength), environment)
    if (program instanceof WaitQueue) return system.blocking.waitUninterrupted(process, program)
    system.table.replace(process, imageOf(system, program, environment, process.cwd))
    throw UNWIND
  },

  proc_clone(argument: number, out: number): number {
    const parent = enter(system)
    const result = parent.guest.at(out, 4)
    const { instance: original } = parent
    if (!(original instanceof Instance) || !original.cloneEntry) throw SysError.of(Errno.ENOSYS)
    system.table.reserve(parent.session)
    const instance = system.pool.acquireCopy(original)
    const child = system.table.add({
      parent,
      pgid: parent.pgid,
      session: parent.session,
      call: parent.call,
      argv: parent.argv,
      env: parent.env,
      exe: parent.exe,
      cwd: parent.cwd,
      umask: parent.umask,
      fds: parent.fds.copy(),
      preopens: parent.preopens.map((p) => p && { ...p, descriptor: p.descriptor.copy(false) }),
      signals: parent.signals.forClone(),
      instance,
      entry: () => instance.cloneEntry!(argument),
    })
    parent.guest.setU32(result, child.pid)
    return Errno.SUCCESS
  },

  proc_wait(pid: number, options: number, outPid: number, outStatus: number): number {
    const parent = enter(system)
    const { guest } = parent
    const pidAt = guest.at(outPid, 4)
    const statusAt = guest.at(outStatus, 4)
    if (options & ~WNOHANG) throw SysError.of(Errno.EINVAL)
    // The signal came first, though the child may have ended before the parent had its turn.
    if (!(options & WNOHANG) && parent.signals.interrupted && parent.signals.pending & ~(1 << Signal.CHLD)) {
      return system.blocking.interrupt(parent)
    }
    const child = system.table.takeEnded(parent, pid)
    if (!child && !(options & WNOHANG)) return system.blocking.wait(parent, parent.childEnded)
    guest.setU32(pidAt, child?.pid ?? 0)
    guest.setU32(statusAt, child?.waitStatus ?? 0)
    return Errno.SUCCESS
  },

  proc_kill(pid: number, signal: number): number {
    const process = enter(system)
    system.table.kill(process, pid, signal)
    leaveIfEnded(process)
    return Errno.SUCCESS
  },

  proc_getpid: (): number => enter(system).pid,
  proc_getppid: (): number => enter(system).ppid,

  proc_getpgid(pid: number, out: number): number {
    const process = enter(system)
    const target = pid === 0 ? process : system.table.get(pid)
    if (!target || target.session !== process.session) throw SysError.of(Errno.ESRCH)
    process.guest.setU32(out, target.pgid)
    return Errno.SUCCESS
  },

  proc_setpgid(pid: number, pgid: number): number {
    const process = enter(system)
    const target = pid === 0 ? process : system.table.get(pid)
    if (!target || (target !== process && target.parent !== process)) throw SysError.of(Errno.ESRCH)
    if (pgid < 0) throw SysError.of(Errno.EINVAL)
    if (target.pid === target.session) throw SysError.of(Errno.EPERM)
    target.pgid = pgid === 0 || pgid === target.pid ? target.pid : groupFor(system, process, pgid)
    return Errno.SUCCESS
  },

  proc_times(out: number): number {
    const process = enter(system)
    const { guest } = process
    const at = guest.at(out, 32)
    guest.setU64(at, Math.floor(system.scheduler.cpuMsOf(process) * NANOSECONDS))
    guest.setU64(at + 8, 0)
    guest.setU64(at + 16, Math.floor(process.childrenCpuMs * NANOSECONDS))
    guest.setU64(at + 24, 0)
    return Errno.SUCCESS
  },

  sig_action(signal: number, disposition: number, out: number): number {
    const process = enter(system)
    const result = process.guest.at(out, 4)
    if (signal < 1 || signal > LAST_SIGNAL || signal === Signal.KILL || signal === Signal.STOP) throw SysError.of(Errno.EINVAL)
    const old = process.signals.disposition(signal)
    if (disposition === Disposition.Default || disposition === Disposition.Ignore || disposition === Disposition.Catch)
      process.signals.setDisposition(signal, disposition)
    else throw SysError.of(Errno.EINVAL)
    process.guest.setU32(result, old)
    return Errno.SUCCESS
  },

  sig_pending(out: number): number {
    const process = enter(system)
    const at = process.guest.at(out, 8)
    process.guest.setU64(at, process.signals.take())
    return Errno.SUCCESS
  },
})

/** A group that a process of the caller's session leads or is in; 0: the number that the next process will have. */
function groupFor(system: System, process: Process, pgid: number): number {
  if (pgid === 0) return 0
  if (!system.table.hasGroup(process.session, pgid)) throw SysError.of(Errno.EPERM)
  return pgid
}

function directoryAt(system: System, process: Process, path: ByteString): Directory {
  const inode = system.vfs.resolve(process.cwd, path, true, false)
  if (!(inode instanceof Directory)) throw SysError.of(Errno.ENOTDIR)
  return inode
}

/** The strings of a list, each of which ends with one NUL. */
function listAt(guest: GuestMemory, pointer: number, length: number): ByteString[] {
  const text = guest.string(pointer, length)
  if (text === '') return []
  if (!text.endsWith('\0')) throw SysError.of(Errno.EINVAL)
  return text.slice(0, -1).split('\0')
}

function applyActions(guest: GuestMemory, at: number, count: number, fds: FdTable): void {
  for (let i = 0; i < count; i++) {
    const kind = guest.view.getInt32(at + i * ACTION_BYTES, true)
    const fd = guest.view.getInt32(at + i * ACTION_BYTES + 4, true)
    const from = guest.view.getInt32(at + i * ACTION_BYTES + 8, true)
    if (kind === Action.Dup2) {
      fds.duplicateTo(from, fd, false)
      fds.get(fd).closeOnExec = false
    } else if (kind === Action.Close) {
      if (fds.peek(fd)) fds.close(fd)
    } else throw SysError.of(Errno.EINVAL)
  }
}
