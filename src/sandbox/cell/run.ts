/** One run: a session of the kernel whose standard streams are the broker's. Its exit is sent after its last output. */
import type { Kernel, Session } from '../../kernel/kernel.ts'
import { type ByteString, fromText } from '../../kernel/vfs/byte-string.ts'
import type { OutputFd, ToCell } from '../../protocol/cell.ts'
import type { Limits } from '../../protocol/limits.ts'
import type { BrokerPort } from './broker-port.ts'
import { InputStream, OutputStream } from './stream.ts'

export type RunRequest = Extract<ToCell, { t: 'run' }>

/** The environment that every cell shows (kernel.md section 3). */
const DEFAULTS: Readonly<Record<string, string>> = {
  HOME: '/home/user',
  USER: 'user',
  LOGNAME: 'user',
  HOSTNAME: 'tidepool',
  SHELL: '/bin/bash',
  PATH: '/usr/local/bin:/usr/bin:/bin',
  LANG: 'C.UTF-8',
  TZ: 'UTC',
  PWD: '/home/user',
}
/** How many changes an exit tells. */
const CHANGES = 100

export class Run {
  readonly #request: RunRequest
  readonly #kernel: Kernel
  readonly #broker: BrokerPort
  readonly #limits: Limits
  readonly #startedAt: number
  readonly #monotonic: () => number
  readonly #stdin: InputStream
  readonly #out: { readonly 1: OutputStream; readonly 2: OutputStream; readonly 3?: OutputStream }
  readonly #session: Session

  constructor(
    request: RunRequest,
    kernel: Kernel,
    broker: BrokerPort,
    limits: Limits,
    bootEnv: Readonly<Record<string, string>>,
    monotonic: () => number,
  ) {
    this.#request = request
    this.#kernel = kernel
    this.#broker = broker
    this.#limits = limits
    this.#monotonic = monotonic
    this.#startedAt = monotonic()
    this.#stdin = new InputStream(kernel.vfs, (bytes) => broker.send({ t: 'took', call: request.call, bytes }))
    if (!request.stdin) this.#stdin.end()
    const [out, err] = [this.#output(1), this.#output(2)]
    this.#out = { 1: out, 2: err, ...(request.result ? { 3: this.#output(3, [out, err]) } : {}) }
    const cwd = request.cwd === undefined ? DEFAULTS['HOME']! : absolute(request.cwd)
    this.#session = kernel.start({
      call: request.call,
      argv: request.argv.map(fromText),
      cwd: fromText(cwd),
      env: environment({ ...DEFAULTS, ...bootEnv, PWD: cwd, ...request.env }),
      stdin: this.#stdin.reader,
      stdout: this.#out[1].writer,
      stderr: this.#out[2].writer,
      ...(this.#out[3] ? { result: this.#out[3].writer } : {}),
    })
  }

  /** Resolves when its exit has been sent. */
  async finish(): Promise<void> {
    const { status, signal, processes, seq, error } = await this.#session.exited
    this.#stdin.close()
    await Promise.all(Object.values(this.#out).map((stream) => stream.ended))
    this.#broker.send({
      t: 'exit',
      call: this.#request.call,
      status,
      ...(signal === undefined ? {} : { signal }),
      usage: { durationMs: Math.max(0, this.#monotonic() - this.#startedAt), processes },
      changed: this.#kernel.files.changes
        .end(this.#request.call)
        .filter(({ path }) => path.length <= this.#limits.pathBytes)
        .slice(0, CHANGES),
      seq,
      ...(error ? { error } : {}),
    })
  }

  input(bytes: Uint8Array | null): void {
    if (bytes === null) this.#stdin.end()
    else this.#stdin.push(bytes)
  }
  credit(fd: OutputFd, bytes: number): void {
    this.#out[fd]?.addCredit(bytes)
  }
  close(fd: OutputFd): void {
    this.#out[fd]?.close()
  }
  kill(signal: number): void {
    this.#session.kill(signal)
  }

  #output(fd: OutputFd, after: readonly OutputStream[] = []): OutputStream {
    const { call } = this.#request
    const emit = (bytes: Uint8Array<ArrayBuffer>): void => this.#broker.send({ t: 'out', call, fd, bytes }, [bytes.buffer])
    return new OutputStream(this.#kernel.vfs, this.#limits.outputCreditBytes, emit, after)
  }
}

const absolute = (path: string): string => (path.startsWith('/') ? path : `/home/user/${path}`)

function environment(variables: Readonly<Record<string, string>>): ByteString[] {
  return Object.entries(variables).map(([name, value]) => fromText(`${name}=${value}`))
}
