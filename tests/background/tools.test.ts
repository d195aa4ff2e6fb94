/** Installed tools as the service worker keeps them: rows read as unknown, grants apart from the site's, imports only for what runs. */
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Capability } from '../../src/protocol/capability.ts'
import type { InstalledTool } from '../../src/protocol/installed-tool.ts'
import { parseOrigin } from '../../src/protocol/principal.ts'
import { installedOf } from '../support/installed-tools.ts'

const kept = { local: new Map<string, unknown>(), session: new Map<string, unknown>() }
const area = (rows: Map<string, unknown>) => ({
  get: async (key: string | null) => {
    if (key === null) return Object.fromEntries(rows)
    return rows.has(key) ? { [key]: structuredClone(rows.get(key)) } : {}
  },
  set: async (values: object) => {
    for (const [key, value] of Object.entries(values)) rows.set(key, structuredClone(value))
  },
  remove: async (key: string) => void rows.delete(key),
})
vi.mock('webextension-polyfill', () => ({ default: { storage: { local: area(kept.local), session: area(kept.session) } } }))

const asked: unknown[] = []
let isThere = true
vi.mock('../../src/background/offscreen-document.ts', () => ({
  changePackage: async (_owner: unknown, op: unknown) => {
    if (!isThere) throw new Error('the sandbox was closed')
    asked.push(op)
  },
}))

const origin = parseOrigin('https://a.example')!
const load = async () => {
  vi.resetModules()
  return {
    grants: await import('../../src/background/grants.ts'),
    tools: await import('../../src/background/tools.ts'),
    imports: await import('../../src/background/imports.ts'),
    running: await import('../../src/background/running-tools.ts'),
    left: await import('../../src/background/tools-left.ts'),
  }
}
type Loaded = Awaited<ReturnType<typeof load>>

const toolNamed = (name: string, more: Partial<InstalledTool> = {}): InstalledTool =>
  installedOf({ type: 'js', module: 'tool.js', form: 'stdio' }, more, { name, capabilities: ['dom:read'] })
const READER = toolNamed('reader')
const allowed = async ({ grants }: Loaded, tool: InstalledTool | undefined, ...capabilities: Capability[]): Promise<boolean> => {
  const request = {
    principal: grants.principalOf(origin, tool),
    manifest: tool?.manifest ?? 'page',
    builtIn: !tool,
    call: 'call',
    capabilities,
    now: Date.now(),
  }
  return (await grants.take(origin, request)).decision.allow
}

beforeEach(() => {
  kept.local.clear()
  kept.session.clear()
  asked.length = 0
  isThere = true
})

describe('grants of a tool', () => {
  test('are its own: the site has none of them, another tool has none, and nor has the tool those of the site', async () => {
    const loaded = await load()
    await loaded.grants.grant(origin, ['dom:read'], 'always', READER)
    expect([
      await allowed(loaded, READER, 'dom:read'),
      await allowed(loaded, undefined, 'dom:read'),
      await allowed(loaded, toolNamed('other'), 'dom:read'),
      await allowed(loaded, { ...READER, sha256: '1'.repeat(64) }, 'dom:read'),
    ]).toEqual([true, false, false, false])
    await loaded.grants.revoke(origin, undefined, READER)
    await loaded.grants.grant(origin, ['dom:read'], 'always')
    expect([await allowed(loaded, READER, 'dom:read'), await allowed(loaded, undefined, 'dom:read')]).toEqual([false, true])
  })

  test('stay when the site gives back everything, and the site keeps its own when the tool does', async () => {
    const loaded = await load()
    await loaded.grants.grant(origin, ['dom:read'], 'session', READER)
    await loaded.grants.grant(origin, ['dom:read'], 'session')
    await loaded.grants.revoke(origin)
    expect([await allowed(loaded, READER, 'dom:read'), await allowed(loaded, undefined, 'dom:read')]).toEqual([true, false])
    await loaded.grants.grant(origin, ['dom:read'], 'session')
    await loaded.grants.revoke(origin, ['dom:read'], READER)
    expect([await allowed(loaded, READER, 'dom:read'), await allowed(loaded, undefined, 'dom:read')]).toEqual([false, true])
  })

  test('go with the browser, or stay, as those of a site', async () => {
    let loaded = await load()
    await loaded.grants.grant(origin, ['dom:read'], 'session', READER)
    await loaded.grants.grant(origin, ['storage:local:read'], 'always', READER)
    await loaded.grants.dropPassing(origin)
    loaded = await load()
    expect([await allowed(loaded, READER, 'dom:read'), await allowed(loaded, READER, 'storage:local:read')]).toEqual([false, true])
  })

  test('a call of several principals takes from all of them or from none', async () => {
    const loaded = await load()
    const { grants } = loaded
    const requestOf = (tool: InstalledTool) => ({
      principal: grants.principalOf(origin, tool),
      manifest: tool.manifest,
      builtIn: false,
      call: 'call',
      capabilities: ['dom:read'] as const,
      now: Date.now(),
    })
    const other = toolNamed('other')
    await grants.grant(origin, ['dom:read'], 'once', READER)
    expect((await grants.take(origin, requestOf(READER), requestOf(other))).decision).toEqual({ allow: false, missing: ['dom:read'] })
    await grants.grant(origin, ['dom:read'], 'once', other)
    expect((await grants.take(origin, requestOf(READER), requestOf(other))).decision.allow).toBe(true)
    await grants.release(origin, 'call')
    expect((await grants.snapshotOf(origin)).grants).toEqual([])
  })

  test('T91 of a tool that is gone nothing is left, neither grants nor when they were used', async () => {
    const loaded = await load()
    const { grants, tools } = loaded
    await tools.writeTools(origin, [READER])
    await grants.grant(origin, ['dom:read'], 'always', READER)
    await grants.grant(origin, ['dom:read'], 'always')
    expect([await allowed(loaded, READER, 'dom:read'), await allowed(loaded, undefined, 'dom:read')]).toEqual([true, true])
    const { epoch } = await grants.snapshotOf(origin)
    await tools.writeTools(origin, [])
    await grants.changeTools(origin, [READER])
    expect(await grants.snapshotOf(origin)).toMatchObject({ epoch: epoch + 1, tools: [], grants: [{ manifest: '*' }] })
    expect(JSON.stringify([...kept.local])).not.toMatch(/reader|probes/)
    expect(await allowed(loaded, READER, 'dom:read')).toBe(false)
  })
})

