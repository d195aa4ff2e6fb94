/**
 * `tidepool tool …`: adding, listing, removing, trying and checking the tools of others. Exit status: 0; 1 for what is wrong with the package,
 * the call or its grants; 124 at the deadline; 125 when Tidepool itself failed. What a tool says of itself is printed with its control
 * characters shown.
 */
import { type Command, InvalidArgumentError } from 'commander'
import { type Capability, offeredCapabilities, parseCapability } from '../protocol/capability.ts'
import { BtcpError } from '../protocol/error.ts'
import { LIMITS } from '../protocol/limits.ts'
import { type AddedPackage, AddedTools, userDirectory } from './added-tools.ts'
import type { MountSpec } from './mounts.ts'
import { nodePlatform } from './node-platform.ts'
import { complain, printable } from './printable.ts'
import { type CallFlags, callOnce } from './tool-call.ts'
import { type CheckedPackage, checkPackage } from './tool-check.ts'
import { environmentOf, type GrantFlags, grantsOf, packageAt, requireAllowed } from './tool-grants.ts'
import { OWNER, withOrchestrator } from './tool-host.ts'

const STATUS_WRONG = 1
const STATUS_DEADLINE = 124
const STATUS_FAILED = 125

const EXAMPLES = `
Examples:
  # What is in a tool's folder, archive or module, what it asks for, and what is wrong with it
  tidepool tool check ./page-stats

  # Try it once, with a page to read
  tidepool tool run ./page-stats '{"selector":"h1"}' --page page.html --grant dom:read

  # Add it, then call it by name, also from the shell
  tidepool tool add ./page-stats --grant-all
  tidepool tool run page_stats '{"selector":"h1"}' --page page.html
  tidepool run --tools 'btcp call word_count "{\\"text\\":\\"a b\\"}"'

Added tools are kept in --store DIR, or else for this user in \${XDG_DATA_HOME:-~/.local/share}/tidepool.
Exit status: 0; 1 when something is wrong with the tool, its arguments or its grants; ${STATUS_DEADLINE} when the deadline has passed;
${STATUS_FAILED} when Tidepool itself failed.`

interface AddFlags extends GrantFlags {
  readonly store?: string
}

/** What the command line's parts are read and ended by. */
export interface CommandParts {
  readonly collectMount: (value: string, known?: readonly MountSpec[]) => MountSpec[]
  readonly seconds: (value: string) => number
  readonly exit: (status: number) => Promise<void>
}

export function addToolCommands(tidepool: Command, { collectMount, seconds, exit }: CommandParts): void {
  const tool = tidepool
    .command('tool')
    .description('add, list, remove, try and check tools that others wrote')
    .helpOption('--help', 'print this help')
    .addHelpText('after', EXAMPLES)
  const sub = (name: string, description: string): Command =>
    tool.command(name).description(description).helpOption('--help', 'print this help').allowExcessArguments(false).exitOverride()
  const granting = (command: Command): Command =>
    command
      .option('--grant <capability>', 'let it do this, if it asks for it; may be given several times', collectCapability)
      .option('--grant-all', 'let it do all that it asks for')
      .option('--secret <name[=value]>', 'a secret of its environment; without a value it is asked for', collectText)
      .option('--var <name=value>', 'a variable of its environment', collectVariable)
      .option('--allow-external', 'let it start programs of this machine, outside of the sandbox and with your rights')
  const store = ['--store <dir>', 'the directory that added tools are kept in'] as const

  granting(sub('add', 'add the tools of a folder, a zip archive or a module'))
    .argument('<path>', 'the package')
    .option(...store)
    .action(async (path: string, flags: AddFlags) => exit(await guarded(() => add(path, flags))))
  sub('list', 'list the added tools')
    .option(...store)
    .option('--json', 'as JSON')
    .action(async (flags: { readonly store?: string; readonly json?: true }) => exit(await guarded(async () => list(flags))))
  sub('remove', 'remove a package: its tools, what they were granted, their secrets and their files')
    .argument('<name>', 'the package, or one of its tools')
    .option(...store)
    .action(async (name: string, flags: { readonly store?: string }) => exit(await guarded(() => remove(name, flags))))
  granting(sub('run', 'call a tool once and print its result'))
    .argument('<tool>', 'a folder, a zip archive or a module; or the name of an added tool')
    .argument(
      '[arguments...]',
      'of a package with several tools, the name of one; then its arguments as JSON, or - for standard input (default {})',
    )
    .option('--mount <host:target[:ro]>', 'let its workspace have a directory of this machine; may be given several times', collectMount)
    .option('--page <file>', 'an HTML file that it finds as its page')
    .option('--storage <file>', 'a JSON file that it finds as the page’s storage')
    .option(...store)
    .option('--timeout <seconds>', 'end the call after so long', seconds, LIMITS.runTimeoutMs / 1000)
    .option('--json', 'print the whole result, as a page gets it')
    .action(async (name: string, words: readonly string[], flags: CallFlags) => exit(await guarded(() => callOnce(name, words, flags))))
  sub('check', 'say what a package is, what it asks for, and everything that is wrong with it')
    .argument('<path>', 'a folder, a zip archive or a module')
    .action(async (path: string) => exit(await guarded(() => check(path))))
}

