/**
 * The packages of installed tools in IndexedDB, by the digest of their files: one database for all sites, since a package is nobody's and its
 * name says what it must be. A file is a record of its own, so that no record is larger than a file. Whoever reads verifies the digest.
 */
import { type DBSchema, openDB, type IDBPDatabase } from 'idb'
import type { PackageFile } from '../protocol/installed-tool.ts'
import type { Packages } from '../orchestrator/platform.ts'

interface Schema extends DBSchema {
  /** the paths of a package's files */
  package: { key: string; value: readonly string[] }
  /** by digest and path */
  file: { key: [string, string]; value: Uint8Array<ArrayBuffer> }
}

const DATABASE = 'tidepool packages'
const BOTH = ['package', 'file'] as const

export class PackageStore implements Packages {
  #opened: Promise<IDBPDatabase<Schema>> | undefined

  async read(sha256: string): Promise<readonly PackageFile[] | undefined> {
    const tx = (await this.#database()).transaction(BOTH)
    const paths = await tx.objectStore('package').get(sha256)
    if (!paths) return undefined
    const contents = await Promise.all(paths.map((path) => tx.objectStore('file').get([sha256, path])))
    return paths.flatMap((path, i) => {
      const bytes = contents[i]
      return bytes ? [{ path, bytes }] : []
    })
  }

  /** One transaction: a package is there whole or not at all. */
  async keep(sha256: string, files: readonly PackageFile[]): Promise<void> {
    const tx = (await this.#database()).transaction(BOTH, 'readwrite', { durability: 'strict' })
    const writes = files.map(({ path, bytes }) => tx.objectStore('file').put(bytes, [sha256, path]))
    const paths = files.map(({ path }) => path)
    await Promise.all([...writes, tx.objectStore('package').put(paths, sha256), tx.done])
  }

  async forget(sha256: string): Promise<void> {
    const tx = (await this.#database()).transaction(BOTH, 'readwrite', { durability: 'strict' })
    const files = IDBKeyRange.bound([sha256], [sha256, []])
    await Promise.all([tx.objectStore('file').delete(files), tx.objectStore('package').delete(sha256), tx.done])
  }

  #database(): Promise<IDBPDatabase<Schema>> {
    const again = (): void => (this.#opened = undefined)
    this.#opened ??= openDB<Schema>(DATABASE, 1, {
      upgrade: (fresh) => {
        for (const store of BOTH) fresh.createObjectStore(store)
      },
      blocking: (_from, _to, event) => {
        ;(event.target as IDBDatabase).close()
        again()
      },
      terminated: again,
    }).catch((error: unknown) => {
      again()
      throw error
    })
    return this.#opened
  }
}
