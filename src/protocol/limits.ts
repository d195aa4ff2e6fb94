/**
 * The one table of limits. Every budget that a guest, a page or a tool can hit is a row here; the error that it causes
 * names the row. A test changes a limit by passing overrides to `limitsWith`, and nowhere else.
 */
const KiB = 1024
const MiB = 1024 * KiB

export const LIMITS = {
  // one command
  runTimeoutMs: 30_000,
  runTimeoutMinMs: 50,
  runTimeoutMaxMs: 300_000,
  killConfirmMs: 250,
  processesAlive: 64,
  processesPerRun: 10_000,
  scriptBytes: 1 * MiB,
  argumentBytes: 2 * MiB,
  stdinBytes: 64 * MiB,
  // one process
  descriptors: 256,
  pipeBytes: 64 * KiB,
  pollSubscriptions: 4_096,
  processMemoryBytes: 256 * MiB,
  pythonMemoryBytes: 512 * MiB,
  programBytes: 64 * MiB,
  // scripts (js)
  jsWorkers: 8,
  jsTimers: 10_000,
  jsRequests: 8,
  jsOutputBytes: 64 * MiB,
  jsResultBytes: 1 * MiB,
  jsModuleBytes: 3 * MiB,
  jsMemoryBytes: 512 * MiB,
  // output
  outputCreditBytes: 1 * MiB,
  outputReturnedBytes: 1 * MiB,
  outputKeptBytes: 8 * MiB,
  outputKeptCalls: 16,
  // results of Python and JavaScript
  resultBytes: 8 * MiB,
  valueBytes: 256 * KiB,
  richBytes: 4 * MiB,
  richItems: 16,
  // Python that lives on between calls
  pythonSessions: 3,
  pythonSessionIdleMs: 600_000,
  // file system of one principal
  fsBytes: 256 * MiB,
  fsInodes: 100_000,
  nameBytes: 255,
  pathBytes: 4_096,
  symlinks: 40,
  fsReadBytes: 1 * MiB,
  fsWriteBytes: 8 * MiB,
  wheelBytes: 64 * MiB,
  // memories
  memoriesBroker: 110,
  memoriesCellReserved: 8,
  memoriesTerminatedHoldMs: 3_000,
  memoryPoolBytes: 32 * MiB,
  memoryPoolDrops: 16,
  cellMemoryBytes: 1024 * MiB,
  allCellsMemoryBytes: 2048 * MiB,
  // store
  commitDelayMs: 250,
  cellIdleMs: 300_000,
  framesLive: 12,
  // calls
  messageBytes: 32 * MiB,
  callsConcurrent: 3,
  callsQueued: 64,
  callsBucket: 500,
  callsPerSecond: 50,
  toolDepth: 4,
  // installed tools
  toolsInstalled: 64,
  toolModuleBytes: 16 * MiB,
  toolPackageBytes: 64 * MiB,
  toolPackageFiles: 2_000,
  toolTableElements: 65_536,
  toolResultBytes: 1 * MiB,
  toolImportBytes: 8 * MiB,
  toolFetchMs: 20_000,
  toolCompileMs: 10_000,
  externalIdleMs: 300_000,
  capabilityRequestsPerMinute: 10,
  consentDenials: 3,
  consentArmMs: 500,
  beatMs: 20_000,
  offscreenIdleMs: 300_000,
  auditRows: 5_000,
  // mounts (Node)
  mountEntries: 100_000,
} as const

export type LimitName = keyof typeof LIMITS
export type Limits = Readonly<Record<LimitName, number>>

/** The table with some rows replaced; an unknown row or a value that is no finite number ≥ 0 throws RangeError. */
export function limitsWith(overrides: Partial<Record<LimitName, number>> = {}): Limits {
  for (const [name, value] of Object.entries(overrides)) {
    if (!(name in LIMITS)) throw new RangeError(`Cannot set limit "${name}": no such limit`)
    if (!Number.isFinite(value) || value < 0) throw new RangeError(`Cannot set limit "${name}": ${value} is no number from 0 up`)
  }
  return { ...LIMITS, ...overrides }
}
