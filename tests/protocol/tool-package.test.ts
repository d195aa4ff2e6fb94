/** Packages of tools in their published forms, and what is said of those that are wrong: every fault, with its file and path. */
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Implementation, PackageManifest } from '../../src/protocol/installed-tool.ts'
import { LIMITS, limitsWith } from '../../src/protocol/limits.ts'
import { packageDigest, packageHashFaults, parsePackage, trimPackage } from '../../src/protocol/tool-package.ts'
import { type Content, moduleExporting, packageFiles } from '../support/package-files.ts'
import { encodeModule, ins } from '../support/wasm-encoder.ts'

const MODULE = moduleExporting('execute')
const TOOL = { name: 'page_stats', description: 'Counts what a page holds.', inputSchema: { type: 'object' }, capabilities: ['dom:read'] }
const MANIFEST = { btcp: '1.0', name: 'page-stats', version: '1.2.3', capabilities: ['dom:read'], tools: [TOOL] }

function parsed(files: Readonly<Record<string, Content>>): PackageManifest {
  const result = parsePackage(packageFiles(files))
  if (!result.ok) throw new Error(JSON.stringify(result.faults))
  return result.manifest
}

/** `FILE#POINTER: MESSAGE` of each fault. */
function faults(files: Readonly<Record<string, Content>>): string[] {
  const result = parsePackage(packageFiles(files))
  return result.ok ? [] : result.faults.map(({ file, instancePath, message }) => `${file}#${instancePath}: ${message}`)
}

