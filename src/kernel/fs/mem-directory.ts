/** Directories and symlinks of a MemFs. Names are listed in the order in which they were made. */
import type { ByteString } from '../vfs/byte-string.ts'
import { type DirEntry, Directory, type Inode, Symlink } from '../vfs/inode.ts'
import { OpenDirectory } from '../vfs/open-directory.ts'
import type { OpenFile } from '../vfs/open-file.ts'
import type { MemFs } from './mem-fs.ts'

const DIRECTORY_BYTES = 4096

export class MemDirectory extends Directory {
  declare readonly fs: MemFs
  readonly children = new Map<ByteString, Inode>()
  /** as ext4 shows a small directory, so that listings and sums agree with a Linux host's */
  override size = DIRECTORY_BYTES

  override lookup(name: ByteString): Inode | undefined {
    return this.children.get(name)
  }

  override list(): DirEntry[] {
    const entries: DirEntry[] = []
    for (const [name, { ino, kind }] of this.children) entries.push({ name, ino, kind })
    return entries
  }

  override get isEmpty(): boolean {
    return this.children.size === 0
  }

  override open(flags: number): OpenFile {
    return new OpenDirectory(this, flags)
  }
}

export class MemSymlink extends Symlink {
  declare readonly fs: MemFs
  target: ByteString = ''

  override readTarget(): ByteString {
    return this.target
  }
}
