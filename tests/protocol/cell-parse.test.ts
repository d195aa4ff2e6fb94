import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseToBroker, parseToCell } from '../../src/protocol/cell-parse.ts'
import { LIMITS, limitsWith } from '../../src/protocol/limits.ts'

const bytes = new Uint8Array([1, 2, 3])
const boot = { t: 'boot', version: 1, limits: LIMITS, env: { A: 'b' }, metadata: [bytes], seq: 0, mounts: [], memories: 8 }

const TO_CELL = [
  boot,
  { ...boot, seed: 4, mounts: [{ mount: 1, target: '/mnt/data', readOnly: true, metadata: [bytes] }] },
  { t: 'run', call: 'c1', argv: ['sh', '-c', 'echo hi'], stdin: false },
  { t: 'run', call: 'c1', argv: ['sh'], cwd: '/tmp', env: { PATH: '/bin' }, stdin: true },
  { t: 'stdin', call: 'c1', bytes },
  { t: 'stdin', call: 'c1', bytes: null },
  { t: 'credit', call: 'c1', fd: 1, bytes: 10 },
  { t: 'kill', call: 'c1', signal: 9 },
  { t: 'close', call: 'c1', fd: 2 },
  { t: 'run', call: 'c1', argv: ['python3'], stdin: false, result: true },
  { t: 'reply', req: 1, answer: '{"ok":{}}' },
  { t: 'fs', req: 1, op: { op: 'read', path: 'a', offset: 0, length: 10 } },
  { t: 'fs', req: 1, op: { op: 'write', path: 'a', bytes, mode: 'at', offset: 5, mkdirs: true } },
  { t: 'fs', req: 1, op: { op: 'list', path: '.', recursive: true, limit: 100, cursor: 'x' } },
  { t: 'fs', req: 1, op: { op: 'stat', path: 'a', follow: false } },
  { t: 'fs', req: 1, op: { op: 'remove', path: 'a', recursive: true } },
  { t: 'fs', req: 1, op: { op: 'move', from: 'a', to: 'b', overwrite: false } },
  { t: 'fs', req: 1, op: { op: 'mkdir', path: 'a', parents: true, mode: 0o755 } },
  { t: 'fs', req: 1, op: { op: 'sync' } },
  { t: 'chunk', req: 1, bytes },
  { t: 'chunk', req: 1, errno: 29 },
  { t: 'committed', seq: 3 },
  { t: 'commitFailed', seq: 3, errno: 51 },
  { t: 'allow', memories: 64 },
  { t: 'snippetSaid', snippet: 1, bytes },
  { t: 'snippetEnded', snippet: 1, reason: 'its process is gone' },
]

const TO_BROKER = [
  { t: 'ready', version: 1, proof: ['no socket'] },
  { t: 'refused', reason: 'a socket opened' },
  { t: 'out', call: 'c1', fd: 2, bytes },
  { t: 'exit', call: 'c1', status: 0, usage: { durationMs: 1.5, processes: 2 }, changed: [], seq: 7 },
  {
    t: 'exit',
    call: 'c1',
    status: 137,
    signal: 9,
    usage: { durationMs: 0, processes: 1 },
    changed: [{ path: '/home/user/a', kind: 'created' }],
    seq: 7,
    error: { errno: 44, message: 'Cannot run "x": no such file' },
  },
  { t: 'fault', req: 1, mount: 0, ino: 2, index: 0 },
  { t: 'journal', seq: 1, records: bytes, blobs: [bytes], barrier: true, urgent: false },
  { t: 'answer', req: 1, seq: 0, value: { op: 'read', bytes, size: 3, eof: true } },
  { t: 'answer', req: 1, seq: 0, value: { op: 'write', path: '/a', bytes: 3, size: 3 } },
  { t: 'answer', req: 1, seq: 0, value: { op: 'list', entries: [{ name: 'a', type: 'file', size: 1, mtime: 0, mode: 0o644 }], next: 'a' } },
  { t: 'answer', req: 1, seq: 0, value: { op: 'stat', stat: { type: 'symlink', size: 1, mtime: 0, mode: 0o777, nlink: 1, target: 'b' } } },
  { t: 'answer', req: 1, seq: 0, value: { op: 'remove' } },
  { t: 'answer', req: 1, seq: 0, value: { op: 'move' } },
  { t: 'answer', req: 1, seq: 0, value: { op: 'mkdir' } },
  { t: 'answer', req: 1, seq: 0, value: { op: 'sync' } },
  { t: 'answer', req: 1, seq: 0, error: { errno: 44, message: 'no such file' } },
  { t: 'beat', memories: 1, memoryBytes: 65_536, processes: 0 },
  { t: 'out', call: 'c1', fd: 3, bytes },
  { t: 'ask', req: 1, call: 'c1', request: '{"tools":true}' },
  { t: 'snippetStart', snippet: 1 },
  { t: 'snippetEnd', snippet: 1 },
  { t: 'snippetSay', snippet: 1, bytes },
  { t: 'snippetTook', snippet: 1, bytes: 3 },
]

