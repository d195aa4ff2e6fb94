/**
 * Reading and writing through scatter/gather lists, readv(2) and writev(2): fd_read, fd_write, fd_pread, fd_pwrite.
 * A list is checked whole before the first byte moves; a transfer that has moved bytes and then fails or would wait answers with
 * what it moved, as Linux does, except that a write to a pipe goes on until all is taken.
 */
import { AGAIN, Errno, SysError } from '../errno.ts'
import type { Process } from '../process/process.ts'
import { Signal } from '../process/signal.ts'
import { FileKind } from '../vfs/inode.ts'
import { O, type OpenFile } from '../vfs/open-file.ts'
import { Right } from './abi.ts'
import type { GuestMemory } from './memory.ts'
import { WOULD_BLOCK } from './shim.ts'
import { descriptorWith, enter, leaveIfEnded, type System } from './system.ts'

/** IOV_MAX of Linux */
const IOVECS = 1024

/** Checks a list of iovecs; gives the sum of their lengths. */
function checkList(guest: GuestMemory, list: number, count: number): number {
  if (count >>> 0 > IOVECS) throw SysError.of(Errno.EINVAL)
  const start = guest.at(list, count * 8)
  let total = 0
  for (let i = 0; i < count; i++) {
    const length = guest.view.getUint32(start + i * 8 + 4, true)
    guest.at(guest.view.getUint32(start + i * 8, true), length)
    total += length
  }
  if (total > 0x7fffffff) throw SysError.of(Errno.EINVAL)
  return total
}

/** Applies `step` to each piece, from byte `skip` of the list on, until one is taken in part. Gives the bytes moved, or AGAIN. */
function eachPiece(
  guest: GuestMemory,
  list: number,
  count: number,
  skip: number,
  step: (piece: Uint8Array, done: number) => number,
): number {
  const start = list >>> 0
  let done = 0
  let before = 0
  for (let i = 0; i < count; i++) {
    const pointer = guest.view.getUint32(start + i * 8, true)
    const length = guest.view.getUint32(start + i * 8 + 4, true)
    const from = Math.max(0, skip - before)
    before += length
    if (from >= length) continue
    let moved: number
    try {
      moved = step(guest.u8.subarray(pointer + from, pointer + length), done)
    } catch (error) {
      if (done > 0 && error instanceof SysError && error.errno !== Errno.EPIPE) return done
      throw error
    }
    if (moved === AGAIN) return done > 0 ? done : AGAIN
    done += moved
    if (moved < length - from) return done
  }
  return done
}

/** The queue that an AGAIN of a write means: a regular file waits for content, all else for room. */
const writeQueue = (file: OpenFile): OpenFile['readers'] => (file.inode.kind === FileKind.File ? file.readers : file.writers)

/**
 * Making a view costs more than copying a few bytes, so short transfers go through one buffer of which there is a view of each length.
 * A file copies what it is given before it returns.
 */
const SHORT = 64
const shortBuffer = new ArrayBuffer(SHORT)
const shortViews = Array.from({ length: SHORT + 1 }, (_, length) => new Uint8Array(shortBuffer, 0, length))

function readOne(guest: GuestMemory, file: OpenFile, pointer: number, length: number): number {
  if (length > SHORT) return file.read(guest.u8.subarray(pointer, pointer + length))
  const view = shortViews[length]!
  const moved = file.read(view)
  const { u8 } = guest
  for (let i = 0; i < moved; i++) u8[pointer + i] = view[i]!
  return moved
}

function writeOne(guest: GuestMemory, file: OpenFile, pointer: number, length: number): number {
  const { u8 } = guest
  if (length > SHORT) return file.write(u8.subarray(pointer, pointer + length))
  const view = shortViews[length]!
  for (let i = 0; i < length; i++) view[i] = u8[pointer + i]!
  return file.write(view)
}

export function fdRead(system: System, fd: number, list: number, count: number, out: number): number {
  const process = enter(system)
  if (system.blocking.mustYield(process)) return WOULD_BLOCK
  const { guest } = process
  const { file } = descriptorWith(process, fd, Right.READ)
  if (!file.readable) throw SysError.of(Errno.EBADF)
  const result = guest.at(out, 4)
  let moved: number
  if (count === 1) {
    const at = guest.at(list, 8)
    const pointer = guest.view.getUint32(at, true)
    const length = guest.view.getUint32(at + 4, true)
    guest.at(pointer, length)
    moved = readOne(guest, file, pointer, length)
  } else {
    checkList(guest, list, count)
    moved = eachPiece(guest, list, count, 0, (piece) => file.read(piece))
  }
  if (moved === AGAIN) return file.flags & O.NONBLOCK ? Errno.EAGAIN : system.blocking.wait(process, file.readers)
  if (moved > 4095) system.blocking.charge(moved)
  guest.view.setInt32(result, moved, true)
  return Errno.SUCCESS
}

