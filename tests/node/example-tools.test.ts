/** The example tools of the SDKs (wasm/sdk*\/examples), each registered as it lies there and called in a sandbox with a page. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseHTML } from 'linkedom'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BtcpError, type Capability, type JsonObject, Sandbox, type ToolPage } from '../../src/node/index.ts'

const WASM = join(import.meta.dirname, '..', '..', 'wasm')
const PAGE = `<!doctype html><title>Prices</title><body>
<h1>Prices of "fish"</h1>
<h2>Today</h2>
<p>Fish is dear: <a href="/a">more fish</a> <a>no link</a></p>
<table><thead><tr><th>name</th> <th>price</th></tr></thead>
<tbody><tr><td>cod, fresh</td> <td>3</td></tr> <tr><td>"sole"</td><td> 12 </td></tr></tbody></table></body>`

interface LockedExample {
  readonly folder: string
  readonly language: string
  readonly licence: string
  readonly sha256: string
  readonly bytes: number
}

/** What the examples ask of a page. */
function pageOf(html: string, storage: Readonly<Record<string, string>> = {}): ToolPage {
  const { document } = parseHTML(html)
  return {
    run: (name, args) => {
      const [selector = '', key = ''] = [args['selector'], args['key']] as string[]
      if (name === 'dom_text') return document.querySelector(selector)?.textContent ?? null
      if (name === 'dom_query') return document.querySelector(selector) !== null
      if (name === 'dom_count') return document.querySelectorAll(selector).length
      if (name === 'storage_get') return storage[key] ?? null
      throw new Error(`no example asks for ${name}`)
    },
  }
}

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await Sandbox.create()
})
afterAll(() => sandbox.destroy())

interface Use {
  readonly page?: ToolPage
  readonly grants?: readonly Capability[]
}

/** Registers an example, calls its tool, and takes it away again. */
async function call(folder: string, tool: string, args: JsonObject, { page = pageOf(PAGE), grants }: Use = {}): Promise<unknown> {
  const registered = await sandbox.registerTool(join(WASM, folder), { page, grants: grants ?? 'all-declared' })
  try {
    const { isError, content, structuredContent } = await sandbox.callTool(tool, args)
    return isError ? content : structuredContent
  } finally {
    await registered.unregister()
  }
}

const failure = (text: unknown): unknown => [expect.objectContaining({ type: 'text', text })]

describe.each(['sdk/examples/read-heading', 'sdk-as/examples/read-heading', 'sdk-c/examples/read-heading'])(
  'read_heading of %s',
  (folder) => {
    test('reads the heading as often as it is told to', async () => {
      expect(await call(folder, 'read_heading', {})).toEqual({ texts: ['Prices of "fish"'] })
      expect(await call(folder, 'read_heading', { times: 3 })).toEqual({ texts: Array<string>(3).fill('Prices of "fish"') })
    })

    test('reads a heading that does not fit at once, in any script', async () => {
      const heading = 'Über 😀 \\ "x"\t'.repeat(2_000)
      expect(await call(folder, 'read_heading', {}, { page: pageOf(`<h1>${heading}</h1>`) })).toEqual({ texts: [heading] })
    })

    test('says which import failed where the page has none', async () => {
      const none = await call(folder, 'read_heading', {}, { page: pageOf('<p>no heading</p>') })
      expect(none).toEqual(failure(expect.stringMatching(/dom_text: not found|the page has no h1/)))
    })

    test('may nothing without the grant', async () => {
      const denied = call(folder, 'read_heading', {}, { grants: [] })
      await expect(denied).rejects.toMatchObject({ code: 4100, data: { btcpCode: 'CAPABILITY_DENIED', missing: ['dom:read'] } })
      await expect(denied).rejects.toBeInstanceOf(BtcpError)
    })

    test('refuses arguments that its schema does not have', async () => {
      await expect(call(folder, 'read_heading', { times: 0 })).rejects.toMatchObject({ data: { btcpCode: 'INVALID_PARAMS' } })
    })
  },
)

test('page_statistics counts, and looks for the words that the page keeps', async () => {
  const page = pageOf(PAGE, { 'statistics:words': 'Fish, cod' })
  const counts = await call('sdk-as/examples/page-statistics', 'page_statistics', { selector: 'body' }, { page })
  expect(counts).toEqual({ words: 18, links: 1, headings: 2, kept: { Fish: 2, cod: 0 } })
})

