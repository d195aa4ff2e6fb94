/**
 * `js` as a program of the kernel. The script itself runs elsewhere, in a worker or process of its own which the host starts; here is its
 * process, which the rest of the cell sees, and which does for the script what it may do.
 */
import type { HostInstance, HostProgram, HostProgramKernel } from '../process/host-program.ts'
import type { Process } from '../process/process.ts'
import type { ByteString } from '../vfs/byte-string.ts'
import { JsInstance } from './js-instance.ts'
import type { SnippetHost, SnippetPort } from './snippet-port.ts'

/** Answers what a script asks of its cell besides files (JSON text both, protocol/tool-request.ts); never rejects. */
export type AskCell = (request: string, process: Process) => Promise<string>

export class JsProgram implements HostProgram {
  readonly #kernel: HostProgramKernel
  readonly #host: SnippetHost
  readonly #ask: AskCell
  /** scripts that run now */
  #running = 0

  constructor(kernel: HostProgramKernel, host: SnippetHost, ask: AskCell) {
    this.#kernel = kernel
    this.#host = host
    this.#ask = ask
  }

  async prepare(): Promise<void> {}

  instantiate(argv: readonly ByteString[], env: readonly ByteString[]): HostInstance {
    return new JsInstance(this.#kernel, argv, env, () => this.#start(), this.#ask)
  }

  trim(): boolean {
    return false
  }

  /** Undefined where there are as many as there may be. */
  #start(): SnippetPort | undefined {
    if (this.#running >= this.#kernel.system.limits.jsWorkers) return undefined
    this.#running++
    const port = this.#host.startSnippet()
    let isOpen = true
    const end = (): void => {
      if (!isOpen) return
      isOpen = false
      this.#running--
      port.end()
    }
    return { send: (message) => port.send(message), listen: (hear, ended) => port.listen(hear, ended), end }
  }
}