describe('rows of tools', () => {
  test('come back as they were written, and a site without tools has none', async () => {
    let { tools } = await load()
    const python = installedOf(
      { type: 'python', start: { run: 'module', module: 'm', call: 'main' }, path: ['dist/a.whl'] },
      { secrets: [{ name: 'TOKEN', description: 'A token' }], variables: { A: 'b' }, env: { A: 'c', TOKEN: 'secret' } },
      { name: 'python', outputSchema: { type: 'object' } },
    )
    const wasm = installedOf({ type: 'wasm', module: 'a.wasm', abi: 'btcp', memoryMaximum: 3, strict: true }, {}, { name: 'wasm' })
    const external = installedOf({ type: 'external', command: ['a', 'b'] }, {}, { name: 'external' })
    await tools.writeTools(origin, [READER, python, wasm, external])
    ;({ tools } = await load())
    expect(await tools.toolsOf(origin)).toEqual([READER, python, wasm, external])
    expect(await tools.allTools()).toHaveLength(4)
    await tools.writeTools(origin, [])
    expect([...kept.local.keys()]).toEqual([])
  })

  const broken: Record<string, unknown> = {
    'no object': 7,
    'no tool': { ...READER, tool: undefined },
    'a hash that is none': { ...READER, sha256: '../secret' },
    'a capability that nobody knows': { ...READER, tool: { ...READER.tool, capabilities: ['dom:read', 'root'] } },
    'code of no kind': { ...READER, implementation: { type: 'native', module: 'a' } },
    'an ABI of no kind': { ...READER, implementation: { type: 'wasm', module: 'a', abi: 'other' } },
    'no environment': { ...READER, env: null },
  }
  for (const [what, row] of Object.entries(broken))
    test(`one with ${what} is dropped, and the others stay`, async () => {
      kept.local.set(`tools ${origin}`, [row, READER])
      const { tools } = await load()
      expect(await tools.toolsOf(origin)).toEqual([READER])
    })
})

describe('a tool by its name', () => {
  test('is a built-in one, or one of the site, and of no other', async () => {
    const { tools } = await load()
    await tools.writeTools(origin, [READER])
    expect(await tools.findTool(origin, 'page_text')).toMatchObject({ place: 'document', manifest: 'page', installed: undefined })
    expect(await tools.findTool(origin, 'reader')).toMatchObject({ place: 'cell', manifest: 'probes', installed: READER })
    for (const [site, name] of [
      [origin, 'Reader'],
      [origin, 'toString'],
      [parseOrigin('https://b.example')!, 'reader'],
    ] as const)
      await expect(tools.findTool(site, name)).rejects.toThrow('no such tool')
  })

  test('T97 that a person could take for a built-in one is known as such', async () => {
    const { tools } = await load()
    const like = (...names: string[]): unknown[] => names.map(tools.looksBuiltIn)
    expect(like('page_text', 'PAGE_Text', 'pageText', 'page_t_ext')).toEqual(Array.from({ length: 4 }, () => 'page_text'))
    expect(like('she11_run', 'SheIl_rUn', 'shell_run_')).toEqual(['shell_run', 'shell_run', 'shell_run'])
    expect(like('page_texts', 'read_heading', 'run', 'text')).toEqual([undefined, undefined, undefined, undefined])
  })
})

