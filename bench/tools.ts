/**
 * `npm run bench:tools`: what a call of an installed tool costs, from the orchestrator in Node and from a page of the built extension in
 * Chromium, next to a built-in tool in the same run; and an import's round trip by the clock of the tool's own cell, with the segments of its
 * way.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from '@playwright/test'
import { Sandbox } from '../src/node/index.ts'
import type { PackageFile } from '../src/protocol/installed-tool.ts'
import type { JsonObject } from '../src/protocol/parse.ts'
import { packageOf } from '../tests/contract/tool-machine.ts'
import { launchTidepool } from '../tests/support/extension.ts'
import { serveSites } from '../tests/support/site-server.ts'
import { toolModule } from '../tests/support/tool-module.ts'
import { ToolPanel } from '../tests/support/tool-panel.ts'
import { median, percentile, report, type Result } from './rows.ts'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const CALLS = 150
const IMPORTS = 400
const MEBIBYTE = 2 ** 20
const NAME = 'probe'

/** The module of bench/tools, compiled anew. */
function clocked(): Uint8Array<ArrayBuffer> {
  const folder = mkdtempSync(join(tmpdir(), 'tidepool-bench-tools-'))
  try {
    const out = join(folder, 'tool.wasm')
    const [compiler, source] = [
      join(ROOT, 'node_modules', 'assemblyscript', 'bin', 'asc.js'),
      join(ROOT, 'bench', 'tools', 'clocked.as.ts'),
    ]
    execFileSync(process.execPath, [compiler, source, '-o', out, '-O', '--runtime', 'stub', '--use', 'abort='])
    return new Uint8Array(readFileSync(out))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const quick = packageOf(toolModule())
const asking = packageOf(clocked(), { capabilities: ['dom:read'] })

function row(name: string, times: readonly number[], note = ''): Result {
  const tail = `p99 ${percentile(times, 0.99).toFixed(2)} ms`
  return { name: `${name}, median`, ms: median(times), note: note === '' ? tail : `${tail}; ${note}` }
}

async function inNode(): Promise<Result[]> {
  const results: Result[] = []
  const page = { run: (): boolean => true }
  const install = async (sandbox: Sandbox, files: readonly PackageFile[]) =>
    await sandbox.registerTool(files, { grants: 'all-declared', page })
  const timed = async (sandbox: Sandbox, args: JsonObject = {}): Promise<number> => {
    const start = performance.now()
    const { isError, content } = await sandbox.callTool(NAME, args)
    if (isError) throw new Error(JSON.stringify(content))
    return performance.now() - start
  }
  {
    await using sandbox = await Sandbox.create()
    await install(sandbox, quick)
    results.push({ name: 'first call (new process, module compiled)', ms: await timed(sandbox) })
    const times: number[] = []
    for (let i = 0; i < CALLS; i++) times.push(await timed(sandbox))
    results.push(row('orchestrator → tool → answer', times.slice(20), 'goal 2 ms'))
  }
  await using sandbox = await Sandbox.create()
  await install(sandbox, asking)
  await timed(sandbox, { n: 1 })
  const imports = (await sandbox.callTool(NAME, { n: IMPORTS })).structuredContent as number[]
  results.push(row('an import’s round trip (a page that answers at once)', imports.map(milliseconds), 'goal 3 ms'))
  const long: number[] = []
  for (let i = 0; i < 10; i++) long.push(await timed(sandbox, { b: MEBIBYTE }))
  results.push(row('a result of 1 MiB', long))
  return results
}

const milliseconds = (microseconds: number): number => microseconds / 1000

/** From the page's call to its answer, in the page's own time. */
async function fromPage(page: Page, tool: string, args: object, times: number): Promise<number[]> {
  return await page.evaluate(
    async ([name, given, count]) => {
      const out: number[] = []
      for (let i = 0; i < count; i++) {
        const start = performance.now()
        const { isError, content } = await window.btcp.callTool(name, given)
        if (isError) throw new Error(JSON.stringify(content))
        out.push(performance.now() - start)
      }
      return out
    },
    [tool, args, times] as const,
  )
}

/** What the orchestrator says that a call took, over many. */
async function ownTime(page: Page): Promise<number> {
  return await page.evaluate(
    async ([name, count]) => {
      let sum = 0
      for (let i = 0; i < count; i++) sum += (await window.btcp.callTool(name))._meta['btcp/durationMs']
      return sum / count
    },
    [NAME, CALLS] as const,
  )
}

async function inChromium(): Promise<Result[]> {
  const results: Result[] = []
  await using sites = await serveSites()
  sites.route('/', '<!doctype html><title>bench</title><h1>heading</h1>')
  await using tidepool = await launchTidepool()
  const origin = sites.origin('tools')
  const page = await tidepool.site(origin, 'dom:read')
  const panel = await ToolPanel.open(tidepool, origin)
  await panel.install(quick)
  await page.bringToFront()
  const [first = Number.NaN] = await fromPage(page, NAME, {}, 1)
  results.push({ name: 'first call of a browser (document, frame, cell, module)', ms: first })
  results.push(row('page → tool → page', (await fromPage(page, NAME, {}, CALLS)).slice(20)))
  results.push({ name: 'of it: orchestrator → tool → answer, mean', ms: await ownTime(page), note: 'by whole milliseconds; goal 2 ms' })
  results.push(row('page → page_text → page (built in, no cell)', (await fromPage(page, 'page_text', { selector: 'h1' }, 100)).slice(20)))
  await panel.install(asking, { choices: { 'dom:read': 'session' } })
  await page.bringToFront()
  const imports = async (args: object): Promise<number[]> => {
    const { structuredContent } = await page.evaluate(async ([name, given]) => await window.btcp.callTool(name, given), [
      NAME,
      args,
    ] as const)
    return (structuredContent as number[]).map(milliseconds)
  }
  const [again = Number.NaN] = await fromPage(page, NAME, { n: 1 }, 1)
  results.push({ name: 'first call of a second tool (frame, cell, module)', ms: again })
  const whole = await imports({ n: IMPORTS })
  const denied = await imports({ d: IMPORTS })
  results.push(row('an import’s round trip, by the tool’s clock', whole, 'goal 3 ms'))
  results.push(row('of it: cell ↔ gate (an import that is denied there)', denied))
  const rest = median(whole) - median(denied)
  results.push({ name: 'of it: offscreen ↔ service worker ↔ document, by difference', ms: rest })
  const pings = await page.evaluate(async () => {
    const out: number[] = []
    for (let i = 0; i < 60; i++) {
      const start = performance.now()
      await window.btcp.request({ method: 'ping' })
      out.push(performance.now() - start)
    }
    return out.slice(10)
  })
  results.push(row('for comparison: page ↔ document’s script ↔ service worker (ping)', pings))
  results.push(row('page → tool → page, a result of 1 MiB', await fromPage(page, NAME, { b: MEBIBYTE }, 10)))
  return results
}

console.log(report('Node: installed tools', await inNode()))
console.log(report('Chromium: installed tools', await inChromium()))