export function fdWrite(system: System, fd: number, list: number, count: number, out: number): number {
  const process = enter(system)
  if (system.blocking.mustYield(process)) return WOULD_BLOCK
  const { guest } = process
  const { file } = descriptorWith(process, fd, Right.WRITE)
  if (!file.writable) throw SysError.of(Errno.EBADF)
  const result = guest.at(out, 4)
  const total = checkList(guest, list, count)
  const before = process.written
  let moved: number
  try {
    moved =
      count === 1
        ? writeOne(guest, file, guest.view.getUint32(list >>> 0, true) + before, total - before)
        : eachPiece(guest, list, count, before, (piece) => file.write(piece))
  } catch (error) {
    process.written = 0
    return writeFailed(system, process, error, before, result)
  }
  if (moved > 4095) system.blocking.charge(moved)
  const written = before + (moved === AGAIN ? 0 : moved)
  if (written < total && (moved === AGAIN || file.inode.kind !== FileKind.File) && !(file.flags & O.NONBLOCK)) {
    process.written = written
    return waitToWrite(system, process, file, written, result)
  }
  process.written = 0
  if (moved === AGAIN && written === 0) return Errno.EAGAIN
  guest.view.setInt32(result, written, true)
  return Errno.SUCCESS
}

/** A write that a signal breaks off answers with what was taken, if anything was. */
function waitToWrite(system: System, process: Process, file: OpenFile, written: number, result: number): number {
  const answer = system.blocking.wait(process, writeQueue(file))
  if (answer === WOULD_BLOCK) return WOULD_BLOCK
  process.written = 0
  if (written === 0) return answer
  process.guest.view.setInt32(result, written, true)
  return Errno.SUCCESS
}

function writeFailed(system: System, process: Process, error: unknown, written: number, result: number): number {
  if (!(error instanceof SysError)) throw error
  if (error.errno === Errno.EPIPE) {
    system.table.send(process, Signal.PIPE)
    leaveIfEnded(process)
  }
  if (written === 0) throw error
  process.guest.view.setInt32(result, written, true)
  return Errno.SUCCESS
}

export function fdPread(system: System, fd: number, list: number, count: number, offset: bigint, out: number): number {
  const process = enter(system)
  if (system.blocking.mustYield(process)) return WOULD_BLOCK
  const { guest } = process
  const { file } = descriptorWith(process, fd, Right.READ)
  if (!file.readable) throw SysError.of(Errno.EBADF)
  const at = fileOffset(offset)
  const result = guest.at(out, 4)
  checkList(guest, list, count)
  const moved = eachPiece(guest, list, count, 0, (piece, done) => file.pread(piece, at + done))
  if (moved === AGAIN) return system.blocking.wait(process, file.readers)
  if (moved > 4095) system.blocking.charge(moved)
  guest.view.setInt32(result, moved, true)
  return Errno.SUCCESS
}

export function fdPwrite(system: System, fd: number, list: number, count: number, offset: bigint, out: number): number {
  const process = enter(system)
  if (system.blocking.mustYield(process)) return WOULD_BLOCK
  const { guest } = process
  const { file } = descriptorWith(process, fd, Right.WRITE)
  if (!file.writable) throw SysError.of(Errno.EBADF)
  const at = fileOffset(offset)
  const result = guest.at(out, 4)
  checkList(guest, list, count)
  const moved = eachPiece(guest, list, count, 0, (piece, done) => file.pwrite(piece, at + done))
  if (moved === AGAIN) return system.blocking.wait(process, writeQueue(file))
  if (moved > 4095) system.blocking.charge(moved)
  guest.view.setInt32(result, moved, true)
  return Errno.SUCCESS
}

/** A position from 0 up; beyond 2^53 there is no file. */
export function fileOffset(offset: bigint): number {
  const at = Number(offset)
  if (at < 0) throw SysError.of(Errno.EINVAL)
  if (!Number.isSafeInteger(at)) throw SysError.of(Errno.EFBIG)
  return at
}
