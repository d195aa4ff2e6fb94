/**
 * The object `fs` of a script: Node's `fs/promises` as far as it goes. Everything is asked of the cell, whose kernel decides; a call that
 * moves more than one part is several requests.
 */
import { joinedBytes } from '../../protocol/joined-bytes.ts'
import { JS_PART_BYTES, type ScriptOp } from '../../protocol/js-wire.ts'
import type { Activity } from './activity.ts'
import { fileError } from './file-error.ts'
import type { JsHost } from './js-host.ts'
import { type Answer, type CellPort, RequestError } from './port.ts'

const KIND = { file: 1, directory: 2, symlink: 3, device: 4, fifo: 5 } as const

/** What `stat` and `readdir` tell about a file's kind. */
class Kinds {
  readonly #kind: number
  constructor(kind: number) {
    this.#kind = kind
  }
  isFile(): boolean {
    return this.#kind === KIND.file
  }
  isDirectory(): boolean {
    return this.#kind === KIND.directory
  }
  isSymbolicLink(): boolean {
    return this.#kind === KIND.symlink
  }
  isCharacterDevice(): boolean {
    return this.#kind === KIND.device
  }
  isFIFO(): boolean {
    return this.#kind === KIND.fifo
  }
}

class Stats extends Kinds {
  constructor({ kind, ...numbers }: Record<string, number>) {
    super(kind!)
    const { atimeMs, mtimeMs, ctimeMs } = numbers
    Object.assign(this, numbers, { atime: new Date(atimeMs!), mtime: new Date(mtimeMs!), ctime: new Date(ctimeMs!) })
  }
}

class Dirent extends Kinds {
  readonly name: string
  readonly parentPath: string
  constructor(name: string, parentPath: string, kind: number) {
    super(kind)
    this.name = name
    this.parentPath = parentPath
  }
}

type Encoding = unknown

export class Files {
  readonly #port: CellPort
  readonly #activity: Activity
  readonly #host: JsHost

  constructor(port: CellPort, activity: Activity, host: JsHost) {
    this.#port = port
    this.#activity = activity
    this.#host = host
  }

  /** What the script gets: functions that need no `this`. */
  get api(): Readonly<Record<string, unknown>> {
    return {
      readFile: async (path: unknown, encoding?: Encoding) => this.#decoded(await this.#readAll(nameOf(path)), encoding),
      writeFile: async (path: unknown, data: unknown) => await this.#writeAll(nameOf(path), this.#bytesOf(data), 'replace'),
      appendFile: async (path: unknown, data: unknown) => await this.#writeAll(nameOf(path), this.#bytesOf(data), 'append'),
      copyFile: async (from: unknown, to: unknown) => await this.#copy(nameOf(from), nameOf(to)),
      readdir: async (path: unknown, options?: unknown) => await this.#list(nameOf(path), options),
      stat: async (path: unknown) => await this.#stat(nameOf(path), true),
      lstat: async (path: unknown) => await this.#stat(nameOf(path), false),
      exists: async (path: unknown) => await this.#exists(nameOf(path)),
      mkdir: async (path: unknown, options?: unknown) =>
        void (await this.#ask('mkdir', { op: 'mkdir', path: nameOf(path), recursive: flag(options, 'recursive') })),
      rm: async (path: unknown, options?: unknown) => {
        const op = { op: 'remove', path: nameOf(path), recursive: flag(options, 'recursive'), force: flag(options, 'force') } as const
        await this.#ask('rm', op)
      },
      rename: async (from: unknown, to: unknown) => {
        await this.#ask('rename', { op: 'rename', path: nameOf(from), to: nameOf(to) }, nameOf(to))
      },
      symlink: async (target: unknown, path: unknown) => {
        await this.#ask('symlink', { op: 'symlink', path: nameOf(path), target: nameOf(target) })
      },
      chmod: async (path: unknown, mode: unknown) => {
        await this.#ask('chmod', {
          op: 'chmod',
          path: nameOf(path),
          mode: (typeof mode === 'string' ? parseInt(mode, 8) : Number(mode)) & 0o7777,
        })
      },
      unlink: async (path: unknown) => void (await this.#ask('unlink', { op: 'unlink', path: nameOf(path) })),
      rmdir: async (path: unknown) => void (await this.#ask('rmdir', { op: 'rmdir', path: nameOf(path) })),
      readlink: async (path: unknown) => (await this.#ask('readlink', { op: 'readlink', path: nameOf(path) })).value,
      realpath: async (path: unknown) => (await this.#ask('realpath', { op: 'realpath', path: nameOf(path) })).value,
      cwd: async () => (await this.#ask('getcwd', { op: 'cwd' })).value,
      ...nothingSynchronous(),
    }
  }

  async #ask(syscall: string, op: ScriptOp, dest?: string, bytes?: Uint8Array): Promise<Answer> {
    try {
      return await this.#activity.during(this.#port.ask(op, bytes))
    } catch (error) {
      if (!(error instanceof RequestError)) throw error
      throw fileError(error.code, syscall, 'path' in op ? op.path : undefined, dest)
    }
  }

  async #readAll(path: string): Promise<Uint8Array> {
    const parts: Uint8Array[] = []
    let length = 0
    for (;;) {
      const { value: isEnd, bytes } = await this.#ask('open', { op: 'read', path, offset: length, length: JS_PART_BYTES })
      parts.push(bytes)
      length += bytes.length
      if (isEnd) return parts.length === 1 ? bytes.slice() : joinedBytes(parts)
    }
  }

  async #writeAll(path: string, bytes: Uint8Array, first: 'replace' | 'append'): Promise<void> {
    let how: 'replace' | 'append' | 'at' = first
    for (let offset = 0; offset === 0 || offset < bytes.length; offset += JS_PART_BYTES) {
      await this.#ask('open', { op: 'write', path, how, offset }, undefined, bytes.subarray(offset, offset + JS_PART_BYTES))
      if (first === 'replace') how = 'at'
    }
  }

  async #copy(from: string, to: string): Promise<void> {
    await this.#writeAll(to, await this.#readAll(from), 'replace')
  }

