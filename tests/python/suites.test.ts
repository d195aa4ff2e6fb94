/**
 * numpy's and pandas' own tests, as far as third_party/python/tests holds them, run by pytest in the cell's Python over the wheels that are
 * shipped. `npm test` runs a part; with TIDEPOOL_LONG all of it. What does not pass is listed here with its reason.
 */
import { readFileSync } from 'node:fs'
import { beforeAll, describe, expect, test } from 'vitest'
import { ENVIRONMENT } from '../support/kernel.ts'
import { pythonKernel } from '../support/python-kernel.ts'

const LONG = process.env['TIDEPOOL_LONG'] === '1'
const WHEELS = new URL('../../third_party/python/', import.meta.url)
const SITE = '/usr/lib/python3.14/site-packages'

interface Suite {
  readonly name: 'numpy' | 'pandas'
  /** files and folders below the package; those of `npm test` */
  readonly short: readonly string[]
  readonly long: readonly string[]
  /** how many tests pass at least, so that a suite that is not found is no success */
  readonly least: { readonly short: number; readonly long: number }
  /** what is left out, by pytest's options, each with its reason */
  readonly leftOut: Readonly<Record<string, string>>
}

const SUITES: readonly Suite[] = [
  {
    name: 'numpy',
    short: ['linalg/tests', 'lib/tests/test_function_base.py'],
    long: ['_core/tests', 'lib/tests', 'linalg/tests', 'random/tests'],
    least: { short: 900, long: 4_500 },
    leftOut: {},
  },
  {
    name: 'pandas',
    short: ['tests/series/methods'],
    long: ['tests/series', 'tests/frame', 'tests/tslibs'],
    least: { short: 3_900, long: 24_000 },
    leftOut: {
      [`--ignore=${SITE}/pandas/tests/series/accessors/test_dt_accessor.py`]: 'asks the program locale for its list, which a cell has not',
      [`--ignore=${SITE}/pandas/tests/series/methods/test_map.py`]: 'imports a part of the suite that is not in the wheel of tests',
      '--deselect=pandas/tests/frame/methods/test_rank.py::TestRank::test_pct_max_many_rows': 'asks for more memory than one Python has',
      '--deselect=pandas/tests/series/methods/test_rank.py::test_pct_max_many_rows': 'asks for more memory than one Python has',
    },
  },
]

/** Installs the wheels of tests over the packages, as the finder does with those of the table. */
const RUN = `
import json, os, sys, _tidepool
finder = sys._tidepool_packages
finder.table()
package, *targets = sys.argv[1:]
finder.ensure(package)
for wheel in json.loads(os.environ['TEST_WHEELS']):
    answer = json.loads(_tidepool.request(json.dumps({'package': wheel}).encode()))
    assert answer['ok'], answer
for name in ('attrs', 'typing-extensions', 'packaging'): finder.ensure(name)
import importlib; importlib.invalidate_caches()
import pytest
root = f'${SITE}/{package}'
os.chdir('/tmp')
options = ['-q', '-p', 'no:cacheprovider', '-p', 'no:faulthandler', '--no-header', '--tb=short', '-W', 'ignore', '-m', 'not slow', '--rootdir=${SITE}']
sys.exit(pytest.main([*options, *(target if target.startswith('-') else f'{root}/{target}' for target in targets)]))
`

interface Lock {
  readonly packages: readonly { readonly name: string; readonly wheel: string; readonly for?: string }[]
}
const lock = JSON.parse(readFileSync(new URL('lock.json', WHEELS), 'utf8')) as Lock
const testWheels = lock.packages.filter((row) => row.for === 'tests').map((row) => row.wheel)

describe.each(SUITES)("$name's own tests", ({ name, short, long, least, leftOut }) => {
  let kernel: ReturnType<typeof pythonKernel>
  beforeAll(() => {
    kernel = pythonKernel()
    kernel.writeFile('/home/user/run.py', RUN)
  })

  test(`pass${LONG ? '' : ' in part'}`, { timeout: 1_800_000 }, async () => {
    const wheels = testWheels.filter((wheel) => !wheel.endsWith('-tests.whl') || wheel.includes(`/${name}-`))
    const env = [...ENVIRONMENT, `TEST_WHEELS=${JSON.stringify(wheels)}`]
    const targets = LONG ? long : short
    const { stdout, stderr, status } = await kernel.run(['python3', 'run.py', name, ...Object.keys(leftOut), ...targets], { env })
    const passed = Number(/(\d+) passed/.exec(stdout)?.[1] ?? 0)
    const failed = /\d+ (?:failed|errors?)/.exec(stdout)?.[0] ?? ''
    expect({ status, failed, end: status === 0 ? '' : `${stdout.slice(-3000)}${stderr.slice(-2000)}` }).toEqual({
      status: 0,
      failed: '',
      end: '',
    })
    expect(passed).toBeGreaterThanOrEqual(LONG ? least.long : least.short)
  })
})
