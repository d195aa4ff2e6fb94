/** Every tenth recorded command line (tests/shell/cases), asked for by a page and answered by a cell of the built extension. */
import { expect, test, type Page } from '@playwright/test'
import { callTool, run } from '../support/btcp.ts'
import { launchTidepool, type Tidepool } from '../support/extension.ts'
import { readFamilies, recorded, type ShellCase } from '../support/shell-case.ts'
import { serveSites, type SiteServer } from '../support/site-server.ts'

const EVERY = 10
let sites: SiteServer
let tidepool: Tidepool
let page: Page

test.beforeAll(async () => {
  sites = await serveSites()
  tidepool = await launchTidepool()
  page = await tidepool.site(sites.origin('cases'), 'shell:run', 'vfs:read', 'vfs:write')
})
test.afterAll(async () => {
  await tidepool.close()
  await sites[Symbol.asyncDispose]()
})

const runnable = readFamilies().flatMap(({ family, files, cases }) =>
  cases.filter(({ skip, differs }) => skip === undefined && differs === undefined).map((shellCase) => ({ family, files, shellCase })),
)
for (const { family, files, shellCase } of runnable.filter((_, i) => i % EVERY === 0))
  test(`${family}: ${shellCase.name ?? shellCase.sh}`, async () => {
    await run(page, 'rm -rf /home/user/* /home/user/.[!.]* /tmp/* 2>/dev/null; :')
    for (const [path, content] of Object.entries({ ...files, ...shellCase.files })) await write(path, content)
    expect(await answer(shellCase)).toEqual({ stdout: shellCase.stdout, stderr: shellCase.stderr, status: shellCase.status })
  })

async function write(path: string, content: string): Promise<void> {
  const { failure } = await callTool(page, 'fs_write', { path, content, mkdirs: true })
  expect(failure).toBeUndefined()
}

async function answer({ sh, stdin }: ShellCase) {
  const { stdout, stderr, exitCode } = await run(page, sh, { encoding: 'base64', ...(stdin === undefined ? {} : { stdin }) })
  return { stdout: recorded(Buffer.from(stdout, 'base64')), stderr: recorded(Buffer.from(stderr, 'base64')), status: exitCode }
}
