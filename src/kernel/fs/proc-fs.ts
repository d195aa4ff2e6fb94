/** /proc, as in proc(5), small and honest: what the process table knows, and numbers that hold for the cell, never the host's. */
import type { Limits } from '../../protocol/limits.ts'
import type { Clock } from '../clock.ts'
import { Errno, SysError } from '../errno.ts'
import { PipeInode } from '../io/pipe.ts'
import type { ByteString } from '../vfs/byte-string.ts'
import { type DirEntry, Directory, FileKind, FileSystem, type Inode, Symlink } from '../vfs/inode.ts'
import { OpenDirectory } from '../vfs/open-directory.ts'
import type { OpenFile } from '../vfs/open-file.ts'
import { pathOfInode, type Vfs } from '../vfs/vfs.ts'
import type { ProcessEntry, ProcessView } from './process-view.ts'
import { FixedDirectory, TextFile, TextLink } from './text-file.ts'

const TICKS_PER_SECOND = 100
const WASM_PAGE = 65_536
/** inode numbers below are the files of /proc itself; each process has a range of its own */
const PID_INODES = 4096

export class ProcFs extends FileSystem {
  override readonly dev = 4
  override readonly type = 'proc'
  override readonly root: Directory
  readonly processes: ProcessView
  readonly #clock: Clock
  readonly #startedAt: number
  #vfs: Vfs | undefined = undefined