/** Where the faults of a BTCP manifest are that differs from a good one by this. */
const wrongAt = (change: object, files: Readonly<Record<string, Content>> = { 'tool.wasm': MODULE }): string[] =>
  faults({ ...files, 'manifest.json': { ...MANIFEST, ...change } }).map((fault) => /#([^:]*(?::[a-z]+)*)/.exec(fault)?.[1] ?? '')
const wrongToolAt = (change: object, files: Readonly<Record<string, Content>> = { 'tool.wasm': MODULE }): string[] =>
  wrongAt({ tools: [{ ...TOOL, ...change }] }, files)

describe('a BTCP manifest', () => {
  test('gives its tools with what they need and what runs', () => {
    const manifest = parsed({
      'manifest.json': {
        ...MANIFEST,
        $schema: 'https://btcp.dev/schemas/manifest.json',
        description: 'About pages.',
        provider: { name: 'Somebody', url: 'https://example.org' },
        config: {
          timeout: 60_000,
          sandbox: 'wasm',
          maxConcurrent: 2,
          strict: true,
          wasmOptions: { memoryInitial: 2, memoryMaximum: 16, timeout: 5_000 },
        },
        secrets: [{ name: 'SERVICE_TOKEN', description: 'of the service' }],
        variables: { depth: 3 },
        tools: [
          {
            ...TOOL,
            title: 'Page statistics',
            annotations: { readOnlyHint: true, destructiveHint: false },
            examples: [{ input: {} }],
            tags: ['page'],
            implementation: { type: 'wasm', module: 'build/tool.wasm', abi: 'btcp' },
          },
        ],
      },
      'build/tool.wasm': MODULE,
      'README.md': '# Page statistics',
    })
    expect(manifest).toEqual({
      name: 'page-stats',
      version: '1.2.3',
      description: 'About pages.',
      provider: 'Somebody',
      readme: '# Page statistics',
      tools: [
        {
          tool: {
            name: 'page_stats',
            title: 'Page statistics',
            description: 'Counts what a page holds.',
            inputSchema: { type: 'object' },
            capabilities: ['dom:read'],
            annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: false, openWorldHint: false },
            examples: [{ description: '', input: {} }],
            tags: ['page'],
            timeout: 5_000,
          },
          implementation: { type: 'wasm', module: 'build/tool.wasm', abi: 'btcp', memoryInitial: 2, memoryMaximum: 16, strict: true },
          secrets: [{ name: 'SERVICE_TOKEN', description: 'of the service' }],
          variables: { depth: '3' },
          maxConcurrent: 2,
        },
      ],
    })
  })

  test('may be called btcp.json, and leave what runs to the one module that there is', () => {
    const { tools } = parsed({ 'btcp.json': MANIFEST, 'out.wasm': moduleExporting('library_call') })
    expect(tools[0]?.implementation).toEqual({ type: 'wasm', module: 'out.wasm', abi: 'library' })
  })

  test('finds each tool’s file by its name', () => {
    const tools = ['one', 'two', 'three'].map((name) => ({ ...TOOL, name }))
    const manifest = parsed({ 'manifest.json': { ...MANIFEST, tools }, 'one.wasm': MODULE, 'tools/two.js': '', 'three.py': '' })
    expect(manifest.tools.map(({ implementation }) => implementation)).toEqual([
      { type: 'wasm', module: 'one.wasm', abi: 'btcp' },
      { type: 'js', module: 'tools/two.js', form: 'function' },
      { type: 'python', start: { run: 'file', file: 'three.py' }, path: [] },
    ])
  })

  test.each([
    [
      { type: 'python', entry: './main.py' },
      { type: 'python', start: { run: 'file', file: 'main.py' }, path: [] },
    ],
    [
      { type: 'python', wheel: 'dist/my_tool-1.0-py3-none-any.whl' },
      { type: 'python', start: { run: 'module', module: 'my_tool', call: 'main' }, path: ['dist/my_tool-1.0-py3-none-any.whl'] },
    ],
    [
      { type: 'js', module: 'tool.js' },
      { type: 'js', module: 'tool.js', form: 'function' },
    ],
    [
      { type: 'js', module: 'tool.js', abi: 'stdio' },
      { type: 'js', module: 'tool.js', form: 'stdio' },
    ],
    [
      { type: 'external', command: ['python3', 'server.py'] },
      { type: 'external', command: ['python3', 'server.py'] },
    ],
  ])('runs %j', (implementation, expected) => {
    const code = { 'main.py': '', 'tool.js': '', 'dist/my_tool-1.0-py3-none-any.whl': 'PK' }
    expect(parsed({ 'manifest.json': { ...MANIFEST, tools: [{ ...TOOL, implementation }] }, ...code }).tools[0]?.implementation).toEqual(
      expected,
    )
  })

  test('takes the implementation of the manifest for tools that have none', () => {
    const tools = ['one', 'two'].map((name) => ({ ...TOOL, name, capabilities: [] }))
    const manifest = parsed({ 'manifest.json': { ...MANIFEST, tools, implementation: { type: 'js', module: 'all.mjs' } }, 'all.mjs': '' })
    expect(manifest.tools.map(({ implementation }) => implementation.type)).toEqual(['js', 'js'])
  })

  test('says a deprecated tool’s replacement in its description', () => {
    const { tools } = parsed({
      'manifest.json': { ...MANIFEST, tools: [{ ...TOOL, deprecated: true, deprecationMessage: 'use stats2' }] },
      'a.wasm': MODULE,
    })
    expect(tools[0]?.tool.description).toBe('Counts what a page holds. (deprecated: use stats2)')
  })

  test('tells all faults at once, each at its path', () => {
    expect(
      faults({
        'manifest.json': {
          btcp: '2.0',
          name: 'Page Stats',
          version: 'one',
          capabilities: ['dom:read', 'dom:eat', 'geolocation', 7],
          config: { timeout: 5, maxConcurrent: 11, sandbox: 'native' },
          tools: [
            {
              name: '9x',
              description: '',
              inputSchema: { type: 'array' },
              capabilities: ['vfs:read'],
              implementation: { type: 'wasm', module: 'a.wasm' },
            },
          ],
        },
      })
        .map((fault) => fault.replace(/; this host offers .*/, ''))
        .toSorted(),
    ).toEqual(
      [
        'manifest.json#/btcp: must be "1.0": this host does not know version 2.0',
        'manifest.json#/config/sandbox: must be one of wasm, worker, iframe, ses',
        'manifest.json#/capabilities/1: there is no capability "dom:eat"',
        'manifest.json#/capabilities/2: this host does not offer "geolocation": a tool that needs it cannot be installed here',
        'manifest.json#/capabilities/3: must be the name of a capability, like "dom:read"',
        'manifest.json#/config/timeout: must be a whole number from 50 to 300000',
        'manifest.json#/config/maxConcurrent: must be a whole number from 1 to 10',
        'manifest.json#/tools/0/name: must be letters, digits and _, and begin with a letter, not "9x"',
        'manifest.json#/tools/0/inputSchema/type: must be "object": a tool takes its arguments by name',
        'manifest.json#/tools/0/capabilities/0: "vfs:read" is not among the manifest\'s own capabilities: add it to "/capabilities"',
        'manifest.json#/tools/0/implementation/module: there is no file "a.wasm" in the package: add it, or name the one that there is',
        'manifest.json#/tools/0/description: must not be empty',
        'manifest.json#/name: must be lower-case letters, digits and -, and begin with a letter, not "Page Stats"',
        'manifest.json#/version: must be a version like "1.2.3", not "one"',
      ].toSorted(),
    )
  })

  test.each([
    [{ btcp: undefined }, ['/btcp']],
    [{ btcp: 1 }, ['/btcp']],
    [{ name: 'x'.repeat(65) }, ['/name']],
    [{ version: '1.2' }, ['/version']],
    [{ description: 'x'.repeat(501) }, ['/description']],
    [{ provider: {} }, ['/provider/name']],
    [{ provider: 'me' }, ['/provider']],
    [{ tools: [] }, ['/tools']],
    [{ tools: {} }, ['/tools']],
    [{ tools: [7] }, ['/tools/0']],
    [{ capabilities: 'dom:read' }, ['/capabilities']],
    [{ config: [] }, ['/config']],
    [{ config: { strict: 'yes' } }, ['/config/strict']],
    [{ config: { wasmOptions: { memoryInitial: 9, memoryMaximum: 2 } } }, ['/config/wasmOptions/memoryInitial']],
    [{ config: { wasmOptions: { memoryMaximum: 65_537 } } }, ['/config/wasmOptions/memoryMaximum']],
    [{ secrets: [{ name: 'token' }] }, ['/secrets/0/name']],
    [{ variables: { 'a-b': '1' } }, ['/variables/a-b']],
    [{ variables: { a: [] } }, ['/variables/a']],
    [{ discription: 'x' }, ['/discription']],
    [{ tool: [] }, []],
  ])('faults of %j', (change, at) => {
    expect(wrongAt(change)).toEqual(at)
  })

  test.each([
    [{ name: undefined }, ['/tools/0/name']],
    [{ description: 'x'.repeat(1_001) }, ['/tools/0/description']],
    [{ inputSchema: undefined }, ['/tools/0/inputSchema']],
    [{ inputSchema: 'object' }, ['/tools/0/inputSchema']],
    [{ outputSchema: { type: 'text' } }, ['/tools/0/outputSchema/type']],
    [{ capabilities: undefined }, ['/tools/0/capabilities']],
    [{ timeout: 49 }, ['/tools/0/timeout']],
    [{ timeout: 300_001 }, ['/tools/0/timeout']],
    [{ maxConcurrent: 0 }, ['/tools/0/maxConcurrent']],
    [{ tags: 'page' }, ['/tools/0/tags']],
    [{ tags: [1] }, ['/tools/0/tags/0']],
    [{ examples: [{ input: [] }] }, ['/tools/0/examples/0/input']],
    [{ deprecated: 'yes' }, ['/tools/0/deprecated']],
    [{ annotations: { readOnlyHint: 1 } }, ['/tools/0/annotations/readOnlyHint']],
    [{ input_schema: {} }, []],
    [{ inputSchema: undefined, input_schema: {} }, ['/tools/0/input_schema', '/tools/0/inputSchema']],
    [{ implementation: 'a.wasm' }, ['/tools/0/implementation']],
    [{ implementation: {} }, ['/tools/0/implementation/type']],
    [{ implementation: { type: 'native' } }, ['/tools/0/implementation/type']],
    [{ implementation: { type: 'wasm' } }, ['/tools/0/implementation/module']],
    [{ implementation: { type: 'wasm', module: '../a.wasm' } }, ['/tools/0/implementation/module']],
    [{ implementation: { type: 'wasm', module: 'tool.wasm', abi: 'wasix' } }, ['/tools/0/implementation/abi']],
    [{ implementation: { type: 'wasm', module: 'tool.wasm', sha256: 'abc' } }, ['/tools/0/implementation/sha256']],
    [{ implementation: { type: 'python' } }, ['/tools/0/implementation/entry']],
    [{ implementation: { type: 'python', entry: 'tool.wasm' } }, ['/tools/0/implementation/entry']],
    [{ implementation: { type: 'python', wheel: 'tool.wasm' } }, ['/tools/0/implementation/wheel']],
    [{ implementation: { type: 'js', module: 'tool.wasm' } }, ['/tools/0/implementation/module']],
    [
      { implementation: { type: 'js', module: 'tool.wasm', abi: 'btcp' } },
      ['/tools/0/implementation/abi', '/tools/0/implementation/module'],
    ],
    [{ implementation: { type: 'external', command: [] } }, ['/tools/0/implementation/command']],
  ])('faults of a tool with %j', (change, at) => {
    expect(wrongToolAt(change)).toEqual(at)
  })

  test('a module that is none, and no module at all', () => {
    expect(wrongToolAt({ implementation: { type: 'wasm', module: 'tool.wasm' } }, { 'tool.wasm': '<html>' })).toEqual([
      '/tools/0/implementation/module',
    ])
    expect(faults({ 'manifest.json': MANIFEST })).toEqual([
      'manifest.json#/tools/0/implementation: is missing: say what runs, like { "type": "wasm", "module": "tool.wasm" }',
    ])
  })

  test('a file that is named in another case is shown', () => {
    expect(
      faults({ 'manifest.json': { ...MANIFEST, tools: [{ ...TOOL, implementation: { type: 'js', module: 'Tool.js' } }] }, 'tool.js': '' }),
    ).toEqual(['manifest.json#/tools/0/implementation/module: there is no file "Tool.js" in the package: did you mean "tool.js"?'])
  })

  test('is JSON in UTF-8', () => {
    expect(faults({ 'manifest.json': '{' })[0]).toMatch(/^manifest\.json#: is no JSON: /)
    expect(faults({ 'manifest.json': [0xff, 0xfe] })).toEqual(['manifest.json#: is no UTF-8 text: save it as UTF-8'])
    expect(faults({ 'manifest.json': '[]' })).toEqual(['manifest.json#: must be an object'])
    expect(faults({ 'manifest.json': `${'['.repeat(99)}${']'.repeat(99)}` })[0]).toContain('is nested too deeply')
    expect(parsed({ 'manifest.json': `\uFEFF${JSON.stringify(MANIFEST)}`, 'a.wasm': MODULE }).name).toBe('page-stats')
  })

  test('the manifest of something else is passed over for a form that is one', () => {
    const files = { 'manifest.json': { manifest_version: 3 }, 'pocket.json': { tool: { name: 'a', description: 'd' } }, 'main.py': '' }
    expect(parsed(files).tools[0]?.tool.name).toBe('a')
  })
})

describe('T97 what a stranger calls a tool and writes as its schema', () => {
  const schemaFaults = (inputSchema: unknown): string[] =>
    faults({ 'manifest.json': { ...MANIFEST, tools: [{ ...TOOL, inputSchema }] }, 'tool.wasm': MODULE }).map((fault) =>
      fault.replace('manifest.json#/tools/0/inputSchema', ''),
    )

  test('T97 a tool is not called like one of this host, nor like another one, by whatever case', () => {
    expect(wrongToolAt({ name: 'Shell_Run' })).toEqual(['/tools/0/name'])
    expect(wrongAt({ tools: [TOOL, { ...TOOL, name: 'Page_Stats' }], implementation: { type: 'wasm', module: 'tool.wasm' } })).toEqual([
      '/tools/1/name',
    ])
    expect(faults({ 'pocket.json': { tool: { name: 'fs-read', description: 'd' } }, 'main.py': '' })).toEqual([
      'pocket.json#/tool/name: "fs_read" is a tool of this host: choose another name',
    ])
    expect(faults({ 'tidepool.toml': '[libraries]\npage_text = { executable = "x" }' })).toEqual([
      'tidepool.toml#/libraries/page_text: "page_text" is a tool of this host: choose another name',
    ])
    expect(faults({ 'js_run.wasm': MODULE })).toEqual(['js_run.wasm#: is called like a tool of this host: rename it'])
  })

  test('T97 a description of 1 MB and a schema of 1 MB are refused', () => {
    expect(wrongToolAt({ description: 'x'.repeat(1_000_000) })).toEqual(['/tools/0/description'])
    expect(faults({ 'manifest.json': `{"btcp":"1.0"${' '.repeat(1_100_000)}}` })).toEqual([
      'manifest.json#: is larger than 1024 KiB: it describes the tool, its data goes into other files',
    ])
    expect(schemaFaults({ type: 'object', description: 'x'.repeat(300_000) })).toEqual([
      ": is larger than 256 KiB: a tool's arguments need no more",
    ])
  })

  test('T97 references stay inside the schema and resolve', () => {
    expect(schemaFaults({ properties: { a: { $ref: 'https://example.org/schema.json' } } })).toEqual([
      '/properties/a/$ref: "https://example.org/schema.json" lies outside: put what it names under "$defs" and refer to "#/$defs/…"',
    ])
    expect(schemaFaults({ properties: { a: { $ref: '#/$defs/b' } } })).toEqual([
      '/properties/a/$ref: there is no "#/$defs/b" in this schema',
    ])
    expect(schemaFaults({ properties: { a: { $ref: '#/properties' } } })).toHaveLength(1)
    expect(
      schemaFaults({ properties: { a: { $ref: '#/$defs/b~1c%20d' }, b: { $ref: '#x' } }, $defs: { 'b/c d': {}, e: { $anchor: 'x' } } }),
    ).toEqual([])
    expect(schemaFaults({ definitions: { a: { type: 'string' } }, properties: { b: { $ref: '#/definitions/a' } } })).toEqual([])
    expect(schemaFaults({ properties: { a: { $id: 'https://example.org/', $ref: '#' } } })).toHaveLength(1)
    expect(schemaFaults({ properties: { a: { $dynamicRef: '#x' } } })).toHaveLength(1)
  })

  test('T97 a reference that comes back about the same value is refused, one by way of the data is not', () => {
    expect(schemaFaults({ $ref: '#' })).toEqual([': refers to itself about the same value, which never ends'])
    expect(
      schemaFaults({ allOf: [{ $ref: '#/$defs/a' }], $defs: { a: { not: { $ref: '#/$defs/b' } }, b: { if: { $ref: '#/$defs/a' } } } }),
    ).toHaveLength(1)
    expect(
      schemaFaults({ properties: { children: { type: 'array', items: { $ref: '#' } }, left: { $ref: '#' }, right: { $ref: '#' } } }),
    ).toEqual([])
  })

  test('T97 references that multiply are refused', () => {
    const names = Array.from({ length: 30 }, (_, i) => `d${i}`)
    const defs = Object.fromEntries(
      names.map((name, i) => [name, { allOf: [{ $ref: `#/$defs/d${i + 1}` }, { $ref: `#/$defs/d${i + 1}` }] }]),
    )
    expect(schemaFaults({ $ref: '#/$defs/d0', $defs: { ...defs, d30: {} } })[0]).toContain('its references multiply')
    const chain = Object.fromEntries(Array.from({ length: 4_000 }, (_, i) => [`c${i}`, { $ref: `#/$defs/c${i + 1}` }]))
    expect(schemaFaults({ $ref: '#/$defs/c0', $defs: { ...chain, c4000: {} } })).toHaveLength(1)
    expect(
      schemaFaults({
        properties: { a: { $ref: '#/$defs/a' } },
        $defs: { a: { allOf: [{ items: { $ref: '#/$defs/a' } }, { items: { $ref: '#/$defs/a' } }] } },
      })[0],
    ).toContain('doubles with each level')
  })

  test('T97 a schema has the forms of JSON Schema', () => {
    expect(
      schemaFaults({
        properties: { a: 1, b: { type: 'text' }, c: { pattern: '(' }, d: { enum: 'x' }, e: { minLength: '3' }, f: { anyOf: {} } },
        patternProperties: { '[': {} },
        required: 'a',
        additionalProperties: 'no',
      }).map((fault) => fault.split(':')[0]),
    ).toEqual([
      '/properties/a',
      '/properties/b/type',
      '/properties/c/pattern',
      '/properties/d/enum',
      '/properties/e/minLength',
      '/properties/f/anyOf',
      '/patternProperties/[',
      '/required',
      '/additionalProperties',
    ])
    expect(schemaFaults({ __absolute_ref__: 'x' })).toHaveLength(1)
    const pydantic = {
      title: 'Echo',
      $defs: { Kind: { enum: ['a'], type: 'string' } },
      properties: { kind: { anyOf: [{ $ref: '#/$defs/Kind' }, { type: 'null' }], default: null } },
    }
    expect(schemaFaults(pydantic)).toEqual([])
  })
})

describe('pocket.json', () => {
  const POCKET = {
    tool: {
      name: 'kraken-get-ticker',
      description: 'Gets a ticker',
      inputSchema: { type: 'object', properties: { pair: { type: 'string' } } },
    },
    language: 'python',
    entrypoint: { build: 'pip install .', run: 'python -m ticker' },
  }

  test('runs a module of its source, with wheels beside it', () => {
    const { name, version, tools } = parsed({
      'pocket.json': POCKET,
      'pyproject.toml': '[project]\nname = "ticker"\nversion = "0.3.1"\n',
      'ticker/__main__.py': '',
      'dist/dep-1.0-py3-none-any.whl': 'PK',
    })
    expect({ name, version }).toEqual({ name: 'kraken-get-ticker', version: '0.3.1' })
    expect(tools[0]?.tool.name).toBe('kraken_get_ticker')
    expect(tools[0]?.implementation).toEqual({
      type: 'python',
      start: { run: 'module', module: 'ticker' },
      path: ['.', 'dist/dep-1.0-py3-none-any.whl'],
      inPackage: true,
    })
  })

  test.each([
    ['python main.py', { 'main.py': '' }, { type: 'python', start: { run: 'file', file: 'main.py' }, path: [] }],
    ['python3 ./src/main.py', { 'src/main.py': '' }, { type: 'python', start: { run: 'file', file: 'src/main.py' }, path: [] }],
    ['python -m a.b', { 'src/a/b.py': '' }, { type: 'python', start: { run: 'module', module: 'a.b' }, path: ['src'] }],
    [
      'uv run python -m a',
      { 'dist/a-1.0-py3-none-any.whl': 'PK' },
      { type: 'python', start: { run: 'module', module: 'a' }, path: ['dist/a-1.0-py3-none-any.whl'] },
    ],
    ['python __main__.py', { 'a/__main__.py': '' }, { type: 'python', start: { run: 'file', file: 'a/__main__.py' }, path: [] }],
    ['./a/__main__.py', { 'a/__main__.py': '' }, { type: 'python', start: { run: 'file', file: 'a/__main__.py' }, path: [] }],
    [
      'uv run get-ticker',
      { 'src/a/cli.py': '', 'pyproject.toml': '[project]\nname = "a"\n[project.scripts]\nget-ticker = "a.cli:run"\n' },
      { type: 'python', start: { run: 'module', module: 'a.cli', call: 'run' }, path: ['src'] },
    ],
    ['node main.js', { 'main.js': '' }, { type: 'js', module: 'main.js', form: 'stdio' }],
    ['./main.mjs', { 'main.mjs': '' }, { type: 'js', module: 'main.mjs', form: 'stdio' }],
    ['node main.js', { 'main.js': '', 'dist/index.js': '' }, { type: 'js', module: 'dist/index.js', form: 'stdio' }],
    [
      'npm start',
      { 'package.json': { scripts: { start: 'node lib/x.js' } }, 'lib/x.js': '' },
      { type: 'js', module: 'lib/x.js', form: 'stdio' },
    ],
  ])('%s', (run, files, expected) => {
    const { tools } = parsed({ 'pocket.json': { ...POCKET, entrypoint: { run } }, ...files })
    expect(tools[0]?.implementation).toEqual({ ...expected, inPackage: true })
  })

  test('takes its arguments from schema.json where it does not say them, and anything where there is none', () => {
    const { tool } = POCKET
    const files = { 'pocket.json': { ...POCKET, tool: { ...tool, inputSchema: undefined } }, 'ticker/__main__.py': '' }
    const schemaOf = (more: Readonly<Record<string, Content>>): unknown => parsed({ ...files, ...more }).tools[0]?.tool.inputSchema
    expect(schemaOf({ 'schema.json': { properties: { a: {} } } })).toEqual({ type: 'object', properties: { a: {} } })
    expect(schemaOf({})).toEqual({ type: 'object' })
  })

  test('a native program is refused', () => {
    expect(
      faults({ 'pocket.json': { ...POCKET, language: undefined, baseImage: 'golang', entrypoint: { build: 'go build', run: './app' } } }),
    ).toEqual([
      'pocket.json#/entrypoint/run: cannot run "./app": a native program cannot run here; what runs is "python FILE", "python -m MODULE" and "node FILE", or a WebAssembly module',
    ])
  })

  test('what is not there is named', () => {
    const entrypoint = { run: 'python __main__.py' }
    expect(faults({ 'pocket.json': { ...POCKET, entrypoint }, 'a/__main__.py': '', 'b/__main__.py': '' })[0]).toContain(
      'there is no file "__main__.py" in the package',
    )
    expect(faults({ 'pocket.json': POCKET })).toEqual([
      'pocket.json#/entrypoint/run: there is no module "ticker" in the package: add "ticker/__main__.py", or its wheel under dist/ (py3-none-any)',
    ])
    expect(faults({ 'pocket.json': {} })).toEqual(['pocket.json#/tool: is missing: give { "name", "description", "inputSchema" }'])
    expect(faults({ 'pocket.json': { ...POCKET, language: 'ruby' }, 'ticker/__main__.py': '' })).toEqual([
      'pocket.json#/language: must be "python" or "node": other languages run here as WebAssembly modules (manifest.json)',
    ])
  })

  test('the variables of a provider’s tokens are its secrets', () => {
    const secretsOf = (auth: object): string[] =>
      parsed({ 'pocket.json': { ...POCKET, auth }, 'ticker/__main__.py': '' }).tools.flatMap(({ secrets }) =>
        secrets.map(({ name }) => name),
      )
    expect(secretsOf({ auth_provider: 'slack', scopes: ['channels:history'] })).toEqual(['SLACK_BOT_TOKEN'])
    expect(secretsOf({ auth_provider: 'github' })).toEqual(['GITHUB_TOKEN'])
    expect(secretsOf({ auth_provider: 'semantic_scholar' })).toEqual(['SEMANTIC_SCHOLAR_TOKEN'])
    expect(secretsOf({ auth_provider: 'kraken' })).toEqual(['KRAKEN_API_KEY', 'KRAKEN_API_SECRET'])
    expect(secretsOf({ auth_provider: 'linear' })).toEqual(['LINEAR_API_KEY', 'LINEAR_TOKEN'])
    expect(['reddit', 'valyu', 'x'].flatMap((auth_provider) => secretsOf({ auth_provider }))).toEqual([
      'REDDIT_BOT_TOKEN',
      'VALYU_API_KEY',
      'X_AUTH_TOKEN',
    ])
    expect(secretsOf({})).toEqual([])
  })

  test('stands before config.toml, whose tool_vars still count', () => {
    const { tools } = parsed({
      'pocket.json': POCKET,
      'config.toml': 'name = "other"\n[tool_vars]\na = "1"\nb = 2\nc = true\n',
      'ticker/__main__.py': '',
    })
    expect(tools[0]?.tool.name).toBe('kraken_get_ticker')
    expect(tools[0]?.variables).toEqual({ a: '1', b: '2', c: 'true' })
  })

  test('includes others, which take from it what they do not say', () => {
    const inner = (name: string): object => ({
      tool: { name, description: 'd', inputSchema: {} },
      entrypoint: { run: `python -m ${name}` },
    })
    const { tools } = parsed({
      'pocket.json': { include: ['./a.json', 'b.json'], language: 'python', auth: { auth_provider: 'slack' } },
      'a.json': inner('a'),
      'b.json': inner('b'),
      'a/__main__.py': '',
      'b/__main__.py': '',
    })
    expect(tools.map(({ tool, secrets }) => [tool.name, secrets[0]?.name])).toEqual([
      ['a', 'SLACK_BOT_TOKEN'],
      ['b', 'SLACK_BOT_TOKEN'],
    ])
    expect(faults({ 'pocket.json': { include: ['../a.json', 'c.json'] } })).toEqual([
      'pocket.json#/include/0: must be the path of a .json file of the package',
      'pocket.json#/include/1: there is no file "c.json" in the package: add it, or name the one that there is',
    ])
  })
})

describe('config.toml with schema.json', () => {
  const CONFIG = 'name = "simple_echo_tool"\ndescription = "echo the input text"\nlanguage = "python"\n'
  const SCHEMA = { properties: { text: { title: 'Text', type: 'string' } }, required: ['text'], title: 'EchoRequest', type: 'object' }
  const WHEEL = 'dist/simple_echo_tool-0.1.0-py3-none-any.whl'

  test('calls main() of the wheel under dist/', () => {
    const { tools } = parsed({
      'config.toml': `${CONFIG}[auth]\nauth_provider = "github"\nscopes = ["repo"]\n[tool_vars]\nlimit = "10"\n`,
      'schema.json': SCHEMA,
      'pyproject.toml': '[project]\nname = "simple-echo-tool"\nversion = "0.1.0"\n',
      [WHEEL]: 'PK',
      'dist/simple_echo_tool-0.1.0.tar.gz': '',
    })
    expect(tools[0]).toMatchObject({
      tool: { name: 'simple_echo_tool', inputSchema: SCHEMA },
      implementation: { type: 'python', start: { run: 'module', module: 'simple_echo_tool', call: 'main' }, path: [WHEEL] },
      secrets: [{ name: 'GITHUB_TOKEN', description: 'a token of github, with the scopes repo' }],
      variables: { limit: '10' },
    })
  })

  test('or dist/index.js, main.py, or the module that is called after it', () => {
    const run = (files: Readonly<Record<string, Content>>, config = CONFIG): unknown => {
      const { tools } = parsed({ 'config.toml': config, 'schema.json': SCHEMA, ...files })
      const { inPackage, ...rest } = tools[0]!.implementation as Extract<Implementation, { type: 'python' }>
      expect(inPackage).toBe(true)
      return rest
    }
    expect(run({ 'dist/index.js': '' }, CONFIG.replace('python', 'node'))).toEqual({ type: 'js', module: 'dist/index.js', form: 'stdio' })
    expect(run({ 'main.py': '' })).toEqual({ type: 'python', start: { run: 'file', file: 'main.py' }, path: [] })
    expect(run({ 'simple_echo_tool/__main__.py': '' })).toEqual({
      type: 'python',
      start: { run: 'module', module: 'simple_echo_tool' },
      path: ['.'],
    })
    // The one directory that is a program, and the one script of the project.
    const hyphens = { type: 'python', start: { run: 'file', file: 'simple-echo/__main__.py' }, path: ['.'] }
    expect(run({ 'simple-echo/__main__.py': '', 'simple-echo/__init__.py': '' })).toEqual(hyphens)
    expect(run({ 'src/app/__main__.py': '' })).toEqual({ type: 'python', start: { run: 'module', module: 'app' }, path: ['src'] })
    expect(run({ 'app/cli.py': '', 'pyproject.toml': '[project]\nname = "echo"\n[project.scripts]\necho = "app.cli:run"\n' })).toEqual({
      type: 'python',
      start: { run: 'module', module: 'app.cli', call: 'run' },
      path: ['.'],
    })
  })

  test('a name with blanks is called with underscores', () => {
    const named = (name: string): unknown =>
      parsed({ 'config.toml': CONFIG.replace('simple_echo_tool', name), 'schema.json': SCHEMA, 'main.py': '' }).tools[0]?.tool.name
    expect(named('Slack Get Message Tool')).toBe('Slack_Get_Message_Tool')
  })

  test('its faults', () => {
    expect(faults({ 'config.toml': CONFIG })).toEqual([
      "config.toml#: there is no schema.json beside it: add the JSON Schema of the tool's arguments",
      'config.toml#: there is no program: add a wheel under dist/ (py3-none-any), or main.py',
    ])
    expect(faults({ 'config.toml': 'name = ', 'schema.json': SCHEMA })[0]).toMatch(/^config\.toml#: is no TOML: .*\(line 1\)$/)
    expect(faults({ 'config.toml': CONFIG, 'schema.json': { type: 'string' }, 'main.py': '' })).toEqual([
      'schema.json#/type: must be "object": a tool takes its arguments by name',
    ])
    expect(faults({ 'config.toml': CONFIG, 'schema.json': { properties: { a: { type: 'x' } } }, 'main.py': '' })[0]).toContain(
      'schema.json#/properties/a/type: must be one of',
    )
  })
})

describe('tidepool.toml', () => {
  const LIBRARY = moduleExporting('library_call', 'library_check')

  test('has one tool a library', () => {
    const { name, tools } = parsed({
      'tidepool.toml': [
        '[libraries]',
        'checks = { type = "wasm", path = "lib/checks.wasm", capabilities = { file_write = true } }',
        'inferred = { path = "./lib/checks.wasm" }',
        'pure = { type = "wasm", path = "lib/checks.wasm", capabilities = { file_read = false } }',
        'process = { executable = "python3", args = ["plugin.py"] }',
        'typed = { type = "external", executable = "./tool" }',
        '[libraries.by-level]',
        'path = "lib/checks.wasm"',
        'capabilities = { fs = "write" }',
      ].join('\n'),
      'lib/checks.wasm': LIBRARY,
    })
    const wasm = { type: 'wasm', module: 'lib/checks.wasm', abi: 'library' }
    expect(name).toBe('checks')
    expect(tools.map(({ tool, implementation }) => [tool.name, tool.capabilities, implementation])).toEqual([
      ['checks', ['vfs:read', 'vfs:write'], wasm],
      ['inferred', ['vfs:read'], wasm],
      ['pure', [], wasm],
      ['process', [], { type: 'external', command: ['python3', 'plugin.py'] }],
      ['typed', [], { type: 'external', command: ['./tool'] }],
      ['by_level', ['vfs:read', 'vfs:write'], wasm],
    ])
    expect(tools[0]?.tool.inputSchema).toMatchObject({ type: 'object' })
  })

  test('is also published as hielements.toml', () => {
    expect(parsed({ 'hielements.toml': '[libraries]\na = { path = "a.wasm" }', 'a.wasm': LIBRARY }).tools[0]?.tool.name).toBe('a')
  })

  test('its faults', () => {
    expect(faults({ 'tidepool.toml': '' })).toEqual([
      'tidepool.toml#/libraries: is missing: write [libraries] and name = { type = "wasm", path = "name.wasm" }',
    ])
    expect(faults({ 'tidepool.toml': '[libraries]' })).toEqual(['tidepool.toml#/libraries: names no library'])
    expect(
      faults({
        'tidepool.toml': [
          '[libraries]',
          'a = { type = "wasm" }',
          'b = { path = "../b.wasm" }',
          'c = { path = "c.wasm" }',
          'd = { type = "external" }',
          'e = { type = "java" }',
          'f = { executable = "x", capabilities = { network = true } }',
          '"9" = { executable = "x" }',
        ].join('\n'),
      }).map((fault) => fault.split(':')[0]),
    ).toEqual([
      'tidepool.toml#/libraries/9',
      'tidepool.toml#/libraries/a/path',
      'tidepool.toml#/libraries/b/path',
      'tidepool.toml#/libraries/c/path',
      'tidepool.toml#/libraries/d/executable',
      'tidepool.toml#/libraries/e/type',
      'tidepool.toml#/libraries/e/executable',
      'tidepool.toml#/libraries/f/capabilities/network',
    ])
  })
})

describe('a folder without a manifest', () => {
  test('a lone module is a tool that is called after it, of the ABI that its exports speak for', () => {
    const abiOf = (...names: string[]): unknown =>
      parsed({ 'word-count.wasm': moduleExporting(...names), LICENSE: '' }).tools[0]?.implementation
    expect(abiOf('memory', 'alloc', 'execute')).toEqual({ type: 'wasm', module: 'word-count.wasm', abi: 'btcp' })
    expect(abiOf('library_call')).toEqual({ type: 'wasm', module: 'word-count.wasm', abi: 'library' })
    expect(abiOf('_start')).toEqual({ type: 'wasm', module: 'word-count.wasm', abi: 'stdio' })
    const { name, tools } = parsed({ 'word-count.wasm': MODULE })
    expect([name, tools[0]?.tool.name, tools[0]?.tool.inputSchema, tools[0]?.tool.capabilities]).toEqual([
      'word-count',
      'word_count',
      { type: 'object' },
      [],
    ])
    expect(faults({ 'a.wasm': moduleExporting('run') })[0]).toContain('exports none of execute')
    const reading = encodeModule({
      imports: [
        { module: 'btcp', name: 'dom_set_text', params: 'iiii', result: true },
        { module: 'btcp', name: 'dom_text', params: 'iiii', result: true },
        { module: 'btcp', name: 'dom_count', params: 'ii', result: true },
        { module: 'env', name: 'storage_get', params: 'iiii', result: true },
        { module: 'filesystem', name: 'read_file', params: 'iiii', result: true },
      ],
      memory: { pages: 1, imported: true },
      functions: [{ params: 'i', result: true, locals: 0, code: ins.i32(0) }],
      exports: { execute: 0 },
    })
    expect(parsed({ 'a.wasm': reading }).tools[0]?.tool.capabilities).toEqual(['dom:read', 'dom:write', 'vfs:read'])
    for (let end = 0; end < reading.length; end++)
      expect(() => parsePackage(packageFiles({ 'a.wasm': reading.subarray(0, end) }))).not.toThrow()
    expect(faults({ 'a.wasm': 'x' })).toEqual(['a.wasm#: is no WebAssembly module: it does not begin with \\0asm'])
  })

  test('code alone is told what a manifest looks like', () => {
    expect(faults({ 'main.py': '' })[0]).toContain('"implementation": { "type": "python", "entry": "main.py" }')
    expect(faults({ 'tool.js': '' })[0]).toContain('"implementation": { "type": "js", "module": "tool.js" }')
    expect(faults({})[0]).toContain('there is no manifest: add manifest.json')
    expect(faults({ 'a/manifest.json': MANIFEST, 'b/x': '' })).toEqual([
      '#: there is no manifest at its top; a/manifest.json lies deeper: give that folder',
    ])
  })
})

describe('the files', () => {
  test('have paths that stay in the package', () => {
    const paths = ['../x', '/x', 'a//b', './a', 'a\\b', 'C:/x', 'a\0b', '', 'x'.repeat(256), 'a/', 'é'.repeat(128)]
    expect(paths.filter((path) => faults({ [path]: '' }).length !== 1)).toEqual([])
    const twice = parsePackage([...packageFiles({ 'a.txt': '' }), ...packageFiles({ 'a.txt': '' })])
    expect(twice).toEqual({ ok: false, faults: [{ file: 'a.txt', instancePath: '', message: 'is there twice' }] })
    expect(faults({ a: '', 'a/b': '' })).toEqual(['a#: is a file and a directory'])
  })

  test('are so many and so large', () => {
    const files = packageFiles({ 'a.wasm': MODULE, b: 'x' })
    const of = (limits: Parameters<typeof limitsWith>[0]): unknown => {
      const result = parsePackage(files, limitsWith(limits))
      return result.ok || result.faults[0]?.message
    }
    expect(of({ toolPackageFiles: 1 })).toBe('has more than 1 files (limit toolPackageFiles)')
    expect(of({ toolPackageBytes: 20 })).toContain('(limit toolPackageBytes)')
    expect(of({ toolModuleBytes: 10 })).toContain('(limit toolModuleBytes)')
  })

  test('lose what an archiver added, and their one top directory', () => {
    const paths = (...names: string[]): string[] => trimPackage(names.map((path) => ({ path }))).map(({ path }) => path)
    expect(paths('t/manifest.json', 't/a/b', '__MACOSX/t/._a', 't/.DS_Store', 't/.git/x')).toEqual(['manifest.json', 'a/b'])
    expect(paths('t/a', 'b')).toEqual(['t/a', 'b'])
    expect(paths()).toEqual([])
  })

  test('a long readme is cut between characters', () => {
    const { readme } = parsed({ 'a.wasm': MODULE, 'readme.md': `x${'é'.repeat(40_000)}` })
    expect(readme).toBe(`x${'é'.repeat(32_767)}`)
  })
})

test('hashes: the digest is what sha256sum prints, and a module that was changed is named', async () => {
  expect(
    packageDigest([
      { path: 'b', sha256: '2' },
      { path: 'a', sha256: '1' },
    ]),
  ).toBe('1  a\n2  b\n')
  const sha256 = async (bytes: Uint8Array): Promise<string> => createHash('sha256').update(bytes).digest('hex')
  const hash = await sha256(MODULE)
  const files = (wanted: string): ReturnType<typeof packageFiles> =>
    packageFiles({
      'manifest.json': { ...MANIFEST, tools: [{ ...TOOL, implementation: { type: 'wasm', module: './a.wasm', sha256: wanted } }] },
      'a.wasm': MODULE,
    })
  expect(await packageHashFaults(files(hash.toUpperCase()), sha256)).toEqual([])
  expect(await packageHashFaults(files('0'.repeat(64)), sha256)).toEqual([
    {
      file: 'manifest.json',
      instancePath: '/tools/0/implementation/sha256',
      message: `is not that of a.wasm, which is ${hash}: the module was changed after the manifest was written`,
    },
  ])
})

describe('whatever is given', () => {
  const NAMES = [
    'manifest.json',
    'btcp.json',
    'pocket.json',
    'config.toml',
    'schema.json',
    'tidepool.toml',
    'a.wasm',
    'main.py',
    'dist/index.js',
    'README.md',
    '../x',
  ]
  const KEYS = [
    'btcp',
    'name',
    'tools',
    'tool',
    'inputSchema',
    'type',
    '$ref',
    'allOf',
    'items',
    'properties',
    'capabilities',
    'implementation',
    'module',
    'config',
    'auth',
    '__proto__',
    'libraries',
    'path',
  ]
  const WORDS = ['object', 'wasm', '1.0', '#', '#/properties/a', 'a.wasm', 'dom:read', '..', 'constructor', 'string']
  const json = fc.letrec((tie) => ({
    value: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom(...WORDS),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.array(tie('value'), { maxLength: 4 }),
      tie('object'),
    ),
    object: fc.dictionary(fc.oneof(fc.constantFrom(...KEYS), fc.string({ maxLength: 5 })), tie('value'), { maxKeys: 6 }),
  }))
  const content = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    json.object.map((value) => new TextEncoder().encode(JSON.stringify(value))),
    fc.uint8Array({ maxLength: 40 }).map((tail) => Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, ...tail])),
    json.object.map((value) =>
      new TextEncoder().encode(
        Object.entries(value as object)
          .map(([k, v]) => `${JSON.stringify(k)} = ${JSON.stringify(v)}`)
          .join('\n'),
      ),
    ),
  )
  const files = fc.array(fc.record({ path: fc.oneof(fc.constantFrom(...NAMES), fc.string({ maxLength: 8 })), bytes: content }), {
    maxLength: 5,
  })

  test('it answers a manifest or faults, and never throws', () => {
    fc.assert(
      fc.property(files, (given) => {
        const result = parsePackage(given.map(({ path, bytes }) => ({ path, bytes: new Uint8Array(bytes) })))
        if (result.ok) expect(result.manifest.tools.length).toBeGreaterThan(0)
        else expect(result.faults.length).toBeGreaterThan(0)
      }),
      { numRuns: 1_500 },
    )
  })

  test('a manifest around anything: what is accepted has names, schemas and files as they must be', () => {
    const manifest = fc
      .record({ tool: json.object, rest: json.object })
      .map(({ tool, rest }) => ({ ...MANIFEST, ...(rest as object), tools: [{ ...TOOL, ...(tool as object) }] }))
    fc.assert(
      fc.property(manifest, (given) => {
        const result = parsePackage(packageFiles({ 'manifest.json': given, 'a.wasm': MODULE }))
        if (!result.ok) return
        for (const { tool, implementation } of result.manifest.tools) {
          expect(tool.name).toMatch(/^[a-zA-Z]\w*$/)
          expect(tool.inputSchema).toHaveProperty('type')
          expect(tool.timeout).toBeLessThanOrEqual(LIMITS.runTimeoutMaxMs)
          if (implementation.type === 'wasm') expect(implementation.module).toBe('a.wasm')
        }
      }),
      { numRuns: 1_500 },
    )
  })
})
