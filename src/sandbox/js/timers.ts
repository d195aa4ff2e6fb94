/** A script's timers: as in browsers, but so many of them at most. An interval that cannot keep up skips turns. */
import type { Activity } from './activity.ts'
import type { JsHost } from './js-host.ts'

type Callback = (...args: unknown[]) => unknown

export interface Timers {
  readonly setTimeout: (callback: unknown, milliseconds?: unknown, ...args: unknown[]) => number
  readonly setInterval: (callback: unknown, milliseconds?: unknown, ...args: unknown[]) => number
  readonly clearTimeout: (id?: unknown) => void
  readonly clearInterval: (id?: unknown) => void
}

/** `run` calls what a timer is for. */
export function makeTimers(host: JsHost, activity: Activity, most: number, run: (task: () => unknown) => void): Timers {
  const set = new Map<number, number>()
  let ids = 0
  const begin = (callback: unknown, milliseconds: unknown, args: unknown[], repeats: boolean): number => {
    if (typeof callback !== 'function') throw new TypeError('The "callback" argument must be of type function')
    if (set.size >= most) throw new RangeError(`Cannot set a timer: ${most} are set, as many as the limit jsTimers allows`)
    const id = ++ids
    const wait = delayOf(milliseconds)
    const fire = (): void => {
      if (!set.has(id)) return
      if (repeats) set.set(id, host.setTimeout(fire, wait))
      else forget(id)
      run(() => (callback as Callback)(...args))
    }
    activity.begin()
    set.set(id, host.setTimeout(fire, wait))
    return id
  }
  const forget = (id: number): void => {
    if (set.delete(id)) activity.end()
  }
  const clear = (id?: unknown): void => {
    const timer = set.get(id as number)
    if (timer === undefined) return
    host.clearTimeout(timer)
    forget(id as number)
  }
  return {
    setTimeout: (callback, milliseconds, ...args) => begin(callback, milliseconds, args, false),
    setInterval: (callback, milliseconds, ...args) => begin(callback, milliseconds, args, true),
    clearTimeout: clear,
    clearInterval: clear,
  }
}

const MOST_MS = 0x7fffffff
function delayOf(milliseconds: unknown): number {
  const wait = Number(milliseconds)
  return wait >= 1 && wait <= MOST_MS ? Math.floor(wait) : 1
}
