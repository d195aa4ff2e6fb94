/** `btcp` as a program of the kernel: tools from the shell. What may be called is decided outside the cell, as for `btcp.call` in Python. */
import type { HostInstance, HostProgram, HostProgramKernel } from '../process/host-program.ts'
import type { Process } from '../process/process.ts'
import type { ByteString } from '../vfs/byte-string.ts'
import { BtcpInstance } from './btcp-instance.ts'

/** Answers a request of a process (JSON text both, protocol/tool-request.ts); never rejects. */
export type Ask = (request: string, process: Process) => Promise<string>

export class BtcpProgram implements HostProgram {
  readonly #kernel: HostProgramKernel
  readonly #ask: Ask

  constructor(kernel: HostProgramKernel, ask: Ask) {
    this.#kernel = kernel
    this.#ask = ask
  }

  async prepare(): Promise<void> {}

  instantiate(argv: readonly ByteString[]): HostInstance {
    return new BtcpInstance(this.#kernel, argv, this.#ask)
  }

  trim(): boolean {
    return false
  }
}
