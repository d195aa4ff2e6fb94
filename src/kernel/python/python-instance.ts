/**
 * One interpreter: an instance of CPython's main module over a memory of its own, with its side modules. It lives as long as its
 * process. `main` is what a shell would start: the command line, the streams and the exit status are CPython's own doing.
 */
import type { HostInstance } from '../process/host-program.ts'
import { Disposition, Signal } from '../process/signal.ts'
import { type ByteString, bytesOf, fromText } from '../vfs/byte-string.ts'
import { GuestMemory } from '../wasi/memory.ts'
import {
  PAGE,
  wasm,
  type WasmFunction,
  type WasmGlobal,
  type WasmInstance,
  type WasmMemory,
  type WasmModule,
  type WasmTable,
} from '../wasi/webassembly.ts'
import { completeImports, environment } from './environment.ts'
import { Linker, type SideModule, type TableIndex, tableIndexOf } from './linker.ts'
import type { PythonRuntime } from './python-program.ts'
import { trampoline } from './trampoline.ts'

/** The heap grows by a fifth more than is asked for, so that it seldom grows. */
const SPARE = 1.2

/** Linux's dlopen handle: what the linker fills in. */
const Dso = { allocated: 8, memoryBase: 12, memorySize: 16, tableBase: 20, tableSize: 24 } as const

type Call = (...args: number[]) => number

export class PythonInstance implements HostInstance {
  readonly guest: GuestMemory
  readonly mostBytes: number
  readonly stackPointer: WasmGlobal
  /** frames of JavaScript that stand on its stack: while there are any, nothing can be suspended */
  foreignFrames = 0
  readonly #runtime: PythonRuntime
  readonly #argv: readonly ByteString[]
  readonly #main: WasmInstance
  readonly #table: WasmTable
  readonly #linker: Linker
  readonly #handles = new Map<number, SideModule>()
  readonly #freeSlots: number[] = []

