/**
 * `npm run bench`: the rows in a cell of Node next to native bash in the same run, then what only a sandbox has (a new one, its boot with
 * many files, their commit). `npm run bench -- NAME…` runs the rows whose name holds one of the words.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Sandbox } from '../src/node/index.ts'
import { NativeBash } from './native.ts'
import { INPUTS, median, report, ROWS, type InputName, type Result, type Row } from './rows.ts'

const SMALL_FILES = 10_000

const words = process.argv.slice(2)
const isWanted = (name: string): boolean => words.length === 0 || words.some((word) => name.includes(word))

async function runRow(row: Row, native: NativeBash): Promise<Result> {
  const peer = native.run(row)
  const sandbox = await Sandbox.create({ limits: { fsBytes: 512 * 1024 * 1024 } })
  try {
    for (const input of row.inputs) await put(sandbox, input)
    const times: number[] = []
    for (let round = 0; round < row.rounds; round++) {
      const start = performance.now()
      const { stdout, stderr, exitCode } = await sandbox.run(row.command, { timeoutMs: 300_000 })
      times.push(performance.now() - start)
      if (exitCode !== 0 || stdout !== peer.stdout)
        throw new Error(
          `"${row.name}" answered ${JSON.stringify(stdout.slice(0, 200))}, bash ${JSON.stringify(peer.stdout.slice(0, 200))}: ${stderr}`,
        )
    }
    return { name: row.name, ms: median(times), nativeMs: peer.ms, note: `peak memory of the cell ${await peakMemory()}` }
  } finally {
    await sandbox.destroy()
  }
}

async function put(sandbox: Sandbox, input: InputName): Promise<void> {
  await sandbox.writeFile(`/home/user/${input}`, INPUTS[input]())
}

/** The largest resident set among this process's children, from Linux's /proc; empty elsewhere. */
async function peakMemory(): Promise<string> {
  try {
    const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(/\s+/)
    const peaks = children.map((pid) => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0))
    return `${Math.round(Math.max(...peaks) / 1024)} MB`
  } catch {
    return 'not known'
  }
}

async function timed(rounds: number, work: () => Promise<void>): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < rounds; round++) {
    const start = performance.now()
    await work()
    times.push(performance.now() - start)
  }
  return median(times)
}

/** A new sandbox and its first answer, and a warm `echo hi`. */
async function* startRows(): AsyncGenerator<Result> {
  const cold = await timed(10, async () => {
    const sandbox = await Sandbox.create()
    await sandbox.run('echo hi')
    await sandbox.destroy()
  })
  yield { name: 'a new sandbox + echo hi', ms: cold, note: 'with its child process, to its end' }
  const sandbox = await Sandbox.create()
  await sandbox.run('echo hi')
  yield { name: 'echo hi in a warm sandbox', ms: await timed(200, async () => void (await sandbox.run('echo hi'))) }
  await sandbox.destroy()
}

/** Many small files: written and committed to a store, then the boot of a sandbox that has them. */
async function* storeRows(): AsyncGenerator<Result> {
  const folder = mkdtempSync(join(tmpdir(), 'tidepool-bench-'))
  try {
    const first = await Sandbox.create({ store: folder })
    const start = performance.now()
    const made = await first.run(`mkdir many && for i in {1..${SMALL_FILES}}; do echo "file $i" > many/$i; done`, { timeoutMs: 300_000 })
    if (made.exitCode !== 0) throw new Error(made.stderr)
    yield { name: `write and commit ${SMALL_FILES} small files`, ms: performance.now() - start, note: 'answered after the commit' }
    await first.destroy()
    const boot = await timed(5, async () => {
      const next = await Sandbox.create({ store: folder })
      await next.run('true')
      await next.destroy()
    })
    yield { name: `boot with ${SMALL_FILES} files`, ms: boot, note: 'to the end of a first `true`' }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const results: Result[] = []
{
  using native = new NativeBash()
  for (const row of ROWS.filter(({ name }) => isWanted(name))) {
    const result = await runRow(row, native)
    console.error(`${result.name}: ${result.ms.toFixed(1)} ms, native ${result.nativeMs?.toFixed(1)} ms`)
    results.push(result)
  }
}
for (const rows of [startRows, storeRows]) {
  if (words.length > 0 && !isWanted('sandbox')) continue
  for await (const result of rows()) {
    console.error(`${result.name}: ${result.ms.toFixed(1)} ms`)
    results.push(result)
  }
}
console.log(report(`Node ${process.versions.node}`, results))
