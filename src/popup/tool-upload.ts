/**
 * A tool on its way into a site: files that a person picked become the files of a package, and are put there in parts, because one message
 * of the extension has a limit. Whether they are a package is said by the extension's own reading of what has arrived.
 */
import type { PackageFile } from '../protocol/installed-tool.ts'
import { LIMITS } from '../protocol/limits.ts'
import { unpackPackage } from '../protocol/package-zip.ts'
import type { ToolOp } from '../protocol/panel.ts'
import { type PackageFault, trimPackage } from '../protocol/tool-package.ts'

/** So little that the page answers between two parts. */
const PART_BYTES = 1024 * 1024

/** A zip archive that is none, or none of a tool. */
export class UnreadableZip extends Error {
  readonly faults: readonly PackageFault[]
  constructor(faults: readonly PackageFault[]) {
    super('The zip file cannot be read')
    this.faults = faults
  }
}

/** As the command line and a zip archive have them, so that the hash is the same. Rejects with the reason, in words for the person. */
export async function packageFiles(files: readonly File[]): Promise<readonly PackageFile[]> {
  const [only] = files
  const isZip = files.length === 1 && only !== undefined && /\.zip$/i.test(only.name)
  const kept = isZip ? [{ path: only.name, file: only }] : trimPackage(files.map((file) => ({ path: pathOf(file), file })))
  if (kept.length === 0) throw new Error('There is no file in it that could be of a tool.')
  if (kept.length > LIMITS.toolPackageFiles)
    throw new Error(`It has ${kept.length} files, and a tool has at most ${LIMITS.toolPackageFiles} (limit toolPackageFiles).`)
  if (kept.reduce((sum, { file }) => sum + file.size, 0) > LIMITS.toolPackageBytes)
    throw new Error(`It is larger than ${LIMITS.toolPackageBytes / 2 ** 20} MiB (limit toolPackageBytes).`)
  if (isZip) return unzipped(await read(only))
  return await Promise.all(kept.map(async ({ path, file }) => ({ path, bytes: await read(file) })))
}

function unzipped(bytes: Uint8Array<ArrayBuffer>): readonly PackageFile[] {
  const zip = unpackPackage(bytes)
  if (zip.ok) return zip.files
  throw new UnreadableZip(zip.faults)
}

/** Of a file of a folder, below that folder. */
function pathOf({ name, webkitRelativePath }: File): string {
  return webkitRelativePath === '' ? name : webkitRelativePath.slice(webkitRelativePath.indexOf('/') + 1)
}

/** `onProgress` hears how much is there, from 0 to 1. Stops when it is given up. */
export async function putFiles(
  files: readonly PackageFile[],
  upload: string,
  ask: (op: ToolOp) => Promise<unknown>,
  onProgress: (share: number) => void,
  signal: AbortSignal,
): Promise<void> {
  const total = files.reduce((sum, { bytes }) => sum + bytes.length, 0)
  let done = 0
  for (const { path, bytes } of files)
    for (let offset = 0; offset === 0 || offset < bytes.length; offset += PART_BYTES) {
      signal.throwIfAborted()
      const part = bytes.subarray(offset, offset + PART_BYTES)
      await ask({ op: 'put', upload, path, offset, bytes: part.toBase64() })
      done += part.length
      onProgress(total === 0 ? 1 : done / total)
    }
}

async function read(file: File): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return new Uint8Array(await file.arrayBuffer())
  } catch {
    throw new Error(`"${file.name}" cannot be read. If it is a folder, choose it with "Choose a folder"; else it was moved meanwhile.`)
  }
}
