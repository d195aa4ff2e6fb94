/**
 * The tools that a sandbox of one's own has: the built-in ones of its cell, which act as the owner, and those that were registered, each a
 * principal that holds what it was granted and nothing else. Invariant: an installed tool runs only through the gate, and what ended it (a
 * revocation, its removal) has ended before that is told.
 */
import { BUILT_IN_TOOLS, builtInTool } from '../protocol/built-in-tools.ts'
import { type Capability, type Grant, isOffered, parseCapability } from '../protocol/capability.ts'
import { BtcpError } from '../protocol/error.ts'
import type { InstalledTool, PackagedTool, PackageFile } from '../protocol/installed-tool.ts'
import type { JsonObject } from '../protocol/parse.ts'
import type { Owner } from '../protocol/principal.ts'
import type { Tool, ToolResult } from '../protocol/tool.ts'
import { type PackageFault, trimPackage } from '../protocol/tool-package.ts'
import { CancelSource } from './cancel.ts'
import { callTool } from './catalog.ts'
import type { Desk, NestedCall } from './desk.ts'
import { Gate } from './gate.ts'
import { requireExternal } from './external-call.ts'
import { callInstalled, toolPrincipal } from './installed-call.ts'
import type { Orchestrator } from './orchestrator.ts'
import { readPackage } from './package-reading.ts'
import type { CancelSignal } from './platform.ts'
import { type Check, ToolDesk, type ToolFiles } from './tool-desk.ts'
import { runInPage, type ToolPage } from './tool-page.ts'
import { workspaceFiles, workspaceFor } from './workspace-files.ts'

export interface RegisterOptions {
  /** what the tools of the package may, as far as each declares it; default nothing */
  readonly grants?: readonly Capability[] | 'all-declared'
  /** variables and secrets of their environment */
  readonly env?: Readonly<Record<string, string>>
  /** lets tools in that are programs of the host's, which run outside of every cell with its user's rights; default false */
  readonly allowExternal?: boolean
  /** without it there is no page */
  readonly page?: ToolPage
}

export interface RegisteredTools {
  readonly tools: readonly Tool[]
  /** of the package, in hexadecimal */
  readonly sha256: string
  /** Ends what runs of them and removes their files and their package. Idempotent. */
  readonly unregister: () => Promise<void>
}

export interface CallOptions {
  /** default 30 s, cut to what the tool may take */
  readonly timeoutMs?: number
  /** ends the call, which then rejects with CANCELLED */
  readonly signal?: CancelSignal
  /** hears what it prints while it runs */
  readonly onProgress?: (progress: JsonObject) => void
}

interface Registered {
  readonly installed: InstalledTool
  readonly page: ToolPage | undefined
  grants: readonly Grant[]
  readonly running: Map<CancelSource, Promise<unknown>>
}

/** A call, and what it is inside of. */
interface LocalCall extends CallOptions {
  readonly name: string
  readonly arguments: JsonObject
  readonly depth: number
  readonly chain: readonly Check[]
  /** where the programs of a built-in tool ask; without it at the owner's */
  readonly desk?: Desk
}

export class LocalTools {
  readonly #orchestrator: Orchestrator
  readonly #owner: Owner
  readonly #gate: Gate
  readonly #registered = new Map<string, Registered>()
  #epoch = 0

  constructor(orchestrator: Orchestrator, owner: Owner) {
    this.#orchestrator = orchestrator
    this.#owner = owner
    this.#gate = new Gate(() => orchestrator.platform.clock.now())
  }