test('page_statistics of a page that keeps nothing', async () => {
  const counts = await call('sdk-as/examples/page-statistics', 'page_statistics', { selector: 'table' })
  expect(counts).toEqual({ words: 7, links: 0, headings: 0, kept: {} })
})

test('table_csv quotes what must be quoted', async () => {
  const csv = 'name,price\r\n"cod, fresh",3\r\n"""sole""",12\r\n'
  expect(await call('sdk/examples/table-csv', 'table_csv', {})).toEqual({ csv, rows: 3 })
})

test('table_csv says which selector matches nothing', async () => {
  const none = await call('sdk/examples/table-csv', 'table_csv', { selector: '#none' })
  expect(none).toEqual(failure(expect.stringContaining('no element matches "#none"')))
})

test('word_count counts as wc does', async () => {
  const text = 'one two\n\tthree \\ "four"\nfünf 😀\n'
  expect(await call('sdk-c/examples/word-count', 'word_count', { text })).toEqual({
    lines: 3,
    words: 7,
    bytes: Buffer.byteLength(text),
  })
})

test('draft_heading speaks the published draft’s form', async () => {
  expect(await call('sdk-c/examples/draft-heading', 'draft_heading', {})).toEqual({ title: 'Prices of "fish"' })
  const long = await call('sdk-c/examples/draft-heading', 'draft_heading', {}, { page: pageOf(`<h1>${'é'.repeat(600)}</h1>`) })
  expect(long).toEqual({ title: 'é'.repeat(512) })
  expect(await call('sdk-c/examples/draft-heading', 'draft_heading', {}, { page: pageOf('<p>') })).toEqual({ title: null })
})

describe('has_tests', () => {
  const use = (args: JsonObject, uses?: Use): Promise<unknown> => call('sdk/examples/has-tests', 'has_tests', args, uses)
  const select = async (folder: string): Promise<JsonObject> => {
    const { value } = (await use({ function: 'module_selector', args: [folder] })) as { readonly value: JsonObject }
    return value
  }

  test('selects the files of a folder of the workspace', async () => {
    await sandbox.run('mkdir -p src/deep && touch src/a.py src/deep/b.py')
    const { scope } = (await select('src')) as { readonly scope: JsonObject }
    expect(scope).toEqual({ kind: 'folder', path: 'src', paths: expect.arrayContaining(['src/a.py', 'src/deep/b.py']), resolved: true })
  })

  test('passes if one of them is a test', async () => {
    expect(await use({ check: 'has_tests', args: [await select('src')] })).toEqual({ result: 'fail', message: 'none of 2 files is a test' })
    await sandbox.run('touch src/deep/test_b.py')
    expect(await use({ check: 'has_tests', args: [await select('src')] })).toEqual({ result: 'pass' })
  })

  test('says what it does not have', async () => {
    expect(await use({ check: 'has_docs', args: [] })).toEqual(failure(expect.stringContaining('Unknown check: has_docs')))
    expect(await use({ function: 'module_selector', args: ['none'] })).toEqual(failure(expect.stringContaining('no such folder')))
  })

  test('may not read files without the grant', async () => {
    await expect(use({ function: 'module_selector', args: ['src'] }, { grants: [] })).rejects.toMatchObject({
      code: 4100,
      data: { missing: ['vfs:read'] },
    })
  })
})

describe('the built modules', () => {
  const lock = JSON.parse(readFileSync(join(WASM, 'examples.lock.json'), 'utf8')) as { readonly tools: readonly LockedExample[] }

  test.each(lock.tools)('$folder is the one that the lock names', ({ folder, licence, sha256, bytes }) => {
    const module = readFileSync(join(WASM, '..', folder, 'tool.wasm'))
    expect(createHash('sha256').update(module).digest('hex')).toBe(sha256)
    expect(module.length).toBe(bytes)
    expect(bytes).toBeLessThan(160_000)
    expect(licence).not.toBe('')
  })

  test.each(lock.tools)('$folder has the names of its functions, for the stack of a trap', ({ folder }) => {
    const module = new WebAssembly.Module(readFileSync(join(WASM, '..', folder, 'tool.wasm')))
    expect(WebAssembly.Module.customSections(module, 'name')).toHaveLength(1)
  })
})
