/** Wheels on their way into a cell: whole or not at all, within the limits, and only under names of wheels, whatever the cell says. */
import { describe, expect, test } from 'vitest'
import { Orchestrator } from '../../src/orchestrator/orchestrator.ts'
import { changeWheels } from '../../src/orchestrator/wheels.ts'
import type { FsOp, FsValue } from '../../src/protocol/cell.ts'
import { type LimitName, limitsWith } from '../../src/protocol/limits.ts'
import type { Principal } from '../../src/protocol/principal.ts'
import { type Script, testPlatform } from './scripted-cell.ts'

const ME: Principal = { kind: 'local', name: 'test' }
const FOLDER = '/home/user/.local/share/wheels/'
const WHEEL = 'greet-1-py3-none-any.whl'
const [ENOENT, ENOSPC] = [44, 51]

/** A cell whose folder of wheels is `files`, sizes by name; writing more than `room` bytes into it is ENOSPC. */
function folder(files: Map<string, number>, room = Infinity, limits: Partial<Record<LimitName, number>> = {}) {
  const answer = (op: FsOp): FsValue | number => {
    const name = 'path' in op ? op.path.replace(FOLDER, '') : ''
    switch (op.op) {
      case 'list': {
        const of = { type: 'file', mtime: 0, mode: 0o644 } as const
        return files.size === 0 ? ENOENT : { op: 'list', entries: [...files].map(([file, size]) => ({ name: file, size, ...of })) }
      }
      case 'write': {
        const size = (op.mode === 'append' ? (files.get(name) ?? 0) : 0) + op.bytes.length
        files.set(name, size)
        return size > room ? ENOSPC : { op: 'write', path: op.path, bytes: op.bytes.length, size }
      }
      case 'remove':
        return files.delete(name) ? { op: 'remove' } : ENOENT
      case 'move':
        files.set(op.to.replace(FOLDER, ''), files.get(op.from.replace(FOLDER, '')) ?? 0)
        files.delete(op.from.replace(FOLDER, ''))
        return { op: 'move' }
      default:
        throw new Error(`The wheels asked for ${op.op}`)
    }
  }
  const script: Script = (message, cell) => {
    if (message.t === 'boot') cell.ready()
    if (message.t !== 'fs') return
    const value = answer(message.op)
    const outcome = typeof value === 'number' ? { error: { errno: value, message: '' } } : { value }
    cell.say({ t: 'answer', req: message.req, seq: cell.journal.seq, ...outcome })
  }
  const orchestrator = new Orchestrator(testPlatform(script), { limits: limitsWith(limits) })
  return async (op: unknown) => await changeWheels(orchestrator, ME, op)
}

const part = (offset: number, length: number, last: boolean, file = WHEEL) => ({
  op: 'add',
  file,
  offset,
  bytes: new Uint8Array(length).toBase64(),
  last,
})

describe('adding', () => {
  test('shows a wheel when its last part has come, and not before', async () => {
    const files = new Map<string, number>()
    const change = folder(files)
    expect(await change({ op: 'list' })).toEqual([])
    expect(await change(part(0, 100, false))).toEqual([])
    expect(await change(part(100, 50, true))).toEqual([{ file: WHEEL, size: 150 }])
    expect([...files.keys()]).toEqual([WHEEL])
  })

  test('clears what is left of a wheel that never came whole, and nothing else', async () => {
    const files = new Map([
      ['old-1-py3-none-any.whl.part', 7],
      ['notes.part', 5],
    ])
    await folder(files)(part(0, 1, true))
    expect([...files.keys()]).toEqual(['notes.part', WHEEL])
  })

  test('ends when a part does not follow the one before', async () => {
    const files = new Map<string, number>()
    const change = folder(files)
    await change(part(0, 10, false))
    await expect(change(part(20, 10, true))).rejects.toThrow(`Cannot add "${WHEEL}": a wheel is added to this site in another tab, too`)
    expect(files.size).toBe(0)
  })

  test('leaves nothing behind when the disk is full', async () => {
    const files = new Map<string, number>()
    await expect(folder(files, 5)(part(0, 10, true))).rejects.toThrow(`Cannot add "${WHEEL}": no space left`)
    expect(files.size).toBe(0)
  })

  test('stops at the limits', async () => {
    const change = folder(new Map(), Infinity, { wheelBytes: 15, fsWriteBytes: 10 })
    await change(part(0, 10, false))
    await expect(change(part(10, 6, true))).rejects.toThrow('limit wheelBytes')
    await expect(change(part(0, 11, true))).rejects.toThrow('limit wheelBytes')
  })
})

test.each(['../../.bashrc', 'x/greet-1-py3-none-any.whl', 'greet.whl', '.hidden-1-py3-none-any.whl'])(
  '%s is no name here',
  async (file) => {
    const files = new Map([['.bashrc', 1]])
    const change = folder(files)
    await expect(change(part(0, 1, true, file))).rejects.toThrow('its name is not that of a wheel')
    await expect(change({ op: 'remove', file })).rejects.toThrow('its name is not that of a wheel')
    expect([...files]).toEqual([['.bashrc', 1]])
  },
)

test('only files with names of wheels are listed', async () => {
  const files = new Map([
    ['<b>x</b>', 1],
    [WHEEL, 2],
    [`${WHEEL}.part`, 3],
  ])
  expect(await folder(files)({ op: 'list' })).toEqual([{ file: WHEEL, size: 2 }])
})

test('a removed wheel is gone, and removing it again says so', async () => {
  const change = folder(new Map([[WHEEL, 2]]))
  expect(await change({ op: 'remove', file: WHEEL })).toEqual([])
  await expect(change({ op: 'remove', file: WHEEL })).rejects.toThrow(`Cannot remove "${WHEEL}": no such file or directory`)
})
