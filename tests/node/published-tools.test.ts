/** Tool folders in their published forms, as their authors left them, run from end to end. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PackageFile, Sandbox, type ToolResult } from '../../src/node/index.ts'
import { file } from '../support/installed-tools.ts'
import { encodeModule, ins } from '../support/wasm-encoder.ts'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await Sandbox.create()
})
afterAll(() => sandbox.destroy())

const pocket = (name: string, run: string, more: object = {}): PackageFile => {
  const tool = { name, description: 'A published tool.', inputSchema: { type: 'object' } }
  return file('pocket.json', JSON.stringify({ tool, language: 'python', entrypoint: { run }, ...more }))
}
const textOf = ({ content }: ToolResult): string => (content[0]?.type === 'text' ? content[0].text : '')

const MAIN = `import json, os, sys

def main():
    print(json.dumps({"got": json.load(sys.stdin.buffer), "greeting": os.environ.get("GREETING")}))

if __name__ == "__main__":
    main()
`

test('a program that is named by its file alone', async () => {
  await sandbox.registerTool([pocket('bare', 'app/__main__.py'), file('app/__init__.py', ''), file('app/__main__.py', MAIN)])
  expect(await sandbox.callTool('bare', { a: 'ü' })).toMatchObject({ structuredContent: { got: { a: 'ü' }, greeting: null } })
})

test('a package that imports its main, with nothing said of that', async () => {
  await sandbox.registerTool([
    pocket('imported', 'python -m app'),
    file('app/__init__.py', 'from app.__main__ import main\n__all__ = ["main"]\n'),
    file('app/__main__.py', MAIN),
  ])
  const said: unknown[] = []
  expect(await sandbox.callTool('imported', {}, { onProgress: (part) => said.push(part) })).toMatchObject({
    structuredContent: { got: {} },
  })
  expect(said).toEqual([])
})

test('a folder with hyphens and a name with blanks', async () => {
  await sandbox.registerTool([
    file('config.toml', 'name = "Git Tool"\ndescription = "greets"\nlanguage = "python"\n[tool_vars]\nGREETING = "hello"\n'),
    file('schema.json', '{"properties":{}}'),
    file('git-tool/__init__.py', ''),
    file('git-tool/__main__.py', MAIN),
  ])
  expect(await sandbox.callTool('Git_Tool')).toMatchObject({ structuredContent: { got: {}, greeting: 'hello' } })
})

test('a script of the project', async () => {
  await sandbox.registerTool([
    file('config.toml', 'name = "scripted"\ndescription = "greets"\nlanguage = "python"\n'),
    file('schema.json', '{"properties":{}}'),
    file('pyproject.toml', '[project]\nname = "scripted"\nversion = "0.3.1"\n[project.scripts]\nscripted = "app.cli:main"\n'),
    file('src/app/__init__.py', ''),
    file('src/app/cli.py', MAIN),
  ])
  expect(await sandbox.callTool('scripted')).toMatchObject({ structuredContent: { got: {} } })
})

test('a program starts in its folder, reads its files from there, and writes elsewhere', async () => {
  const reading = `import os
words = open("data/words.txt").read().split()
try:
    open("kept.txt", "w")
except OSError as error:
    refused = error.strerror
open(os.path.expanduser("~/kept.txt"), "w").write("x")
print(len(words), os.getcwd(), refused)
`
  await sandbox.registerTool([pocket('reading', 'python main.py'), file('main.py', reading), file('data/words.txt', 'the open sea')])
  expect((await sandbox.callTool('reading')).structuredContent).toBe('3 /opt/tool Read-only file system')
  const node = "require('fs').promises.readFile('data/words.txt', 'utf8').then((text) => console.log(text.length, process.cwd()))"
  const asNode = pocket('reading_node', 'node main.js', { language: 'node' })
  await sandbox.registerTool([asNode, file('main.js', node), file('data/words.txt', 'the open sea')])
  expect((await sandbox.callTool('reading_node')).structuredContent).toBe('12 /opt/tool')
})

test('what Python says of an exception begins in the tool', async () => {
  const raising = 'def main():\n    raise ValueError("no rows")\n\nmain()\n'
  await sandbox.registerTool([pocket('by_file', 'python main.py'), file('main.py', raising)])
  await sandbox.registerTool([pocket('by_module', 'python -m app'), file('app/__main__.py', raising)])
  const frames = (path: string): string =>
    `Traceback (most recent call last):\n  File "${path}", line 4, in <module>\n    main()\n    ~~~~^^\n  File "${path}", line 2, in main\n    raise ValueError("no rows")\nValueError: no rows`
  expect(textOf(await sandbox.callTool('by_file'))).toContain(frames('/opt/tool/main.py'))
  expect(textOf(await sandbox.callTool('by_module'))).toContain(frames('/opt/tool/app/__main__.py'))
  await sandbox.registerTool([pocket('imports', 'python main.py'), file('main.py', 'import slack_sdk\n')])
  expect(textOf(await sandbox.callTool('imports'))).toMatch(
    /ModuleNotFoundError: No module named 'slack_sdk'\nWhat a tool imports is in its package: .* under dist\/ \(py3-none-any\)\.$/,
  )
})

const COMMAND = { memory: { pages: 1, imported: false }, exports: { _start: 0 } }

test('a WASI command that cannot start says which import it is', async () => {
  const imports = [{ module: 'env', name: 'host_call', params: 'i', result: true }]
  const module = encodeModule({ ...COMMAND, imports, functions: [{ params: '', result: false, locals: 0, code: [] }] })
  await sandbox.registerTool([{ path: 'starts-not.wasm', bytes: module }])
  expect(textOf(await sandbox.callTool('starts_not'))).toBe(
    'Cannot finish "starts_not": Cannot load "/opt/tool/starts-not.wasm": it imports "env.host_call", which is unknown',
  )
})

test('a WASI command that traps says why', async () => {
  const module = encodeModule({ ...COMMAND, imports: [], functions: [{ params: '', result: false, locals: 0, code: ins.unreachable }] })
  await sandbox.registerTool([{ path: 'trap.wasm', bytes: module }])
  expect(textOf(await sandbox.callTool('trap'))).toBe(
    'Cannot finish "trap": it ended by signal 6: trap.wasm: trapped: unreachable\n    at function 0',
  )
})
