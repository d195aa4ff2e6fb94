/** What the journal sends, when, and what it does when a commit fails. */
import { describe, expect, test } from 'vitest'
import { AGAIN } from '../../src/kernel/errno.ts'
import type { JournalMessage } from '../../src/kernel/journal.ts'
import { Waiter } from '../../src/kernel/process/wait-queue.ts'
import { O } from '../../src/kernel/vfs/open-file.ts'
import { chunkOfOffset, type JournalRecord, JournalWriter, readJournal } from '../../src/protocol/journal.ts'
import { JournalStore } from '../support/journal-store.ts'
import { errnoOf, Tree } from '../support/tree.ts'

const EIO = 29
const ENOSPC = 51

/** A tree whose first message (the system's files) is out and committed, and what it posts from then on. */
function quiet(options: ConstructorParameters<typeof Tree>[0] = {}): { tree: Tree; posted: () => JournalMessage[] } {
  const tree = new Tree(options)
  tree.booted.journal.committed(tree.store.seq)
  const from = tree.store.messages.length
  return { tree, posted: () => tree.store.messages.slice(from) }
}
const records = (message: JournalMessage): JournalRecord[] => [...readJournal(message.records)]
const briefly = (message: JournalMessage): string[] =>
  records(message).map((record) => {
    switch (record.t) {
      case 'inode':
        return `inode ${record.ino} size ${record.size} keep ${record.keepChunks}`
      case 'entry':
        return `entry ${new TextDecoder().decode(record.name)} ${record.ino}`
      case 'data':
        return `data ${record.ino} ${record.index} ${record.length}`
      case 'forget':
      case 'target':
      case 'extent':
        return `${record.t} ${record.ino}`
    }
  })

describe('a message', () => {
  test('names a new file, its directory and its content once, however often they changed', () => {
    const { tree, posted } = quiet()
    const home = tree.home.ino
    for (let i = 0; i < 5; i++) tree.put('f', `content ${i}`)
    const { ino } = tree.stat('f')
    tree.booted.journal.post(true, false)
    expect(posted().map(briefly)).toEqual([
      [`inode ${home} size 0 keep 0`, `inode ${ino} size 9 keep 0`, `entry f ${ino}`, `data ${ino} 0 9`],
    ])
    expect(new TextDecoder().decode(posted()[0]!.blobs[0])).toBe('content 4')
  })
  test('does not name what came and went in between', () => {
    const { tree, posted } = quiet()
    const home = tree.home.ino
    tree.put('temporary', 'x')
    tree.mkdir('d')
    tree.put('d/f', 'x')
    tree.unlink('d/f')
    tree.rmdir('d')
    tree.unlink('temporary')
    tree.booted.journal.post(true, false)
    expect(posted().map(briefly)).toEqual([[`inode ${home} size 0 keep 0`]])
  })
  test('forgets what is gone, when its last description is closed', () => {
    const { tree, posted } = quiet()
    tree.put('f', 'x')
    tree.booted.journal.post(true, false)
    const { ino } = tree.stat('f')
    const open = tree.open('f', O.RDWR)
    tree.unlink('f')
    tree.booted.journal.post(true, false)
    open.write(new Uint8Array(3))
    open.unref()
    tree.booted.journal.post(true, false)
    expect(briefly(posted()[1]!)).toEqual([`inode ${tree.home.ino} size 0 keep 0`, 'entry f 0'])
    expect(briefly(posted()[2]!)).toEqual([`forget ${ino}`])
  })
  test('says how many chunks were kept at the least, and sends the chunk that was cut', () => {
    const { tree, posted } = quiet()
    tree.put('f', new Uint8Array(300_000))
    tree.booted.journal.post(true, false)
    const open = tree.open('f', O.RDWR)
    open.truncate(70_000)
    open.truncate(200_000)
    tree.booted.journal.post(true, false)
    const { ino } = tree.stat('f')
    expect(briefly(posted()[1]!)).toEqual([`inode ${ino} size 200000 keep 2`, `data ${ino} 1 4464`])
    open.truncate(0)
    tree.booted.journal.post(true, false)
    expect(briefly(posted()[2]!)).toEqual([`inode ${ino} size 0 keep 0`])
    open.unref()
  })
  test('sends only the chunks that were written', () => {
    const { tree, posted } = quiet()
    tree.put('f', new Uint8Array(300_000))
    tree.booted.journal.post(true, false)
    const open = tree.open('f', O.RDWR)
    open.pwrite(new Uint8Array(1), 140_000)
    tree.booted.journal.post(true, false)
    const { ino } = tree.stat('f')
    expect(briefly(posted()[1]!)).toEqual([`inode ${ino} size 300000 keep 5`, `data ${ino} 2 65536`])
    open.unref()
  })
  test('puts small contents into one blob', () => {
    const { tree, posted } = quiet()
    for (let i = 0; i < 100; i++) tree.put(`f${i}`, `file ${i}`)
    tree.booted.journal.post(true, false)
    expect(posted().map((message) => message.blobs.length)).toEqual([1])
  })
  test('is cut when it is large; only its last part ends at the barrier', () => {
    const { tree, posted } = quiet()
    tree.put('f', new Uint8Array(10 * 1024 * 1024).fill(1))
    tree.booted.journal.post(true, true)
    expect(posted().map(({ barrier, urgent }) => ({ barrier, urgent }))).toEqual([
      { barrier: false, urgent: false },
      { barrier: false, urgent: false },
      { barrier: true, urgent: true },
    ])
    for (const { blobs } of posted()) expect(blobs.reduce((sum, blob) => sum + blob.length, 0)).toBeLessThan(6 * 1024 * 1024)
    tree.reboot()
    expect(tree.bytes('f').every((byte) => byte === 1)).toBe(true)
  })
  test('is cut when it names very many files', () => {
    const { tree, posted } = quiet()
    for (let i = 0; i < 20_000; i++) tree.put(`${'n'.repeat(200)}${i}`, '')
    tree.booted.journal.post(true, false)
    expect(posted().length).toBeGreaterThan(1)
    for (const message of posted()) expect(message.records.length).toBeLessThan(5 * 1024 * 1024)
    tree.reboot()
    expect(tree.list('.').length).toBe(20_000)
  })
})