const toBroker = (message: unknown) => parseToBroker(message, LIMITS)

describe('the cell reads', () => {
  test.each(TO_CELL.map((message) => [message.t, message]))('a well-formed %s as it is', (_t, message) => {
    expect(parseToCell(message)).toEqual({ ok: true, value: message })
  })

  test('a message that it does not know as a reason', () => {
    expect(parseToCell({ t: 'format' })).toEqual({ ok: false, at: '/t', reason: '/t is no message to a cell' })
    expect(parseToCell({ t: 'constructor' })).toMatchObject({ ok: false, at: '/t' })
    expect(parseToCell(null)).toMatchObject({ ok: false })
    expect(parseToCell([boot])).toMatchObject({ ok: false })
  })

  test('a boot of another version as a reason', () => {
    expect(parseToCell({ ...boot, version: 2 })).toMatchObject({ ok: false, at: '/version' })
  })

  test('an environment name with = or NUL as a reason', () => {
    expect(parseToCell({ ...boot, env: { 'A=B': 'c' } })).toMatchObject({ ok: false, at: '/env' })
    expect(parseToCell({ ...boot, env: { A: 'b\0' } })).toMatchObject({ ok: false, at: '/env' })
  })

  test('an environment name that is special in JavaScript as a plain name', () => {
    const parsed = parseToCell({ t: 'run', call: 'c', argv: ['sh'], stdin: false, env: JSON.parse('{"__proto__":"x"}') })
    expect(parsed.ok && parsed.value.t === 'run' && Object.entries(parsed.value.env ?? {})).toEqual([['__proto__', 'x']])
  })
})

