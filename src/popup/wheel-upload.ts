/**
 * One file on its way into a site: it is checked before anything is sent, and then sent in parts, because one message of the
 * extension has a limit. What goes wrong is a sentence for the person.
 */
import { LIMITS } from '../protocol/limits.ts'
import type { WheelsState } from '../protocol/panel.ts'
import { wheelFault, type WheelOp } from '../protocol/wheel.ts'

const PART_BYTES = LIMITS.fsWriteBytes

/** Gives what is in the site then. Rejects with the reason; `onProgress` hears how much is there, from 0 to 1. */
export async function uploadWheel(
  file: File,
  ask: (op: WheelOp) => Promise<WheelsState>,
  onProgress: (share: number) => void,
): Promise<WheelsState> {
  const fault = wheelFault(file.name, file.size, await read(file.slice(0, 4)))
  if (fault !== undefined) throw new Error(fault)
  for (let offset = 0; ; offset += PART_BYTES) {
    const end = offset + PART_BYTES
    const bytes = (await read(file.slice(offset, end))).toBase64()
    const state = await ask({ op: 'add', file: file.name, offset, bytes, last: end >= file.size })
    if (end >= file.size) return state
    onProgress(end / file.size)
  }
}

async function read(part: Blob): Promise<Uint8Array> {
  try {
    return new Uint8Array(await part.arrayBuffer())
  } catch {
    throw new Error('it cannot be read: it is a folder, or it was moved')
  }
}
