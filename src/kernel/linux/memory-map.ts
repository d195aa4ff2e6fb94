/**
 * mmap(2) of a file, as Emscripten has it: memory that holds a copy. What a shared writable mapping has changed goes back into the
 * file at msync and munmap; other processes see it then.
 */
import { AGAIN, Errno, SysError } from '../errno.ts'
import type { Process } from '../process/process.ts'
import { FileKind } from '../vfs/inode.ts'
import { Access, allowed } from '../vfs/vfs.ts'
import { enter, type System } from '../wasi/system.ts'
import { Map as MapFlag } from './abi.ts'
import { sizeOf } from './paths.ts'

const ALIGN = 65_536

interface Filling {
  readonly address: number
  done: number
}

export function memoryMapCalls(system: System) {
  /** mappings whose content is on its way */
  const filling = new WeakMap<Process, Filling>()
  /** how far the write of a process has come */
  const written = new WeakMap<Process, number>()

  /** 0, or WOULD_BLOCK. */
  function writeBack(process: Process, address: number, length: number, fd: number, offset: bigint): number {
    let done = written.get(process) ?? 0
    written.delete(process)
    const { file } = process.fds.get(fd)
    const { guest } = process
    const start = sizeOf(offset)
    const most = Math.min(length >>> 0, Math.max(0, file.inode.size - start))
    const at = guest.at(address, most)
    while (done < most) {
      const count = file.pwrite(guest.u8.subarray(at + done, at + most), start + done)
      if (count === AGAIN) {
        written.set(process, done)
        return system.blocking.waitUninterrupted(process, file.readers)
      }
      done += count
    }
    return 0
  }

  return {
    mmap(length: number, protection: number, flags: number, fd: number, offset: bigint, outAllocated: number, outAddress: number): number {
      const process = enter(system)
      const known = filling.get(process)
      // Until it has to wait again: a call that fails leaves nothing to go on with.
      filling.delete(process)
      const { file } = process.fds.get(fd)
      if (file.inode.kind !== FileKind.File) throw SysError.of(Errno.ENODEV)
      const writes = isWritten(protection, flags)
      if (!file.readable || (writes && (!file.writable || !allowed(file.inode, Access.Write)))) throw SysError.of(Errno.EACCES)
      if (length === 0) throw SysError.of(Errno.EINVAL)
      const start = sizeOf(offset)
      for (const out of [outAllocated, outAddress]) process.guest.at(out, 4)
      const state = known ?? { address: allocate(process, length), done: 0 }
      const { guest } = process
      const at = guest.at(state.address, length)
      const most = length >>> 0
      while (state.done < most) {
        const count = file.pread(guest.u8.subarray(at + state.done, at + most), start + state.done)
        if (count === AGAIN) {
          filling.set(process, state)
          return system.blocking.waitUninterrupted(process, file.readers)
        }
        if (count === 0) break
        state.done += count
      }
      guest.u8.fill(0, at + state.done, at + most)
      guest.setU32(outAllocated, 1)
      guest.setU32(outAddress, state.address)
      return 0
    },

    msync(address: number, length: number, protection: number, flags: number, fd: number, offset: bigint): number {
      const process = enter(system)
      process.fds.get(fd)
      return isWritten(protection, flags) ? writeBack(process, address, length, fd, offset) : 0
    },

    /** The memory itself is freed by libc. */
    munmap(address: number, length: number, protection: number, flags: number, fd: number, offset: bigint): number {
      const process = enter(system)
      if (!isWritten(protection, flags) || !process.fds.peek(fd)) return 0
      return writeBack(process, address, length, fd, offset)
    },
  }
}

/** Whether changes go back into the file. */
const isWritten = (protection: number, flags: number): boolean => (protection & MapFlag.WRITE) !== 0 && (flags & MapFlag.SHARED) !== 0

function allocate(process: Process, length: number): number {
  const address = process.instance.allocate?.(ALIGN, length) ?? 0
  process.guest.refresh()
  if (address === 0) throw SysError.of(Errno.ENOMEM)
  return address
}
