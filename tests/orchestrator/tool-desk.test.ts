/** The desk of a tool: what it may reach for, who is asked, and that nothing is carried out before. */
import { describe, expect, test } from 'vitest'
import type { Capability } from '../../src/protocol/capability.ts'
import { BtcpError } from '../../src/protocol/error.ts'
import type { Subject } from '../../src/protocol/import-subject.ts'
import type { JsonObject, JsonValue } from '../../src/protocol/parse.ts'
import type { Tool, ToolResult } from '../../src/protocol/tool.ts'
import type { ImportName } from '../../src/protocol/tool-imports.ts'
import { CancelSource } from '../../src/orchestrator/cancel.ts'
import type { NestedCall } from '../../src/orchestrator/desk.ts'
import { type Check, ToolDesk, type ToolDeskParts } from '../../src/orchestrator/tool-desk.ts'
import { installedOf, toolOf } from '../support/installed-tools.ts'

const done: ToolResult = {
  content: [{ type: 'text', text: 'done' }],
  structuredContent: { a: 1 },
  isError: false,
  _meta: { 'btcp/callId': 'c', 'btcp/durationMs': 1 },
}

/** Who asked whom for what, in order. */
class Told {
  readonly lines: string[] = []

  /** Holds these; every question is told. */
  check(who: string, ...held: readonly Capability[]): Check {
    return (capabilities: readonly Capability[], subject: Subject = {}) => {
      this.lines.push(`${who}: ${capabilities.join(' ')} ${JSON.stringify(subject)}`)
      const missing = capabilities.filter((one) => !held.includes(one))
      if (missing.length > 0) throw new BtcpError('CAPABILITY_DENIED', `${who} lacks ${missing.join(' ')}`, { missing, effects: 'none' })
    }
  }
}

const KNOWN: Readonly<Record<string, { tool: Tool; builtIn: boolean }>> = {
  other: { tool: toolOf({ name: 'other', capabilities: ['dom:read'] }), builtIn: false },
  free: { tool: toolOf({ name: 'free' }), builtIn: false },
  shell_run: { tool: toolOf({ name: 'shell_run', capabilities: ['shell:run'] }), builtIn: true },
}

function deskOf(told: Told, declared: readonly Capability[], parts: Partial<ToolDeskParts> = {}): ToolDesk {
  const installed = installedOf({ type: 'js', module: 'x.js', form: 'stdio' }, {}, { capabilities: declared })
  return new ToolDesk({
    installed,
    check: told.check('tool', ...declared),
    document: async (request) => {
      told.lines.push(`document ${request.import}`)
      return 'text'
    },
    find: (name) => KNOWN[name],
    tools: () => Object.values(KNOWN).map(({ tool }) => tool),
    call: async ({ tool, depth }: NestedCall, chain) => {
      told.lines.push(`call ${tool} depth ${depth} chain ${chain.length}`)
      return done
    },
    most: 4,
    ...parts,
  })
}

const ask = (desk: ToolDesk, name: ImportName, args: JsonObject): Promise<JsonValue> =>
  desk.import({ import: name, arguments: args }, new CancelSource())
const named = (name: string): JsonObject => ({ request: JSON.stringify({ name, arguments: {} }) })
const codeOf = async (promise: Promise<unknown>): Promise<string> => {
  const error: unknown = await promise.then(
    () => 'nothing',
    (reason: unknown) => reason,
  )
  return error instanceof BtcpError ? `${error.data.btcpCode}: ${error.message}` : String(error)
}

describe('an import', () => {
  test('is asked of the gate with what it touches, and then carried out', async () => {
    const told = new Told()
    const desk = deskOf(told, ['dom:read', 'storage:local:read'])
    expect(await ask(desk, 'dom_text', { selector: 'h1' })).toBe('text')
    expect(await ask(desk, 'storage_get', { key: '__proto__' })).toBe('text')
    expect(told.lines).toEqual([
      'tool: dom:read {"selector":"h1"}',
      'document dom_text',
      'tool: storage:local:read {"key":"__proto__"}',
      'document storage_get',
    ])
  })

  test('T88: without its grant has no effect', async () => {
    const told = new Told()
    const desk = deskOf(told, ['dom:read'], { check: told.check('tool') })
    expect(await codeOf(ask(desk, 'dom_text', { selector: 'h1' }))).toBe('CAPABILITY_DENIED: tool lacks dom:read')
    expect(told.lines).toEqual(['tool: dom:read {"selector":"h1"}'])
  })

  test('T88: that the tool does not declare is denied, whatever is granted', async () => {
    const told = new Told()
    const desk = deskOf(told, ['storage:local:read'], { check: told.check('tool', 'dom:write', 'dom:read') })
    expect(await codeOf(ask(desk, 'dom_click', { selector: 'a' }))).toBe(
      'CAPABILITY_DENIED: Cannot use "dom:write": "probe" does not declare it',
    )
    expect(told.lines).toEqual([])
  })

  test('is declared with what implies it', async () => {
    const told = new Told()
    const desk = deskOf(told, ['dom:write'], { check: told.check('tool', 'dom:read') })
    expect(await ask(desk, 'dom_text', { selector: 'h1' })).toBe('text')
  })

  test('of files says where they are not, and asks with the path that it means', async () => {
    const told = new Told()
    expect(await codeOf(ask(deskOf(told, ['vfs:read']), 'read_file', { path: 'a' }))).toBe(
      'UNSUPPORTED: Cannot import "read_file": there are no files here',
    )
    const files = { pathOf: () => '/home/user/a', run: async () => 'YQ==' }
    expect(await ask(deskOf(told, ['vfs:read'], { files }), 'read_file', { path: 'a' })).toBe('YQ==')
    expect(told.lines).toEqual(['tool: vfs:read {"path":"/home/user/a"}'])
  })

  test('T88: of the network needs what it says, and goes to the document with the server that it names', async () => {
    const told = new Told()
    const args = { request: '{"url":"https://a.example:8443/x"}' }
    expect(await codeOf(ask(deskOf(told, []), 'http_fetch', args))).toMatch(/^CAPABILITY_DENIED/)
    expect(told.lines).toEqual([])
    expect(await ask(deskOf(told, ['network:fetch:same-origin']), 'http_fetch', args)).toBe('text')
    expect(told.lines).toEqual(['tool: network:fetch:same-origin {"host":"a.example"}', 'document http_fetch'])
  })

  test('of the network goes to no other origin than that of the document, where it is known', async () => {
    const told = new Told()
    const desk = deskOf(told, ['network:fetch:same-origin'], { origin: 'https://a.example' })
    const request = (url: string): JsonObject => ({ request: JSON.stringify({ url }) })
    expect(await codeOf(ask(desk, 'http_fetch', request('https://b.example/')))).toMatch(/^UNSUPPORTED: .*"network:fetch:cross-origin"$/)
    expect(await codeOf(ask(desk, 'http_fetch', request('//b.example/')))).toMatch(/^INVALID_PARAMS/)
    expect(told.lines).toEqual([])
    expect(await ask(desk, 'http_fetch', request('/x'))).toBe('text')
    expect(told.lines[0]).toBe('tool: network:fetch:same-origin {"host":"a.example"}')
  })
})

