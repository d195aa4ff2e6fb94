/**
 * The rows of the benchmark of Python and JavaScript. A row is one command line over a program of bench/python, run by the machine's CPython and
 * in a cell on the same bytes; the answers must be equal. A series is what is quicker the second time: the same steps in new cells.
 */
import { readFileSync } from 'node:fs'
import { csv } from './rows.ts'

/** What a program says its work took, on the last line of its standard error; else the whole command counts. */
export type Clock = 'program' | 'command'

export interface PythonRow {
  readonly name: string
  readonly rounds: number
  readonly clock: Clock
  /** The command line; `python` is the interpreter, ready for a shell. */
  readonly command: (python: string) => string
  /** Whether it reads requests.csv. */
  readonly readsRequests?: true
  /** A module that the machine's Python must have for a native time; without it the answer is that of `peer`. */
  readonly needs?: string
  readonly peer?: (python: string) => string
}

export type Step =
  | { readonly kind: 'shell'; readonly clock: Clock; readonly command: (python: string) => string }
  | { readonly kind: 'session'; readonly code: string }

export interface Series {
  readonly name: string
  readonly step: Step
  /** In milliseconds, for the first and the second run; undefined where there is none. */
  readonly goals: readonly [first?: number | undefined, second?: number | undefined]
  /** A native time is measured, too: in its second run, with warm files. */
  readonly native?: 'always' | { readonly needs: string }
}

const timedImport = (module: string): string =>
  `import sys, time; begin = time.perf_counter(); import ${module}; print((time.perf_counter() - begin) * 1000, file=sys.stderr)`

const shell = (clock: Clock, command: (python: string) => string): Step => ({ kind: 'shell', clock, command })

const FIGURE = `import matplotlib.pyplot as plt
figure, axes = plt.subplots()
axes.plot([n * n for n in range(50)])
axes.set_title('Squares')`

export const SERIES: readonly Series[] = [
  {
    name: "python3 -c 'print(1)'",
    step: shell('command', (python) => `${python} -c 'print(1)'`),
    goals: [260, 120],
    native: 'always',
  },
  {
    name: 'import numpy',
    step: shell('program', (python) => `${python} -c '${timedImport('numpy')}'`),
    goals: [undefined, 200],
    native: { needs: 'numpy' },
  },
  {
    name: 'import pandas',
    step: shell('program', (python) => `${python} -c '${timedImport('pandas')}'`),
    goals: [undefined, 800],
    native: { needs: 'pandas' },
  },
  { name: 'a pyplot figure in a session', step: { kind: 'session', code: FIGURE }, goals: [1000, 100] },
  { name: "js -e '1+1'", step: shell('command', () => "js -e '1+1'"), goals: [] },
]

/** The rows with their sizes multiplied. */
export function pythonRows(scale: number): readonly PythonRow[] {
  const of = (count: number): number => Math.max(1, Math.round(count * scale))
  const say = (count: number): string => of(count).toLocaleString('en')
  const megabytes = `${(50 * scale).toLocaleString('en')} MB`
  const program = (name: string, count: number): Omit<PythonRow, 'name'> => ({
    rounds: 3,
    clock: 'program',
    command: (python) => `${python} bench/${name} ${of(count)}`,
  })
  return [
    { name: `a loop of ${say(10_000_000)} rounds`, ...program('loop.py', 10_000_000) },
    { name: `pystone-like work, ${say(100_000)} rounds`, ...program('records.py', 100_000) },
    {
      name: `${say(1_000_000)} lines from a pipe`,
      rounds: 3,
      clock: 'command',
      command: (python) => `seq ${of(1_000_000)} | ${python} bench/lines.py`,
    },
    { name: `${say(1_000)} os.stat`, ...program('stat.py', 1_000) },
    { name: `${say(50)} subprocess.run(['true'])`, ...program('spawn.py', 50) },
    {
      name: `csv: group, aggregate, sort ${megabytes}`,
      rounds: 2,
      clock: 'program',
      command: (python) => `${python} bench/requests_csv.py requests.csv`,
      readsRequests: true,
    },
    {
      name: `pandas: read, group, aggregate, sort ${megabytes}`,
      rounds: 2,
      clock: 'program',
      command: (python) => `${python} bench/requests_pandas.py requests.csv`,
      readsRequests: true,
      needs: 'pandas',
      peer: (python) => `${python} bench/requests_csv.py requests.csv`,
    },
  ]
}

const PROGRAMS = ['lines.py', 'loop.py', 'records.py', 'requests_csv.py', 'requests_pandas.py', 'spawn.py', 'stat.py']

/** The programs, by their paths below the working directory. */
export const programs = (): ReadonlyMap<string, Uint8Array> =>
  new Map(PROGRAMS.map((name) => [`bench/${name}`, readFileSync(new URL(`python/${name}`, import.meta.url))]))

/** requests.csv. */
export const requestsOf = (scale: number): Uint8Array => csv(50_000_000 * scale)

export interface Timed {
  readonly ms: number
  readonly stdout: string
}

/** What counts of a command that has ended well. */
export function timed(clock: Clock, ms: number, stdout: string, stderr: string): Timed {
  if (clock === 'command') return { ms, stdout }
  const own = Number(stderr.trimEnd().split('\n').at(-1))
  if (!(own > 0)) throw new Error(`the program told no time but ${JSON.stringify(stderr.slice(-500))}`)
  return { ms: own, stdout }
}
