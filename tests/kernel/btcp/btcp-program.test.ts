/** `btcp` in a kernel whose other side the test plays: what it asks, what it prints, how it ends. */
import { describe, expect, test } from 'vitest'
import { HELP } from '../../../src/kernel/btcp/command-line.ts'
import { BtcpProgram } from '../../../src/kernel/btcp/btcp-program.ts'
import type { HostPrograms } from '../../../src/kernel/process/host-program.ts'
import type { LimitName } from '../../../src/protocol/limits.ts'
import { builtPrograms, TestKernel } from '../../support/kernel.ts'

type Answer = (request: Record<string, unknown>) => unknown

/** A kernel with `btcp` whose requests `answer` answers. */
function kernelWith(answer: Answer, limits: Partial<Record<LimitName, number>> = {}): TestKernel {
  const ask = async (request: string): Promise<string> => JSON.stringify(await answer(JSON.parse(request) as Record<string, unknown>))
  const hostPrograms: HostPrograms = (kernel) => new Map([['btcp', new BtcpProgram(kernel, ask)]])
  const programs = new Map([...builtPrograms(), ['btcp', { module: 'btcp', bytes: new Uint8Array(1) }] as const])
  return new TestKernel({ programs, limits, host: { hostPrograms } })
}

/** Status, stdout and stderr of `btcp ARGUMENTS`. */
async function btcp(answer: Answer, argv: readonly string[], stdin = '', limits: Partial<Record<LimitName, number>> = {}) {
  const { status, stdout, stderr } = await kernelWith(answer, limits).run(['btcp', ...argv], { stdin })
  return [status, stdout, stderr]
}
async function sh(answer: Answer, command: string) {
  const { status, stdout, stderr } = await kernelWith(answer).run(['bash', '-c', command])
  return [status, stdout, stderr]
}

const echo: Answer = (request) => ({ ok: { structuredContent: request } })
const never: Answer = () => {
  throw new Error('nothing is to be asked')
}
const fails =
  (btcpCode: string, message: string, data: object = {}): Answer =>
  () => ({ error: { btcpCode, number: null, message, data } })

const TOOLS = [
  { name: 'fs_list', title: 'List', description: 'Lists a directory.\nMore.', capabilities: ['vfs:read'], inputSchema: { type: 'object' } },
  { name: 'up', title: 'Up', description: 'Upper case\u001b[2J', capabilities: [], inputSchema: {} },
]
const lists: Answer = (request) => (request['tools'] === true ? { ok: { tools: TOOLS } } : never(request))

