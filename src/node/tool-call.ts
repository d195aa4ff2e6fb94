/** `tidepool tool run`: one call of a tool that lies somewhere, or of one that was added, and its result on standard output. */
import { existsSync } from 'node:fs'
import { LocalTools } from '../orchestrator/local-tools.ts'
import type { ToolPage } from '../orchestrator/tool-page.ts'
import type { Capability } from '../protocol/capability.ts'
import { BtcpError } from '../protocol/error.ts'
import { isRecord, type JsonObject } from '../protocol/parse.ts'
import { firstText, type ToolResult } from '../protocol/tool.ts'
import { AddedTools, type AddedPackage, userDirectory } from './added-tools.ts'
import { openHtmlPage } from './html-page.ts'
import type { MountSpec } from './mounts.ts'
import { complain, printable } from './printable.ts'
import { readStandardInput } from './standard-input.ts'
import { environmentOf, type GrantFlags, grantsOf, manifestOf, packageAt } from './tool-grants.ts'
import { OWNER, withOrchestrator } from './tool-host.ts'

export interface CallFlags extends GrantFlags {
  readonly store?: string
  readonly mount?: readonly MountSpec[]
  readonly page?: string
  readonly storage?: string
  readonly timeout: number
  readonly json?: true
}

/** `words`: the tool's name, where the package has several, and its arguments as JSON. Gives the exit status. */
export async function callOnce(name: string, words: readonly string[], flags: CallFlags): Promise<number> {
  const { store, mount = [], timeout, page: file, storage } = flags
  const page = await openHtmlPage({ ...(file === undefined ? {} : { page: file }), ...(storage === undefined ? {} : { storage }) })
  const progress = new Progress()
  const result = await withOrchestrator(store, mount, async (orchestrator) => {
    const tools = new LocalTools(orchestrator, OWNER)
    const names = isPath(name, flags) ? await registerPath(tools, name, flags, page) : await registerAdded(tools, name, flags, page)
    const { tool, args } = await callOf(names, words)
    return await tools.call(tool, args, { timeoutMs: timeout * 1000, onProgress: progress.show })
  })
  return print(result, flags, progress)
}

/** A bare word is an added tool before it is a folder. */
function isPath(name: string, { store = userDirectory() }: CallFlags): boolean {
  if (/[/\\.]/.test(name)) return true
  return existsSync(name) && !new AddedTools(store).find(name)
}

async function registerPath(tools: LocalTools, path: string, flags: CallFlags, page: ToolPage): Promise<readonly string[]> {
  const files = await packageAt(path)
  const manifest = manifestOf(files)
  await tools.register(files, {
    grants: grantsOf(manifest, flags),
    env: await environmentOf(manifest, flags),
    allowExternal: flags.allowExternal ?? false,
    page,
  })
  return manifest.tools.map(({ tool }) => tool.name)
}

/** All added tools, since one may call another; what is given besides is for this one. */
async function registerAdded(tools: LocalTools, name: string, flags: CallFlags, page: ToolPage): Promise<readonly string[]> {
  const store = new AddedTools(flags.store ?? userDirectory())
  const added = store.find(name)
  if (!added)
    throw new BtcpError('TOOL_NOT_FOUND', `Cannot find the tool "${name}": it is not among the added ones (tidepool tool list)`, {
      effects: 'none',
    })
  await store.register(tools, added, { ...(await granted(store, added, flags)), page })
  await store.registerAll(tools, complain, added)
  return added.tools.includes(name) ? [name] : added.tools
}

async function granted(store: AddedTools, added: AddedPackage, flags: CallFlags): Promise<{ readonly grants?: readonly Capability[] }> {
  if (!flags.grantAll && !flags.grant) return {}
  const manifest = manifestOf(await store.files(added))
  return { grants: grantsOf(manifest, flags) }
}

/** Which tool, with which arguments. */
async function callOf(names: readonly string[], words: readonly string[]): Promise<{ readonly tool: string; readonly args: JsonObject }> {
  const named = words[0] !== undefined && names.includes(words[0]) ? words[0] : undefined
  const tool = named ?? (names.length === 1 ? names[0] : undefined)
  if (tool === undefined)
    throw new BtcpError('INVALID_PARAMS', `Cannot call the package: it has several tools; name one of ${names.join(', ')}`, {
      effects: 'none',
    })
  const [json = '{}', ...more] = named === undefined ? words : words.slice(1)
  if (more.length > 0) throw badArguments(`there is more after ${JSON.stringify(json)}: put the JSON in quotes`)
  return { tool, args: argumentsOf(json === '-' ? await readStandardInput() : json) }
}

function argumentsOf(json: string): JsonObject {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (error) {
    throw badArguments(error instanceof Error ? error.message : 'it cannot be read')
  }
  if (!isRecord(value)) throw badArguments('they must be an object, like {"text":"hello"}')
  return value as JsonObject
}

const badArguments = (reason: string): BtcpError =>
  new BtcpError('INVALID_PARAMS', `Cannot read the arguments: ${reason}`, { effects: 'none' })

/** Prints what the tool prints while it runs and is no result: standard output has nothing but that. */
class Progress {
  #shown = ''

  readonly show = ({ text }: JsonObject): void => {
    if (typeof text !== 'string') return
    this.#shown = (this.#shown + text).slice(-SHOWN_KEPT)
    process.stderr.write(printable(text))
  }

  /** A failure without the end of what was shown. */
  rest(failure: string): string {
    const shown = this.#shown.trim()
    return shown !== '' && failure.endsWith(`: ${shown}`) ? failure.slice(0, -shown.length - 2) : failure
  }
}
const SHOWN_KEPT = 16 * 1024

/** The structured result as JSON, a text as it is; a failure on standard error. */
function print(result: ToolResult, { json }: CallFlags, progress: Progress): number {
  const { structuredContent, isError } = result
  if (json) process.stdout.write(`${printable(JSON.stringify(result, null, 2))}\n`)
  else if (isError) process.stderr.write(`tidepool: ${printable(progress.rest(firstText(result) ?? 'The tool failed'))}\n`)
  else if (typeof structuredContent === 'string')
    process.stdout.write(`${process.stdout.isTTY ? printable(structuredContent) : structuredContent}\n`)
  else process.stdout.write(`${printable(JSON.stringify(structuredContent ?? null, null, 2))}\n`)
  return isError ? 1 : 0
}
