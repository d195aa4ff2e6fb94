/**
 * `npm run bench:python`: Python and JavaScript in a cell of Node, or with --extension in Chromium, next to the machine's CPython in the
 * same run. PYTHON names another interpreter than python3 on PATH.
 */
import { parseArgs } from 'node:util'
import { NativePython } from './native-python.ts'
import { type BenchCell, type BenchHost, extensionHost, nodeHost } from './python-cells.ts'
import { requestsOf, programs, type PythonRow, pythonRows, type Series, SERIES, type Step, type Timed } from './python-rows.ts'
import { median, report, type Result } from './rows.ts'

const HELP = `npm run bench:python [-- OPTIONS] [WORD…]

Runs the rows whose name holds one of the words, or all of them.

  --extension    in Chromium, through the built extension (npm run build:extension), instead of in Node
  --scale N      sizes of the inputs and counts, as a factor (default: 1)
  --cells N      how many new cells a first run is measured in (default: 3)
  --help         this text

PYTHON=… names the native interpreter.`

const { values, positionals: words } = parseArgs({
  options: {
    extension: { type: 'boolean', default: false },
    scale: { type: 'string', default: '1' },
    cells: { type: 'string', default: '3' },
    help: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})
const isWanted = ({ name }: { readonly name: string }): boolean => words.length === 0 || words.some((word) => name.includes(word))

function positive(name: 'scale' | 'cells'): number {
  const value = Number(values[name])
  if (!(value > 0)) throw new RangeError(`Cannot measure: --${name} is ${values[name]}, and must be more than 0`)
  return value
}

const runStep = async (cell: BenchCell, step: Step): Promise<Timed> =>
  step.kind === 'shell' ? await cell.shell(step.clock, step.command('python3')) : await cell.figure(step.code)

/** The native time of a step, with the machine's caches warm. */
function nativeOf({ step, native: which }: Series, native: NativePython): { ms?: number; note?: string } {
  if (step.kind !== 'shell' || which === undefined) return {}
  if (which !== 'always' && native.moduleVersion(which.needs) === undefined) return { note: `no native ${which.needs}` }
  const times = [1, 2, 3].map(() => native.run(step.clock, step.command).ms)
  return { ms: median(times) }
}

/** The first and the second run of a step, in new cells. */
async function* runSeries(series: Series, host: BenchHost, native: NativePython, cells: number): AsyncGenerator<Result> {
  const times: [number[], number[]] = [[], []]
  for (let round = 0; round < cells; round++) {
    await using cell = await host.newCell()
    if (series.step.kind === 'session') await cell.beginSession()
    for (const run of times) run.push((await runStep(cell, series.step)).ms)
  }
  const peer = nativeOf(series, native)
  for (const [i, which] of ['first', 'second'].entries()) {
    const goal = series.goals[i]
    const notes = [goal === undefined ? '' : `goal ${goal} ms`, peer.note ?? ''].filter((note) => note !== '')
    yield {
      name: `${series.name}, ${which}`,
      ms: median(times[i] ?? []),
      ...(peer.ms === undefined ? {} : { nativeMs: peer.ms }),
      note: notes.join('; '),
    }
  }
}

/** A row in a cell and natively; a wrong answer is no time. */
async function runRow(row: PythonRow, cell: BenchCell, native: NativePython): Promise<Result> {
  const hasPeer = row.needs === undefined || native.moduleVersion(row.needs) !== undefined
  const peers: Timed[] = []
  for (let round = 0; round < row.rounds; round++) peers.push(native.run(row.clock, hasPeer ? row.command : (row.peer ?? row.command)))
  const expected = peers[0]?.stdout
  const times: number[] = []
  for (let round = 0; round < row.rounds; round++) {
    const { ms, stdout } = await cell.shell(row.clock, row.command('python3'))
    if (stdout !== expected) throw new Error(`"${row.name}" answered ${stdout.slice(0, 200)}, CPython ${expected?.slice(0, 200)}`)
    times.push(ms)
  }
  if (!hasPeer) return { name: row.name, ms: median(times), note: `no native ${row.needs}; the answer is that of native csv` }
  return { name: row.name, ms: median(times), nativeMs: median(peers.map(({ ms }) => ms)) }
}

async function* measure(host: BenchHost, native: NativePython): AsyncGenerator<Result> {
  const cells = positive('cells')
  for (const series of SERIES.filter(isWanted)) yield* runSeries(series, host, native, cells)
  const scale = positive('scale')
  const rows = pythonRows(scale).filter(isWanted)
  if (rows.length === 0) return
  await using cell = await host.newCell()
  for (const [path, bytes] of programs()) await cell.put(path, bytes)
  if (rows.some(({ readsRequests }) => readsRequests)) {
    const input = requestsOf(scale)
    native.put('requests.csv', input)
    await cell.put('requests.csv', input)
  }
  for (const row of rows) yield await runRow(row, cell, native)
}

async function main(): Promise<void> {
  if (values.help) return console.log(HELP)
  using native = new NativePython()
  const pandas = native.moduleVersion('pandas')
  console.error(`native: CPython ${native.version}${pandas === undefined ? ', no pandas' : `, pandas ${pandas}`}`)
  await using host = values.extension ? await extensionHost() : nodeHost()
  const results: Result[] = []
  for await (const result of measure(host, native)) {
    const peer = result.nativeMs === undefined ? '' : `, native ${result.nativeMs.toFixed(1)} ms`
    console.error(`${result.name}: ${result.ms.toFixed(1)} ms${peer} ${result.note ?? ''}`)
    results.push(result)
  }
  console.log(report(`${host.title}, next to CPython ${native.version}`, results))
}

await main()
