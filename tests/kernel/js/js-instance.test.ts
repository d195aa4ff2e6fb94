/** The `js` process against a script's side that does as it likes: a peer that the test plays. */
import { describe, expect, test } from 'vitest'
import { JsProgram } from '../../../src/kernel/js/js-program.ts'
import type { SnippetPort } from '../../../src/kernel/js/snippet-port.ts'
import type { HostPrograms } from '../../../src/kernel/process/host-program.ts'
import { encodeFromScript, encodeScriptMessage, type FromScript, parseToScript, type ToScript } from '../../../src/protocol/js-wire.ts'
import type { LimitName } from '../../../src/protocol/limits.ts'
import { builtPrograms, TestKernel } from '../../support/kernel.ts'

/** The script's side: hears what the cell says, and says what it likes. */
class Peer {
  readonly heard: ToScript[] = []
  isEnded = false
  #hear: (raw: unknown) => void = () => {}
  #ended: (reason: string) => void = () => {}
  readonly #act: (message: ToScript, peer: Peer) => void

  constructor(act: (message: ToScript, peer: Peer) => void) {
    this.#act = act
  }

  get port(): SnippetPort {
    return {
      send: (message) => {
        const parsed = parseToScript(message)!
        this.heard.push(parsed)
        queueMicrotask(() => this.#act(parsed, this))
      },
      listen: (hear, ended) => {
        this.#hear = hear
        this.#ended = ended
        queueMicrotask(() => this.say({ t: 'ready' }))
      },
      end: () => void (this.isEnded = true),
    }
  }
  say(message: FromScript): void {
    this.#hear(encodeFromScript(message))
  }
  sayRaw(raw: unknown): void {
    this.#hear(raw)
  }
  die(reason: string): void {
    this.#ended(reason)
  }
}

const text = (string: string): Uint8Array => new TextEncoder().encode(string)

/** Runs `js -e CODE` whose script is `act`. */
async function run(
  act: (message: ToScript, peer: Peer) => void,
  limits: Partial<Record<LimitName, number>> = {},
  argv = ['js', '-e', 'CODE'],
  ask: (request: string) => Promise<string> = () => new Promise(() => {}),
) {
  const peer = new Peer(act)
  const hostPrograms: HostPrograms = (kernel) => new Map([['js', new JsProgram(kernel, { startSnippet: () => peer.port }, ask)]])
  const programs = new Map([...builtPrograms(), ['js', { module: 'js', bytes: text('js') }] as const])
  const kernel = new TestKernel({ programs, limits, host: { hostPrograms } })
  const { status, stdout, stderr } = await kernel.run(argv)
  return { status, stdout, stderr, peer }
}
const atStart =
  (act: (peer: Peer) => void) =>
  (message: ToScript, peer: Peer): void => {
    if (message.t === 'start') act(peer)
  }
const BROKE = 'js: the script was ended: it broke the rules of its port: '

describe('the js process', () => {
  test('gives the script its code once, and ends it with its status', async () => {
    const { status, stdout, stderr, peer } = await run(
      atStart((p) => {
        p.say({ t: 'out', fd: 1, bytes: text('out') })
        p.say({ t: 'out', fd: 2, bytes: text('err') })
        p.say({ t: 'end', status: 3, bytes: text('') })
      }),
    )
    expect([status, stdout, stderr, peer.isEnded]).toEqual([3, 'out', 'err', true])
    expect(peer.heard[0]).toMatchObject({ t: 'start', name: '[eval]', code: 'CODE', args: [], print: false, result: false })
  })
  test('ends a script that says what is no message, with what is wrong and 137', async () => {
    const cases: readonly (readonly [(peer: Peer) => void, string])[] = [
      [(p) => p.sayRaw('text'), 'a message is no byte array'],
      [(p) => p.sayRaw({ t: 'end' }), 'a message is no byte array'],
      [(p) => p.sayRaw(new Uint8Array(2)), 'is too short'],
      [(p) => p.sayRaw(Uint8Array.of(255, 255, 255, 255, 0)), 'has a header that is too long'],
      [(p) => p.sayRaw(encodeScriptMessage({ t: 'own' })), 'is no message of a script'],
      [(p) => p.say({ t: 'ready' }), 'it is ready twice'],
      [(p) => p.sayRaw(encodeScriptMessage({ t: 'ask', req: 1, op: { op: 'spawn' } })), 'asks for nothing that there is'],
    ]
    for (const [act, reason] of cases) {
      const { status, stderr, peer } = await run(atStart(act))
      expect([status, stderr, peer.isEnded]).toEqual([137, `${BROKE}${reason}\n`, true])
    }
  })
  test('ends a script that prints more than it has credit for', async () => {
    const flood = await run(
      atStart((p) => {
        for (let i = 0; i < 5; i++) p.say({ t: 'out', fd: 1, bytes: new Uint8Array(65_536) })
      }),
    )
    expect([flood.status, flood.stderr]).toEqual([137, `${BROKE}it prints more than it has credit for\n`])
  })
  test('ends a script that floods its port, by messages or by bytes', async () => {
    const small = await run(
      atStart((p) => {
        for (let i = 0; i < 2_000; i++) p.say({ t: 'out', fd: 1, bytes: text('') })
      }),
    )
    expect([small.status, small.stderr, small.peer.isEnded]).toEqual([137, `${BROKE}it floods it\n`, true])
    const large = await run(
      atStart((p) => {
        for (let i = 0; i < 20; i++) p.say({ t: 'end', status: 0, bytes: new Uint8Array(1_000_000) })
      }),
    )
    expect(large.status).toBe(137)
  })
  test('ends a script that asks for too much at once, or uses a number twice', async () => {
    const ask = (p: Peer, req: number): void => p.say({ t: 'ask', req, op: { op: 'input', length: 1 }, bytes: text('') })
    const many = await run(
      atStart((p) => [1, 2, 3].forEach((req) => ask(p, req))),
      { jsRequests: 2 },
    )
    expect([many.status, many.stderr]).toEqual([137, `${BROKE}it asks too much at once\n`])
    const twice = await run(atStart((p) => [1, 1].forEach((req) => ask(p, req))))
    expect(twice.stderr).toBe(`${BROKE}it asks too much at once\n`)
  })
  test('hears nothing after the end', async () => {
    const { status, stdout } = await run(
      atStart((p) => {
        p.say({ t: 'end', status: 0, bytes: text('') })
        p.say({ t: 'out', fd: 1, bytes: text('late') })
        p.sayRaw('garbage')
        p.say({ t: 'end', status: 9, bytes: text('') })
        p.die('late')
      }),
    )
    expect([status, stdout]).toEqual([0, ''])
  })
  test('says why its script is gone', async () => {
    const { status, stderr } = await run(atStart((p) => p.die('it used too much')))
    expect([status, stderr]).toEqual([137, 'js: the script was ended: it used too much\n'])
  })
  test('answers by the rules of the file system, in the process’s own place', async () => {
    const answers: ToScript[] = []
    const ops = [
      { op: 'cwd' },
      { op: 'read', path: '/none', offset: 0, length: 10 },
      { op: 'write', path: '/usr/bin/js', how: 'replace', offset: 0 },
      { op: 'write', path: 'x\0y', how: 'replace', offset: 0 },
      { op: 'mkdir', path: '../../../../../tmp/made', recursive: false },
      { op: 'realpath', path: '/tmp/made/../made' },
      { op: 'read', path: '/proc/self/comm', offset: 0, length: 10 },
    ] as const
    await run((message, peer) => {
      if (message.t === 'answer') answers.push(message)
      const next = ops[answers.length]
      if (next) peer.say({ t: 'ask', req: answers.length + 1, op: next, bytes: text('') })
      else peer.say({ t: 'end', status: 0, bytes: text('') })
    })
    expect(answers.map((a) => (a.t === 'answer' ? (a.code ?? (new TextDecoder().decode(a.bytes) || a.value)) : ''))).toEqual([
      '/home/user',
      'ENOENT',
      'EACCES',
      'EINVAL',
      undefined,
      '/tmp/made',
      'js\n',
    ])
  })
})

describe('a script that asks for tools', () => {
  const tool = (request: string, req = 1): FromScript => ({ t: 'ask', req, op: { op: 'tool' }, bytes: text(request) })
  test('is answered when the answer is there, and its files meanwhile', async () => {
    const asked: string[] = []
    const { promise, resolve } = Promise.withResolvers<string>()
    const { peer, status } = await run(
      (message, p) => {
        if (message.t === 'start') {
          p.say(tool('{"tool":"x","args":{"a":"ü"}}'))
          p.say({ t: 'ask', req: 2, op: { op: 'cwd' }, bytes: text('') })
        }
        if (message.t !== 'answer') return
        if (message.req === 2) resolve('{"ok":{"structuredContent":"é"}}')
        else p.say({ t: 'end', status: 0, bytes: text('') })
      },
      {},
      ['js', '-e', 'CODE'],
      (request) => {
        asked.push(request)
        return promise
      },
    )
    expect(asked).toEqual(['{"tool":"x","args":{"a":"ü"}}'])
    expect(status).toBe(0)
    const answers = peer.heard.flatMap((message) =>
      message.t === 'answer' ? [[message.req, new TextDecoder().decode(message.bytes)]] : [],
    )
    expect(answers).toEqual([
      [2, ''],
      [1, '{"ok":{"structuredContent":"é"}}'],
    ])
  })
  test('asks no more at once than jsRequests, and nothing longer than a request may be', async () => {
    const most = await run(
      atStart((p) => {
        for (let req = 1; req <= 3; req++) p.say(tool('{}', req))
      }),
      { jsRequests: 2 },
    )
    expect([most.status, most.stderr]).toEqual([137, `${BROKE}it asks too much at once\n`])
    const long = await run(atStart((p) => p.say({ t: 'ask', req: 1, op: { op: 'tool' }, bytes: new Uint8Array(1024 * 1024 + 1) })))
    expect([long.status, long.stderr]).toEqual([137, `${BROKE}carries more than 1048576 bytes\n`])
  })
  test('that ends before its answer is gone for it', async () => {
    const { promise, resolve } = Promise.withResolvers<string>()
    const { status } = await run(
      atStart((p) => {
        p.say(tool('{}'))
        p.say({ t: 'end', status: 4, bytes: text('') })
      }),
      {},
      ['js', '-e', 'CODE'],
      () => promise,
    )
    resolve('{"ok":{}}')
    await promise
    expect(status).toBe(4)
  })
})

test('the options say the form, and give the environment', async () => {
  const { peer, stderr, status } = await run(
    atStart((p) => p.say({ t: 'end', status: 0, bytes: text('') })),
    {},
    ['sh', '-c', 'echo CODE > t.js; A=1 js --node t.js x; js --tool'],
  )
  expect(peer.heard[0]).toMatchObject({ t: 'start', form: 'node', name: 't.js', args: ['x'], env: { A: '1' } })
  expect([stderr, status]).toEqual(['js: --tool needs FILE\nTry "js --help".\n', 9])
})
