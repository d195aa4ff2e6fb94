/** A kernel in this Node process with wasm-tool in it: calls of modules, what they ask for, and every fault that they cause in the kernel. */
import type { Session } from '../../src/kernel/kernel.ts'
import type { KeptModules } from '../../src/kernel/tool/module-cache.ts'
import { ToolProgram } from '../../src/kernel/tool/tool-program.ts'
import type { LimitName } from '../../src/protocol/limits.ts'
import { type ModuleRun, moduleArgv, WASM_TOOL } from '../../src/protocol/module-run.ts'
import { parseToolRecord, type ToolFailure } from '../../src/protocol/tool-record.ts'
import { ENVIRONMENT, TestKernel } from './kernel.ts'

const PROGRAMS = new Map([[WASM_TOOL, { module: WASM_TOOL, bytes: new Uint8Array(1) }]])

/** `{ import, args }` as the module asked. */
export interface AskedFor {
  readonly import: string
  readonly args: Readonly<Record<string, string>>
}

export interface ToolKernelOptions {
  /** answers an import: a value, or an Error whose message is `CODE: text`; without it there is no answer, ever */
  readonly answer?: (asked: AskedFor) => unknown
  readonly limits?: Partial<Record<LimitName, number>>
  readonly memories?: number
  readonly modules?: KeptModules
}

export interface CallOptions extends Partial<ModuleRun> {
  readonly input?: string | Uint8Array
}

export interface Outcome {
  readonly status: number
  readonly signal?: number
  readonly stdout: string
  readonly stderr: string
  /** what came on descriptor 3 */
  readonly value?: string
  readonly bytes?: Uint8Array
  readonly failure?: ToolFailure
}

export class ToolKernel {
  readonly tests: TestKernel
  readonly asked: AskedFor[] = []
  #files = 0

  constructor(options: ToolKernelOptions = {}) {
    const { answer, modules } = options
    const request = async (text: string): Promise<string> => {
      const asked = JSON.parse(text) as AskedFor
      this.asked.push(asked)
      if (!answer) return await new Promise<string>(() => {})
      const value = await answer(asked)
      if (!(value instanceof Error)) return JSON.stringify({ ok: { value } })
      const [btcpCode, message] = value.message.split(': ')
      return JSON.stringify({ error: { btcpCode, message, data: value.cause ?? {} } })
    }
    this.tests = new TestKernel({
      programs: PROGRAMS,
      ...(options.limits ? { limits: options.limits } : {}),
      ...(options.memories === undefined ? {} : { memories: options.memories }),
      host: {
        hostPrograms: (kernel) => new Map([[WASM_TOOL, new ToolProgram(kernel, { request, ...(modules ? { modules } : {}) })]]),
      },
    })
  }

  /** Puts a module into a file; gives its path. */
  install(module: Uint8Array): string {
    const path = `/home/user/tool-${++this.#files}.wasm`
    this.tests.writeFile(path, module)
    return path
  }

  /** Runs a call to its end; the module is one that was installed, or is installed for it. */
  async call(module: Uint8Array | string, options: CallOptions = {}): Promise<Outcome> {
    return await this.begin(module, options).ended
  }

  begin(
    module: Uint8Array | string,
    { input = '{}', ...run }: CallOptions = {},
  ): { readonly session: Session; readonly ended: Promise<Outcome> } {
    const path = typeof module === 'string' ? module : this.install(module)
    const argv = moduleArgv({ sha256: 'a'.repeat(64), abi: 'btcp', entry: 'execute', path, ...run })
    const parts: Uint8Array[] = []
    const { session, output } = this.tests.begin(argv, { stdin: input, env: ENVIRONMENT, onResult: (bytes) => void parts.push(bytes) })
    const ended = async (): Promise<Outcome> => {
      const { status, signal } = await session.exited
      const [stdout, stderr] = await output
      return { status, ...(signal === undefined ? {} : { signal }), stdout, stderr, ...told(Buffer.concat(parts)) }
    }
    return { session, ended: ended() }
  }
}

/** What stands on descriptor 3. */
function told(bytes: Buffer): Pick<Outcome, 'value' | 'bytes' | 'failure'> {
  const end = bytes.indexOf(10)
  if (end < 0) return {}
  const record = parseToolRecord(bytes.toString('utf8', 0, end))
  if (!record.ok) throw new Error(`Cannot read the record: ${record.at} ${record.reason}`)
  if (record.value.t === 'failed') return { failure: record.value.failure }
  const value = bytes.subarray(end + 1)
  if (value.length !== record.value.bytes) throw new Error(`The record tells ${record.value.bytes} bytes, there are ${value.length}`)
  return { value: value.toString(), bytes: value }
}
