/**
 * `npm run bench:extension`: the same rows asked for by a page of the built extension in Chromium, next to native bash in the same run, then
 * what only the extension has: the round trip page → tool → page, a first answer, many small files and a boot with them.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { run } from '../tests/support/btcp.ts'
import { launchTidepool, type Tidepool } from '../tests/support/extension.ts'
import { serveSites } from '../tests/support/site-server.ts'
import { NativeBash } from './native.ts'
import { put, timedRun } from './page-calls.ts'
import { INPUTS, median, percentile, report, ROWS, type Result, type Row } from './rows.ts'

const CAPABILITIES = ['shell:run', 'vfs:read', 'vfs:write']
const SMALL_FILES = 10_000

const words = process.argv.slice(2)
const isWanted = (name: string): boolean => words.length === 0 || words.some((word) => name.includes(word))

async function runRow(tidepool: Tidepool, page: Page, row: Row, native: NativeBash): Promise<Result> {
  const peer = native.run(row)
  for (const input of row.inputs) await put(page, input, INPUTS[input]())
  const times: number[] = []
  for (let round = 0; round < row.rounds; round++) {
    const { ms, stdout } = await timedRun(page, row.command)
    if (stdout !== peer.stdout) throw new Error(`"${row.name}" answered ${stdout.slice(0, 200)}, bash ${peer.stdout.slice(0, 200)}`)
    times.push(ms)
  }
  const note = `peak memory of the cells' renderer ${await peakMemory(tidepool)}`
  for (const input of row.inputs) await run(page, `rm ${input}`)
  return { name: row.name, ms: median(times), nativeMs: peer.ms, note }
}

/** The largest resident set of a renderer, from Linux's /proc; empty elsewhere. */
async function peakMemory(tidepool: Tidepool): Promise<string> {
  try {
    const { processInfo } = await tidepool.browser.send('SystemInfo.getProcessInfo')
    const renderers = processInfo.filter(({ type }) => type === 'renderer')
    const peaks = renderers.map(({ id }) => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${id}/status`, 'utf8'))?.[1] ?? 0))
    return `${Math.round(Math.max(...peaks) / 1024)} MB`
  } catch {
    return 'not known'
  }
}

/** Both rows together stay within the bucket of calls that a site has. */
const TRIPS = 200

async function roundTrip(page: Page, tool: string, args: object, label: string): Promise<Result> {
  const times = await page.evaluate(
    async ([name, given, count]) => {
      const out: number[] = []
      for (let i = 0; i < count; i++) {
        const start = performance.now()
        await window.btcp.callTool(name, given)
        out.push(performance.now() - start)
      }
      return out.slice(20)
    },
    [tool, args, TRIPS] as const,
  )
  return { name: `page → ${label} → page, median`, ms: median(times), note: `p99 ${percentile(times, 0.99).toFixed(2)} ms` }
}

const profile = mkdtempSync(join(tmpdir(), 'tidepool-bench-'))
await using sites = await serveSites()
const results: Result[] = []
const add = (result: Result): void => {
  const native = result.nativeMs === undefined ? '' : `, native ${result.nativeMs.toFixed(1)} ms`
  console.error(`${result.name}: ${result.ms.toFixed(1)} ms${native} ${result.note ?? ''}`)
  results.push(result)
}

try {
  {
    await using tidepool = await launchTidepool({ profile })
    const page = await tidepool.site(sites.origin('bench'), ...CAPABILITIES)
    for (const name of CAPABILITIES) await tidepool.choose(page, name, 'always')
    const first = await timedRun(page, 'echo hi')
    add({ name: 'the first echo hi of a site (new frame, new cell, modules compiled)', ms: first.ms })
    const other = await tidepool.site(sites.origin('second'), ...CAPABILITIES)
    add({ name: "another site's first echo hi (new frame, new cell)", ms: (await timedRun(other, 'echo hi')).ms })
    if (isWanted('page')) {
      add(await roundTrip(page, 'shell_run', { command: 'echo hi' }, 'echo hi'))
      add(await roundTrip(page, 'fs_stat', { path: '/home/user' }, 'fs_stat'))
    }
    using native = new NativeBash()
    for (const row of ROWS.filter(({ name }) => isWanted(name))) add(await runRow(tidepool, page, row, native))
    if (isWanted('files')) {
      const made = await timedRun(page, `mkdir many && for i in {1..${SMALL_FILES}}; do echo "file $i" > many/$i; done`)
      add({ name: `write and commit ${SMALL_FILES} small files`, ms: made.ms, note: 'answered after the commit' })
    }
  }
  if (isWanted('files')) {
    await using tidepool = await launchTidepool({ profile })
    const page = await tidepool.open(`${sites.origin('bench')}/`)
    await page.waitForFunction(() => 'btcp' in window)
    add({
      name: `boot with ${SMALL_FILES} files`,
      ms: (await timedRun(page, 'ls many | wc -l')).ms,
      note: 'a new browser, to the end of listing them',
    })
  }
} finally {
  rmSync(profile, { recursive: true, force: true })
}
console.log(report('Chromium', results))
