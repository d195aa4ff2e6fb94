/**
 * A real program that makes the system calls which a test asks for: it reads records from its control input, makes the call that each
 * names with the arguments that it holds, and writes the result to its control output. So every call takes the guest's way, shim
 * included, and one that waits simply answers later. The test reads and writes the program's memory itself.
 */
import { AGAIN, errnoName } from '../../src/kernel/errno.ts'
import type { Session } from '../../src/kernel/kernel.ts'
import { LINUX } from '../../src/kernel/linux/table.ts'
import type { HostInstance, HostProgramKernel } from '../../src/kernel/process/host-program.ts'
import { Instance } from '../../src/kernel/process/instance-pool.ts'
import type { Process } from '../../src/kernel/process/process.ts'
import { Waiter } from '../../src/kernel/process/wait-queue.ts'
import { type Syscall, SYSCALLS } from '../../src/kernel/syscall-table.ts'
import { type ByteString, fromText } from '../../src/kernel/vfs/byte-string.ts'
import type { OpenFile } from '../../src/kernel/vfs/open-file.ts'
import { GuestMemory } from '../../src/kernel/wasi/memory.ts'
import { wasm, type WasmFunction } from '../../src/kernel/wasi/webassembly.ts'
import { ENVIRONMENT, type Programs, TestKernel, type TestKernelOptions } from './kernel.ts'
import { encodeModule, type FunctionBody, ins, line } from './wasm-encoder.ts'

/** What a puppet can do besides system calls. */
const Op = { Trap: -1, Return: -2, Grow: -3, Recurse: -4, GrowReal: -5 } as const

const ARGS = 13
const RECORD = 8 + ARGS * 8
/** addresses that the program itself uses */
const IOV = 16
const COUNT = 24
const BUFFER = 64
const RESULT = 32
const PAGES = 2
/** Tests have the memory from here on; `image` is what the module's data segment says there. */
export const FREE = 4096
export const IMAGE = { at: 2048, text: 'the image' }

/** `name` of tidepool's fd_close, which WASI has too. */
const labelOf = (row: Syscall): string => (row.module === 'tidepool' && row.name === 'fd_close' ? 'tidepool.fd_close' : row.name)

/** `own` and `foreign` programs by what they import; `linux`: a host program, with the calls of Linux besides. */
type Kind = 'own' | 'foreign' | 'linux'
interface Row {
  readonly label: string
  readonly row: Syscall
}
/** Linux's calls go by their names; where `tidepool` has the same one, that one's name tells the module. */
function rowsOf(kind: Kind): readonly Row[] {
  const named = SYSCALLS.map((row) => ({ label: labelOf(row), row }))
  if (kind === 'own') return named
  if (kind === 'foreign') return named.filter(({ row }) => row.module === 'wasi_snapshot_preview1')
  const linux = LINUX.map((row) => ({ label: row.name, row }))
  const both = (label: string): boolean => linux.some((other) => other.label === label)
  return [...named.map(({ label, row }) => ({ label: both(label) ? `${row.module}.${label}` : label, row })), ...linux]
}

