/**
 * The built modules (wasm/dist, dist/python) as a frame has them: found by the locks' names, checked against their hashes, compiled once a frame
 * and shared by its workers. Invariant: bytes that are not those of the build are never compiled.
 */
import type { BuiltModule } from '../../protocol/frame.ts'
import { isRecord, own } from '../../protocol/parse.ts'

const FOLDERS = ['/wasm/', '/python/']

interface LockedModule extends BuiltModule {
  /** its address in the extension */
  readonly file: string
  readonly sha256: string
}

export class Modules {
  readonly #locked: ReadonlyMap<string, LockedModule>
  readonly #compiled = new Map<string, Promise<WebAssembly.Module>>()

  private constructor(locked: readonly LockedModule[]) {
    this.#locked = new Map(locked.map((module) => [module.name, module]))
  }

  /** Reads the locks. Throws when one cannot be read. */
  static async open(): Promise<Modules> {
    const locks = FOLDERS.map(async (folder) => parseLock(folder, await (await fetch(`${folder}lock.json`)).json()))
    return new Modules((await Promise.all(locks)).flat())
  }

  get list(): readonly BuiltModule[] {
    return [...this.#locked.values()].map(({ name, programs, bytes }) => ({ name, programs, bytes }))
  }

  /** The module's file. Rejects when there is none, or its bytes are not those of the build. */
  async read(name: string): Promise<Uint8Array<ArrayBuffer>> {
    const locked = this.#locked.get(name)
    if (!locked) throw new Error(`Cannot load the module "${name}": there is none`)
    const response = await fetch(locked.file)
    const bytes = new Uint8Array(await response.arrayBuffer())
    const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
    if (digest.toHex() !== locked.sha256) throw new Error(`Cannot load the module "${name}": its bytes are not those of the build`)
    return bytes
  }

  /** The module, the same one for each who asks; rejects as `read` does. */
  compile(name: string): Promise<WebAssembly.Module> {
    const known = this.#compiled.get(name)
    if (known) return known
    const compiled = this.read(name).then((bytes) => WebAssembly.compile(bytes))
    this.#compiled.set(name, compiled)
    compiled.catch(() => this.#compiled.delete(name))
    return compiled
  }
}

function parseLock(folder: string, lock: unknown): LockedModule[] {
  const modules = isRecord(lock) ? own(lock, 'modules') : undefined
  if (!Array.isArray(modules)) throw new Error('Cannot read the list of modules')
  return (modules as unknown[]).map((entry) => {
    const [name, file, sha256, programs, bytes] = isRecord(entry)
      ? ['name', 'file', 'sha256', 'programs', 'bytes'].map((key) => own(entry, key))
      : []
    if (typeof name !== 'string' || typeof file !== 'string' || typeof sha256 !== 'string')
      throw new Error('Cannot read the list of modules')
    if (!Array.isArray(programs) || typeof bytes !== 'number') throw new Error('Cannot read the list of modules')
    return { name, file: folder + file, sha256, programs: programs.map(String), bytes }
  })
}
