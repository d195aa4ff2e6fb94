/**
 * A program as they are written for Node that reads standard input and prints: CommonJS or a module, bundled into one file. It finds
 * `process`, `Buffer`, `require` and the modules of node-modules.ts, and nothing else of Node.
 */
import { joined } from '../files.ts'
import type { Form, Running } from '../form.ts'
import { type BufferClass, makeBuffer } from './buffer.ts'
import { NodeModules } from './node-modules.ts'
import { NodeProcess } from './node-process.ts'
import { type NodeHook, prepareNode } from './node-source.ts'

export function nodeForm(running: Running): Form {
  return new NodeForm(running)
}

class NodeForm implements Form {
  readonly logsTo = 1
  readonly prepare = prepareNode
  readonly hook: Partial<NodeHook> = {}
  readonly globals: Record<string, unknown> = {}
  readonly #running: Running
  #process: NodeProcess | undefined

  constructor(running: Running) {
    this.#running = running
  }

  async ready(): Promise<void> {
    const { input, files, start, host, call, activity } = this.#running
    const cwd = await (files.api['cwd'] as () => Promise<string>)()
    const bytes = await input.bytes()
    const buffer: BufferClass = makeBuffer(host)
    const process = new NodeProcess(this.#running, cwd, joined([bytes], bytes.length), buffer)
    this.#process = process
    const modules = new NodeModules(this.#running, process, bytes, buffer)
    const module = { exports: {}, id: '.', loaded: false, filename: start.path ?? start.name }
    Object.assign(this.hook, {
      module,
      require: Object.assign(modules.require, { main: module }),
      filename: module.filename,
      dirname: module.filename.replace(/\/[^/]*$/, '') || '/',
      load: modules.load,
      named: modules.named,
    } satisfies NodeHook)
    Object.assign(this.globals, {
      process,
      Buffer: buffer,
      global: globalThis,
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
