/**
 * Tool folders in the published form (`pocket.json`, or `config.toml` with `schema.json`) as they are published: their code checks its
 * arguments with pydantic, which is among the packages of each cell. Registered as they stand: nothing is built or installed.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Sandbox, type PackageFile, type ToolResult } from '../../src/node/index.ts'
import { packageFiles } from '../support/package-files.ts'

let sandbox: Sandbox
beforeAll(async () => void (sandbox = await Sandbox.create()))
afterAll(() => sandbox.destroy())

/** Reads its arguments from standard input into a model, with a token from its environment. */
const MAIN = `
import json
import os
import sys

from pydantic import BaseModel, Field

token = os.getenv('LINEAR_TOKEN')


class CountRequest(BaseModel):
    text: str = Field(..., description='The text')
    least: int = Field(default=1, ge=1, description='The shortest word that counts')


def count(req: CountRequest):
    words = [word for word in req.text.split() if len(word) >= req.least]
    return {'words': len(words), 'least': req.least, 'asWhom': token}


def main():
    req = json.load(sys.stdin.buffer)
    req_typed = CountRequest.model_validate(req)
    print(json.dumps(count(req_typed)))


if __name__ == '__main__':
    main()
`
const PROJECT =
  '[project]\nname = "count-words"\nversion = "0.1.0"\nrequires-python = ">=3.10"\ndependencies = ["pydantic", "requests>=2.32.3"]\n'
/** Looser than the model: what it lets through, the model refuses. */
const SCHEMA = { type: 'object', properties: { text: { type: 'string' }, least: {} }, required: ['text'] }

const FOLDERS: readonly { readonly form: string; readonly tool: string; readonly files: PackageFile[] }[] = [
  {
    form: 'pocket.json',
    tool: 'pocket_count',
    files: packageFiles({
      'pocket.json': {
        tool: { name: 'pocket_count', description: 'Counts words', inputSchema: SCHEMA },
        language: 'python',
        auth: { auth_provider: 'linear', scopes: [] },
        entrypoint: { build: 'pip install .', run: 'python -m count_words' },
      },
      'pyproject.toml': PROJECT,
      'count_words/__init__.py': '',
      'count_words/__main__.py': MAIN,
    }),
  },
  {
    form: 'config.toml',
    tool: 'config_count',
    files: packageFiles({
      'config.toml':
        'name = "config_count"\ndescription = "Counts words"\nlanguage = "python"\n\n[auth]\nauth_provider = "linear"\nscopes = []\n',
      'schema.json': SCHEMA,
      'pyproject.toml': PROJECT,
      'count_words/__init__.py': 'from .__main__ import main\n',
      'count_words/__main__.py': MAIN,
    }),
  },
]

const textOf = ({ content }: ToolResult): string => content.map((part) => (part.type === 'text' ? part.text : '')).join('')

describe.each(FOLDERS)('a folder with $form', ({ tool, files }) => {
  beforeAll(async () => void (await sandbox.registerTool(files, { env: { LINEAR_TOKEN: 'lin_1' } })))

  test('runs as it stands', async () => {
    const result = await sandbox.callTool(tool, { text: 'the sea at night', least: '3' })
    expect(result).toMatchObject({ isError: false, structuredContent: { words: 3, least: 3, asWhom: 'lin_1' } })
  })

  test('says what its model says of arguments that do not fit', async () => {
    const result = await sandbox.callTool(tool, { text: 'the sea', least: 0 })
    expect(result.isError).toBe(true)
    expect(textOf(result)).toContain('1 validation error for CountRequest')
    expect(textOf(result)).toContain('Input should be greater than or equal to 1 [type=greater_than_equal, input_value=0, input_type=int]')
  })
})
