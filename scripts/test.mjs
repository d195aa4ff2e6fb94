// `npm test`: every check and every test, one after another, and one closing line over all of them. A runner that dies
// without a count is one failure; so is one that ends badly though it counted none.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { check } from './check.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const REPORTS = join(ROOT, '.cache', 'reports')

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

/** @returns {Promise<Counts>} */
async function runUnit() {
  const status = await run('vitest', ['run', '--reporter=dot', '--reporter=json', `--outputFile.json=${join(REPORTS, 'unit.json')}`])
  return readCounts('unit.json', status, (report) => ({
    passed: report.numPassedTests,
    failed: report.numFailedTests,
    skipped: report.numPendingTests + report.numTodoTests,
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

/** @type {readonly (readonly [name: string, run: () => Promise<Counts>])[]} */
const RUNNERS = [
  ['check', async () => ({ ...(await check()), skipped: 0 })],
  ['build', runBuild],
  ['unit', runUnit],
  ['extension', runExtension],
]

/** @param {Counts} counts */
const describe = ({ passed, failed, skipped }) => `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`

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