function collectCapability(value: string, known: readonly Capability[] = []): Capability[] {
  const capability = parseCapability(value)
  if (capability === undefined || !offeredCapabilities().includes(capability))
    throw new InvalidArgumentError(`This host offers ${offeredCapabilities().join(', ')}.`)
  return [...known, capability]
}

const collectText = (value: string, known: readonly string[] = []): string[] => [...known, value]

function collectVariable(value: string, known: Readonly<Record<string, string>> = {}): Record<string, string> {
  const equals = value.indexOf('=')
  if (equals <= 0) throw new InvalidArgumentError('Write it as NAME=value.')
  return { ...known, [value.slice(0, equals)]: value.slice(equals + 1) }
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)

/** What went wrong in one line, and how it can be mended. */
async function guarded(work: () => Promise<number>): Promise<number> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof BtcpError)) throw error
    complain(error.message)
    const {
      btcpCode,
      errors = [],
      missing = [],
    } = error.data as BtcpError['data'] & { readonly errors?: readonly { instancePath: string; message: string }[] }
    if (errors.length > 1)
      for (const { instancePath, message } of errors) process.stderr.write(`  ${printable(`${instancePath}: ${message}`)}\n`)
    if (btcpCode === 'CAPABILITY_DENIED' && missing.length > 0)
      complain(`to let it, add ${missing.map((capability) => `--grant ${capability}`).join(' ')}`)
    if (btcpCode === 'TIMEOUT') return STATUS_DEADLINE
    return btcpCode === 'SANDBOX_ERROR' || btcpCode === 'INTERNAL_ERROR' ? STATUS_FAILED : STATUS_WRONG
  }
}

const storeOf = (flags: { readonly store?: string }): AddedTools => new AddedTools(flags.store ?? userDirectory())

async function check(path: string): Promise<number> {
  const files = await packageAt(path)
  const checked = await withOrchestrator(undefined, [], (orchestrator) => checkPackage(orchestrator, files))
  if (!('manifest' in checked)) return faulty(checked)
  for (const line of checked.report) say(line)
  return faulty(checked.failures)
}

function faulty(lines: readonly string[]): number {
  for (const line of lines) process.stderr.write(`${line}\n`)
  return lines.length === 0 ? 0 : STATUS_WRONG
}

async function add(path: string, flags: AddFlags): Promise<number> {
  const files = await packageAt(path)
  const checked = await withOrchestrator(undefined, [], (orchestrator) => checkPackage(orchestrator, files))
  if (!('manifest' in checked)) return faulty(checked)
  for (const line of checked.report) say(line)
  if (checked.failures.length > 0) return faulty(checked.failures)
  const added = await described(checked, flags)
  const before = await storeOf(flags).add(added, files)
  const { manifest } = checked
  say('')
  say(
    `${before ? (before.sha256 === added.sha256 ? 'Added again' : `Replaced ${printable(before.version)} with`) : 'Added'} ${added.name} ${printable(added.version)}`,
  )
  const wanted = [...new Set(manifest.tools.flatMap(({ tool }) => tool.capabilities))].filter(
    (capability) => !added.grants.includes(capability),
  )
  if (wanted.length > 0)
    say(
      `It was not granted ${wanted.join(', ')}: to let it, add it again with ${wanted.map((capability) => `--grant ${capability}`).join(' ')}`,
    )
  return 0
}

async function described({ manifest, sha256 }: CheckedPackage, flags: AddFlags): Promise<AddedPackage> {
  requireAllowed(manifest, flags)
  return {
    name: manifest.name,
    version: manifest.version,
    sha256,
    tools: manifest.tools.map(({ tool }) => tool.name),
    grants: grantsOf(manifest, flags),
    env: await environmentOf(manifest, flags),
    external: flags.allowExternal ?? false,
  }
}

async function list(flags: { readonly store?: string; readonly json?: true }): Promise<number> {
  const packages = storeOf(flags).list()
  if (flags.json) {
    const shown = packages.map(({ env, ...rest }) => ({ ...rest, env: Object.keys(env) }))
    say(JSON.stringify(shown, null, 2))
    return 0
  }
  for (const { name, version, sha256, tools, grants } of packages)
    say(
      `${printable(name)} ${printable(version)}  ${tools.join(', ')}  may ${grants.length === 0 ? 'nothing' : grants.join(', ')}  sha256 ${sha256.slice(0, 12)}`,
    )
  return 0
}

async function remove(name: string, flags: { readonly store?: string }): Promise<number> {
  const store = storeOf(flags)
  const added = store.find(name)
  if (!added) throw new BtcpError('TOOL_NOT_FOUND', `Cannot remove "${name}": there is no such tool`, { effects: 'none' })
  await store.remove(added.name)
  const platform = nodePlatform({ mounts: [], store: flags.store ?? userDirectory() })
  for (const tool of added.tools) await platform.forget({ kind: 'tool', owner: OWNER, tool, sha256: added.sha256 })
  say(`Removed ${printable(added.name)} ${printable(added.version)}`)
  return 0
}
