/** The orchestrator against cells that lie, stall, flood and die. */
import { describe, expect, test } from 'vitest'
import { callTool } from '../../src/orchestrator/catalog.ts'
import { Orchestrator } from '../../src/orchestrator/orchestrator.ts'
import { Store } from '../../src/orchestrator/store/store.ts'
import { TablesError } from '../../src/orchestrator/store/tables.ts'
import { BtcpError } from '../../src/protocol/error.ts'
import { type LimitName, limitsWith } from '../../src/protocol/limits.ts'
import type { Principal } from '../../src/protocol/principal.ts'
import { firstText } from '../../src/protocol/tool.ts'
import { storeHost } from '../contract/store.ts'
import { FakeCell, utf8 } from '../contract/fake-cell.ts'
import { obedient, type Script, type ScriptedCell, testPlatform } from './scripted-cell.ts'

const ME: Principal = { kind: 'local', name: 'test' }
const YOU: Principal = { kind: 'local', name: 'other' }

function start(scripts: Script[], limits: Partial<Record<LimitName, number>> = {}) {
  const platform = testPlatform(...scripts)
  return { platform, orchestrator: new Orchestrator(platform, { limits: limitsWith(limits) }) }
}
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  const error: unknown = await promise.then(
    () => new Error('it resolved'),
    (reason: unknown) => reason,
  )
  return error instanceof BtcpError ? `${error.data.btcpCode}: ${error.message}` : String(error)
}
const run = (orchestrator: Orchestrator, command: string, more: object = {}, principal = ME) =>
  orchestrator.run(principal, { argv: ['sh', '-c', command], ...more })

