// `npm run check`: types, lint, format and dead code, side by side. Prints one line a check, and the output of those that fail.
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('..', import.meta.url))

/** @type {readonly (readonly [name: string, command: string, ...args: string[]])[]} */
const CHECKS = [
  ['types', 'tsc', '-b'],
  ['lint', 'oxlint', '--type-aware', '--deny-warnings', '--report-unused-disable-directives'],
  ['format', 'prettier', '--check', '--log-level', 'warn', '.'],
  ['dead code', 'knip', '--no-progress'],
]

/** @param {string} command @param {readonly string[]} args @returns {Promise<{ ok: boolean, output: string, ms: number }>} */
function run(command, args) {
  const begin = performance.now()
  const child = spawn(join(ROOT, 'node_modules', '.bin', command), args, { cwd: ROOT, shell: process.platform === 'win32' })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (output += bytes))
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ ok: false, output: error.message, ms: 0 }))
    child.once('close', (status) => resolve({ ok: status === 0, output, ms: performance.now() - begin }))
  })
}

/** Runs every check and says how many held. @returns {Promise<{ passed: number, failed: number }>} */
export async function check() {
  // The compiler goes first and alone: the type-aware lint reads what it wrote.
  const [types, ...others] = CHECKS
  const results = [await runOne(types)]
  results.push(...(await Promise.all(others.map(runOne))))
  const passed = results.filter(Boolean).length
  return { passed, failed: results.length - passed }
}

/** @param {readonly [string, string, ...string[]] | undefined} row */
async function runOne(row) {
  const [name, command, ...args] = row ?? ['', '']
  const { ok, output, ms } = await run(command, args)
  console.log(`check: ${name} ${ok ? 'ok' : 'FAILED'} (${(ms / 1000).toFixed(1)} s)`)
  if (!ok) console.log(output.trimEnd())
  return ok
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { failed } = await check()
  if (failed > 0) process.exitCode = 1
}
