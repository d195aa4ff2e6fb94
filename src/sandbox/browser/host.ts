/** What a worker gives the cell of the world: time, randomness, a turn of the event loop. Taken before the powers are removed. */

/** `getRandomValues` gives no more at once. */
const RANDOM_SLICE = 65_536

const { clearTimeout, console, crypto, performance, setTimeout } = globalThis

export const clock = {
  now: (): number => performance.timeOrigin + performance.now(),
  monotonic: (): number => performance.now(),
}

export function random(into: Uint8Array): void {
  for (let at = 0; at < into.length; at += RANDOM_SLICE)
    crypto.getRandomValues(into.subarray(at, at + RANDOM_SLICE) as Uint8Array<ArrayBuffer>)
}

export function timer(milliseconds: number, task: () => void): () => void {
  const id = setTimeout(task, milliseconds)
  return () => clearTimeout(id)
}

export function report(error: unknown): void {
  console.error(error)
}

/** Runs `task` after what the event loop has waiting: messages, timers. A timer of 0 ms would be held back to 4 ms. */
export const macrotask = macrotasks()

function macrotasks(): (task: () => void) => void {
  const { port1, port2 } = new MessageChannel()
  const tasks: (() => void)[] = []
  port1.addEventListener('message', () => tasks.shift()?.())
  port1.start()
  return (task) => {
    tasks.push(task)
    port2.postMessage(null)
  }
}
