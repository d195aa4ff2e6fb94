/**
 * Makes the engine collect this worker's garbage. Memories that a cell has given up count against the renderer's 125 until then, and
 * the engine would collect them only if this very worker ran out of them. What makes it hurry is a lot of external memory; the
 * buffers here are never written, so they take address space only.
 */
const PRESSURE_BYTES = 128 * 1024 * 1024
const ROUNDS = 64

/** A buffer that nobody looks at might never be made. */
const seen = { bytes: 0 }
const press = (buffer: ArrayBuffer): void => void (seen.bytes = buffer.byteLength)

const { setTimeout } = globalThis
const turn = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 0))

export async function collectGarbage(): Promise<void> {
  const witness = new WeakRef({})
  // A reference that was looked at lives until its turn ends.
  await turn()
  for (let round = 0; round < ROUNDS && witness.deref(); round++) {
    press(new ArrayBuffer(PRESSURE_BYTES))
    await turn()
  }
  // What the engine calls when something has been collected comes in a turn of its own.
  await turn()
}
