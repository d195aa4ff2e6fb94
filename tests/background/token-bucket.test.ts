import { expect, test } from 'vitest'
import { TokenBucket } from '../../src/background/token-bucket.ts'

test('a bucket gives its size at once, and then so many a second', () => {
  const bucket = new TokenBucket(3, 2, 0)
  expect([bucket.take(0), bucket.take(0), bucket.take(0), bucket.take(0)]).toEqual([0, 0, 0, 500])
  expect(bucket.take(250)).toBe(250)
  expect(bucket.take(500)).toBe(0)
  expect(bucket.take(500)).toBe(500)
})

test('a clock that goes back gives nothing', () => {
  const bucket = new TokenBucket(1, 1, 1_000)
  expect(bucket.take(1_000)).toBe(0)
  expect(bucket.take(0)).toBe(1_000)
  expect(bucket.take(1_000)).toBe(0)
})
