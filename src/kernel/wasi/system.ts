/** What system calls work on: the parts of one kernel. A call begins with `enter`, which says who calls. */
import type { Clock } from '../clock.ts'
import { Errno, SysError } from '../errno.ts'
import type { Limits } from '../../protocol/limits.ts'
import type { Descriptor } from '../process/fd-table.ts'
import type { InstancePool } from '../process/instance-pool.ts'
import type { ProgramLoader } from '../process/program.ts'
import { type ProcessTable, UNWIND } from '../process/process-table.ts'
import type { Process } from '../process/process.ts'
import type { Scheduler } from '../process/scheduler.ts'
import type { Vfs } from '../vfs/vfs.ts'
import type { Blocking } from './blocking.ts'

export interface System {
  readonly limits: Limits
  readonly clock: Clock
  readonly random: (into: Uint8Array) => void
  /** Calls `task` after so many milliseconds; gives what cancels it. */
  readonly timer: (milliseconds: number, task: () => void) => () => void
  readonly vfs: Vfs
  readonly scheduler: Scheduler
  readonly table: ProcessTable
  readonly pool: InstancePool
  readonly loader: ProgramLoader
  readonly blocking: Blocking
}

/** The calling process, its memory views fresh. */
export function enter(system: System): Process {
  const process = system.scheduler.current!
  process.guest.refresh()
  return process
}

/** After something that may have ended the caller itself. */
export function leaveIfEnded(process: Process): void {
  if (!process.alive) throw UNWIND
}

/**
 * WASI numbers: 3 … 3+P−1 are the P preopens, and the Unix descriptor n ≥ 3 is n + P (docs/abi.md). Throws EBADF.
 */
export function descriptorOf(process: Process, fd: number): Descriptor {
  if (fd < 3) return process.fds.get(fd)
  const unix = fd - process.preopens.length
  if (unix >= 3) return process.fds.get(unix)
  const preopen = process.preopens[fd - 3]
  if (!preopen) throw SysError.of(Errno.EBADF)
  return preopen.descriptor
}

export const isPreopen = (process: Process, fd: number): boolean => fd >= 3 && fd < 3 + process.preopens.length
/** The Unix number of a WASI number that is no preopen. */
export const unixFd = (process: Process, fd: number): number => (fd < 3 ? fd : fd - process.preopens.length)
export const wasiFd = (process: Process, fd: number): number => (fd < 3 ? fd : fd + process.preopens.length)

/** As descriptorOf, and the right has not been given up: else ENOTCAPABLE. */
export function descriptorWith(process: Process, fd: number, right: number): Descriptor {
  const descriptor = descriptorOf(process, fd)
  if ((descriptor.rights & right) === 0) throw SysError.of(Errno.ENOTCAPABLE)
  return descriptor
}
