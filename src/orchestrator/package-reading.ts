/** What files are as a package, wherever somebody gives them: everything that is wrong with them, or their manifest and their digest. */
import type { PackageFile, PackageManifest } from '../protocol/installed-tool.ts'
import type { Limits } from '../protocol/limits.ts'
import { type PackageFault, packageHashFaults, parsePackage } from '../protocol/tool-package.ts'
import type { Platform } from './platform.ts'
import { digestOf } from './tool-mount.ts'

export type PackageRead =
  | { readonly ok: true; readonly manifest: PackageManifest; /** hexadecimal */ readonly sha256: string }
  | { readonly ok: false; readonly faults: readonly PackageFault[] }

export async function readPackage(
  platform: Pick<Platform, 'sha256' | 'text'>,
  files: readonly PackageFile[],
  limits: Limits,
): Promise<PackageRead> {
  const parsed = parsePackage(files, limits)
  if (!parsed.ok) return parsed
  const faults = await packageHashFaults(files, async (bytes) => (await platform.sha256(bytes)).toHex())
  if (faults.length > 0) return { ok: false, faults }
  return { ok: true, manifest: parsed.manifest, sha256: await digestOf(platform, files) }
}
