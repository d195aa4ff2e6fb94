/**
 * The built extension with one more page, on which a test holds cells as the offscreen document does; and what a test changes in it
 * to see that it matters: the sandbox page's policy, the cell's script.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from '@playwright/test'
import { build } from 'vite'
import { launchTidepool, type LaunchOptions, type Tidepool } from './extension.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const PAGE = 'tests/extension/cell-page.html'

export interface CellExtensionOptions extends Pick<LaunchOptions, 'args'> {
  /** another policy for the sandbox page */
  readonly policy?: string
  /** no sandbox page at all: the frame's page has the extension's origin */
  readonly unsandboxed?: boolean
  /** what runs instead of the cell's script: the path of a module */
  readonly worker?: string
}

export interface CellExtension extends AsyncDisposable {
  readonly tidepool: Tidepool
  /** the page that holds `window.cellPage` */
  readonly page: Page
}

export async function launchCells(options: CellExtensionOptions = {}): Promise<CellExtension> {
  const folder = await mkdtemp(join(tmpdir(), 'tidepool-cells-'))
  await buildInto(folder, options)
  const tidepool = await launchTidepool({ build: folder, args: options.args ?? [] })
  const page = await tidepool.open(tidepool.address(PAGE))
  const dispose = async (): Promise<void> => {
    await tidepool.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return { tidepool, page, [Symbol.asyncDispose]: dispose }
}

async function buildInto(folder: string, { policy, unsandboxed, worker }: CellExtensionOptions): Promise<void> {
  await build({
    root: ROOT,
    configFile: join(ROOT, 'vite.config.ts'),
    logLevel: 'warn',
    build: { outDir: folder, emptyOutDir: true, rolldownOptions: { input: { cells: PAGE } } },
  })
  if (worker !== undefined) writeFileSync(join(folder, 'cell-worker.js'), await bundleScript(worker))
  const path = join(folder, 'manifest.json')
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>
  if (unsandboxed) delete manifest['sandbox']
  if (policy !== undefined) (manifest['content_security_policy'] as Record<string, string>)['sandbox'] = policy
  writeFileSync(path, JSON.stringify(manifest))
}

/** Bundles a module of the tests into one classic script. */
export async function bundleScript(entry: string): Promise<string> {
  const built = await build({
    root: ROOT,
    configFile: false,
    logLevel: 'warn',
    build: { write: false, target: 'chrome140', rolldownOptions: { input: entry, output: { format: 'iife', codeSplitting: false } } },
  })
  const [chunk] = (Array.isArray(built) ? built : [built]).flatMap((one) => ('output' in one ? one.output : []))
  if (chunk?.type !== 'chunk') throw new Error(`Cannot bundle ${entry}`)
  return chunk.code
}
