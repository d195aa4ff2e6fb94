/**
 * A guest's memory as a system call sees it: views that are made again when the buffer has grown, and the only place where a
 * guest's pointers become offsets. A pointer is unsigned, and pointer + length must lie within the memory as it is now: else EFAULT.
 */
import { Errno, SysError } from '../errno.ts'
import { byteString, type ByteString } from '../vfs/byte-string.ts'
import type { WasmMemory } from './webassembly.ts'

const TWO_32 = 0x1_0000_0000

export class GuestMemory {
  readonly memory: WasmMemory
  u8: Uint8Array<ArrayBuffer>
  i32: Int32Array<ArrayBuffer>
  view: DataView<ArrayBuffer>
  /** size in bytes when the views were made */
  bytes: number
  readonly #grown: (bytes: number) => void

  /** `grown` hears by how many bytes the memory has become larger. */
  constructor(memory: WasmMemory, grown: (bytes: number) => void) {
    this.memory = memory
    this.#grown = grown
    const buffer = memory.buffer
    this.bytes = buffer.byteLength
    this.u8 = new Uint8Array(buffer)
    this.i32 = new Int32Array(buffer)
    this.view = new DataView(buffer)
  }

  /** First thing in every system call: growing has detached the buffer that the views are of. */
  refresh(): void {
    if (this.u8.length === 0) this.#renew()
  }

  #renew(): void {
    const buffer = this.memory.buffer
    const grown = buffer.byteLength - this.bytes
    this.bytes = buffer.byteLength
    this.u8 = new Uint8Array(buffer)
    this.i32 = new Int32Array(buffer)
    this.view = new DataView(buffer)
    if (grown !== 0) this.#grown(grown)
  }

  /** The offset of `length` bytes that a guest's pointer names. */
  at(pointer: number, length: number): number {
    const start = pointer >>> 0
    if (start + (length >>> 0) > this.bytes) throw SysError.of(Errno.EFAULT)
    return start
  }

  slice(pointer: number, length: number): Uint8Array {
    const start = this.at(pointer, length)
    return this.u8.subarray(start, start + (length >>> 0))
  }

  string(pointer: number, length: number): ByteString {
    const start = this.at(pointer, length)
    return byteString(this.u8, start, start + (length >>> 0))
  }

  /** The bytes up to the next NUL, as C's strings are. EFAULT where there is none. */
  text(pointer: number): ByteString {
    const start = pointer >>> 0
    const end = this.u8.indexOf(0, start)
    if (start >= this.bytes || end < 0) throw SysError.of(Errno.EFAULT)
    return byteString(this.u8, start, end)
  }

  setU32(pointer: number, value: number): void {
    this.view.setInt32(this.at(pointer, 4), value, true)
  }

  /** A whole number from 0 to 2^53. */
  setU64(pointer: number, value: number): void {
    const at = this.at(pointer, 8)
    this.view.setInt32(at, value | 0, true)
    this.view.setInt32(at + 4, (value / TWO_32) | 0, true)
  }

  /** A whole number between −2^53 and 2^53. */
  setI64(pointer: number, value: number): void {
    const at = this.at(pointer, 8)
    this.view.setInt32(at, value | 0, true)
    this.view.setInt32(at + 4, Math.floor(value / TWO_32), true)
  }

  /** Seconds and nanoseconds, 64 bits each, as struct timespec is. */
  setTimespec(pointer: number, sec: number, nsec: number): void {
    this.setI64(pointer, sec)
    this.setU64(pointer + 8, nsec)
  }

  /** `sec` whole seconds since the epoch (negative ones count modulo 2^64) and `nsec` nanoseconds as one count of nanoseconds. */
  setNanoseconds(pointer: number, sec: number, nsec: number): void {
    const at = this.at(pointer, 8)
    // The product has more than 53 bits: its low half is exact modulo 2^32, and the rest is the multiple of 2^32 nearest to the float.
    const low = (Math.imul(sec | 0, 1e9) + nsec) | 0
    this.view.setInt32(at, low, true)
    this.view.setInt32(at + 4, Math.round((sec * 1e9 + nsec - (low >>> 0)) / TWO_32), true)
  }
}