describe('a call of another tool', () => {
  test('asks everyone in the chain, outermost first, and hands the chain on', async () => {
    const told = new Told()
    const desk = deskOf(told, ['dom:read'], { chain: [told.check('first', 'dom:read')], depth: 1 })
    expect(await ask(desk, 'call_tool', named('other'))).toBe('{"a":1}')
    expect(told.lines).toEqual(['first: dom:read {}', 'tool: dom:read {}', 'call other depth 2 chain 2'])
  })

  test('is denied where one of the chain lacks what the called tool needs', async () => {
    const told = new Told()
    const desk = deskOf(told, ['dom:read'], { chain: [told.check('first')] })
    expect(await codeOf(ask(desk, 'call_tool', named('other')))).toBe('CAPABILITY_DENIED: first lacks dom:read')
    expect(await codeOf(ask(deskOf(told, []), 'call_tool', named('other')))).toMatch(/does not declare it$/)
    expect(told.lines).not.toContain(expect.stringContaining('call'))
  })

  test('that is built in asks the owner, too', async () => {
    const told = new Told()
    const desk = deskOf(told, ['shell:run'], { owner: told.check('owner') })
    expect(await codeOf(ask(desk, 'call_tool', named('shell_run')))).toBe('CAPABILITY_DENIED: owner lacks shell:run')
    expect(told.lines).toEqual(['tool: shell:run {}', 'owner: shell:run {}'])
  })

  test('T24 that is built in runs in no session of the owner, where its code would stay and act as the owner later', async () => {
    const told = new Told()
    const desk = deskOf(told, ['shell:run'])
    const call = (args: object) => ask(desk, 'call_tool', { request: JSON.stringify({ name: 'shell_run', arguments: args }) })
    expect(await codeOf(call({ session: 'main' }))).toMatch(/^INVALID_PARAMS: .*session is its owner's alone/)
    expect(told.lines).toEqual(['tool: shell:run {}'])
    await call({})
    expect(told.lines).toContain('call shell_run depth 1 chain 1')
  })

  test('is listed when it may be called', () => {
    const told = new Told()
    expect(
      deskOf(told, ['dom:read'])
        .tools()
        .map(({ name }) => name),
    ).toEqual(['other', 'free'])
    expect(
      deskOf(told, [])
        .tools()
        .map(({ name }) => name),
    ).toEqual(['free'])
  })

  test('goes no deeper than the limit', async () => {
    const desk = deskOf(new Told(), [], { depth: 4 })
    expect(await codeOf(ask(desk, 'call_tool', named('free')))).toBe(
      'BUSY: Cannot call "free": calls are 4 deep inside each other (limit toolDepth)',
    )
  })

  test.each([
    ['', 'INVALID_PARAMS: Cannot call a tool: the request is no JSON'],
    ['{"name":1}', 'INVALID_PARAMS: Cannot call a tool: the request has no "name"'],
    ['{"name":"free","arguments":[]}', 'INVALID_PARAMS: Cannot call a tool: "arguments" is no object'],
    ['{"name":"__proto__"}', 'TOOL_NOT_FOUND: Cannot call "__proto__": no such tool'],
  ])('with the request %s is refused', async (request, message) => {
    const desk = deskOf(new Told(), [], { find: (name) => (Object.hasOwn(KNOWN, name) ? KNOWN[name] : undefined) })
    expect(await codeOf(ask(desk, 'call_tool', { request }))).toBe(message)
  })

  test('that fails gives its text', async () => {
    const failed: ToolResult = { ...done, isError: true, content: [{ type: 'text', text: 'Cannot finish "free": no' }] }
    const desk = deskOf(new Told(), [], { call: async () => failed })
    expect(await codeOf(ask(desk, 'call_tool', named('free')))).toBe('INVALID_PARAMS: Cannot call "free": Cannot finish "free": no')
  })
})
