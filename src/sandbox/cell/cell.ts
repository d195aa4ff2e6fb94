/**
 * A cell: one kernel behind one broker port. `startCell(port, host)` is all that a host calls (src/sandbox/browser, src/sandbox/node);
 * what it must provide is in cell-host.ts. Order: prove that no power is left, boot from the broker's metadata, say `ready`, serve.
 * A message that is not of the wire ends the cell with `refused`: the broker is trusted, but nothing is guessed.
 */
import { Errno, errnoName, SysError } from '../../kernel/errno.ts'
import { BtcpProgram } from '../../kernel/btcp/btcp-program.ts'
import type { ProgramCatalog } from '../../kernel/fs/program-catalog.ts'
import { JsProgram } from '../../kernel/js/js-program.ts'
import { Kernel } from '../../kernel/kernel.ts'
import type { HostProgram, HostPrograms } from '../../kernel/process/host-program.ts'
import type { Process } from '../../kernel/process/process.ts'
import { PythonProgram } from '../../kernel/python/python-program.ts'
import { ToolProgram } from '../../kernel/tool/tool-program.ts'
import { bytesOf } from '../../kernel/vfs/byte-string.ts'
import { CELL_WIRE_VERSION, MEMORIES_UNTOLD, type ToCell } from '../../protocol/cell.ts'
import { parseToCell } from '../../protocol/cell-parse.ts'
import { WASM_TOOL } from '../../protocol/module-run.ts'
import { BrokerPort } from './broker-port.ts'
import type { CellHost, CellPort } from './cell-host.ts'
import { FileOperations } from './file-operations.ts'
import { Run } from './run.ts'
import { seededClock, seededRandom } from './seeded.ts'

export type { CellHost, CellModule, CellPort } from './cell-host.ts'

const BEAT_MS = 1_000
type Boot = Extract<ToCell, { t: 'boot' }>
type FsRequest = Extract<ToCell, { t: 'fs' }>

/** Starts the cell on its broker port. Messages that come before it is ready wait. */
export function startCell(port: CellPort, host: CellHost): void {
  const broker = new BrokerPort(port)
  let cell: Cell | undefined
  const early: ToCell[] = []
  const refuse = (reason: string): void => {
    broker.send({ t: 'refused', reason: reason.slice(0, 500) })
    port.close()
  }
  const proof = host.prove()
  const boot = async (message: Boot): Promise<void> => {
    try {
      const checks = await proof
      cell = new Cell(message, broker, host)
      broker.send({ t: 'ready', version: CELL_WIRE_VERSION, proof: checks })
      for (const waiting of early) cell.take(waiting)
    } catch (error) {
      refuse(error instanceof Error ? error.message : String(error))
    }
  }
  proof.catch((error: unknown) => refuse(error instanceof Error ? error.message : String(error)))
  port.listen(
    (raw) => {
      const parsed = parseToCell(raw)
      if (!parsed.ok) return refuse(`the broker's message ${parsed.reason}`)
      if (cell) cell.take(parsed.value)
      else if (parsed.value.t === 'boot') void boot(parsed.value)
      else early.push(parsed.value)
    },
    () => {},
  )
}

class Cell {
  readonly #broker: BrokerPort
  readonly #host: CellHost
  readonly #boot: Boot
  readonly #kernel: Kernel
  readonly #files: FileOperations
  readonly #runs = new Map<string, Run>()
  #allowed: number
  /** what the last beat said */
  #told = 0