  constructor(processes: ProcessView, clock: Clock, limits: Limits) {
    super()
    this.readOnly = false
    this.processes = processes
    this.#clock = clock
    this.#startedAt = clock.monotonic()
    const root = new ProcRoot(this, processes)
    this.root = root
    let ino = 2
    const file = (name: string, text: () => ByteString): unknown => root.add(name, new TextFile(this, ino++, 0o444, text))
    root.add('self', new TextLink(this, ino++, () => String(this.#current().pid)))
    file('meminfo', () => meminfo(limits, processes))
    file('cpuinfo', () => 'processor\t: 0\nmodel name\t: Tidepool cell\n\n')
    file('uptime', () => `${this.uptime.toFixed(2)} 0.00\n`)
    file('version', () => 'Tidepool version 1 (WebAssembly)\n')
    file('loadavg', () => this.#loadavg())
    file('mounts', () => this.#mounts())
  }

  /** Whose mounts and paths are told. */
  set vfs(vfs: Vfs) {
    this.#vfs = vfs
  }

  /** seconds since the kernel's start */
  get uptime(): number {
    return (this.#clock.monotonic() - this.#startedAt) / 1000
  }

  pathOf(inode: Inode): ByteString {
    const root = this.#vfs?.root
    if (!root) return '/'
    try {
      return pathOfInode(inode, root)
    } catch {
      return `/${inode.name} (deleted)`
    }
  }

  #current(): ProcessEntry {
    const process = this.processes.current()
    if (!process) throw SysError.of(Errno.ENOENT)
    return process
  }

  #loadavg(): ByteString {
    const pids = this.processes.pids()
    const running = pids.filter((pid) => this.processes.get(pid)?.state === 'R').length
    return `0.00 0.00 0.00 ${running}/${pids.length} ${pids.at(-1) ?? 0}\n`
  }

  #mounts(): ByteString {
    const line = ({ path, fs }: { path: ByteString; fs: FileSystem }): ByteString =>
      `${fs.type} ${path.replaceAll(/[ \t\n\\]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`)} ${fs.type} ${fs.readOnly ? 'ro' : 'rw'} 0 0\n`
    return (this.#vfs?.mounts ?? []).map(line).join('')
  }
}

function meminfo(limits: Limits, processes: ProcessView): ByteString {
  const total = Math.floor(limits.cellMemoryBytes / 1024)
  let used = 0
  for (const pid of processes.pids()) used += processes.get(pid)?.memoryBytes ?? 0
  const free = Math.max(0, total - Math.ceil(used / 1024))
  const line = (name: string, kib: number): string => `${`${name}:`.padEnd(16)}${String(kib).padStart(8)} kB\n`
  return line('MemTotal', total) + line('MemFree', free) + line('MemAvailable', free) + line('SwapTotal', 0) + line('SwapFree', 0)
}

class ProcRoot extends FixedDirectory {
  readonly #processes: ProcessView

  constructor(fs: FileSystem, processes: ProcessView) {
    super(fs, 1, 0o555)
    this.#processes = processes
  }
  override lookup(name: ByteString): Inode | undefined {
    const fixed = super.lookup(name)
    if (fixed || !/^[1-9][0-9]{0,9}$/.test(name)) return fixed
    const process = this.#processes.get(Number(name))
    return process && new ProcessDirectory(this.fs as ProcFs, this, name, process)
  }
  override list(): DirEntry[] {
    const pids = this.#processes.pids()
    return [...super.list(), ...pids.map((pid) => ({ name: String(pid), ino: pid * PID_INODES, kind: FileKind.Directory }))]
  }
}

const FILES: Readonly<Record<string, (process: ProcessEntry, fs: ProcFs) => ByteString>> = {
  cmdline: ({ argv }) => argv.map((argument) => `${argument}\0`).join(''),
  environ: ({ env }) => env.map((pair) => `${pair}\0`).join(''),
  comm: ({ comm }) => `${comm.slice(0, 15)}\n`,
  stat: statLine,
  status: statusText,
}
const FILE_NAMES = Object.keys(FILES)

class ProcessDirectory extends FixedDirectory {
  constructor(fs: ProcFs, parent: Directory, name: ByteString, process: ProcessEntry) {
    super(fs, process.pid * PID_INODES, 0o555)
    this.parent = parent
    this.name = name
    this.uid = this.gid = 1000
    let ino = this.ino + 1
    for (const file of FILE_NAMES)
      this.add(file, new TextFile(fs, ino++, file === 'environ' ? 0o400 : 0o444, () => FILES[file]!(process, fs))).uid = 1000
    this.add('cwd', new CwdLink(fs, ino++, process))
    this.add('exe', new TextLink(fs, ino++, () => process.exe))
    this.add('root', new TextLink(fs, ino++, () => '/'))
    this.add('fd', new DescriptorDirectory(fs, ino++, process))
  }
}

class DescriptorDirectory extends Directory {
  readonly #process: ProcessEntry
  declare readonly fs: ProcFs

  constructor(fs: ProcFs, ino: number, process: ProcessEntry) {
    super(fs, ino, 0o500)
    this.uid = this.gid = 1000
    this.#process = process
  }
  override lookup(name: ByteString): Inode | undefined {
    if (!/^(0|[1-9][0-9]{0,5})$/.test(name) || !this.#process.file(Number(name))) return undefined
    const link = new DescriptorLink(this.fs, this.ino + 16 + Number(name), this.#process, Number(name))
    link.parent = this
    link.name = name
    return link
  }
  override list(): DirEntry[] {
    return this.#process.descriptors().map((fd) => ({ name: String(fd), ino: this.ino + 16 + fd, kind: FileKind.Symlink }))
  }
  override open(flags: number): OpenFile {
    return new OpenDirectory(this, flags)
  }
}

class CwdLink extends Symlink {
  declare readonly fs: ProcFs
  readonly #process: ProcessEntry

  constructor(fs: ProcFs, ino: number, process: ProcessEntry) {
    super(fs, ino)
    this.#process = process
  }
  override readTarget(): ByteString {
    return this.fs.pathOf(this.#process.cwd)
  }
  override jump(): Inode {
    return this.#process.cwd
  }
}

/** Opening it gives the process's own description, position and all (Linux opens the file anew). */
class DescriptorLink extends Symlink {
  declare readonly fs: ProcFs
  readonly #process: ProcessEntry
  readonly #fd: number

  constructor(fs: ProcFs, ino: number, process: ProcessEntry, fd: number) {
    super(fs, ino)
    this.#process = process
    this.#fd = fd
  }
  override readTarget(): ByteString {
    const { inode } = this.#file()
    if (inode instanceof PipeInode) return `pipe:[${inode.ino}]`
    return inode.parent ? this.fs.pathOf(inode) : `anon_inode:[${inode.ino}]`
  }
  override jump(): Inode {
    return this.#file().inode
  }
  override description(): OpenFile {
    return this.#file().ref()
  }
  #file(): OpenFile {
    const file = this.#process.file(this.#fd)
    if (!file) throw SysError.of(Errno.ENOENT)
    return file
  }
}

/** The fields of proc_pid_stat(5) that mean something here; the others are 0. */
function statLine(process: ProcessEntry): ByteString {
  const { pid, ppid, pgid, state, comm, cpuSeconds, startedAt, memoryBytes } = process
  const fields: (number | string)[] = [state, ppid, pgid, pgid, 0, -1, 0, 0, 0, 0, 0]
  fields.push(Math.round(cpuSeconds * TICKS_PER_SECOND), 0, 0, 0, 20, 0, 1, 0)
  fields.push(Math.round(startedAt * TICKS_PER_SECOND), memoryBytes, Math.ceil(memoryBytes / WASM_PAGE))
  while (fields.length < 50) fields.push(0)
  return `${pid} (${comm.slice(0, 15)}) ${fields.join(' ')}\n`
}

const STATE_NAMES = { R: 'R (running)', S: 'S (sleeping)', Z: 'Z (zombie)' }

function statusText(process: ProcessEntry): ByteString {
  const { pid, ppid, state, comm, umask, memoryBytes } = process
  const kib = `${String(Math.ceil(memoryBytes / 1024)).padStart(8)} kB`
  return [
    `Name:\t${comm.slice(0, 15)}`,
    `Umask:\t${umask.toString(8).padStart(4, '0')}`,
    `State:\t${STATE_NAMES[state]}`,
    `Tgid:\t${pid}`,
    `Pid:\t${pid}`,
    `PPid:\t${ppid}`,
    'Uid:\t1000\t1000\t1000\t1000',
    'Gid:\t1000\t1000\t1000\t1000',
    `FDSize:\t${process.descriptors().length}`,
    `VmSize:\t${kib}`,
    `VmRSS:\t${kib}`,
    'Threads:\t1',
    '',
  ].join('\n')
}
