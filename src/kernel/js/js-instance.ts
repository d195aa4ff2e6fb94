/**
 * One `js` process: it reads its script, has it run, and serves what the script prints, reads and asks for. It is an event loop of
 * generators. Whatever arrives only wakes the process, and the work is done when the scheduler resumes it, so a stopped process does nothing
 * and a killed one ends its script at once. What the script says is hostile: see protocol/js-wire.ts.
 */
import {
  encodeScriptMessage,
  type FromScript,
  JS_OUTPUT_CREDIT,
  JS_WINDOW_BYTES,
  JS_WINDOW_MESSAGES,
  parseFromScript,
  type ScriptStart,
} from '../../protocol/js-wire.ts'
import { Errno, errnoName, SysError } from '../errno.ts'
import type { HostInstance, HostProgramKernel } from '../process/host-program.ts'
import type { Process } from '../process/process.ts'
import { Signal } from '../process/signal.ts'
import { WaitQueue } from '../process/wait-queue.ts'
import { type ByteString, byteString, bytesOf, fromText, toText } from '../vfs/byte-string.ts'
import { GuestMemory } from '../wasi/memory.ts'
import { parseCommandLine, type RunCommand, type ScriptSource } from './command-line.ts'
import { JsFiles, readSome, type Reply, writeAll } from './js-files.ts'
import type { AskCell } from './js-program.ts'
import type { SnippetPort } from './snippet-port.ts'
import { type Task, Tasks, type Waiting } from './tasks.ts'

const RESULT_VARIABLE = 'TIDEPOOL_RESULT_FD=3'
const RESULT_FD = 3
const READ_BYTES = 64 * 1024
const USAGE_STATUS = 9
const REFUSED_STATUS = 126

