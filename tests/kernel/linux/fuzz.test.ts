/** Linux's calls with arguments that nobody would make: each answers 0 or more, or an error that has a name, and the kernel has no fault. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { errnoName } from '../../../src/kernel/errno.ts'
import { LINUX } from '../../../src/kernel/linux/table.ts'
import { readJournal } from '../../../src/protocol/journal.ts'
import { linuxKernel, type Puppet, startLinuxPuppet } from '../../support/puppet.ts'

const WORDS = [0, 1, 2, 3, 4, 5, 7, 8, 64, 100, -1, -100, 0x1000, 0x10000, 0x1ffff, 0x20000, 0x40000, 2 ** 31 - 1, -(2 ** 31), 0x3fffffff]
const LONGS = [0n, 1n, 4096n, -1n, 1n << 32n, (1n << 53n) - 1n, 1n << 53n, (1n << 63n) - 1n, -(1n << 63n)]
const FLOATS = [0, -0, -1, 1e9, 1e300, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]

/** Memory in which a random pointer may well find a path, a pointer or a number of a descriptor. */
function fill(p: Puppet): void {
  for (let at = 4096; at < p.memory.length - 64; at += 4) p.view.setInt32(at, WORDS[(at >> 2) % WORDS.length]!, true)
  for (const [i, text] of ['/tmp/f', '/tmp/d', 'f', '.', '..', '/', '', '/dev/null', '/usr/lib', '/tmp/l'].entries())
    p.memory.set(Buffer.from(`${text}\0`), 0x1000 + 16 * i)
}
const argument = (letter: string): fc.Arbitrary<number | bigint> => {
  if (letter === 'I') return fc.oneof(fc.constantFrom(...LONGS), fc.bigInt(-(1n << 63n), (1n << 63n) - 1n))
  // Not short: nothing is to ring while the test runs.
  if (letter === 'F') return fc.constantFrom(...FLOATS)
  return fc.oneof(fc.constantFrom(...WORDS), fc.integer({ min: 0x1000, max: 0x1000 + 160 }), fc.integer())
}
/** poll waits as long as it is told to, so it is told here. */
const limited = (name: string, args: readonly (number | bigint)[]): readonly (number | bigint)[] =>
  name === 'poll' ? [args[0]!, args[1]!, Math.abs(Number(args[2])) % 3] : args
/** The puppet needs descriptors 0 and 1. */
const takesControl = (name: string, args: readonly (number | bigint)[]): boolean =>
  (name === 'dup3' && Number(args[1]) < 2) || ((name === 'fcntl64' || name === 'ioctl') && Number(args[0]) < 2)

test('T72 no arguments of any call cause a fault of the kernel', { timeout: 60_000 }, async () => {
  const tests = linuxKernel()
  const p = await startLinuxPuppet(tests)
  fill(p)
  const call = fc.constantFrom(...LINUX).chain((row) => fc.tuple(fc.constant(row.name), fc.tuple(...Array.from(row.params, argument))))
  await fc.assert(
    fc.asyncProperty(fc.array(call, { minLength: 1, maxLength: 20 }), async (calls) => {
      for (const [name, args] of calls) {
        if (takesControl(name, args)) continue
        const result = await p.call(name, ...limited(name, args))
        if (result < 0) expect([name, errnoName(-result)]).toEqual([name, expect.stringMatching(/^E[A-Z]/)])
      }
      expect(tests.faults).toEqual([])
    }),
    { numRuns: 1500 },
  )
  tests.kernel.files.journal.post(true, true)
  expect(tests.messages.length).toBeGreaterThan(0)
  // What is written down of all this can be read again.
  for (const { records } of tests.messages) expect([...readJournal(records)]).toBeInstanceOf(Array)
})
