/** The tool `shell_run` through a real cell: results as its schema says, with what a model needs to go on. */
import { afterAll, describe, expect, test } from 'vitest'
import { nodePlatform } from '../../src/node/node-platform.ts'
import { callTool } from '../../src/orchestrator/catalog.ts'
import { Orchestrator } from '../../src/orchestrator/orchestrator.ts'
import { BUILT_IN_TOOLS } from '../../src/protocol/built-in-tools.ts'
import { BtcpError } from '../../src/protocol/error.ts'
import { validateJson } from '../../src/protocol/json-schema.ts'
import type { JsonObject } from '../../src/protocol/parse.ts'
import { firstText, type ToolResult } from '../../src/protocol/tool.ts'

const orchestrator = new Orchestrator(nodePlatform({ mounts: [] }))
afterAll(() => orchestrator.dispose())
let calls = 0
const run = (args: JsonObject, more: object = {}): Promise<ToolResult> =>
  callTool(orchestrator, { call: `c${++calls}`, principal: { kind: 'local', name: 'tool' }, tool: 'shell_run', arguments: args, ...more })

describe('shell_run', () => {
  test('answers output, exit code and what was changed; a failing command is no failure of the tool', async () => {
    const result = await run({ command: 'echo out; echo err >&2; mkdir d; echo 1 > d/new; echo 2 >> d/new; exit 3' })
    expect(validateJson(BUILT_IN_TOOLS.shell_run.tool.outputSchema, result.structuredContent)).toMatchObject({ ok: true })
    expect(result).toMatchObject({
      isError: false,
      structuredContent: {
        stdout: 'out\n',
        stderr: 'err\n',
        exitCode: 3,
        changed: [
          { path: '/home/user/d', kind: 'created' },
          { path: '/home/user/d/new', kind: 'created' },
        ],
      },
      _meta: { 'btcp/exitCode': 3, 'btcp/untrusted': true },
    })
    expect((await run({ command: 'echo 3 >> d/new; echo x > gone; rm gone' })).structuredContent).toMatchObject({
      changed: [{ path: '/home/user/d/new', kind: 'modified' }],
    })
    expect((await run({ command: 'rm d/new' })).structuredContent).toMatchObject({
      changed: [{ path: '/home/user/d/new', kind: 'removed' }],
    })
  })

  test('takes directory, environment and standard input', async () => {
    const result = await run({ command: 'pwd; echo "$NAME"; cat', cwd: '/tmp', env: { NAME: 'x y' }, stdin: 'grüße' })
    expect(result.structuredContent).toMatchObject({ stdout: '/tmp\nx y\ngrüße', exitCode: 0, changed: [] })
    const missing = await run({ command: 'true', cwd: '/no/such' })
    expect([missing.isError, firstText(missing)]).toEqual([true, 'Cannot run in "/no/such": no such file or directory'])
  })

  test('gives bytes back as base64, and says when text is not what was printed', async () => {
    const command = String.raw`printf 'a\377'`
    expect((await run({ command, encoding: 'base64' })).structuredContent).toMatchObject({ stdout: 'Yf8=' })
    const lossy = await run({ command })
    expect([lossy.structuredContent, lossy._meta['btcp/lossy']]).toMatchObject([{ stdout: 'a\ufffd' }, true])
  })

  test('rejects with TIMEOUT and what had been printed; the smaller of two deadlines holds', async () => {
    const error: unknown = await run({ command: 'echo so far; sleep 20', timeoutMs: 60_000 }, { timeoutMs: 400 }).catch(
      (reason: unknown) => reason,
    )
    expect(error).toBeInstanceOf(BtcpError)
    expect((error as BtcpError).data).toEqual({ btcpCode: 'TIMEOUT', stdout: 'so far\n', stderr: '', effects: 'unknown' })
    expect((await run({ command: 'echo on' })).structuredContent).toMatchObject({ stdout: 'on\n' })
  })

  test('keeps what the answer cannot hold in a file that the next command reads', async () => {
    const result = await run({ command: 'seq 300000' })
    const [cut] = result._meta['btcp/truncated'] ?? []
    expect([result.isError, cut?.stream, cut?.bytes, cut?.limit]).toEqual([false, 'stdout', 1_988_895, 1_048_576])
    expect((await run({ command: `tail -n 1 ${cut?.path}` })).structuredContent).toMatchObject({ stdout: '300000\n' })
  })

  test('tells its output while it runs', async () => {
    const pieces: [number, unknown][] = []
    const began = performance.now()
    await run(
      { command: 'echo one; sleep 0.3; echo two' },
      { onProgress: (piece: unknown) => pieces.push([performance.now() - began, piece]) },
    )
    expect(pieces.map(([, piece]) => piece)).toEqual([
      { stream: 'stdout', text: 'one\n' },
      { stream: 'stdout', text: 'two\n' },
    ])
    expect(pieces[1]![0] - pieces[0]![0]).toBeGreaterThan(200)
  })
})
