/**
 * The files of a package as a tree: which paths they may have, how many and how large they may be. Everything after `treeFaults` may
 * take a path for one that stays below the package's root.
 */
import type { PackageFile } from '../installed-tool.ts'
import { LIMITS, type Limits } from '../limits.ts'
import { Faults, type PackageFault, quoted } from './fault.ts'

/** What is wrong with the path, or undefined. */
export function pathFault(path: string): string | undefined {
  if (path === '') return 'is empty'
  if (path.includes('\0')) return 'holds a NUL'
  if (path.includes('\\')) return 'holds a backslash: write / between its parts'
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path)) return 'is absolute: paths are relative to the package'
  const parts = path.split('/')
  if (parts.some((part) => part === '' || part === '.' || part === '..')) return 'has an empty part, "." or ".."'
  if (utf8Length(path) > LIMITS.pathBytes) return `is longer than ${LIMITS.pathBytes} bytes (limit pathBytes)`
  if (parts.some((part) => utf8Length(part) > LIMITS.nameBytes))
    return `has a name of more than ${LIMITS.nameBytes} bytes (limit nameBytes)`
  return undefined
}

/** Lone surrogates count as U+FFFD, which is as long. */
function utf8Length(text: string): number {
  let length = 0
  for (const character of text) {
    const code = character.codePointAt(0) ?? 0
    length += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x1_0000 ? 3 : 4
  }
  return length
}

/** What is no part of the package: what an archiver, a desktop, npm or Python left there, and whatever is hidden. */
const LEFT_OUT = new Set(['__MACOSX', 'node_modules', '__pycache__'])
const isLeftOut = (path: string): boolean =>
  path.split('/').some((part) => LEFT_OUT.has(part) || (part.startsWith('.') && part !== '.' && part !== '..'))

/** Without what is left out, and without the one directory that everything lies in (as in most archives). */
export function trimPackage<T extends { readonly path: string }>(files: readonly T[]): T[] {
  const kept = files.filter(({ path }) => !isLeftOut(path))
  const top = kept[0]?.path.split('/')[0] ?? ''
  if (kept.length === 0 || !kept.every(({ path }) => path.startsWith(`${top}/`))) return kept
  return kept.map((file) => ({ ...file, path: file.path.slice(top.length + 1) }))
}

export function treeFaults(files: readonly PackageFile[], limits: Limits = LIMITS): PackageFault[] {
  const faults = new Faults()
  const whole = faults.of('')
  if (files.length > limits.toolPackageFiles) whole('', `has more than ${limits.toolPackageFiles} files (limit toolPackageFiles)`)
  const bytes = files.reduce((sum, file) => sum + file.bytes.length, 0)
  if (bytes > limits.toolPackageBytes) whole('', `has more than ${limits.toolPackageBytes / 1024 / 1024} MiB (limit toolPackageBytes)`)
  if (faults.list.length > 0) return faults.list
  const seen = new Set<string>()
  const directories = new Set<string>()
  for (const { path } of files) for (let i = path.indexOf('/'); i !== -1; i = path.indexOf('/', i + 1)) directories.add(path.slice(0, i))
  for (const { path, bytes } of files) {
    const report = faults.of(path.slice(0, 300))
    const fault = pathFault(path)
    if (fault !== undefined) report('', `the path ${quoted(path)} ${fault}`)
    else if (seen.has(path)) report('', 'is there twice')
    else if (directories.has(path)) report('', 'is a file and a directory')
    else if (path.endsWith('.wasm') && bytes.length > limits.toolModuleBytes)
      report('', `is larger than ${limits.toolModuleBytes / 1024 / 1024} MiB (limit toolModuleBytes)`)
    seen.add(path)
  }
  return faults.list
}