describe('btcp call', () => {
  test('asks for the tool and prints its result as JSON on one line', async () => {
    expect(await btcp(echo, ['call', 'fs_list', '{"path":"/"}'])).toEqual([0, '{"tool":"fs_list","args":{"path":"/"}}\n', ''])
  })

  test('reads the arguments from standard input for -, and without them where it is a pipe', async () => {
    expect(await btcp(echo, ['call', 't', '-'], '{"a":\n 1}')).toEqual([0, '{"tool":"t","args":{"a":1}}\n', ''])
    expect(await btcp(echo, ['call', 't'], '{"ü":"\u{1F600}"}')).toEqual([0, '{"tool":"t","args":{"ü":"\u{1F600}"}}\n', ''])
  })

  test('has no arguments where nothing is piped', async () => {
    expect(await btcp(echo, ['call', 't'])).toEqual([0, '{"tool":"t","args":{}}\n', ''])
    expect(await sh(echo, 'btcp call t < /dev/null; btcp call t <&-')).toEqual([0, '{"tool":"t","args":{}}\n'.repeat(2), ''])
    expect(await btcp(never, ['call', 't', '-'])).toEqual([2, '', 'btcp: the arguments of t are no JSON object: \nTry "btcp --help".\n'])
  })

  test('reads long arguments whole, and none that are longer than the limit', async () => {
    const long = JSON.stringify({ a: 'x'.repeat(300_000) })
    expect(await btcp((request) => ({ ok: { structuredContent: JSON.stringify(request['args']).length } }), ['call', 't'], long)).toEqual([
      0,
      `${long.length}\n`,
      '',
    ])
    expect(await btcp(never, ['call', 't', '-'], long, { messageBytes: 100_000 })).toEqual([
      1,
      '',
      'btcp: the arguments of t are too long (limit messageBytes)\n',
    ])
  })

  test('--text prints a text as it is, and other results as JSON', async () => {
    const says =
      (structuredContent: unknown): Answer =>
      () => ({ ok: { structuredContent } })
    expect(await btcp(says('a "b"\nc'), ['call', 't', '--text', '{}'])).toEqual([0, 'a "b"\nc\n', ''])
    expect(await btcp(says('a "b"'), ['call', 't', '{}'])).toEqual([0, '"a \\"b\\""\n', ''])
    expect(await btcp(says({ a: [1] }), ['call', '--text', 't', '{}'])).toEqual([0, '{"a":[1]}\n', ''])
    expect(await btcp(() => ({ ok: {} }), ['call', 't', '{}'])).toEqual([0, 'null\n', ''])
  })

  test('says the code, the reason and what to do, with status 1', async () => {
    expect(
      await btcp(fails('CAPABILITY_DENIED', 'Cannot call "page_text": capability "dom:read" is not granted'), ['call', 'page_text', '{}']),
    ).toEqual([
      1,
      '',
      'btcp: CAPABILITY_DENIED: Cannot call "page_text": capability "dom:read" is not granted\n' +
        'A person has to allow it: in the popup of the extension, or when the page asks for it.\n',
    ])
    const violation = { errors: [{ instancePath: '/path', message: 'Instance type "number" is invalid.' }] }
    expect(await btcp(fails('INVALID_PARAMS', 'Cannot call "t": wrong', violation), ['call', 't', '{"path":5}'])).toEqual([
      1,
      '',
      'btcp: INVALID_PARAMS: Cannot call "t": wrong\n  /path: Instance type "number" is invalid.\nIts arguments: btcp describe t\n',
    ])
    const suggestions = ['Ask for it with btcp.requestCapabilities(["dom:read"]).']
    expect(await btcp(fails('CAPABILITY_DENIED', 'not granted', { suggestions }), ['call', 't', '{}'])).toEqual([
      1,
      '',
      'btcp: CAPABILITY_DENIED: not granted\nAsk for it with btcp.requestCapabilities(["dom:read"]).\n',
    ])
    expect(await btcp(fails('TOOL_NOT_FOUND', 'Cannot call "t": no such tool'), ['call', 't', '{}'])).toEqual([
      1,
      '',
      'btcp: TOOL_NOT_FOUND: Cannot call "t": no such tool\nWhat there is: btcp tools\n',
    ])
    expect(await btcp(fails('ENOENT', 'Cannot read "x": no such file\u001b[31m'), ['call', 't', '{}'])).toEqual([
      1,
      '',
      'btcp: ENOENT: Cannot read "x": no such file [31m\n',
    ])
  })

  test('prints what a tool that failed gave all the same', async () => {
    expect(await btcp(fails('LIMIT_EXCEEDED', 'too much', { result: { stdout: 'x' } }), ['call', 't', '{}'])).toEqual([
      1,
      '{"stdout":"x"}\n',
      'btcp: LIMIT_EXCEEDED: too much\n',
    ])
  })

  test.each([[{}], [{ ok: 5 }], [[]], [null], [{ error: 'no' }]])('takes the answer %j for a failure', async (answer) => {
    expect(await btcp(() => answer, ['call', 't', '{}'])).toEqual([1, '', 'btcp: INTERNAL_ERROR: the answer cannot be read\n'])
  })
})

describe('btcp tools and describe', () => {
  test('lists in columns, without what moves the cursor', async () => {
    expect(await btcp(lists, ['tools'])).toEqual([0, 'fs_list  vfs:read  Lists a directory.\nup       -         Upper case [2J\n', ''])
  })

  test('lists as JSON', async () => {
    const [status, stdout] = await btcp(lists, ['tools', '--json'])
    expect([status, JSON.parse(String(stdout))]).toEqual([0, TOOLS])
  })

  test('describes one, and says that there is no such', async () => {
    const [status, stdout] = await btcp(lists, ['describe', 'fs_list'])
    expect([status, JSON.parse(String(stdout))]).toEqual([0, TOOLS[0]])
    expect(await btcp(lists, ['describe', 'nothing'])).toEqual([
      1,
      '',
      'btcp: TOOL_NOT_FOUND: Cannot describe "nothing": no such tool may be called\nWhat there is: btcp tools\n',
    ])
  })
})