  list(): readonly Tool[] {
    return [...BUILT_IN, ...[...this.#registered.values()].map(({ installed }) => installed.tool)]
  }

  /** Throws BtcpError: TOOL_NOT_FOUND, and what the tool's call throws. */
  call(name: string, args: JsonObject, options: CallOptions = {}): Promise<ToolResult> {
    return this.#call({ ...options, name, arguments: args, depth: 0, chain: [] })
  }

  /** For the programs of the sandbox's own cell. */
  desk(): Desk {
    return {
      tools: () => this.list(),
      call: ({ tool: name, arguments: args, depth, signal }) => this.#call({ name, arguments: args, depth, signal, chain: [] }),
    }
  }

  /** Throws BtcpError INVALID_PARAMS with everything that is wrong with the package. */
  async register(
    files: readonly PackageFile[],
    { grants = [], env = {}, page, allowExternal = false }: RegisterOptions = {},
  ): Promise<RegisteredTools> {
    const { platform, limits } = this.#orchestrator
    // Whoever gave them may use their buffers again.
    const kept = trimPackage(files).map(({ path, bytes }): PackageFile => ({ path, bytes: new Uint8Array(bytes) }))
    const read = await readPackage(platform, kept, limits)
    if (!read.ok) throw faultsError(read.faults)
    const { manifest, sha256 } = read
    requireExternal(platform, manifest.tools, allowExternal)
    const { name, version } = manifest
    const added = manifest.tools.map((one): InstalledTool => {
      return { ...one, manifest: name, version, sha256, env: { ...one.variables, ...envOf(one, manifest.tools, env) } }
    })
    if (grants !== 'all-declared') requireDeclared(name, added, grants)
    this.#requireFree(added)
    for (const installed of added) this.#registered.set(installed.tool.name, { installed, page, grants: [], running: new Map() })
    const unregister = once(() => this.#remove(added))
    try {
      await platform.packages.keep(sha256, kept)
      for (const { tool } of added) {
        const wanted = grants === 'all-declared' ? tool.capabilities : grants.filter((one) => tool.capabilities.includes(one))
        await this.grant(
          tool.name,
          wanted.filter((one) => isOffered(one, 'tool')),
        )
      }
    } catch (error) {
      await unregister()
      throw error
    }
    return { tools: added.map(({ tool }) => tool), sha256, unregister }
  }

  /** The tool holds these, too, from now on. Throws BtcpError TOOL_NOT_FOUND, INVALID_PARAMS, UNSUPPORTED. */
  async grant(name: string, capabilities: readonly Capability[]): Promise<void> {
    const registered = this.#find(name)
    const { installed, grants } = registered
    requireDeclared(name, [installed], capabilities)
    const added = capabilities.filter((capability) => !grants.some((grant) => grant.capability === capability))
    await this.#hold(registered, [...grants, ...added.map((capability) => this.#grantOf(installed, capability))])
  }

  /** Without `capabilities`, everything. Its running call that needs one has ended with CAPABILITY_DENIED when this resolves. */
  async revoke(name: string, capabilities?: readonly Capability[]): Promise<void> {
    const registered = this.#find(name)
    await this.#hold(
      registered,
      registered.grants.filter(({ capability }) => capabilities && !capabilities.includes(capability)),
    )
  }

  #hold(registered: Registered, grants: readonly Grant[]): Promise<number> {
    registered.grants = grants
    return this.#gate.update(toolPrincipal(this.#owner, registered.installed), ++this.#epoch, grants)
  }

  #grantOf(installed: InstalledTool, capability: Capability): Grant {
    const { platform } = this.#orchestrator
    return {
      id: platform.newId(),
      principal: toolPrincipal(this.#owner, installed),
      manifest: installed.manifest,
      capability,
      caveats: {},
      duration: 'always',
      grantedAt: platform.clock.now(),
      taken: 0,
      boundTo: [],
    }
  }

  #find(name: string): Registered {
    const registered = this.#registered.get(name)
    if (!registered) throw new BtcpError('TOOL_NOT_FOUND', `Cannot find the tool "${name}": it is not registered`, { effects: 'none' })
    return registered
  }