export function puppetModule(kind: Kind): Uint8Array<ArrayBuffer> {
  const labelled = rowsOf(kind)
  const rows = labelled.map(({ row }) => row)
  const index = (name: string): number => labelled.findIndex(({ label }) => label === name)
  const own = kind === 'own'
  const first = rows.length
  const SERVE = first
  const READ = first + 2
  const RECURSE = first + 4
  const GROW = first + 5
  const iov = (pointer: readonly number[], length: readonly number[]): number[] => [
    ...line(...ins.i32(IOV), ...pointer, ...ins.store(0)),
    ...line(...ins.i32(IOV), ...length, ...ins.store(4)),
  ]
  /** Tries again after EINTR, which is 27; traps at other errors. `errno` is a local. */
  const io = (call: string, fd: number, errno: number): number[] => [
    ...ins.loop,
    ...line(...ins.get(fd), ...ins.i32(IOV), ...ins.i32(1), ...ins.i32(COUNT), ...ins.call(index(call))),
    ...line(...ins.tee(errno), ...ins.i32(27), ...ins.eq, ...ins.brIf(0)),
    ...line(...ins.get(errno), ...ins.if, ...ins.unreachable, ...ins.end),
    ...ins.end,
  ]
  /** (fd): the next record; the end of the input ends the program */
  const read: FunctionBody = {
    params: 'i',
    result: false,
    locals: 2,
    code: [
      ...ins.loop,
      ...iov([...ins.i32(BUFFER), ...ins.get(1), ...ins.add], [...ins.i32(RECORD), ...ins.get(1), ...ins.sub]),
      ...io('fd_read', 0, 2),
      ...line(...ins.i32(0), ...ins.load(COUNT), ...ins.eqz, ...ins.if, ...ins.i32(0), ...ins.call(index('proc_exit')), ...ins.end),
      ...line(...ins.get(1), ...ins.i32(0), ...ins.load(COUNT), ...ins.add, ...ins.tee(1), ...ins.i32(RECORD), ...ins.sub, ...ins.brIf(0)),
      ...ins.end,
    ],
  }
  const when = (op: number, code: readonly number[]): number[] => [...ins.get(2), ...ins.i32(op), ...ins.eq, ...ins.if, ...code, ...ins.end]
  const args = (row: Syscall): number[] =>
    Array.from(row.params, (letter, i) => [
      ...ins.i32(0),
      ...(letter === 'I' ? ins.load64 : letter === 'F' ? ins.loadFloat : ins.load)(BUFFER + 8 + i * 8),
    ]).flat()
  const argument = [...ins.i32(0), ...ins.load(BUFFER + 8)]
  /** (in, out): serves records; local 2 is the operation */
  const serve: FunctionBody = {
    params: 'ii',
    result: false,
    locals: 3,
    code: [
      ...ins.loop,
      ...line(...ins.get(0), ...ins.call(READ), ...ins.i32(0), ...ins.load(BUFFER), ...ins.set(2)),
      ...when(Op.Trap, ins.unreachable),
      ...when(Op.Return, ins.return),
      ...when(Op.Recurse, ins.call(RECURSE)),
      ...when(Op.Grow, [...argument, ...ins.call(GROW), ...ins.set(3)]),
      ...when(Op.GrowReal, [...argument, ...ins.grow, ...ins.set(3)]),
      ...rows.flatMap((row, i) => when(i, [...args(row), ...ins.call(i), ...(row.result ? ins.set(3) : [])])),
      ...line(...ins.i32(RESULT), ...ins.get(3), ...ins.store(0)),
      ...iov(ins.i32(RESULT), ins.i32(4)),
      ...io('fd_write', 1, 4),
      ...ins.br(0),
      ...ins.end,
    ],
  }
  const start: FunctionBody = { params: '', result: false, locals: 0, code: [...ins.i32(0), ...ins.i32(1), ...ins.call(SERVE)] }
  const entry: FunctionBody = {
    params: 'i',
    result: false,
    locals: 0,
    code: [...ins.get(0), ...ins.i32(255), ...ins.and, ...ins.get(0), ...ins.i32(8), ...ins.shr, ...ins.call(SERVE)],
  }
  const recurse: FunctionBody = { params: '', result: false, locals: 0, code: ins.call(RECURSE) }
  /** (pages): as the memory pass replaces memory.grow; globals 1 and 2 are __vm_pages and __vm_limit */
  const grow: FunctionBody = {
    params: 'i',
    result: true,
    locals: 1,
    code: own
      ? [
          // more than the quota leaves: −1
          ...line(...ins.get(0), ...ins.globalGet(2), ...ins.globalGet(1), ...ins.sub, ...ins.above),
          ...line(...ins.if, ...ins.i32(-1), ...ins.return, ...ins.end),
          // what the memory itself lacks
          ...line(...ins.get(0), ...ins.globalGet(1), ...ins.add, ...ins.tee(1), ...ins.size, ...ins.above, ...ins.if),
          ...line(...ins.get(1), ...ins.size, ...ins.sub, ...ins.grow, ...ins.drop, ...ins.end),
          ...line(...ins.globalGet(1), ...ins.get(1), ...ins.globalSet(1)),
        ]
      : [...ins.get(0), ...ins.grow],
  }
  return encodeModule({
    imports: rows.map(({ module, name, params, result }) => ({ module, name, params, result })),
    memory: { pages: PAGES, imported: kind !== 'foreign' },
    globals: own
      ? [
          { name: '__stack_pointer', value: 65_536 },
          { name: '__vm_pages', value: PAGES },
          { name: '__vm_limit', value: 65_536 },
        ]
      : [],
    functions: [serve, start, read, entry, recurse, grow],
    exports: { _start: 1, ...(own ? { proc_clone_entry: 3 } : {}) },
    data: { at: IMAGE.at, bytes: [...Buffer.from(IMAGE.text)] },
  })
}

