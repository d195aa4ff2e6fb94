/**
 * A script's whole life, on any host: the host proves that it is shut in, the script comes, gets its globals, runs, and ends when its
 * module is through and nothing is left to wait for. Invariant: no code of the script runs before the proof.
 */
import type { ScriptStart } from '../../protocol/js-wire.ts'
import { Activity } from './activity.ts'
import { makeConsole } from './console.ts'
import { makeCrypto } from './crypto.ts'
import { describe, type Failure, Failures } from './failure.ts'
import { Files } from './files.ts'
import { type Form, type Running, SCRIPT_FORM } from './form.ts'
import { Input } from './input.ts'
import type { JsHost } from './js-host.ts'
import { nodeForm } from './node/node-form.ts'
import { Output } from './output.ts'
import { CellPort } from './port.ts'
import { inspected, resultLine } from './result.ts'
import { type PreparedSource, ScriptSyntaxError, unusedName } from './source.ts'
import { makeTimers } from './timers.ts'
import { toolForm } from './tool-form.ts'
import { Tools } from './tools.ts'

/** As Node's, where a script waits for what never comes. */
const UNSETTLED_STATUS = 13
const UNSETTLED = 'the script waits at its top level for a promise that nothing will settle'

export async function runScript(host: JsHost): Promise<void> {
  const port = new CellPort(host)
  try {
    await host.prove()
  } catch (error) {
    return port.refuse(error instanceof Error ? error.message : String(error))
  }
  await new Script(host, port, await port.start()).run()
}

class Script {
  readonly #host: JsHost
  readonly #port: CellPort
  readonly #start: ScriptStart
  readonly #stdout: Output
  readonly #stderr: Output
  readonly #failures: Failures
  readonly #activity = new Activity(() => this.#endIfIdle())
  readonly #running: Running
  readonly #form: Form
  /** its own code has begun, is through */
  #begun = false
  #through = false
  #isOver = false
  /** what the script's text has of us */
  readonly #hook: { value: unknown; readonly meta: object }

