/** poll(2). The call is made again after each wake-up, so the time of its first call is kept in the process. */
import { Errno, SysError } from '../errno.ts'
import { LONGEST_TIMER_MS } from '../io/poll.ts'
import type { Process } from '../process/process.ts'
import { Poll } from '../vfs/open-file.ts'
import { WOULD_BLOCK } from '../wasi/shim.ts'
import { enter, type System } from '../wasi/system.ts'
import { POLLFD_BYTES, POLLNVAL } from './abi.ts'

export const pollCall = (system: System) => ({
  poll(list: number, count: number, timeout: number): number {
    const process = enter(system)
    if (system.blocking.mustYield(process)) return WOULD_BLOCK
    if (count >>> 0 > system.limits.pollSubscriptions) throw SysError.of(Errno.EINVAL)
    const first = count === 0 ? 0 : process.guest.at(list, count * POLLFD_BYTES)
    const ready = readyOf(process, first, count)
    const now = system.clock.monotonic()
    const start = process.pollStart < 0 ? now : process.pollStart
    const left = timeout < 0 ? Infinity : start + timeout - now
    if (ready > 0 || left <= 0) {
      process.pollStart = -1
      return ready
    }
    if (process.signals.interrupted) {
      process.pollStart = -1
      return -system.blocking.interrupt(process)
    }
    process.pollStart = start
    waitFor(system, process, first, count)
    if (left < Infinity) process.cancelWait = system.timer(Math.min(LONGEST_TIMER_MS, Math.ceil(left)), () => process.wake())
    return WOULD_BLOCK
  },
})

/** Writes what holds for each descriptor; gives how many have something. */
function readyOf(process: Process, first: number, count: number): number {
  const { view } = process.guest
  let ready = 0
  for (let i = 0; i < count; i++) {
    const at = first + i * POLLFD_BYTES
    const fd = view.getInt32(at, true)
    const events = view.getInt16(at + 4, true)
    const file = fd < 0 ? undefined : process.fds.peek(fd)?.file
    const found = file ? file.poll() & (events | Poll.ERR | Poll.HUP) : fd < 0 ? 0 : POLLNVAL
    view.setInt16(at + 6, found, true)
    if (found !== 0) ready++
  }
  return ready
}

function waitFor(system: System, process: Process, first: number, count: number): void {
  const { view } = process.guest
  for (let i = 0; i < count; i++) {
    const at = first + i * POLLFD_BYTES
    const file = process.fds.peek(view.getInt32(at, true))?.file
    if (!file) continue
    // Errors are told without being asked for, so no event is looked at.
    if (file.readable) system.blocking.alsoWait(process, file.readers)
    if (file.writable) system.blocking.alsoWait(process, file.writers)
  }
}
