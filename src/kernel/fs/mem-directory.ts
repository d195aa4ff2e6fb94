/** Directories and symlinks of a MemFs. Names are listed in the order in which they were made. */
import type { ByteString } from '../vfs/byte-string.ts'
import { type DirEntry, Directory, type Inode, Symlink } from '../vfs/inode.ts'
import { OpenDirectory } from '../vfs/open-directory.ts'
import type { OpenFile } from '../vfs/open-file.ts'
import type { MemFs } from './mem-fs.ts'

/** What ext4 shows for a directory of ordinary size, so that `ls -l` and `du` say what people are used to. */
const DIRECTORY_BYTES = 4096
/** Targets up to this are kept in the inode and cost nothing, as on ext4. */
export const FAST_SYMLINK = 60

export class MemDirectory extends Directory {
  declare readonly fs: MemFs
  readonly children = new Map<ByteString, Inode>()
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

  override get blocks(): number {
    return this.size > FAST_SYMLINK ? 8 : 0
  }
}
