/** A real cell process: runs, streams, file operations, faults, and what is left after it is killed. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FsValue } from '../../src/protocol/cell.ts'
import { LIMITS } from '../../src/protocol/limits.ts'
import { FileOperations } from '../../src/sandbox/cell/file-operations.ts'
import { auditTree } from '../support/audit-tree.ts'
import { JournalStore } from '../support/journal-store.ts'
import { Tree } from '../support/tree.ts'
import { TestCell } from '../support/cell-process.ts'

let cell: TestCell
beforeAll(async () => {
  cell = await TestCell.ready()
})
afterAll(async () => {
  await cell.end()
})

describe('a run', () => {
  test('prints and exits', async () => {
    expect(await cell.run(['echo', 'hi'])).toMatchObject({ stdout: 'hi\n', stderr: '', status: 0, changed: [] })
  })
  test('gives its status and its error text', async () => {
    expect(await cell.run(['cat', 'missing'])).toMatchObject({ stdout: '', stderr: 'cat: missing: No such file or directory\n', status: 1 })
  })
  test('reads its standard input to the end', async () => {
    expect(await cell.run(['wc', '-c'], 'x'.repeat(300_000))).toMatchObject({ stdout: '300000\n', status: 0 })
  })
  test('has an empty standard input where there is none', async () => {
    expect(await cell.run(['cat'])).toMatchObject({ stdout: '', status: 0 })
  })
  test('of a program that does not exist answers 127', async () => {
    expect(await cell.run(['no-such-program'])).toMatchObject({ status: 127, error: { errno: 44 } })
  })
  test('tells what it changed', async () => {
    await cell.run(['tee', 'made.txt'], 'one')
    expect(await cell.run(['tee', '-a', 'made.txt', 'new.txt'], 'two')).toMatchObject({
      changed: [
        { path: '/home/user/made.txt', kind: 'modified' },
        { path: '/home/user/new.txt', kind: 'created' },
      ],
    })
    expect(await cell.read('made.txt')).toBe('onetwo')
  })
  test('several go on at the same time', async () => {
    const runs = ['a', 'b', 'c', 'd'].map((name) => cell.run(['cat'], name.repeat(100_000)))
    const outputs = (await Promise.all(runs)).map(({ stdout }) => [stdout[0], stdout.length])
    expect(outputs).toEqual([
      ['a', 100_000],
      ['b', 100_000],
      ['c', 100_000],
      ['d', 100_000],
    ])
  })
  test('that never ends by itself is ended by a signal', async () => {
    const { call, finished } = cell.start(['cat'], { stdin: true })
    cell.say({ t: 'kill', call, signal: 15 })
    expect(await finished).toMatchObject({ status: 143, signal: 15 })
  })
})

describe('output', () => {
  test('waits when there is no credit, and goes on when there is', async () => {
    const slow = await TestCell.ready({ credit: false, limits: { outputCreditBytes: 100_000 } })
    const { call, finished } = slow.start(['head', '-c', '250000', '/dev/zero'])
    await slow.next((message) => message.t === 'beat')
    expect(slow.output(call, 1).length).toBe(100_000)
    slow.say({ t: 'credit', call, fd: 1, bytes: 50_000 })
    await slow.next((message) => message.t === 'beat')
    expect(slow.output(call, 1).length).toBe(150_000)
    slow.say({ t: 'credit', call, fd: 1, bytes: 1e6 })
    const { stdout, status } = await finished
    expect([stdout.length, status]).toEqual([250_000, 0])
    await slow.end()
  })
  test('that nobody reads any more ends its writer with SIGPIPE', async () => {
    const { call, finished } = cell.start(['yes'])
    await cell.next((message) => message.t === 'out' && message.call === call)
    cell.say({ t: 'close', call, fd: 1 })
    expect(await finished).toMatchObject({ status: 141, signal: 13 })
  })
})

describe('file operations', () => {
  test('write in each mode, and read parts', async () => {
    const bytes = new TextEncoder().encode('abc')
    const op = { op: 'write', path: 'deep/er/f', bytes, offset: 0, mkdirs: true } as const
    expect(await cell.fs({ ...op, mkdirs: false, mode: 'replace' })).toEqual({ errno: 44, message: 'Cannot write "deep/er/f": ENOENT' })
    expect(await cell.fs({ ...op, mode: 'replace' })).toEqual({ op: 'write', path: '/home/user/deep/er/f', bytes: 3, size: 3 })
    expect(await cell.fs({ ...op, mode: 'append' })).toEqual({ op: 'write', path: '/home/user/deep/er/f', bytes: 3, size: 6 })
    expect(await cell.fs({ ...op, mode: 'at', offset: 5 })).toEqual({ op: 'write', path: '/home/user/deep/er/f', bytes: 3, size: 8 })
    expect(await cell.read('deep/er/f')).toBe('abcababc')
    expect(await cell.fs({ op: 'read', path: '/home/user/deep/er/f', offset: 5, length: 2 })).toEqual({
      op: 'read',
      bytes: new TextEncoder().encode('ab'),
      size: 8,
      eof: false,
    })
    expect(await cell.fs({ op: 'read', path: 'deep/er/f', offset: 100, length: 2 })).toMatchObject({ bytes: new Uint8Array(0), eof: true })
    expect(await cell.fs({ op: 'read', path: 'deep', offset: 0, length: 2 })).toEqual({ errno: 31, message: 'Cannot read "deep": EISDIR' })
  })
  test('list page by page, also below', async () => {
    for (const name of ['l/a/1', 'l/a/2', 'l/b', 'l/c/d/e']) await cell.write(name, name)
    const pages: string[][] = []
    let cursor: string | undefined
    do {
      const page = (await cell.fs({
        op: 'list',
        path: 'l',
        recursive: true,
        limit: 3,
        ...(cursor === undefined ? {} : { cursor }),
      })) as Extract<FsValue, { op: 'list' }>
      pages.push(page.entries.map((entry) => entry.name))
      cursor = page.next
    } while (cursor !== undefined)
    expect(pages).toEqual([['a', 'a/1', 'a/2'], ['b', 'c', 'c/d'], ['c/d/e']])
    expect(await cell.fs({ op: 'list', path: 'l', recursive: false, limit: 2 })).toMatchObject({
      entries: [
        { name: 'a', type: 'directory' },
        { name: 'b', type: 'file', size: 3, mode: 0o644 },
      ],
      next: 'b',
    })
    expect(await cell.fs({ op: 'list', path: 'l/b', recursive: false, limit: 2 })).toMatchObject({ errno: 54 })
  })
  test('stat, move, mkdir and remove', async () => {
    await cell.write('s/f', 'four')
    expect(await cell.fs({ op: 'stat', path: 's/f', follow: true })).toMatchObject({
      stat: { type: 'file', size: 4, mode: 0o644, nlink: 1 },
    })
    expect(await cell.fs({ op: 'mkdir', path: 's/x/y', parents: false, mode: 0o700 })).toMatchObject({ errno: 44 })
    expect(await cell.fs({ op: 'mkdir', path: 's/x/y', parents: true, mode: 0o700 })).toEqual({ op: 'mkdir' })
    await cell.write('s/g', 'other')
    expect(await cell.fs({ op: 'move', from: 's/f', to: 's/g', overwrite: false })).toEqual({
      errno: 20,
      message: 'Cannot move "s/f": EEXIST',
    })
    expect(await cell.fs({ op: 'move', from: 's/f', to: 's/g', overwrite: true })).toEqual({ op: 'move' })
    expect(await cell.read('s/g')).toBe('four')
    expect(await cell.fs({ op: 'remove', path: 's', recursive: false })).toMatchObject({ errno: 55 })
    expect(await cell.fs({ op: 'remove', path: 's', recursive: true })).toEqual({ op: 'remove' })
    expect(await cell.fs({ op: 'stat', path: 's', follow: true })).toMatchObject({ errno: 44 })
    expect(await cell.fs({ op: 'stat', path: '/bin/echo', follow: true })).toMatchObject({ stat: { type: 'file', mode: 0o755 } })
    expect(await cell.fs({ op: 'stat', path: '/dev/stdin', follow: false })).toMatchObject({
      stat: { type: 'symlink', target: '/proc/self/fd/0' },
    })
  })
  test('T56 a tree of 20,000 directories in each other is removed, and too deep to list', async () => {
    const kernel = new Tree()
    let dir = kernel.home
    for (let i = 0; i < 20_000; i++) {
      kernel.vfs.mkdir(dir, 'd', 0o755, false)
      dir = kernel.vfs.resolve(dir, 'd', true, false) as typeof dir
    }
    const operations = new FileOperations(kernel.vfs, LIMITS)
    const list = operations.perform({ op: 'list', path: 'd', recursive: true, limit: 1e6 })
    await expect(list).rejects.toMatchObject({ message: 'ENAMETOOLONG' })
    await operations.perform({ op: 'remove', path: 'd', recursive: true })
    expect(kernel.list('.')).toEqual([])
  })
  test('a directory that may not be emptied stays', async () => {
    const kernel = new Tree()
    kernel.mkdir('d')
    kernel.put('d/f', '')
    kernel.chmod('d', 0o500)
    const operations = new FileOperations(kernel.vfs, LIMITS)
    await expect(operations.perform({ op: 'remove', path: 'd', recursive: true })).rejects.toMatchObject({ message: 'EACCES' })
    await expect(operations.perform({ op: 'remove', path: '/home', recursive: true })).rejects.toMatchObject({ message: 'EACCES' })
    expect(kernel.list('d')).toEqual(['f'])
  })
  test('paths are confined to the cell', async () => {
    expect(await cell.read('../../../../../../etc/hostname')).toBe('tidepool\n')
    expect(await cell.read('a\0b')).toBe('Cannot read "a\0b": EINVAL')
  })
})

describe('after a kill', () => {
  test('a new cell has every acknowledged write, with its content faulted in', async () => {
    const first = await TestCell.ready()
    await first.write('small', 'kept')
    await first.run(['tee', 'by-a-run'], 'x'.repeat(200_000))
    const { finished } = first.start(['yes'])
    finished.catch(() => {})
    await first.end()
    const second = await TestCell.ready({ store: first.store })
    expect(await second.read('small')).toBe('kept')
    expect(await second.run(['cat', 'by-a-run'])).toMatchObject({ status: 0, stderr: '', stdout: 'x'.repeat(200_000) })
    expect(first.store.faults.length).toBe(5)
    await second.end()
  })
  test('T99 ten times in a write loop every acknowledged write is there, and the tree is whole', async () => {
    let store = new JournalStore()
    const acknowledged = new Map<string, string>()
    for (let round = 0; round < 10; round++) {
      const killed = await TestCell.ready({ store })
      for (const [path, text] of acknowledged) expect([path, await killed.read(path)]).toEqual([path, text])
      const churn = 'while :; do echo a > t; mv t u; mkdir -p d/e; cp u d/e/f; rm -r d; echo b >> log; done'
      killed.start(['sh', '-c', churn]).finished.catch(() => {})
      const write = async (path: string, text: string): Promise<void> => {
        await killed.write(path, text)
        acknowledged.set(path, text)
      }
      const writing = (async () => {
        for (let i = 0; ; i++) await write(`r${round}/${i}`, `round ${round} write ${i} ${'x'.repeat(i * 397)}`)
      })().catch(() => {})
      await new Promise((resolve) => setTimeout(resolve, 40 + round * 11))
      await killed.end()
      await writing
      store = killed.store.afterDeath()
    }
    expect(acknowledged.size).toBeGreaterThan(20)
    const tree = new Tree({ store })
    for (const [path, text] of acknowledged) expect([path, tree.text(path)]).toEqual([path, text])
    auditTree(tree)
  }, 60_000)
  test('many small files come back', async () => {
    const first = await TestCell.ready()
    const bytes = new TextEncoder().encode('content')
    const writes = Array.from({ length: 1_000 }, (_, i) =>
      first.fs({ op: 'write', path: `many/${i % 10}/${i}`, bytes, mode: 'replace', offset: 0, mkdirs: true }),
    )
    await Promise.all(writes)
    await first.end()
    const second = await TestCell.ready({ store: first.store })
    const listed = (await second.fs({ op: 'list', path: 'many', recursive: true, limit: 5_000 })) as Extract<FsValue, { op: 'list' }>
    expect(listed.entries.length).toBe(1_010)
    expect(await second.read('many/7/997')).toBe('content')
    await second.end()
  })
})

test('a seed makes clock and randomness repeat', async () => {
  const look = async (): Promise<string[]> => {
    const seeded = await TestCell.ready({ seed: 42 })
    const { stdout } = await seeded.run(['head', '-c', '16', '/dev/urandom'])
    await seeded.write('f', 'x')
    const { stat } = (await seeded.fs({ op: 'stat', path: 'f', follow: true })) as Extract<FsValue, { op: 'stat' }>
    await seeded.end()
    return [stdout, String(stat.mtime)]
  }
  const first = await look()
  expect(await look()).toEqual(first)
  expect(first[0]).not.toBe('')
})