describe('a run', () => {
  test('gives back what was printed and how it ended', async () => {
    const { orchestrator } = start([obedient])
    const result = await run(orchestrator, 'hello')
    expect([text(result.stdout), text(result.stderr), result.status, result.timedOut]).toEqual(['hello\n', '', 0, false])
    await orchestrator.dispose()
  })

  test('shares one cell with the other runs of its principal, and with no other principal', async () => {
    const { orchestrator, platform } = start([obedient])
    await Promise.all([run(orchestrator, 'a'), run(orchestrator, 'b'), run(orchestrator, 'c', {}, YOU)])
    expect(platform.cells).toHaveLength(2)
    await orchestrator.dispose()
  })

  test('is answered only when what it wrote is committed', async () => {
    const writer: Script = (message, cell) => {
      if (message.t === 'boot') cell.ready()
      if (message.t !== 'run') return
      cell.journal.write(1, 'result.txt', utf8('done'))
      cell.journal.barrier()
      cell.exit(message.call)
    }
    const { orchestrator, platform } = start([writer])
    await run(orchestrator, 'write')
    const store = await Store.open(platform.stores.get('local test')!, storeHost())
    expect(store.inodeCount).toBe(2)
    await orchestrator.dispose()
  })

  test('gets its standard input in order and then its end', async () => {
    let [underWay, taken, most] = [0, 0, 0]
    const cat: Script = (message, cell) => {
      if (message.t === 'boot') cell.ready()
      if (message.t === 'stdin' && message.bytes) {
        underWay = cell.heard.reduce((sum, heard) => sum + (heard.t === 'stdin' ? (heard.bytes?.length ?? 0) : 0), 0) - taken
        most = Math.max(most, underWay)
        taken += message.bytes.length
        cell.say({ t: 'took', call: message.call, bytes: message.bytes.length })
      }
      if (message.t === 'stdin' && message.bytes) cell.say({ t: 'out', call: message.call, fd: 1, bytes: message.bytes })
      if (message.t === 'stdin' && !message.bytes) cell.exit(message.call)
      if (message.t === 'fs') cell.say({ t: 'answer', req: message.req, seq: 0, value: { op: 'write', path: '/x', bytes: 1, size: 1 } })
    }
    const { orchestrator } = start([cat])
    const big = new Uint8Array(900_000).map((_, i) => i & 0xff)
    const pieces = async function* () {
      for (let i = 0; i < 5; i++) yield big
    }
    const result = await run(orchestrator, 'cat', { stdin: pieces(), output: () => {} }, ME)
    expect(result.stdout).toEqual(new Uint8Array([...big, ...big.subarray(0, 1024 * 1024 - 900_000)]))
    expect(taken).toBe(5 * 900_000)
    expect(most).toBeLessThanOrEqual(1024 * 1024 + 256 * 1024)
    await orchestrator.dispose()
  })

  test('ends at its deadline when the cell confirms the kill; the cell lives on', async () => {
    const silent: Script = (message, cell) => (message.t === 'run' ? cell.out(message.call, 'partial') : obedient(message, cell))
    const { orchestrator, platform } = start([silent])
    const result = await run(orchestrator, 'sleep', { timeoutMs: 60 })
    expect([result.timedOut, result.signal, text(result.stdout)]).toEqual([true, 9, 'partial'])
    expect(platform.cells[0]!.terminated).toBe(false)
    await orchestrator.dispose()
  })

  test('T47: ends at its deadline when the cell does not answer; the next run has a new cell with the committed files', async () => {
    const stuck: Script = (message, cell) => {
      if (message.t === 'boot') cell.ready()
      if (message.t !== 'run') return
      cell.journal.write(1, 'before', utf8('kept'))
      cell.journal.barrier()
      cell.journal.write(1, 'half', utf8('lost'))
      cell.journal.post()
    }
    const { orchestrator, platform } = start([stuck, obedient], { killConfirmMs: 50 })
    const began = performance.now()
    const result = await run(orchestrator, 'loop', { timeoutMs: 60 })
    expect([result.timedOut, result.status]).toEqual([true, 137])
    expect(performance.now() - began).toBeLessThan(1_000)
    expect(platform.cells[0]!.terminated).toBe(true)
    expect(text((await run(orchestrator, 'hi')).stdout)).toBe('hi\n')
    const boot = platform.cells[1]!.heard[0]
    expect(boot?.t === 'boot' && boot.metadata.map((stream) => new TextDecoder('latin1').decode(stream)).join('')).toContain('before')
    expect(boot?.t === 'boot' && boot.metadata.map((stream) => new TextDecoder('latin1').decode(stream)).join('')).not.toContain('half')
    await orchestrator.dispose()
  })

  test('T47: has its next cell started while the stuck one is given its time, and no cell is started for one that confirms', async () => {
    const stuck: Script = (message, cell) => (message.t === 'boot' ? cell.ready() : undefined)
    const { orchestrator, platform } = start([stuck, obedient], { killConfirmMs: 200 })
    const looping = run(orchestrator, 'loop', { timeoutMs: 60 })
    await new Promise((resolve) => setTimeout(resolve, 180))
    expect(platform.cells).toHaveLength(2)
    expect([platform.cells[0]!.terminated, platform.cells[1]!.heard]).toEqual([false, []])
    await looping
    await run(orchestrator, 'hi')
    expect(platform.cells).toHaveLength(2)
    await orchestrator.dispose()

    const silent: Script = (message, cell) => (message.t === 'run' ? undefined : obedient(message, cell))
    const other = start([silent])
    await run(other.orchestrator, 'sleep', { timeoutMs: 60 })
    expect(other.platform.cells).toHaveLength(1)
    await other.orchestrator.dispose()
  })

  test('ends with SANDBOX_ERROR when another run took the cell down', async () => {
    const stuck: Script = (message, cell) => (message.t === 'boot' ? cell.ready() : undefined)
    const { orchestrator } = start([stuck], { killConfirmMs: 30 })
    const bystander = codeOf(run(orchestrator, 'other', { timeoutMs: 5_000 }))
    await run(orchestrator, 'loop', { timeoutMs: 50 })
    expect(await bystander).toBe('SANDBOX_ERROR: Cannot finish the call: cell restarted')
    await orchestrator.dispose()
  })

  test('is killed by its AbortSignal and rejects with CANCELLED', async () => {
    const waits: Script = (message, cell) => (message.t === 'run' ? undefined : obedient(message, cell))
    const { orchestrator, platform } = start([waits])
    const controller = new AbortController()
    const result = codeOf(run(orchestrator, 'sleep', { signal: controller.signal }))
    setTimeout(() => controller.abort(), 20)
    expect(await result).toBe('CANCELLED: Cannot finish the call: it was cancelled')
    expect(platform.cells[0]!.heard.some((message) => message.t === 'kill' && message.signal === 9)).toBe(true)
    expect(await codeOf(run(orchestrator, 'again', { signal: controller.signal }))).toBe(
      'CANCELLED: Cannot begin the call: it was cancelled',
    )
    await orchestrator.dispose()
  })
})

