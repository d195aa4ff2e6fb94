import { describe, expect, test } from 'vitest'
import { AGAIN } from '../../../src/kernel/errno.ts'
import { Waiter } from '../../../src/kernel/process/wait-queue.ts'
import { O, Poll } from '../../../src/kernel/vfs/open-file.ts'
import { errnoOf, Tree } from '../../support/tree.ts'

const tree = new Tree()
const pipe = () => tree.vfs.pipe()
const bytes = (length: number, fill = 0) => new Uint8Array(length).fill(fill)

describe('a pipe', () => {
  test('gives bytes in order, however they were cut', () => {
    const [reader, writer] = pipe()
    writer.write(new Uint8Array([1, 2]))
    writer.write(new Uint8Array([3, 4, 5]))
    const into = bytes(4)
    expect(reader.read(into)).toBe(4)
    expect([...into]).toEqual([1, 2, 3, 4])
    expect(reader.read(into)).toBe(1)
    expect(into[0]).toBe(5)
  })
  test('keeps the order around the end of its ring', () => {
    const [reader, writer] = pipe()
    const into = bytes(50_000)
    let next = 0
    let expected = 0
    for (let round = 0; round < 20; round++) {
      const from = Uint8Array.from({ length: 50_000 }, () => next++ & 0xff)
      expect(writer.write(from)).toBe(50_000)
      expect(reader.read(into)).toBe(50_000)
      expect(into.every((byte) => byte === (expected++ & 0xff))).toBe(true)
    }
  })
  test('makes a reader wait while it is empty and has a writer, and ends then', () => {
    const [reader, writer] = pipe()
    expect(reader.read(bytes(1))).toBe(AGAIN)
    expect(reader.read(bytes(0))).toBe(0)
    writer.write(bytes(1))
    writer.unref()
    expect(reader.read(bytes(9))).toBe(1)
    expect(reader.read(bytes(9))).toBe(0)
  })
  test('takes 64 KiB, a part of a longer write, and then makes the writer wait', () => {
    const [reader, writer] = pipe()
    expect(writer.write(bytes(60_000))).toBe(60_000)
    expect(writer.write(bytes(10_000))).toBe(5_536)
    expect(writer.write(bytes(10_000))).toBe(AGAIN)
    expect(writer.write(bytes(1))).toBe(AGAIN)
    expect(reader.read(bytes(100))).toBe(100)
    expect(writer.write(bytes(10_000))).toBe(100)
  })
  test('takes up to 4,096 bytes whole or not at all', () => {
    const [reader, writer] = pipe()
    writer.write(bytes(65_536 - 4_000))
    expect(writer.write(bytes(4_096))).toBe(AGAIN)
    expect(writer.write(bytes(4_097))).toBe(4_000)
    reader.read(bytes(4_096))
    expect(writer.write(bytes(4_096))).toBe(4_096)
  })
  test('is EPIPE to write to when nobody reads', () => {
    const [reader, writer] = pipe()
    writer.write(bytes(1))
    reader.unref()
    expect(errnoOf(() => writer.write(bytes(1)))).toBe('EPIPE')
    expect(errnoOf(() => writer.write(bytes(0)))).toBe('EPIPE')
  })
  test('lives while any description of an end is left', () => {
    const [reader, writer] = pipe()
    writer.ref()
    writer.unref()
    expect(reader.read(bytes(1))).toBe(AGAIN)
    writer.unref()
    expect(reader.read(bytes(1))).toBe(0)
  })
  test('wakes readers at a write and at the end, writers when there is room for any small write', () => {
    const [reader, writer] = pipe()
    const woken: string[] = []
    reader.readers.add(new Waiter(() => woken.push('reader')))
    writer.write(bytes(65_536))
    expect(woken).toEqual(['reader'])
    writer.writers.add(new Waiter(() => woken.push('writer')))
    reader.read(bytes(4_095))
    expect(woken).toEqual(['reader'])
    reader.read(bytes(1))
    expect(woken).toEqual(['reader', 'writer'])
    reader.readers.add(new Waiter(() => woken.push('end')))
    writer.unref()
    expect(woken).toEqual(['reader', 'writer', 'end'])
  })
  test('tells poll what is possible', () => {
    const [reader, writer] = pipe()
    expect([reader.poll(), writer.poll()]).toEqual([0, Poll.OUT])
    writer.write(bytes(65_536))
    expect([reader.poll(), writer.poll()]).toEqual([Poll.IN, 0])
    writer.ref()
    reader.unref()
    expect(writer.poll()).toBe(Poll.OUT | Poll.ERR)
    const [lonely, gone] = pipe()
    gone.unref()
    expect(lonely.poll()).toBe(Poll.HUP)
  })
  test('cannot be used the wrong way round, sought or cut', () => {
    const [reader, writer] = pipe()
    expect(errnoOf(() => reader.write(bytes(1)))).toBe('EBADF')
    expect(errnoOf(() => writer.read(bytes(1)))).toBe('EBADF')
    expect(errnoOf(() => reader.seek(0, 0))).toBe('ESPIPE')
    expect(errnoOf(() => reader.pread(bytes(1), 0))).toBe('ESPIPE')
    expect(errnoOf(() => writer.truncate(0))).toBe('EINVAL')
    expect([reader.flags & O.ACCMODE, writer.flags & O.ACCMODE]).toEqual([O.RDONLY, O.WRONLY])
  })
  test('may be smaller than an atomic write', () => {
    const small = new Tree({ limits: { pipeBytes: 512 } })
    const [reader, writer] = small.vfs.pipe()
    expect(writer.write(bytes(1_000))).toBe(512)
    const woken: string[] = []
    writer.writers.add(new Waiter(() => woken.push('writer')))
    expect(reader.read(bytes(512))).toBe(512)
    expect(woken).toEqual(['writer'])
  })
})
