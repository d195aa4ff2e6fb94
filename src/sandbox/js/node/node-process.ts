/** `process` of a program for Node. */
import type { Running } from '../form.ts'
import type { BufferClass } from './buffer.ts'
import { Emitter } from './emitter.ts'
import { NodeInput } from './node-input.ts'

/** Whose ways are followed. */
const VERSION = '22.0.0'

export class NodeProcess extends Emitter {
  readonly argv: readonly string[]
  readonly argv0 = 'node'
  readonly execArgv: readonly string[] = []
  readonly execPath = '/usr/bin/js'
  readonly env: Record<string, string>
  readonly title = 'js'
  readonly pid = 1
  readonly platform = 'linux'
  readonly arch = 'wasm32'
  readonly version = `v${VERSION}`
  readonly versions = { node: VERSION }
  readonly stdin: NodeInput
  readonly stdout: NodeOutput
  readonly stderr: NodeOutput
  exitCode: number | undefined
  readonly #running: Running
  readonly #cwd: string
  readonly #started: number

  constructor(running: Running, cwd: string, input: Uint8Array, buffer: BufferClass) {
    super()
    const { args, env, name, path = name } = running.start
    this.#running = running
    this.#cwd = cwd
    this.#started = running.host.now()
    this.argv = ['/usr/bin/node', path, ...args]
    this.env = { ...env }
    this.stdin = new NodeInput(input, buffer, running)
    this.stdout = new NodeOutput(1, running)
    this.stderr = new NodeOutput(2, running)
  }

  cwd = (): string => this.#cwd
  exit = (status?: unknown): never => this.#running.exit(status ?? this.exitCode)
  uptime = (): number => (this.#running.host.now() - this.#started) / 1000
  nextTick = (task: (...args: unknown[]) => unknown, ...args: unknown[]): void =>
    void Promise.resolve().then(() => this.#running.call(() => task(...args)))
  emitWarning = (warning: unknown): void => this.#running.write(2, `Warning: ${String(warning)}\n`)
  readonly hrtime = Object.assign(
    (before: readonly [number, number] = [0, 0]): [number, number] => {
      const nanoseconds = Math.floor(this.#running.host.now() * 1e6) - (before[0] * 1e9 + before[1])
      return [Math.floor(nanoseconds / 1e9), nanoseconds % 1e9]
    },
    { bigint: (): bigint => BigInt(Math.floor(this.#running.host.now() * 1e6)) },
  )
}

class NodeOutput extends Emitter {
  readonly fd: 1 | 2
  readonly isTTY = false
  readonly writable = true
  readonly #running: Running

  constructor(fd: 1 | 2, running: Running) {
    super()
    this.fd = fd
    this.#running = running
  }

  /** True: what waits is bounded by a limit of its own. The last argument hears when the cell has taken it. */
  write = (data: unknown, ...more: unknown[]): boolean => {
    const { write, drained, activity, call } = this.#running
    write(this.fd, data instanceof Uint8Array ? data : String(data))
    const done = more.at(-1)
    if (typeof done === 'function') void activity.during(drained(this.fd)).then(() => call(() => (done as () => unknown)()))
    return true
  }
  end = (data?: unknown, ...more: unknown[]): this => {
    if (typeof data === 'function') this.write('', data)
    else this.write(data ?? '', ...more)
    return this
  }
}
