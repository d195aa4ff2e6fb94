/** WASI Preview 1, all of it, by name. The table of system calls says what each takes. */
import { pollCalls } from '../io/poll.ts'
import { fdCalls } from './fd-calls.ts'
import { pathCalls } from './path-calls.ts'
import { processCalls } from './process-calls.ts'
import type { System } from './system.ts'

export const preview1 = (system: System) => ({
  ...processCalls(system),
  ...fdCalls(system),
  ...pathCalls(system),
  ...pollCalls(system),
})
