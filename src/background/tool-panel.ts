/**
 * The tools of a site, as its person changes them in the extension's own page: put files, look at what they are, install, choose, remove.
 * What a package is, and its hash, says the offscreen document, which reads it; the page's word counts for nothing. Invariants: with another
 * hash a tool is another principal and starts without grants; of a removed tool nothing is left.
 */
import { isOffered, parseCapability, type Capability } from '../protocol/capability.ts'
import type { InstalledTool, PackagedTool } from '../protocol/installed-tool.ts'
import { LIMITS } from '../protocol/limits.ts'
import type { PackageAnswer } from '../protocol/link.ts'
import type { Choice, ToolOp, ToolPreview, ToolsState, ToolState } from '../protocol/panel.ts'
import type { Origin } from '../protocol/principal.ts'
import { begin } from './audit.ts'
import { capabilityStates, describe, forgetDenials } from './consent.ts'
import { siteOf } from './grants.ts'
import { changePackage } from './offscreen-document.ts'
import { applyChoices, replaceTools } from './rights.ts'
import { isSiteOn } from './sites.ts'
import { forgetLeft, leave } from './tools-left.ts'
import { foldedName, installedTool, looksBuiltIn, toolPrincipal, toolsOf } from './tools.ts'

type Op<Name extends ToolOp['op']> = Extract<ToolOp, { op: Name }>
type Read = Extract<PackageAnswer, { manifest: unknown }>

/** What a person may do while the site is off: look, and take away. */
const ALWAYS: readonly ToolOp['op'][] = ['list', 'remove', 'discard']

let turn: Promise<unknown> = Promise.resolve()

/** Rejects with a text for the person. One change at a time, whatever its site: packages are shared. */
export async function answerTools(origin: Origin, op: ToolOp): Promise<ToolsState | ToolPreview | object> {
  const answer = turn.then(async () => await answerAlone(origin, op))
  turn = answer.catch(() => undefined)
  return await answer
}

async function answerAlone(origin: Origin, op: ToolOp): Promise<ToolsState | ToolPreview | object> {
  if (!ALWAYS.includes(op.op) && !(await isSiteOn(origin)))
    throw new Error('Tidepool is switched off for this site. Switch it on in the popup first.')
  switch (op.op) {
    case 'put':
    case 'discard':
      await changePackage(siteOf(origin), op)
      return {}
    case 'preview':
      return await preview(origin, op)
    case 'list':
      await forgetLeft()
      return await state(origin)
    case 'install':
      await install(origin, op)
      return await state(origin)
    case 'choose':
      await choose(origin, op)
      return await state(origin)
    case 'configure':
      await configure(origin, op)
      return await state(origin)
    case 'remove':
      await remove(origin, op)
      return await state(origin)
  }
}

async function state(origin: Origin): Promise<ToolsState> {
  const tools = (await toolsOf(origin)).map(async ({ env, ...tool }): Promise<ToolState> => ({
    ...tool,
    capabilities: await capabilityStates(origin, tool.tool.capabilities, { env, ...tool }),
    set: Object.keys(env),
    values: Object.fromEntries(Object.entries(env).filter(([name]) => tool.secrets.every((secret) => secret.name !== name))),
  }))
  return { tools: await Promise.all(tools) }
}

async function preview(origin: Origin, { upload }: Op<'preview'>): Promise<ToolPreview> {
  const read = await changePackage(siteOf(origin), { op: 'read', upload })
  if (!read.ok) return read
  if (!('manifest' in read)) throw new Error('Cannot read the package: the sandbox has answered something else')
  const { manifest, sha256, bytes } = read
  const former = await formerOf(origin, manifest.tools)
  const message = nameFault(manifest.tools, await othersOf(origin, former))
  if (message !== undefined) return { ok: false, faults: [{ file: '', instancePath: '', message }] }
  const same = former.find((tool) => tool.sha256 === sha256)
  const names = [...new Set(manifest.tools.flatMap(({ tool }) => tool.capabilities))]
  const capabilities = same ? await capabilityStates(origin, names, same) : names.map((name) => describe(name, 'deny', undefined))
  return { ok: true, manifest, sha256, bytes, capabilities, replaces: Object.fromEntries(former.map((one) => [one.tool.name, one.sha256])) }
}

