/** The tools `js_run` and `code_execute` (JavaScript) through a real cell. */
import { afterAll, describe, expect, test } from 'vitest'
import { Sandbox } from '../../src/node/index.ts'
import { nodePlatform } from '../../src/node/node-platform.ts'
import { callTool } from '../../src/orchestrator/catalog.ts'
import { Orchestrator } from '../../src/orchestrator/orchestrator.ts'
import { BUILT_IN_TOOLS } from '../../src/protocol/built-in-tools.ts'
import { validateJson } from '../../src/protocol/json-schema.ts'
import type { JsonObject } from '../../src/protocol/parse.ts'

const orchestrator = new Orchestrator(nodePlatform({ mounts: [] }))
afterAll(() => orchestrator.dispose())
let calls = 0
const call = async (tool: string, args: JsonObject): Promise<unknown> => {
  const principal = { kind: 'local', name: 'tool' } as const
  const { structuredContent, isError } = await callTool(orchestrator, { call: `c${++calls}`, principal, tool, arguments: args })
  expect(isError).toBe(false)
  return structuredContent
}
const js = (code: string, more: JsonObject = {}): Promise<unknown> => call('js_run', { code, ...more })

describe('js_run', () => {
  test('answers output, error and value, as its schema says', async () => {
    const answer = await js('console.log("a"); console.error("b"); [1, { c: args }]', { args: ['x', '-y'] })
    expect(validateJson(BUILT_IN_TOOLS.js_run.tool.outputSchema, answer)).toMatchObject({ ok: true })
    expect(answer).toEqual({ output: 'a\nb\n', error: null, value: [1, { c: ['x', '-y'] }], valueText: "[ 1, { c: [ 'x', '-y' ] } ]" })
    expect(await js('const x = 1')).toEqual({ output: '', error: null, value: null })
    expect(await js('new Map([[1, 2]])')).toMatchObject({ valueText: 'Map(1) { 1 => 2 }' })
  })

  test.each([
    ['an exception', '\nconst x = 1\nx.y.z', "TypeError: Cannot read properties of undefined (reading 'z')\n    at [eval]:3:5"],
    ['a syntax error', 'let a = ;', "SyntaxError: Unexpected token ';'\n    at [eval]:1:9"],
    ['a rejection', 'await Promise.reject(new TypeError("no"))', 'TypeError: no\n    at [eval]:1:22'],
    ['a status', 'exit(3)', 'it ended with status 3'],
  ])('tells %s with its line, and prints nothing of it', async (_name, code, error) => {
    expect(await js(code)).toEqual({ output: '', error, value: null })
  })

  test('tells the deadline and keeps what was printed', async () => {
    expect(await js('console.log("so far"); await new Promise((go) => setTimeout(go, 50)); for (;;);', { timeoutMs: 1_500 })).toEqual({
      output: 'so far\n',
      error: 'TimeoutError: it was not over after 1500 ms, and was ended',
      value: null,
    })
  })

  test('reads standard input and files', async () => {
    expect(
      await js('await fs.writeFile("a.txt", await stdin.text()); await fs.readFile("a.txt", "utf8")', { stdin: 'grüße' }),
    ).toMatchObject({
      value: 'grüße',
    })
  })
})

test('code_execute answers exactly output and error', async () => {
  const execute = (code: string): Promise<unknown> => call('code_execute', { language: 'javascript', code })
  expect(await execute('console.log(6 * 7)')).toEqual({ output: '42\n', error: null })
  expect(await execute('throw new RangeError("far")')).toEqual({ output: '', error: 'RangeError: far\n    at [eval]:1:7' })
})

test('Sandbox.js answers the same', async () => {
  await using sandbox = await Sandbox.create()
  expect(await sandbox.js('console.log(args[0]); args.length', { args: ['a', 'b'] })).toEqual({
    output: 'a\n',
    error: null,
    value: 2,
    valueText: '2',
  })
})
