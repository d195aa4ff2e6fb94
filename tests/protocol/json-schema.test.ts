/** Arguments against schemas, and the tools' own schemas to the letter. */
import { describe, expect, test } from 'vitest'
import { BUILT_IN_TOOLS, builtInTool, capabilitiesOf, isUsable } from '../../src/protocol/built-in-tools.ts'
import { validateJson } from '../../src/protocol/json-schema.ts'
import { BUILT_IN_MANIFESTS, manifestOf, summaryOf } from '../../src/protocol/manifest.ts'
import { parseJson } from '../../src/protocol/parse.ts'

const check = (tool: keyof typeof BUILT_IN_TOOLS, args: unknown) => validateJson(BUILT_IN_TOOLS[tool].tool.inputSchema, args)
const paths = (tool: keyof typeof BUILT_IN_TOOLS, args: unknown): string[] => {
  const result = check(tool, args)
  return result.ok ? [] : result.errors.map((error) => error.instancePath)
}

describe('validation', () => {
  test('names the place of each violation', () => {
    expect(paths('fs_write', { path: 7, content: 'x', mode: 'shred' })).toEqual(['/path', '/mode'])
    expect(paths('shell_run', { command: 'x', env: { A: 1 } })).toEqual(['/env/A'])
    expect(paths('shell_run', {})).toEqual([''])
    expect(paths('shell_run', { command: 'x', dryRun: true })).toEqual(['/dryRun'])
  })
  test('accepts every example', () => {
    for (const { tool } of Object.values(BUILT_IN_TOOLS))
      for (const example of tool.examples) expect(validateJson(tool.inputSchema, example.input)).toEqual({ ok: true, value: example.input })
  })
  test('T10: copies what it accepts; getters are read once, prototypes never', () => {
    let reads = 0
    const args = {
      get path() {
        reads++
        return reads === 1 ? 'a' : '../../etc'
      },
    }
    expect(check('fs_stat', args)).toEqual({ ok: true, value: { path: 'a' } })
    expect(reads).toBe(1)
    expect(check('fs_stat', Object.create({ path: 'inherited' })).ok).toBe(false)
    const result = check('fs_stat', JSON.parse('{"path":"a","__proto__":{"x":1}}'))
    expect(result.ok).toBe(false)
  })
  test('T10: refuses what JSON has not: cycles, functions, bigints, NaN, depth, a million keys', () => {
    const cycle: Record<string, unknown> = {}
    cycle.self = cycle
    let deep: unknown = 1
    for (let i = 0; i < 70; i++) deep = [deep]
    const many = Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => [`k${i}`, 1]))
    const throwing = {
      get path(): string {
        throw new Error('boo')
      },
    }
    for (const value of [cycle, () => 1, { a: 1n }, Number.NaN, Infinity, deep, many, { a: Symbol('x') }, throwing])
      expect(parseJson(value).ok).toBe(false)
  })
  test('toJSON is a key like any other', () => {
    expect(parseJson({ toJSON: 'x' })).toEqual({ ok: true, value: { toJSON: 'x' } })
    expect(parseJson({ toJSON: () => ({ spoofed: true }) }).ok).toBe(false)
  })
})