describe('output', () => {
  /** Prints `pieces` times 64 KiB as far as it is credited, ends when its output is closed or everything is out. */
  const printer =
    (pieces: number): Script =>
    (message, cell) => {
      const state = cell as typeof cell & { left?: number; credit?: number }
      if (message.t === 'boot') cell.ready()
      if (message.t === 'run') [state.left, state.credit] = [pieces, 1024 * 1024]
      if (message.t === 'credit') state.credit! += message.bytes
      if (message.t === 'close') {
        if (message.fd === 2) cell.exit(message.call, 141, { signal: 13 })
        return
      }
      if (message.t !== 'run' && message.t !== 'credit') return
      for (; state.left! > 0 && state.credit! >= 65_536; state.left!--, state.credit! -= 65_536) cell.out(message.call, 'x'.repeat(65_536))
      if (state.left === 0) {
        state.left = -1
        cell.exit(message.call)
      }
    }
  const withFiles =
    (inner: Script): Script =>
    (message, cell) => {
      if (message.t === 'fs')
        cell.say({ t: 'answer', req: message.req, seq: cell.journal.seq, value: { op: message.op.op, path: '/x', bytes: 1, size: 1 } })
      else inner(message, cell)
    }

  test('up to the limit is returned whole', async () => {
    const { orchestrator } = start([printer(16)])
    const result = await run(orchestrator, 'p')
    expect([result.stdout.length, result.cuts]).toEqual([1024 * 1024, []])
    await orchestrator.dispose()
  })

  test('beyond the limit is kept in a file of the sandbox', async () => {
    const { orchestrator, platform } = start([withFiles(printer(40))])
    const result = await run(orchestrator, 'p')
    expect([result.status, result.stdout.length, result.limit]).toEqual([0, 1024 * 1024, undefined])
    expect(result.cuts).toEqual([{ fd: 1, bytes: 40 * 65_536, limit: 1024 * 1024, path: '/tmp/.out/call-1' }])
    const write = platform.cells[0]!.heard.find((message) => message.t === 'fs')
    expect(write?.t === 'fs' && write.op.op === 'write' && write.op.bytes.length).toBe(40 * 65_536)
    await orchestrator.dispose()
  })

  test('T54: beyond what is kept ends the run with status 141 and names the limit', async () => {
    const { orchestrator } = start([withFiles(printer(100_000))])
    const result = await run(orchestrator, 'yes')
    expect([result.status, result.limit, result.stdout.length]).toEqual([141, 'outputKeptBytes', 1024 * 1024])
    expect(result.cuts[0]?.bytes).toBe(8 * 1024 * 1024)
    await orchestrator.dispose()
  })

  test('whose reader fails ends the run with that error; the cell and its other runs go on', async () => {
    const { orchestrator, platform } = start([obedient])
    const throws = run(orchestrator, 'a', {
      output: () => {
        throw new Error('no more paper')
      },
    })
    const rejects = run(orchestrator, 'b', { output: async () => Promise.reject(new Error('out of ink')) })
    expect([await codeOf(throws), await codeOf(rejects)]).toEqual(['Error: no more paper', 'Error: out of ink'])
    expect(text((await run(orchestrator, 'c')).stdout)).toBe('c\n')
    expect(platform.cells).toHaveLength(1)
    await orchestrator.dispose()
  })

  test('is credited when its reader has taken it, so a slow reader holds the cell up', async () => {
    const { orchestrator, platform } = start([printer(64)])
    const release: (() => void)[] = []
    const started = orchestrator.start(ME, { argv: ['p'], output: () => new Promise<void>((resolve) => release.push(resolve)) })
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(release).toHaveLength(16)
    expect(platform.cells[0]!.heard.filter((message) => message.t === 'credit')).toHaveLength(0)
    const pump = setInterval(() => release.splice(0).forEach((resolve) => resolve()), 1)
    expect((await started.done).status).toBe(0)
    clearInterval(pump)
    await orchestrator.dispose()
  })
})