  constructor(boot: Boot, broker: BrokerPort, host: CellHost) {
    this.#boot = boot
    this.#allowed = boot.memories
    this.#broker = broker
    this.#host = host
    const { limits, metadata, seq, mounts, memories, seed } = boot
    this.#kernel = new Kernel({
      limits,
      clock: seed === undefined ? host.clock : seededClock(host.clock),
      random: seed === undefined ? (into) => host.random(into) : seededRandom(seed),
      macrotask: (task) => host.macrotask(task),
      timer: (milliseconds, task) => host.timer(milliseconds, task),
      journal: broker,
      faults: broker,
      programs: catalogOf(host),
      loadModule: (name) => host.loadModule(name),
      hostPrograms: hostProgramsOf(host, broker),
      metadata,
      seq,
      mounts,
      memories,
      tookMemory: () => this.#tellMemories(),
      report: (error) => host.report(error),
      ...(boot.trace ? { strace: (line: string) => broker.trace(line) } : {}),
    })
    this.#files = new FileOperations(this.#kernel.vfs, limits)
    this.#beatLater()
  }

  take(message: ToCell): void {
    switch (message.t) {
      case 'boot':
        return
      case 'run':
        return this.#run(message)
      case 'stdin':
        return this.#runs.get(message.call)?.input(message.bytes)
      case 'credit':
        return this.#runs.get(message.call)?.credit(message.fd, message.bytes)
      case 'kill':
        return this.#runs.get(message.call)?.kill(message.signal)
      case 'close':
        return this.#runs.get(message.call)?.close(message.fd)
      case 'fs':
        return void this.#fs(message)
      case 'reply':
        return this.#broker.takeReply(message)
      case 'chunk':
        return this.#broker.takeChunk(message)
      case 'committed':
        return this.#kernel.files.journal.committed(message.seq)
      case 'commitFailed':
        return this.#kernel.files.journal.failed(message.seq, message.errno)
      case 'allow':
        return void this.#allow(message.memories)
      case 'snippetSaid':
      case 'snippetEnded':
        return this.#broker.takeSnippet(message)
    }
  }

  #run(message: Extract<ToCell, { t: 'run' }>): void {
    if (this.#runs.has(message.call)) return
    const run = new Run(message, this.#kernel, this.#broker, this.#boot.limits, this.#boot.env, () => this.#host.clock.monotonic())
    this.#runs.set(message.call, run)
    void run
      .finish()
      .catch((error: unknown) => this.#host.report(error))
      .finally(() => this.#runs.delete(message.call))
  }

  async #fs({ req, op }: FsRequest): Promise<void> {
    const { journal } = this.#kernel.files
    try {
      const value = await this.#files.perform(op)
      const transfer = value.op === 'read' ? [value.bytes.buffer as ArrayBuffer] : []
      this.#broker.send({ t: 'answer', req, value, seq: journal.post(true, op.op === 'sync') }, transfer)
    } catch (error) {
      if (!(error instanceof SysError)) this.#host.report(error)
      const errno = error instanceof SysError ? error.errno : Errno.EIO
      this.#broker.send({ t: 'answer', req, seq: journal.post(true, false), error: { errno, message: messageOf(op, errno) } })
    }
  }

  /** What is more than the new allowance is given up at once, and the broker told what is left. */
  async #allow(memories: number): Promise<void> {
    const shrinks = memories < this.#allowed
    this.#allowed = memories
    this.#kernel.allowMemories(memories)
    if (this.#kernel.memories > memories) await this.#host.collect?.()
    if (shrinks) this.#beat()
  }

  #beatLater(): void {
    this.#host.timer(BEAT_MS, () => {
      this.#easeMemory()
      this.#beat()
      this.#beatLater()
    })
  }

  /** A guest may keep the thread from now on, so the broker hears of memories while they are taken. */
  #tellMemories(): void {
    if (this.#kernel.memories > this.#told + MEMORIES_UNTOLD) this.#beat()
  }

  #beat(): void {
    const { memories, processes } = this.#kernel
    this.#told = memories
    this.#broker.send({ t: 'beat', memories, memoryBytes: this.#memoryBytes, processes: processes.pids().length })
  }

  get #memoryBytes(): number {
    return this.#kernel.memoryBytes + this.#kernel.files.files.memory.residentBytes
  }

  /** File content that the store has gives way to what programs need. */
  #easeMemory(): void {
    const over = this.#memoryBytes - this.#boot.limits.cellMemoryBytes * 0.75
    if (over > 0) this.#kernel.files.files.memory.evict(over)
  }
}

const VERB: Readonly<Record<FsRequest['op']['op'], string>> = {
  read: 'read',
  write: 'write',
  list: 'list',
  stat: 'look at',
  remove: 'remove',
  move: 'move',
  mkdir: 'create',
  sync: 'save',
}

function messageOf(op: FsRequest['op'], errno: number): string {
  const path = op.op === 'sync' ? 'the file system' : `"${op.op === 'move' ? op.from : op.path}"`
  return `Cannot ${VERB[op.op]} ${path}: ${errnoName(errno)}`
}

const TOO_LONG = JSON.stringify({
  error: { btcpCode: 'INVALID_PARAMS', message: 'Cannot call a tool: the request is too long (limit messageBytes)' },
})

function hostProgramsOf(host: CellHost, broker: BrokerPort): HostPrograms {
  return (kernel) => {
    const ask = (request: string, process: Process): Promise<string> =>
      request.length > kernel.system.limits.messageBytes ? Promise.resolve(TOO_LONG) : broker.ask(process.call, request)
    const python = new PythonProgram(kernel, {
      module: () => host.loadModule('python'),
      archive: (name) => host.readModule(name),
      request: ask,
    })
    const js = new JsProgram(kernel, { startSnippet: () => host.startSnippet?.() ?? broker.startSnippet() }, ask)
    return new Map<string, HostProgram>([
      ['python', python],
      ['js', js],
      ['btcp', new BtcpProgram(kernel, ask)],
      [WASM_TOOL, new ToolProgram(kernel, { request: ask, ...(host.toolModules ? { modules: host.toolModules } : {}) })],
    ])
  }
}

/** The programs that are no file of the build, and what one who reads them finds. */
const HOST_FILES: ReadonlyMap<string, Uint8Array<ArrayBuffer>> = new Map([
  ['js', bytesOf('JavaScript, run by the host: see "js --help"\n')],
  ['btcp', bytesOf('Tools from the shell, run by the host: see "btcp --help"\n')],
  [WASM_TOOL, bytesOf('Modules of WebAssembly tools, run by the host: see "wasm-tool"\n')],
])

function catalogOf(host: CellHost): ProgramCatalog {
  const programs = new Map<string, { module: string; size: number }>()
  for (const { name, programs: names, bytes } of host.modules)
    for (const program of names) programs.set(program, { module: name, size: bytes })
  for (const [name, { length }] of HOST_FILES) programs.set(name, { module: name, size: length })
  return {
    names: () => [...programs.keys()].toSorted(),
    find: (name) => programs.get(name),
    read: (module, done) => {
      const file = HOST_FILES.get(module)
      if (file) return done(file)
      host.readModule(module).then(done, (error: unknown) => {
        host.report(error)
        done(undefined)
      })
    },
  }
}
