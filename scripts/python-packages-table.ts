// The table of Python packages in docs/python.md, between `<!-- packages -->` and `<!-- /packages -->`, made from third_party/python/lock.json
// by `npm run build:docs`. A test holds them equal. Packages that only tests install are not in it.
import { readFileSync } from 'node:fs'

const ROOT = new URL('../', import.meta.url)
const PAGE = new URL('docs/python.md', ROOT)
const MARKED = /(<!-- packages -->\n)[\s\S]*?(<!-- \/packages -->)/

export interface PythonPackage {
  readonly name: string
  readonly version: string
  /** The file's path below third_party/python. */
  readonly wheel: string
  readonly sha256: string
  readonly size: number
  /** An SPDX expression. */
  readonly licence: string
  readonly source: { readonly kind: 'sdist' | 'wheel'; readonly file: string; readonly sha256: string }
  readonly native: boolean
  /** Top-level names that can be imported. */
  readonly imports: readonly string[]
  /** Names in the table. */
  readonly depends: readonly string[]
  readonly for?: 'tests'
}

export interface PythonLock {
  readonly python: string
  readonly abi: string
  readonly toolchain: Readonly<Record<string, string>>
  readonly packages: readonly PythonPackage[]
  /** Our own side module, and the hashes of what it was made from by path. */
  readonly extension?: {
    readonly file: string
    readonly sha256: string
    readonly size: number
    readonly sources: Readonly<Record<string, string>>
  }
}

export const readPythonLock = (): PythonLock =>
  JSON.parse(readFileSync(new URL('third_party/python/lock.json', ROOT), 'utf8')) as PythonLock

const row = ({ name, version, licence, imports, size }: PythonPackage): string =>
  `| ${name} | ${version} | ${licence} | ${imports.map((top) => `\`${top}\``).join(' ')} | ${(size / 1e6).toFixed(1)} MB |`

/** The rows of the lock, as Markdown. */
export const packagesTable = (lock: PythonLock): string =>
  ['| package | version | licence | import | size |', '|---|---|---|---|---|', ...lock.packages.filter((one) => !one.for).map(row)].join(
    '\n',
  )

/** docs/python.md with the table that the lock gives. */
export function pythonPage(): string {
  const page = readFileSync(PAGE, 'utf8')
  if (!MARKED.test(page))
    throw new Error('docs/python.md has no place for the table: the line <!-- packages -->, and <!-- /packages --> below it')
  return page.replace(MARKED, (_, begin: string, end: string) => `${begin}\n${packagesTable(readPythonLock())}\n\n${end}`)
}
