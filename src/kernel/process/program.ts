/**
 * From a path to code that can run: a program of the catalogue, a WebAssembly file with the execute bit, or a text that names its
 * interpreter in `#!`, as execve(2) finds it. Modules are compiled once. Nothing here waits: what is not there yet is a queue to wait on.
 */
import { AGAIN, Errno, SysError } from '../errno.ts'
import { ProgramFile } from '../fs/tool-fs.ts'
import { GateError, gateModule } from '../module/gate.ts'
import type { GatedModule } from '../module/gated-module.ts'
import type { Limits } from '../../protocol/limits.ts'
import { byteString, type ByteString } from '../vfs/byte-string.ts'
import { type Directory, FileKind, type Inode } from '../vfs/inode.ts'
import { O, type OpenFile } from '../vfs/open-file.ts'
import { Access, pathOfInode, type Vfs } from '../vfs/vfs.ts'
import { wasm, type WasmModule } from '../wasi/webassembly.ts'
import { HostCode, type HostProgram } from './host-program.ts'
import { WaitQueue } from './wait-queue.ts'

/** A compiled module. `own`: of our build, so its instances may be used again and it may import `tidepool`. */
export class Code {
  readonly module: WasmModule
  readonly own: boolean
  /** the memory's size at first, in pages, where it is known */
  readonly pages: number | undefined

  constructor(module: WasmModule, own: boolean, pages?: number) {
    this.module = module
    this.own = own
    this.pages = pages
  }
}

export interface Program {
  readonly code: Code | HostCode
  readonly argv: readonly ByteString[]
  /** absolute path of the file, where it still has one */
  readonly exe: ByteString
}

/** Code on its way. */
interface Slot<C = Code> {
  code: C | undefined
  failed: number
  readonly ready: WaitQueue
}

/** A module file of the file system, as it was when it was read. */
interface FileSlot extends Slot {
  readonly version: string
  bytes: Uint8Array
  filled: number
  compiling: boolean
}

const INTERPRETERS = 4
const HEAD_BYTES = 256
const ENV = '/usr/bin/env'
const DEFAULT_PATH = '/usr/local/bin:/usr/bin:/bin'

export class ProgramLoader {
  readonly #vfs: Vfs
  readonly #loadModule: (name: string) => Promise<WasmModule>
  readonly #limits: Limits
  readonly #hostPrograms: ReadonlyMap<string, HostProgram>
  readonly #modules = new Map<string, Slot<Code | HostCode>>()
  readonly #files = new WeakMap<Inode, FileSlot>()

  constructor(
    vfs: Vfs,
    loadModule: (name: string) => Promise<WasmModule>,
    limits: Limits,
    hostPrograms: ReadonlyMap<string, HostProgram> = new Map(),
  ) {
    this.#vfs = vfs
    this.#hostPrograms = hostPrograms
    this.#loadModule = loadModule
    this.#limits = limits
  }

  /** The program, or the queue to wait on before asking again. Throws what execve(2) would fail with. */
  find(at: Directory, path: ByteString, argv: readonly ByteString[], env: readonly ByteString[]): Program | WaitQueue {
    this.#checkSize(argv, env)
    let file = path
    let args = argv
    for (let depth = 0; ; depth++) {
      const inode = this.#executable(at, file)
      const found = this.#fromCatalog(inode) ?? this.#fromFile(inode)
      if (found instanceof WaitQueue) return found
      if (found instanceof Code || found instanceof HostCode) return { code: found, argv: args, exe: this.#nameOf(inode, file) }
      if (depth === INTERPRETERS) throw SysError.of(Errno.ELOOP)
      const script = this.#script(found, file, args, env)
      file = script.file
      args = script.argv
    }
  }

  /** Searches `name` along the PATH of `env`, as execvp(3) does; a name with a slash is itself. */
  search(at: Directory, name: ByteString, env: readonly ByteString[]): ByteString {
    if (name.includes('/')) return name
    const path = env.find((entry) => entry.startsWith('PATH='))?.slice(5) ?? DEFAULT_PATH
    let denied = false
    for (const directory of path.split(':')) {
      const candidate = `${directory === '' ? '.' : directory}/${name}`
      try {
        this.#executable(at, candidate)
        return candidate
      } catch (error) {
        if (!(error instanceof SysError)) throw error
        denied ||= error.errno === Errno.EACCES
      }
    }
    throw SysError.of(denied ? Errno.EACCES : Errno.ENOENT)
  }

  #checkSize(argv: readonly ByteString[], env: readonly ByteString[]): void {
    let bytes = 0
    for (const text of argv) bytes += text.length + 1
    for (const text of env) bytes += text.length + 1
    if (bytes > this.#limits.argumentBytes) throw SysError.of(Errno.E2BIG)
  }

  #executable(at: Directory, path: ByteString): Inode {
    const inode = this.#vfs.resolve(at, path, true, false)
    if (inode.kind === FileKind.Directory) throw SysError.of(Errno.EISDIR)
    if (inode.kind !== FileKind.File || (inode.mode & 0o111) === 0) throw SysError.of(Errno.EACCES)
    this.#vfs.access(inode, Access.Execute)
    return inode
  }

  #nameOf(inode: Inode, path: ByteString): ByteString {
    try {
      return pathOfInode(inode, this.#vfs.root)
    } catch {
      return path
    }
  }

