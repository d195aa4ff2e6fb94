/**
 * What a cell needs of the thread it lives in. The browser's worker and the Node process each implement it; the cell itself knows
 * neither. Everything here is given before guest code runs.
 */
import type { Transport } from '../../protocol/transport.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { SnippetPort } from '../../kernel/js/snippet-port.ts'
import type { KeptModules } from '../../kernel/tool/module-cache.ts'

export interface CellHost {
  /**
   * Takes away every power that a guest must not have and proves that it is gone (architecture.md section 4, point 6). The names of
   * the checks that passed; rejects with an Error that names the first one that did not, and then the cell refuses to run.
   */
  prove(): Promise<readonly string[]>
  readonly clock: Clock
  /** Fills with random bytes; `into` may be of any length. */
  random(into: Uint8Array): void
  /** Runs `task` after the host's other tasks have had their turn (MessageChannel, setImmediate). */
  macrotask(task: () => void): void
  /** Runs `task` once after so many milliseconds; gives what cancels it. */
  timer(milliseconds: number, task: () => void): () => void
  /** The modules of wasm/dist, as its lock file names them. */
  readonly modules: readonly CellModule[]
  /** A compiled module of that name (a WebAssembly.Module). Rejects when there is none or its bytes are not those of the build. */
  loadModule(name: string): Promise<object>
  /** The bytes of a module, for a guest that reads the file. */
  readModule(name: string): Promise<Uint8Array>
  /**
   * Has the engine collect garbage, where memories that one cell has given up are missing to others: an engine collects by itself only
   * when the same thread runs out. Absent where cells share no engine.
   */
  collect?(): Promise<void>
  /** Where the modules of installed tools are kept for the next cell of the same principal; absent where a cell lives alone. */
  readonly toolModules?: KeptModules
  /** Starts a worker for one script; absent where the broker does it. */
  startSnippet?(): SnippetPort
  /** Hears of the cell's own faults, which no guest may cause. */
  report(error: unknown): void
}

export interface CellModule {
  readonly name: string
  readonly programs: readonly string[]
  /** length of its file */
  readonly bytes: number
}

/** The broker port as the cell sees it. Buffers named in `transfer` may be given away. */
export interface CellPort extends Pick<Transport, 'listen' | 'close'> {
  send(message: unknown, transfer?: readonly ArrayBuffer[]): void
}
