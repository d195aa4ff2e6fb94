/** A cell proves where it is before it runs anything: in the sandbox page as it is built it starts, in any other it refuses. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, type Page, test } from '@playwright/test'
import manifest from '../../manifest.json' with { type: 'json' }
import { LIMITS } from '../../src/protocol/limits.ts'
import { launchCells } from '../support/cell-extension.ts'

const POLICY = manifest.content_security_policy.sandbox
const PROOF = ['opaque origin', 'no extension API', 'no IndexedDB', 'no code from text', 'no http', 'no https', 'no ws', 'no powers left']

const SCOPE = [
  'AggregateError Array ArrayBuffer AsyncDisposableStack Atomics BigInt BigInt64Array BigUint64Array Boolean DataView Date',
  'DisposableStack Error EvalError FinalizationRegistry Float16Array Float32Array Float64Array Function Infinity Int16Array',
  'Int32Array Int8Array Intl Iterator JSON Map Math NaN Number Object PERSISTENT Promise Proxy RangeError ReferenceError',
  'Reflect RegExp Set String SuppressedError Symbol SyntaxError TEMPORARY Temporal TextDecoder TextEncoder TypeError',
  'URIError Uint16Array Uint32Array Uint8Array Uint8ClampedArray WeakMap WeakRef WeakSet WebAssembly addEventListener',
  'console decodeURI decodeURIComponent dispatchEvent encodeURI encodeURIComponent escape eval globalThis isFinite isNaN',
  'parseFloat parseInt removeEventListener self undefined unescape when',
].join(' ')

/** The first thing that a new cell says besides its journal. */
function firstWord(page: Page): Promise<unknown> {
  return page.evaluate(async (limits) => {
    const cell = await window.cellPage.start('boot')
    window.cellPage.say(cell, { t: 'boot', version: 1, limits, env: {}, metadata: [], seq: 0, mounts: [], memories: 8 })
    for (;;) {
      const message = (await window.cellPage.next(cell)) as { t: string } | undefined
      if (message?.t !== 'journal') return message
    }
  }, LIMITS)
}

/** What the browser's network log holds of the names that the self-test tries. */
async function withNetworkLog(policy: string): Promise<{ word: unknown; lookedUp: boolean }> {
  const folder = mkdtempSync(join(tmpdir(), 'tidepool-netlog-'))
  const file = join(folder, 'log.json')
  try {
    const cells = await launchCells({ policy, args: [`--log-net-log=${file}`] })
    const word = await firstWord(cells.page)
    await cells[Symbol.asyncDispose]()
    return { word, lookedUp: readFileSync(file, 'utf8').includes('tidepool.invalid') }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

test('a cell in the sandbox page starts and says what it has proved; nothing was looked up for that', async () => {
  expect(await withNetworkLog(POLICY)).toEqual({ word: { t: 'ready', version: 1, proof: PROOF }, lookedUp: false })
})

test('a cell in a page without the policy refuses to run', async () => {
  const { word, lookedUp } = await withNetworkLog("sandbox allow-scripts; script-src 'self' 'wasm-unsafe-eval' blob:; worker-src blob:")
  expect(word).toEqual({ t: 'refused', reason: expect.stringMatching(/^the policy does not stop (http|https|ws)$/) as unknown })
  expect(lookedUp).toBe(true)
})

test('a cell in a page whose policy names an address refuses to run', async () => {
  await using cells = await launchCells({ policy: POLICY.replace("connect-src 'none'", 'connect-src https://example.org') })
  expect(await firstWord(cells.page)).toEqual({ t: 'refused', reason: 'the policy allows some addresses' })
})

test('a cell in a page that makes code from text refuses to run', async () => {
  await using cells = await launchCells({ policy: POLICY.replace("'wasm-unsafe-eval'", "'unsafe-eval'") })
  expect(await firstWord(cells.page)).toEqual({ t: 'refused', reason: 'the policy allows code from text' })
})

test('a cell in a page that is not sandboxed refuses to run', async () => {
  await using cells = await launchCells({ unsandboxed: true })
  const reason = `the origin is "chrome-extension://${cells.tidepool.id}" and not opaque`
  expect(await firstWord(cells.page)).toEqual({ t: 'refused', reason })
})

test('a cell’s global scope holds ECMAScript and nothing that reaches out', async () => {
  await using cells = await launchCells()
  expect(await firstWord(cells.page)).toMatchObject({ t: 'ready' })
  const [worker] = cells.page.workers()
  const names = await worker!.evaluate(() => {
    const found: string[] = []
    for (let one = globalThis as object; one !== Object.prototype; one = Object.getPrototypeOf(one) as object)
      found.push(...Object.getOwnPropertyNames(one).filter((name) => name !== 'constructor'))
    return found
  })
  expect(names.toSorted().join(' ')).toBe(SCOPE)
})
