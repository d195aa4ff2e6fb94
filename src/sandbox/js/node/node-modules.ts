/** The modules that a program for Node finds: the few that one which reads standard input and prints is made of. */
import { format, inspect } from 'node-inspect-extracted'
import type { Running } from '../form.ts'
import type { BufferClass } from './buffer.ts'
import { Emitter } from './emitter.ts'
import { makeFs } from './node-fs.ts'
import { makePath } from './node-path.ts'
import type { NodeProcess } from './node-process.ts'

type Exports = Readonly<Record<string, unknown>>

export class NodeModules {
  readonly #modules: ReadonlyMap<string, Exports>

  constructor(running: Running, process: NodeProcess, input: Uint8Array, buffer: BufferClass) {
    const fs = makeFs(running, input, buffer)
    const { globals } = running.host
    const { URL, URLSearchParams, TextEncoder, TextDecoder } = globals
    this.#modules = new Map<string, Exports>([
      ['buffer', { Buffer: buffer }],
      ['events', Object.assign(Emitter, { EventEmitter: Emitter }) as unknown as Exports],
      ['fs', fs],
      ['fs/promises', fs['promises'] as Exports],
      ['module', { createRequire: () => this.require }],
      ['path', makePath(process.cwd())],
      ['process', process as unknown as Exports],
      [
        'url',
        {
          URL,
          URLSearchParams,
          fileURLToPath,
          pathToFileURL: (path: string) => new (URL as new (text: string) => object)(`file://${path}`),
        },
      ],
      ['util', { format, inspect, promisify, TextEncoder, TextDecoder }],
    ])
  }

  readonly require = (name: unknown): unknown => this.#find(name)

  /** What `import` gives: the exports are the default, too. */
  readonly load = async (name: unknown): Promise<unknown> => {
    const exports = this.#find(name)
    return { ...exports, default: exports }
  }

  readonly named = (module: string, name: string): unknown => {
    const exports = this.#find(module)
    if (name === 'default') return exports
    if (name === '*') return { ...exports, default: exports }
    if (name in exports) return exports[name]
    throw new SyntaxError(`The module "${module}" has no ${name} here: it has ${Object.keys(exports).join(', ')}`)
  }

  #find(name: unknown): Exports {
    const found = typeof name === 'string' ? this.#modules.get(name.replace(/^node:/, '')) : undefined
    if (found) return found
    const error = new Error(
      `Cannot find module ${JSON.stringify(name)}: there are ${[...this.#modules.keys()].join(', ')}; put all else that the program needs into its file`,
    )
    throw Object.assign(error, { code: 'MODULE_NOT_FOUND' })
  }
}

const fileURLToPath = (url: unknown): string => decodeURIComponent(String(url).replace(/^file:\/\//, ''))

function promisify(call: (...args: unknown[]) => unknown) {
  return async (...args: unknown[]): Promise<unknown> =>
    await new Promise((resolve, reject) => {
      call(...args, (error: unknown, value: unknown) => (error ? reject(error) : resolve(value)))
    })
}
