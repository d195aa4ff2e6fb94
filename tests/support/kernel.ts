/** A kernel in this Node process, for tests: programs from wasm/dist or given ones, files in memory, a journal that commits at once. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { AGAIN } from '../../src/kernel/errno.ts'
import type { ProgramCatalog } from '../../src/kernel/fs/program-catalog.ts'
import type { JournalMessage } from '../../src/kernel/journal.ts'
import { Kernel, type KernelHost, type SessionEnd } from '../../src/kernel/kernel.ts'
import { Waiter } from '../../src/kernel/process/wait-queue.ts'
import { type ByteString, fromText } from '../../src/kernel/vfs/byte-string.ts'
import { O, type OpenFile } from '../../src/kernel/vfs/open-file.ts'
import { type LimitName, limitsWith } from '../../src/protocol/limits.ts'

const dist = new URL('../../wasm/dist/', import.meta.url)

/** Programs by name: wasm bytes each. */
export type Programs = ReadonlyMap<string, { readonly module: string; readonly bytes: Uint8Array }>

interface Lock {
  readonly modules: readonly { readonly name: string; readonly file: string; readonly programs: readonly string[] }[]
}

/** Everything in wasm/dist, and the shell that lies in $TIDEPOOL_SHELL where dist has none. */
export function builtPrograms(): Programs {
  const programs = new Map<string, { module: string; bytes: Uint8Array }>()
  const add = (module: string, file: URL | string, names: readonly string[]): void => {
    const bytes = readFileSync(file)
    for (const name of names) programs.set(name, { module, bytes })
  }
  const lock = JSON.parse(readFileSync(new URL('lock.json', dist), 'utf8')) as Lock
  for (const { name, file, programs: names } of lock.modules) add(name, new URL(file, dist), names)
  const shell = process.env['TIDEPOOL_SHELL']
  if (shell) add('shell', poolable(shell), ['sh', 'bash'])
  return programs
}

