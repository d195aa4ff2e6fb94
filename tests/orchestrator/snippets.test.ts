/** The orchestrator between a cell and its scripts' processes: both may lie. */
import { describe, expect, test } from 'vitest'
import type { Platform, SnippetHandle } from '../../src/orchestrator/platform.ts'
import { Snippets } from '../../src/orchestrator/snippets.ts'
import type { ToCell } from '../../src/protocol/cell.ts'
import { JS_MESSAGE_BYTES, JS_WINDOW_BYTES } from '../../src/protocol/js-wire.ts'
import { limitsWith } from '../../src/protocol/limits.ts'

class Process implements SnippetHandle {
  readonly got: Uint8Array[] = []
  hear: (message: unknown) => void = () => {}
  ended: (reason: string) => void = () => {}
  isEnded = false
  isGone = false

  send(message: Uint8Array): void {
    if (this.isGone) throw new Error('gone')
    this.got.push(message)
  }
  listen(hear: (message: unknown) => void, ended: (reason: string) => void): void {
    this.hear = hear
    this.ended = ended
  }
  terminate(): void {
    this.isEnded = true
  }
}

function setUp({ jsWorkers = 2, starts = true } = {}) {
  const processes: Process[] = []
  const said: ToCell[] = []
  const startSnippet = async (): Promise<SnippetHandle> => {
    if (!starts) throw new Error('no')
    processes.push(new Process())
    return processes.at(-1)!
  }
  const snippets = new Snippets({ startSnippet } as unknown as Platform, limitsWith({ jsWorkers }), (message) => said.push(message))
  return { snippets, processes, said }
}
const settle = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))
const bytes = (length: number): Uint8Array => new Uint8Array(length)

describe('a script’s process', () => {
  test('is started when the cell asks, gets what was said before it was there, and ends when the cell says so', async () => {
    const { snippets, processes, said } = setUp()
    snippets.take({ t: 'snippetStart', snippet: 1 })
    snippets.take({ t: 'snippetSay', snippet: 1, bytes: bytes(3) })
    await settle()
    expect(processes[0]!.got).toEqual([bytes(3)])
    processes[0]!.hear(bytes(2))
    expect(said).toEqual([{ t: 'snippetSaid', snippet: 1, bytes: bytes(2) }])
    snippets.take({ t: 'snippetEnd', snippet: 1 })
    expect(processes[0]!.isEnded).toBe(true)
    processes[0]!.hear(bytes(2))
    expect(said.length).toBe(1)
  })
  test('is taken from the one that waits ready after the first', async () => {
    const { snippets, processes } = setUp()
    snippets.take({ t: 'snippetStart', snippet: 1 })
    await settle()
    snippets.take({ t: 'snippetEnd', snippet: 1 })
    await settle()
    expect(processes.length).toBe(2)
    snippets.take({ t: 'snippetStart', snippet: 2 })
    snippets.take({ t: 'snippetSay', snippet: 2, bytes: bytes(1) })
    await settle()
    expect([processes.length, processes[1]!.got.length]).toEqual([2, 1])
  })
  test('is ended when it says what is no message, or more than the cell takes', async () => {
    for (const message of ['text', {}, bytes(JS_MESSAGE_BYTES + 1), new ArrayBuffer(4)]) {
      const { snippets, processes, said } = setUp()
      snippets.take({ t: 'snippetStart', snippet: 1 })
      await settle()
      processes[0]!.hear(message)
      expect(processes[0]!.isEnded).toBe(true)
      expect(said).toEqual([{ t: 'snippetEnded', snippet: 1, reason: 'it broke the rules of its port: a message is no byte array' }])
    }
    const { snippets, processes, said } = setUp()
    snippets.take({ t: 'snippetStart', snippet: 1 })
    await settle()
    for (let i = 0; i <= JS_WINDOW_BYTES / 1_000_000 + 1; i++) processes[0]!.hear(bytes(1_000_000))
    expect(processes[0]!.isEnded).toBe(true)
    expect(said.at(-1)).toEqual({ t: 'snippetEnded', snippet: 1, reason: 'it broke the rules of its port: it floods it' })
  })
  test('may say more when the cell has taken what it said', async () => {
    const { snippets, processes } = setUp()
    snippets.take({ t: 'snippetStart', snippet: 1 })
    await settle()
    for (let i = 0; i < 20; i++) {
      processes[0]!.hear(bytes(1_000_000))
      snippets.take({ t: 'snippetTook', snippet: 1, bytes: 1_000_000 })
    }
    expect(processes[0]!.isEnded).toBe(false)
  })
  test('is one of so many, and the cell hears of one that could not start or is gone', async () => {
    const few = setUp({ jsWorkers: 1 })
    few.snippets.take({ t: 'snippetStart', snippet: 1 })
    few.snippets.take({ t: 'snippetStart', snippet: 2 })
    expect(few.said).toEqual([{ t: 'snippetEnded', snippet: 2, reason: 'too many scripts run' }])
    await settle()
    few.processes[0]!.ended('it used too much')
    expect(few.said.at(-1)).toEqual({ t: 'snippetEnded', snippet: 1, reason: 'it used too much' })
    const none = setUp({ starts: false })
    none.snippets.take({ t: 'snippetStart', snippet: 1 })
    await settle()
    expect(none.said).toEqual([{ t: 'snippetEnded', snippet: 1, reason: 'it could not be started' }])
    const gone = setUp()
    gone.snippets.take({ t: 'snippetStart', snippet: 1 })
    await settle()
    gone.processes[0]!.isGone = true
    gone.snippets.take({ t: 'snippetSay', snippet: 1, bytes: bytes(1) })
    expect(gone.said).toEqual([{ t: 'snippetEnded', snippet: 1, reason: 'its process is gone' }])
  })
  test('dies with its cell, also one that is just starting or waits ready', async () => {
    const { snippets, processes } = setUp()
    snippets.take({ t: 'snippetStart', snippet: 1 })
    await settle()
    snippets.take({ t: 'snippetEnd', snippet: 1 })
    snippets.take({ t: 'snippetStart', snippet: 2 })
    snippets.take({ t: 'snippetStart', snippet: 3 })
    snippets.end()
    await settle()
    expect(processes.map((process) => process.isEnded)).toEqual([true, true, true])
  })
  test('does not exist for what the cell makes up', () => {
    const { snippets, said, processes } = setUp()
    snippets.take({ t: 'snippetSay', snippet: 9, bytes: bytes(1) })
    snippets.take({ t: 'snippetTook', snippet: 9, bytes: 1 })
    expect([said, processes]).toEqual([[], []])
  })
})