describe('a hostile cell is ended, and the next call has another', () => {
  const cases: Record<string, Script> = {
    'that sends no message at all': (_, cell) => cell.say('garbage' as never),
    'that sends an unknown message': (_, cell) => cell.say({ t: 'own-the-host' }),
    'that sends more output than it has credit for': (message, cell) => {
      if (message.t === 'run') cell.out(message.call, 'x'.repeat(1_200_000))
    },
    'that sends its journal out of order': (_, cell) =>
      cell.say({ t: 'journal', seq: 77, records: new Uint8Array(0), blobs: [], barrier: true, urgent: false }),
    'that writes records that are none': (_, cell) =>
      cell.say({ t: 'journal', seq: 1, records: new Uint8Array([200]), blobs: [], barrier: true, urgent: false }),
    'that names stored content': (_, cell) => {
      cell.journal.writer.extent(2, 0, new Uint8Array(32), 0, 1)
      cell.journal.barrier()
    },
    'that puts a name into a file': (_, cell) => {
      const file = cell.journal.write(1, 'file', utf8('x'))
      cell.journal.entry(file, 'inside', 1)
      cell.journal.barrier()
    },
    'that makes a directory its own parent': (_, cell) => {
      const a = cell.journal.mkdir(1, 'a')
      const b = cell.journal.mkdir(a, 'b')
      cell.journal.entry(1, 'a', 0)
      cell.journal.entry(b, 'a', a)
      cell.journal.barrier()
    },
    'that names a file "..": ': (_, cell) => {
      cell.journal.write(1, '..', utf8('x'))
      cell.journal.barrier()
    },
    'that waits for a commit that it never asked for': (message, cell) => {
      if (message.t === 'run') cell.exit(message.call, 0, { seq: 99 })
    },
    'that asks for too much at once': (_, cell) => {
      for (let i = 0; i < 5_000; i++) cell.say({ t: 'fault', req: i, mount: 0, ino: 5, index: 0 })
    },
    'that floods its port': (_, cell) => {
      for (let i = 0; i < 3_000; i++) cell.say({ t: 'beat', memories: 1, memoryBytes: 1, processes: 1 })
    },
    'that floods its port with messages that mean something': (message, cell) => {
      if (message.t === 'run') for (let i = 0; i < 220_000; i++) cell.say({ t: 'took', call: message.call, bytes: 0 })
    },
    'that ends by itself': (_, cell) => cell.die(),
  }
  for (const [name, lie] of Object.entries(cases))
    test(name, async () => {
      const lying: Script = (message, cell) => {
        if (message.t === 'boot') cell.ready()
        else if (message.t === 'run') lie(message, cell)
      }
      const { orchestrator, platform } = start([lying, obedient])
      expect(await codeOf(run(orchestrator, 'victim', { timeoutMs: 2_000 }))).toMatch(/^SANDBOX_ERROR: /)
      expect(platform.cells[0]!.terminated).toBe(true)
      expect(text((await run(orchestrator, 'next')).stdout)).toBe('next\n')
      await orchestrator.dispose()
    })

  test('that writes more than its quota', async () => {
    const greedy: Script = (message, cell) => {
      if (message.t === 'boot') cell.ready()
      if (message.t !== 'run') return
      for (let i = 0; i < 5; i++) cell.journal.write(1, `f${i}`, new Uint8Array(60_000))
      cell.journal.barrier()
    }
    const { orchestrator, platform } = start([greedy, obedient], { fsBytes: 200_000 })
    expect(await codeOf(run(orchestrator, 'greedy'))).toBe(
      'SANDBOX_ERROR: Cannot finish the call: Cannot take the journal: more than 200000 bytes',
    )
    expect(platform.cells[0]!.terminated).toBe(true)
    await orchestrator.dispose()
  })

  test('that refuses to run says why', async () => {
    const { orchestrator } = start([(_, cell) => cell.say({ t: 'refused', reason: 'a socket could be opened' })])
    expect(await codeOf(run(orchestrator, 'x'))).toBe(
      'SANDBOX_ERROR: Cannot finish the call: the cell refused to run: a socket could be opened',
    )
    await orchestrator.dispose()
  })
})

