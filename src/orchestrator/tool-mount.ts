/**
 * A tool's package as its cell sees it: a read-only tree at `PACKAGE_ROOT`. Invariant: what a cell gets is what the digest says, which the
 * person has consented to: the files are read once, before the cell boots, and one changed byte refuses the boot.
 */
import { BtcpError } from '../protocol/error.ts'
import { PACKAGE_ROOT, type PackageFile } from '../protocol/installed-tool.ts'
import { chunkCapacity, chunkOffset, InodeKind, JournalWriter, ROOT_INO } from '../protocol/journal.ts'
import type { ToolPrincipal } from '../protocol/principal.ts'
import { packageDigest } from '../protocol/tool-package.ts'
import type { Mount, Platform } from './platform.ts'

/** Opens the package of the tool. Throws BtcpError SANDBOX_ERROR where it is gone or has been changed. */
export async function toolMount(platform: Pick<Platform, 'packages' | 'sha256' | 'text'>, principal: ToolPrincipal): Promise<Mount> {
  return packageMount(platform, await verifiedFiles(platform, principal))
}

/** The files of the tool's package. Throws BtcpError SANDBOX_ERROR where it is gone or has been changed. */
export async function verifiedFiles(
  platform: Pick<Platform, 'packages' | 'sha256' | 'text'>,
  principal: ToolPrincipal,
): Promise<readonly PackageFile[]> {
  const refused = (reason: string): BtcpError =>
    new BtcpError('SANDBOX_ERROR', `Cannot start the tool "${principal.tool}": ${reason}`, { effects: 'none' })
  const files = await platform.packages.read(principal.sha256).catch(() => {
    throw refused('its package cannot be read')
  })
  if (!files) throw refused('its package is gone')
  if ((await digestOf(platform, files)) !== principal.sha256) throw refused('its package has been changed since it was installed')
  return files
}

/** The digest of a package, in hexadecimal. */
export async function digestOf(platform: Pick<Platform, 'sha256' | 'text'>, files: readonly PackageFile[]): Promise<string> {
  const hashed: { path: string; sha256: string }[] = []
  for (const { path, bytes } of files) hashed.push({ path, sha256: (await platform.sha256(bytes)).toHex() })
  return (await platform.sha256(platform.text.encode(packageDigest(hashed)))).toHex()
}

function packageMount({ text }: Pick<Platform, 'text'>, files: readonly PackageFile[]): Mount {
  const tree = new PackageTree((name) => text.encode(name))
  for (const file of files) tree.add(file)
  const metadata = tree.metadata()
  return {
    target: PACKAGE_ROOT,
    readOnly: true,
    metadata: [metadata],
    content: async (ino, index) => tree.content(ino, index),
  }
}

/** Programs may be run, everything else only read. */
const MODE = { directory: 0o755, program: 0o755, file: 0o644 } as const
const TIME = { sec: 0, nsec: 0 } as const

interface Directory {
  readonly ino: number
  readonly entries: Map<string, Directory | { readonly ino: number; readonly bytes: Uint8Array; readonly mode: number }>
}

class PackageTree {
  readonly #encode: (text: string) => Uint8Array
  readonly #root: Directory = { ino: ROOT_INO, entries: new Map() }
  readonly #contents = new Map<number, Uint8Array>()
  #last = ROOT_INO

  constructor(encode: (text: string) => Uint8Array) {
    this.#encode = encode
  }

  add({ path, bytes }: PackageFile): void {
    const parts = path.split('/')
    const name = parts.pop() ?? ''
    let directory = this.#root
    for (const part of parts) {
      const known = directory.entries.get(part)
      const below: Directory = known && 'entries' in known ? known : { ino: ++this.#last, entries: new Map() }
      directory.entries.set(part, below)
      directory = below
    }
    const ino = ++this.#last
    directory.entries.set(name, { ino, bytes, mode: name.endsWith('.wasm') ? MODE.program : MODE.file })
    this.#contents.set(ino, bytes)
  }

  metadata(): Uint8Array {
    const writer = new JournalWriter()
    this.#write(writer, this.#root)
    return writer.take()
  }

  content(ino: number, index: number): Uint8Array {
    const bytes = this.#contents.get(ino)
    if (!bytes) throw new BtcpError('SANDBOX_ERROR', 'Cannot read a file of the package: no such file')
    return bytes.slice(chunkOffset(index), chunkOffset(index) + chunkCapacity(index))
  }

  #write(writer: JournalWriter, directory: Directory): void {
    const below = [...directory.entries.values()].filter((entry) => 'entries' in entry)
    inode(writer, { ino: directory.ino, kind: InodeKind.Directory, mode: MODE.directory, nlink: 2 + below.length, size: 0 })
    for (const [name, entry] of directory.entries) {
      if ('entries' in entry) this.#write(writer, entry)
      else inode(writer, { ino: entry.ino, kind: InodeKind.File, mode: entry.mode, nlink: 1, size: entry.bytes.length })
      writer.entry(directory.ino, this.#encode(name), entry.ino)
    }
  }
}

type Inode = Pick<Parameters<JournalWriter['inode']>[0], 'ino' | 'kind' | 'mode' | 'nlink' | 'size'>

const inode = (writer: JournalWriter, of: Inode): void =>
  writer.inode({ ...of, uid: 1000, gid: 1000, atime: TIME, mtime: TIME, ctime: TIME, keepChunks: 0 })
