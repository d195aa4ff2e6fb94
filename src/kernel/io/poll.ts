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
export const LONGEST_TIMER_MS = 0x7fffffff

export const pollCalls = (system: System) => ({
  poll_oneoff(input: number, output: number, count: number, out: number): number {
    const process = enter(system)
    if (system.blocking.mustYield(process)) return WOULD_BLOCK
    const { guest } = process
    if (count === 0 || count >>> 0 > system.limits.pollSubscriptions) throw SysError.of(Errno.EINVAL)
    const first = guest.at(input, count * SUBSCRIPTION_BYTES)
    const events = new EventList(process, guest.at(output, count * EVENT_BYTES))
    const result = guest.at(out, 4)
    const clocks = new Clocks(system, process)
    for (let i = 0; i < count; i++) {
      const at = first + i * SUBSCRIPTION_BYTES
      const type = guest.view.getUint8(at + 8)
      if (type === Eventtype.Clock) clocks.check(at, events)
      else if (type === Eventtype.FdRead || type === Eventtype.FdWrite) checkFile(process, at, type, events)
      else throw SysError.of(Errno.EINVAL)
    }
    if (events.count === 0) return waitForAny(system, process, first, count, clocks)
    process.pollStart = -1
    guest.setU32(result, events.count)
    return Errno.SUCCESS
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

/** The clock subscriptions of one call. Relative ones count from when the call was made first. */
class Clocks {
  readonly now: number
  readonly start: number
  /** the earliest end that is still to come, in milliseconds of the monotonic clock */
  next = Infinity
  readonly #system: System
  readonly #process: Process

  constructor(system: System, process: Process) {
    this.#system = system
    this.#process = process
    this.now = system.clock.monotonic()
    this.start = process.pollStart < 0 ? this.now : process.pollStart
  }

  check(subscription: number, events: EventList): void {
    const { view } = this.#process.guest
    const id = view.getUint32(subscription + 16, true)
    if (id > Clockid.Monotonic) {
      events.add(subscription, Eventtype.Clock, id > Clockid.ThreadCpu ? Errno.EINVAL : Errno.ENOTSUP, 0, 0)
      return
    }
    const timeout = (view.getUint32(subscription + 24, true) + view.getUint32(subscription + 28, true) * TWO_32) / 1e6
    const absolute = (view.getUint16(subscription + 40, true) & ABSTIME) !== 0
    const end = !absolute ? this.start + timeout : id === Clockid.Monotonic ? timeout : this.now + timeout - this.#system.clock.now()
    if (end <= this.now) events.add(subscription, Eventtype.Clock, Errno.SUCCESS, 0, 0)
    else this.next = Math.min(this.next, end)
  }
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

function waitForAny(system: System, process: Process, first: number, count: number, clocks: Clocks): number {
  if (process.signals.interrupted) {
    process.pollStart = -1
    return system.blocking.interrupt(process)
  }
  process.pollStart = clocks.start
  const { view } = process.guest
  for (let i = 0; i < count; i++) {
    const at = first + i * SUBSCRIPTION_BYTES
    const type = view.getUint8(at + 8)
    if (type === Eventtype.Clock) continue
    const file = fileAt(process, at)
    system.blocking.alsoWait(process, type === Eventtype.FdRead ? file.readers : file.writers)
  }
  const delay = Math.min(LONGEST_TIMER_MS, Math.ceil(clocks.next - clocks.now))
  if (clocks.next < Infinity) process.cancelWait = system.timer(delay, () => process.wake())
  return WOULD_BLOCK
}
