/** Times as WASI gives them: nanoseconds in 64 bits, and flags that say which to set. */
import type { Clock } from '../clock.ts'
import { Errno, SysError } from '../errno.ts'
import type { NewTimes } from '../vfs/inode.ts'
import { Fstflag } from './abi.ts'

interface Time {
  readonly sec: number
  readonly nsec: number
}

export function timeNow(clock: Clock): Time {
  const now = clock.now()
  const sec = Math.floor(now / 1000)
  return { sec, nsec: Math.floor((now - sec * 1000) * 1e6) }
}

const fromNanoseconds = (ns: bigint): Time => {
  const unsigned = BigInt.asUintN(64, ns)
  return { sec: Number(unsigned / 1_000_000_000n), nsec: Number(unsigned % 1_000_000_000n) }
}

/** What `fst_flags` ask for. A time that is both given and "now" is EINVAL. `toNow`: all that is set is set to now. */
export function newTimes(clock: Clock, flags: number, atim: bigint, mtim: bigint): { readonly times: NewTimes; readonly toNow: boolean } {
  const both = (a: number, b: number): boolean => (flags & a) !== 0 && (flags & b) !== 0
  if (flags >>> 4 || both(Fstflag.ATIM, Fstflag.ATIM_NOW) || both(Fstflag.MTIM, Fstflag.MTIM_NOW)) throw SysError.of(Errno.EINVAL)
  const now = timeNow(clock)
  const atime = flags & Fstflag.ATIM ? fromNanoseconds(atim) : flags & Fstflag.ATIM_NOW ? now : undefined
  const mtime = flags & Fstflag.MTIM ? fromNanoseconds(mtim) : flags & Fstflag.MTIM_NOW ? now : undefined
  return {
    times: { ...(atime ? { atime } : {}), ...(mtime ? { mtime } : {}) },
    toNow: (flags & (Fstflag.ATIM | Fstflag.MTIM)) === 0,
  }
}
