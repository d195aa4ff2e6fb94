/**
 * The system calls: what a program can import, as data. docs/syscalls.md is generated from it (scripts/generate-docs.ts), the import
 * tables and the shim are built from it, and every row has a test of its name in tests/kernel/wasi.
 */
export type SyscallModule = 'wasi_snapshot_preview1' | 'tidepool' | 'linux' | 'cell'

/** full: as the specification says. partial: the note tells what differs. refused: always the errno of the note. */
export type Support = 'full' | 'partial' | 'refused'

export interface Syscall {
  readonly module: SyscallModule
  readonly name: string
  /** a letter for each parameter: `i` for i32, `I` for i64, `F` for f64 */
  readonly params: string
  /** false: it never returns */
  readonly result: boolean
  /** may suspend the caller */
  readonly waits: boolean
  readonly support: Support
  readonly note: string
}

type Row = readonly [name: string, params: string, waits: 'waits' | '', support: Support, note: string]

const PREVIEW1 = 'wasi_snapshot_preview1'

const preview1: readonly Row[] = [
  ['args_get', 'ii', '', 'full', ''],
  ['args_sizes_get', 'ii', '', 'full', ''],
  ['environ_get', 'ii', '', 'full', ''],
  ['environ_sizes_get', 'ii', '', 'full', ''],
  ['clock_res_get', 'ii', '', 'full', 'unknown clock: EINVAL'],
  ['clock_time_get', 'iIi', '', 'full', 'unknown clock: EINVAL; the processor clocks count time since the process started'],
  ['fd_advise', 'iIIi', '', 'full', 'checked, then without effect'],
  ['fd_allocate', 'iII', '', 'full', ''],
  ['fd_close', 'i', '', 'full', ''],
  ['fd_datasync', 'i', 'waits', 'full', 'as fd_sync'],
  ['fd_fdstat_get', 'ii', '', 'full', ''],
  ['fd_fdstat_set_flags', 'ii', '', 'full', 'APPEND and NONBLOCK; other flags: EINVAL'],
  ['fd_fdstat_set_rights', 'iII', '', 'full', 'rights can only be given up'],
  ['fd_filestat_get', 'ii', '', 'full', ''],
  ['fd_filestat_set_size', 'iI', 'waits', 'full', 'waits for content that the cut goes through'],
  ['fd_filestat_set_times', 'iIIi', '', 'full', ''],
  ['fd_pread', 'iiiIi', 'waits', 'full', ''],
  ['fd_prestat_get', 'ii', '', 'full', ''],
  ['fd_prestat_dir_name', 'iii', '', 'full', ''],
  ['fd_pwrite', 'iiiIi', 'waits', 'full', ''],
  ['fd_read', 'iiii', 'waits', 'full', ''],
  ['fd_readdir', 'iiiIi', '', 'full', 'names are taken at cookie 0'],
  ['fd_renumber', 'ii', '', 'full', 'a preopen on either side: ENOTSUP'],
  ['fd_seek', 'iIii', '', 'full', ''],
  ['fd_sync', 'i', 'waits', 'full', 'returns when the store has committed'],
  ['fd_tell', 'ii', '', 'full', ''],
  ['fd_write', 'iiii', 'waits', 'full', 'a pipe takes all of it unless the descriptor is NONBLOCK or a signal comes'],
  ['path_create_directory', 'iii', '', 'full', ''],
  ['path_filestat_get', 'iiiii', '', 'full', ''],
  ['path_filestat_set_times', 'iiiiIIi', '', 'full', ''],
  ['path_link', 'iiiiiii', '', 'full', ''],
  ['path_open', 'iiiiiIIii', '', 'full', ''],
  ['path_readlink', 'iiiiii', '', 'full', ''],
  ['path_remove_directory', 'iii', '', 'full', ''],
  ['path_rename', 'iiiiii', '', 'full', ''],
  ['path_symlink', 'iiiii', '', 'full', ''],
  ['path_unlink_file', 'iii', '', 'full', ''],
  ['poll_oneoff', 'iiii', 'waits', 'full', 'no subscription, or more than the limit: EINVAL'],
  ['proc_exit', 'i', '', 'full', 'the low eight bits are the status'],
  ['proc_raise', 'i', '', 'full', ''],
  ['random_get', 'ii', '', 'full', 'in slices of 64 KiB'],
  ['sched_yield', '', 'waits', 'full', 'gives the processor away when the time slice is over'],
  ['sock_accept', 'iii', '', 'refused', 'there are no sockets: ENOTSOCK, or EBADF'],
  ['sock_recv', 'iiiiii', '', 'refused', 'there are no sockets: ENOTSOCK, or EBADF'],
  ['sock_send', 'iiiii', '', 'refused', 'there are no sockets: ENOTSOCK, or EBADF'],
  ['sock_shutdown', 'ii', '', 'refused', 'there are no sockets: ENOTSOCK, or EBADF'],
]

const tidepool: readonly Row[] = [
  ['proc_spawn', 'iiiiiiiiiiiii', 'waits', 'full', 'waits for the program to be loaded'],
  ['proc_exec', 'iiiiii', 'waits', 'full', 'waits for the program to be loaded'],
  ['proc_clone', 'ii', '', 'full', ''],
  ['proc_wait', 'iiii', 'waits', 'full', ''],
  ['proc_kill', 'ii', '', 'full', ''],
  ['proc_getpid', '', '', 'full', ''],
  ['proc_getppid', '', '', 'full', ''],
  ['proc_getpgid', 'ii', '', 'full', ''],
  ['proc_setpgid', 'ii', '', 'full', ''],
  ['proc_chdir', 'ii', '', 'full', ''],
  ['proc_getcwd', 'iii', '', 'full', ''],
  ['proc_times', 'i', '', 'full', 'system time counts as user time'],
  ['sig_action', 'iii', '', 'full', ''],
  ['sig_pending', 'i', '', 'full', ''],
  ['fd_pipe', 'ii', '', 'full', ''],
  ['fd_dup', 'iiii', '', 'full', ''],
  ['fd_dup2', 'iii', '', 'full', ''],
  ['fd_setcloexec', 'ii', '', 'full', ''],
  ['fd_close', 'i', '', 'full', ''],
  ['fd_open', 'iiiii', '', 'full', ''],
  ['fd_stat', 'ii', '', 'full', ''],
  ['fd_chmod', 'ii', '', 'full', ''],
  ['path_stat', 'iiii', '', 'full', ''],
  ['path_chmod', 'iiii', '', 'full', ''],
  ['path_chown', 'iiiii', '', 'full', 'recorded; nothing follows from it'],
  ['path_access', 'iii', '', 'full', ''],
  ['umask', 'i', '', 'full', ''],
]

const rowsOf = (module: SyscallModule, rows: readonly Row[]): Syscall[] =>
  rows.map(([name, params, waits, support, note]) => ({
    module,
    name,
    params,
    result: name !== 'proc_exit',
    waits: waits === 'waits',
    support,
    note,
  }))

export const SYSCALLS: readonly Syscall[] = [...rowsOf(PREVIEW1, preview1), ...rowsOf('tidepool', tidepool)]