test('T106: a cell whose files got another writer is ended, nothing of it is committed, and the next call sees the other one', async () => {
  const writes: Script = (message, cell) => {
    if (message.t === 'boot') cell.ready()
    if (message.t !== 'run') return
    cell.journal.write(1, 'zombie', utf8('x'))
    cell.journal.barrier()
    cell.exit(message.call)
  }
  const { orchestrator, platform } = start([obedient, obedient])
  await run(orchestrator, 'first')
  const tables = platform.stores.get('local test')!
  const other = await Store.open(tables, storeHost())
  const cell = new FakeCell(
    (message) => other.receive(message),
    other.attach({ committed: () => {}, failed: () => {}, violated: () => {} }).seq,
  )
  cell.makeRoot()
  cell.write(1, 'other', utf8('y'))
  cell.barrier()
  await other.flush()
  platform.cells[0]!.script = writes
  expect(await codeOf(run(orchestrator, 'second'))).toMatch(/^SANDBOX_ERROR: Cannot finish the call: its files have another writer/)
  expect(text((await run(orchestrator, 'third')).stdout)).toBe('third\n')
  const boot = platform.cells[1]!.heard[0]
  const metadata = boot?.t === 'boot' ? boot.metadata.map((stream) => new TextDecoder('latin1').decode(stream)).join('') : ''
  expect([metadata.includes('other'), metadata.includes('zombie')]).toEqual([true, false])
  await orchestrator.dispose()
})

