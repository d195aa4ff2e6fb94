/**
 * `wasm-tool` as a program of the kernel: one process makes one call of a module that somebody wrote (protocol/module-run.ts). The gate lets
 * the module in (src/kernel/module), its imports are requests that others decide.
 */
import type { HostInstance, HostProgram, HostProgramKernel } from '../process/host-program.ts'
import type { Process } from '../process/process.ts'
import type { ByteString } from '../vfs/byte-string.ts'
import { Imports } from './imports.ts'
import { type KeptModules, ModuleCache } from './module-cache.ts'
import { keepDeepStacks } from './tool-fault.ts'
import { ToolInstance, type ToolRuntime } from './tool-instance.ts'

export interface ToolHost {
  /** Answers an import of a process (protocol/tool-request.ts); never rejects. */
  request(request: string, process: Process): Promise<string>
  /** Where compiled modules outlive the cell. */
  readonly modules?: KeptModules
}

const READ_BYTES = 64 * 1024

export class ToolProgram implements HostProgram {
  readonly #runtime: ToolRuntime

  constructor(kernel: HostProgramKernel, host: ToolHost) {
    keepDeepStacks()
    const activationOf = (process: Process) => (process.instance as ToolInstance).activation!
    this.#runtime = {
      kernel,
      modules: new ModuleCache(kernel.system, host.modules),
      buffer: new Uint8Array(READ_BYTES),
      imports: new Imports(kernel, (request, process) => host.request(request, process), activationOf),
    }
  }

  async prepare(): Promise<void> {}

  instantiate(argv: readonly ByteString[]): HostInstance {
    return new ToolInstance(this.#runtime, argv)
  }

  /** Its memories are the pool's. */
  trim(): boolean {
    return false
  }
}
