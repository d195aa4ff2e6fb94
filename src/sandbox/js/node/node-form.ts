/**
 * A program as they are written for Node that reads standard input and prints: CommonJS or modules, bundled into one file or in files beside
 * it. It finds `process`, `Buffer`, `require` and the modules of node-modules.ts, and nothing else of Node.
 */
import type { Form, Running } from '../form.ts'
import type { PreparedSource } from '../source.ts'
import { type BufferClass, makeBuffer } from './buffer.ts'
import { gatherFiles, type NodeGraph } from './node-graph.ts'
import { NodeModules } from './node-modules.ts'
import { NodeProcess } from './node-process.ts'
import { type NodeHook, prepareNode } from './node-source.ts'

export function nodeForm(running: Running): Form {
  return new NodeForm(running)
}

class NodeForm implements Form {
  readonly logsTo = 1
  readonly hook: Partial<NodeHook> = {}
  readonly globals: Record<string, unknown> = {}
  readonly #running: Running
  #graph: NodeGraph | undefined
  #process: NodeProcess | undefined

  constructor(running: Running) {
    this.#running = running
  }

  async prepare(code: string, hook: string): Promise<PreparedSource> {
    const { start, files } = this.#running
    const readFile = files.api['readFile'] as (path: string, encoding: string) => Promise<string>
    const read = async (path: string): Promise<string | undefined> => await readFile(path, 'utf8').catch(() => undefined)
    this.#graph = await gatherFiles(start.path ?? `/${start.name}`, code, read, start.limits.moduleBytes)
    return prepareNode(this.#graph, hook)
  }

  async ready(): Promise<void> {
    const { input, files, host, call, activity } = this.#running
    const cwd = await (files.api['cwd'] as () => Promise<string>)()
    const bytes = await input.bytes()
    const buffer: BufferClass = makeBuffer(host)
    const process = new NodeProcess(this.#running, cwd, bytes, buffer)
    this.#process = process
    const modules = new NodeModules(this.#running, process, bytes, buffer)
    Object.assign(this.hook, { begin: (texts) => modules.begin(this.#graph!, texts) } satisfies NodeHook)
    Object.assign(this.globals, {
      process,
      Buffer: buffer,
      global: globalThis,
      fetch: async (address: unknown): Promise<never> => await Promise.reject(unreachable(host, address)),
      setImmediate: (task: (...args: unknown[]) => unknown, ...args: unknown[]): void => {
        activity.begin()
        host.macrotask(() => {
          call(() => task(...args))
          activity.end()
        })
      },
    })
  }

  status(): number {
    const status = (this.#process?.exitCode ?? 0) | 0
    this.#running.call(() => this.#process?.emit('exit', status))
    return status
  }
}

/** As Python says it. */
function unreachable({ globals }: Running['host'], address: unknown): TypeError {
  const { URL } = globals as { URL: { parse(text: string): { readonly host: string } | null } }
  const name = URL.parse(String((address as { url?: unknown } | null)?.url ?? address))?.host ?? String(address)
  return new TypeError(`Cannot reach "${name}": capability "network:fetch:cross-origin" is not granted`)
}
