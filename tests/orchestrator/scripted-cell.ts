/**
 * A cell that does what a test says, in this process: it speaks the wire by structured clone and nothing else. `script` answers
 * each message; what it does not answer is silence. By default it boots, writes a root directory, and ends every run at once.
 */
import { createHash } from 'node:crypto'
import { FakeCell } from '../contract/fake-cell.ts'
import { CELL_WIRE_VERSION, type ToBroker, type ToCell } from '../../src/protocol/cell.ts'
import type { CellHandle, Platform } from '../../src/orchestrator/platform.ts'
import { MemoryPackages } from '../../src/orchestrator/memory-packages.ts'
import { MemoryTables } from '../../src/orchestrator/store/memory-tables.ts'
import type { Tables } from '../../src/orchestrator/store/tables.ts'
import { type Principal, principalKey } from '../../src/protocol/principal.ts'
import { textCodec } from '../../src/node/text.ts'

export type Script = (message: ToCell, cell: ScriptedCell) => void

export class ScriptedCell {
  readonly heard: ToCell[] = []
  terminated = false
  journal!: FakeCell
  script: Script
  #toBroker: (message: unknown) => void = () => {}
  #gone: () => void = () => {}

  constructor(script: Script) {
    this.script = script
  }

  /** Says anything at all, in a later turn, as a port does. */
  say(message: ToBroker | Record<string, unknown>): void {
    const copy: unknown = structuredClone(message)
    queueMicrotask(() => this.terminated || this.#toBroker(copy))
  }
  ready(): void {
    this.say({ t: 'ready', version: CELL_WIRE_VERSION, proof: ['scripted'] })
  }
  out(call: string, text: string, fd: 1 | 2 = 1): void {
    this.say({ t: 'out', call, fd, bytes: new TextEncoder().encode(text) })
  }
  exit(call: string, status = 0, more: object = {}): void {
    this.say({ t: 'exit', call, status, usage: { durationMs: 1, processes: 1 }, changed: [], seq: this.journal.seq, ...more })
  }
  /** Ends by itself. */
  die(): void {
    this.terminated = true
    this.#gone()
  }

  handle(): CellHandle {
    return {
      port: {
        send: (message) => this.#hear(structuredClone(message) as ToCell),
        listen: (onMessage, onClose) => {
          this.#toBroker = onMessage
          this.#gone = onClose
        },
        close: () => {},
      },
      terminate: () => (this.terminated = true),
    }
  }

  #hear(message: ToCell): void {
    this.heard.push(message)
    if (message.t === 'boot') {
      this.journal = new FakeCell((sent) => this.say({ t: 'journal', ...sent }), message.seq)
      if (message.metadata.length === 0) this.journal.makeRoot()
    }
    queueMicrotask(() => this.terminated || this.script(message, this))
  }
}

/** Boots, ends each run with status 0, and holds as many memories as it may. */
export const obedient: Script = (message, cell) => {
  if (message.t === 'boot') cell.ready()
  if (message.t === 'run') {
    cell.out(message.call, `${message.argv.at(-1)}\n`)
    cell.exit(message.call)
  }
  if (message.t === 'allow') cell.say({ t: 'beat', memories: message.memories, memoryBytes: 0, processes: 0 })
  if (message.t === 'kill') cell.exit(message.call, 128 + message.signal, { signal: message.signal })
}

export interface TestPlatform extends Platform {
  readonly cells: ScriptedCell[]
  readonly stores: Map<string, Tables>
}

/** `scripts` are of the first, second, … cell that is started; the last one serves all further cells. */
export function testPlatform(...scripts: Script[]): TestPlatform {
  const cells: ScriptedCell[] = []
  const stores = new Map<string, Tables>()
  let ids = 0
  return {
    cells,
    stores,
    startCell: async () => {
      const cell = new ScriptedCell(scripts[Math.min(cells.length, scripts.length - 1)] ?? obedient)
      cells.push(cell)
      return cell.handle()
    },
    tables: async (principal: Principal) => {
      const key = principalKey(principal)
      const tables = stores.get(key) ?? new MemoryTables()
      stores.set(key, tables)
      return new Proxy(tables, {
        get: (target, name) => {
          const value: unknown = Reflect.get(target, name)
          if (name === 'close') return async () => {}
          return typeof value === 'function' ? (value as (...args: unknown[]) => unknown).bind(target) : value
        },
      })
    },
    forget: async (principal: Principal) => void stores.delete(principalKey(principal)),
    packages: new MemoryPackages(),
    mounts: () => [],
    clock: { now: () => Date.now(), monotonic: () => performance.now() },
    timer: (ms, then) => {
      const id = setTimeout(then, ms)
      return () => clearTimeout(id)
    },
    sha256: async (bytes) => new Uint8Array(createHash('sha256').update(bytes).digest()),
    text: textCodec,
    newId: () => `call-${++ids}`,
  }
}
