/**
 * Instances ready for the next process. Making one of a 3 MB module costs 1 ms and a memory, of which there are few; putting a used one
 * back into its first state costs tens of microseconds. Only modules of our own build are kept (docs/abi.md, "The shape of a module":
 * their whole state is memory and three globals), and only when the coroutine that ran in them has unwound. Of others the memory is kept.
 * Memories that have grown large are kept while processes run and bytes allow, and given up when the cell is idle.
 */
import type { Limits } from '../../protocol/limits.ts'
import { Errno, SysError } from '../errno.ts'
import { START } from '../module/gated-module.ts'
import type { GuestMemory } from '../wasi/memory.ts'
import { PAGE, wasm, type WasmFunction, type WasmGlobal, type WasmImports, type WasmInstance } from '../wasi/webassembly.ts'
import type { MemoryBudget } from './memory-budget.ts'
import { growTo, MemoryPool, type SpareMemory } from './memory-pool.ts'
import type { HostInstance } from './host-program.ts'
import type { ProcessInstance } from './process.ts'
import type { Code } from './program.ts'

/** A module's instance over a memory, and what the kernel needs to run it. */
export class Instance implements ProcessInstance {
  readonly code: Code
  readonly guest: GuestMemory
  readonly exports: Readonly<Record<string, unknown>>
  readonly start: () => Promise<unknown>
  /** A foreign module's start function, which runs before `start`. */
  readonly initialize: (() => Promise<unknown>) | undefined
  readonly cloneEntry: ((argument: number) => Promise<unknown>) | undefined
  /** Own modules only: the whole mutable state besides memory. */
  readonly globals: OwnGlobals | undefined
  /** So many pages, counted from the first, may differ from zero and from the image. */
  dirtyPages = 0
  /** Its quota is less than a process may have, or was not set yet. */
  isLimited = true

  constructor(code: Code, guest: GuestMemory, instance: WasmInstance) {
    this.code = code
    this.guest = guest
    this.exports = instance.exports
    const start = wasm.promising(instance.exports['_start'] as WasmFunction)
    this.start = () => start()
    const initialize = code.own ? undefined : instance.exports[START]
    this.initialize = typeof initialize === 'function' ? wasm.promising(initialize as WasmFunction) : undefined
    const entry = code.own ? instance.exports['proc_clone_entry'] : undefined
    this.cloneEntry = entry ? wasm.promising(entry as WasmFunction) : undefined
    this.globals = code.own ? ownGlobals(instance.exports) : undefined
  }

  get isForeign(): boolean {
    return !this.code.own
  }

  /** Pages that the program has, by its own count. */
  get pages(): number {
    return this.globals?.pages.value ?? this.guest.memory.buffer.byteLength / PAGE
  }
}

interface OwnGlobals {
  readonly stackPointer: WasmGlobal
  readonly pages: WasmGlobal
  readonly limit: WasmGlobal
}

function ownGlobals(exports: Readonly<Record<string, unknown>>): OwnGlobals {
  return {
    stackPointer: exports['__stack_pointer'] as WasmGlobal,
    pages: exports['__vm_pages'] as WasmGlobal,
    limit: exports['__vm_limit'] as WasmGlobal,
  }
}

/** What a module's memory and globals hold right after instantiation; outside `from` … `from + bytes.length` all is zero. */
interface Image {
  readonly bytes: Uint8Array
  readonly from: number
  readonly pages: number
  readonly stackPointer: number
}

/** More idle instances than this are not kept beside each other: the least recently used one gives its memory to a new module. */
const IDLE_MAX = 16
/** A module's import does not say through this interface how large a memory it needs: start here, and grow until it links. */
const FIRST_PAGES = 24

export class InstancePool {
  readonly #budget: MemoryBudget
  readonly #own: WasmImports
  readonly #foreign: WasmImports
  readonly #processBytes: number
  readonly #processPages: number
  readonly #poolBytes: number
  readonly #drops: number
  /** gives up an idle instance of a host program */
  readonly #trimHost: () => boolean
  readonly #memories: MemoryPool
  /** memories that cannot grow to all that a process may have, of the size that was asked for last */
  #bounded: { readonly maximumPages: number; readonly memories: MemoryPool } | undefined
  readonly #images = new WeakMap<Code, Image>()
  /** least recently used first */
  readonly #idle: Instance[] = []

