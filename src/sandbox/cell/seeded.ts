/** Clock and randomness that repeat: with a seed, the same commands see the same times and the same random bytes. */
import type { Clock } from '../../kernel/clock.ts'

/** 2026-01-01T00:00:00Z */
const START_MS = 1_767_225_600_000
/** How far the calendar goes on at each look. */
const STEP_MS = 1

/** CLOCK_REALTIME is simulated; CLOCK_MONOTONIC, which timers go by, stays the host's. */
export function seededClock(host: Clock): Clock {
  let now = START_MS
  return {
    now: () => (now += STEP_MS),
    monotonic: () => host.monotonic(),
  }
}

/** SplitMix32: not for secrets, which a repeatable run has none of. */
export function seededRandom(seed: number): (into: Uint8Array) => void {
  let state = Math.trunc(seed) >>> 0
  return (into) => {
    for (let i = 0; i < into.length; i++) {
      state = (state + 0x9e3779b9) >>> 0
      let z = state
      z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
      z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
      into[i] = (z ^ (z >>> 15)) & 0xff
    }
  }
}