  #requireFree(added: readonly InstalledTool[]): void {
    const { toolsInstalled } = this.#orchestrator.limits
    const taken = new Map([...Object.keys(BUILT_IN_TOOLS), ...this.#registered.keys()].map((name) => [name.toLowerCase(), name]))
    for (const { tool } of added) {
      const known = taken.get(tool.name.toLowerCase())
      if (known !== undefined)
        throw new BtcpError('INVALID_PARAMS', `Cannot register "${tool.name}": there is a tool "${known}" already`, { effects: 'none' })
    }
    if (this.#registered.size + added.length > toolsInstalled)
      throw new BtcpError('INVALID_PARAMS', `Cannot register a tool: there are ${toolsInstalled} (limit toolsInstalled)`, {
        effects: 'none',
        limit: 'toolsInstalled',
      })
  }

  async #remove(added: readonly InstalledTool[]): Promise<void> {
    for (const installed of added) {
      const registered = this.#registered.get(installed.tool.name)
      this.#registered.delete(installed.tool.name)
      for (const cancel of registered?.running.keys() ?? []) cancel.abort()
      await Promise.allSettled(registered ? Array.from(registered.running.values()) : [])
      const principal = toolPrincipal(this.#owner, installed)
      await this.#gate.update(principal, ++this.#epoch, [])
      await this.#orchestrator.forget(principal)
    }
    const sha256 = added[0]?.sha256
    const isUsed = [...this.#registered.values()].some(({ installed }) => installed.sha256 === sha256)
    if (sha256 !== undefined && !isUsed) await this.#orchestrator.platform.packages.forget(sha256)
  }

  /** The one place that tells built-in tools from installed ones. */
  async #call(call: LocalCall): Promise<ToolResult> {
    const { name, depth, timeoutMs, signal, onProgress } = call
    const registered = this.#registered.get(name)
    if (registered) return await this.#callInstalled(registered, call)
    if (builtInTool(name)?.place === 'document')
      throw new BtcpError('UNSUPPORTED', `Cannot call "${name}": there is no page here`, { effects: 'none' })
    return await callTool(this.#orchestrator, {
      call: this.#orchestrator.platform.newId(),
      principal: this.#owner,
      tool: name,
      arguments: call.arguments,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(signal ? { signal } : {}),
      ...(onProgress ? { onProgress } : {}),
      depth,
      desk: call.desk ?? this.desk(),
    })
  }

  async #callInstalled(registered: Registered, call: LocalCall): Promise<ToolResult> {
    const { installed, running } = registered
    const { signal, timeoutMs, onProgress, depth } = call
    const cancel = new CancelSource()
    const letGo = cancel.follow(signal)
    const request = {
      principal: toolPrincipal(this.#owner, installed),
      manifest: installed.manifest,
      builtIn: false,
      call: this.#orchestrator.platform.newId(),
      capabilities: installed.tool.capabilities,
    }
    const check: Check = (capabilities, subject) =>
      this.#gate.check({ ...request, capabilities, ...(subject ? { subject } : {}) }, installed.tool.name)
    const work = this.#gate.run(request, installed.tool.name, cancel, () =>
      callInstalled(this.#orchestrator, {
        call: request.call,
        owner: this.#owner,
        installed,
        arguments: call.arguments,
        ...(timeoutMs === undefined ? {} : { timeoutMs }),
        signal: cancel,
        ...(onProgress ? { onProgress } : {}),
        desk: this.#deskOf(registered, check, call),
        depth,
      }),
    )
    running.set(cancel, work)
    try {
      return await work
    } finally {
      running.delete(cancel)
      letGo()
    }
  }

  #deskOf({ installed, page }: Registered, check: Check, { chain, depth, arguments: args }: LocalCall): ToolDesk {
    const desk: ToolDesk = new ToolDesk({
      installed,
      check,
      chain,
      document: (request) => runInPage(page, request, this.#orchestrator.limits),
      files: this.#filesOf(installed, check, args),
      find: (name) => this.#named(name),
      tools: () => this.list(),
      call: (nested, all) => this.#callNested(nested, all, desk),
      depth,
      most: this.#orchestrator.limits.toolDepth,
    })
    return desk
  }

  #filesOf(installed: InstalledTool, check: Check, args: JsonObject): ToolFiles {
    const { limits } = this.#orchestrator
    return workspaceFiles({
      fs: (op) => this.#orchestrator.fs(this.#owner, op),
      root: workspaceFor(installed, args, limits),
      limits,
      check: (capability, path) => check([capability], { path }),
    })
  }

  /** What a tool calls. The programs of a built-in tool may then no more than the tool itself, and import nothing. */
  #callNested({ tool, arguments: args, depth, signal }: NestedCall, chain: readonly Check[], caller: ToolDesk): Promise<ToolResult> {
    const desk: Desk = { tools: () => caller.tools(), call: (nested) => caller.call(nested) }
    return this.#call({ name: tool, arguments: args, depth, signal, chain, desk })
  }

  #named(name: string): { readonly tool: Tool; readonly builtIn: boolean } | undefined {
    const registered = this.#registered.get(name)
    if (registered) return { tool: registered.installed.tool, builtIn: false }
    const row = builtInTool(name)
    return row && { tool: row.tool, builtIn: true }
  }
}

const BUILT_IN: readonly Tool[] = Object.values(BUILT_IN_TOOLS).flatMap(({ place, tool }): Tool[] => (place === 'cell' ? [tool] : []))

/** What is given to a package, as far as it is the tool's: what another of its tools asks for is that tool's alone. */
function envOf(
  tool: PackagedTool,
  tools: readonly PackagedTool[],
  env: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> {
  const asks = ({ secrets, variables }: PackagedTool, name: string): boolean =>
    secrets.some((secret) => secret.name === name) || Object.hasOwn(variables, name)
  return Object.fromEntries(Object.entries(env).filter(([name]) => asks(tool, name) || !tools.some((other) => asks(other, name))))
}

/** Throws where one is unknown, is not offered here, or is not asked for by any of the tools. */
function requireDeclared(name: string, installed: readonly InstalledTool[], capabilities: readonly Capability[]): void {
  for (const capability of capabilities) {
    if (!parseCapability(capability) || !isOffered(capability, 'tool'))
      throw new BtcpError('UNSUPPORTED', `Cannot grant "${capability}": it is not offered here`, { effects: 'none' })
    if (!installed.some(({ tool }) => tool.capabilities.includes(capability)))
      throw new BtcpError('INVALID_PARAMS', `Cannot grant "${capability}" to "${name}": it does not declare it`, { effects: 'none' })
  }
}

function faultsError(faults: readonly PackageFault[]): BtcpError {
  const errors = faults.map(({ file, instancePath, message }) => ({
    instancePath: file === '' ? instancePath : `${file}#${instancePath}`,
    message,
  }))
  const [first] = errors
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : ''
  const text = `Cannot register the package: ${first?.instancePath ? `${first.instancePath}: ` : ''}${first?.message}${more}`
  return new BtcpError('INVALID_PARAMS', text, { errors, effects: 'none' })
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined
  return () => (done ??= work())
}
