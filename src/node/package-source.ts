/**
 * A tool package as somebody has it on this machine: a directory, a zip archive, or a module alone. Invariant: nothing outside the directory
 * is read, for a link is never followed, and no more is read than a package may have.
 */
import { promises as disk } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import { BtcpError } from '../protocol/error.ts'
import type { PackageFile } from '../protocol/installed-tool.ts'
import type { Limits } from '../protocol/limits.ts'
import { isZip, unpackPackage } from '../protocol/package-zip.ts'

/** What builds leave beside the code, and tools find again: no part of a package. */
const LEFT_OUT = new Set(['node_modules', '__pycache__', '__MACOSX'])
/** marks a directory that can be made anew, as cargo's `target` (https://bford.info/cachedir/) */
const CACHE_TAG = 'CACHEDIR.TAG'

/** The package's files. Throws BtcpError INVALID_PARAMS. */
export async function readPackageFiles(path: string, limits: Limits): Promise<PackageFile[]> {
  const found = await disk.stat(path).catch((error: unknown) => {
    throw unreadable(path, (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'no such file or directory' : 'it cannot be read')
  })
  if (found.isDirectory()) return await readDirectory(path, limits)
  if (found.size > limits.toolPackageBytes) throw tooLarge(path, limits)
  const bytes = new Uint8Array(await disk.readFile(path))
  if (!isZip(bytes)) {
    if (path.endsWith('.wasm')) return [{ path: basename(path), bytes }]
    throw unreadable(path, 'it is no directory, no zip archive and no .wasm module')
  }
  const unpacked = unpackPackage(bytes, limits)
  if (unpacked.ok) return unpacked.files
  const errors = unpacked.faults.map(({ file, instancePath, message }) => ({ instancePath: `${file}${instancePath}`, message }))
  throw new BtcpError('INVALID_PARAMS', `Cannot read the package "${path}": ${errors[0]?.instancePath ?? ''} ${errors[0]?.message}`, {
    errors,
    effects: 'none',
  })
}

async function readDirectory(root: string, limits: Limits): Promise<PackageFile[]> {
  const files: PackageFile[] = []
  const waiting = ['']
  let bytes = 0
  for (let below = waiting.shift(); below !== undefined; below = waiting.shift()) {
    const entries = await disk.readdir(join(resolve(root), below), { withFileTypes: true })
    if (below !== '' && entries.some(({ name }) => name === CACHE_TAG)) continue
    for (const entry of entries.toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith('.') || LEFT_OUT.has(entry.name)) continue
      const path = below === '' ? entry.name : `${below}/${entry.name}`
      if (entry.isSymbolicLink()) throw unreadable(join(root, path), 'it is a link, and a package has none')
      if (entry.isDirectory()) waiting.push(path)
      if (!entry.isFile()) continue
      if (files.length >= limits.toolPackageFiles)
        throw unreadable(root, `it has more than ${limits.toolPackageFiles} files (limit toolPackageFiles)`)
      const content = await readWithin(join(root, path), limits.toolPackageBytes - bytes)
      if (!content) throw tooLarge(root, limits)
      bytes += content.length
      files.push({ path, bytes: content })
    }
  }
  return files
}

/** The file's bytes, unless they are more than `most`. */
async function readWithin(path: string, most: number): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const { size } = await disk.stat(path)
  if (size > most) return undefined
  const bytes = new Uint8Array(await disk.readFile(path))
  return bytes.length > most ? undefined : bytes
}

const unreadable = (path: string, reason: string): BtcpError =>
  new BtcpError('INVALID_PARAMS', `Cannot read the package "${path}": ${reason}`, { effects: 'none' })

const tooLarge = (path: string, { toolPackageBytes }: Limits): BtcpError =>
  unreadable(path, `it has more than ${toolPackageBytes} bytes (limit toolPackageBytes)`)
