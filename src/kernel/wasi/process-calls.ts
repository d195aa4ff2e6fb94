/** WASI Preview 1: arguments, environment, clocks, randomness, and the end of the process. */
import { Errno, SysError } from '../errno.ts'
import type { Process } from '../process/process.ts'
import { UNWIND } from '../process/process-table.ts'
import { fromWasiSignal } from '../process/signal.ts'
import { type ByteString, writeByteString } from '../vfs/byte-string.ts'
import { Clockid } from './abi.ts'
import type { GuestMemory } from './memory.ts'
import { WOULD_BLOCK } from './shim.ts'
import { enter, leaveIfEnded, type System } from './system.ts'
import { timeNow } from './times.ts'

const RANDOM_SLICE = 65_536

export const processCalls = (system: System) => ({
  args_get: (pointers: number, buffer: number): number => {
    const process = enter(system)
    return writeStrings(process.guest, process.argv, pointers, buffer)
  },
  args_sizes_get: (count: number, bytes: number): number => {
    const process = enter(system)
    return writeSizes(process.guest, process.argv, count, bytes)
  },
  environ_get: (pointers: number, buffer: number): number => {
    const process = enter(system)
    return writeStrings(process.guest, process.env, pointers, buffer)
  },
  environ_sizes_get: (count: number, bytes: number): number => {
    const process = enter(system)
    return writeSizes(process.guest, process.env, count, bytes)
  },

  clock_res_get(clock: number, out: number): number {
    const process = enter(system)
    if (clock >>> 0 > Clockid.ThreadCpu) throw SysError.of(Errno.EINVAL)
    process.guest.setU64(out, 1000)
    return Errno.SUCCESS
  },

  clock_time_get(clock: number, _precision: bigint, out: number): number {
    const process = enter(system)
    if (clock === Clockid.Realtime) {
      const { sec, nsec } = timeNow(system.clock)
      process.guest.setNanoseconds(out, sec, nsec)
    } else {
      const now = millisecondsOf(system, process, clock)
      const sec = Math.floor(now / 1000)
      process.guest.setNanoseconds(out, sec, Math.floor((now - sec * 1000) * 1e6))
    }
    return Errno.SUCCESS
  },

  random_get(buffer: number, length: number): number {
    const bytes = enter(system).guest.slice(buffer, length)
    for (let at = 0; at < bytes.length; at += RANDOM_SLICE) system.random(bytes.subarray(at, at + RANDOM_SLICE))
    return Errno.SUCCESS
  },

  sched_yield(): number {
    const process = system.scheduler.current!
    return system.blocking.mustYield(process) ? WOULD_BLOCK : Errno.SUCCESS
  },

  proc_exit(status: number): never {
    const process = enter(system)
    system.table.end(process, (status & 0xff) << 8)
    throw UNWIND
  },

  proc_raise(signal: number): number {
    const process = enter(system)
    if (signal < 0 || signal > 30) throw SysError.of(Errno.EINVAL)
    if (signal === 0) return Errno.SUCCESS
    system.table.send(process, fromWasiSignal(signal))
    leaveIfEnded(process)
    return Errno.SUCCESS
  },
})

function millisecondsOf(system: System, process: Process, clock: number): number {
  if (clock === Clockid.Monotonic) return system.clock.monotonic()
  if (clock === Clockid.ProcessCpu || clock === Clockid.ThreadCpu) return system.clock.monotonic() - process.startMs
  throw SysError.of(Errno.EINVAL)
}

function writeStrings(guest: GuestMemory, strings: readonly ByteString[], pointers: number, buffer: number): number {
  let pointer = guest.at(pointers, strings.length * 4)
  let at = guest.at(buffer, bytesOfAll(strings))
  for (const text of strings) {
    guest.setU32(pointer, at)
    writeByteString(text, guest.u8, at)
    guest.u8[at + text.length] = 0
    pointer += 4
    at += text.length + 1
  }
  return Errno.SUCCESS
}

function writeSizes(guest: GuestMemory, strings: readonly ByteString[], count: number, bytes: number): number {
  guest.at(bytes, 4)
  guest.setU32(count, strings.length)
  guest.setU32(bytes, bytesOfAll(strings))
  return Errno.SUCCESS
}

const bytesOfAll = (strings: readonly ByteString[]): number => strings.reduce((sum, text) => sum + text.length + 1, 0)
