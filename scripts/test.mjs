// `npm test`: every check and every test, one after another, and one closing line over all of them. A runner that dies
// without a count is one failure; so is one that ends badly though it counted none; what cannot run here is one skipped
// and a line that says why. `npm run test:long` (--long) adds what takes minutes: long variants and a rebuild of wasm/dist.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { check } from './check.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const REPORTS = join(ROOT, '.cache', 'reports')
const WORKSPACE = join(ROOT, 'wasm')
const LONG = process.argv.includes('--long')

/** @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/** Runs a command of node_modules/.bin with its output shown. @param {string} command @param {string[]} args @param {Record<string, string>} [env] @returns {Promise<number>} */
function run(command, args, env = {}) {
  const options = { cwd: ROOT, env: { ...process.env, ...env }, shell: process.platform === 'win32' }
  const child = spawn(command, args, { ...options, stdio: 'inherit' })
  return new Promise((resolve) => child.once('error', () => resolve(1)).once('close', (status) => resolve(status ?? 1)))
}

/** @param {string} file @param {number} status @param {(report: any) => Counts} count @returns {Counts} */
function readCounts(file, status, count) {
  const path = join(REPORTS, file)
  const counts = existsSync(path) ? count(JSON.parse(readFileSync(path, 'utf8'))) : { passed: 0, failed: 0, skipped: 0 }
  return status !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts
}

/** @param {string} report @param {string[]} args @returns {Promise<Counts>} */
async function runVitest(report, ...args) {
  const reporters = ['--reporter=dot', '--reporter=json', `--outputFile.json=${join(REPORTS, report)}`]
  const status = await run('vitest', ['run', ...args, ...reporters])
  return readCounts(report, status, (counted) => ({
    passed: counted.numPassedTests,
    failed: counted.numFailedTests,
    skipped: counted.numPendingTests + counted.numTodoTests,
  }))
}

/** @returns {Promise<Counts>} */
async function runExtension() {
  const report = join(REPORTS, 'extension.json')
  const status = await run('playwright', ['test', '--reporter=list,json'], { PLAYWRIGHT_JSON_OUTPUT_FILE: report })
  return readCounts('extension.json', status, ({ stats }) => ({
    passed: stats.expected + stats.flaky,
    failed: stats.unexpected,
    skipped: stats.skipped,
  }))
}

/** @returns {Promise<Counts>} */
async function runBuild() {
  const status = await run('npm', ['run', '--silent', 'build'])
  return { passed: status === 0 ? 1 : 0, failed: status === 0 ? 0 : 1, skipped: 0 }
}

const hasCargo = () => spawnSync('cargo', ['--version']).status === 0

/** @param {string} reason @returns {Counts} */
function notRun(reason) {
  console.log(`NOT RUN: ${reason}`)
  return { passed: 0, failed: 0, skipped: 1 }
}

/** Why the tests in Rust cannot run on this machine. Only a long run downloads crates. @param {string} cwd @returns {string | undefined} */
function rustIsMissing(cwd) {
  if (!hasCargo()) return 'cargo is not installed'
  if (LONG) return undefined
  const { status } = spawnSync('cargo', ['metadata', '--format-version', '1', '--locked', '--offline'], { cwd })
  return status === 0 ? undefined : 'its crates are not on this machine (npm run test:long fetches them)'
}

/** The unit tests of wasm/, natively: the programs of the cell, and the SDK with its examples. @returns {Promise<Counts>} */
async function runRust() {
  const programs = await testCrates(WORKSPACE, LONG ? [] : ['--exclude', 'coreutils'])
  const sdk = await testCrates(join(WORKSPACE, 'sdk'), [])
  return {
    passed: programs.passed + sdk.passed,
    failed: programs.failed + sdk.failed,
    skipped: programs.skipped + sdk.skipped,
  }
}

/** One test a count. @param {string} cwd @param {string[]} args @returns {Promise<Counts>} */
async function testCrates(cwd, args) {
  const reason = rustIsMissing(cwd)
  if (reason !== undefined) return notRun(reason)
  const which = ['--workspace', ...args, ...(LONG ? [] : ['--offline'])]
  const child = spawn('cargo', ['test', '--locked', '--no-fail-fast', '--lib', '--bins', '--tests', ...which], { cwd })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (output += bytes))
  const status = await new Promise((resolve) => child.once('error', () => resolve(1)).once('close', resolve))
  if (status !== 0) console.log(output.trimEnd())
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for (const [, passed, failed, ignored] of output.matchAll(/^test result: .* (\d+) passed; (\d+) failed; (\d+) ignored/gm)) {
    counts.passed += Number(passed)
    counts.failed += Number(failed)
    counts.skipped += Number(ignored)
  }
  return status !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts
}

/** @returns {Promise<Counts>} */
async function runRebuild() {
  if (!hasCargo()) return notRun('cargo is not installed')
  return await runVitest('rebuild.json', '--config', 'tests/long/vitest.config.ts')
}

/** @type {readonly (readonly [name: string, run: () => Promise<Counts>])[]} */
const RUNNERS = [
  ['check', async () => ({ ...(await check()), skipped: 0 })],
  ['build', runBuild],
  ['rust', runRust],
  ['unit', () => runVitest('unit.json')],
  ['extension', runExtension],
  ...(LONG ? [/** @type {const} */ (['rebuild', runRebuild])] : []),
]

/** @param {Counts} counts */
const describe = ({ passed, failed, skipped }) => `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`

if (LONG) process.env['TIDEPOOL_LONG'] = '1'
rmSync(REPORTS, { recursive: true, force: true })
mkdirSync(REPORTS, { recursive: true })
const total = { passed: 0, failed: 0, skipped: 0 }
const lines = []
for (const [name, runner] of RUNNERS) {
  const begin = performance.now()
  console.log(`\n== ${name}`)
  const counts = await runner()
  total.passed += counts.passed
  total.failed += counts.failed
  total.skipped += counts.skipped
  lines.push(`${name}: ${describe(counts)} (${Math.round((performance.now() - begin) / 1000)} s)`)
}
console.log(`\n${lines.join('\n')}\n${describe(total)}`)
process.exitCode = total.failed > 0 ? 1 : 0