  constructor(budget: MemoryBudget, own: WasmImports, foreign: WasmImports, limits: Limits, trimHost: () => boolean = () => false) {
    this.#budget = budget
    this.#own = own
    this.#foreign = foreign
    this.#processBytes = limits.processMemoryBytes
    this.#processPages = Math.floor(limits.processMemoryBytes / PAGE)
    this.#poolBytes = limits.memoryPoolBytes
    this.#drops = limits.memoryPoolDrops
    this.#trimHost = trimHost
    this.#memories = new MemoryPool(budget, this.#processPages, () => this.#evict())
  }

  /** An instance in its first state. Throws EAGAIN where the cell has no memory left for it. */
  acquire(code: Code): Instance {
    const kept = this.#takeIdle(code)
    if (kept) this.#restore(kept)
    return kept ?? this.#instantiate(code)
  }

  /** An instance with the memory and the globals of `parent`, as fork makes it. */
  acquireCopy(parent: Instance): Instance {
    const copy = this.#takeIdle(parent.code) ?? this.#instantiate(parent.code)
    const from = parent.globals!
    const to = copy.globals!
    const pages = from.pages.value
    const bytes = pages * PAGE
    const dirty = Math.max(copy.dirtyPages, copy.pages)
    copy.guest.refresh()
    growTo(copy.guest, pages)
    copy.guest.u8.set(parent.guest.u8.subarray(0, bytes))
    if (dirty > pages) copy.guest.u8.fill(0, bytes, dirty * PAGE)
    copy.dirtyPages = pages
    to.stackPointer.value = from.stackPointer.value
    to.pages.value = pages
    this.limit(copy)
    return copy
  }

  /** A memory for an instance of a host program, all zero, which can grow to `maximumPages`. Throws EAGAIN or ENOMEM. */
  takeMemory(pages: number, maximumPages: number): GuestMemory {
    return this.#memoriesOf(maximumPages).take(pages, false)
  }

  /** Takes it back when its instance will not run any more. */
  giveMemory(guest: GuestMemory, maximumPages: number): void {
    guest.refresh()
    this.#memoriesOf(maximumPages).give({ guest, dirtyPages: guest.bytes / PAGE })
  }

  #memoriesOf(maximumPages: number): MemoryPool {
    if (maximumPages >= this.#processPages) return this.#memories
    if (this.#bounded?.maximumPages !== maximumPages) {
      while (this.#bounded?.memories.drop(0));
      this.#bounded = { maximumPages, memories: new MemoryPool(this.#budget, maximumPages, () => undefined) }
    }
    return this.#bounded.memories
  }

  /** Gives up a spare memory that is larger than `bytes`. */
  #dropSpare(bytes: number): boolean {
    return this.#memories.drop(bytes) || (this.#bounded?.memories.drop(bytes) ?? false)
  }

  /** After a run whose coroutine has unwound. */
  release(instance: ProcessInstance): void {
    if (instance instanceof Instance) this.#release(instance)
    else (instance as HostInstance).release()
    this.#relieve()
    this.trim()
  }