  constructor(host: JsHost, port: CellPort, start: ScriptStart) {
    this.#host = host
    this.#port = port
    this.#start = start
    const most = start.limits.outputBytes
    const outputHost = { encode: host.encode, now: host.now, microtask, overflow: () => this.#overflow() }
    this.#stdout = new Output(port, 1, most, outputHost)
    this.#stderr = new Output(port, 2, most, outputHost)
    port.onCredit = (fd, bytes) => (fd === 1 ? this.#stdout : this.#stderr).credit(bytes)
    this.#failures = new Failures(start.name, start.code)
    const { name, path = name } = start
    this.#running = {
      start,
      host,
      activity: this.#activity,
      input: new Input(port, this.#activity, host),
      files: new Files(port, this.#activity, host),
      tools: new Tools(port, this.#activity, host, start.env),
      write: (fd, data) => this.#print(fd === 1 ? this.#stdout : this.#stderr, data),
      drained: (fd) => (fd === 1 ? this.#stdout : this.#stderr).drained(),
      call: (task) => this.#call(task),
      finish: (status) => this.#finish(status),
      exit: (status) => this.#exit(status),
    }
    this.#form = FORMS[start.form](this.#running)
    const meta = { main: true, filename: path, dirname: path.replace(/\/?[^/]*$/, '') || '/', url: `file://${encodeURI(path)}` }
    this.#hook = { value: undefined, meta }
  }

  async run(): Promise<void> {
    const hook = unusedName(this.#start.code)
    const { prepareStackTrace } = this.#failures
    Object.defineProperty(Error, 'prepareStackTrace', { value: prepareStackTrace, writable: false, configurable: false })
    try {
      const source = await this.#prepare(hook)
      if (!source) return
      await this.#form.ready?.()
      Object.assign(this.#hook, this.#form.hook)
      this.#install(hook)
      this.#host.onUncaught((error) => this.#fail(error))
      const { address, done } = this.#host.load(source.text)
      this.#failures.expect(source, address)
      const exports = (await done) as Readonly<Record<string, unknown>>
      await this.#form.through?.(exports)
      this.#through = true
      this.#endIfIdle()
    } catch (error) {
      this.#fail(error)
    }
  }

  async #prepare(hook: string): Promise<PreparedSource | undefined> {
    try {
      return await this.#form.prepare(this.#start.code, hook)
    } catch (error) {
      if (!(error instanceof ScriptSyntaxError)) throw error
      const failure = this.#failures.ofSyntax(error)
      this.#failWith(failure, failure.stack)
      return undefined
    }
  }

  // --- its end
  /** The script's first act; the name is gone before its second. */
  #begin(hook: string): object {
    Reflect.deleteProperty(globalThis, hook)
    this.#begun = true
    this.#endIfIdle()
    return this.#hook
  }

  /** Not at once: what is settled or rejected in this very turn may have something follow. */
  #endIfIdle(): void {
    this.#host.macrotask(() => this.#host.macrotask(() => this.#endNowIfIdle()))
  }

  #endNowIfIdle(): void {
    if (this.#isOver || !this.#activity.isNone) return
    if (this.#through) return this.#succeed()
    if (!this.#begun) return
    this.#stderr.write(`Warning: ${UNSETTLED}\n`)
    this.#finish(UNSETTLED_STATUS, { name: 'Error', message: UNSETTLED, line: null, column: null, stack: '' })
  }

  #succeed(): void {
    if (this.#start.print) this.#stdout.write(`${inspectedOrText(this.#hook.value)}\n`)
    this.#finish(this.#form.status?.() ?? 0)
  }

  #fail(error: unknown): void {
    if (this.#isOver) return
    const failure = this.#failures.ofError(error)
    this.#failWith(failure, describe(error, failure))
  }

  #failWith(failure: Failure, text: string): void {
    if (this.#isOver) return
    // Who asked for the result is told there.
    if (!this.#start.result) this.#stderr.write(this.#failures.print(failure, text))
    this.#finish(1, failure)
  }

  /** At once where all output can be sent; a script that computes on is ended with it. */
  #finish(status: number, failure?: Failure): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#stdout.flush(true)
    this.#stderr.flush(true)
    const end = (): void => this.#port.end(status, this.#result(failure))
    if (this.#stdout.isEmpty && this.#stderr.isEmpty) end()
    else void Promise.all([this.#stdout.drained(), this.#stderr.drained()]).then(end)
  }

  #result(failure: Failure | undefined): Uint8Array {
    if (!this.#start.result) return new Uint8Array(0)
    return resultLine(this.#hook.value, failure, this.#start.limits.resultBytes, this.#host.encode)
  }

  /** The script may never rest again, so nothing can be waited for: what waits is lost, and that is said. */
  #overflow(): void {
    if (this.#isOver) return
    this.#isOver = true
    const message = 'Cannot print: more output waits than the limit jsOutputBytes allows'
    this.#port.send({ t: 'out', fd: 2, bytes: this.#host.encode(`js: ${message}\n`) })
    this.#port.end(1, this.#result({ name: 'RangeError', message, line: null, column: null, stack: '' }))
  }

  // --- what it finds
  #install(hook: string): void {
    const { args } = this.#start
    const { files, input, tools } = this.#running
    const timers = makeTimers(this.#host, this.#activity, this.#start.limits.timers, (task) => this.#call(task))
    const globals: Record<string, unknown> = {
      ...this.#host.globals,
      ...timers,
      console: makeConsole({
        out: (text) => this.#running.write(this.#form.logsTo, text),
        err: (text) => this.#print(this.#stderr, text),
        now: this.#host.now,
      }),
      fs: files.api,
      args: [...args],
      stdin: input.api,
      stdout: this.#stream(this.#stdout),
      stderr: this.#stream(this.#stderr),
      exit: (status?: unknown) => this.#exit(status),
      btcp: tools.api,
      performance: { now: () => Math.floor(this.#host.now() * 10) / 10 },
      crypto: makeCrypto(this.#host),
      ...this.#form.globals,
      [hook]: () => this.#begin(hook),
    }
    for (const [key, value] of Object.entries(globals))
      Object.defineProperty(globalThis, key, { value, enumerable: false, configurable: true, writable: true })
  }

  #print(stream: Output, data: string | Uint8Array): void {
    if (!this.#isOver) stream.write(data)
  }

  #stream(output: Output): object {
    return {
      /** Resolves when the cell has taken it. */
      write: async (data: unknown): Promise<void> => {
        this.#print(output, data instanceof Uint8Array ? data : String(data))
        await this.#activity.during(output.drained())
      },
    }
  }

  /** Ends the script; what is thrown only stops what runs now. */
  #exit(status: unknown): never {
    this.#finish(status === undefined ? 0 : Number(status) | 0)
    throw EXIT
  }

  /** A task of its own: what it throws is nobody's to catch. */
  #call(task: () => unknown): void {
    if (this.#isOver) return
    try {
      task()
    } catch (error) {
      this.#fail(error)
    }
  }
}

const FORMS: Readonly<Record<ScriptStart['form'], (running: Running) => Form>> = {
  script: () => SCRIPT_FORM,
  tool: toolForm,
  node: nodeForm,
}

/** Thrown by `exit`. */
const EXIT = Object.freeze({ exit: 'script' })

const later = Promise.resolve()
const microtask = (task: () => void): void => void later.then(task)

/** A text as it is, as `node -p` prints it. */
const inspectedOrText = (value: unknown): string => (typeof value === 'string' ? value : inspected(value))