describe('the built-in tools', () => {
  const shape = (schema: { readonly [key: string]: unknown }) => ({
    properties: Object.keys(schema.properties as object),
    required: schema.required,
  })

  test('are these, with these arguments and results', () => {
    expect(
      Object.fromEntries(
        Object.entries(BUILT_IN_TOOLS).map(([name, { tool }]) => [
          name,
          [shape(tool.inputSchema), shape(tool.outputSchema), tool.capabilities],
        ]),
      ),
    ).toEqual({
      shell_run: [
        { properties: ['command', 'cwd', 'env', 'stdin', 'timeoutMs', 'encoding'], required: ['command'] },
        {
          properties: ['stdout', 'stderr', 'exitCode', 'durationMs', 'changed'],
          required: ['stdout', 'stderr', 'exitCode', 'durationMs', 'changed'],
        },
        ['shell:run'],
      ],
      python_run: [
        { properties: ['code', 'path', 'args', 'stdin', 'cwd', 'env', 'timeoutMs', 'session', 'end'], required: [] },
        {
          properties: [
            'stdout',
            'stderr',
            'exitCode',
            'durationMs',
            'value',
            'valueText',
            'error',
            'changed',
            'session',
            'sessionStarted',
            'sessionEnded',
          ],
          required: ['stdout', 'stderr', 'exitCode', 'durationMs', 'value', 'error'],
        },
        ['python:run'],
      ],
      js_run: [
        { properties: ['code', 'args', 'stdin', 'timeoutMs'], required: ['code'] },
        { properties: ['output', 'error', 'value', 'valueText'], required: ['output', 'error', 'value'] },
        ['js:run'],
      ],
      code_execute: [
        { properties: ['language', 'code'], required: ['language', 'code'] },
        { properties: ['output', 'error'], required: ['output', 'error'] },
        ['js:run', 'python:run'],
      ],
      fs_read: [
        { properties: ['path', 'offset', 'length', 'encoding'], required: ['path'] },
        { properties: ['content', 'encoding', 'size', 'eof'], required: ['content', 'encoding', 'size', 'eof'] },
        ['vfs:read'],
      ],
      fs_write: [
        { properties: ['path', 'content', 'encoding', 'mode', 'offset', 'mkdirs'], required: ['path', 'content'] },
        { properties: ['path', 'bytes', 'size'], required: ['path', 'bytes', 'size'] },
        ['vfs:write'],
      ],
      fs_list: [
        { properties: ['path', 'recursive', 'limit', 'cursor'], required: ['path'] },
        { properties: ['entries', 'next'], required: ['entries'] },
        ['vfs:read'],
      ],
      fs_stat: [
        { properties: ['path'], required: ['path'] },
        { properties: ['type', 'size', 'mtime', 'mode', 'nlink', 'target'], required: ['type', 'size', 'mtime', 'mode', 'nlink'] },
        ['vfs:read'],
      ],
      fs_remove: [{ properties: ['path', 'recursive'], required: ['path'] }, { properties: [], required: [] }, ['vfs:write']],
      fs_move: [{ properties: ['from', 'to', 'overwrite'], required: ['from', 'to'] }, { properties: [], required: [] }, ['vfs:write']],
      page_text: [
        { properties: ['selector', 'maxChars'], required: [] },
        { properties: ['text', 'truncated'], required: ['text', 'truncated'] },
        ['dom:read'],
      ],
      page_query: [
        { properties: ['selector', 'limit'], required: ['selector'] },
        { properties: ['count', 'items'], required: ['count', 'items'] },
        ['dom:read'],
      ],
      storage_get: [
        { properties: ['area', 'key'], required: ['area', 'key'] },
        { properties: ['value'], required: ['value'] },
        ['storage:local:read', 'storage:session:read'],
      ],
      storage_set: [
        { properties: ['area', 'key', 'value'], required: ['area', 'key', 'value'] },
        { properties: ['area', 'key'], required: ['area', 'key'] },
        ['storage:local:write', 'storage:session:write'],
      ],
    })
  })
  test('belong to one manifest each, which declares their capabilities', () => {
    for (const [name, { tool }] of Object.entries(BUILT_IN_TOOLS)) {
      const manifest = manifestOf(name)
      expect(manifest?.tools.filter((other) => other.name === name)).toEqual([tool])
      for (const capability of tool.capabilities) expect(manifest?.capabilities).toContain(capability)
    }
    expect(BUILT_IN_MANIFESTS.map((manifest) => summaryOf(manifest).tools.length)).toEqual([10, 4])
  })
  test('need what they list; code_execute what its language needs', () => {
    const { tool } = BUILT_IN_TOOLS.code_execute
    expect(capabilitiesOf(tool, { language: 'python' })).toEqual(['python:run'])
    expect(capabilitiesOf(tool, { language: 'javascript' })).toEqual(['js:run'])
    expect([isUsable(tool, (name) => name === 'js:run'), isUsable(tool, () => false)]).toEqual([true, false])
    expect(capabilitiesOf(BUILT_IN_TOOLS.js_run.tool, { language: 'python' })).toEqual(['js:run'])
  })
  test('storage_get and storage_set need what their area needs; a tool of somebody else what it lists', () => {
    const { storage_get: get, storage_set: set } = BUILT_IN_TOOLS
    expect(capabilitiesOf(get.tool, { area: 'local', key: 'k' })).toEqual(['storage:local:read'])
    expect(capabilitiesOf(get.tool, { area: 'session', key: 'k' })).toEqual(['storage:session:read'])
    expect(capabilitiesOf(set.tool, { area: 'local', key: 'k', value: 'v' })).toEqual(['storage:local:write'])
    expect(isUsable(get.tool, (name) => name === 'storage:session:read')).toBe(true)
    const other = { ...get.tool, capabilities: ['dom:read', 'dom:write'] } as const
    expect(capabilitiesOf(other, { area: 'local' })).toEqual(['dom:read', 'dom:write'])
    expect(isUsable(other, (name) => name === 'dom:read')).toBe(false)
  })
  test('are found by their own names only', () => {
    for (const name of ['constructor', '__proto__', 'SHELL_RUN', 'http_fetch', '']) expect(builtInTool(name)).toBeUndefined()
  })
})
