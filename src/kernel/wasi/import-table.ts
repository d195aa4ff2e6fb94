/**
 * What modules import: every row of the table of system calls with its function. This is the one place where a thrown SysError becomes
 * an errno. Own modules call plainly where a call cannot wait; foreign modules go through the shim in every call, so that the end of
 * their process is a trap.
 */
import { errnoName, SysError } from '../errno.ts'
import type { HostProgramKernel } from '../process/host-program.ts'
import { UNWIND } from '../process/process-table.ts'
import { type Syscall, SYSCALLS } from '../syscall-table.ts'
import { linux } from '../linux/linux.ts'
import { LINUX } from '../linux/table.ts'
import { extension } from './extension.ts'
import { preview1 } from './preview1.ts'
import { KILLED, linkShim, WOULD_BLOCK } from './shim.ts'
import type { System } from './system.ts'
import type { WasmImports } from './webassembly.ts'

type Call = (...args: never[]) => number
type Calls = Record<string, Call>
type CallTable = Record<string, Calls>
export type Trace = (line: string) => void

const PREVIEW1 = SYSCALLS.filter((row) => row.module === 'wasi_snapshot_preview1')
const TIDEPOOL = SYSCALLS.filter((row) => row.module === 'tidepool')
const WAITING_PREVIEW1 = PREVIEW1.filter((row) => row.waits)
const WAITING_TIDEPOOL = TIDEPOOL.filter((row) => row.waits)

export interface ImportTables {
  readonly own: WasmImports
  readonly foreign: WasmImports
  /** For host programs: every call of a module through the shim. */
  readonly host: HostProgramKernel['calls']
  link(rows: readonly Syscall[], calls: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>>
}

export function importTables(system: System, report: (error: unknown) => void, trace: Trace | undefined): ImportTables {
  const calls = { wasi_snapshot_preview1: preview1(system), tidepool: extension(system), linux: linux(system) }
  const table = (rows: readonly Syscall[], wrap: (call: Call) => Call, from: CallTable = calls): Calls =>
    Object.fromEntries(
      rows.map((row) => {
        const call = wrap(from[row.module]![row.name]!)
        return [row.name, trace ? traced(row, call, system, trace) : call]
      }),
    )
  const own = (call: Call): Call => guarded(call, report)
  const foreign = (call: Call): Call => trapping(guarded(call, report))
  const negative = (call: Call): Call => trapping(guarded(call, report, -1))
  const { blocking } = system
  const shimmed = (rows: readonly Syscall[]): Readonly<Record<string, unknown>> =>
    linkShim(rows, table(rows, own), blocking.slow, blocking.setcur)
  const forHost = (rows: readonly Syscall[], from?: CallTable): Readonly<Record<string, unknown>> =>
    linkShim(rows, table(rows, rows === LINUX ? negative : foreign, from), blocking.slow, blocking.setcurForeign)
  const host = { wasi_snapshot_preview1: forHost(PREVIEW1), tidepool: forHost(TIDEPOOL), linux: forHost(LINUX) }
  return {
    host,
    link: (rows, more) => forHost(rows, { [rows[0]!.module]: more as Calls }),
    own: {
      wasi_snapshot_preview1: { ...table(PREVIEW1, own), ...shimmed(WAITING_PREVIEW1) },
      tidepool: { ...table(TIDEPOOL, own), ...shimmed(WAITING_TIDEPOOL) },
    },
    foreign: { wasi_snapshot_preview1: host.wasi_snapshot_preview1 },
  }
}

/** An errno for what is thrown, times `sign`; anything else but the end of the process is a fault of the kernel. */
function guarded(call: Call, report: (error: unknown) => void, sign = 1): Call {
  const failed = (error: unknown): number => {
    if (error instanceof SysError) return sign * error.errno
    if (error !== UNWIND && !isOverflow(error)) report(error)
    throw error
  }
  const f = call as unknown as (a: unknown, b: unknown, c: unknown, d: unknown, ...more: unknown[]) => number
  if (call.length <= 4)
    return (a: unknown, b: unknown, c: unknown, d: unknown) => {
      try {
        return f(a, b, c, d)
      } catch (error) {
        return failed(error)
      }
    }
  return (a: unknown, b: unknown, c: unknown, d: unknown, ...more: unknown[]) => {
    try {
      return f(a, b, c, d, ...more)
    } catch (error) {
      return failed(error)
    }
  }
}

/** The guest had used up the stack before it called. */
const isOverflow = (error: unknown): boolean => error instanceof RangeError && /call stack/.test(error.message)

function trapping(call: Call): Call {
  const f = call as unknown as (...args: unknown[]) => number
  return (...args: unknown[]) => {
    try {
      return f(...args)
    } catch (error) {
      if (error === UNWIND) return KILLED
      throw error
    }
  }
}

/** strace(1): a line for each call that returns, with its arguments as they are. */
function traced(row: Syscall, call: Call, system: System, trace: Trace): Call {
  const f = call as unknown as (...args: unknown[]) => number
  const show = (result: string, args: readonly unknown[], pid: number): void => trace(`${pid} ${row.name}(${args.join(', ')}) = ${result}`)
  return (...args: unknown[]) => {
    const pid = system.scheduler.current!.pid
    try {
      const result = f(...args)
      if (result !== WOULD_BLOCK) show(result === KILLED ? '?' : textOf(row, result), args, pid)
      return result
    } catch (error) {
      show('?', args, pid)
      throw error
    }
  }
}

const RESULT_IS_VALUE = new Set(['proc_getpid', 'proc_getppid', 'umask'])
function textOf(row: Syscall, result: number): string {
  if (row.module === 'linux') return result < 0 ? errnoName(-result) : String(result)
  return result === 0 || RESULT_IS_VALUE.has(row.name) ? String(result) : errnoName(result)
}