describe('calls', () => {
  let calls = 0
  const call = (orchestrator: Orchestrator, command: string, more: object = {}, principal = ME) =>
    callTool(orchestrator, { call: `call-${++calls}`, principal, tool: 'shell_run', arguments: { command }, ...more })

  test('T61: run three at a time, wait in order, and are BUSY beyond the queue', async () => {
    const held: string[] = []
    const holding: Script = (message, cell) => {
      if (message.t === 'boot') cell.ready()
      if (message.t === 'run') held.push(message.call)
    }
    const { orchestrator, platform } = start([holding], { callsQueued: 2 })
    const results = Array.from({ length: 5 }, (_, i) => call(orchestrator, `${i}`))
    expect(await codeOf(call(orchestrator, 'one too many'))).toBe('BUSY: Cannot begin the call: 2 others wait')
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(held).toHaveLength(3)
    for (let i = 0; i < 5; i++) {
      platform.cells[0]!.exit(held[i]!)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect((await Promise.all(results)).map((result) => result._meta['btcp/exitCode'])).toEqual([0, 0, 0, 0, 0])
    await orchestrator.dispose()
  })

  test('T61: of one principal do not hold up those of another', async () => {
    const holding: Script = (message, cell) =>
      message.t === 'boot' ? cell.ready() : message.t === 'kill' ? obedient(message, cell) : undefined
    const { orchestrator } = start([holding, obedient])
    const mine = Array.from({ length: 20 }, (_, i) => codeOf(call(orchestrator, `${i}`, { timeoutMs: 60 })))
    expect((await call(orchestrator, 'yours', {}, YOU)).structuredContent).toMatchObject({ stdout: 'yours\n' })
    expect(new Set(await Promise.all(mine))).toEqual(new Set(['TIMEOUT: Cannot finish "shell_run": the deadline has passed']))
    await orchestrator.dispose()
  })

  test('that wait can be cancelled', async () => {
    const holding: Script = (message, cell) =>
      message.t === 'boot' ? cell.ready() : message.t === 'kill' ? obedient(message, cell) : undefined
    const { orchestrator } = start([holding], { callsConcurrent: 1 })
    const first = codeOf(call(orchestrator, 'long', { timeoutMs: 100 }))
    const controller = new AbortController()
    const second = codeOf(call(orchestrator, 'waits', { signal: controller.signal }))
    controller.abort()
    expect(await second).toBe('CANCELLED: Cannot begin the call: it was cancelled')
    expect(await first).toMatch(/^TIMEOUT/)
    await orchestrator.dispose()
  })

  test('come at a rate: beyond the bucket they are told when to come again', async () => {
    const { orchestrator } = start([obedient], { callsBucket: 2, callsPerSecond: 1 })
    await call(orchestrator, 'a')
    await call(orchestrator, 'b')
    const error: unknown = await call(orchestrator, 'c').catch((reason: unknown) => reason)
    expect(error).toMatchObject({ data: { btcpCode: 'RATE_LIMITED', effects: 'none' } })
    expect((error as BtcpError).data.retryAfterMs).toBeGreaterThan(500)
    await orchestrator.dispose()
  })

  test('give back what a model can act on when the output has no end', async () => {
    const endless: Script = (message, cell) => {
      if (message.t === 'boot') cell.ready()
      if (message.t === 'run' || message.t === 'credit') cell.out(message.call, 'x'.repeat(100_000))
      if (message.t === 'close' && message.fd === 1) cell.exit(message.call, 141, { signal: 13 })
      if (message.t === 'fs')
        cell.say({ t: 'answer', req: message.req, seq: cell.journal.seq, value: { op: 'write', path: '/x', bytes: 1, size: 1 } })
    }
    const { orchestrator } = start([endless])
    const result = await call(orchestrator, 'yes')
    expect(result.isError).toBe(true)
    expect(firstText(result)).toContain('it printed more than 8388608 bytes (limit outputKeptBytes). The first part is in /tmp/.out/call-')
    expect(result._meta).toMatchObject({ 'btcp/exitCode': 141, 'btcp/error': { code: 'LIMIT_EXCEEDED', limit: 'outputKeptBytes' } })
    await orchestrator.dispose()
  })

  test('of files end at their deadline, too', async () => {
    const deaf: Script = (message, cell) => (message.t === 'boot' ? cell.ready() : undefined)
    const { orchestrator } = start([deaf])
    const read = (more: object) => callTool(orchestrator, { call: 'r', principal: ME, tool: 'fs_stat', arguments: { path: 'x' }, ...more })
    expect(await codeOf(read({ timeoutMs: 60 }))).toBe('TIMEOUT: Cannot finish "fs_stat": the deadline has passed')
    const controller = new AbortController()
    setTimeout(() => controller.abort(), 20)
    expect(await codeOf(read({ signal: controller.signal }))).toBe('CANCELLED: Cannot finish "fs_stat": it was cancelled')
    await orchestrator.dispose()
  })

  test('tell their output while it comes', async () => {
    const { orchestrator } = start([obedient])
    const progress: unknown[] = []
    await call(orchestrator, 'hi', { onProgress: (piece: unknown) => progress.push(piece) })
    expect(progress).toEqual([{ stream: 'stdout', text: 'hi\n' }])
    await orchestrator.dispose()
  })
})

test('T103: on a full disk what was written is refused, and reading goes on', async () => {
  const files: Script = (message, cell) => {
    if (message.t === 'boot') cell.ready()
    if (message.t !== 'fs') return
    if (message.op.op === 'write') cell.journal.write(1, 'file', utf8('x'))
    cell.journal.barrier()
    const value =
      message.op.op === 'stat'
        ? { op: 'stat', stat: { type: 'file', size: 1, mtime: 1, mode: 0o644, nlink: 1 } }
        : { op: 'write', path: '/file', bytes: 1, size: 1 }
    cell.say({ t: 'answer', req: message.req, seq: cell.journal.seq, value })
  }
  const { orchestrator, platform } = start([files])
  const stat = () => orchestrator.fs(ME, { op: 'stat', path: 'file', follow: false })
  const write = () => orchestrator.fs(ME, { op: 'write', path: 'file', bytes: utf8('x'), mode: 'replace', offset: 0, mkdirs: false })
  await stat()
  const tables = platform.stores.get('local test')!
  const commit = tables.commit.bind(tables)
  tables.commit = async () => Promise.reject(new TablesError('quota', 'Cannot commit: no space left'))
  expect(await write().catch((error: unknown) => error)).toMatchObject({ errno: 51 })
  expect(await stat()).toMatchObject({ op: 'stat', stat: { size: 1 } })
  tables.commit = commit
  expect(await write()).toMatchObject({ op: 'write' })
  await orchestrator.dispose()
})

describe('a cell that nobody uses', () => {
  test('is dropped after a while, and the next call has its files', async () => {
    const writes: Script = (message, cell) => {
      if (message.t === 'boot') cell.ready()
      if (message.t !== 'run') return
      cell.journal.write(1, 'kept', utf8('x'))
      cell.journal.barrier()
      cell.exit(message.call)
    }
    const { orchestrator, platform } = start([writes, obedient], { cellIdleMs: 40 })
    await run(orchestrator, 'a')
    await new Promise((resolve) => setTimeout(resolve, 120))
    expect(platform.cells[0]!.terminated).toBe(true)
    await run(orchestrator, 'b')
    const boot = platform.cells[1]!.heard[0]
    expect(boot?.t === 'boot' && boot.metadata.map((stream) => new TextDecoder('latin1').decode(stream)).join('')).toContain('kept')
    await orchestrator.dispose()
  })

  test('makes room for another principal, a busy one does not', async () => {
    const holds: Script = (message, cell) => (message.t === 'run' ? undefined : obedient(message, cell))
    const { orchestrator, platform } = start([holds, obedient], { framesLive: 2 })
    const busy = run(orchestrator, 'a', { timeoutMs: 300 })
    await run(orchestrator, 'b', {}, YOU)
    await run(orchestrator, 'c', {}, { kind: 'local', name: 'third' })
    expect(platform.cells.map((cell) => cell.terminated)).toEqual([false, true, false])
    await busy
    await orchestrator.dispose()
  })

  test('is the only one that makes room: with all busy the next is BUSY', async () => {
    const holds: Script = (message, cell) => (message.t === 'run' ? undefined : obedient(message, cell))
    const { orchestrator } = start([holds], { framesLive: 1 })
    const busy = run(orchestrator, 'a', { timeoutMs: 200 })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await codeOf(run(orchestrator, 'b', {}, YOU))).toBe('BUSY: Cannot start a cell: 1 others are busy')
    await busy
    await orchestrator.dispose()
  })
})