  async #list(path: string, options: unknown): Promise<unknown> {
    const { value } = await this.#ask('scandir', { op: 'list', path })
    const entries = value as readonly (readonly [string, number])[]
    if (flag(options, 'withFileTypes')) return entries.map(([name, kind]) => new Dirent(name, path, kind))
    return entries.map(([name]) => name)
  }

  async #stat(path: string, follow: boolean): Promise<Stats> {
    const { value } = await this.#ask(follow ? 'stat' : 'lstat', { op: 'stat', path, follow })
    return new Stats(value as Record<string, number>)
  }

  async #exists(path: string): Promise<boolean> {
    return await this.#stat(path, true).then(
      () => true,
      () => false,
    )
  }

  #decoded(bytes: Uint8Array, encoding: Encoding): string | Uint8Array {
    const name = typeof encoding === 'object' && encoding !== null ? (encoding as { encoding?: unknown }).encoding : encoding
    if (name === undefined || name === null || name === 'buffer') return bytes
    if (typeof name === 'string' && /^utf-?8$/i.test(name)) return this.#host.decode(bytes)
    throw new TypeError(`The encoding ${JSON.stringify(name)} is not known: there is "utf8", and bytes without one`)
  }

  #bytesOf(data: unknown): Uint8Array {
    if (typeof data === 'string') return this.#host.encode(data)
    if (data instanceof ArrayBuffer) return new Uint8Array(data)
    if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    throw new TypeError('The "data" argument must be a string, a typed array or an ArrayBuffer')
  }
}

function nameOf(path: unknown): string {
  if (typeof path === 'string') {
    if (path.length > MOST) throw fileError('ENAMETOOLONG', 'open', path.slice(0, 64))
    return path
  }
  throw new TypeError('The "path" argument must be of type string')
}
const MOST = 8192

const flag = (options: unknown, name: string): boolean =>
  typeof options === 'object' && options !== null && Boolean((options as Record<string, unknown>)[name])

const SYNCHRONOUS = 'readFile writeFile appendFile readdir stat lstat mkdir rm rename unlink copyFile exists realpath'

/** Their names exist so that who calls one is told what to do. */
function nothingSynchronous(): Record<string, () => never> {
  const names = SYNCHRONOUS.split(' ')
  return Object.fromEntries(
    names.map((name) => [
      `${name}Sync`,
      () => {
        throw new Error(`fs.${name}Sync: nothing is synchronous here; use await fs.${name}(…)`)
      },
    ]),
  )
}