/** The site's tools of the same names. */
async function formerOf(origin: Origin, tools: readonly PackagedTool[]): Promise<InstalledTool[]> {
  return (await toolsOf(origin)).filter((one) => tools.some(({ tool }) => tool.name === one.tool.name))
}

const othersOf = async (origin: Origin, former: readonly InstalledTool[]): Promise<InstalledTool[]> =>
  (await toolsOf(origin)).filter((one) => !former.some(({ tool }) => tool.name === one.tool.name))

async function install(origin: Origin, { upload, env, choices }: Op<'install'>): Promise<void> {
  const read = await changePackage(siteOf(origin), { op: 'read', upload })
  if (!read.ok) throw new Error(`Cannot install the tool: ${faultText(read.faults[0])}`)
  if (!('manifest' in read)) throw new Error('Cannot install the tool: the sandbox has answered something else')
  const former = await formerOf(origin, read.manifest.tools)
  const made = installedFrom(read, env, former)
  const chosen = parseChoices(choices, made)
  const others = await othersOf(origin, former)
  const fault = nameFault(made, others)
  if (fault !== undefined) throw new Error(`Cannot install the tool: ${fault}`)
  const gone = former.filter((one) => one.sha256 !== read.sha256)
  // Whatever dies between here and the end, nothing is left of what is not installed then.
  await leave([...made, ...gone].map((one) => toolPrincipal(origin, one)))
  await changePackage(siteOf(origin), { op: 'keep', upload })
  await replaceTools(origin, [...others, ...made], gone)
  for (const tool of made) await applyChoices(origin, declaredOf(tool, chosen), tool)
  await forgetDenials(origin)
  await forgetLeft()
  for (const tool of made) record(origin, 'installed', tool)
}

const faultText = (fault: { file: string; instancePath: string; message: string } | undefined): string =>
  fault ? [fault.file + fault.instancePath, fault.message].filter((part) => part !== '').join(': ') : 'it is no package'

/** The very same tool keeps its variables; another one of the same name gets none of the former's. */
function installedFrom(
  { manifest, sha256 }: Read,
  env: Readonly<Record<string, string>>,
  former: readonly InstalledTool[],
): InstalledTool[] {
  const same = former.filter((one) => one.sha256 === sha256)
  const before = ({ tool, variables }: PackagedTool) => same.find((one) => one.tool.name === tool.name)?.env ?? variables
  const known = manifest.tools.flatMap(variablesOf)
  const unknown = Object.keys(env).find((name) => !known.includes(name))
  if (unknown !== undefined) throw new Error(`Cannot install the tool: it has no variable "${unknown}"`)
  return manifest.tools.map((tool) => ({
    ...tool,
    manifest: manifest.name,
    version: manifest.version,
    sha256,
    env: changedEnv(tool, before(tool), env),
  }))
}

const variablesOf = ({ secrets, variables }: PackagedTool): string[] => [...secrets.map(({ name }) => name), ...Object.keys(variables)]

/** An empty text takes a value back: a secret is then unset, a variable has its default. */
function changedEnv(
  tool: PackagedTool,
  before: Readonly<Record<string, string>>,
  given: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const env = new Map(Object.entries(before))
  for (const name of variablesOf(tool)) {
    const value = given[name]
    if (value === undefined) continue
    if (value.includes('\0')) throw new Error(`Cannot set "${name}": its value has a NUL character`)
    const set = value === '' ? tool.variables[name] : value
    if (set === undefined) env.delete(name)
    else env.set(name, set)
  }
  return Object.fromEntries(env)
}

