/**
 * How many calls of one principal go on at a time: a few run, some wait, the rest are BUSY; and how many may begin a second: a
 * token bucket. One principal's calls never delay another's. Limits: callsConcurrent, callsQueued, callsBucket, callsPerSecond.
 */
import { BtcpError } from '../protocol/error.ts'
import type { Limits } from '../protocol/limits.ts'
import type { CancelSignal } from './platform.ts'

interface Line {
  running: number
  readonly waiting: (() => void)[]
}

export class CallQueue {
  readonly #limits: Limits
  readonly #lines = new Map<string, Line>()

  constructor(limits: Limits) {
    this.#limits = limits
  }

  /** Waits for a place among `most`; call the result when the call has ended. Throws BUSY when too many wait, CANCELLED when `signal` aborts. */
  async enter(key: string, most: number, signal?: CancelSignal): Promise<() => void> {
    const line = this.#lines.get(key) ?? { running: 0, waiting: [] }
    this.#lines.set(key, line)
    if (line.running >= most) {
      if (line.waiting.length >= this.#limits.callsQueued)
        throw new BtcpError('BUSY', `Cannot begin the call: ${this.#limits.callsQueued} others wait`, {
          effects: 'none',
          limit: 'callsQueued',
        })
      await turn(line, signal)
    }
    line.running++
    let left = false
    return () => {
      if (left) return
      left = true
      line.running--
      const next = line.waiting.shift()
      if (next) next()
      else if (line.running === 0) this.#lines.delete(key)
    }
  }
}

function turn(line: Line, signal: CancelSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const go = (): void => {
      signal?.removeEventListener('abort', cancel)
      resolve()
    }
    const cancel = (): void => {
      line.waiting.splice(line.waiting.indexOf(go), 1)
      reject(new BtcpError('CANCELLED', 'Cannot begin the call: it was cancelled', { effects: 'none' }))
    }
    line.waiting.push(go)
    if (signal?.aborted) cancel()
    else signal?.addEventListener('abort', cancel, { once: true })
  })
}

export class CallBucket {
  readonly #limits: Limits
  readonly #now: () => number
  readonly #levels = new Map<string, { tokens: number; at: number }>()

  /** `now` gives milliseconds that only grow. */
  constructor(limits: Limits, now: () => number) {
    this.#limits = limits
    this.#now = now
  }

  /** Takes one token. Throws RATE_LIMITED with the time until there is one. */
  take(key: string): void {
    const { callsBucket, callsPerSecond } = this.#limits
    const now = this.#now()
    const level = this.#levels.get(key) ?? { tokens: callsBucket, at: now }
    level.tokens = Math.min(callsBucket, level.tokens + ((now - level.at) / 1000) * callsPerSecond)
    level.at = now
    this.#levels.set(key, level)
    if (level.tokens < 1) {
      const retryAfterMs = Math.ceil(((1 - level.tokens) / callsPerSecond) * 1000)
      throw new BtcpError('RATE_LIMITED', 'Cannot begin the call: too many calls', { effects: 'none', retryAfterMs, limit: 'callsBucket' })
    }
    level.tokens--
  }
}
