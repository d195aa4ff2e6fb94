/** Cells in real frames under the orchestrator: they run, are ended whatever they do, and the next one finds everything that was acknowledged. */
import { expect, type Page, test } from '@playwright/test'
import { LIMITS } from '../../src/protocol/limits.ts'
import { type CellExtension, launchCells } from '../support/cell-extension.ts'
import { encodeModule, ins } from '../support/wasm-encoder.ts'

/** Programs that make no system call and never end: one of our own form, and one as anybody may write it. */
const FOREVER = {
  functions: [{ params: '', result: false, locals: 0, code: [...ins.loop, ...ins.br(0), ...ins.end] }],
  exports: { _start: 0 },
}
const GLOBALS = ['__stack_pointer', '__vm_pages', '__vm_limit'].map((name) => ({ name, value: name === '__vm_pages' ? 1 : 65_536 }))
const SPIN = encodeModule({ ...FOREVER, imports: [], memory: { pages: 1, imported: true }, globals: GLOBALS })
const FOREIGN_SPIN = encodeModule({ ...FOREVER, imports: [], memory: { pages: 1, imported: false } })

let cells: CellExtension
let page: Page

test.beforeAll(async () => {
  cells = await launchCells({ programs: { spin: SPIN } })
  page = cells.page
})
test.afterAll(async () => await cells?.[Symbol.asyncDispose]())

const run = (site: string, argv: readonly string[], timeoutMs?: number, on = page) =>
  on.evaluate(([site, argv, timeoutMs]) => window.cellPage.run(site, argv, timeoutMs), [site, argv, timeoutMs] as const)

async function write(site: string, path: string, content: string | Uint8Array, on = page): Promise<void> {
  await on.evaluate(
    ([site, path, bytes]) =>
      window.cellPage.fs(site, { op: 'write', path, bytes: Uint8Array.from(bytes), mode: 'replace', offset: 0, mkdirs: false }),
    [site, path, [...Buffer.from(content)]] as const,
  )
}

/** The engine's own count: how many of the 125 memories that a renderer has room for nobody holds. */
function freeMemories(page: Page): Promise<number> {
  return page
    .frames()
    .at(-1)!
    .evaluate(() => {
      const made: WebAssembly.Memory[] = []
      try {
        for (;;) made.push(new WebAssembly.Memory({ initial: 1 }))
      } catch {
        return made.length
      }
    })
}

test('a cell runs a program', async () => {
  expect(await run('life', ['echo', 'hi'])).toMatchObject({ status: 0, stdout: 'hi\n', stderr: '', timedOut: false })
})

test('a loop without system calls ends at its deadline; what was written stays, and the next command answers at once', async () => {
  await write('spin', 'kept', 'still here')
  const spun = await run('spin', ['spin'], 1_000)
  expect(spun).toMatchObject({ status: 137, timedOut: true })
  const next = await run('spin', ['cat', 'kept'])
  expect(next).toMatchObject({ status: 0, stdout: 'still here' })
  expect(next.ms).toBeLessThan(500)
})

test('so does a loop of the shell', async () => {
  await write('loop', 'kept', 'still here')
  const looped = await run('loop', ['sh', '-c', 'echo before; while :; do :; done'], 1_000)
  expect(looped).toMatchObject({ status: 137, timedOut: true, stdout: 'before\n' })
  expect(looped.ms).toBeLessThan(2_000)
  const next = await run('loop', ['sh', '-c', 'cat kept; echo hi'])
  expect(next).toMatchObject({ status: 0, stdout: 'still herehi\n' })
  expect(next.ms).toBeLessThan(500)
})

test('and a loop in a module of one’s own', async () => {
  await write('own', 'forever.wasm', FOREIGN_SPIN)
  const looped = await run('own', ['sh', '-c', 'chmod +x forever.wasm; ./forever.wasm'], 1_000)
  expect(looped).toMatchObject({ status: 137, timedOut: true })
  const next = await run('own', ['sh', '-c', 'ls; echo hi'])
  expect(next).toMatchObject({ status: 0, stdout: 'forever.wasm\nhi\n' })
  expect(next.ms).toBeLessThan(500)
})

