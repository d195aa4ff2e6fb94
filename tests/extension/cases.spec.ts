/** Every tenth recorded command line of the shell and every fifth of Python, asked for by a page and answered by a cell of the built extension. */
import { expect, test, type Page } from '@playwright/test'
import { callTool, run } from '../support/btcp.ts'
import { launchTidepool, type Tidepool } from '../support/extension.ts'
import { PROBE, readFamilies, recorded, type CaseSuite, type ShellCase } from '../support/shell-case.ts'
import { serveSites, type SiteServer } from '../support/site-server.ts'

const EVERY: Readonly<Record<CaseSuite, number>> = { shell: 10, python: 5 }
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

for (const suite of ['shell', 'python'] as const) {
  test(`the programs of the cases of ${suite} are in a cell`, async () => expect((await run(page, PROBE[suite])).exitCode).toBe(0))
  for (const { family, files, shellCase } of runnable(suite).filter((_, i) => i % EVERY[suite] === 0))
    test(`${suite}, ${family}: ${shellCase.name ?? shellCase.sh}`, async () => {
      await run(page, 'rm -rf /home/user/* /home/user/.[!.]* /tmp/* 2>/dev/null; :')
      for (const [path, content] of Object.entries({ ...files, ...shellCase.files })) await write(path, content)
      expect(await answer(shellCase)).toEqual({ stdout: shellCase.stdout, stderr: shellCase.stderr, status: shellCase.status })
    })
}

function runnable(suite: CaseSuite) {
  return readFamilies(suite).flatMap(({ family, files, cases }) =>
    cases.filter(({ skip, differs }) => skip === undefined && differs === undefined).map((shellCase) => ({ family, files, shellCase })),
  )
}

async function write(path: string, content: string): Promise<void> {
  const { failure } = await callTool(page, 'fs_write', { path, content, mkdirs: true })
  expect(failure).toBeUndefined()
}

async function answer({ sh, stdin }: ShellCase) {
  const { stdout, stderr, exitCode } = await run(page, sh, { encoding: 'base64', ...(stdin === undefined ? {} : { stdin }) })
  return { stdout: recorded(Buffer.from(stdout, 'base64')), stderr: recorded(Buffer.from(stderr, 'base64')), status: exitCode }
}