  #fromCatalog(inode: Inode): Code | HostCode | WaitQueue | undefined {
    if (!(inode instanceof ProgramFile)) return undefined
    const { module } = inode
    let slot = this.#modules.get(module)
    if (!slot) {
      slot = emptySlot()
      this.#modules.set(module, slot)
      const host = this.#hostPrograms.get(module)
      if (host) this.#settleHost(slot, host)
      else this.#settle(slot as Slot, this.#loadModule(module), undefined)
    }
    if (slot.failed === 0) return slot.code ?? slot.ready
    this.#modules.delete(module)
    throw SysError.of(slot.failed)
  }

  /** Code of a WebAssembly file, or the first bytes of a text. */
  #fromFile(inode: Inode): Code | WaitQueue | Uint8Array {
    const known = this.#files.get(inode)
    if (known && known.version === versionOf(inode)) return this.#fileCode(inode, known)
    const file = inode.open(O.RDONLY)
    try {
      const head = new Uint8Array(HEAD_BYTES)
      const count = file.pread(head, 0)
      if (count === AGAIN) return file.readers
      if (!isWasm(head, count)) return head.subarray(0, count)
    } finally {
      file.unref()
    }
    if (inode.size > this.#limits.programBytes) throw SysError.of(Errno.EFBIG)
    const slot: FileSlot = { ...emptySlot(), version: versionOf(inode), bytes: new Uint8Array(inode.size), filled: 0, compiling: false }
    this.#files.set(inode, slot)
    return this.#fileCode(inode, slot)
  }

  #fileCode(inode: Inode, slot: FileSlot): Code | WaitQueue {
    if (slot.failed !== 0) throw SysError.of(slot.failed)
    if (slot.code) return slot.code
    if (slot.compiling) return slot.ready
    const file = inode.open(O.RDONLY)
    try {
      if (!fill(file, slot)) return file.readers
    } finally {
      file.unref()
    }
    slot.compiling = true
    const gated = this.#gate(slot.bytes)
    slot.bytes = new Uint8Array(0)
    if (gated) this.#settle(slot, wasm.compile(gated.bytes), gated.pages)
    else slot.failed = Errno.ENOEXEC
    return this.#fileCode(inode, slot)
  }

  #settleHost(slot: Slot<Code | HostCode>, program: HostProgram): void {
    program
      .prepare()
      .then(
        () => (slot.code = new HostCode(program)),
        () => (slot.failed = Errno.EIO),
      )
      .finally(() => slot.ready.wakeAll())
  }

  /** `pages`: of a foreign module, the size of its memory. */
  #settle(slot: Slot, compiling: Promise<WasmModule>, pages: number | undefined): void {
    const own = pages === undefined
    compiling.then(
      (module) => {
        slot.code = new Code(module, own, pages)
        slot.ready.wakeAll()
      },
      () => {
        slot.failed = own ? Errno.EIO : Errno.ENOEXEC
        slot.ready.wakeAll()
      },
    )
  }

  /** A WASI command as the gate lets it through; execve(2) has no words for why it does not. */
  #gate(bytes: Uint8Array): GatedModule | undefined {
    try {
      return gateModule(bytes, { name: 'program', abi: 'stdio', limits: this.#limits, size: 'programBytes' })
    } catch (error) {
      if (error instanceof GateError) return undefined
      throw error
    }
  }

  #script(
    head: Uint8Array,
    file: ByteString,
    argv: readonly ByteString[],
    env: readonly ByteString[],
  ): { readonly file: ByteString; readonly argv: readonly ByteString[] } {
    if (head[0] !== 0x23 || head[1] !== 0x21) throw SysError.of(Errno.ENOEXEC)
    const end = head.indexOf(10)
    const line = byteString(head, 2, end < 0 ? head.length : end).replace(/^[ \t]+|[ \t\r]+$/g, '')
    const [, interpreter = '', argument = ''] = /^([^ \t]*)[ \t]*(.*)$/s.exec(line) ?? []
    if (interpreter === '') throw SysError.of(Errno.ENOEXEC)
    const rest = [file, ...argv.slice(1)]
    // What /usr/bin/env would do with one plain name, without a process for it.
    if (interpreter === ENV && /^[^-=\s][^=\s]*$/.test(argument))
      return { file: this.search(this.#vfs.root, argument, env), argv: [argument, ...rest] }
    return { file: interpreter, argv: [interpreter, ...(argument === '' ? [] : [argument]), ...rest] }
  }
}

const emptySlot = (): Slot<never> => ({ code: undefined, failed: 0, ready: new WaitQueue() })
const versionOf = (inode: Inode): string => `${inode.size} ${inode.ctimeSec} ${inode.ctimeNsec}`
const isWasm = (head: Uint8Array, count: number): boolean =>
  count >= 8 && head[0] === 0 && head[1] === 0x61 && head[2] === 0x73 && head[3] === 0x6d

/** Reads on in a file; whether all bytes are there now. ENOEXEC where it is shorter than it was. */
export function fill(file: OpenFile, slot: Pick<FileSlot, 'bytes' | 'filled'>): boolean {
  while (slot.filled < slot.bytes.length) {
    const count = file.pread(slot.bytes.subarray(slot.filled), slot.filled)
    if (count === AGAIN) return false
    if (count === 0) throw SysError.of(Errno.ENOEXEC)
    slot.filled += count
  }
  return true
}
