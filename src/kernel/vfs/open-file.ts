/**
 * An open file description, analogous to Linux's struct file: what dup, spawn and clone share.
 * A file's operations never wait: they return a count from 0 up, or AGAIN; only wasi/blocking.ts suspends and calls again.
 * Errors are thrown as SysError. EPIPE is thrown by the pipe; the signal is the system call layer's.
 */
import { Errno, SysError } from '../errno.ts'
import type { WaitQueue } from '../process/wait-queue.ts'
import type { Inode } from './inode.ts'

/** open(2) flags, Linux's numbers (docs/abi.md, `fd_open`). */
export const O = {
  RDONLY: 0,
  WRONLY: 1,
  RDWR: 2,
  ACCMODE: 3,
  CREAT: 0x40,
  EXCL: 0x80,
  TRUNC: 0x200,
  APPEND: 0x400,
  NONBLOCK: 0x800,
  DIRECTORY: 0x10000,
  NOFOLLOW: 0x20000,
  CLOEXEC: 0x80000,
} as const

export const Poll = { IN: 1, OUT: 4, ERR: 8, HUP: 16 } as const
/** lseek(2), WASI's numbers, which are Linux's. */
export const Whence = { Set: 0, Cur: 1, End: 2 } as const

export abstract class OpenFile {
  /** Descriptors and calls under way that hold it; at 0 it is closed. */
  refs = 1
  /** access mode, APPEND and NONBLOCK */
  flags: number
  /** file position in bytes; unused where seek is ESPIPE */
  offset = 0
  readonly inode: Inode

  constructor(inode: Inode, flags: number) {
    this.inode = inode
    this.flags = flags & (O.ACCMODE | O.APPEND | O.NONBLOCK)
  }

  /** Woken when a read, a sync, a truncate or a write that met absent content may go on. */
  abstract get readers(): WaitQueue
  /** Woken when a write may go on. */
  abstract get writers(): WaitQueue

  /** The next bytes, at most `into.length`; 0 at the end of the file. */
  abstract read(into: Uint8Array): number
  /** How many of the bytes were taken, at least 1 unless `from` is empty. */
  abstract write(from: Uint8Array): number

  pread(_into: Uint8Array, _at: number): number {
    throw SysError.of(Errno.ESPIPE)
  }
  pwrite(_from: Uint8Array, _at: number): number {
    throw SysError.of(Errno.ESPIPE)
  }
  /** The new position. */
  seek(_offset: number, _whence: number): number {
    throw SysError.of(Errno.ESPIPE)
  }
  /** 0, or AGAIN (then wait on `readers`). */
  truncate(_size: number): number {
    throw SysError.of(Errno.EINVAL)
  }
  /** 0 when everything written is durable, AGAIN until then (`readers` is woken). Throws what the commit failed with. */
  sync(): number {
    return 0
  }
  /** Bits of Poll that hold now. */
  poll(): number {
    return Poll.IN | Poll.OUT
  }

  get readable(): boolean {
    return (this.flags & O.ACCMODE) !== O.WRONLY
  }
  get writable(): boolean {
    return (this.flags & O.ACCMODE) !== O.RDONLY
  }

  ref(): this {
    this.refs++
    return this
  }
  /** Drops one reference. */
  unref(): void {
    if (--this.refs === 0) this.close()
  }
  /** Called once, at the last `unref`. */
  protected close(): void {}
}