describe('memories', () => {
  test('are drawn before the first of several runs begins', async () => {
    const { orchestrator, platform } = start([obedient])
    await Promise.all([run(orchestrator, 'a'), run(orchestrator, 'b'), run(orchestrator, 'c')])
    const order = platform.cells[0]!.heard.map((message) => (message.t === 'allow' ? `allow ${message.memories}` : message.t))
    expect(order.slice(0, 3)).toEqual(['boot', 'allow 64', 'run'])
    await orchestrator.dispose()
  })

  const allowed = (cell: ScriptedCell): number[] => cell.heard.flatMap((message) => (message.t === 'allow' ? [message.memories] : []))

  test('are lent: a busy cell may have what it needs, and keeps it while nobody else needs it', async () => {
    const { orchestrator, platform } = start([obedient])
    await run(orchestrator, 'a')
    await run(orchestrator, 'b')
    expect(allowed(platform.cells[0]!)).toEqual([64, 64])
    await orchestrator.dispose()
  })

  test('come back: an idle cell gives what it has beyond its reserve to one that is short', async () => {
    const { orchestrator, platform } = start([obedient])
    await run(orchestrator, 'a')
    await run(orchestrator, 'b', {}, YOU)
    expect(platform.cells.map(allowed)).toEqual([[64, 8], [64]])
    await orchestrator.dispose()
  })

  test('that an idle cell does not give back are not lent again', async () => {
    const holding: Script = (message, cell) => (message.t === 'allow' ? undefined : obedient(message, cell))
    const { orchestrator, platform } = start([holding, obedient])
    await run(orchestrator, 'a')
    await run(orchestrator, 'b', {}, YOU)
    expect(platform.cells.map(allowed)).toEqual([[64, 8], [110 - 64]])
    await orchestrator.dispose()
  })

  test('of a cell that was ended stay debited for a while', async () => {
    const dying: Script = (message, cell) => {
      if (message.t === 'run') return cell.die()
      obedient(message, cell)
      cell.say({ t: 'beat', memories: 64, memoryBytes: 0, processes: 0 })
    }
    const { orchestrator, platform } = start([dying, obedient], { memoriesTerminatedHoldMs: 5_000 })
    await codeOf(run(orchestrator, 'a'))
    await run(orchestrator, 'b')
    expect(allowed(platform.cells[1]!)).toEqual([110 - 64])
    await orchestrator.dispose()
  })

  test('that an ended cell never told of are few, so that the next one starts at once', async () => {
    const dying: Script = (message, cell) => (message.t === 'run' ? cell.die() : message.t === 'boot' ? cell.ready() : undefined)
    const { orchestrator, platform } = start([dying, dying, dying, obedient], { memoriesTerminatedHoldMs: 5_000 })
    for (const name of ['a', 'b', 'c']) await codeOf(run(orchestrator, name))
    await run(orchestrator, 'd')
    expect(allowed(platform.cells[3]!)).toEqual([64])
    await orchestrator.dispose()
  })

  test('run out: the idle cell that was used longest ago makes room for the next', async () => {
    const { orchestrator, platform } = start([obedient], { memoriesBroker: 24, memoriesTerminatedHoldMs: 0 })
    await run(orchestrator, 'a')
    await run(orchestrator, 'b', {}, YOU)
    await run(orchestrator, 'c', {}, { kind: 'local', name: 'third' })
    expect(platform.cells.map((cell) => cell.terminated)).toEqual([true, false, false])
    await orchestrator.dispose()
  })
})
