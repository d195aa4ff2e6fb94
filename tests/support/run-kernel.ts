/**
 * Runs one command line in a kernel in this process, for people who build the shell and the programs:
 *     node tests/support/run-kernel.ts [--strace] [--time] [--put HOSTFILE=/path] -- 'echo hi | cat'     with the shell
 *     node tests/support/run-kernel.ts --argv cat /etc/passwd                                             one program, no shell
 * TIDEPOOL_SHELL=/path/to/shell.wasm names a shell to use before wasm/dist has one.
 */
import { readFileSync } from 'node:fs'
import { TestKernel } from './kernel.ts'

const args = process.argv.slice(2)
const put: string[] = []
let strace = false
let time = false
let direct = false
for (;;) {
  const option = args[0]
  if (option === '--strace') strace = true
  else if (option === '--time') time = true
  else if (option === '--put') put.push(args.splice(1, 1)[0]!)
  else if (option === '--argv') direct = true
  else if (option !== '--') break
  args.shift()
  if (option === '--argv' || option === '--') break
}
const tests = new TestKernel(strace ? { strace: (line) => void process.stderr.write(`${line}\n`) } : {})
for (const pair of put) {
  const at = pair.indexOf('=')
  tests.writeFile(pair.slice(at + 1), readFileSync(pair.slice(0, at)))
}
const started = performance.now()
const stdin = process.stdin.isTTY ? '' : readFileSync(0)
const result = await tests.run(direct ? args : ['bash', '-c', ...args], {
  stdin,
  onStdout: (bytes) => void process.stdout.write(bytes),
  onStderr: (bytes) => void process.stderr.write(bytes),
})
if (result.error) process.stderr.write(`${result.error.message}\n`)
if (time)
  process.stderr.write(`${(performance.now() - started).toFixed(1)} ms, ${result.processes} processes, ${tests.kernel.memories} memories\n`)
process.exitCode = result.status