/** What a person chose for capabilities that one of the tools asks for. */
function parseChoices(choices: Readonly<Record<string, Choice>>, tools: readonly PackagedTool[]): ReadonlyMap<Capability, Choice> {
  const declared = new Set(tools.flatMap(({ tool }) => tool.capabilities))
  const entries = Object.entries(choices).map(([name, choice]): [Capability, Choice] => {
    const capability = parseCapability(name)
    if (!capability || !declared.has(capability)) throw new Error(`Cannot choose: the tool does not ask for "${name}"`)
    if (choice !== 'deny' && !isOffered(capability, 'tool')) throw new Error(`Cannot choose: "${name}" is not offered here`)
    return [capability, choice]
  })
  return new Map(entries)
}

const declaredOf = ({ tool }: PackagedTool, choices: ReadonlyMap<Capability, Choice>): ReadonlyMap<Capability, Choice> =>
  new Map([...choices].filter(([capability]) => tool.capabilities.includes(capability)))

/** Why they cannot be beside the others: they are too many, or a person could take one tool for another. */
function nameFault(made: readonly PackagedTool[], others: readonly PackagedTool[]): string | undefined {
  if (made.length + others.length > LIMITS.toolsInstalled) return `a site has at most ${LIMITS.toolsInstalled} tools (limit toolsInstalled)`
  const taken = new Map(others.map(({ tool }) => [foldedName(tool.name), tool.name]))
  for (const { tool } of made) {
    const builtIn = looksBuiltIn(tool.name)
    if (builtIn !== undefined) return `its name "${tool.name}" looks like that of the built-in tool "${builtIn}"`
    const folded = foldedName(tool.name)
    if (taken.has(folded)) return `its name "${tool.name}" is taken: the site has a tool "${taken.get(folded)}"`
    taken.set(folded, tool.name)
  }
  return undefined
}

async function choose(origin: Origin, { tool: name, capability: wanted, choice }: Op<'choose'>): Promise<void> {
  const tool = await toolOf(origin, name)
  await applyChoices(origin, parseChoices({ [wanted]: choice }, [tool]), tool)
  await forgetDenials(origin)
}

async function configure(origin: Origin, { tool: name, env }: Op<'configure'>): Promise<void> {
  const tool = await toolOf(origin, name)
  const unknown = Object.keys(env).find((variable) => !variablesOf(tool).includes(variable))
  if (unknown !== undefined) throw new Error(`Cannot set "${unknown}": the tool has no such variable`)
  const changed = { ...tool, env: changedEnv(tool, tool.env, env) }
  await replaceTools(
    origin,
    (await toolsOf(origin)).map((one) => (one === tool ? changed : one)),
    [],
  )
}

async function remove(origin: Origin, { tool: name }: Op<'remove'>): Promise<void> {
  const tool = await toolOf(origin, name)
  await leave([toolPrincipal(origin, tool)])
  await replaceTools(
    origin,
    (await toolsOf(origin)).filter((one) => one !== tool),
    [tool],
  )
  await forgetLeft()
  record(origin, 'removed', tool)
}

async function toolOf(origin: Origin, name: string): Promise<InstalledTool> {
  const found = await installedTool(origin, name)
  if (!found) throw new Error(`Cannot find the tool "${name}": it is not installed`)
  return found
}

function record(origin: Origin, what: 'installed' | 'removed', { tool, version, sha256 }: InstalledTool): void {
  const row = {
    time: Date.now(),
    origin,
    call: crypto.randomUUID(),
    tool: `tool ${what} by you: ${tool.name} ${version} ${sha256.slice(0, SHOWN_HASH)}`,
    capabilities: tool.capabilities,
    decision: 'allowed',
    outcome: 'ok',
  } as const
  begin(row, { tool: tool.name, version, sha256 })
}

const SHOWN_HASH = 16
