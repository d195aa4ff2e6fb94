/** The modules that a program for Node finds: the few that one which reads standard input and prints is made of. */
import { format, inspect } from 'node-inspect-extracted'
import type { Running } from '../form.ts'
import { IMPORT_META } from '../source.ts'
import type { BufferClass } from './buffer.ts'
import { Emitter } from './emitter.ts'
import { makeFs } from './node-fs.ts'
import { besides, isPath, type NodeGraph } from './node-graph.ts'
import { makePath } from './node-path.ts'
import type { NodeProcess } from './node-process.ts'
import { makeReadline } from './node-readline.ts'
import { type FileCode, type Found, NAMES } from './node-source.ts'

type Exports = Readonly<Record<string, unknown>>

export class NodeModules {
  readonly #modules: ReadonlyMap<string, Exports>
  readonly #texts = new Map<string, FileCode | string>()
  readonly #meant = new Map<string, string>()
  readonly #isModule = new Set<string>()
  readonly #loaded = new Map<string, Module>()
  #main = makeModule('')

  constructor(running: Running, process: NodeProcess, input: Uint8Array, buffer: BufferClass) {
    const fs = makeFs(running, input, buffer)
    const { globals } = running.host
    const { URL, URLSearchParams, TextEncoder, TextDecoder } = globals
    this.#modules = new Map<string, Exports>([
      ['buffer', { Buffer: buffer }],
      ['events', Object.assign(Emitter, { EventEmitter: Emitter }) as unknown as Exports],
      ['fs', fs],
      ['fs/promises', fs['promises'] as Exports],
      ['module', { createRequire: (from: unknown) => this.#foundBy(fileURLToPath(from), this.#main).require }],
      [
        'os',
        { EOL: '\n', platform: () => process.platform, arch: () => process.arch, tmpdir: () => '/tmp', homedir: () => process.env['HOME'] },
      ],
      ['path', makePath(process.cwd())],
      ['process', process as unknown as Exports],
      ['readline', makeReadline(running, input)],
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

  /** What the file at `path` finds. */
  #foundBy(path: string, module: Module): Found {
    const require = Object.assign((name: unknown) => this.#find(path, name).exports, { main: this.#main })
    return {
      exports: module.exports,
      require,
      module,
      __filename: path,
      __dirname: path.slice(0, path.lastIndexOf('/')) || '/',
      $imprt: async (name) => this.#allOf(this.#find(path, name)),
      $named: (from, name) => this.#named(from, name, this.#find(path, from)),
      $export: (getters) => {
        for (const [name, get] of Object.entries(getters)) Object.defineProperty(module.exports, name, { get, enumerable: true })
      },
      $all: (from) => {
        const { exports } = this.#find(path, from)
        for (const name of Object.keys(exports))
          if (name !== 'default') Object.defineProperty(module.exports, name, { get: () => exports[name], enumerable: true })
      },
      [IMPORT_META]: {
        main: path === this.#main.filename,
        filename: path,
        dirname: path.slice(0, path.lastIndexOf('/')) || '/',
        url: `file://${encodeURI(path)}`,
      },
    }
  }

  /** Begins the program: its files come, as functions or as the texts of data. */
  begin(graph: NodeGraph, texts: readonly (FileCode | string)[]): Found {
    for (const [i, { path }] of graph.others.entries()) this.#texts.set(path, texts[i]!)
    for (const [wanted, path] of graph.meant) this.#meant.set(wanted, path)
    for (const file of graph.others) if ('isModule' in file && file.isModule) this.#isModule.add(file.path)
    this.#main = makeModule(graph.first.path)
    this.#loaded.set(graph.first.path, this.#main)
    return this.#foundBy(graph.first.path, this.#main)
  }

  /** What `import` gives: the exports of CommonJS are the default, too. */
  #allOf({ exports, isModule }: Loaded): Exports {
    return isModule ? exports : { ...exports, default: exports }
  }

  #named(from: string, name: string, loaded: Loaded): unknown {
    const all = this.#allOf(loaded)
    if (name === '*') return all
    if (name in all) return all[name]
    if (name in loaded.exports) return loaded.exports[name]
    throw new SyntaxError(`The module "${from}" has no ${name} here: it has ${Object.keys(loaded.exports).join(', ')}`)
  }

  #find(path: string, name: unknown): Loaded {
    const text = String(name)
    const known = this.#modules.get(text.replace(/^node:/, ''))
    if (known) return { exports: known, isModule: false }
    const file = isPath(text) ? this.#meant.get(besides(path, text)) : undefined
    if (file !== undefined) return { exports: this.#load(file).exports as Exports, isModule: this.#isModule.has(file) }
    const error = new Error(
      `Cannot find module ${JSON.stringify(name)}: there are ${[...this.#modules.keys()].join(', ')}, and the files that the program names by their paths`,
    )
    throw Object.assign(error, { code: 'MODULE_NOT_FOUND' })
  }

  /** Once; who asks while it is being loaded gets what it exports so far. */
  #load(path: string): Module {
    const known = this.#loaded.get(path)
    if (known) return known
    const module = makeModule(path)
    this.#loaded.set(path, module)
    const text = this.#texts.get(path)
    if (typeof text === 'string') module.exports = JSON.parse(text)
    else if (text) {
      // Stack traces show it without a name, as Node's do.
      Object.defineProperty(text, 'name', { value: '' })
      const found = this.#foundBy(path, module) as unknown as Readonly<Record<string, unknown>>
      text.apply(
        module.exports,
        NAMES.map((name) => found[name]),
      )
    }
    module.loaded = true
    return module
  }
}

interface Module {
  exports: unknown
  readonly id: string
  readonly filename: string
  loaded: boolean
}
interface Loaded {
  readonly exports: Exports
  readonly isModule: boolean
}

const makeModule = (path: string): Module => ({ exports: {}, id: path, filename: path, loaded: false })

const fileURLToPath = (url: unknown): string => decodeURIComponent(String(url).replace(/^file:\/\//, ''))

function promisify(call: (...args: unknown[]) => unknown) {
  return async (...args: unknown[]): Promise<unknown> =>
    await new Promise((resolve, reject) => {
      call(...args, (error: unknown, value: unknown) => (error ? reject(error) : resolve(value)))
    })
}