describe('messages are posted', () => {
  test('50 ms after the last one, without a barrier, while something is dirty', () => {
    const { tree, posted } = quiet()
    const open = tree.open('f', O.RDWR | O.CREAT)
    open.write(new Uint8Array(1))
    tree.clock.ms += 40
    tree.booted.tick()
    expect(posted()).toEqual([])
    tree.clock.ms += 20
    tree.booted.tick()
    expect(posted().map(({ barrier }) => barrier)).toEqual([false])
    tree.clock.ms += 60
    tree.booted.tick()
    expect(posted().length).toBe(1)
    open.unref()
  })
  test('with a barrier when a written file is closed, but not for each of many', () => {
    const { tree, posted } = quiet()
    tree.clock.ms += 10
    for (let i = 0; i < 100; i++) tree.put(`f${i}`, 'x')
    expect(posted().map(({ barrier }) => barrier)).toEqual([true])
    tree.clock.ms += 10
    tree.put('f0', 'y')
    expect(posted().map(({ barrier }) => barrier)).toEqual([true, true])
  })
  test('for a barrier even when all that was dirty is out', () => {
    const { tree, posted } = quiet()
    tree.put('f', 'x')
    tree.booted.journal.post(false, false)
    const seq = tree.booted.journal.post(true, false)
    expect(posted().map((message) => [message.seq, message.barrier, message.records.length > 0])).toEqual([
      [seq - 1, false, true],
      [seq, true, false],
    ])
    expect(tree.booted.journal.post(true, false)).toBe(seq)
  })
  test('only for who waits while 64 MiB are under way', () => {
    const { tree, posted } = quiet()
    tree.put('big', new Uint8Array(65 * 1024 * 1024))
    tree.booted.journal.post(true, false)
    const count = posted().length
    tree.put('f', 'x')
    tree.clock.ms += 100
    tree.booted.tick()
    expect(posted().length).toBe(count)
    tree.booted.journal.post(true, true)
    expect(posted().length).toBe(count + 1)
    tree.booted.journal.committed(tree.booted.journal.seq)
    tree.put('f', 'y')
    tree.clock.ms += 100
    tree.booted.tick()
    expect(posted().length).toBe(count + 2)
  })
})

