/**
 * Declares a test for every recorded command line of a suite, run in a cell of this host: output, errors and status as they were recorded.
 * A cell serves one family of cases. Where a program that the suite is about is not in the cell, one test says so and the others skip.
 */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Sandbox } from '../../src/node/index.ts'
import { PROBE, readFamilies, recorded, type CaseSuite, type ShellCase, type ShellCaseFamily } from './shell-case.ts'

export function describeCases(suite: CaseSuite): void {
  let missing: boolean
  beforeAll(async () => {
    await using sandbox = await Sandbox.create()
    missing = (await sandbox.run(PROBE[suite])).exitCode !== 0
  })
  test(`the programs of the cases of ${suite} are in a cell`, () => {
    expect(missing, `Cannot run the cases of ${suite}: "${PROBE[suite]}" finds nothing in the cell (npm run build)`).toBe(false)
  })
  for (const family of readFamilies(suite)) describe(family.family, () => describeFamily(family, () => missing))
}

function describeFamily({ files, cases }: ShellCaseFamily, isMissing: () => boolean): void {
  let sandbox: Sandbox
  beforeAll(async () => {
    sandbox = await Sandbox.create()
  })
  afterAll(() => sandbox.destroy())

  for (const shellCase of cases) {
    const { name = shellCase.sh, skip, differs } = shellCase
    test(differs === undefined ? name : `${name} (differs: ${differs})`, async (context) => {
      if (skip !== undefined) context.skip(skip)
      if (isMissing()) context.skip('its program is not in the cell')
      const given = await answer(sandbox, shellCase, files)
      if (differs === undefined) expect(given).toEqual(expected(shellCase))
      else expect(given).not.toEqual(expected(shellCase))
    })
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
