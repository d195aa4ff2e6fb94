/**
 * The rows of the benchmark: one command line each, run by native bash and by a cell on the same bytes in the same run, so that only
 * the ratio counts. A row says which inputs it reads and what its answer must equal; a wrong answer is no time.
 */
export interface Row {
  readonly name: string
  readonly command: string
  readonly inputs: readonly InputName[]
  /** How often the command runs; the median counts. */
  readonly rounds: number
}

export type InputName = 'csv50' | 'csv200' | 'lines1m'

export const ROWS: readonly Row[] = [
  { name: '1000 external commands', command: 'for i in $(seq 1000); do /bin/true; done; echo done', inputs: [], rounds: 3 },
  {
    name: '200 three-stage pipelines',
    command: 'for i in $(seq 200); do echo a | cat | wc -l; done | sort | uniq -c',
    inputs: [],
    rounds: 3,
  },
  { name: '100,000 rounds of a loop', command: 'n=0; for ((i=0;i<100000;i++)); do n=$((n+i)); done; echo $n', inputs: [], rounds: 3 },
  { name: 'cat | grep | wc, 50 MB', command: 'cat csv50 | grep error | wc -l', inputs: ['csv50'], rounds: 3 },
  { name: 'cat | tr | wc, 50 MB', command: 'cat csv50 | tr a-z A-Z | wc -c', inputs: ['csv50'], rounds: 3 },
  {
    name: 'cut | sort | uniq -c | sort -rn, 50 MB',
    command: 'cut -d, -f3 csv50 | sort | uniq -c | sort -rn | head',
    inputs: ['csv50'],
    rounds: 2,
  },
  { name: 'sha256sum, 50 MB', command: 'sha256sum csv50', inputs: ['csv50'], rounds: 3 },
  { name: 'sed s///g, 50 MB', command: 'sed s/error/ERROR/g csv50 | tail -1', inputs: ['csv50'], rounds: 2 },
  { name: 'sort 1M lines', command: 'sort lines1m | tail -1', inputs: ['lines1m'], rounds: 2 },
  { name: 'cat | grep | wc, 200 MB', command: 'cat csv200 | grep error | wc -l', inputs: ['csv200'], rounds: 2 },
  { name: 'head of 200 MB', command: 'cat csv200 | head -3', inputs: ['csv200'], rounds: 3 },
]

export const INPUTS: Readonly<Record<InputName, () => Uint8Array>> = {
  csv50: () => csv(50_000_000),
  csv200: () => csv(200_000_000),
  lines1m: () => lines(1_000_000),
}

/** Numerical Recipes' generator: the same bytes in every run and on every host. */
function numbers(seed: number): () => number {
  let state = seed
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0)
}

/** Lines of a request log: about 40 bytes each, every tenth with `error`; at least `size` bytes. */
export function csv(size: number): Uint8Array {
  const next = numbers(1)
  const block: string[] = []
  for (let id = 0; id < 20_000; id++) {
    const n = next()
    block.push(`${id},2026-01-01,page${n % 97},${200 + (n % 3) * 100},${n % 2_000},${n % 10 === 0 ? 'error' : 'ok'}\n`)
  }
  const bytes = new TextEncoder().encode(block.join(''))
  const out = new Uint8Array(Math.ceil(size / bytes.length) * bytes.length)
  for (let at = 0; at < out.length; at += bytes.length) out.set(bytes, at)
  return out
}

function lines(count: number): Uint8Array {
  const next = numbers(7)
  const parts: string[] = []
  for (let i = 0; i < count; i++) parts.push(`${next().toString(36)} line ${i}\n`)
  return new TextEncoder().encode(parts.join(''))
}

export function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? Number.NaN
}

export function percentile(times: readonly number[], p: number): number {
  return times.toSorted((a, b) => a - b)[Math.min(times.length - 1, Math.floor(times.length * p))] ?? Number.NaN
}

export interface Result {
  readonly name: string
  readonly ms: number
  readonly nativeMs?: number
  readonly note?: string
}

/** The table that bench/README.md keeps. */
export function report(title: string, results: readonly Result[]): string {
  const rows = results.map(({ name, ms, nativeMs, note = '' }) => {
    const native = nativeMs === undefined ? '' : nativeMs.toFixed(1)
    const ratio = nativeMs === undefined ? '' : `${(ms / nativeMs).toFixed(2)} ×`
    return `| ${name.replaceAll('|', '\\|')} | ${ms.toFixed(ms < 10 ? 2 : 0)} | ${native} | ${ratio} | ${note} |`
  })
  return [`### ${title}`, '', '| row | ms | native ms | ratio | |', '|---|---|---|---|---|', ...rows, ''].join('\n')
}
