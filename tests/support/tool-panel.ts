/** A person's way to the tools of a site, as the extension's own page of tools takes it: the same messages, sent from a page of ours. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import type { PackageFile } from '../../src/protocol/installed-tool.ts'
import type { Choice, ToolOp, ToolPreview, ToolsState, ToolState } from '../../src/protocol/panel.ts'
import type { Tidepool } from './extension.ts'

/** A page of ours that has no script in the way. */
const PAGE = 'src/popup/audit.html'
const PART = 4 * 1024 * 1024

export interface InstallOptions {
  /** by capability */
  readonly choices?: Readonly<Record<string, Choice>>
  readonly env?: Readonly<Record<string, string>>
}

export class ToolPanel {
  readonly page: Page
  readonly #origin: string
  #uploads = 0

  private constructor(page: Page, origin: string) {
    this.page = page
    this.#origin = origin
  }

  static async open(tidepool: Tidepool, origin: string): Promise<ToolPanel> {
    return new ToolPanel(await tidepool.open(tidepool.address(PAGE)), origin)
  }

  /** A page of the site, in front, with the package installed for it. */
  static async siteWith(tidepool: Tidepool, origin: string, files: readonly PackageFile[]): Promise<{ page: Page; panel: ToolPanel }> {
    const page = await tidepool.site(origin)
    const panel = await ToolPanel.open(tidepool, origin)
    await panel.install(files)
    await page.bringToFront()
    return { page, panel }
  }

  /** Rejects with the reason that a person is told. */
  async ask<T>(op: ToolOp): Promise<T> {
    const answer = await this.page.evaluate(
      async ([origin, op]) => (await chrome.runtime.sendMessage({ t: 'tools', origin, op })) as unknown,
      [this.#origin, op] as const,
    )
    const { error } = answer as { error?: string }
    if (error !== undefined) throw new Error(error)
    return answer as T
  }

  /** Puts the files there and has them read; nothing is installed yet. */
  async put(files: readonly PackageFile[]): Promise<{ upload: string; preview: ToolPreview }> {
    const upload = `test-${(this.#uploads += 1)}`
    for (const { path, bytes } of files)
      for (let offset = 0; offset === 0 || offset < bytes.length; offset += PART)
        await this.ask({ op: 'put', upload, path, offset, bytes: Buffer.from(bytes.subarray(offset, offset + PART)).toString('base64') })
    return { upload, preview: await this.ask<ToolPreview>({ op: 'preview', upload }) }
  }

  /** Rejects with the faults of the package. */
  async install(files: readonly PackageFile[], { choices = {}, env = {} }: InstallOptions = {}): Promise<readonly ToolState[]> {
    const { upload, preview } = await this.put(files)
    if (!preview.ok) throw new Error(preview.faults.map((fault) => `${fault.file}${fault.instancePath}: ${fault.message}`).join('\n'))
    const { tools } = await this.ask<ToolsState>({ op: 'install', upload, env, choices })
    return tools
  }

  async choose(tool: string, capability: string, choice: Choice): Promise<void> {
    await this.ask({ op: 'choose', tool, capability, choice })
  }

  async remove(tool: string): Promise<void> {
    await this.ask({ op: 'remove', tool })
  }
}

/** The files of a folder, as a person picks it. */
export function folderFiles(folder: string): PackageFile[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((file) => ({ path: file.slice(folder.length + 1).replaceAll('\\', '/'), bytes: new Uint8Array(readFileSync(file)) }))
}