  #release(instance: Instance): void {
    const { guest } = instance
    guest.refresh()
    if (instance.code.own) {
      instance.dirtyPages = Math.max(instance.dirtyPages, instance.pages)
      this.#idle.push(instance)
    } else this.#memories.give({ guest, dirtyPages: guest.bytes / PAGE })
  }

  /** Gives up idle memories beyond the allowance. */
  trim(): void {
    while (this.#budget.held > this.#budget.allowance && (this.#trimHost() || this.#dropSpare(0) || this.#dropIdle(0)));
  }

  /** No process runs any more: gives up what has grown too large to keep, unless many that were given up are not collected yet. */
  dropLarge(): void {
    while (this.#budget.uncollected < this.#drops && this.#dropLargest());
  }

  /** Gives up large idle memories while there are fewer bytes left than a process may ask for. */
  #relieve(): void {
    while (this.#budget.freeBytes < this.#processBytes && this.#dropLargest());
  }

  #dropLargest(): boolean {
    const dropped = this.#dropSpare(this.#poolBytes) || this.#dropIdle(this.#poolBytes) || this.#trimHost()
    if (dropped) this.#budget.drops++
    return dropped
  }

  #dropIdle(bytes: number): boolean {
    const index = this.#idle.findIndex((instance) => instance.guest.bytes > bytes)
    const [instance] = index < 0 ? [] : this.#idle.splice(index, 1)
    if (instance) this.#budget.drop(instance.guest.memory)
    return instance !== undefined
  }

  #evict(): SpareMemory | undefined {
    return this.#idle.shift()
  }

  /** How far the program may grow until it is set again: its own quota, and what is left of the cell's. Called at each resumption. */
  limit(instance: ProcessInstance): void {
    if (!(instance instanceof Instance)) return
    let isTight = this.#budget.freeBytes < this.#processBytes
    if (isTight && this.#idle.length > 0) {
      this.#relieve()
      isTight = this.#budget.freeBytes < this.#processBytes
    }
    if (!isTight && !instance.isLimited) return
    instance.isLimited = isTight
    if (!instance.globals) return
    const real = instance.guest.memory.buffer.byteLength / PAGE
    instance.globals.limit.value = Math.min(this.#processPages, Math.floor(real + this.#budget.freeBytes / PAGE))
  }

  /** The last one used; one whose memory is not large, where there is such a one. */
  #takeIdle(code: Code): Instance | undefined {
    if (!code.own) return undefined
    let found = -1
    for (let i = this.#idle.length - 1; i >= 0; i--) {
      if (this.#idle[i]!.code !== code) continue
      if (found < 0) found = i
      if (this.#idle[i]!.guest.bytes <= this.#poolBytes) {
        found = i
        break
      }
    }
    return found < 0 ? undefined : this.#idle.splice(found, 1)[0]
  }

  #restore(instance: Instance): void {
    const image = this.#images.get(instance.code)!
    const { guest, globals } = instance
    const end = image.from + image.bytes.length
    guest.u8.fill(0, 0, image.from)
    guest.u8.set(image.bytes, image.from)
    guest.u8.fill(0, end, instance.dirtyPages * PAGE)
    instance.dirtyPages = image.pages
    globals!.stackPointer.value = image.stackPointer
    globals!.pages.value = image.pages
    this.limit(instance)
  }

  #instantiate(code: Code): Instance {
    const pages = this.#images.get(code)?.pages ?? code.pages ?? Math.min(FIRST_PAGES, this.#processPages)
    const guest = this.#memories.take(pages, this.#idle.length >= IDLE_MAX)
    try {
      const instance = new Instance(code, guest, this.#link(code, guest))
      instance.dirtyPages = instance.pages
      if (code.own && !this.#images.has(code)) this.#images.set(code, imageOf(instance))
      this.limit(instance)
      return instance
    } catch (error) {
      this.#budget.drop(guest.memory)
      // A foreign module may fail in any way: data beyond its memory, a table beyond the engine's limit.
      throw code.own || error instanceof SysError ? error : SysError.of(Errno.ENOEXEC)
    }
  }

  #link(code: Code, guest: GuestMemory): WasmInstance {
    const imports = code.own ? this.#own : this.#foreign
    for (;;) {
      try {
        return new wasm.Instance(code.module, { ...imports, env: { memory: guest.memory } })
      } catch (error) {
        const pages = guest.bytes / PAGE
        const mayBeSize = code.pages === undefined && !this.#images.has(code) && error instanceof Error && error.name === 'LinkError'
        if (!mayBeSize || pages >= this.#processPages) throw error
        growTo(guest, Math.min(pages * 2, this.#processPages))
      }
    }
  }
}

function imageOf(instance: Instance): Image {
  const { u8, i32 } = instance.guest
  const end = (instance.pages * PAGE) / 4
  let from = 0
  while (from < end && i32[from] === 0) from++
  let to = end
  while (to > from && i32[to - 1] === 0) to--
  const globals = instance.globals!
  return {
    bytes: u8.slice(from * 4, to * 4),
    from: from * 4,
    pages: globals.pages.value,
    stackPointer: globals.stackPointer.value,
  }
}
