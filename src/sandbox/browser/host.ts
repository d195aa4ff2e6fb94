/** What a worker gives the cell of the world: time, randomness, a turn of the event loop. Taken before the powers are removed. */

/** `getRandomValues` gives no more at once. */
const RANDOM_SLICE = 65_536

export const clock = { now: clockFrom(performance.timeOrigin), monotonic: clockFrom(0) }

function clockFrom(origin: number): () => number {
  const { performance } = globalThis
  return () => origin + performance.now()
}

export const random: (into: Uint8Array<ArrayBuffer>) => void = randomFrom(globalThis.crypto)

function randomFrom(crypto: Crypto): (into: Uint8Array<ArrayBuffer>) => void {
  return (into) => {
    for (let at = 0; at < into.length; at += RANDOM_SLICE) crypto.getRandomValues(into.subarray(at, at + RANDOM_SLICE))
  }
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
