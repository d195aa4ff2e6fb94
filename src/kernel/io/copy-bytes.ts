/** Copies `count` bytes between buffers. A loop beats `set(subarray)` for a few bytes: no view is made. */
export function copyBytes(from: Uint8Array, at: number, into: Uint8Array, to: number, count: number): void {
  if (count > 48) {
    into.set(at === 0 && count === from.length ? from : from.subarray(at, at + count), to)
    return
  }
  for (let i = 0; i < count; i++) into[to + i] = from[at + i]!
}
