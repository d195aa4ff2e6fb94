/**
 * A tool package: a folder of files with a manifest in one of several published forms. `parsePackage` reads it into the one form that the
 * rest knows (installed-tool.ts), or says everything that is wrong, each with its file and path.
 */
import type { PackageFile, PackageManifest } from './installed-tool.ts'

export interface PackageFault {
  /** the file of the package, `` for the package as a whole */
  readonly file: string
  /** a JSON Pointer into it, `` for the whole */
  readonly instancePath: string
  readonly message: string
}

export type ParsedPackage =
  { readonly ok: true; readonly manifest: PackageManifest } | { readonly ok: false; readonly faults: readonly PackageFault[] }

/** The text whose SHA-256 is the package's: what `sha256sum` prints of its files, sorted by their paths' bytes. */
export function packageDigest(files: readonly { readonly path: string; readonly sha256: string }[]): string {
  const order = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
  return files
    .toSorted((a, b) => order(a.path, b.path))
    .map(({ path, sha256 }) => `${sha256}  ${path}\n`)
    .join('')
}

/** Reads the manifest of a package. Never throws. */
export function parsePackage(_files: readonly PackageFile[]): ParsedPackage {
  return { ok: false, faults: [{ file: '', instancePath: '', message: 'there is no manifest' }] }
}
