/** What /proc and /dev/fd see of the process table; the process layer implements it and gives it to `Vfs.mountSystem`. */
import type { ByteString } from '../vfs/byte-string.ts'
import type { Directory } from '../vfs/inode.ts'
import type { OpenFile } from '../vfs/open-file.ts'

export interface ProcessEntry {
  readonly pid: number
  readonly ppid: number
  readonly pgid: number
  /** as in /proc/PID/stat: R running, S waiting, Z zombie */
  readonly state: 'R' | 'S' | 'Z'
  /** the program's name, at most 15 bytes shown */
  readonly comm: ByteString
  readonly argv: readonly ByteString[]
  /** NAME=value */
  readonly env: readonly ByteString[]
  readonly cwd: Directory
  /** absolute path of the program */
  readonly exe: ByteString
  readonly umask: number
  readonly memoryBytes: number
  /** seconds after the kernel's start */
  readonly startedAt: number
  /** processor time used, in seconds */
  readonly cpuSeconds: number
  /** open Unix descriptor numbers, ascending */
  descriptors(): readonly number[]
  /** undefined: not open */
  file(fd: number): OpenFile | undefined
}

export interface ProcessView {
  /** The process whose system call is being served; undefined between calls. */
  current(): ProcessEntry | undefined
  get(pid: number): ProcessEntry | undefined
  /** ascending */
  pids(): readonly number[]
}
