/** Packages of tools in memory: gone with the process. */
import type { PackageFile } from '../protocol/installed-tool.ts'
import type { Packages } from './platform.ts'

export class MemoryPackages implements Packages {
  readonly #packages = new Map<string, readonly PackageFile[]>()

  async read(sha256: string): Promise<readonly PackageFile[] | undefined> {
    return this.#packages.get(sha256)
  }
  async keep(sha256: string, files: readonly PackageFile[]): Promise<void> {
    this.#packages.set(sha256, files)
  }
  async forget(sha256: string): Promise<void> {
    this.#packages.delete(sha256)
  }
}