  constructor(runtime: PythonRuntime, module: WasmModule, memory: WasmMemory, argv: readonly ByteString[]) {
    this.#runtime = runtime
    this.#argv = argv
    this.mostBytes = runtime.mostBytes
    this.guest = new GuestMemory(memory, (bytes) => runtime.grown(bytes))
    const { kernel, cell } = runtime
    const { calls } = kernel
    const env = environment(kernel, cell, this)
    const abort = (): void => (cell['abort'] as () => void)()
    const modules = { ...calls, cell }
    const imports = completeImports(module, env, modules, abort)
    imports['env']!['memory'] = memory
    this.#main = new wasm.Instance(module, imports)
    this.stackPointer = this.#main.exports['__stack_pointer'] as WasmGlobal
    this.#table = this.#main.exports['__indirect_function_table'] as WasmTable
    this.#linker = new Linker({
      main: this.#main,
      memory,
      env,
      modules,
      allocate: (align, bytes) => this.#zeroed(align, bytes),
      tableIndex: () => this.tableIndex(),
      missing: () => {
        abort()
        throw new Error('unreachable')
      },
    })
  }

  async start(): Promise<number> {
    this.#receiveSignals()
    this.#call('__wasm_call_ctors')
    this.#installTrampoline()
    this.#view.setInt32(this.#address('Py_EMSCRIPTEN_SIGNAL_HANDLING'), 1, true)
    const status = Number(await this.#promising('Py_BytesMain')(this.#argv.length, this.#argumentList()))
    await this.#promising('fflush')(0)
    return status
  }

  release(): void {
    this.#runtime.recycle(this.guest)
  }

  /** The memory's views, made anew where it has grown. */
  fresh(): GuestMemory {
    this.guest.refresh()
    return this.guest
  }

  // --- memory
  allocate(align: number, bytes: number): number {
    return this.#export('emscripten_builtin_memalign')(align, bytes) >>> 0
  }
  free(pointer: number): void {
    this.#call('emscripten_builtin_free', pointer)
  }
  /** A new string of C's; 0 where there is no memory. */
  cString(text: string): number {
    const bytes = bytesOf(fromText(`${text}\0`))
    const at = this.allocate(1, bytes.length)
    if (at !== 0) this.fresh().u8.set(bytes, at)
    return at
  }
  /** Whether the memory is so large now. */
  resize(bytes: number): boolean {
    const { guest } = this
    const has = guest.memory.buffer.byteLength
    if (bytes <= has) return true
    const most = Math.min(this.mostBytes, has + this.#runtime.freeBytes)
    if (bytes > most) return false
    const pages = Math.ceil(Math.min(most, Math.max(bytes, has * SPARE)) / PAGE)
    try {
      guest.memory.grow(Math.min(pages, Math.floor(most / PAGE)) - has / PAGE)
    } catch {
      return false
    }
    guest.refresh()
    return guest.bytes >= bytes
  }
  /** getenv(3); empty where there is none. */
  variable(name: string): string {
    const at = this.cString(name)
    const value = this.#export('getenv')(at) >>> 0
    this.free(at)
    return value === 0 ? '' : this.fresh().text(value)
  }

  // --- the table
  tableIndex(): TableIndex {
    return this.#runtime.tableIndex(() => tableIndexOf(this.#main))
  }
  tableSlot(): number {
    return this.#freeSlots.pop() ?? this.#table.grow(1)
  }
  freeTableSlot(index: number): void {
    this.#freeSlots.push(index)
  }
  setTableSlot(index: number, f: unknown): void {
    this.#table.set(index, f)
  }
  /** Calls through a frame of JavaScript. */
  callForeign(index: number, ...args: unknown[]): unknown {
    const f = this.#table.get(index) as (...args: unknown[]) => unknown
    this.foreignFrames++
    try {
      return f(...args)
    } finally {
      this.foreignFrames--
    }
  }

  // --- side modules
  /** Links a side module and fills its handle. Throws what says why it cannot be. */
  link(handle: number, path: string, module: WasmModule, global: boolean): void {
    const known = this.#linker.loaded(path)
    const side = known ?? this.#linker.load(path, module, global)
    if (known && global) this.#linker.makeGlobal(known)
    this.#handles.set(handle, side)
    const { guest } = this
    guest.refresh()
    guest.u8[handle + Dso.allocated] = 1
    guest.setU32(handle + Dso.memoryBase, side.memoryBase)
    guest.setU32(handle + Dso.memorySize, side.memorySize)
    guest.setU32(handle + Dso.tableBase, side.tableBase)
    guest.setU32(handle + Dso.tableSize, side.tableSize)
  }

  /** dlsym(3). */
  symbol(handle: number, name: string): number {
    const address = this.#linker.address(this.#handles.get(handle), name)
    if (address !== undefined) return address
    this.dlError(`Tried to lookup unknown symbol "${name}" in dynamic lib`)
    return 0
  }

  dlError(message: string): void {
    const format = this.cString('%s')
    const text = this.cString(message)
    const room = this.allocate(16, 16)
    this.fresh().setU32(room, text)
    this.#call('__dl_seterr', format, room)
    for (const at of [format, text, room]) this.free(at)
  }

  // --- its start
  /** CPython installs its handler of SIGINT, and ignores SIGPIPE without its children ignoring it. */
  #receiveSignals(): void {
    const { signals } = this.#runtime.kernel.system.scheduler.current!
    for (const signal of [Signal.INT, Signal.PIPE])
      if (signals.disposition(signal) === Disposition.Default) signals.setDisposition(signal, Disposition.Catch)
  }

  #installTrampoline(): void {
    const index = this.tableSlot()
    this.#table.set(index, trampoline(this.guest.memory, this.#table))
    const offset = this.#view.getInt32(this.#address('_PyEM_EMSCRIPTEN_TRAMPOLINE_OFFSET'), true)
    this.#view.setInt32(this.#address('_PyRuntime') + offset, index, true)
  }

  #argumentList(): number {
    const pointers = this.#argv.map((argument) => {
      const at = this.allocate(1, argument.length + 1)
      this.fresh().u8.set(bytesOf(`${argument}\0`), at)
      return at
    })
    const list = this.allocate(4, 4 * (pointers.length + 1))
    pointers.forEach((pointer, i) => this.fresh().setU32(list + 4 * i, pointer))
    this.fresh().setU32(list + 4 * pointers.length, 0)
    return list
  }

  #zeroed(align: number, bytes: number): number {
    const at = this.allocate(align, bytes)
    if (at !== 0) this.fresh().u8.fill(0, at, at + bytes)
    return at
  }

  get #view(): DataView {
    return this.fresh().view
  }
  #export(name: string): Call {
    return this.#main.exports[name] as Call
  }
  #call(name: string, ...args: number[]): void {
    this.#export(name)(...args)
  }
  #promising(name: string): (...args: number[]) => Promise<unknown> {
    return wasm.promising(this.#main.exports[name] as WasmFunction)
  }
  /** The address of an exported variable. */
  #address(name: string): number {
    return (this.#main.exports[name] as WasmGlobal).value >>> 0
  }
}