export class JsInstance implements HostInstance {
  /** It has none: the script's memory is elsewhere. */
  readonly guest = new GuestMemory({ buffer: new ArrayBuffer(0), grow: () => 0 }, () => {})
  readonly #kernel: HostProgramKernel
  readonly #argv: readonly ByteString[]
  readonly #env: readonly ByteString[]
  readonly #wantsResult: boolean
  readonly #startSnippet: () => SnippetPort | undefined
  readonly #askCell: AskCell
  readonly #status = Promise.withResolvers<number>()
  readonly #tasks = new Tasks(() => this.#process!.wake())
  /** what has arrived and was not looked at yet: a message, or why there will be no more */
  readonly #inbox: (Uint8Array | { readonly gone: string })[] = []
  #inboxBytes = 0
  readonly #output: Readonly<Record<1 | 2, { readonly parts: Uint8Array[]; task: Task | undefined }>> = {
    1: { parts: [], task: undefined },
    2: { parts: [], task: undefined },
  }
  /** output that the script may send without further credit */
  readonly #credit = { 1: JS_OUTPUT_CREDIT, 2: JS_OUTPUT_CREDIT }
  readonly #open = new Set<number>()
  #process: Process | undefined
  #files: JsFiles | undefined
  #port: SnippetPort | undefined
  #starts: ScriptStart | undefined
  #exit: number | undefined

  constructor(
    kernel: HostProgramKernel,
    argv: readonly ByteString[],
    env: readonly ByteString[],
    startSnippet: () => SnippetPort | undefined,
    askCell: AskCell,
  ) {
    this.#kernel = kernel
    this.#argv = argv
    this.#env = env
    this.#wantsResult = env.includes(RESULT_VARIABLE)
    this.#startSnippet = startSnippet
    this.#askCell = askCell
  }

  start(): Promise<number> {
    const process = this.#kernel.system.scheduler.current!
    this.#process = process
    this.#files = new JsFiles(this.#kernel.system.vfs, process)
    this.#tasks.begin(this.#main())
    this.#step()
    this.#rest()
    return this.#status.promise
  }

  release(): void {
    this.#close()
  }

  // --- the event loop
  /** The scheduler's turn for this process. */
  #turn(): void {
    const { scheduler } = this.#kernel.system
    scheduler.switchTo(this.#process)
    this.#step()
    scheduler.switchTo(undefined)
    this.#rest()
  }

  #step(): void {
    try {
      this.#takeInbox()
      this.#tasks.runReady(() => this.#isRunning)
    } catch (error) {
      this.#kernel.report(error)
      this.#exit ??= 1
    }
  }

  get #isRunning(): boolean {
    return this.#process!.alive && this.#exit === undefined
  }

  /** Until it is woken, or for good. */
  #rest(): void {
    if (this.#isRunning) {
      this.#process!.resume = () => this.#turn()
      return
    }
    this.#close()
    this.#status.resolve(this.#exit ?? 0)
  }

  #close(): void {
    this.#port?.end()
    this.#port = undefined
    this.#tasks.close()
    this.#inbox.length = 0
  }

  // --- from the command line to the script
  *#main(): Waiting<void> {
    const command = parseCommandLine(this.#argv)
    if (command.do === 'say') return yield* this.#sayAndExit(1, command.text, 0)
    if (command.do === 'complain') return yield* this.#sayAndExit(2, command.text, USAGE_STATUS)
    const limit = command.form === 'script' ? 'scriptBytes' : 'jsModuleBytes'
    const most = this.#kernel.system.limits[limit]
    const code = yield* this.#source(command.source, most)
    if (code === undefined) return
    if (code.length > most) {
      return yield* this.#sayAndExit(2, `js: Cannot run "${nameOf(command.source)}": it is longer than the limit ${limit}\n`, 1)
    }
    this.#starts = this.#startOf(command, toText(code))
    this.#port = this.#startSnippet()
    if (!this.#port) return yield* this.#sayAndExit(2, 'js: Cannot run the script: as many run as the limit jsWorkers allows\n', 1)
    this.#port.listen(
      (raw) => this.#hear(raw),
      (reason) => this.#receive({ gone: reason }),
    )
  }

  #startOf({ source, args, print, form }: RunCommand, code: string): ScriptStart {
    const { jsTimers, jsRequests, jsOutputBytes, jsResultBytes, jsModuleBytes } = this.#kernel.system.limits
    return {
      name: nameOf(source),
      ...this.#pathOf(source),
      code,
      args: args.map(toText),
      form,
      env: this.#variables(),
      print,
      result: this.#wantsResult,
      limits: {
        timers: jsTimers,
        requests: jsRequests,
        outputBytes: jsOutputBytes,
        resultBytes: jsResultBytes,
        moduleBytes: jsModuleBytes,
      },
    }
  }

  #variables(): Readonly<Record<string, string>> {
    const pairs = this.#env.map((variable): [string, string] => {
      const at = variable.indexOf('=')
      return [toText(variable.slice(0, at)), toText(variable.slice(at + 1))]
    })
    return Object.fromEntries(pairs)
  }

  #pathOf(source: ScriptSource): { readonly path?: string } {
    if (source.from !== 'file') return {}
    const { cwd } = this.#process!
    const above = source.path.startsWith('/') ? '' : `${this.#kernel.system.vfs.pathOf(cwd)}/`
    return { path: toText(above + source.path.replace(/^(?:\.\/+)+/, '')) }
  }

  /** Undefined where it cannot be read, which has been said. */
  *#source(source: ScriptSource, most: number): Waiting<ByteString | undefined> {
    if (source.from === 'code') return source.code
    try {
      return source.from === 'stdin' ? yield* this.#readInput(most) : yield* this.#readFile(source.path, most)
    } catch (error) {
      if (!(error instanceof SysError)) throw error
      yield* this.#sayAndExit(2, `js: Cannot read "${nameOf(source)}": ${errnoName(error.errno)}\n`, 1)
      return undefined
    }
  }

  *#readInput(most: number): Waiting<ByteString> {
    const { file } = this.#process!.fds.get(0)
    let code = ''
    for (;;) {
      const bytes = yield* readSome(file, READ_BYTES)
      code += byteString(bytes)
      if (bytes.length === 0 || code.length > most) return code
    }
  }

  *#readFile(path: ByteString, most: number): Waiting<ByteString> {
    let code = ''
    for (;;) {
      const { value: isEnd, bytes } = yield* this.#files!.read(path, code.length, READ_BYTES)
      code += byteString(bytes!)
      if (isEnd || code.length > most) return code
    }
  }

  *#sayAndExit(fd: 1 | 2, text: string, status: number): Waiting<void> {
    yield* this.#write(fd, bytesOf(fromText(text)))
    this.#exit = status
  }

  // --- what the script says
  #hear(raw: unknown): void {
    this.#receive(raw instanceof Uint8Array ? raw : { gone: 'it broke the rules of its port: a message is no byte array' })
  }

  #receive(message: Uint8Array | { readonly gone: string }): void {
    if (!this.#port) return
    this.#inbox.push(message)
    if (message instanceof Uint8Array) this.#inboxBytes += message.length
    if (this.#inboxBytes > JS_WINDOW_BYTES || this.#inbox.length > JS_WINDOW_MESSAGES) {
      this.#inbox.length = 0
      this.#inboxBytes = 0
      this.#inbox.push({ gone: 'it broke the rules of its port: it floods it' })
      this.#port.end()
    }
    this.#process!.wake()
  }

  #takeInbox(): void {
    const messages = this.#inbox.splice(0)
    this.#inboxBytes = 0
    for (const message of messages) {
      if (!this.#port || !this.#isRunning) return
      if (!(message instanceof Uint8Array)) this.#die(message.gone)
      else {
        const parsed = parseFromScript(message)
        if (parsed.ok) this.#take(parsed.value)
        else this.#breach(parsed.reason)
      }
    }
  }

  #take(message: FromScript): void {
    switch (message.t) {
      case 'ready':
        return this.#run()
      case 'refused':
        this.#port?.end()
        this.#port = undefined
        return void this.#tasks.begin(this.#sayAndExit(2, `js: Cannot run the script: ${message.reason}\n`, REFUSED_STATUS))
      case 'out':
        return this.#print(message.fd, message.bytes)
      case 'ask':
        return this.#ask(message)
      case 'end':
        this.#port?.end()
        this.#port = undefined
        return void this.#tasks.begin(this.#ending(message.status, message.bytes))
    }
  }

  #run(): void {
    const start = this.#starts
    this.#starts = undefined
    if (!start) return this.#breach('it is ready twice')
    this.#say({ t: 'start', ...start, args: [...start.args], limits: { ...start.limits } })
  }

  #print(fd: 1 | 2, bytes: Uint8Array): void {
    this.#credit[fd] -= bytes.length
    if (this.#credit[fd] < 0) return this.#breach('it prints more than it has credit for')
    const output = this.#output[fd]
    output.parts.push(bytes)
    output.task ??= this.#tasks.begin(this.#drain(fd))
  }

  *#drain(fd: 1 | 2): Waiting<void> {
    const output = this.#output[fd]
    for (let part = output.parts.shift(); part; part = output.parts.shift()) {
      yield* this.#write(fd, part)
      this.#credit[fd] += part.length
      this.#say({ t: 'credit', fd, bytes: part.length })
    }
    output.task = undefined
  }

  /** What cannot be written because nobody reads it ends the process, unless it ignores SIGPIPE; other errors lose it. */
  *#write(fd: number, bytes: Uint8Array): Waiting<void> {
    try {
      yield* writeAll(this.#process!.fds.get(fd).file, bytes)
    } catch (error) {
      if (!(error instanceof SysError)) throw error
      if (error.errno === Errno.EPIPE && fd !== RESULT_FD) this.#kernel.system.table.send(this.#process!, Signal.PIPE)
    }
  }

  #ask({ req, op, bytes }: Extract<FromScript, { t: 'ask' }>): void {
    if (this.#open.has(req) || this.#open.size >= this.#kernel.system.limits.jsRequests) return this.#breach('it asks too much at once')
    this.#open.add(req)
    this.#tasks.begin(this.#answer(req, op.op === 'tool' ? this.#tool(bytes) : this.#files!.perform(op, bytes)))
  }

  /** A tool's answer, which comes when it comes. */
  *#tool(request: Uint8Array): Waiting<Reply> {
    const asked: { readonly answered: WaitQueue; answer?: string } = { answered: new WaitQueue() }
    void this.#askCell(toText(byteString(request)), this.#process!).then((answer) => {
      asked.answer = answer
      asked.answered.wakeAll()
    })
    while (asked.answer === undefined) yield asked.answered
    const bytes = bytesOf(fromText(asked.answer))
    // The message has a header, too.
    if (bytes.length > this.#kernel.system.limits.messageBytes / 2) throw SysError.of(Errno.EFBIG)
    return { bytes }
  }

  *#answer(req: number, work: Waiting<Reply>): Waiting<void> {
    try {
      const { value, bytes } = yield* work
      this.#open.delete(req)
      this.#say(value === undefined ? { t: 'answer', req } : { t: 'answer', req, value }, bytes)
    } catch (error) {
      if (!(error instanceof SysError)) this.#kernel.report(error)
      this.#open.delete(req)
      this.#say({ t: 'answer', req, code: error instanceof SysError ? errnoName(error.errno) : 'EIO' })
    }
  }

  /** The script is over: its output first, then its result, then its status. */
  *#ending(status: number, result: Uint8Array): Waiting<void> {
    for (const fd of [1, 2] as const) {
      const { task } = this.#output[fd]
      if (task) yield* this.#tasks.take(task)
    }
    if (this.#wantsResult && result.length > 0) yield* this.#write(RESULT_FD, result)
    this.#exit = status
  }

  #say(header: Parameters<typeof encodeScriptMessage>[0], bytes?: Uint8Array): void {
    this.#port?.send(encodeScriptMessage(header, bytes))
  }

  #breach(reason: string): void {
    this.#die(`it broke the rules of its port: ${reason}`)
  }

  /** The script is gone, or has to go: what it is told on standard error, as far as there is room, and status 137. */
  #die(reason: string): void {
    this.#port?.end()
    this.#port = undefined
    try {
      this.#process!.fds.get(2).file.write(bytesOf(fromText(`js: the script was ended: ${reason}\n`)))
    } catch (error) {
      if (!(error instanceof SysError)) throw error
    }
    if (this.#process!.alive) this.#kernel.system.table.end(this.#process!, Signal.KILL)
  }
}

function nameOf(source: ScriptSource): string {
  if (source.from === 'file') return toText(source.path)
  return source.from === 'code' ? '[eval]' : '[stdin]'
}
