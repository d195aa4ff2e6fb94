/** Python sessions against a cell that a test plays: records, deadlines, ends, and lies. */
import { afterEach, describe, expect, test } from 'vitest'
import { Orchestrator } from '../../src/orchestrator/orchestrator.ts'
import { BtcpError } from '../../src/protocol/error.ts'
import { type LimitName, limitsWith } from '../../src/protocol/limits.ts'
import type { Principal } from '../../src/protocol/principal.ts'
import { obedient, type Script, type ScriptedCell, testPlatform } from './scripted-cell.ts'

const ME: Principal = { kind: 'local', name: 'test' }
const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
const RECORD = { exitCode: 0, value: null, error: null, rich: [], leftOut: [] }

type Play = (request: { source: string; stdin: string }, cell: ScriptedCell, call: string) => void
const tell = (cell: ScriptedCell, call: string, record: unknown): void =>
  cell.say({ t: 'out', call, fd: 3, bytes: encode(`${typeof record === 'string' ? record : JSON.stringify(record)}\n`) })

/** An interpreter that does what `play` says with each request. */
const interpreter =
  (play: Play, onKill: (signal: number, cell: ScriptedCell, call: string) => void = () => {}): Script =>
  (message, cell) => {
    if (message.t === 'run') return
    if (message.t === 'fs') return cell.say({ t: 'answer', req: message.req, seq: cell.journal.seq, value: { op: message.op.op } })
    if (message.t === 'kill' && message.signal === 9) return cell.exit(message.call, 137, { signal: 9 })
    if (message.t === 'kill') return onKill(message.signal, cell, message.call)
    if (message.t !== 'stdin') return obedient(message, cell)
    if (message.bytes === null) return cell.exit(message.call)
    play(JSON.parse(decode(message.bytes)) as { source: string; stdin: string }, cell, message.call)
  }

let orchestrator: Orchestrator
afterEach(() => orchestrator.dispose())
function start(script: Script | Script[], limits: Partial<Record<LimitName, number>> = {}) {
  const platform = testPlatform(...(Array.isArray(script) ? script : [script]))
  orchestrator = new Orchestrator(platform, { limits: limitsWith({ killConfirmMs: 40, ...limits }) })
  return platform
}
let calls = 0
const run = (source: string, more: object = {}, name = 's') =>
  orchestrator.python.run(ME, name, `c${++calls}`, { source, isPath: false, args: [], stdin: '', ...more })
const echo: Play = ({ source }, cell, call) => {
  cell.out(call, `ran ${source}`)
  tell(cell, call, { ...RECORD, value: source })
}

describe('a session', () => {
  test('is one run, whose requests are lines and whose answers are records', async () => {
    const platform = start(interpreter(echo))
    const [a, b] = [await run('a'), await run('b')]
    expect([decode(a.stdout), a.record?.value, a.started]).toEqual(['ran a', 'a', true])
    expect([decode(b.stdout), b.record?.value, b.started]).toEqual(['ran b', 'b', false])
    expect(platform.cells[0]!.heard.filter(({ t }) => t === 'run')).toHaveLength(1)
  })

  test('that answers rubbish gives a result without a value, and goes on', async () => {
    start(interpreter((request, cell, call) => (request.source === 'bad' ? tell(cell, call, '{"exitCode":') : echo(request, cell, call))))
    const bad = await run('bad')
    expect([bad.record, bad.status, bad.ended]).toEqual([undefined, 0, undefined])
    expect((await run('good')).record?.value).toBe('good')
  })

  test('that tells more than a result holds gives none of it', async () => {
    start(
      interpreter((_, cell, call) => tell(cell, call, { ...RECORD, value: 'x'.repeat(500) })),
      { resultBytes: 400 },
    )
    expect((await run('a')).record).toBeUndefined()
  })

  test('is interrupted at the deadline and lives on where that helps', async () => {
    const platform = start(
      interpreter(
        ({ source }, cell, call) => (source === 'loop' ? undefined : tell(cell, call, RECORD)),
        (signal, cell, call) => signal === 2 && tell(cell, call, { ...RECORD, exitCode: 1 }),
      ),
    )
    const looped = await run('loop', { timeoutMs: 50 })
    expect([looped.timedOut, looped.status, looped.ended]).toEqual([true, 1, undefined])
    expect((await run('next')).started).toBe(false)
    expect(platform.cells[0]!.heard.filter((message) => message.t === 'kill')).toMatchObject([{ signal: 2 }])
  })

  test('is killed where it does not, and its end is told with the next call that names it, once', async () => {
    start(interpreter(({ source }, cell, call) => (source === 'loop' ? undefined : tell(cell, call, RECORD))))
    const reason = 'a call was not over at its deadline, and KeyboardInterrupt did not stop it'
    const looped = await run('loop', { timeoutMs: 50 })
    expect([looped.timedOut, looped.ended]).toEqual([true, reason])
    const other = await run('x', {}, 'other')
    expect(other.ended).toBeUndefined()
    const [next, later] = [await run('a'), await run('b')]
    expect([next.started, next.ended, later.started, later.ended]).toEqual([true, reason, false, undefined])
  })

  test('that is lost with its cell fails the call that runs, and is told to the next', async () => {
    const dying = interpreter(({ source }, cell, call) => (source === 'die' ? cell.die() : tell(cell, call, RECORD)))
    start([dying, interpreter(echo)])
    await run('a')
    const error: unknown = await run('die').catch((reason: unknown) => reason)
    expect(error instanceof BtcpError && error.data.btcpCode).toBe('SANDBOX_ERROR')
    const next = await run('b')
    expect([next.started, next.ended, next.record?.value]).toEqual([true, 'its computer was restarted', 'b'])
  })

  test('that prints more than is kept is ended', async () => {
    start(
      interpreter((_, cell, call) => cell.out(call, 'x'.repeat(2_000))),
      { outputKeptBytes: 1_000, outputReturnedBytes: 1_000 },
    )
    const flooded = await run('a')
    expect([flooded.limit, flooded.status, flooded.ended]).toEqual([
      'outputKeptBytes',
      141,
      'it printed more than is kept (limit outputKeptBytes)',
    ])
  })

  test('runs no call that was cancelled while it waited', async () => {
    const platform = start(
      interpreter(({ source }, cell, call) => void setTimeout(() => tell(cell, call, { ...RECORD, value: source }), 60)),
    )
    const controller = new AbortController()
    const first = run('first')
    const second = run('second', { signal: controller.signal }).catch((error: unknown) => error)
    controller.abort()
    expect(await second).toMatchObject({ message: 'Cannot begin the call: it was cancelled' })
    expect([(await first).record?.value, (await run('third')).record?.value]).toEqual(['first', 'third'])
    const sources = platform.cells[0]!.heard.flatMap((message) => (message.t === 'stdin' && message.bytes ? [decode(message.bytes)] : []))
    expect(sources.map((line) => (JSON.parse(line) as { source: string }).source)).toEqual(['first', 'third'])
  })

  test('ends with all of its principal, and gives way to nobody before', async () => {
    start(interpreter(echo), { pythonSessions: 2 })
    await run('a', {}, 'one')
    await run('a', {}, 'two')
    expect(await run('a', {}, 'three').catch((error: BtcpError) => error.message)).toBe(
      'Cannot begin session "three": open already: "one", "two" (limit pythonSessions). End one with { session, end: true }.',
    )
    expect(orchestrator.python.isEmpty).toBe(false)
    await orchestrator.python.endAll(ME, 'taken back')
    expect([orchestrator.python.isEmpty, (await run('b', {}, 'two')).ended]).toEqual([true, 'taken back'])
  })
})
