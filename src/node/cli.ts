#!/usr/bin/env node
/**
 * `tidepool`, the command: `tidepool run COMMAND` runs a command line in a sandbox as if it were run here: streams are passed byte for byte
 * and the exit status is the command's. 124: the deadline has passed; 125: Tidepool itself failed (as timeout(1) and docker have it).
 */
import { Command, CommanderError, InvalidArgumentError } from 'commander'
import { Orchestrator } from '../orchestrator/orchestrator.ts'
import { CellFsError } from '../orchestrator/live-cell.ts'
import { shellArgv } from '../orchestrator/catalog.ts'
import { startError } from '../orchestrator/file-error.ts'
import { MemoryPackages } from '../orchestrator/memory-packages.ts'
import { localClerk } from '../orchestrator/local-desk.ts'
import { LocalTools } from '../orchestrator/local-tools.ts'
import { LIMITS } from '../protocol/limits.ts'
import { VERSION } from '../protocol/version.ts'
import { MountError, type MountSpec, mountTree, parseMount } from './mounts.ts'
import { AddedTools, userDirectory } from './added-tools.ts'
import { nodePlatform } from './node-platform.ts'
import { complain } from './printable.ts'
import { readStandardInput } from './standard-input.ts'
import { addToolCommands } from './tool-command.ts'
import { OWNER } from './tool-host.ts'

const STATUS_DEADLINE = 124
const STATUS_FAILED = 125
const SIGINT = 2
const SIGTERM = 15
const SIGKILL = 9
/** how long a command may take to end by itself after the first Ctrl-C */
const GRACE_MS = 3_000

/** Where pip looks for wheels. */
const WHEELS = '/opt/wheels'

interface RunFlags {
  readonly mount?: readonly MountSpec[]
  readonly wheels?: string
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly store?: string
  readonly tools?: true
  readonly timeout: number
  readonly strace?: true
}

const EXAMPLES = `
Examples:
  # A pipeline over a directory of yours, which it can read and not change
  tidepool run 'cat data.csv | grep error | wc -l' --mount ./data:/mnt/data:ro

  # Standard input and output are passed through
  cat access.log | tidepool run 'cut -d" " -f1 | sort | uniq -c | sort -rn | head' > top.txt

  # A script from a file
  tidepool run - < script.sh

  # Files that are kept from run to run
  tidepool run 'echo hello > note.txt' --store ./box
  tidepool run 'cat note.txt' --store ./box

Nothing in the sandbox has network or sees a file of this machine but what --mount names.
Exit status: the command's; ${STATUS_DEADLINE} when the deadline has passed; ${STATUS_FAILED} when Tidepool itself failed.`

function program(): Command {
  const tidepool = new Command('tidepool')
    .description('A sandboxed Unix computer: bash and everyday programs as WebAssembly, without network.')
    .version(VERSION, '--version', 'print the version')
    .helpOption('--help', 'print this help')
    .addHelpText('after', EXAMPLES)
    .exitOverride()
  tidepool
    .command('run')
    .description('run a bash command line, or with - the script on standard input')
    .argument('<command>', 'the command line, in quotes; - reads a script from standard input')
    .option('--mount <host:target[:ro]>', 'let it read a directory of this machine; may be given several times', collectMount)
    .option('--cwd <dir>', 'working directory (default: the one mount, else /home/user)')
    .option('--wheels <dir>', 'let pip install Python wheels of this directory by their names')
    .option('--env <name=value>', 'set an environment variable; may be given several times', collectEnv)
    .option('--store <dir>', 'keep its files in this directory from run to run')
    .option('--tools', 'let it call the tools that were added for this user (those of --store it may in any case)')
    .option('--timeout <seconds>', 'kill the command after so long', seconds, LIMITS.runTimeoutMs / 1000)
    .option('--strace', 'print every system call to standard error')
    .helpOption('--help', 'print this help')
    .addHelpText('after', EXAMPLES)
    .allowExcessArguments(false)
    .exitOverride()
    .action(async (command: string, flags: RunFlags) => {
      await exit(await run(command, flags))
    })
  addToolCommands(tidepool, { collectMount, seconds, exit })
  return tidepool
}

function collectMount(value: string, known: readonly MountSpec[] = []): MountSpec[] {
  try {
    return [...known, parseMount(value)]
  } catch (error) {
    throw new InvalidArgumentError(error instanceof MountError ? error.message : '')
  }
}

