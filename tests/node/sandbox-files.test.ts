/** File operations of `Sandbox` and of the fs_ tools through a real cell: a locked child process over SQLite or memory. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FileError, Sandbox } from '../../src/node/index.ts'
import { mountTree } from '../../src/node/mounts.ts'
import { nodePlatform } from '../../src/node/node-platform.ts'
import { callTool } from '../../src/orchestrator/catalog.ts'
import { Orchestrator } from '../../src/orchestrator/orchestrator.ts'
import { BUILT_IN_TOOLS } from '../../src/protocol/built-in-tools.ts'
import { BtcpError } from '../../src/protocol/error.ts'
import { validateJson } from '../../src/protocol/json-schema.ts'
import type { JsonObject } from '../../src/protocol/parse.ts'
import type { ToolResult } from '../../src/protocol/tool.ts'
import { killedWriter } from '../support/killed-writer.ts'

const scratch = mkdtempSync(join(tmpdir(), 'tidepool-files-'))
afterAll(() => rmSync(scratch, { recursive: true, force: true }))

const failure = async (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'it resolved',
    (error: unknown) => (error instanceof FileError ? [error.code, error.message] : error),
  )

test('a sandbox without a store has its files also after its cell was left because it was idle', async () => {
  await using sandbox = await Sandbox.create({ limits: { cellIdleMs: 100 } })
  await sandbox.writeFile('kept', 'x')
  await new Promise((resolve) => setTimeout(resolve, 600))
  expect(await sandbox.readFile('kept', 'utf8')).toBe('x')
})

describe('a sandbox', () => {
  let sandbox: Sandbox
  beforeAll(async () => {
    sandbox = await Sandbox.create()
  })
  afterAll(() => sandbox.destroy())

  test('writes and reads files, as text and as bytes', async () => {
    await sandbox.writeFile('hello.txt', 'grüß dich\n')
    expect(await sandbox.readFile('hello.txt', 'utf8')).toBe('grüß dich\n')
    const bytes = new Uint8Array([0, 255, 128, 10])
    await sandbox.writeFile('/tmp/raw', bytes)
    expect(await sandbox.readFile('/tmp/raw')).toEqual(bytes)
    await sandbox.writeFile('empty', '')
    expect(await sandbox.readFile('empty')).toEqual(new Uint8Array(0))
  })
  test('keeps files larger than one message whole', async () => {
    const big = new Uint8Array(20 * 1024 * 1024)
    for (let i = 0; i < big.length; i += 997) big[i] = i & 0xff
    await sandbox.writeFile('big', big)
    const back = await sandbox.readFile('big')
    expect(back.length).toBe(big.length)
    expect(Buffer.from(back).equals(big)).toBe(true)
    await sandbox.remove('big')
  })
  test('makes, lists, renames and removes', async () => {
    await sandbox.mkdir('a/b', { parents: true })
    await sandbox.writeFile('a/b/one', '1')
    await sandbox.writeFile('a/two', '22')
    const entries = await sandbox.listDir('a', { recursive: true })
    expect(entries.map(({ name, type, size }) => `${name} ${type} ${type === 'file' ? size : ''}`).toSorted()).toEqual([
      'b directory ',
      'b/one file 1',
      'two file 2',
    ])
    await sandbox.rename('a/two', 'a/2')
    expect(await sandbox.stat('a/2')).toMatchObject({ type: 'file', size: 2, nlink: 1 })
    await sandbox.remove('a', { recursive: true })
    expect(await failure(sandbox.stat('a'))).toEqual(['ENOENT', 'Cannot stat "a": no such file or directory'])
  })
  test('says what is wrong in the words of Unix', async () => {
    await sandbox.mkdir('full')
    await sandbox.writeFile('full/file', 'x')
    expect(await failure(sandbox.remove('full'))).toEqual(['ENOTEMPTY', 'Cannot remove "full": directory not empty'])
    expect(await failure(sandbox.readFile('full'))).toEqual(['EISDIR', 'Cannot read "full": is a directory'])
    expect(await failure(sandbox.writeFile('full/file/x', ''))).toEqual(['ENOTDIR', 'Cannot write "full/file/x": not a directory'])
    expect(await failure(sandbox.mkdir('full'))).toEqual(['EEXIST', 'Cannot create "full": exists already'])
    expect(await failure(sandbox.writeFile('no/such/dir', ''))).toEqual(['ENOENT', 'Cannot write "no/such/dir": no such file or directory'])
  })
})

describe('a store', () => {
  test('keeps files from one sandbox to the next, and lets in one at a time', async () => {
    const store = join(scratch, 'kept')
    const first = await Sandbox.create({ store })
    await first.writeFile('note', 'kept')
    const second = await Sandbox.create({ store })
    expect(await failure(second.readFile('note'))).toMatchObject({
      data: { btcpCode: 'BUSY' },
      message: 'Cannot open the store: another process uses it',
    })
    await first.destroy()
    expect(await second.readFile('note', 'utf8')).toBe('kept')
    await second.destroy()
  })
  test('T99: has every acknowledged file when its process was killed in the middle', { timeout: 60_000 }, async () => {
    const store = join(scratch, 'killed')
    let before = 0
    for (let round = 0; round < 4; round++) {
      const acknowledged = await killedWriter('sandbox-writer.ts', store, 40 + round * 60)
      expect(acknowledged).toBeGreaterThan(before)
      before = acknowledged
    }
    const sandbox = await Sandbox.create({ store })
    expect((await sandbox.listDir('.')).length).toBeGreaterThanOrEqual(before)
    for (let i = 1; i <= before; i += 7) expect(await sandbox.readFile(`f${i}`, 'utf8')).toBe(`content of ${i}\n`.repeat(i % 5000))
    await sandbox.destroy()
  })
  test('boots with 10,000 files', { timeout: 60_000 }, async () => {
    const store = join(scratch, 'many')
    const first = await Sandbox.create({ store })
    await first.mkdir('many')
    for (let i = 0; i < 10_000; i += 50)
      await Promise.all(Array.from({ length: 50 }, (_, j) => first.writeFile(`many/f${i + j}`, `${i + j}`)))
    await first.destroy()
    const second = await Sandbox.create({ store })
    expect((await second.stat('many/f9999')).size).toBe(4)
    expect(await second.readFile('many/f1234', 'utf8')).toBe('1234')
    expect(await second.listDir('many')).toHaveLength(10_000)
    await second.destroy()
  })
  test('T55: that is full says ENOSPC, leaves others alone, and takes more when something is removed', async () => {
    const sandbox = await Sandbox.create({ limits: { fsBytes: 1024 * 1024 } })
    await sandbox.writeFile('half', new Uint8Array(600_000))
    expect(await failure(sandbox.writeFile('more', new Uint8Array(600_000)))).toEqual([
      'ENOSPC',
      'Cannot write "more": no space left (limits fsBytes and fsInodes, or the disk)',
    ])
    expect((await sandbox.readFile('half')).length).toBe(600_000)
    const other = await Sandbox.create()
    await other.writeFile('more', new Uint8Array(600_000))
    await other.destroy()
    await sandbox.remove('half')
    await sandbox.writeFile('more', new Uint8Array(600_000))
    await sandbox.destroy()
  })
})

describe('a mount', () => {
  test('T118: is read and never written', async () => {
    const host = join(scratch, 'host')
    mkdirSync(join(host, 'sub'), { recursive: true })
    writeFileSync(join(host, 'sub', 'data.csv'), 'a,b\n'.repeat(50_000))
    const sandbox = await Sandbox.create({ mounts: { '/mnt/data': host } })
    expect((await sandbox.readFile('/mnt/data/sub/data.csv', 'utf8')).length).toBe(200_000)
    expect((await sandbox.listDir('/mnt/data')).map(({ name }) => name)).toEqual(['sub'])
    const attempts = [
      () => sandbox.writeFile('/mnt/data/sub/data.csv', 'x'),
      () => sandbox.writeFile('/mnt/data/new', 'x'),
      () => sandbox.remove('/mnt/data/sub/data.csv'),
      () => sandbox.mkdir('/mnt/data/dir'),
      () => sandbox.rename('/mnt/data/sub', '/mnt/data/other'),
    ]
    for (const attempt of attempts) expect(await failure(attempt())).toMatchObject(['EROFS', expect.any(String)])
    expect(await failure(sandbox.readFile(`/mnt/data/../..${host}/sub/data.csv`))).toMatchObject(['ENOENT', expect.any(String)])
    expect(readFileSync(join(host, 'sub', 'data.csv'), 'utf8')).toBe('a,b\n'.repeat(50_000))
    await sandbox.destroy()
  })
  test('T118: answers EIO for a file that was changed since, and goes on', async () => {
    const host = join(scratch, 'changing')
    mkdirSync(host)
    writeFileSync(join(host, 'a'), 'first')
    writeFileSync(join(host, 'b'), 'same')
    const orchestrator = new Orchestrator(nodePlatform({ mounts: [mountTree({ host, target: '/mnt/x' })] }))
    writeFileSync(join(host, 'a'), 'second, longer')
    const read = (path: string) => orchestrator.fs({ kind: 'local', name: 'x' }, { op: 'read', path, offset: 0, length: 100 })
    expect(
      await read('/mnt/x/a').then(
        () => 0,
        (error: { errno: number }) => error.errno,
      ),
    ).toBe(29)
    expect(await read('/mnt/x/b')).toMatchObject({ eof: true, size: 4 })
    await orchestrator.dispose()
  })
})

describe('the fs_ tools', () => {
  const orchestrator = new Orchestrator(nodePlatform({ mounts: [] }))
  afterAll(() => orchestrator.dispose())
  let calls = 0
  const call = (tool: string, args: JsonObject): Promise<ToolResult> =>
    callTool(orchestrator, { call: `c${++calls}`, principal: { kind: 'local', name: 'tools' }, tool, arguments: args })
  const value = async (tool: keyof typeof BUILT_IN_TOOLS, args: JsonObject): Promise<unknown> => {
    const result = await call(tool, args)
    expect(result.isError).toBe(false)
    expect(validateJson(BUILT_IN_TOOLS[tool].tool.outputSchema, result.structuredContent)).toMatchObject({ ok: true })
    return result.structuredContent
  }

  test('write, read, list, stat, move and remove, with results as their schemas say', async () => {
    expect(await value('fs_write', { path: 'd/a.txt', content: 'hällo', mkdirs: true })).toEqual({
      path: '/home/user/d/a.txt',
      bytes: 6,
      size: 6,
    })
    expect(await value('fs_write', { path: 'd/a.txt', content: '!', mode: 'append' })).toMatchObject({ bytes: 1, size: 7 })
    expect(await value('fs_write', { path: 'd/a.txt', content: 'H', offset: 0 })).toMatchObject({ bytes: 1, size: 7 })
    expect(await value('fs_read', { path: 'd/a.txt' })).toEqual({ content: 'Hällo!', encoding: 'utf8', size: 7, eof: true })
    expect(await value('fs_read', { path: 'd/a.txt', encoding: 'base64' })).toMatchObject({
      content: Buffer.from('Hällo!').toString('base64'),
    })
    expect(await value('fs_list', { path: 'd' })).toMatchObject({ entries: [{ name: 'a.txt', type: 'file', size: 7 }] })
    expect(await value('fs_move', { from: 'd/a.txt', to: 'd/b.txt' })).toEqual({})
    expect(await value('fs_stat', { path: 'd/b.txt' })).toMatchObject({ type: 'file', size: 7, nlink: 1 })
    expect(await value('fs_remove', { path: 'd', recursive: true })).toEqual({})
  })
  test('read a part that is cut inside a character up to that character', async () => {
    await value('fs_write', { path: 'u', content: 'aé€😀' })
    const first = (await value('fs_read', { path: 'u', length: 8 })) as { content: string; eof: boolean }
    expect([first.content, first.eof]).toEqual(['aé€', false])
    expect(await value('fs_read', { path: 'u', offset: Buffer.byteLength(first.content) })).toMatchObject({ content: '😀', eof: true })
  })
  test('say that bytes are no text', async () => {
    await value('fs_write', { path: 'bin', content: Buffer.from([255, 254, 65]).toString('base64'), encoding: 'base64' })
    const result = await call('fs_read', { path: 'bin' })
    expect([result.structuredContent, result._meta['btcp/lossy']]).toMatchObject([{ content: '\ufffd\ufffdA' }, true])
  })
  test('fail with a result that a model can act on', async () => {
    const result = await call('fs_read', { path: 'missing.txt' })
    expect([result.isError, result.content, result._meta['btcp/error']]).toEqual([
      true,
      [{ type: 'text', text: 'Cannot read "missing.txt": no such file or directory' }],
      { code: 'ENOENT' },
    ])
  })
  test('refuse what their schema does not have, and tools that do not exist', async () => {
    const error = async (promise: Promise<unknown>): Promise<unknown> =>
      promise.then(
        () => 'resolved',
        (reason: unknown) => (reason instanceof BtcpError ? reason.data : reason),
      )
    expect(await error(call('fs_read', { path: 'x', follow: true }))).toMatchObject({
      btcpCode: 'INVALID_PARAMS',
      errors: [{ instancePath: '/follow' }],
    })
    expect(await error(call('fs_write', { path: 'x', content: '%%', encoding: 'base64' }))).toMatchObject({
      btcpCode: 'INVALID_PARAMS',
      errors: [{ instancePath: '/content' }],
    })
    expect(await error(call('fs_write', { path: 'x', content: '', mode: 'append', offset: 1 }))).toMatchObject({
      btcpCode: 'INVALID_PARAMS',
    })
    for (const tool of ['page_text', 'http_fetch', 'constructor', '__proto__'])
      expect(await error(call(tool, {}))).toMatchObject({ btcpCode: 'TOOL_NOT_FOUND' })
  })
  test('take 8 MiB a call and say so beyond it', async () => {
    const result = await call('fs_write', { path: 'big', content: 'é'.repeat(4 * 1024 * 1024 + 1) })
    expect([result.isError, result._meta['btcp/error']]).toEqual([true, { code: 'LIMIT_EXCEEDED', limit: 'fsWriteBytes' }])
    expect(await value('fs_write', { path: 'big', content: 'x'.repeat(8 * 1024 * 1024) })).toMatchObject({ size: 8 * 1024 * 1024 })
    expect(await value('fs_read', { path: 'big', length: 9_000_000 })).toMatchObject({ eof: false, size: 8 * 1024 * 1024 })
  })
})
