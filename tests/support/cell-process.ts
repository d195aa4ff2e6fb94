/** A real cell process, spoken to over its wire by a broker that commits everything at once and keeps contents. */
import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { FsOp, FsValue, ToBroker, ToCell } from '../../src/protocol/cell.ts'
import { parseToBroker } from '../../src/protocol/cell-parse.ts'
import { type LimitName, limitsWith } from '../../src/protocol/limits.ts'
import { JournalStore } from './journal-store.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const SCRIPT = `${ROOT}src/sandbox/node/cell-process.ts`
const READABLE = ['src', 'wasm/dist', 'package.json', 'node_modules/@bjorn3']

/** As src/node/cell-child.ts starts it. */
export const LOCK = [
  '--permission',
  ...READABLE.map((path) => `--allow-fs-read=${ROOT}${path}`),
  '--no-experimental-sqlite',
  '--disallow-code-generation-from-strings',
  '--no-addons',
  '--no-warnings',
]

type Exit = Extract<ToBroker, { t: 'exit' }>
export interface Finished extends Omit<Exit, 't' | 'call' | 'usage'> {
  readonly stdout: string
  readonly stderr: string
}

export interface CellOptions {
  readonly limits?: Partial<Record<LimitName, number>>
  readonly store?: JournalStore
  readonly flags?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  readonly seed?: number
  /** when false, output is not credited */
  readonly credit?: boolean
}

export class TestCell {
  readonly store: JournalStore
  readonly heard: ToBroker[] = []
  readonly child: ChildProcess
  readonly #limits
  readonly #options: CellOptions
  readonly #listeners = new Set<(message: ToBroker) => void>()
  readonly closed: Promise<void>
  #calls = 0
  #requests = 0

  constructor(options: CellOptions = {}) {
    this.#options = options
    this.store = options.store ?? new JournalStore()
    this.#limits = limitsWith(options.limits)
    this.child = spawn(process.execPath, [...(options.flags ?? LOCK), SCRIPT], {
      env: options.env ?? {},
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      serialization: 'advanced',
    })
    this.closed = new Promise((resolve) => {
      this.child.on('exit', () => resolve())
    })
    this.child.on('message', (raw) => this.#hear(raw))
  }

  /** Boots from what the store holds; what the cell answers first: ready or refused. */
  async boot(): Promise<ToBroker> {
    const { seed } = this.#options
    const answer = this.next((message) => message.t === 'ready' || message.t === 'refused')
    this.say({
      t: 'boot',
      version: 1,
      limits: this.#limits,
      env: { FROM: 'boot' },
      ...(seed === undefined ? {} : { seed }),
      metadata: this.store.metadata,
      seq: this.store.seq,
      mounts: [],
      memories: 64,
    })
    return await answer
  }

  static async ready(options: CellOptions = {}): Promise<TestCell> {
    const cell = new TestCell(options)
    const answer = await cell.boot()
    if (answer.t !== 'ready') throw new Error(JSON.stringify(answer))
    return cell
  }

  say(message: ToCell): void {
    this.child.send(message)
  }

  next(matches: (message: ToBroker) => boolean): Promise<ToBroker> {
    return new Promise((resolve, reject) => {
      const listener = (message: ToBroker): void => {
        if (!matches(message)) return
        this.#listeners.delete(listener)
        resolve(message)
      }
      this.#listeners.add(listener)
      void this.closed.then(() => reject(new Error('the cell ended')))
    })
  }

  start(argv: readonly string[], more: Partial<Extract<ToCell, { t: 'run' }>> = {}): { call: string; finished: Promise<Finished> } {
    const call = `call${++this.#calls}`
    const finished = this.next((message) => message.t === 'exit' && message.call === call).then((message) => {
      const { t: _t, call: _call, usage: _usage, ...exit } = message as Exit
      return { ...exit, stdout: this.output(call, 1), stderr: this.output(call, 2) }
    })
    this.say({ t: 'run', call, argv, stdin: false, ...more })
    return { call, finished }
  }

  async run(argv: readonly string[], stdin?: string): Promise<Finished> {
    const { call, finished } = this.start(argv, { stdin: stdin !== undefined })
    if (stdin !== undefined) {
      this.say({ t: 'stdin', call, bytes: new TextEncoder().encode(stdin) })
      this.say({ t: 'stdin', call, bytes: null })
    }
    return await finished
  }

  output(call: string, fd: 1 | 2): string {
    const parts = this.heard.filter((message) => message.t === 'out' && message.call === call && message.fd === fd)
    return new TextDecoder().decode(Buffer.concat(parts.map((part) => (part as Extract<ToBroker, { t: 'out' }>).bytes)))
  }

  /** The value, or the number and text of the error. */
  async fs(op: FsOp): Promise<FsValue | { errno: number; message: string }> {
    const req = ++this.#requests
    const answer = this.next((message) => message.t === 'answer' && message.req === req)
    this.say({ t: 'fs', req, op })
    const { value, error } = (await answer) as Extract<ToBroker, { t: 'answer' }>
    return value ?? error!
  }

  async write(path: string, text: string): Promise<void> {
    const bytes = new TextEncoder().encode(text)
    await this.fs({ op: 'write', path, bytes, mode: 'replace', offset: 0, mkdirs: true })
  }
  async read(path: string): Promise<string> {
    const value = await this.fs({ op: 'read', path, offset: 0, length: 1e6 })
    return 'errno' in value ? value.message : new TextDecoder().decode((value as Extract<FsValue, { op: 'read' }>).bytes)
  }

  async end(): Promise<void> {
    this.child.kill('SIGKILL')
    await this.closed
  }

  #hear(raw: unknown): void {
    const parsed = parseToBroker(raw, this.#limits)
    if (!parsed.ok) throw new Error(`the cell broke the wire's rules: ${parsed.reason}`)
    const message = parsed.value
    this.heard.push(message)
    if (message.t === 'journal') {
      this.store.post(message as never)
      this.say({ t: 'committed', seq: message.seq })
    }
    if (message.t === 'fault')
      this.store.fault(message.mount, message.ino, message.index, (bytes) =>
        this.say({ t: 'chunk', req: message.req, bytes: bytes as Uint8Array }),
      )
    if (message.t === 'out' && this.#options.credit !== false)
      this.say({ t: 'credit', call: message.call, fd: message.fd, bytes: message.bytes.length })
    for (const listener of this.#listeners) listener(message)
  }
}
