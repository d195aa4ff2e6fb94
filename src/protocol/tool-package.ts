/**
 * A tool package: a folder of files with a manifest in one of several published forms. `parsePackage` reads it into the one form that the
 * rest knows (installed-tool.ts), or says everything that is wrong, each with its file and path.
 */
import type { PackageFile, PackageManifest } from './installed-tool.ts'
import type { Limits } from './limits.ts'
import { isRecord, own } from './parse.ts'
import { below, Faults, type PackageFault } from './package/fault.ts'
import type { Fields } from './package/fields.ts'
import { readLibraries } from './package/library-form.ts'
import { readManifest } from './package/manifest-form.ts'
import { loneModule, readModule } from './package/module-form.ts'
import { readConfig, readPocket } from './package/pocket-form.ts'
import { Source } from './package/source.ts'
import { treeFaults } from './package/tree.ts'

export type { PackageFault } from './package/fault.ts'
export { trimPackage } from './package/tree.ts'

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

/** In the order in which they are looked for; the first that is there is the package's. */
const FORMS: readonly { readonly file: string; readonly read: (source: Source, fields: Fields) => PackageManifest }[] = [
  { file: 'manifest.json', read: readManifest },
  { file: 'btcp.json', read: readManifest },
  { file: 'pocket.json', read: readPocket },
  { file: 'config.toml', read: readConfig },
  { file: 'tidepool.toml', read: readLibraries },
  { file: 'hielements.toml', read: readLibraries },
]
const MANIFESTS = ['manifest.json', 'btcp.json']
const MISSING =
  'there is no manifest: add manifest.json, like { "btcp": "1.0", "name": "my-tool", "version": "1.0.0", "capabilities": [], "tools": [{ "name": "my_tool", ' +
  '"description": "…", "inputSchema": { "type": "object" }, "capabilities": [], "implementation": { "type": "TYPE", "PART": "FILE" } }] }'

/** Reads the manifest of a package. Never throws. */
export function parsePackage(files: readonly PackageFile[], limits?: Limits): ParsedPackage {
  const tree = treeFaults(files, limits)
  if (tree.length > 0) return { ok: false, faults: tree }
  const faults = new Faults()
  const source = new Source(files, faults)
  const manifest = readForm(source)
  if (faults.list.length > 0 || !manifest) return { ok: false, faults: faults.list }
  const readme = source.readme()
  return { ok: true, manifest: readme === undefined ? manifest : { ...manifest, readme } }
}

function readForm(source: Source): PackageManifest | undefined {
  const forms = FORMS.filter(({ file }) => source.has(file))
  // A manifest.json may be that of something else: beside another form it is one only if it says so.
  const form = forms.find(({ file }, i) => !MANIFESTS.includes(file) || i === forms.length - 1 || speaksBtcp(source, file))
  if (form) {
    const fields = source.fields(form.file)
    return fields && form.read(source, fields)
  }
  const module = loneModule(source)
  if (module !== undefined) return readModule(source, module)
  return source.faults.of('')('', missing(source))
}

function speaksBtcp(source: Source, file: string): boolean {
  const text = source.text(file)
  return text !== undefined && text.includes('"btcp"')
}

/** What to write, with the file that is there. */
function missing(source: Source): string {
  const deeper = source.paths.find((path) => FORMS.some(({ file }) => path.endsWith(`/${file}`)))
  if (deeper !== undefined) return `there is no manifest at its top; ${deeper} lies deeper: give that folder`
  const program = source.paths.find((path) => /^[^/]+\.(?:wasm|py|js|mjs)$/.test(path)) ?? 'tool.wasm'
  const type = program.endsWith('.py') ? 'python' : program.endsWith('js') ? 'js' : 'wasm'
  return MISSING.replace('TYPE', type)
    .replace('PART', type === 'python' ? 'entry' : 'module')
    .replace('FILE', () => program)
}

/** The modules that are others than their manifest says by `sha256`; `sha256` gives hexadecimal digits. */
export async function packageHashFaults(
  files: readonly PackageFile[],
  sha256: (bytes: Uint8Array<ArrayBuffer>) => Promise<string>,
): Promise<PackageFault[]> {
  const faults = new Faults()
  const source = new Source(files, new Faults())
  const file = MANIFESTS.find((name) => source.has(name))
  const fields = file === undefined ? undefined : source.fields(file)
  if (file === undefined || !fields) return []
  const named = [
    { value: fields.value('implementation'), at: '/implementation' },
    ...(fields.list('tools') ?? []).map(({ item, at }) => ({
      value: isRecord(item) ? own(item, 'implementation') : undefined,
      at: below(at, 'implementation'),
    })),
  ]
  for (const { value, at } of named) {
    if (!isRecord(value)) continue
    const module = own(value, 'module')
    const wanted = own(value, 'sha256')
    const found = typeof module === 'string' ? files.find(({ path }) => path === module.replace(/^(?:\.\/)+/, '')) : undefined
    if (typeof wanted !== 'string' || !found) continue
    const is = await sha256(found.bytes)
    if (is !== wanted.toLowerCase())
      faults.of(file)(
        below(at, 'sha256'),
        `is not that of ${found.path}, which is ${is}: the module was changed after the manifest was written`,
      )
  }
  return faults.list
}
