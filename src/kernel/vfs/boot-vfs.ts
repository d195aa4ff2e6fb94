/**
 * Puts a cell's file systems together: the principal's own tree at `/`, the system's at /dev, /proc, /bin and /usr/bin,
 * and the host's trees where the broker mounts them. `tick` is to be called at least every 50 ms while something runs.
 */
import type { CellMount } from '../../protocol/cell.ts'
import type { Limits } from '../../protocol/limits.ts'
import type { Clock } from '../clock.ts'
import { Errno, SysError } from '../errno.ts'
import { ArchiveFs } from '../fs/archive-fs.ts'
import { DevFs } from '../fs/dev-fs.ts'
import { loadMetadata, makeSystemTree } from '../fs/mem-boot.ts'
import { MemDirectory } from '../fs/mem-directory.ts'
import { MemFs } from '../fs/mem-fs.ts'
import { ProcFs } from '../fs/proc-fs.ts'
import type { ProcessView } from '../fs/process-view.ts'
import type { ProgramCatalog } from '../fs/program-catalog.ts'
import { ToolFs } from '../fs/tool-fs.ts'
import { type FaultSource, Journal, type JournalSink } from '../journal.ts'
import { fromText } from './byte-string.ts'
import { ChangeLog } from './change-log.ts'
import { Directory, type Inode } from './inode.ts'
import { Vfs } from './vfs.ts'

export interface VfsHost {
  readonly limits: Limits
  readonly clock: Clock
  random(into: Uint8Array): void
  readonly journal: JournalSink
  readonly faults: FaultSource
  readonly programs: ProgramCatalog
  readonly processes: ProcessView
  /** empty for a new file system */
  readonly metadata: readonly Uint8Array[]
  /** number of the first journal message minus one */
  readonly seq: number
  readonly mounts: readonly CellMount[]
}

export interface BootedVfs {
  readonly vfs: Vfs
  readonly journal: Journal
  readonly changes: ChangeLog
  /** the principal's own file system */
  readonly files: MemFs
  /** /usr/lib: what host programs put there */
  readonly library: ArchiveFs
  /** Posts what has been dirty for 50 ms and settles times; cheap when nothing is. */
  tick(): void
}

export function bootVfs(host: VfsHost): BootedVfs {
  const { limits, clock } = host
  const changes = new ChangeLog()
  const journal = new Journal(host.journal, clock, host.seq)
  const files = new MemFs({ mount: 0, limits, clock, faults: host.faults, changes, journal })
  changes.root = files.root
  if (host.metadata.length > 0) loadMetadata(files, host.metadata)
  else makeSystemTree(files)
  const vfs = new Vfs(files, limits, clock)
  const proc = new ProcFs(host.processes, clock, limits)
  proc.vfs = vfs
  const now = Math.floor(clock.now() / 1000)
  vfs.mount('/dev', new DevFs((into) => host.random(into)))
  vfs.mount('/proc', proc)
  vfs.mount('/bin', new ToolFs(host.programs, 6, now))
  vfs.mount('/usr/bin', new ToolFs(host.programs, 7, now))
  const library = new ArchiveFs(8, now)
  makeMountPoint(vfs, files, '/usr/lib')
  vfs.mount('/usr/lib', library)
  for (const mount of host.mounts) mountHostTree(vfs, files, mount, host, changes)
  journal.post(true, false)
  return {
    vfs,
    journal,
    changes,
    files,
    library,
    tick: () => {
      const monotonic = clock.monotonic()
      files.tick(monotonic)
      journal.tick(monotonic)
    },
  }
}

function mountHostTree(vfs: Vfs, files: MemFs, mount: CellMount, host: VfsHost, changes: ChangeLog): void {
  const { limits, clock, faults } = host
  const unlimited = { ...limits, fsBytes: Number.MAX_SAFE_INTEGER, fsInodes: Number.MAX_SAFE_INTEGER }
  const tree = new MemFs({ mount: mount.mount, limits: unlimited, clock, faults, changes, residentBytes: limits.fsBytes })
  loadMetadata(tree, mount.metadata)
  tree.readOnly = mount.readOnly
  const path = fromText(mount.target)
  makeMountPoint(vfs, files, path)
  vfs.mount(path, tree)
}

/** Makes the directories of `path` that are missing; they belong to the user. ENOTDIR where something else is in the way. */
function makeMountPoint(vfs: Vfs, files: MemFs, path: string): void {
  let dir: Inode = vfs.root
  let prefix = ''
  for (const name of path.split('/').filter((part) => part !== '')) {
    prefix += `/${name}`
    if (!(dir instanceof Directory)) throw SysError.of(Errno.ENOTDIR)
    if (dir.lookup(name)) dir = vfs.resolve(vfs.root, prefix, true, false)
    else if (dir instanceof MemDirectory && dir.fs === files) dir = files.mkdir(dir, name, 0o755)
    else throw SysError.of(Errno.EROFS)
  }
}
