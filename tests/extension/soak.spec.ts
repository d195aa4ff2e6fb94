/**
 * One browser session that goes on: Python again and again, JavaScript again and again. Memory after the last run is what it was after
 * the first tenth, wasm memories stay within the cell's budget, and the shell answers meanwhile. `TIDEPOOL_LONG=1`: twenty times as often.
 */
import { readFileSync } from 'node:fs'
import { type CDPSession, expect, type Page, test } from '@playwright/test'
import { LIMITS } from '../../src/protocol/limits.ts'
import { type CellExtension, launchCells } from '../support/cell-extension.ts'

const TIMES = process.env['TIDEPOOL_LONG'] === '1' ? 20 : 1
const SITE = 'soak'
/** The shell is asked after so many runs. */
const BETWEEN = 10

let cells: CellExtension
let page: Page

test.beforeAll(async () => {
  cells = await launchCells()
  page = await cells.open()
})
test.afterAll(async () => await cells?.[Symbol.asyncDispose]())

const run = (argv: readonly string[]) => page.evaluate(([site, argv]) => window.cellPage.run(site, argv), [SITE, argv] as const)

/** Resident bytes of the renderer that holds the sandbox frames, after its garbage has been collected. */
async function residentBytes(): Promise<number> {
  const frame = page.frames().at(-1)!
  const session = await cells.tidepool.context.newCDPSession(frame)
  await collectGarbage(session)
  const { processInfo } = await cells.tidepool.browser.send('SystemInfo.getProcessInfo')
  const sizes = processInfo.filter(({ type }) => type === 'renderer').map(({ id }) => bytesOf(id))
  await session.detach()
  return Math.max(...sizes)
}

/** In the frame and in its workers, twice: what a finalizer lets go is collected the second time. */
async function collectGarbage(session: CDPSession): Promise<void> {
  const message = JSON.stringify({ id: 1, method: 'HeapProfiler.collectGarbage' })
  const workers = new Set<string>()
  session.on('Target.attachedToTarget', ({ sessionId }) => workers.add(sessionId))
  await session.send('Target.setAutoAttach', { autoAttach: true, waitForDebuggerOnStart: false, flatten: false })
  for (let i = 0; i < 2; i++) {
    await session.send('HeapProfiler.collectGarbage')
    for (const sessionId of workers) await session.send('Target.sendMessageToTarget', { sessionId, message }).catch(() => undefined)
    await page.waitForTimeout(300)
  }
}

function bytesOf(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
  return Number(kilobytes) * 1024
}

interface Soak {
  readonly runs: number
  readonly argv: readonly string[]
  readonly stdout: string
}

/** Resident bytes after the first tenth and after the last run, and the longest time that `echo hi` took. */
async function soak({ runs, argv, stdout }: Soak) {
  let first = 0
  let slowest = 0
  for (let i = 1; i <= runs; i++) {
    const running = run(argv)
    if (i % BETWEEN === 0) {
      const answer = await run(['sh', '-c', 'echo hi'])
      expect(answer).toMatchObject({ status: 0, stdout: 'hi\n' })
      slowest = Math.max(slowest, answer.ms)
    }
    expect(await running).toMatchObject({ status: 0, stdout, stderr: '' })
    if (i === Math.ceil(runs / 10)) first = await residentBytes()
  }
  const { memories } = await page.evaluate(() => window.cellPage.beat())
  return { first, last: await residentBytes(), memories, slowest }
}

async function expectSteady(what: Soak): Promise<void> {
  const { first, last, memories, slowest } = await soak(what)
  const mebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20)
  test.info().annotations.push({
    type: 'soak',
    description: `${what.runs} × ${what.argv[0]}: ${mebibytes(first)} → ${mebibytes(last)} MiB, ${memories} memories, shell ≤ ${Math.round(slowest)} ms`,
  })
  console.log(test.info().annotations.at(-1)?.description)
  expect(last).toBeLessThan(first * 1.1)
  expect(memories).toBeLessThanOrEqual(LIMITS.memoriesCellReserved)
  expect(slowest).toBeLessThan(1_000)
}

test(`${25 * TIMES} runs of Python leave memory as it was, and the shell answers meanwhile`, async () => {
  test.setTimeout(120_000 * TIMES)
  await expectSteady({
    runs: 25 * TIMES,
    argv: ['python3', '-c', 'import json; print(json.dumps([2 ** 70]))'],
    stdout: '[1180591620717411303424]\n',
  })
})

test(`${50 * TIMES} runs of JavaScript leave memory as it was, and the shell answers meanwhile`, async () => {
  test.setTimeout(120_000 * TIMES)
  await expectSteady({ runs: 50 * TIMES, argv: ['js', '-e', 'console.log(1 + 1)'], stdout: '2\n' })
})