export const PUPPET = puppetModule('own')
export const FOREIGN_PUPPET = puppetModule('foreign')
const OWN_ROWS = rowsOf('own')
const FOREIGN_ROWS = rowsOf('foreign')
const LINUX_ROWS = rowsOf('linux')
const LINUX_PUPPET = new WebAssembly.Module(puppetModule('linux'))

/** A puppet as a host program. Its allocator gives what the memory has grown by, and nothing beyond `MOST_PAGES`. */
class LinuxPuppet implements HostInstance {
  static readonly MOST_PAGES = 16
  readonly guest: GuestMemory
  readonly #start: () => Promise<unknown>

  constructor(kernel: HostProgramKernel) {
    const memory = new WebAssembly.Memory({ initial: PAGES, maximum: LinuxPuppet.MOST_PAGES })
    this.guest = new GuestMemory(memory, () => {})
    const imports = { ...kernel.calls, env: { memory } } as unknown as WebAssembly.Imports
    const { exports } = new WebAssembly.Instance(LINUX_PUPPET, imports)
    this.#start = wasm.promising(exports['_start'] as WasmFunction)
  }
  allocate(_align: number, bytes: number): number {
    try {
      return (this.guest.memory.grow(Math.ceil((bytes >>> 0) / 65_536)) * 65_536) >>> 0
    } catch {
      return 0
    }
  }
  async start(): Promise<number> {
    await this.#start()
    return 0
  }
  release(): void {}
}

export const puppetPrograms = (more: Programs = new Map()): Programs => new Map([['puppet', { module: 'puppet', bytes: PUPPET }], ...more])

/** A kernel in which `puppet` is a program. */
export const puppetKernel = (options: TestKernelOptions = {}): TestKernel => new TestKernel({ programs: puppetPrograms(), ...options })

/** A kernel in which `linux-puppet` is a program that makes Linux's calls. */
export const linuxKernel = (options: TestKernelOptions = {}): TestKernel =>
  puppetKernel({
    ...options,
    programs: puppetPrograms(new Map([['linux-puppet', { module: 'linux-puppet', bytes: PUPPET }]])),
    host: {
      ...options.host,
      hostPrograms: (kernel) =>
        new Map([['linux-puppet', { prepare: async () => {}, instantiate: () => new LinuxPuppet(kernel), trim: () => false }]]),
    },
  })

const bitsOf = (float: number): bigint => new BigInt64Array(new Float64Array([float]).buffer)[0]!

export class Puppet {
  readonly process: Process
  readonly #rows: readonly Row[]
  readonly #input: OpenFile
  readonly #output: OpenFile
  #free = FREE

  /** `input` is where the host writes records, `output` where it reads results. */
  constructor(process: Process, rows: readonly Row[], input: OpenFile, output: OpenFile) {
    this.process = process
    this.#rows = rows
    this.#input = input
    this.#output = output
  }

  get instance(): Instance {
    return this.process.instance as Instance
  }

  /** Makes a system call by its name; gives its result. */
  async call(name: string, ...args: readonly (number | bigint)[]): Promise<number> {
    const op = this.#rows.findIndex(({ label }) => label === name)
    const row = this.#rows[op]?.row
    if (!row) throw new Error(`no such call: ${name}`)
    return this.operate(
      op,
      args.map((arg, i) => (row.params[i] === 'F' ? bitsOf(Number(arg)) : arg)),
    )
  }

  /** Makes a call that never returns. */
  begin(name: string, ...args: readonly (number | bigint)[]): void {
    this.call(name, ...args).catch(() => {})
  }

  /** Makes a call that must succeed. */
  async ok(name: string, ...args: readonly (number | bigint)[]): Promise<void> {
    const errno = await this.call(name, ...args)
    if (errno !== 0) throw new Error(`${name} answered ${errno}`)
  }

