/** The suite of hostile tools in the cells of a sandbox's tools in Node, over a page that the test holds. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BtcpError, Sandbox } from '../../src/node/index.ts'
import type { ImportName } from '../../src/protocol/tool-imports.ts'
import type { JsonObject, JsonValue } from '../../src/protocol/parse.ts'
import { hostileTools } from '../contract/hostile-tools.ts'
import type { Called, ToolMachine } from '../contract/tool-machine.ts'

let sandbox: Sandbox
let installed: Awaited<ReturnType<Sandbox['registerTool']>> | undefined
let heading = 'Tide tables'
const stored = new Map<string, string>()

beforeAll(async () => {
  sandbox = await Sandbox.create()
})
afterAll(async () => await sandbox?.destroy())

/** As much of a page as the suite asks for: one heading, and its storage. */
const page = {
  async run(name: ImportName, args: JsonObject): Promise<JsonValue> {
    await new Promise((resolve) => setTimeout(resolve, 1))
    const { selector, value, key } = args as Readonly<Record<string, string>>
    const isHeading = selector === 'h1'
    switch (name) {
      case 'dom_query':
        return isHeading
      case 'dom_text':
        return isHeading ? heading : null
      case 'dom_set_text':
        if (isHeading) heading = value ?? ''
        return isHeading
      case 'storage_get':
        return stored.get(key ?? '') ?? null
      default:
        throw new Error(`Cannot run "${name}": this page has no such thing`)
    }
  },
}

const machine: ToolMachine = {
  install: async (files, grants) => {
    await installed?.unregister()
    installed = undefined
    installed = await sandbox.registerTool(files, { grants, page })
  },
  remove: async () => await installed?.unregister(),
  call: async (name, args = {}, options = {}): Promise<Called> => {
    try {
      const { content, structuredContent, isError, _meta } = await sandbox.callTool(name, args as JsonObject, options)
      const text = content.flatMap((block) => (block.type === 'text' ? block.text : [])).join('\n')
      if (!isError) return { value: structuredContent ?? null, text }
      const { code = 'EXECUTION_ERROR', limit } = _meta['btcp/error'] ?? {}
      return { code, text, ...(limit === undefined ? {} : { limit }) }
    } catch (error) {
      if (!(error instanceof BtcpError)) throw error
      return { code: error.data.btcpCode, text: error.message }
    }
  },
  page: async () => ({ heading, stored: Object.fromEntries(stored) }),
}

for (const [name, check] of Object.entries(hostileTools))
  test(name, { timeout: 120_000 }, async () => {
    await check(machine)
    expect(await machine.page()).toEqual({ heading: 'Tide tables', stored: {} })
  })