test('10,000 spawns over several commands leave few memories alive', async () => {
  await using own = await launchCells()
  const command = 'i=0; while [ $i -lt 250 ]; do /bin/true; echo a | cat | grep -c a > /dev/null; i=$((i+1)); done; echo $i'
  for (let round = 0; round < 10; round++) {
    const result = await run('spawns', ['sh', '-c', command], 60_000, own.page)
    expect(result).toMatchObject({ status: 0, stdout: '250\n', stderr: '' })
  }
  const beat = await own.page.evaluate(() => window.cellPage.beat())
  expect(beat.processes).toBe(0)
  expect(beat.memories).toBeLessThanOrEqual(LIMITS.memoriesCellReserved)
  expect(await freeMemories(own.page)).toBeGreaterThanOrEqual(125 - LIMITS.memoriesCellReserved)
})

test('many sites in turn have the memories that a long pipeline needs', async () => {
  await using own = await launchCells()
  const pipeline = `echo hi ${'| cat '.repeat(50)}| wc -l`
  for (const site of ['a', 'b', 'c', 'd', 'a', 'e'])
    expect(await run(site, ['sh', '-c', pipeline], 10_000, own.page)).toMatchObject({ status: 0, stdout: '1\n', stderr: '' })
  expect(await freeMemories(own.page)).toBeGreaterThanOrEqual(125 - LIMITS.memoriesBroker)
})

test('sites run at the same time, each in its own frame with its own files', async () => {
  await write('north', 'name', 'north')
  await write('south', 'name', 'south')
  const results = await Promise.all(['north', 'south'].map((site) => run(site, ['cat', 'name'])))
  expect(results.map(({ stdout }) => stdout)).toEqual(['north', 'south'])
})

test('a cell that is ended while it starts leaves no worker behind', async () => {
  const before = page.workers().length
  await page.evaluate(async () => {
    const frames = await Promise.all(['early', 'early', 'late'].map((site) => window.cellPage.start(site)))
    for (const cell of frames) window.cellPage.terminate(cell)
  })
  await page.waitForTimeout(300)
  expect(page.workers().length).toBe(before)
})

test('at most so many frames are there: one without cells makes room, and without such a one the next cell does not start', async () => {
  const own = await cells.open()
  const { error, frames } = await own.evaluate(async () => {
    const { start, terminate, useLimits } = window.cellPage
    useLimits({ framesLive: 2 })
    const [first] = [await start('one'), await start('two')]
    const error = await start('three').then(String, String)
    terminate(first)
    await start('three')
    return { error, frames: document.querySelectorAll('iframe').length }
  })
  await own.close()
  expect(error).toBe('Error: the limit framesLive is reached')
  expect(frames).toBe(2)
})

test('a frame that holds no cell for a while is dropped', async () => {
  const own = await cells.open()
  const frames = await own.evaluate(async () => {
    const { start, terminate, useLimits } = window.cellPage
    useLimits({ cellIdleMs: 300 })
    terminate(await start('kept'))
    terminate(await start('gone'))
    await start('kept')
    await new Promise((resolve) => setTimeout(resolve, 600))
    return document.querySelectorAll('iframe').length
  })
  expect(frames).toBe(1)
  await own.close()
})

test('when the renderer dies, what ran in it ends with an error and the next command answers', async () => {
  const own = await cells.open()
  await write('crash', 'kept', 'still here', own)
  await run('beside', ['echo', 'hi'], undefined, own)
  // Playwright gives up a page when a renderer of its frames dies, though the page lives on.
  const session = await cells.tidepool.context.newCDPSession(own)
  const evaluate = async (expression: string): Promise<unknown> => {
    const { result } = await session.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true })
    return result.value
  }
  const renderer = await cells.tidepool.context.newCDPSession(own.frames().at(-1)!)
  const spinning = evaluate(`window.cellPage.run('crash', ['spin'])`)
  await own.waitForTimeout(300)
  void renderer.send('Page.crash').catch(() => undefined)
  expect(await spinning).toMatchObject({ status: -1, error: 'Cannot finish the call: the cell ended' })
  expect(await evaluate(`window.cellPage.run('crash', ['cat', 'kept'])`)).toMatchObject({ status: 0, stdout: 'still here' })
  expect(await evaluate(`window.cellPage.run('beside', ['echo', 'hi'])`)).toMatchObject({ status: 0, stdout: 'hi\n' })
})

test('a module whose bytes are not those of the build is not run', async () => {
  await using other = await launchCells({ altered: ['utilities'] })
  const result = await other.page.evaluate(() => window.cellPage.run('altered', ['echo', 'hi']))
  expect(result).toMatchObject({ status: -1, error: 'Cannot start "echo": EIO' })
})
