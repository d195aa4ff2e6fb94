import { expect, test } from 'vitest'
import { Waiter, WaitQueue } from '../../../src/kernel/process/wait-queue.ts'

function three() {
  const woken: string[] = []
  const queue = new WaitQueue()
  const [a, b, c] = ['a', 'b', 'c'].map((name) => new Waiter(() => woken.push(name))) as [Waiter, Waiter, Waiter]
  for (const waiter of [a, b, c]) queue.add(waiter)
  return { queue, woken, a, b, c }
}

test('who came first is woken first, and has left then', () => {
  const { queue, woken } = three()
  queue.wakeOne()
  queue.wakeOne()
  expect(woken).toEqual(['a', 'b'])
  expect(queue.isEmpty).toBe(false)
  queue.wakeAll()
  queue.wakeAll()
  expect(woken).toEqual(['a', 'b', 'c'])
  expect(queue.isEmpty).toBe(true)
})

test('leaving twice is leaving once, wherever one stands', () => {
  const { queue, woken, a, b, c } = three()
  b.leave()
  b.leave()
  queue.remove(b)
  queue.wakeAll()
  expect(woken).toEqual(['a', 'c'])
  a.leave()
  c.leave()
})

test('a waiter is in one queue at a time', () => {
  const { queue, woken, b } = three()
  const other = new WaitQueue()
  other.add(b)
  queue.wakeAll()
  expect(woken).toEqual(['a', 'c'])
  other.wakeAll()
  expect(woken).toEqual(['a', 'c', 'b'])
})

test('adding again keeps the place', () => {
  const { queue, woken, a } = three()
  queue.add(a)
  queue.wakeOne()
  expect(woken).toEqual(['a'])
})

test('who waits again while all are woken is not woken twice', () => {
  const queue = new WaitQueue()
  let wakes = 0
  const waiter = new Waiter(() => {
    wakes++
    queue.add(waiter)
  })
  queue.add(waiter)
  queue.wakeAll()
  expect(wakes).toBe(1)
  expect(queue.isEmpty).toBe(false)
})
