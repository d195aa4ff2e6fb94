/**
 * Modules that passed the gate, compiled once a cell. The file is read in parts, as a fault brings them; compiling is the engine's own time,
 * so that other processes of the cell go on, and whoever waits longer than the limit gives up. Where the host keeps modules for the cells
 * to come (a frame in the browser, record 19), one of an installed package is asked for there first.
 */
import { PACKAGE_ROOT } from '../../protocol/installed-tool.ts'
import type { ModuleRun } from '../../protocol/module-run.ts'
import { errnoName, SysError } from '../errno.ts'
import { GateError, gateModule } from '../module/gate.ts'
import type { GatedModule } from '../module/gated-module.ts'
import type { Process } from '../process/process.ts'
import { fill } from '../process/program.ts'
import { WaitQueue } from '../process/wait-queue.ts'
import { type ByteString, fromText } from '../vfs/byte-string.ts'
import { FileKind, type Inode } from '../vfs/inode.ts'
import { O, type OpenFile } from '../vfs/open-file.ts'
import type { System } from '../wasi/system.ts'
import { wasm, type WasmModule } from '../wasi/webassembly.ts'
import { beyondLimit, fault, ToolFault } from './tool-fault.ts'

/** Where compiled modules outlive a cell. Neither ever throws. */
export interface KeptModules {
  find(key: string): Promise<WasmModule | undefined>
  keep(key: string, module: WasmModule): void
}

export interface LoadedModule {
  readonly module: WasmModule
  readonly gated: GatedModule
}

/** A module on its way. */
interface Slot {
  readonly version: string
  loaded: LoadedModule | undefined
  failed: ToolFault | undefined
  /** when compiling began, in milliseconds of the monotonic clock */
  began: number
  readonly ready: WaitQueue
}

/** Has the process wait for the queue, and gives it back when it was woken; throws where it has ended. */
export type Wait = (queue: WaitQueue) => Promise<void>

/** A cell has one tool; a shell may run others. */
const MOST_MODULES = 8

export class ModuleCache {
  readonly #system: System
  readonly #kept: KeptModules | undefined
  /** least recently loaded first */
  readonly #slots = new Map<string, Slot>()

  constructor(system: System, kept: KeptModules | undefined) {
    this.#system = system
    this.#kept = kept
  }

  /** Throws ToolFault, or what `wait` throws. */
  async load(run: ModuleRun, process: Process, wait: Wait): Promise<LoadedModule> {
    const path = fromText(run.path)
    const key = `${run.abi} ${run.sha256} ${run.path}`
    const inode = this.#inode(process, path, run)
    const version = `${inode.size} ${inode.ctimeSec} ${inode.ctimeNsec}`
    const known = (): Slot | undefined => {
      const slot = this.#slots.get(key)
      return slot?.version === version && !slot.failed ? slot : undefined
    }
    let slot = known()
    if (!slot) {
      const bytes = await this.#read(process, path, run.path, inode.size, wait)
      slot = known() ?? this.#begin(key, version, run, bytes)
    }
    return await this.#settled(slot, run.path, wait)
  }

  #inode(process: Process, path: ByteString, { path: name, abi }: ModuleRun): Inode {
    const limit = sizeLimit(abi)
    return reading(name, () => {
      const inode = this.#system.vfs.resolve(process.cwd, path, true, false)
      if (inode.kind !== FileKind.File) throw fault('load', `Cannot load "${name}": it is no file`)
      if (inode.size > this.#system.limits[limit]) throw beyondLimit(limit, `Cannot load "${name}": it has ${inode.size} bytes`)
      return inode
    })
  }

  async #read(process: Process, path: ByteString, name: string, size: number, wait: Wait): Promise<Uint8Array> {
    const file: OpenFile = reading(name, () => this.#system.vfs.open(process.cwd, path, O.RDONLY, 0, false))
    const state = { bytes: new Uint8Array(size), filled: 0 }
    try {
      while (!reading(name, () => fill(file, state))) await wait(file.readers)
      return state.bytes
    } finally {
      file.unref()
    }
  }

  /** The gate, at once, and then the compiler. */
  #begin(key: string, version: string, run: ModuleRun, bytes: Uint8Array): Slot {
    const { limits, clock } = this.#system
    const slot: Slot = { version, loaded: undefined, failed: undefined, began: clock.monotonic(), ready: new WaitQueue() }
    try {
      const gated = gateModule(bytes, { name: run.path, abi: run.abi, limits, size: sizeLimit(run.abi) })
      void this.#compile(key, run.path, gated)
        .then(
          (module) => (slot.loaded = { module, gated }),
          (error: unknown) => (slot.failed = fault('load', `Cannot compile "${run.path}": ${String(error).slice(0, 1_000)}`)),
        )
        .then(() => slot.ready.wakeAll())
    } catch (error) {
      if (!(error instanceof GateError)) throw error
      const { message, limit } = error
      throw new ToolFault({ kind: limit ? 'limit' : 'load', message, ...(limit ? { limit } : {}) })
    }
    this.#slots.delete(key)
    this.#slots.set(key, slot)
    const [oldest] = this.#slots.keys()
    if (this.#slots.size > MOST_MODULES) this.#slots.delete(oldest!)
    return slot
  }

  /** What a guest can write is kept for no one. */
  async #compile(key: string, path: string, gated: GatedModule): Promise<WasmModule> {
    const kept = path.startsWith(`${PACKAGE_ROOT}/`) ? this.#kept : undefined
    const found = await kept?.find(key)
    if (found) return found
    const module = await wasm.compile(gated.bytes)
    kept?.keep(key, module)
    return module
  }

  async #settled(slot: Slot, name: string, wait: Wait): Promise<LoadedModule> {
    const { limits, clock, timer } = this.#system
    const left = (): number => slot.began + limits.toolCompileMs - clock.monotonic()
    while (!slot.loaded && !slot.failed) {
      if (left() <= 0) throw beyondLimit('toolCompileMs', `Cannot load "${name}": it takes too long to compile`)
      const cancel = timer(left(), () => slot.ready.wakeAll())
      try {
        await wait(slot.ready)
      } finally {
        cancel()
      }
    }
    if (slot.failed) throw slot.failed
    return slot.loaded!
  }
}

/** A WASI command is a program like others. */
const sizeLimit = (abi: ModuleRun['abi']): 'programBytes' | 'toolModuleBytes' => (abi === 'stdio' ? 'programBytes' : 'toolModuleBytes')

function reading<T>(name: string, read: () => T): T {
  try {
    return read()
  } catch (error) {
    if (error instanceof SysError) throw fault('load', `Cannot read "${name}": ${errnoName(error.errno)}`)
    throw error
  }
}
