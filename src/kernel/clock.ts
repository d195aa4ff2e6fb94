/** The kernel's clocks, given by the host; with a seed they are simulated. Corresponds to CLOCK_REALTIME and CLOCK_MONOTONIC. */
export interface Clock {
  /** milliseconds since the epoch, with a fraction */
  now(): number
  /** milliseconds from any fixed point, with a fraction; never goes back */
  monotonic(): number
}
