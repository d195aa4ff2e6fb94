/**
 * Waiting for several descriptors and clocks at once: WASI's `poll_oneoff`, poll(2). The call is made again after each wake-up, so its
 * end is kept in the process as an absolute time; a relative timeout is never started twice.
 */
import { Errno, SysError } from '../errno.ts'
import type { Process } from '../process/process.ts'
import { FileKind } from '../vfs/inode.ts'
import { type OpenFile, Poll } from '../vfs/open-file.ts'
import { ABSTIME, Clockid, EVENT_BYTES, EVENT_HANGUP, Eventtype, Right, SUBSCRIPTION_BYTES } from '../wasi/abi.ts'
import { WOULD_BLOCK } from '../wasi/shim.ts'
import { descriptorWith, enter, type System } from '../wasi/system.ts'

const TWO_32 = 0x1_0000_0000
/** A timer's longest delay: setTimeout takes 31 bits. */
const LONGEST_TIMER_MS = 0x7fffffff

export const pollCalls = (system: System) => ({
  poll_oneoff(input: number, output: number, count: number, out: number): number {
    const process = enter(system)
    if (system.blocking.mustYield(process)) return WOULD_BLOCK
    const { guest } = process
    if (count === 0 || count >>> 0 > system.limits.pollSubscriptions) throw SysError.of(Errno.EINVAL)
    const first = guest.at(input, count * SUBSCRIPTION_BYTES)
    const events = new EventList(process, guest.at(output, count * EVENT_BYTES))
    const result = guest.at(out, 4)
    const now = system.clock.monotonic()
    let earliest = Infinity
    for (let i = 0; i < count; i++) {
      const at = first + i * SUBSCRIPTION_BYTES
      const type = guest.view.getUint8(at + 8)
      if (type === Eventtype.Clock) earliest = Math.min(earliest, endOf(system, process, at + 16, now, events))
      else if (type === Eventtype.FdRead || type === Eventtype.FdWrite) checkFile(process, at, type, events)
      else throw SysError.of(Errno.EINVAL)
    }
    if (process.deadline < 0) process.deadline = earliest
    if (process.deadline <= now) addClocks(system, process, first, count, now, events)
    if (events.count > 0) {
      process.deadline = -1
      guest.setU32(result, events.count)
      return Errno.SUCCESS
    }
    return waitForAny(system, process, first, count, now)
  },
})

/** The events, written one after another. */
class EventList {
  count = 0
  readonly #process: Process
  readonly #start: number

  constructor(process: Process, start: number) {
    this.#process = process
    this.#start = start
  }

  add(subscription: number, type: number, error: number, bytes: number, flags: number): void {
    const { guest } = this.#process
    const at = this.#start + this.count++ * EVENT_BYTES
    guest.u8.copyWithin(at, subscription, subscription + 8)
    guest.setU64(at + 8, 0)
    guest.view.setUint16(at + 8, error, true)
    guest.u8[at + 10] = type
    guest.setU64(at + 16, bytes)
    guest.setU64(at + 24, flags)
  }
}

/**
 * When a clock subscription ends, on the monotonic clock. A relative one counts from the first time this call was made, which is
 * when the process has no deadline yet; later only the earliest end matters, and that is kept.
 */
function endOf(system: System, process: Process, clock: number, now: number, events: EventList): number {
  const { view } = process.guest
  const id = view.getUint32(clock, true)
  const timeout = (view.getUint32(clock + 8, true) + view.getUint32(clock + 12, true) * TWO_32) / 1e6
  const absolute = (view.getUint16(clock + 24, true) & ABSTIME) !== 0
  if (id === Clockid.Realtime) return absolute ? now + timeout - system.clock.now() : now + timeout
  if (id === Clockid.Monotonic) return absolute ? timeout : now + timeout
  events.add(clock - 16, Eventtype.Clock, id > Clockid.ThreadCpu ? Errno.EINVAL : Errno.ENOTSUP, 0, 0)
  return Infinity
}

/** The clocks that end with the call: those that are absolute and past, and the shortest relative ones. */
function addClocks(system: System, process: Process, first: number, count: number, now: number, events: EventList): void {
  const { view } = process.guest
  const ends: { at: number; end: number }[] = []
  for (let i = 0; i < count; i++) {
    const at = first + i * SUBSCRIPTION_BYTES
    if (view.getUint8(at + 8) !== Eventtype.Clock || view.getUint32(at + 16, true) > Clockid.Monotonic) continue
    ends.push({ at, end: endOf(system, process, at + 16, now, events) })
  }
  const earliest = Math.min(...ends.map((e) => e.end))
  for (const { at, end } of ends) if (end <= Math.max(earliest, now)) events.add(at, Eventtype.Clock, Errno.SUCCESS, 0, 0)
}

function checkFile(process: Process, at: number, type: number, events: EventList): void {
  let file: OpenFile
  try {
    file = fileAt(process, at)
  } catch (error) {
    if (!(error instanceof SysError)) throw error
    events.add(at, type, error.errno, 0, 0)
    return
  }
  const ready = file.poll()
  const wanted = type === Eventtype.FdRead ? Poll.IN | Poll.HUP : Poll.OUT
  if ((ready & (wanted | Poll.ERR)) === 0) return
  const hangup = ready & (Poll.HUP | Poll.ERR) ? EVENT_HANGUP : 0
  events.add(at, type, Errno.SUCCESS, readableBytes(file, type), hangup)
}

const fileAt = (process: Process, at: number): OpenFile =>
  descriptorWith(process, process.guest.view.getUint32(at + 16, true), Right.POLL).file

function readableBytes(file: OpenFile, type: number): number {
  if (type !== Eventtype.FdRead || file.inode.kind !== FileKind.File) return 1
  return Math.max(0, file.inode.size - file.offset)
}

function waitForAny(system: System, process: Process, first: number, count: number, now: number): number {
  if (process.signals.interrupted) {
    process.deadline = -1
    return system.blocking.interrupt(process)
  }
  const { view } = process.guest
  for (let i = 0; i < count; i++) {
    const at = first + i * SUBSCRIPTION_BYTES
    const type = view.getUint8(at + 8)
    if (type === Eventtype.Clock) continue
    const file = fileAt(process, at)
    system.blocking.alsoWait(process, type === Eventtype.FdRead ? file.readers : file.writers)
  }
  const end = process.deadline
  if (end < Infinity) process.cancelWait = system.timer(Math.min(LONGEST_TIMER_MS, Math.ceil(end - now)), () => process.wake())
  return WOULD_BLOCK
}
