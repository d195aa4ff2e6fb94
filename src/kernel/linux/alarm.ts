/** setitimer(2) of ITIMER_REAL: SIGALRM after a time, once or again and again. */
import { Errno, SysError } from '../errno.ts'
import { LONGEST_TIMER_MS } from '../io/poll.ts'
import type { Process } from '../process/process.ts'
import { Signal } from '../process/signal.ts'
import { enter, type System } from '../wasi/system.ts'

const ITIMER_REAL = 0
const SHORTEST_MS = 1

interface Alarm {
  cancel: () => void
  readonly end: number
  readonly interval: number
}

export function alarmCall(system: System) {
  const alarms = new WeakMap<Process, Alarm>()

  function set(process: Process, milliseconds: number, interval: number): void {
    const alarm: Alarm = { cancel: () => {}, end: system.clock.monotonic() + Math.max(SHORTEST_MS, milliseconds), interval }
    alarms.set(process, alarm)
    arm(process, alarm)
  }

  /** A long time takes several timers. */
  function arm(process: Process, alarm: Alarm): void {
    const left = alarm.end - system.clock.monotonic()
    const ring = (): void => {
      if (!process.alive) return
      if (left > LONGEST_TIMER_MS) return arm(process, alarm)
      alarms.delete(process)
      if (alarm.interval > 0) set(process, alarm.interval, alarm.interval)
      system.table.send(process, Signal.ALRM)
    }
    alarm.cancel = system.timer(Math.min(LONGEST_TIMER_MS, left), ring)
  }

  return {
    /** Seconds; what was left of the alarm before, and its interval, go to `out`. 0 seconds: none any more. */
    alarm(which: number, seconds: number, interval: number, out: number): number {
      const process = enter(system)
      if (which !== ITIMER_REAL || !(seconds >= 0) || !(interval >= 0)) throw SysError.of(Errno.EINVAL)
      const old = alarms.get(process)
      const at = process.guest.at(out, 16)
      process.guest.view.setFloat64(at, old ? Math.max(0, old.end - system.clock.monotonic()) / 1000 : 0, true)
      process.guest.view.setFloat64(at + 8, (old?.interval ?? 0) / 1000, true)
      old?.cancel()
      alarms.delete(process)
      if (seconds > 0) set(process, seconds * 1000, interval * 1000)
      return 0
    },
  }
}
