/**
 * One `btcp` process: reads its arguments, asks, waits, prints. Like every process it works only when the scheduler resumes it; one that was
 * killed while it waits hears no answer any more.
 */
import { Errno, errnoName, SysError } from '../errno.ts'
import { readSome, writeAll } from '../js/js-files.ts'
import { Tasks, type Waiting } from '../js/tasks.ts'
import type { HostInstance, HostProgramKernel } from '../process/host-program.ts'
import type { Process } from '../process/process.ts'
import { Signal } from '../process/signal.ts'
import { WaitQueue } from '../process/wait-queue.ts'
import { type ByteString, byteString, bytesOf, fromText, toText } from '../vfs/byte-string.ts'
import { FileKind } from '../vfs/inode.ts'
import { GuestMemory } from '../wasi/memory.ts'
import { type Answer, listing, type ListedTool, parseAnswer, parseArguments, toolsOf } from './answer.ts'
import type { Ask } from './btcp-program.ts'
import { type BtcpCommand, parseCommandLine } from './command-line.ts'

type CallCommand = Extract<BtcpCommand, { do: 'call' }>

const READ_BYTES = 64 * 1024
const FAILED = 1
const USAGE = 2

export class BtcpInstance implements HostInstance {
  /** It has none. */
  readonly guest = new GuestMemory({ buffer: new ArrayBuffer(0), grow: () => 0 }, () => {})
  readonly #kernel: HostProgramKernel
  readonly #argv: readonly ByteString[]
  readonly #ask: Ask
  readonly #status = Promise.withResolvers<number>()
  readonly #tasks = new Tasks(() => this.#process!.wake())
  #process: Process | undefined
  #exit: number | undefined

  constructor(kernel: HostProgramKernel, argv: readonly ByteString[], ask: Ask) {
    this.#kernel = kernel
    this.#argv = argv
    this.#ask = ask
  }

  start(): Promise<number> {
    this.#process = this.#kernel.system.scheduler.current!
    this.#tasks.begin(this.#main())
    this.#step()
    return this.#status.promise
  }

  release(): void {
    this.#tasks.close()
  }

  // --- the scheduler's turns
  #turn(): void {
    const { scheduler } = this.#kernel.system
    scheduler.switchTo(this.#process)
    this.#step()
    scheduler.switchTo(undefined)
  }

  #step(): void {
    try {
      this.#tasks.runReady(() => this.#isRunning)
    } catch (error) {
      this.#kernel.report(error)
      this.#exit ??= FAILED
    }
    if (this.#isRunning) {
      this.#process!.resume = () => this.#turn()
      return
    }
    this.#tasks.close()
    this.#status.resolve(this.#exit ?? 0)
  }

  get #isRunning(): boolean {
    return this.#process!.alive && this.#exit === undefined
  }

  // --- the program
  *#main(): Waiting<void> {
    const status = yield* this.#perform(parseCommandLine(this.#argv))
    this.#exit ??= status
  }

  *#perform(command: BtcpCommand): Waiting<number> {
    switch (command.do) {
      case 'say':
        return yield* this.#print(command.text)
      case 'complain':
        return yield* this.#complain(command.text, USAGE)
      case 'call':
        return yield* this.#call(command)
      case 'tools':
        return yield* this.#list((tools) => (command.isJson ? `${JSON.stringify(tools)}\n` : listing(tools)))
      case 'describe':
        return yield* this.#describe(command.tool)
    }
  }

  *#call(command: CallCommand): Waiting<number> {
    const json = yield* this.#argumentsOf(command)
    if (typeof json === 'number') return json
    const args = parseArguments(json)
    if (!args)
      return yield* this.#complain(`btcp: the arguments of ${command.tool} are no JSON object: ${shown(json)}\nTry "btcp --help".\n`, USAGE)
    const answer = yield* this.#request({ tool: command.tool, args })
    if (!answer.ok) {
      if (answer.result !== undefined) yield* this.#print(`${JSON.stringify(answer.result)}\n`)
      return yield* this.#complain(answer.text.replace('describe NAME', `describe ${command.tool}`), FAILED)
    }
    const result = answer.value['structuredContent'] ?? null
    return yield* this.#print(command.isText && typeof result === 'string' ? `${result}\n` : `${JSON.stringify(result)}\n`)
  }

  *#describe(name: string): Waiting<number> {
    let isKnown = true
    const status = yield* this.#list((tools) => {
      const tool = tools.find((listed) => listed.name === name)
      isKnown = tool !== undefined
      return tool ? `${JSON.stringify(tool, undefined, 2)}\n` : ''
    })
    if (isKnown) return status
    return yield* this.#complain(
      `btcp: TOOL_NOT_FOUND: Cannot describe "${name}": no such tool may be called\nWhat there is: btcp tools\n`,
      FAILED,
    )
  }

  *#list(show: (tools: readonly ListedTool[]) => string): Waiting<number> {
    const answer = yield* this.#request({ tools: true })
    return answer.ok ? yield* this.#print(show(toolsOf(answer.value))) : yield* this.#complain(answer.text, FAILED)
  }

  *#request(request: object): Waiting<Answer> {
    const asked: { readonly answered: WaitQueue; answer?: string } = { answered: new WaitQueue() }
    void this.#ask(JSON.stringify(request), this.#process!).then((answer) => {
      asked.answer = answer
      asked.answered.wakeAll()
    })
    while (asked.answer === undefined) yield asked.answered
    return parseAnswer(asked.answer)
  }

  /** The text of the arguments, or the exit status where it cannot be read, which has been said. */
  *#argumentsOf({ args, tool }: CallCommand): Waiting<string | number> {
    if (args.from === 'line') return args.json
    try {
      const { file } = this.#process!.fds.get(0)
      if (args.from === 'piped' && file.inode.kind === FileKind.CharDevice) return '{}'
      let bytes: ByteString = ''
      for (;;) {
        const part = yield* readSome(file, READ_BYTES)
        if (part.length === 0) break
        bytes += byteString(part)
        if (bytes.length > this.#kernel.system.limits.messageBytes)
          return yield* this.#complain(`btcp: the arguments of ${tool} are too long (limit messageBytes)\n`, FAILED)
      }
      return args.from === 'piped' && bytes === '' ? '{}' : toText(bytes)
    } catch (error) {
      if (!(error instanceof SysError)) throw error
      if (args.from === 'piped') return '{}'
      return yield* this.#complain(`btcp: Cannot read standard input: ${errnoName(error.errno)}\n`, FAILED)
    }
  }

  *#print(text: string): Waiting<number> {
    return (yield* this.#write(1, text)) ? 0 : FAILED
  }

  *#complain(text: string, status: number): Waiting<number> {
    yield* this.#write(2, text)
    return status
  }

  /** Whether it could be written. Where nobody reads it the process ends as at SIGPIPE, unless it ignores that. */
  *#write(fd: 1 | 2, text: string): Waiting<boolean> {
    try {
      yield* writeAll(this.#process!.fds.get(fd).file, bytesOf(fromText(text)))
      return true
    } catch (error) {
      if (!(error instanceof SysError)) throw error
      if (error.errno === Errno.EPIPE) this.#kernel.system.table.send(this.#process!, Signal.PIPE)
      else if (fd === 1) yield* this.#write(2, `btcp: write error: ${errnoName(error.errno)}\n`)
      return false
    }
  }
}

const SHOWN = 100
const shown = (json: string): string => (json.length > SHOWN ? `${json.slice(0, SHOWN)}…` : json)