describe('the broker reads', () => {
  test.each(TO_BROKER.map((message) => [message.t, message]))('a well-formed %s as it is', (_t, message) => {
    expect(toBroker(message)).toEqual({ ok: true, value: message })
  })

  test.each([
    ['a status above 255', { ...TO_BROKER[3], status: 256 }, '/status'],
    ['a negative status', { ...TO_BROKER[3], status: -1 }, '/status'],
    ['a duration that is no number', { ...TO_BROKER[3], usage: { durationMs: Number.NaN, processes: 1 } }, '/usage/durationMs'],
    ['101 changes', { ...TO_BROKER[3], changed: Array.from({ length: 101 }, () => ({ path: '/a', kind: 'created' })) }, '/changed'],
    ['output on descriptor 4', { t: 'out', call: 'c1', fd: 4, bytes }, '/fd'],
    ['a request that is longer than a message', { t: 'ask', req: 1, call: 'c1', request: 'x'.repeat(LIMITS.messageBytes + 1) }, '/request'],
    ['a request that is no text', { t: 'ask', req: 1, call: 'c1', request: { tool: 'fs_read' } }, '/request'],
    ['more output than a credit', { t: 'out', call: 'c1', fd: 1, bytes: new Uint8Array(LIMITS.outputCreditBytes + 1) }, '/bytes'],
    ['text for bytes', { t: 'out', call: 'c1', fd: 1, bytes: 'hi' }, '/bytes'],
    ['shared memory', { t: 'out', call: 'c1', fd: 1, bytes: new Uint8Array(new SharedArrayBuffer(3)) }, '/bytes'],
    [
      'a buffer that can change its size',
      { t: 'out', call: 'c1', fd: 1, bytes: new Uint8Array(new ArrayBuffer(3, { maxByteLength: 9 })) },
      '/bytes',
    ],
    ['a call name of a megabyte', { t: 'out', call: 'x'.repeat(2 ** 20), fd: 1, bytes }, '/call'],
    ['a sequence number that is not whole', { ...TO_BROKER[6], seq: 1.5 }, '/seq'],
    ['a fault of inode −1', { t: 'fault', req: 1, mount: 0, ino: -1, index: 0 }, '/ino'],
    [
      'a file type that does not exist',
      { t: 'answer', req: 1, seq: 0, value: { op: 'stat', stat: { type: 'socket' } } },
      '/value/stat/type',
    ],
    ['an answer to nothing', { t: 'answer', req: 1, seq: 0, value: { op: 'format' } }, '/value/op'],
    ['a script that is no number', { t: 'snippetStart', snippet: '1' }, '/snippet'],
    ['what a script is told as text', { t: 'snippetSay', snippet: 1, bytes: 'x' }, '/bytes'],
    ['less than nothing taken', { t: 'snippetTook', snippet: 1, bytes: -1 }, '/bytes'],
    ['a message of the other side', boot, '/t'],
  ])('%s as a reason', (_name, message, at) => {
    expect(toBroker(message)).toMatchObject({ ok: false, at })
  })

  test('blobs that are too large together as a reason', () => {
    const limits = limitsWith({ messageBytes: 10 })
    const message = { t: 'journal', seq: 1, records: bytes, blobs: [bytes, bytes, bytes], barrier: true, urgent: false }
    expect(parseToBroker(message, limits)).toMatchObject({ ok: false, at: '/blobs/2' })
  })

  test('inherited properties as absent', () => {
    const message = Object.create({ t: 'beat', memories: 1, memoryBytes: 1, processes: 1 })
    expect(toBroker(message)).toMatchObject({ ok: false, at: '/t' })
  })

  test('a property that changes between reads as what it was first', () => {
    let reads = 0
    const message = {
      t: 'beat',
      memories: 1,
      memoryBytes: 1,
      get processes() {
        return reads++ === 0 ? 2 : 'two'
      },
    }
    expect(toBroker(message)).toEqual({ ok: true, value: { t: 'beat', memories: 1, memoryBytes: 1, processes: 2 } })
  })

  test('a getter or a proxy that throws as a reason', () => {
    const throws = () => {
      throw new Error('no')
    }
    expect(toBroker(new Proxy({}, { getOwnPropertyDescriptor: throws, get: throws, has: throws }))).toMatchObject({ ok: false })
    expect(toBroker(Object.defineProperty({}, 't', { get: throws, enumerable: true }))).toMatchObject({ ok: false })
  })

  test('nothing that was not checked: other properties are left out', () => {
    expect(toBroker({ ...TO_BROKER[1], toJSON: 'x', extra: { a: 1 } })).toEqual({ ok: true, value: TO_BROKER[1] })
  })
})

test('no value makes a parser throw', () => {
  fc.assert(
    fc.property(
      fc.anything({ withTypedArray: true, withNullPrototype: true }),
      fc.constantFrom(...TO_CELL, ...TO_BROKER),
      (junk, message) => {
        for (const key of Object.keys(message)) {
          const broken = { ...message, [key]: junk }
          expect(() => [parseToCell(broken), toBroker(broken), parseToCell(junk), toBroker(junk)]).not.toThrow()
        }
      },
    ),
    { numRuns: 300 },
  )
})
