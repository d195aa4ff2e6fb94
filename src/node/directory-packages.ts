/**
 * Packages of tools below a directory, `DIR/SHA256/…`: each is written beside its place and then renamed there, so that one is whole or not
 * there. What is read may have been changed meanwhile; the reader compares the digest.
 */
import { randomUUID } from 'node:crypto'
import { promises as disk } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import type { Packages } from '../orchestrator/platform.ts'
import type { PackageFile } from '../protocol/installed-tool.ts'

export class DirectoryPackages implements Packages {
  readonly #directory: string

  constructor(directory: string) {
    this.#directory = directory
  }

  async read(sha256: string): Promise<readonly PackageFile[] | undefined> {
    const root = this.#placeOf(sha256)
    try {
      const entries = await disk.readdir(root, { recursive: true, withFileTypes: true })
      const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
      return await Promise.all(
        paths.map(async (path) => ({ path: relative(root, path).split(sep).join('/'), bytes: new Uint8Array(await disk.readFile(path)) })),
      )
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
  }

  async keep(sha256: string, files: readonly PackageFile[]): Promise<void> {
    const place = this.#placeOf(sha256)
    const fresh = `${place}.${randomUUID()}`
    for (const { path, bytes } of files) {
      await disk.mkdir(dirname(join(fresh, path)), { recursive: true, mode: 0o700 })
      await disk.writeFile(join(fresh, path), bytes, { mode: 0o600 })
    }
    // What lies there already may be damaged.
    await disk.rm(place, { recursive: true, force: true })
    await disk.rename(fresh, place)
  }

  async forget(sha256: string): Promise<void> {
    await disk.rm(this.#placeOf(sha256), { recursive: true, force: true })
  }

  #placeOf(sha256: string): string {
    if (!/^[0-9a-f]{64}$/.test(sha256)) throw new RangeError('Cannot name a package: its digest is none')
    return join(this.#directory, sha256)
  }
}