/** A module as the linker left it, after the pass that `npm run build:wasm` ends with. */
function poolable(file: string): string {
  const exports = WebAssembly.Module.exports(new WebAssembly.Module(readFileSync(file)))
  if (exports.some((e) => e.name === '__vm_pages')) return file
  const out = join(tmpdir(), `tidepool-${process.pid}-${basename(file)}`)
  execFileSync(fileURLToPath(new URL('../../.cache/wasm-target/pool-pass/release/pool-pass', import.meta.url)), [file, out], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return out
}

export const ENVIRONMENT: readonly ByteString[] = [
  'HOME=/home/user',
  'USER=user',
  'LOGNAME=user',
  'HOSTNAME=tidepool',
  'PATH=/usr/local/bin:/usr/bin:/bin',
  'LANG=C.UTF-8',
  'TZ=UTC',
  'SHELL=/bin/bash',
]

/** Compiled modules are shared by all kernels of this process. */
const compiled = new WeakMap<Uint8Array, Promise<WebAssembly.Module>>()

export interface TestKernelOptions {
  readonly limits?: Partial<Record<LimitName, number>>
  readonly programs?: Programs
  readonly memories?: number
  readonly strace?: (line: string) => void
  readonly host?: Partial<KernelHost>
}

export interface RunResult extends SessionEnd {
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly stdin?: string | Uint8Array
  readonly env?: readonly ByteString[]
  readonly cwd?: ByteString
  readonly onStdout?: (bytes: Uint8Array) => void
  readonly onStderr?: (bytes: Uint8Array) => void
  /** gives the program descriptor 3 and hears what it writes there */
  readonly onResult?: (bytes: Uint8Array) => void
}

export class TestKernel {
  readonly kernel: Kernel
  readonly faults: unknown[] = []
  readonly messages: JournalMessage[] = []
  #calls = 0

  constructor(options: TestKernelOptions = {}) {
    const programs = options.programs ?? builtPrograms()
    const limits = limitsWith(options.limits)
    this.kernel = new Kernel({
      limits,
      clock: { now: () => performance.timeOrigin + performance.now(), monotonic: () => performance.now() },
      random: (into) => void crypto.getRandomValues(into as Uint8Array<ArrayBuffer>),
      macrotask: (task) => void setImmediate(task),
      timer: (milliseconds, task) => {
        const timer = setTimeout(task, milliseconds)
        return () => clearTimeout(timer)
      },
      journal: {
        post: (message) => {
          this.messages.push(message)
          queueMicrotask(() => this.kernel.files.journal.committed(message.seq))
        },
      },
      faults: { fault: (_mount, _ino, _index, done) => done(new Uint8Array(0)) },
      programs: catalogOf(programs),
      loadModule: (name) => compile(programs, name),
      metadata: [],
      seq: 0,
      mounts: [],
      memories: options.memories ?? limits.processesAlive,
      report: (error) => void this.faults.push(error),
      ...(options.strace ? { strace: options.strace } : {}),
      ...options.host,
    })
  }

  /** Runs a program to its end. */
  async run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    const { session, output } = this.begin(argv, options)
    const end = await session.exited
    const [stdout, stderr] = await output
    if (this.faults.length > 0) throw this.faults[0]
    return { ...end, stdout, stderr }
  }

  /** Runs programs side by side, each one's output the next one's input; gives every status and what the last one wrote. */
  async pipeline(...stages: readonly (readonly string[])[]): Promise<{ readonly statuses: number[]; readonly stdout: string }> {
    const { vfs } = this.kernel
    const [empty, nothing] = vfs.pipe()
    nothing.unref()
    let stdin: OpenFile = empty
    const sessions = stages.map((argv) => {
      const [reader, stdout] = vfs.pipe()
      const stderr = vfs.open(vfs.root, '/dev/null', O.WRONLY, 0, false)
      const session = this.kernel.start({
        call: `test-${this.#calls++}`,
        argv: argv.map(fromText),
        env: ENVIRONMENT,
        stdin,
        stdout,
        stderr,
      })
      stdin = reader
      return session
    })
    const stdout = await collect(stdin, undefined)
    const ends = await Promise.all(sessions.map((session) => session.exited))
    if (this.faults.length > 0) throw this.faults[0]
    return { statuses: ends.map((end) => end.status), stdout }
  }

  begin(argv: readonly string[], options: RunOptions = {}) {
    const { vfs } = this.kernel
    const [stdin, feeder] = vfs.pipe()
    const [out, stdout] = vfs.pipe()
    const [err, stderr] = vfs.pipe()
    const [told, result] = options.onResult ? vfs.pipe() : []
    const results = told ? collect(told, options.onResult) : ''
    const output = Promise.all([collect(out, options.onStdout), collect(err, options.onStderr), results])
    void feed(feeder, options.stdin ?? '')
    const session = this.kernel.start({
      call: `test-${this.#calls++}`,
      argv: argv.map(fromText),
      env: options.env ?? ENVIRONMENT,
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      stdin,
      stdout,
      stderr,
      ...(result ? { result } : {}),
    })
    return { session, output }
  }

  writeFile(path: string, content: string | Uint8Array, mode = 0o644): void {
    const { vfs } = this.kernel
    const file = vfs.open(vfs.root, fromText(path), O.WRONLY | O.CREAT | O.TRUNC, mode, false)
    const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
    for (let at = 0; at < bytes.length;) at += file.write(bytes.subarray(at))
    file.unref()
  }

  readFile(path: string): string {
    const { vfs } = this.kernel
    const file = vfs.open(vfs.root, fromText(path), O.RDONLY, 0, false)
    const bytes = new Uint8Array(file.inode.size)
    file.read(bytes)
    file.unref()
    return new TextDecoder().decode(bytes)
  }
}

function catalogOf(programs: Programs): ProgramCatalog {
  return {
    names: () => [...programs.keys()].toSorted(),
    find: (name) => {
      const program = programs.get(name)
      return program && { module: program.module, size: program.bytes.length }
    },
    read: (module, done) => done([...programs.values()].find((p) => p.module === module)?.bytes),
  }
}

async function compile(programs: Programs, name: string): Promise<WebAssembly.Module> {
  const program = [...programs.values()].find((p) => p.module === name)
  if (!program) throw new Error(`Cannot load "${name}": no such module`)
  let module = compiled.get(program.bytes)
  if (!module) compiled.set(program.bytes, (module = WebAssembly.compile(program.bytes as BufferSource)))
  return module
}

async function collect(file: OpenFile, onBytes: ((bytes: Uint8Array) => void) | undefined): Promise<string> {
  const decoder = new TextDecoder()
  const buffer = new Uint8Array(65_536)
  let text = ''
  for (;;) {
    const count = file.read(buffer)
    if (count === AGAIN) await new Promise<void>((resolve) => file.readers.add(new Waiter(resolve)))
    else if (count === 0) break
    else if (onBytes) onBytes(buffer.slice(0, count))
    else text += decoder.decode(buffer.subarray(0, count), { stream: true })
  }
  file.unref()
  return text
}

async function feed(file: OpenFile, content: string | Uint8Array): Promise<void> {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content
  try {
    for (let at = 0; at < bytes.length;) {
      const count = file.write(bytes.subarray(at))
      if (count === AGAIN) await new Promise<void>((resolve) => file.writers.add(new Waiter(resolve)))
      else at += count
    }
  } catch {
    // Nobody reads standard input any more.
  }
  file.unref()
}
