// Every recorded command line (tests/shell/cases) in a cell of this host: output, errors and status as bash and GNU tools gave them.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Sandbox } from '../../src/node/index.ts'
import { readFamilies, recorded, type ShellCase, type ShellCaseFamily } from '../support/shell-case.ts'

for (const family of readFamilies()) describe(family.family, () => runFamily(family))

function runFamily({ files, cases }: ShellCaseFamily): void {
  let sandbox: Sandbox
  beforeAll(async () => {
    sandbox = await Sandbox.create()
  })
  afterAll(() => sandbox.destroy())

  for (const shellCase of cases) {
    const { name = shellCase.sh, skip, differs } = shellCase
    if (skip !== undefined) test(name, (context) => context.skip(skip))
    else if (differs === undefined) test(name, async () => expect(await answer(sandbox, shellCase, files)).toEqual(expected(shellCase)))
    else test(`${name} (differs: ${differs})`, async () => expect(await answer(sandbox, shellCase, files)).not.toEqual(expected(shellCase)))
  }
}

const expected = ({ stdout, stderr, status }: ShellCase) => ({ stdout, stderr, status })

/** Runs one case in an empty home folder with the case's files. */
async function answer(sandbox: Sandbox, { sh, files, stdin }: ShellCase, familyFiles: Readonly<Record<string, string>>) {
  await empty(sandbox, '/home/user')
  await empty(sandbox, '/tmp')
  for (const [path, text] of Object.entries({ ...familyFiles, ...files }))
    await sandbox.writeFile(`/home/user/${path}`, text, { mkdirs: true })
  const { stdout, stderr, exitCode } = await sandbox.run(sh, { stdin: stdin ?? '', encoding: 'buffer' })
  return { stdout: recorded(stdout), stderr: recorded(stderr), status: exitCode }
}

async function empty(sandbox: Sandbox, folder: string): Promise<void> {
  for (const { name } of await sandbox.listDir(folder)) await sandbox.remove(`${folder}/${name}`, { recursive: true })
}
