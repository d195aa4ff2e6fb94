/** What a module is linked with: for each of its imports the call that the gate found for it. */
import type { GatedImport, GatedModule } from '../module/gated-module.ts'
import type { HostProgramKernel } from '../process/host-program.ts'
import type { Process } from '../process/process.ts'
import type { WasmImports, WasmMemory } from '../wasi/webassembly.ts'
import type { Activation } from './activation.ts'
import { consoleName, requestName, TOOL_CALLS, toolCalls } from './tool-calls.ts'

/** A double holds as many bits of a whole number. */
const SEED_BITS = 2 ** 53

export class Imports {
  readonly #kernel: HostProgramKernel
  readonly #calls: Readonly<Record<string, unknown>>

  constructor(
    kernel: HostProgramKernel,
    request: (request: string, process: Process) => Promise<string>,
    activationOf: (process: Process) => Activation,
  ) {
    this.#kernel = kernel
    this.#calls = kernel.link(TOOL_CALLS, toolCalls(kernel, request, activationOf))
  }

  of({ imports }: GatedModule, memory: WasmMemory): WasmImports {
    const modules: WasmImports = { env: { memory } }
    for (const wanted of imports) (modules[wanted.module] ??= {})[wanted.name] = this.#call(wanted)
    return modules
  }

  #call({ carrier, results }: GatedImport): unknown {
    switch (carrier.by) {
      case 'request':
        return this.#calls[requestName(carrier.import, carrier.form)]
      case 'log':
        return this.#calls[results.length > 0 ? 'log' : 'log dropped']
      case 'last-error':
      case 'abort':
      case 'trace':
        return this.#calls[carrier.by]
      case 'console':
        return this.#calls[consoleName(carrier.level)]
      case 'seed':
        return () => this.#seed()
      case 'clock':
        return () => this.#kernel.system.clock[carrier.clock]()
      case 'system-call': {
        const { name } = carrier.row
        return name === 'proc_exit' ? this.#calls[name] : this.#kernel.calls.wasi_snapshot_preview1[name]
      }
    }
  }

  #seed(): number {
    const bytes = new Uint8Array(8)
    this.#kernel.system.random(bytes)
    return Number(new DataView(bytes.buffer).getBigUint64(0) % BigInt(SEED_BITS))
  }
}
