/**
 * A tool on its way into a site: files that a person picked become the files of a package, and are put there in parts, because one message
 * of the extension has a limit. Whether they are a package is said by the extension's own reading of what has arrived.
 */
import type { PackageFile } from '../protocol/installed-tool.ts'
import { LIMITS } from '../protocol/limits.ts'
import { trimPackage } from '../protocol/package/tree.ts'
import { unpackPackage } from '../protocol/package-zip.ts'
import type { ToolOp } from '../protocol/panel.ts'

const PART_BYTES = LIMITS.fsWriteBytes

/** Rejects with the reason, in words for the person. */
export async function packageFiles(files: readonly File[]): Promise<readonly PackageFile[]> {
  const kept = trimPackage(files.map((file) => ({ file, path: pathOf(file) })))
  const total = kept.reduce((sum, { file }) => sum + file.size, 0)
  if (total > LIMITS.toolPackageBytes)
    throw new Error(`it is larger than ${LIMITS.toolPackageBytes / 2 ** 20} MiB (limit toolPackageBytes)`)
  const [only] = files
  if (files.length === 1 && only && /\.zip$/i.test(only.name)) return unzipped(await read(only))
  return await Promise.all(kept.map(async ({ file, path }) => ({ path, bytes: await read(file) })))
}

function unzipped(bytes: Uint8Array<ArrayBuffer>): readonly PackageFile[] {
  const zip = unpackPackage(bytes)
  if (zip.ok) return zip.files
  throw new Error(zip.faults.map(({ file, message }) => (file === '' ? message : `${file}: ${message}`)).join('; '))
}

/** Of a file of a folder, below that folder. */
function pathOf({ name, webkitRelativePath }: File): string {
  return webkitRelativePath === '' ? name : webkitRelativePath.slice(webkitRelativePath.indexOf('/') + 1)
}

/** `onProgress` hears how much is there, from 0 to 1. */
export async function putFiles(
  files: readonly PackageFile[],
  upload: string,
  ask: (op: ToolOp) => Promise<unknown>,
  onProgress: (share: number) => void,
): Promise<void> {
  const total = files.reduce((sum, { bytes }) => sum + bytes.length, 0)
  let done = 0
  for (const { path, bytes } of files)
    for (let offset = 0; offset === 0 || offset < bytes.length; offset += PART_BYTES) {
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
    throw new Error(`"${file.name}" cannot be read: it is a folder, or it was moved`)
  }
}
