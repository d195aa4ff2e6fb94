/** setitimer(2) of ITIMER_REAL: SIGALRM after a time, once or again and again. */
import { Errno, SysError } from '../errno.ts'
import { LONGEST_TIMER_MS } from '../io/poll.ts'
import type { Process } from '../process/process.ts'
import { Signal } from '../process/signal.ts'
import { enter, type System } from '../wasi/system.ts'

const ITIMER_REAL = 0
const SHORTEST_MS = 1

interface Alarm {
  readonly cancel: () => void
  readonly end: number
  readonly interval: number
}

export function alarmCall(system: System) {
  const alarms = new WeakMap<Process, Alarm>()

  function set(process: Process, milliseconds: number, interval: number): void {
    const ring = (): void => {
      alarms.delete(process)
      if (!process.alive) return
      if (interval > 0) set(process, interval, interval)
      system.table.send(process, Signal.ALRM)
    }
    const delay = Math.min(LONGEST_TIMER_MS, Math.max(SHORTEST_MS, milliseconds))
    alarms.set(process, { cancel: system.timer(delay, ring), end: system.clock.monotonic() + delay, interval })
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
