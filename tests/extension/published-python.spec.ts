/**
 * A Python tool folder in the published form, installed for a site as it stands: its model of pydantic, whose core is a side module in
 * Rust that is linked by our own linker, checks what a page sends.
 */
import { expect, test } from '@playwright/test'
import { callTool } from '../support/btcp.ts'
import { launchTidepool, type Tidepool } from '../support/extension.ts'
import { packageFiles } from '../support/package-files.ts'
import { serveSites, type SiteServer } from '../support/site-server.ts'
import { ToolPanel } from '../support/tool-panel.ts'

let sites: SiteServer
let tidepool: Tidepool

test.beforeAll(async () => {
  sites = await serveSites()
  tidepool = await launchTidepool()
})
test.afterAll(async () => {
  await tidepool.close()
  await sites[Symbol.asyncDispose]()
})

const MAIN = `import json, os, sys
from pydantic import BaseModel, Field

class Trade(BaseModel):
    pair: str = Field(..., min_length=3)
    volume: float = Field(default=1, gt=0)

def main():
    trade = Trade.model_validate(json.load(sys.stdin.buffer))
    print(json.dumps({'trade': trade.model_dump(), 'key': os.getenv('LINEAR_TOKEN')}))

if __name__ == '__main__':
    main()
`
const FOLDER = packageFiles({
  'pocket.json': {
    tool: { name: 'trade', description: 'Trades', inputSchema: { type: 'object', properties: { pair: { type: 'string' } } } },
    language: 'python',
    auth: { auth_provider: 'linear', scopes: [] },
    entrypoint: { build: 'pip install .', run: 'python -m trade' },
  },
  'pyproject.toml': '[project]\nname = "trade"\nversion = "0.1.0"\ndependencies = ["pydantic"]\n',
  'trade/__init__.py': '',
  'trade/__main__.py': MAIN,
})

test('a published Python tool checks its arguments with pydantic', async () => {
  const page = await tidepool.site(sites.origin('published'))
  const panel = await ToolPanel.open(tidepool, sites.origin('published'))
  await panel.install(FOLDER, { env: { LINEAR_TOKEN: 'lin_1' } })

  expect((await callTool(page, 'trade', { pair: 'XBT', volume: '2.5' })).value).toMatchObject({
    isError: false,
    structuredContent: { trade: { pair: 'XBT', volume: 2.5 }, key: 'lin_1' },
  })
  const { value: refused } = await callTool(page, 'trade', { pair: 'x', volume: 0 })
  expect(refused?.isError).toBe(true)
  for (const part of ['2 validation errors for Trade', 'String should have at least 3 characters', 'Input should be greater than 0'])
    expect(JSON.stringify(refused?.content)).toContain(part)

  await panel.page.close()
  await page.close()
})
