/**
 * The process of one call of a tool: it loads the module, reads its input, makes an instance for this call alone, has it run, and tells
 * on descriptor 3 what came of it. Nothing of one call is left for the next but the compiled module and a memory, which is cleared.
 */
import { joinedBytes } from '../../protocol/joined-bytes.ts'
import { type ModuleRun, parseModuleRun, WASM_TOOL } from '../../protocol/module-run.ts'
import { AGAIN, Errno, errnoName, SysError } from '../errno.ts'
import type { GatedModule } from '../module/gated-module.ts'
import type { HostInstance, HostProgramKernel } from '../process/host-program.ts'
import type { Process } from '../process/process.ts'
import { foreignPreopens } from '../process/start.ts'
import { reasonOfTrap } from '../process/trap.ts'
import type { WaitQueue } from '../process/wait-queue.ts'
import { type ByteString, bytesOf, fromText, toText } from '../vfs/byte-string.ts'
import type { OpenFile } from '../vfs/open-file.ts'
import { GuestMemory } from '../wasi/memory.ts'
import { PAGE, wasm, type WasmInstance } from '../wasi/webassembly.ts'
import { Activation } from './activation.ts'
import { runEntry } from './entry.ts'
import type { Imports } from './imports.ts'
import type { LoadedModule, ModuleCache } from './module-cache.ts'
import { beyondLimit, failureLine, fault, ToolFault, valueLine } from './tool-fault.ts'

const WHAT = `${WASM_TOOL}: makes one call of a WebAssembly tool's module; the sandbox starts it with OPTIONS (JSON)\n`
const RESULT_FD = 3
const BAD_OPTIONS = 2

/** What the processes of all tools of a cell share. */
export interface ToolRuntime {
  readonly kernel: HostProgramKernel
  readonly modules: ModuleCache
  readonly imports: Imports
  /** what is read lies here until it is copied, at once */
  readonly buffer: Uint8Array
}

export class ToolInstance implements HostInstance {
  guest = new GuestMemory({ buffer: new ArrayBuffer(0), grow: () => 0 }, () => {})
  activation: Activation | undefined
  readonly #runtime: ToolRuntime
  readonly #argv: readonly ByteString[]
  /** the memory that it has of the pool, and to how many pages it can grow */
  #memory: { readonly guest: GuestMemory; readonly maximumPages: number } | undefined
  #process: Process | undefined

  constructor(runtime: ToolRuntime, argv: readonly ByteString[]) {
    this.#runtime = runtime
    this.#argv = argv
  }

  async start(): Promise<number> {
    this.#process = this.#system.scheduler.current!
    const [, options] = this.#argv
    if (options === undefined) return await this.#say(1, WHAT, 0)
    const run = parseModuleRun(toText(options))
    if (!run.ok) return await this.#say(2, `${WASM_TOOL}: Cannot read its options: ${run.at} ${run.reason}\n`, BAD_OPTIONS)
    // The module gets all descriptors but this one.
    const { fds } = this.#running
    const result = fds.peek(RESULT_FD)?.file.ref()
    if (result) fds.close(RESULT_FD)
    try {
      return await this.#tell(run.value, result)
    } finally {
      result?.unref()
    }
  }

  release(): void {
    const memory = this.#memory
    this.#memory = undefined
    if (memory) this.#system.pool.giveMemory(memory.guest, memory.maximumPages)
  }