  grow(pages: number): Promise<number> {
    return this.operate(Op.Grow, [pages])
  }
  growReal(pages: number): Promise<number> {
    return this.operate(Op.GrowReal, [pages])
  }
  trap(): void {
    void this.#send(Op.Trap, [])
  }
  recurse(): void {
    void this.#send(Op.Recurse, [])
  }
  returnFromStart(): void {
    void this.#send(Op.Return, [])
  }

  async operate(op: number, args: readonly (number | bigint)[]): Promise<number> {
    await this.#send(op, args)
    const result = new Uint8Array(4)
    for (;;) {
      const count = this.#output.read(result)
      if (count === 4) return new DataView(result.buffer).getInt32(0, true)
      if (count === 0) throw new Error('the program has ended')
      await new Promise<void>((resolve) => this.#output.readers.add(new Waiter(resolve)))
    }
  }

  async #send(op: number, args: readonly (number | bigint)[]): Promise<void> {
    const record = new Uint8Array(RECORD)
    const view = new DataView(record.buffer)
    view.setInt32(0, op, true)
    for (const [i, arg] of args.entries()) view.setBigInt64(8 + i * 8, BigInt(arg), true)
    while (this.#input.write(record) === AGAIN) await new Promise<void>((resolve) => this.#input.writers.add(new Waiter(resolve)))
  }

  /** Ends its input: the program exits with 0. */
  close(): void {
    this.#input.unref()
  }

  // --- its memory
  get memory(): Uint8Array {
    this.process.guest.refresh()
    return this.process.guest.u8
  }
  get view(): DataView {
    this.process.guest.refresh()
    return this.process.guest.view
  }
  /** Room for `bytes` bytes, aligned to 8. */
  room(bytes: number): number {
    const at = this.#free
    this.#free = (at + bytes + 7) & ~7
    return at
  }
  /** Puts text into memory; gives pointer and length. */
  text(text: string): [pointer: number, length: number] {
    const bytes = Buffer.from(text)
    const at = this.room(bytes.length)
    this.memory.set(bytes, at)
    return [at, bytes.length]
  }
  /** A list as docs/abi.md has it: each string followed by one NUL. */
  list(...strings: readonly string[]): [pointer: number, length: number] {
    return this.text(strings.map((s) => `${s}\0`).join(''))
  }
  /** Puts a string of C's into memory. */
  cString(text: string): number {
    return this.text(`${text}\0`)[0]
  }
  i32(at: number): number {
    return this.view.getInt32(at, true)
  }
  u32(at: number): number {
    return this.view.getUint32(at, true)
  }
  u64(at: number): bigint {
    return this.view.getBigUint64(at, true)
  }
  read(at: number, length: number): string {
    return Buffer.from(this.memory.subarray(at, at + length)).toString()
  }
  /** One iovec over memory; gives its address. */
  iov(pointer: number, length: number): number {
    const at = this.room(8)
    this.view.setUint32(at, pointer, true)
    this.view.setUint32(at + 4, length, true)
    return at
  }

  // --- short forms of calls
  /** Opens a path below `/`; gives the WASI number. `how` is made of r, w, c (create), x (exclusive), t (truncate), a (append), d, n (nonblock). */
  async open(path: string, how = 'r', dirfd = 3): Promise<number> {
    const out = this.room(4)
    const flag = (letter: string, bit: number): number => (how.includes(letter) ? bit : 0)
    const oflags = flag('c', 1) | flag('d', 2) | flag('x', 4) | flag('t', 8)
    const rights = (how.includes('r') ? 2 | (1 << 14) : 0) | (how.includes('w') ? 64 : 0)
    const errno = await this.call(
      'path_open',
      dirfd,
      1,
      ...this.text(path),
      oflags,
      BigInt(rights) | (1n << 27n),
      0x1fffffffn,
      flag('a', 1) | flag('n', 4),
      out,
    )
    if (errno !== 0) throw new Errno(errno)
    return this.u32(out)
  }
  async write(fd: number, text: string): Promise<number> {
    const mark = this.#free
    const count = this.room(4)
    const errno = await this.call('fd_write', fd, this.iov(...this.text(text)), 1, count)
    this.#free = mark
    if (errno !== 0) throw new Errno(errno)
    return this.u32(count)
  }
  async readText(fd: number, length: number): Promise<string> {
    const mark = this.#free
    const count = this.room(4)
    const buffer = this.room(length)
    const errno = await this.call('fd_read', fd, this.iov(buffer, length), 1, count)
    this.#free = mark
    if (errno !== 0) throw new Errno(errno)
    return this.read(buffer, this.u32(count))
  }
  /** A pipe's ends as WASI numbers. */
  async pipe(): Promise<[reader: number, writer: number]> {
    const out = this.room(8)
    await this.ok('fd_pipe', 0, out)
    return [this.u32(out) + 1, this.u32(out + 4) + 1]
  }
}

/** A call failed with `errno`. */
export class Errno extends Error {
  readonly errno: number
  constructor(errno: number) {
    super(`errno ${errno}`)
    this.errno = errno
  }
}

export interface StartedPuppet {
  readonly puppet: Puppet
  readonly session: Session
}

/** Starts `puppet` (or the foreign one at `path`) as a session's first process. */
export async function startPuppet(
  tests: TestKernel,
  options: { argv?: readonly string[]; env?: readonly ByteString[]; cwd?: string } = {},
): Promise<StartedPuppet> {
  const { vfs } = tests.kernel
  const [stdin, input] = vfs.pipe()
  const [output, stdout] = vfs.pipe()
  const [, stderr] = vfs.pipe()
  const argv = options.argv ?? ['puppet']
  const before = new Set(tests.kernel.processes.pids())
  const session = tests.kernel.start({
    call: 'puppet',
    argv: argv.map(fromText),
    env: options.env ?? ENVIRONMENT,
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    stdin,
    stdout,
    stderr,
  })
  for (;;) {
    const pid = tests.kernel.processes.pids().find((p) => !before.has(p))
    if (pid !== undefined) {
      const process = tests.kernel.processes.get(pid)!
      const { instance } = process
      const rows = !(instance instanceof Instance) ? LINUX_ROWS : instance.code.own ? OWN_ROWS : FOREIGN_ROWS
      return { puppet: new Puppet(process, rows, input, output), session }
    }
    const ended = await Promise.race([session.exited, new Promise<undefined>((resolve) => setImmediate(() => resolve(undefined)))])
    if (ended) throw new Error(ended.error?.message ?? `ended with ${ended.status}`)
  }
}

/** What a call of Linux's answers: the name of its error, or its result. */
export async function linuxAnswer(puppet: Puppet, name: string, ...args: readonly (number | bigint)[]): Promise<string | number> {
  const result = await puppet.call(name, ...args)
  return result < 0 ? errnoName(-result) : result
}

/** The puppet of `linuxKernel`. */
export const startLinuxPuppet = async (tests: TestKernel, cwd?: string): Promise<Puppet> =>
  (await startPuppet(tests, { argv: ['linux-puppet'], ...(cwd === undefined ? {} : { cwd }) })).puppet

/** A child of `parent` that is a puppet, too: spawned, or cloned where `how` says so. Its control pipes are the test's. */
export async function childPuppet(
  tests: TestKernel,
  parent: Puppet,
  how: 'spawn' | 'clone' = 'spawn',
  flags = 0,
  pgid = 0,
): Promise<Puppet> {
  const [inRead, inWrite] = await parent.pipe()
  const [outRead, outWrite] = await parent.pipe()
  const unix = (fd: number): number => fd - 1
  const out = parent.room(4)
  const input = parent.process.file(unix(inWrite))!.ref()
  const output = parent.process.file(unix(outRead))!.ref()
  if (how === 'clone') await parent.ok('proc_clone', inRead | (outWrite << 8), out)
  else {
    const actions = parent.room(24)
    for (const [i, n] of [0, 0, unix(inRead), 0, 1, unix(outWrite)].entries()) parent.view.setInt32(actions + i * 4, n, true)
    const closing = [inRead, inWrite, outRead, outWrite].map(unix)
    for (const fd of closing) await parent.ok('fd_setcloexec', fd, 1)
    await parent.ok(
      'proc_spawn',
      ...line(...parent.text('/bin/puppet'), ...parent.list('puppet'), ...parent.list('A=1'), 0, 0, actions, 2, flags, pgid, out),
    )
  }
  for (const fd of [inRead, inWrite, outRead, outWrite]) await parent.ok('fd_close', fd)
  const process = tests.kernel.processes.get(parent.u32(out))!
  return new Puppet(process, OWN_ROWS, input, output)
}