describe('an import', () => {
  const call = ({ running }: Loaded) => {
    const sent: unknown[] = []
    const { signal } = new AbortController()
    const tools = new running.RunningTools(signal)
    const port = {
      caller: { origin },
      runInDocument: async (name: string, params: object, ended: AbortSignal) => {
        sent.push([name, params])
        if (name !== 'http_fetch') return 'text'
        return await new Promise((_, reject) => ended.addEventListener('abort', () => reject(ended.reason as Error)))
      },
    }
    return { sent, tools, outer: { id: 'call', port, tools, signal } as never }
  }
  const heading = { tool: 'reader', request: { import: 'dom_text', arguments: { selector: 'h1' } } } as const

  test('goes to the document with the grants of its tool and of nobody else', async () => {
    const loaded = await load()
    const { outer, tools, sent } = call(loaded)
    await loaded.grants.grant(origin, ['dom:read'], 'session', READER)
    await loaded.grants.grant(origin, ['shell:run'], 'session')
    tools.begin(READER)
    expect(await loaded.imports.carryOut(outer, heading)).toBe('text')
    expect(sent).toMatchObject([['dom_text', { builtIn: false, call: 'call', grants: [{ capability: 'dom:read' }] }]])
    expect(tools.counted()).toEqual({ imports: 1 })
  })

  test('is denied while no call of the tool runs, without its grant, and for what is no matter of the document', async () => {
    const loaded = await load()
    const { outer, tools, sent } = call(loaded)
    await loaded.grants.grant(origin, ['dom:read'], 'session', READER)
    await expect(loaded.imports.carryOut(outer, heading)).rejects.toThrow('no call of "reader" runs')
    tools.begin(READER)
    tools.begin(READER)
    tools.end(READER)
    await expect(loaded.imports.carryOut(outer, { ...heading, tool: 'other' })).rejects.toThrow('no call of "other" runs')
    for (const name of ['dom_click', 'storage_get', 'read_file', 'call_tool'] as const)
      await expect(loaded.imports.carryOut(outer, { tool: 'reader', request: { import: name, arguments: {} } })).rejects.toMatchObject({
        code: 4100,
      })
    await loaded.grants.revoke(origin, ['dom:read'], READER)
    await expect(loaded.imports.carryOut(outer, heading)).rejects.toMatchObject({ code: 4100, data: { missing: ['dom:read'] } })
    await loaded.grants.grant(origin, ['dom:read'], 'session', READER)
    tools.end(READER)
    await expect(loaded.imports.carryOut(outer, heading)).rejects.toThrow('no call of "reader" runs')
    expect([sent, tools.counted()]).toEqual([[], {}])
  })

  test('of the network goes to the site’s own origin only, and is given up when its tool has ended', async () => {
    const loaded = await load()
    const { outer, tools, sent } = call(loaded)
    await loaded.grants.grant(origin, ['network:fetch:same-origin'], 'session', READER)
    const fetching = async (url: string): Promise<unknown> =>
      await loaded.imports.carryOut(outer, {
        tool: 'reader',
        request: { import: 'http_fetch', arguments: { request: JSON.stringify({ url }) } },
      })
    tools.begin(READER)
    tools.begin(READER)
    await expect(fetching('https://b.example/')).rejects.toMatchObject({ code: 4200 })
    await expect(fetching('//b.example/')).rejects.toMatchObject({ code: -32602 })
    expect(sent).toEqual([])
    const waiting = fetching(`${origin}/x`)
    await vi.waitFor(() => expect(sent).toMatchObject([['http_fetch', { arguments: { request: `{"url":"${origin}/x"}` } }]]))
    let isOver = false
    const watched = waiting.catch(() => (isOver = true))
    tools.end(READER)
    await new Promise((resolve) => setTimeout(resolve, 5))
    expect(isOver).toBe(false)
    tools.end(READER)
    await expect(waiting).rejects.toMatchObject({ code: -32012, data: { effects: 'unknown' } })
    await watched
    await loaded.grants.revoke(origin, ['network:fetch:same-origin'], READER)
    tools.begin(READER)
    await expect(fetching('/x')).rejects.toMatchObject({ code: 4100, data: { missing: ['network:fetch:same-origin'] } })
    expect(sent).toHaveLength(1)
  })
})

describe('what is left of a tool', () => {
  test('is asked for until it is gone, whoever dies meanwhile', async () => {
    let { left, tools } = await load()
    const gone = tools.toolPrincipal(origin, READER)
    await left.leave([gone])
    isThere = false
    await expect(left.forgetLeft()).rejects.toThrow('closed')
    isThere = true
    ;({ left, tools } = await load())
    await left.forgetLeft()
    await left.forgetLeft()
    expect(asked).toEqual([{ op: 'forget', tools: [gone], packages: [READER.sha256] }])
    expect([...kept.local.keys()]).toEqual([])
  })

  test('is not what is installed, nor a package that another site has', async () => {
    const { left, tools } = await load()
    const other = parseOrigin('https://b.example')!
    await tools.writeTools(other, [READER])
    await left.leave([tools.toolPrincipal(origin, READER), tools.toolPrincipal(other, READER)])
    await left.forgetLeft()
    expect(asked).toEqual([{ op: 'forget', tools: [tools.toolPrincipal(origin, READER)], packages: [] }])
    await left.leave([tools.toolPrincipal(other, READER)])
    await left.forgetLeft()
    expect(asked).toHaveLength(1)
  })
})
