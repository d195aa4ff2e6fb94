/**
 * The built extension with one more page, on which a test holds cells as the offscreen document does; and what a test changes in it
 * to see that it matters: the sandbox page's policy, the cell's script.
 */
import { createHash } from 'node:crypto'
import { appendFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
  /** further programs, by name: modules as `npm run build:wasm` makes them */
  readonly programs?: Readonly<Record<string, Uint8Array>>
  /** modules whose files are altered after the build */
  readonly altered?: readonly string[]
}

export interface CellExtension extends AsyncDisposable {
  readonly tidepool: Tidepool
  /** the page that holds `window.cellPage` */
  readonly page: Page
  /** Opens one more, with frames and an orchestrator of its own. */
  open(): Promise<Page>
}

export async function launchCells(options: CellExtensionOptions = {}): Promise<CellExtension> {
  const folder = await mkdtemp(join(tmpdir(), 'tidepool-cells-'))
  await buildInto(folder, options)
  const tidepool = await launchTidepool({ build: folder, args: options.args ?? [] })
  const open = (): Promise<Page> => tidepool.open(tidepool.address(PAGE))
  const page = await open()
  const dispose = async (): Promise<void> => {
    await tidepool.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return { tidepool, page, open, [Symbol.asyncDispose]: dispose }
}

async function buildInto(folder: string, options: CellExtensionOptions): Promise<void> {
  await build({
    root: ROOT,
    configFile: join(ROOT, 'vite.config.ts'),
    logLevel: 'warn',
    build: { outDir: folder, emptyOutDir: true, rolldownOptions: { input: { cells: PAGE } } },
  })
  if (options.worker !== undefined) writeFileSync(join(folder, 'cell-worker.js'), await bundleScript(options.worker))
  for (const [name, bytes] of Object.entries(options.programs ?? {})) addProgram(join(folder, 'wasm'), name, bytes)
  for (const name of options.altered ?? []) appendFileSync(join(folder, 'wasm', `${name}.wasm`), Uint8Array.of(0, 1, 0))
  changeManifest(join(folder, 'manifest.json'), options)
}

function addProgram(folder: string, name: string, bytes: Uint8Array): void {
  const path = join(folder, 'lock.json')
  const lock = JSON.parse(readFileSync(path, 'utf8')) as { modules: unknown[] }
  const sha256 = createHash('sha256').update(bytes).digest('hex')
  lock.modules.push({ name, file: `${name}.wasm`, sha256, bytes: bytes.length, programs: [name] })
  writeFileSync(path, JSON.stringify(lock))
  writeFileSync(join(folder, `${name}.wasm`), bytes)
}

function changeManifest(path: string, { policy, unsandboxed }: CellExtensionOptions): void {
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
