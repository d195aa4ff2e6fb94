/**
 * A page of the extension that holds the platform and the orchestrator as the offscreen document does, so that a test can reach them.
 * Only builds for tests have it (tests/support/cell-extension.ts).
 */
import { webPlatform } from '../../src/offscreen/web-platform.ts'
import { Orchestrator } from '../../src/orchestrator/orchestrator.ts'
import type { CellHandle, Platform } from '../../src/orchestrator/platform.ts'
import type { FsOp, FsValue } from '../../src/protocol/cell.ts'
import { limitsWith, type LimitName } from '../../src/protocol/limits.ts'
import { isRecord } from '../../src/protocol/parse.ts'
import type { Origin, Principal } from '../../src/protocol/principal.ts'

export interface RunResult {
  readonly status: number
  readonly timedOut: boolean
  readonly stdout: string
  readonly stderr: string
  /** by this page's clock, from the call to its answer */
  readonly ms: number
  /** code and text of the error, where it could not be run to its end */
  readonly error?: string
}

export interface CellPage {
  /** From now on everything goes on under these limits. */
  readonly useLimits: (overrides: Partial<Record<LimitName, number>>) => void
  /** Runs a program in the cell of a site, through the orchestrator. */
  readonly run: (site: string, argv: readonly string[], timeoutMs?: number) => Promise<RunResult>
  readonly fs: (site: string, op: FsOp) => Promise<FsValue>
  /** Starts a bare cell of a site, with no orchestrator; the result is its number. */
  readonly start: (site: string) => Promise<number>
  readonly say: (cell: number, message: unknown) => void
  /** The next message that has not been taken; undefined when the cell has ended or nothing comes in time. */
  readonly next: (cell: number, waitMs?: number) => Promise<unknown>
  readonly ask: (cell: number, message: unknown) => Promise<unknown>
  readonly terminate: (cell: number) => void
  /** Resolves with whether the cell has ended by itself. */
  readonly ended: (cell: number, waitMs: number) => Promise<boolean>
  /** how many cells the platform has started */
  readonly started: () => number
  /** what the latest beat of any cell says, after one more has come */
  readonly beat: () => Promise<{ memories: number; memoryBytes: number; processes: number }>
}

declare global {
  interface Window {
    cellPage: CellPage
  }
}

interface Heard {
  readonly handle: CellHandle
  readonly messages: unknown[]
  hasClosed: boolean
  wake: () => void
}

const cells: Heard[] = []
let started = 0
let beats = Promise.withResolvers<Awaited<ReturnType<CellPage['beat']>>>()
let platform = watched(webPlatform())
let orchestrator = new Orchestrator(platform)

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const principalOf = (site: string): Principal => ({ kind: 'site', origin: `https://${site}.example` as Origin })

/** Counts cells and listens for their beats. */
function watched(real: Platform): Platform {
  return {
    ...real,
    async startCell(principal) {
      const cell = await real.startCell(principal)
      const { port } = cell
      started += 1
      const listen: typeof port.listen = (onMessage, onClose) =>
        port.listen((message) => {
          if (isRecord(message) && message['t'] === 'beat') {
            const { memories, memoryBytes, processes } = message
            beats.resolve({ memories: Number(memories), memoryBytes: Number(memoryBytes), processes: Number(processes) })
            beats = Promise.withResolvers()
          }
          onMessage(message)
        }, onClose)
      return { port: { send: (message) => port.send(message), listen, close: () => port.close() }, terminate: () => cell.terminate() }
    },
  }
}

async function run(site: string, argv: readonly string[], timeoutMs?: number): Promise<RunResult> {
  const { text } = platform
  const startedAt = performance.now()
  try {
    const { status, timedOut, stdout, stderr } = await orchestrator.run(principalOf(site), { argv, ...(timeoutMs ? { timeoutMs } : {}) })
    const ms = performance.now() - startedAt
    return { status, timedOut, stdout: text.decode(stdout).text, stderr: text.decode(stderr).text, ms }
  } catch (error) {
    const ms = performance.now() - startedAt
    return { status: -1, timedOut: false, stdout: '', stderr: '', ms, error: error instanceof Error ? error.message : String(error) }
  }
}

async function start(site: string): Promise<number> {
  const handle = await platform.startCell(principalOf(site))
  const heard: Heard = { handle, messages: [], hasClosed: false, wake: () => {} }
  handle.port.listen(
    (message) => {
      heard.messages.push(message)
      heard.wake()
    },
    () => {
      heard.hasClosed = true
      heard.wake()
    },
  )
  return cells.push(heard) - 1
}

async function next(cell: number, waitMs = 10_000): Promise<unknown> {
  const heard = cells[cell]!
  const late = performance.now() + waitMs
  while (heard.messages.length === 0 && !heard.hasClosed && performance.now() < late) {
    const woken = new Promise<void>((resolve) => (heard.wake = resolve))
    await Promise.race([woken, pause(late - performance.now())])
  }
  return heard.messages.shift()
}

const say = (cell: number, message: unknown): void => cells[cell]!.handle.port.send(message)

window.cellPage = {
  useLimits(overrides) {
    const limits = limitsWith(overrides)
    platform = watched(webPlatform(limits))
    orchestrator = new Orchestrator(platform, { limits })
  },
  run,
  fs: (site, op) => orchestrator.fs(principalOf(site), op),
  start,
  next,
  say,
  ask(cell, message) {
    say(cell, message)
    return next(cell)
  },
  terminate: (cell) => cells[cell]!.handle.terminate(),
  async ended(cell, waitMs) {
    const late = performance.now() + waitMs
    while (!cells[cell]!.hasClosed && performance.now() < late) await pause(20)
    return cells[cell]!.hasClosed
  },
  started: () => started,
  beat: () => beats.promise,
}