describe('fsync', () => {
  test('waits until the commit, and wakes who waits', () => {
    const { tree, posted } = quiet()
    const open = tree.open('f', O.RDWR | O.CREAT)
    open.write(new Uint8Array(5))
    expect(open.sync()).toBe(AGAIN)
    expect(posted().map(({ barrier, urgent }) => ({ barrier, urgent }))).toEqual([{ barrier: true, urgent: true }])
    let woken = 0
    open.readers.add(new Waiter(() => woken++))
    expect(open.sync()).toBe(AGAIN)
    tree.booted.journal.committed(posted()[0]!.seq)
    expect(woken).toBe(1)
    expect(open.sync()).toBe(0)
    expect(open.sync()).toBe(0)
    expect(posted().length).toBe(1)
    open.unref()
  })
  test('answers with what the commit failed with, once', () => {
    const { tree, posted } = quiet()
    const open = tree.open('f', O.RDWR | O.CREAT)
    open.write(new Uint8Array(5))
    expect(open.sync()).toBe(AGAIN)
    tree.booted.journal.failed(posted()[0]!.seq, ENOSPC)
    expect(errnoOf(() => open.sync())).toBe('ENOSPC')
    expect(open.sync()).toBe(AGAIN)
    expect(posted().map(({ urgent }) => urgent)).toEqual([true, true])
    tree.booted.journal.committed(posted()[1]!.seq)
    expect(open.sync()).toBe(0)
    open.unref()
  })
  test('takes what another description has written meanwhile along', () => {
    const { tree, posted } = quiet()
    const open = tree.open('f', O.RDWR | O.CREAT)
    open.write(new Uint8Array(5))
    expect(open.sync()).toBe(AGAIN)
    open.write(new Uint8Array(5))
    expect(open.sync()).toBe(AGAIN)
    tree.booted.journal.committed(posted()[0]!.seq)
    expect(open.sync()).toBe(AGAIN)
    tree.booted.journal.committed(posted()[1]!.seq)
    expect(open.sync()).toBe(0)
    open.unref()
  })
})

describe('T103 a commit that failed', () => {
  test('leaves everything as it is in the cell, and nothing is sent twice', () => {
    const { tree, posted } = quiet()
    tree.put('f', 'first')
    const seq = tree.booted.journal.post(true, false)
    tree.booted.journal.failed(seq, ENOSPC)
    expect(tree.text('f')).toBe('first')
    expect(tree.booted.journal.post(true, false)).toBe(seq)
    expect(posted().length).toBe(1)
    expect(tree.booted.files.memory.evict(1e9)).toBe(1024)
    tree.booted.journal.committed(tree.booted.journal.post(true, true))
    expect(posted().map(({ records: { length }, urgent }) => [length > 0, urgent])).toEqual([
      [true, false],
      [false, true],
    ])
    expect(tree.booted.files.memory.evict(1e9)).toBe(256)
  })
})

describe('content in memory', () => {
  test('gives way when it is clean and committed, and comes back', () => {
    const { tree } = quiet()
    const content = Uint8Array.from({ length: 200_000 }, (_, i) => i & 0xff)
    tree.put('f', content)
    const { memory } = tree.booted.files
    memory.evict(1e9)
    expect(memory.evict(1e9)).toBe(0)
    const seq = tree.booted.journal.post(true, false)
    expect(memory.evict(1e9)).toBe(0)
    tree.booted.journal.committed(seq)
    tree.put('g', 'dirty')
    const before = memory.residentBytes
    expect(memory.evict(1e9)).toBeGreaterThanOrEqual(200_000)
    expect(memory.residentBytes).toBeLessThan(before)
    expect(tree.text('g')).toBe('dirty')
    expect(tree.store.faults).toEqual([])
    expect(tree.bytes('f')).toEqual(content)
    expect(tree.store.faults.map(({ index }) => index)).toEqual([0, 1, 2, 3])
  })
  test('that cannot be had is EIO on that file, and is asked for again', () => {
    const failing = new JournalStore()
    const tree = new Tree({ store: failing })
    tree.put('f', 'x')
    tree.put('g', 'y')
    tree.reboot()
    const fault = failing.fault.bind(failing)
    failing.fault = (_mount, _ino, _index, done) => done(EIO)
    expect(errnoOf(() => tree.text('f'))).toBe('EIO')
    failing.fault = fault
    expect(tree.text('f')).toBe('x')
    expect(tree.text('g')).toBe('y')
  })
  test('that is overwritten whole is not asked for', () => {
    const tree = new Tree()
    tree.put('f', new Uint8Array(65_536))
    tree.reboot()
    const open = tree.open('f', O.RDWR)
    expect(open.pwrite(new Uint8Array(65_536).fill(1), 0)).toBe(65_536)
    expect(tree.store.faults).toEqual([])
    open.unref()
    tree.reboot()
    expect(tree.bytes('f')[65_535]).toBe(1)
  })
  test('arriving late does not undo what was written or cut meanwhile', () => {
    const store = new JournalStore()
    store.delayed = true
    const tree = new Tree({ store })
    tree.put('f', 'old content')
    tree.put('g', 'old content')
    tree.reboot()
    const f = tree.open('f', O.RDWR)
    const g = tree.open('g', O.RDWR)
    expect(f.read(new Uint8Array(4))).toBe(AGAIN)
    expect(g.read(new Uint8Array(4))).toBe(AGAIN)
    expect(f.pwrite(new Uint8Array(11).fill(0x78), 0)).toBe(11)
    expect(g.truncate(0)).toBe(0)
    store.deliver()
    expect(tree.text('f')).toBe('xxxxxxxxxxx')
    expect(tree.text('g')).toBe('')
    f.unref()
    g.unref()
  })
})