  get #system(): HostProgramKernel['system'] {
    return this.#runtime.kernel.system
  }
  get #running(): Process {
    return this.#process!
  }

  async #tell(run: ModuleRun, result: OpenFile | undefined): Promise<number> {
    try {
      const value = await this.#value(run)
      if (result) await this.#write(result, bytesOf(valueLine(value.length)))
      await this.#write(result ?? this.#running.fds.peek(1)?.file, value)
      return 0
    } catch (error) {
      if (!(error instanceof ToolFault)) throw error
      const { failure } = error
      if (!result) return await this.#say(2, `${WASM_TOOL}: ${failure.message}\n`, 1)
      await this.#write(result, bytesOf(failureLine(failure)))
      return 1
    }
  }

  async #value(run: ModuleRun): Promise<Uint8Array<ArrayBuffer>> {
    const loaded = await this.#runtime.modules.load(run, this.#running, (queue) => this.#wait(queue))
    if (run.entry === 'check') return bytesOf(fromText(JSON.stringify(description(loaded.gated))))
    const input = run.entry === 'get_metadata' ? new Uint8Array(0) : await this.#readInput()
    this.activation = this.#activate(loaded, run)
    return await runEntry(this.activation, run.entry, input)
  }

  // --- the instance
  #activate({ module, gated }: LoadedModule, run: ModuleRun): Activation {
    const guest = this.#takeMemory(gated, run)
    const process = this.#running
    process.guest = guest
    if (gated.imports.some(({ carrier }) => carrier.by === 'system-call')) process.preopens = foreignPreopens(this.#system, process.cwd)
    let instance: WasmInstance
    try {
      instance = new wasm.Instance(module, this.#runtime.imports.of(gated, guest.memory))
    } catch (error) {
      throw fault('load', `Cannot instantiate "${run.path}": ${reasonOfTrap(error)}`)
    }
    return new Activation(this.#runtime.kernel, process, gated, guest, instance, run.strict ?? false)
  }

  #takeMemory(gated: GatedModule, run: ModuleRun): GuestMemory {
    const { limits, pool } = this.#system
    const processPages = Math.floor(limits.processMemoryBytes / PAGE)
    const maximumPages = Math.min(processPages, gated.maximumPages ?? processPages, run.memoryMaximum ?? processPages)
    const pages = Math.max(gated.pages, Math.min(run.memoryInitial ?? 0, maximumPages))
    const begins = `Cannot instantiate "${run.path}": it begins with ${gated.pages} pages of memory`
    if (pages > processPages) throw beyondLimit('processMemoryBytes', begins)
    if (pages > maximumPages) throw fault('load', `${begins}, and may have ${maximumPages}`)
    try {
      const guest = pool.takeMemory(pages, maximumPages)
      this.#memory = { guest, maximumPages }
      this.guest = guest
      return guest
    } catch (error) {
      if (!(error instanceof SysError)) throw error
      const noMemory = `Cannot instantiate "${run.path}": no memory is left`
      throw beyondLimit(error.errno === Errno.EAGAIN ? 'memoriesBroker' : 'cellMemoryBytes', noMemory)
    }
  }

  // --- its streams
  async #readInput(): Promise<Uint8Array<ArrayBuffer>> {
    const { messageBytes } = this.#system.limits
    const parts: Uint8Array[] = []
    let length = 0
    for (;;) {
      const part = await this.#readSome()
      if (part.length === 0) return joinedBytes(parts)
      parts.push(part)
      length += part.length
      if (length > messageBytes) throw beyondLimit('messageBytes', 'The input is too long')
    }
  }

  async #readSome(): Promise<Uint8Array> {
    const { buffer } = this.#runtime
    try {
      const { file } = this.#running.fds.get(0)
      for (;;) {
        const count = file.read(buffer)
        if (count !== AGAIN) return buffer.slice(0, count)
        await this.#wait(file.readers)
      }
    } catch (error) {
      if (error instanceof SysError) throw fault('load', `Cannot read the input: ${errnoName(error.errno)}`)
      throw error
    }
  }

  /** What nobody can read is not written. */
  async #write(file: OpenFile | undefined, bytes: Uint8Array): Promise<void> {
    if (!file?.writable) return
    try {
      for (let at = 0; at < bytes.length;) {
        const count = file.write(bytes.subarray(at))
        if (count === AGAIN) await this.#wait(file.writers)
        else at += count
      }
    } catch (error) {
      if (!(error instanceof SysError)) throw error
    }
  }

  async #say(fd: 1 | 2, text: string, status: number): Promise<number> {
    await this.#write(this.#running.fds.peek(fd)?.file, bytesOf(fromText(text)))
    return status
  }

  /** Throws UNWIND where the process has ended. */
  async #wait(queue: WaitQueue): Promise<void> {
    const { blocking, scheduler } = this.#system
    scheduler.switchTo(this.#running)
    queue.add(this.#running.waiter)
    blocking.setcur(await blocking.slow())
  }
}

/** What `check` tells: what the module takes and gives. */
function description({ imports, exports, abi }: GatedModule): object {
  return {
    imports: imports.map(({ module, name, params, results }) => ({ module, name, params, results })),
    exports: exports.map(({ name, kind, signature }) => ({ name, kind, ...signature })),
    abi,
  }
}