function collectEnv(value: string, known: Readonly<Record<string, string>> = {}): Record<string, string> {
  const equals = value.indexOf('=')
  if (equals <= 0) throw new InvalidArgumentError('Write it as NAME=value.')
  return { ...known, [value.slice(0, equals)]: value.slice(equals + 1) }
}

function seconds(value: string): number {
  const most = LIMITS.runTimeoutMaxMs / 1000
  const number = Number(value)
  if (!(number > 0 && number <= most)) throw new InvalidArgumentError(`Give seconds, more than 0 and at most ${most}.`)
  return number
}

/** Runs the command to its end and gives the exit status. */
async function run(command: string, flags: RunFlags): Promise<number> {
  const { mount = [], wheels, env = {}, store, timeout } = flags
  const all = wheels === undefined ? mount : [...mount, { host: wheels, target: WHEELS }]
  const platform = nodePlatform({ mounts: all.map((spec) => mountTree(spec)), ...(store === undefined ? {} : { store }) })
  const trace = (lines: string): void => void process.stderr.write(lines)
  // The packages of added tools lie in their own place, and are read from there.
  const orchestrator = new Orchestrator({ ...platform, packages: new MemoryPackages() }, flags.strace ? { trace } : {})
  const cwd = flags.cwd ?? (mount.length === 1 ? mount[0]?.target : undefined)
  try {
    const script = command === '-' ? await readStandardInput() : command
    const principal = OWNER
    const tools = new LocalTools(orchestrator, principal)
    for (const added of addedTools(flags)) await added.registerAll(tools, complain)
    const started = orchestrator.start(principal, {
      argv: shellArgv(script),
      ...(cwd === undefined ? {} : { cwd }),
      env,
      ...(command === '-' ? {} : { stdin: process.stdin }),
      timeoutMs: timeout * 1000,
      ask: localClerk(orchestrator, tools).ask,
      output: (fd, bytes) => write(fd === 1 ? process.stdout : process.stderr, bytes).catch(() => started.closeOutput(fd)),
    })
    passSignals(started)
    const outcome = await started.done
    if (outcome.timedOut) process.stderr.write(`tidepool: the command was killed after ${timeout} s (--timeout)\n`)
    return outcome.timedOut ? STATUS_DEADLINE : outcome.status
  } catch (error) {
    throw error instanceof CellFsError ? startError(error.errno, 'bash', cwd) : error
  } finally {
    await orchestrator.dispose()
  }
}

/** Where the tools are that the command may call. */
function addedTools({ store, tools }: RunFlags): AddedTools[] {
  return [...(store === undefined ? [] : [store]), ...(tools ? [userDirectory()] : [])].map((directory) => new AddedTools(directory))
}

/** Ctrl-C interrupts the command; if it goes on all the same, and at a second Ctrl-C, it is killed. */
function passSignals(started: { kill(signal: number): void }): void {
  let asked = false
  process.on('SIGINT', () => {
    started.kill(asked ? SIGKILL : SIGINT)
    asked = true
    setTimeout(() => started.kill(SIGKILL), GRACE_MS).unref()
  })
  process.on('SIGTERM', () => {
    started.kill(SIGTERM)
    setTimeout(() => started.kill(SIGKILL), GRACE_MS).unref()
  })
}

function write(stream: NodeJS.WriteStream, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(bytes, (error) => (error ? reject(error) : resolve()))
  })
}

/** Everything that was printed is out before the process ends. */
async function exit(status: number): Promise<void> {
  await Promise.allSettled([write(process.stdout, new Uint8Array(0)), write(process.stderr, new Uint8Array(0))])
  process.exit(status)
}

/** What the person did wrong was said by commander; the rest is ours, in one line and without a stack. */
function statusOf(error: unknown): number {
  if (error instanceof CommanderError) {
    if (error.code === 'commander.excessArguments')
      process.stderr.write("Put the whole command line in quotes: tidepool run 'ls -l | wc -l'\n")
    return error.exitCode === 0 ? 0 : STATUS_FAILED
  }
  process.stderr.write(`tidepool: ${error instanceof Error ? error.message : 'it failed'}\n`)
  return STATUS_FAILED
}

for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
try {
  const tidepool = program()
  if (process.argv.length <= 2) {
    tidepool.outputHelp({ error: true })
    process.exitCode = STATUS_FAILED
  } else {
    await tidepool.parseAsync()
  }
} catch (error) {
  await exit(statusOf(error))
}