describe('its command line', () => {
  test.each([['--help'], ['-h'], ['help'], ['call --help'], ['tools -h']])('btcp %s prints the help', async (line) => {
    expect(await btcp(never, line.split(' '))).toEqual([0, HELP, ''])
  })

  test('the help is this', () => {
    expect(HELP).toMatchInlineSnapshot(`
      "Usage: btcp call NAME [--text] [JSON | -]
             btcp tools [--json]
             btcp describe NAME
      Uses the tools that this computer may use. Each call is decided like one of
      the page's own.

        call NAME [JSON]  call a tool with arguments that are a JSON object, and print
                          its result as JSON on one line
            -             read the arguments from standard input, as without JSON
                          where standard input is a pipe or a file
            --text        print a result that is a text as it is
        tools             list the tools: name, capabilities, description
            --json        the same as JSON, with the schemas of their arguments
        describe NAME     print what a tool is and the schema of its arguments
        -h, --help        print this

      Exit status: 0; 1 if the tool failed or may not be called, with the reason on
      standard error; 2 if the command line is wrong.

        btcp call fs_list '{"path":"/"}' | jq -r '.entries[].name'
      "
    `)
  })

  test.each([
    ['', 'it needs call, tools or describe'],
    ['list', 'there is no command "list"'],
    ['-x', 'there is no option -x'],
    ['call', 'call needs the NAME of a tool'],
    ['call --json t', 'there is no option --json of call'],
    ['call t {} {}', 'call takes one JSON object, quoted as one word, and not "{}" besides'],
    ['tools all', 'tools takes --json, and not "all"'],
    ['describe', 'describe needs the NAME of a tool'],
    ['describe a b', 'describe takes one NAME, and not "b" besides'],
    ['describe -v', 'there is no option -v of describe'],
    ['call t [1]', 'the arguments of t are no JSON object: [1]'],
    ['call t {a', 'the arguments of t are no JSON object: {a'],
  ])('btcp %s: %s', async (line, reason) => {
    expect(await btcp(never, line === '' ? [] : line.split(' '))).toEqual([2, '', `btcp: ${reason}\nTry "btcp --help".\n`])
  })
})

describe('as a process', () => {
  const big: Answer = () => ({ ok: { structuredContent: 'x'.repeat(3_000_000) } })

  test('writes a big result whole, as fast as it is read', async () => {
    expect(await sh(big, 'btcp call t {} | wc -c')).toEqual([0, '3000003\n', ''])
  })

  test('ends with 141 when nobody reads the rest', async () => {
    expect(await sh(big, 'btcp call t {} | head -c 5; echo " ${PIPESTATUS[*]}"')).toEqual([0, '"xxxx 141 0\n', ''])
  })

  test('says that it could not write where SIGPIPE is ignored', async () => {
    const [status, stdout] = await sh(big, `trap '' PIPE; btcp call t {} | head -c 1; echo " \${PIPESTATUS[*]}"`)
    expect([status, stdout]).toEqual([0, '" 1 0\n'])
  })

  test('says what a full device says', async () => {
    expect(await sh(echo, 'btcp call t {} > /dev/full')).toEqual([1, '', 'btcp: write error: ENOSPC\n'])
  })

  test('can be killed while it waits, and hears no answer then', async () => {
    const asked = Promise.withResolvers<void>()
    const late = Promise.withResolvers<unknown>()
    const kernel = kernelWith(() => {
      asked.resolve()
      return late.promise
    })
    const running = kernel.run(['bash', '-c', 'btcp call t {} & sleep 0.2; kill $!; wait $!; echo $?'])
    await asked.promise
    expect(await running).toMatchObject({ status: 0, stdout: '143\n' })
    late.resolve({ ok: { structuredContent: 1 } })
    expect(await kernel.run(['echo', 'alive'])).toMatchObject({ status: 0, stdout: 'alive\n' })
  })

  test('waits without keeping others from running, stopped or not', async () => {
    const late = Promise.withResolvers<unknown>()
    setTimeout(() => late.resolve({ ok: { structuredContent: 'now' } }), 300)
    expect(await sh(() => late.promise, 'btcp call t {} & kill -STOP $!; echo first; sleep 0.5; echo second; kill -CONT $!; wait')).toEqual(
      [0, 'first\nsecond\n"now"\n', ''],
    )
  })
})