describe('boot metadata', () => {
  test('with inodes that no name leads to drops and forgets them', () => {
    const { tree, posted } = quiet()
    tree.put('f', 'x')
    const { ino } = tree.stat('f')
    tree.booted.journal.post(true, false)
    tree.open('f', O.RDONLY)
    tree.unlink('f')
    tree.reboot()
    expect(tree.list('.')).toEqual([])
    expect(posted().flatMap(briefly)).toContain(`forget ${ino}`)
  })
  test('gives new inodes numbers that were never used', () => {
    const tree = new Tree()
    tree.put('f', 'x')
    const { ino } = tree.stat('f')
    tree.reboot()
    tree.put('g', 'x')
    expect(tree.stat('g').ino).toBe(ino + 1)
  })
  test('of a file with holes names its chunks, and only those are charged and asked for', () => {
    const tree = new Tree()
    const open = tree.open('f', O.RDWR | O.CREAT)
    open.pwrite(new Uint8Array([1, 2, 3]), 300 * 1024 * 1024)
    open.truncate(2 ** 33)
    open.unref()
    const empty = tree.open('empty', O.RDWR | O.CREAT)
    empty.truncate(2 ** 33)
    empty.unref()
    const { usedBytes } = tree.booted.files
    const writer = new JournalWriter()
    const { ino } = tree.stat('f')
    const index = chunkOfOffset(300 * 1024 * 1024)
    tree.booted.journal.post(true, true)
    const length = records(tree.store.messages.at(-1)!).flatMap((record) =>
      record.t === 'data' && record.ino === ino ? [record.length] : [],
    )
    writer.data(ino, index, 0, 0, length[0]!)
    writer.data(tree.stat('empty').ino, 0, 0, 0, 0)
    tree.store.sparse = [writer.take()]
    tree.reboot()
    expect(tree.booted.files.usedBytes).toBe(usedBytes)
    const again = tree.open('f', O.RDONLY)
    const bytes = new Uint8Array(4).fill(9)
    expect(again.pread(bytes, 2 ** 32)).toBe(4)
    expect([...bytes]).toEqual([0, 0, 0, 0])
    expect(tree.store.faults).toEqual([])
    expect(again.pread(bytes, 300 * 1024 * 1024 - 1)).toBe(4)
    expect([...bytes]).toEqual([0, 1, 2, 3])
    expect(tree.store.faults.map((fault) => fault.index)).toEqual([index])
    again.unref()
  })
  test('charges what the files hold', () => {
    const tree = new Tree()
    tree.put('f', new Uint8Array(100_000))
    tree.symlink('x'.repeat(100), 'l')
    tree.link('f', 'g')
    tree.booted.journal.post(true, true)
    const { usedBytes, usedInodes } = tree.booted.files
    tree.reboot()
    expect([tree.booted.files.usedBytes, tree.booted.files.usedInodes]).toEqual([usedBytes, usedInodes])
    tree.unlink('f')
    tree.unlink('g')
    tree.unlink('l')
    expect(tree.booted.files.usedBytes).toBe(usedBytes - 102_400 - 4_096)
  })
})
