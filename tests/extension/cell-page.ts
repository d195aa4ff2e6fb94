/**
 * A page of the extension that holds the platform as the offscreen document does, so that a test can reach it. Only builds for tests
 * have it (tests/support/cell-extension.ts).
 */
import { webPlatform } from '../../src/offscreen/web-platform.ts'
import type { CellHandle } from '../../src/orchestrator/platform.ts'
import { limitsWith, type LimitName } from '../../src/protocol/limits.ts'
import type { Origin } from '../../src/protocol/principal.ts'

interface Heard {
  readonly handle: CellHandle
  readonly messages: unknown[]
  /** when the platform said that the cell has ended, by this page's clock */
  closedAt: number | undefined
  wake: () => void
}

const cells: Heard[] = []

export interface CellPage {
  useLimits(overrides: Partial<Record<LimitName, number>>): void
  /** Starts a cell of a site of that name; the result is its number. */
  start(site: string): Promise<number>
  say(cell: number, message: unknown): void
  /** The next message that has not been taken; undefined when the cell has ended or nothing comes in time. */
  next(cell: number, waitMs?: number): Promise<unknown>
  ask(cell: number, message: unknown): Promise<unknown>
  terminate(cell: number): void
  /** Resolves with whether the cell has ended by itself. */
  ended(cell: number, waitMs: number): Promise<boolean>
}

declare global {
  interface Window {
    cellPage: CellPage
  }
}

let platform = webPlatform()

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

async function start(site: string): Promise<number> {
  const handle = await platform.startCell({ kind: 'site', origin: `https://${site}.example` as Origin })
  const heard: Heard = { handle, messages: [], closedAt: undefined, wake: () => {} }
  const wake = (): void => heard.wake()
  handle.port.listen(
    (message) => {
      heard.messages.push(message)
      wake()
    },
    () => {
      heard.closedAt = performance.now()
      wake()
    },
  )
  return cells.push(heard) - 1
}

async function next(cell: number, waitMs = 10_000): Promise<unknown> {
  const heard = cells[cell]!
  const late = performance.now() + waitMs
  while (heard.messages.length === 0 && heard.closedAt === undefined && performance.now() < late) {
    const woken = new Promise<void>((resolve) => (heard.wake = resolve))
    await Promise.race([woken, pause(late - performance.now())])
  }
  return heard.messages.shift()
}

window.cellPage = {
  useLimits: (overrides) => void (platform = webPlatform(limitsWith(overrides))),
  start,
  next,
  say: (cell, message) => cells[cell]!.handle.port.send(message),
  terminate: (cell) => cells[cell]!.handle.terminate(),
  ask(cell, message) {
    this.say(cell, message)
    return next(cell)
  },
  async ended(cell, waitMs) {
    const late = performance.now() + waitMs
    while (cells[cell]!.closedAt === undefined && performance.now() < late) await pause(20)
    return cells[cell]!.closedAt !== undefined
  },
}
