/** A file on which a call has to wait until a test lets its content arrive, and what shows that nothing is done to it twice. */
import { expect } from 'vitest'
import { AGAIN } from '../../src/kernel/errno.ts'
import { WaitQueue } from '../../src/kernel/process/wait-queue.ts'
import { OpenFile } from '../../src/kernel/vfs/open-file.ts'

/** A file whose content comes when the test says so; it counts what is done to it. */
export class SlowFile extends OpenFile {
  readonly queue = new WaitQueue()
  ready = false
  readonly done: string[] = []
  override get readers(): WaitQueue {
    return this.queue
  }
  override get writers(): WaitQueue {
    return this.queue
  }
  #once(what: string, result: number): number {
    if (!this.ready) return AGAIN
    this.done.push(what)
    return result
  }
  override read(into: Uint8Array): number {
    if (this.ready) into.fill(120)
    return this.#once(`read ${into.length}`, into.length)
  }
  override write(from: Uint8Array): number {
    return this.#once(`write ${from.length}`, from.length)
  }
  override pread(into: Uint8Array, at: number): number {
    return this.#once(`pread ${into.length} at ${at}`, into.length)
  }
  override pwrite(from: Uint8Array, at: number): number {
    return this.#once(`pwrite ${from.length} at ${at}`, from.length)
  }
  override truncate(size: number): number {
    return this.#once(`truncate ${size}`, 0)
  }
  override sync(): number {
    return this.#once('sync', 0)
  }
  arrive(): void {
    this.ready = true
    this.queue.wakeAll()
  }
}

/** Makes the call, wakes it twice without need and then with the content there; gives its result. */
export async function wokenThrice(file: SlowFile, result: Promise<number>): Promise<number> {
  for (let i = 0; i < 2; i++) {
    await new Promise((resolve) => setTimeout(resolve, 2))
    file.queue.wakeAll()
  }
  await new Promise((resolve) => setTimeout(resolve, 2))
  expect(file.done).toEqual([])
  file.arrive()
  return result
}
