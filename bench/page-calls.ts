/** What the benchmarks ask of a page of the extension: a command line with its time from the page's call to its answer, and files. */
import type { Page } from '@playwright/test'

const PART = 4 * 1024 * 1024
const LONG = { timeoutMs: 300_000 }

export interface PageRun {
  readonly ms: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs a command line; one that fails throws. */
export async function timedRun(page: Page, command: string): Promise<PageRun> {
  return await page.evaluate(
    async ([line, args]) => {
      const start = performance.now()
      const { structuredContent } = await window.btcp.callTool('shell_run', { command: line, ...args }, { timeout: 300_000 })
      const ms = performance.now() - start
      const { stdout, stderr, exitCode } = structuredContent as { stdout: string; stderr: string; exitCode: number }
      if (exitCode !== 0) throw new Error(stderr)
      return { ms, stdout, stderr }
    },
    [command, LONG] as const,
  )
}

/** Writes a text file, in parts. */
export async function put(page: Page, path: string, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; at += PART) {
    const content = new TextDecoder().decode(bytes.subarray(at, at + PART))
    const mode = at === 0 ? 'replace' : 'append'
    await page.evaluate(
      async ([file, text, how]) => await window.btcp.call('fs_write', { path: file, content: text, mode: how, mkdirs: true }),
      [path, content, mode] as const,
    )
  }
}
