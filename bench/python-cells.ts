/** Where the rows of Python run: new cells in Node, or new sites of the built extension in Chromium, which have answered an `echo hi`. */
import type { Page } from '@playwright/test'
import { Sandbox } from '../src/node/index.ts'
import { launchTidepool } from '../tests/support/extension.ts'
import { serveSites } from '../tests/support/site-server.ts'
import { put, timedRun } from './page-calls.ts'
import { type Clock, type Timed, timed } from './python-rows.ts'

export interface BenchCell extends AsyncDisposable {
  put(path: string, bytes: Uint8Array): Promise<void>
  shell(clock: Clock, command: string): Promise<Timed>
  /** Starts the interpreter of the session in which figures are drawn. */
  beginSession(): Promise<void>
  /** Runs code in the session; it must give one image. */
  figure(code: string): Promise<Timed>
}

export interface BenchHost extends AsyncDisposable {
  readonly title: string
  newCell(): Promise<BenchCell>
}

const SESSION = 'bench'
const TIMEOUT = { timeoutMs: 300_000 }

function expectImage(images: readonly string[], told: unknown): void {
  if (images.length !== 1 || !images[0]?.startsWith('image/'))
    throw new Error(`a figure gave ${images.length} images: ${JSON.stringify(told)}`)
}

class NodeCell implements BenchCell {
  readonly #sandbox: Sandbox
  constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox
  }
  async put(path: string, bytes: Uint8Array): Promise<void> {
    await this.#sandbox.writeFile(`/home/user/${path}`, bytes, { mkdirs: true })
  }
  async shell(clock: Clock, command: string): Promise<Timed> {
    const start = performance.now()
    const { stdout, stderr, exitCode } = await this.#sandbox.run(command, TIMEOUT)
    const ms = performance.now() - start
    if (exitCode !== 0) throw new Error(`"${command}" failed: ${stderr}`)
    return timed(clock, ms, stdout, stderr)
  }
  async beginSession(): Promise<void> {
    await this.#sandbox.python('', { session: SESSION })
  }
  async figure(code: string): Promise<Timed> {
    const start = performance.now()
    const { rich, error, stdout } = await this.#sandbox.python(code, { session: SESSION, ...TIMEOUT })
    const ms = performance.now() - start
    expectImage(
      rich.map(({ mime }) => mime),
      error,
    )
    return { ms, stdout }
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.#sandbox.destroy()
  }
}

export function nodeHost(): BenchHost {
  return {
    title: `Node ${process.versions.node}`,
    newCell: async () => {
      const sandbox = await Sandbox.create()
      await sandbox.run('echo hi')
      return new NodeCell(sandbox)
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

class SiteCell implements BenchCell {
  readonly #page: Page
  constructor(page: Page) {
    this.#page = page
  }
  async put(path: string, bytes: Uint8Array): Promise<void> {
    await put(this.#page, path, bytes)
  }
  async shell(clock: Clock, command: string): Promise<Timed> {
    const { ms, stdout, stderr } = await timedRun(this.#page, command)
    return timed(clock, ms, stdout, stderr)
  }
  async beginSession(): Promise<void> {
    await this.#page.evaluate(async (session) => await window.btcp.call('python_run', { code: '', session }), SESSION)
  }
  async figure(code: string): Promise<Timed> {
    const { ms, images, error } = await this.#page.evaluate(
      async ([source, session]) => {
        const start = performance.now()
        const result = await window.btcp.callTool('python_run', { code: source, session, timeoutMs: 300_000 }, { timeout: 300_000 })
        const ms = performance.now() - start
        const images = result.content.flatMap((item) => (item.type === 'image' ? [item.mimeType] : []))
        return { ms, images, error: JSON.stringify(result.structuredContent) }
      },
      [code, SESSION] as const,
    )
    expectImage(images, error)
    return { ms, stdout: '' }
  }
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#page.close()
  }
}

const CAPABILITIES = ['shell:run', 'python:run', 'js:run', 'vfs:read', 'vfs:write']

export async function extensionHost(): Promise<BenchHost> {
  const sites = await serveSites()
  const tidepool = await launchTidepool()
  let count = 0
  return {
    title: `Chromium ${tidepool.context.browser()?.version().split('.')[0]}`,
    newCell: async () => {
      const page = await tidepool.site(sites.origin(`bench${count++}`), ...CAPABILITIES)
      await timedRun(page, 'echo hi')
      return new SiteCell(page)
    },
    [Symbol.asyncDispose]: async () => {
      await tidepool.close()
      await sites[Symbol.asyncDispose]()
    },
  }
}
