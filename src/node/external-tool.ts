/**
 * Libraries that are processes of this machine (docs/protocol.md section 5): JSON-RPC 2.0, one JSON a line. A process is started by the first
 * request, answers one at a time, and is kept for the next ones until it was idle for long. It has its user's rights, and of this program's
 * environment it gets PATH and nothing else. What it says is read like anything from outside; one that breaks the rules, or that nobody waits
 * for any more, is ended with all that it has started.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, normalize } from 'node:path'
import type { ExternalAnswer, ExternalHost, ExternalLibrary, ExternalRequest } from '../orchestrator/platform.ts'
import { BtcpError } from '../protocol/error.ts'
import type { PackageFile } from '../protocol/installed-tool.ts'
import { parseLibraryJson } from '../protocol/library-value.ts'
import { isRecord, own } from '../protocol/parse.ts'
import { type Principal, principalKey } from '../protocol/principal.ts'
import type { ToolFailure } from '../protocol/tool-record.ts'

/** What a line has besides its result. */
const ENVELOPE_BYTES = 4_096
const ERRORS_TOLD = 2_000
const NEWLINE = 10

export class ExternalTools implements ExternalHost {
  readonly #libraries = new Map<string, Library>()
  readonly #onExit = (): void => this.end()

  async ask(library: ExternalLibrary, request: ExternalRequest): Promise<ExternalAnswer> {
    const key = principalKey(library.principal)
    let known = this.#libraries.get(key)
    if (!known) {
      if (this.#libraries.size === 0) process.once('exit', this.#onExit)
      this.#libraries.set(key, (known = new Library(library)))
    }
    return await known.ask(request)
  }

  end(principal?: Principal): void {
    const keys = principal ? [principalKey(principal)] : [...this.#libraries.keys()]
    for (const key of keys) {
      this.#libraries.get(key)?.end()
      this.#libraries.delete(key)
    }
    if (this.#libraries.size === 0) process.off('exit', this.#onExit)
  }
}

/** One library: its process, if there is one, and its requests in order. */
class Library {
  readonly #about: ExternalLibrary
  #last: Promise<unknown> = Promise.resolve()
  #process: LibraryProcess | undefined
  #idle: NodeJS.Timeout | undefined
  #isEnded = false

  constructor(about: ExternalLibrary) {
    this.#about = about
  }

  async ask(request: ExternalRequest): Promise<ExternalAnswer> {
    const ending = endingOf(this.#about.name, request)
    const before = this.#last
    const answer = (async () => {
      await Promise.race([before, ending.promise])
      clearTimeout(this.#idle)
      return await this.#answer(request, ending.promise)
    })()
    // One that gave up while it waited leaves those behind it waiting for those before it.
    this.#last = Promise.allSettled([before, answer])
    try {
      return await answer
    } finally {
      ending.letGo()
      this.#rest(request.limits.externalIdleMs)
    }
  }

  end(): void {
    this.#isEnded = true
    this.#stop()
  }

  async #answer(request: ExternalRequest, ending: Promise<never>): Promise<ExternalAnswer> {
    try {
      const library = await Promise.race([this.#started(), ending])
      return await Promise.race([library.ask(request), ending])
    } catch (error) {
      this.#stop()
      if (error instanceof LibraryFault) return { failure: error.failure }
      throw error
    }
  }

  async #started(): Promise<LibraryProcess> {
    if (this.#process?.isAlive) return this.#process
    this.#stop()
    const files = await this.#about.files()
    if (this.#isEnded) throw new LibraryFault('trap', 'it was removed')
    const directory = mkdtempSync(join(tmpdir(), 'tidepool-library-'))
    try {
      this.#process = new LibraryProcess(this.#about, files, directory)
    } catch (error) {
      rmSync(directory, { recursive: true, force: true })
      throw startFault(this.#about.command[0] ?? '', error as NodeJS.ErrnoException)
    }
    return this.#process
  }

  #rest(idleMs: number): void {
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => this.#stop(), idleMs)
    this.#idle.unref()
  }

  #stop(): void {
    clearTimeout(this.#idle)
    this.#process?.end()
    this.#process = undefined
  }
}

/** Rejects at the deadline and when the call is cancelled. */
function endingOf(name: string, { timeoutMs, signal }: ExternalRequest): { readonly promise: Promise<never>; readonly letGo: () => void } {
  const { promise, reject } = Promise.withResolvers<never>()
  promise.catch(() => {})
  const fail = (code: 'TIMEOUT' | 'CANCELLED', why: string): void =>
    reject(new BtcpError(code, `Cannot finish "${name}": ${why}`, { effects: 'unknown' }))
  const timer = setTimeout(() => fail('TIMEOUT', 'the deadline has passed'), timeoutMs)
  const abort = (): void => fail('CANCELLED', 'it was cancelled')
  signal?.addEventListener('abort', abort, { once: true })
  if (signal?.aborted) abort()
  const letGo = (): void => {
    clearTimeout(timer)
    signal?.removeEventListener('abort', abort)
  }
  return { promise, letGo }
}

class LibraryFault extends Error {
  readonly failure: ToolFailure
  constructor(kind: ToolFailure['kind'], message: string, limit?: string) {
    super(message)
    this.failure = { kind, message, ...(limit === undefined ? {} : { limit }) }
  }
}

const startFault = (program: string, { code }: NodeJS.ErrnoException): LibraryFault =>
  new LibraryFault('load', `"${program}" cannot be started: ${code === 'ENOENT' ? 'no such program' : (code ?? 'it failed')}`)

interface Pending {
  readonly id: number
  readonly mostBytes: number
  resolve(answer: ExternalAnswer): void
  reject(fault: LibraryFault): void
}

class LibraryProcess {
  readonly #child: ChildProcess
  readonly #directory: string
  #ids = 0
  #pending: Pending | undefined
  /** what came of a line that has not ended yet */
  #pieces: Buffer[] = []
  #length = 0
  #errors = Buffer.alloc(0)
  #gone: LibraryFault | undefined

  /** Throws what spawn and the file system throw. */
  constructor({ command, env }: ExternalLibrary, files: readonly PackageFile[], directory: string) {
    const [program = '', ...args] = command
    this.#directory = directory
    unpack(this.#directory, files, program)
    this.#child = spawn(programIn(this.#directory, program), args, {
      cwd: this.#directory,
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      // a process group of its own, which is ended as one
      detached: true,
    })
    this.#listen(program)
  }

  get isAlive(): boolean {
    return this.#gone === undefined
  }

  ask({ method, params, limits }: ExternalRequest): Promise<ExternalAnswer> {
    if (this.#gone) return Promise.reject(this.#gone)
    const { promise, resolve, reject } = Promise.withResolvers<ExternalAnswer>()
    const id = ++this.#ids
    this.#pending = { id, mostBytes: limits.toolResultBytes + ENVELOPE_BYTES, resolve, reject }
    this.#child.stdin?.write(`{"jsonrpc":"2.0","method":${JSON.stringify(method)},"params":${params(this.#directory)},"id":${id}}\n`)
    return promise
  }

  /** Idempotent. */
  end(): void {
    this.#fail(new LibraryFault('trap', 'it was ended'))
  }

  #listen(program: string): void {
    const child = this.#child
    child.once('error', (error) => this.#fail(startFault(program, error)))
    // Its output is read to the end before it is said to be gone.
    child.once('close', (status, signal) =>
      this.#fail(
        new LibraryFault('trap', `its process ended ${signal === null ? `with status ${status}` : `by ${signal}`}${this.#told()}`),
      ),
    )
    child.stdin?.on('error', () => {})
    child.stdout?.on('data', (bytes: Buffer) => this.#hear(bytes))
    child.stderr?.on('data', (bytes: Buffer) => {
      this.#errors = Buffer.concat([this.#errors, bytes]).subarray(-ERRORS_TOLD)
    })
    // One that waits for its next request does not keep the program alive.
    child.unref()
    for (const stream of [child.stdin, child.stdout, child.stderr]) (stream as unknown as { unref?(): void } | null)?.unref?.()
  }

  #hear(bytes: Buffer): void {
    let from = 0
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, from)) {
      const line = Buffer.concat([...this.#pieces, bytes.subarray(from, end)])
      this.#pieces = []
      this.#length = 0
      from = end + 1
      if (!this.#fits(line.length)) return
      this.#take(line)
      if (!this.isAlive) return
    }
    const rest = bytes.subarray(from)
    this.#length += rest.length
    if (this.#fits(this.#length)) this.#pieces.push(rest)
  }

  #fits(length: number): boolean {
    const most = this.#pending?.mostBytes ?? ENVELOPE_BYTES
    if (length <= most) return true
    this.#fail(new LibraryFault('limit', 'its answer is longer than a result may be (limit toolResultBytes)', 'toolResultBytes'))
    return false
  }

  #take(bytes: Buffer): void {
    const line = utf8(bytes)
    if (line?.trim() === '') return
    const message = line === undefined ? undefined : parseLibraryJson(line)
    if (!message?.ok || !isRecord(message.value))
      return this.#fail(new LibraryFault('result', `it said what is no JSON-RPC: ${shown(line ?? 'no UTF-8')}`))
    const pending = this.#pending
    const id = own(message.value, 'id')
    if (id === undefined && own(message.value, 'method') !== undefined) return
    if (!pending) return this.#fail(new LibraryFault('result', 'it answered what nobody had asked'))
    if (id !== pending.id && !(id === null && own(message.value, 'error') !== undefined))
      return this.#fail(new LibraryFault('result', `it answered another request: id ${shown(String(id))} instead of ${pending.id}`))
    this.#pending = undefined
    this.#settle(pending, message.value)
  }

  #settle(pending: Pending, message: Record<string, unknown>): void {
    const error = own(message, 'error')
    if (error !== undefined && error !== null) {
      const text = isRecord(error) ? own(error, 'message') : error
      const code = isRecord(error) ? own(error, 'code') : undefined
      const number = typeof code === 'number' ? ` (${code})` : ''
      return pending.resolve({ failure: { kind: 'abort', message: `${typeof text === 'string' ? text : 'it does not say why'}${number}` } })
    }
    if (!Object.hasOwn(message, 'result'))
      return pending.resolve({ failure: { kind: 'result', message: 'its answer has neither result nor error' } })
    pending.resolve({ result: own(message, 'result') })
  }

  #told(): string {
    const text = this.#errors.toString('utf8').trim()
    return text === '' ? '' : `: ${text}`
  }

  #fail(fault: LibraryFault): void {
    if (this.#gone) return
    this.#gone = fault
    this.#pending?.reject(fault)
    this.#pending = undefined
    this.#pieces = []
    this.#child.stdin?.destroy()
    this.#child.stdout?.destroy()
    this.#child.stderr?.destroy()
    endGroup(this.#child)
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

/** Ends the process and what it has started, as far as that has not left its group. */
function endGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // They are gone.
  }
}

function unpack(directory: string, files: readonly PackageFile[], program: string): void {
  for (const { path, bytes } of files) {
    const place = join(directory, path)
    if (!place.startsWith(join(directory, '/'))) throw new RangeError('Cannot unpack a package: a path leads out of it')
    mkdirSync(dirname(place), { recursive: true, mode: 0o700 })
    writeFileSync(place, bytes, { mode: path === normalize(program) ? 0o700 : 0o600 })
  }
}

/** A program with a directory in its name is one of the package, or an absolute path; others are found by PATH. */
const programIn = (directory: string, program: string): string =>
  program.includes('/') && !program.startsWith('/') ? join(directory, program) : program

function utf8(bytes: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

const SHOWN = 200
const shown = (text: string): string => (text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text)
