/**
 * What CPython asks of its cell besides system calls, as calls that go through the shim: the end of the program, side modules, pending
 * signals, and requests (packages, tools) that the cell answers in its own time.
 */
import { Errno, SysError } from '../errno.ts'
import type { Process } from '../process/process.ts'
import { Signal } from '../process/signal.ts'
import { UNWIND } from '../process/process-table.ts'
import { fill } from '../process/program.ts'
import { WaitQueue } from '../process/wait-queue.ts'
import type { Syscall } from '../syscall-table.ts'
import { toText } from '../vfs/byte-string.ts'
import type { Inode } from '../vfs/inode.ts'
import { O } from '../vfs/open-file.ts'
import { WOULD_BLOCK } from '../wasi/shim.ts'
import { enter, type System } from '../wasi/system.ts'
import { wasm, type WasmModule } from '../wasi/webassembly.ts'
import { refuseOwnMemory } from './dylink.ts'
import { PythonInstance } from './python-instance.ts'

type Row = readonly [name: string, params: string, waits: 'waits' | '', note: string]
const rows: readonly Row[] = [
  ['exit', 'i', '', 'exit(3)'],
  ['abort', '', '', 'abort(3)'],
  ['dlopen', 'i', 'waits', 'dlopen(3) of a side module; the file is read first. 1, or 0 where dlerror(3) says why'],
  ['signals', '', 'waits', 'a caught signal that is pending, or 0; gives the processor away when the time slice is over'],
  ['request', 'iii', 'waits', 'asks the cell (JSON) and waits for the length of its answer'],
  ['reply', 'ii', '', 'the answer; a negative length drops it'],
]

export const CELL: readonly Syscall[] = rows.map(([name, params, waits, note]) => ({
  module: 'cell',
  name,
  params,
  result: name !== 'exit' && name !== 'abort',
  waits: waits === 'waits',
  support: 'full',
  note,
}))

interface Request {
  readonly answered: WaitQueue
  answer: Uint8Array | undefined
}

interface ReadFile {
  readonly version: string
  readonly bytes: Uint8Array
  filled: number
}

/** Linux's dlopen handle, as Emscripten's libc has it: struct dso. */
const Dso = { flags: 4, name: 36 } as const
const RTLD_GLOBAL = 256

/** `ask` answers a request of a process. It never rejects. */
export function cellCalls(system: System, mostBytes: number, ask: (request: string, process: Process) => Promise<Uint8Array>) {
  const requests = new WeakMap<Process, Request>()
  const modules = new WeakMap<Inode, { readonly version: string; readonly module: WasmModule }>()
  const reading = new WeakMap<Process, ReadFile>()

  function end(waitStatus: number): never {
    system.table.end(enter(system), waitStatus)
    throw UNWIND
  }

  /** The compiled side module, or WOULD_BLOCK until its file is there. */
  function moduleAt(process: Process, path: string): WasmModule | number {
    const inode = system.vfs.resolve(process.cwd, path, true, false)
    const version = `${inode.size} ${inode.ctimeSec} ${inode.ctimeNsec}`
    const known = modules.get(inode)
    if (known?.version === version) return known.module
    if (inode.size > mostBytes) throw SysError.of(Errno.EFBIG)
    const file = system.vfs.open(process.cwd, path, O.RDONLY, 0, false)
    try {
      let state = reading.get(process)
      if (state?.version !== version) reading.set(process, (state = { version, bytes: new Uint8Array(inode.size), filled: 0 }))
      if (!fill(file, state)) return system.blocking.waitUninterrupted(process, file.readers)
      reading.delete(process)
      const module = new wasm.Module(state.bytes)
      refuseOwnMemory(state.bytes)
      modules.set(inode, { version, module })
      return module
    } finally {
      file.unref()
    }
  }

  return {
    exit: (status: number): never => end((status & 0xff) << 8),
    abort: (): never => end(Signal.ABRT),

    /** 1, or 0 with the reason where dlerror(3) finds it. */
    dlopen(handle: number): number {
      const process = enter(system)
      const { guest, instance } = process
      if (!(instance instanceof PythonInstance)) throw SysError.of(Errno.ENOSYS)
      let path = ''
      try {
        path = guest.text(handle + Dso.name)
        const global = (guest.view.getInt32(guest.at(handle + Dso.flags, 4), true) & RTLD_GLOBAL) !== 0
        const module = moduleAt(process, path)
        if (typeof module === 'number') return module
        instance.link(handle, path, module, global)
        return 1
      } catch (error) {
        if (error === UNWIND) throw error
        instance.dlError(`could not load dynamic lib: ${toText(path)}\n${error instanceof Error ? error.message : String(error)}`)
        return 0
      }
    },

    signals(): number {
      const process = enter(system)
      const { pending } = process.signals
      if (pending !== 0) return takeSignal(process)
      if (process.instance instanceof PythonInstance && process.instance.foreignFrames > 0) return 0
      return system.blocking.mustYield(process) ? WOULD_BLOCK : 0
    },

    request(pointer: number, length: number, out: number): number {
      const process = enter(system)
      const { guest } = process
      let request = requests.get(process)
      if (!request) {
        const made: Request = { answered: new WaitQueue(), answer: undefined }
        requests.set(process, (request = made))
        void ask(toText(guest.string(pointer, length)), process).then((answer) => {
          made.answer = answer
          made.answered.wakeAll()
        })
      }
      if (!request.answer) return system.blocking.wait(process, request.answered)
      guest.setU32(out, request.answer.length)
      return Errno.SUCCESS
    },

    reply(pointer: number, length: number): number {
      const process = enter(system)
      const answer = requests.get(process)?.answer
      requests.delete(process)
      if (length < 0) return Errno.SUCCESS
      if (!answer || answer.length !== length) throw SysError.of(Errno.EINVAL)
      process.guest.slice(pointer, length).set(answer)
      return Errno.SUCCESS
    },
  }
}

/** The lowest one. A write to a broken pipe tells itself, by EPIPE: CPython ignores the signal. */
function takeSignal({ signals }: Process): number {
  signals.pending &= ~(1 << Signal.PIPE)
  if (signals.pending === 0) {
    signals.interrupted = false
    return 0
  }
  const number = 31 - Math.clz32(signals.pending & -signals.pending)
  signals.pending &= ~(1 << number)
  if (signals.pending === 0) signals.interrupted = false
  return number
}
