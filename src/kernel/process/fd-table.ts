/**
 * The descriptors of one process: small numbers, each an open file description with a close-on-exec mark and WASI's rights.
 * Numbers are Unix numbers (docs/abi.md); preopens are not in this table. Every slot holds one reference to its description.
 */
import { Errno, SysError } from '../errno.ts'
import type { OpenFile } from '../vfs/open-file.ts'

/** All rights of WASI Preview 1. */
export const ALL_RIGHTS = 0x1fffffff

export class Descriptor {
  readonly file: OpenFile
  closeOnExec: boolean
  /** WASI rights; they only ever shrink, by `fd_fdstat_set_rights`. */
  rights = ALL_RIGHTS
  inheriting = ALL_RIGHTS

  constructor(file: OpenFile, closeOnExec: boolean) {
    this.file = file
    this.closeOnExec = closeOnExec
  }

  copy(closeOnExec: boolean): Descriptor {
    const copy = new Descriptor(this.file.ref(), closeOnExec)
    copy.rights = this.rights
    copy.inheriting = this.inheriting
    return copy
  }
}

export class FdTable {
  readonly limit: number
  #slots: (Descriptor | undefined)[] = []

  constructor(limit: number) {
    this.limit = limit
  }

  /** Throws EBADF. */
  get(fd: number): Descriptor {
    const descriptor = this.#slots[fd]
    if (descriptor === undefined) throw SysError.of(Errno.EBADF)
    return descriptor
  }

  peek(fd: number): Descriptor | undefined {
    return this.#slots[fd]
  }

  /** Open numbers, ascending. */
  numbers(): number[] {
    return this.#slots.flatMap((slot, fd) => (slot ? [fd] : []))
  }

  /** Throws EMFILE where no number ≥ min is free. Call it before making what it shall hold. */
  lowestFree(min = 0): number {
    let fd = min
    while (this.#slots[fd] !== undefined) fd++
    if (fd >= this.limit) throw SysError.of(Errno.EMFILE)
    return fd
  }

  /** Takes over the caller's reference; gives the lowest free number. */
  add(file: OpenFile, closeOnExec: boolean, min = 0): number {
    let fd: number
    try {
      fd = this.lowestFree(min)
    } catch (error) {
      file.unref()
      throw error
    }
    this.#put(fd, new Descriptor(file, closeOnExec))
    return fd
  }

  /** `fcntl(F_DUPFD)` */
  duplicate(fd: number, min: number, closeOnExec: boolean): number {
    const from = this.get(fd)
    if (min < 0 || min >= this.limit) throw SysError.of(Errno.EINVAL)
    const to = this.lowestFree(min)
    this.#put(to, from.copy(closeOnExec))
    return to
  }

  /** `dup3(2)`, but equal numbers are a success that changes nothing. */
  duplicateTo(from: number, to: number, closeOnExec: boolean): void {
    const descriptor = this.get(from)
    if (to < 0 || to >= this.limit) throw SysError.of(Errno.EBADF)
    if (from !== to) this.#replace(to, descriptor.copy(closeOnExec))
  }

  /** WASI's `fd_renumber`: `to` becomes what `from` was, `from` is closed. */
  move(from: number, to: number): void {
    const descriptor = this.get(from)
    this.get(to)
    if (from === to) return
    this.#slots[from] = undefined
    this.#replace(to, descriptor)
  }

  close(fd: number): void {
    const descriptor = this.get(fd)
    this.#slots[fd] = undefined
    descriptor.file.unref()
  }

  closeAll(): void {
    const slots = this.#slots
    this.#slots = []
    for (const slot of slots) slot?.file.unref()
  }

  closeMarked(): void {
    for (const fd of this.numbers()) if (this.#slots[fd]!.closeOnExec) this.close(fd)
  }

  /** The same numbers over the same descriptions, as fork gives them. */
  copy(): FdTable {
    const table = new FdTable(this.limit)
    table.#slots = this.#slots.map((slot) => slot?.copy(slot.closeOnExec))
    return table
  }

  #put(fd: number, descriptor: Descriptor): void {
    while (this.#slots.length < fd) this.#slots.push(undefined)
    this.#slots[fd] = descriptor
  }

  #replace(fd: number, descriptor: Descriptor): void {
    const old = this.#slots[fd]
    this.#put(fd, descriptor)
    old?.file.unref()
  }
}
