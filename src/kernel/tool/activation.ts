/**
 * One instance of a tool's module, made for one call. Everything that the module gives (a pointer, a length, a trap) is read here and believed
 * nowhere: pointers are unsigned and checked against the memory as it is at that moment, what is read is a copy.
 * Invariant: one export runs at a time, and after `close` no import of it has an effect.
 */
import type { ToolFailure } from '../../protocol/tool-record.ts'
import type { GatedModule } from '../module/gated-module.ts'
import type { HostProgramKernel } from '../process/host-program.ts'
import type { Process } from '../process/process.ts'
import { UNWIND } from '../process/process-table.ts'
import { reasonOfTrap } from '../process/trap.ts'
import type { WaitQueue } from '../process/wait-queue.ts'
import type { GuestMemory } from '../wasi/memory.ts'
import { wasm, type WasmFunction, type WasmInstance } from '../wasi/webassembly.ts'
import { beyondLimit, fault, ToolFault, wasmStack } from './tool-fault.ts'

/** What was asked outside for an import that waits. */
export interface Asked {
  /** the import and its arguments */
  readonly key: string
  readonly answered: WaitQueue
  answer: string | undefined
}

type Export = (...args: number[]) => unknown

const TWO_32 = 0x1_0000_0000

export class Activation {
  readonly gated: GatedModule
  readonly guest: GuestMemory
  readonly strict: boolean
  /** the import under way */
  asked: Asked | undefined
  /** a text that did not fit, for the same call made again at once */
  kept: { readonly key: string; readonly bytes: Uint8Array } | undefined
  /** of the last import that failed; `last_error` gives it */
  lastError: Uint8Array = new Uint8Array(0)
  /** what is not written yet of a line for standard error */
  line: Uint8Array | undefined
  /** why an import ended the call */
  failure: ToolFailure | undefined
  /** imports have no effect any more */
  isClosed = false
  /** an export runs with frames of the kernel below it: nothing can be suspended */
  isNested = false
  readonly #kernel: HostProgramKernel
  readonly #process: Process
  readonly #exports: WasmInstance['exports']

  /** `instance` is linked over `guest`. */
  constructor(
    kernel: HostProgramKernel,
    process: Process,
    gated: GatedModule,
    guest: GuestMemory,
    instance: WasmInstance,
    strict: boolean,
  ) {
    this.#kernel = kernel
    this.#process = process
    this.gated = gated
    this.guest = guest
    this.#exports = instance.exports
    this.strict = strict
  }

  /** Calls an export, which may wait. Throws ToolFault for a trap, UNWIND where the process has ended meanwhile. */
  async call(name: string, ...args: number[]): Promise<unknown> {
    const { scheduler } = this.#kernel.system
    const run = wasm.promising(this.#exports[name] as WasmFunction)
    scheduler.switchTo(this.#process)
    const running = run(...args)
    scheduler.switchTo(undefined)
    let result: unknown
    let failed: { readonly error: unknown } | undefined
    try {
      result = await running
    } catch (error) {
      failed = { error }
    }
    if (!this.#process.alive) throw UNWIND
    scheduler.switchTo(this.#process)
    this.guest.refresh()
    if (failed) throw this.#faultOf(name, failed.error)
    if (this.isOverBudget) throw this.overBudget()
    return result
  }

  /** Calls `alloc` while an import runs. Undefined: it failed, and the call ends (`failure`, or the process has). */
  allocateNested(bytes: number): number | undefined {
    const { scheduler } = this.#kernel.system
    const name = this.#allocator
    this.isNested = true
    try {
      const pointer = Number((this.#exports[name] as Export)(bytes)) >>> 0
      this.guest.refresh()
      return this.#allocated(name, pointer, bytes)
    } catch (error) {
      // It may have suspended halfway.
      scheduler.switchTo(this.#process)
      this.#process.resume = undefined
      this.#process.endWait()
      this.guest.refresh()
      if (this.#process.alive) this.failure ??= (error instanceof ToolFault ? error : this.#faultOf(name, error)).failure
      return undefined
    } finally {
      this.isNested = false
    }
  }

  /** No import has an effect from now on. */
  close(): void {
    this.isClosed = true
  }

  get isOverBudget(): boolean {
    const { budget } = this.#kernel
    return budget.bytes > budget.limitBytes
  }
  overBudget(): ToolFault {
    return beyondLimit('cellMemoryBytes', `The module's memory has ${this.guest.bytes} bytes: no more is left`)
  }

  // --- its memory
  /** Whether these bytes are in the memory as it is now. */
  has(pointer: number, length: number): boolean {
    return (pointer >>> 0) + (length >>> 0) <= this.guest.bytes
  }

  u32(pointer: number): number {
    return this.guest.view.getUint32(pointer >>> 0, true)
  }

  /** A copy. */
  copy(pointer: number, length: number): Uint8Array<ArrayBuffer> {
    return this.guest.u8.slice(pointer >>> 0, (pointer >>> 0) + length)
  }

  /** A place for `bytes`, aligned or not: WebAssembly reads both. Throws ToolFault. */
  async allocate(bytes: number): Promise<number> {
    const name = this.#allocator
    const pointer = Number(await this.call(name, bytes)) >>> 0
    return this.#allocated(name, pointer, bytes)
  }

  get #allocator(): string {
    return this.gated.abi.alloc ?? 'alloc'
  }

  #allocated(name: string, pointer: number, bytes: number): number {
    const said = `${name}(${bytes}) gave ${pointer}`
    if (pointer === 0) throw fault('result', `${said}: no memory`)
    if (!this.has(pointer, bytes)) throw fault('result', `${said}: that is beyond its memory of ${this.guest.bytes} bytes`)
    return pointer
  }

  /** The text that an export gave. Throws ToolFault. */
  text(name: string, pointer: number, length: number): Uint8Array<ArrayBuffer> {
    if (length > this.#kernel.system.limits.toolResultBytes) throw beyondLimit('toolResultBytes', `${name} gave ${length} bytes`)
    if (!this.has(pointer, length)) throw this.outOfBounds(name, pointer, length)
    return this.copy(pointer, length)
  }

  outOfBounds(name: string, pointer: number, length: number): ToolFault {
    const where = `${length} bytes at ${pointer >>> 0}`
    return fault('result', `${name} gave ${where}: that is beyond its memory of ${this.guest.bytes} bytes`)
  }

  #faultOf(name: string, error: unknown): ToolFault {
    const own = this.failure === undefined
    const stack = wasmStack(error, this.gated, own)
    const failure = this.failure ?? { kind: 'trap', message: `${name} trapped: ${reasonOfTrap(error)}` }
    return new ToolFault(stack.length > 0 ? { ...failure, stack } : failure)
  }
}

/** The two halves of a packed result. */
export function unpack(packed: unknown): readonly [pointer: number, length: number] {
  const bits = typeof packed === 'bigint' ? BigInt.asUintN(64, packed) : 0n
  return [Number(bits / BigInt(TWO_32)), Number(bits % BigInt(TWO_32))]
}
