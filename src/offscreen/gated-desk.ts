/**
 * The desk of a call that came over the link: what its programs ask for is decided by the service worker, which also runs the tools of the
 * page and has the imports of the document carried out; a tool of a cell passes the gate here and runs under the grants of the call. A
 * built-in tool acts as the site, an installed one as itself, and whoever waits for it must hold what it needs.
 */
import { BUILT_IN_TOOLS, builtInTool, capabilitiesOf, isUsable } from '../protocol/built-in-tools.ts'
import type { Capability, CapabilityRequest } from '../protocol/capability.ts'
import { BtcpError } from '../protocol/error.ts'
import type { InstalledTool } from '../protocol/installed-tool.ts'
import type { ToService } from '../protocol/link.ts'
import { manifestOf } from '../protocol/manifest.ts'
import type { JsonObject, JsonValue } from '../protocol/parse.ts'
import type { Owner } from '../protocol/principal.ts'
import type { ImportRequest } from '../protocol/tool-imports.ts'
import type { Tool, ToolResult } from '../protocol/tool.ts'
import { callTool } from '../orchestrator/catalog.ts'
import type { Desk, NestedCall } from '../orchestrator/desk.ts'
import type { Gate } from '../orchestrator/gate.ts'
import { callInstalled, toolPrincipal } from '../orchestrator/installed-call.ts'
import type { Orchestrator } from '../orchestrator/orchestrator.ts'
import type { CancelSignal } from '../orchestrator/platform.ts'
import { type Check, ToolDesk } from '../orchestrator/tool-desk.ts'
import { workspaceFiles, workspaceFor } from '../orchestrator/workspace-files.ts'

/** What the service worker answers to what was asked of it. */
export type Answered = 'allowed' | { readonly result: ToolResult } | { readonly value: JsonValue }

/** Who asks: the desk that its programs have, the tools that wait for it (outermost first, the asking one last), and their checks. */
interface Asker {
  readonly desk: Desk
  readonly from: readonly string[]
  readonly chain: readonly Check[]
}

/** A call of an installed tool, as its desk needs it. */
export interface DeskCall {
  readonly installed: InstalledTool
  readonly arguments: JsonObject
  readonly depth?: number
  readonly from?: readonly string[]
  readonly chain?: readonly Check[]
}

type Request = Omit<CapabilityRequest, 'now'>

export class GatedDesk implements Desk {
  readonly #orchestrator: Orchestrator
  readonly #gate: Gate
  readonly #call: string
  readonly #owner: Owner
  readonly #send: (message: ToService) => void
  readonly #asked = new Map<number, PromiseWithResolvers<Answered>>()
  #asks = 0

  /** `call` is the call that the page made. */
  constructor(orchestrator: Orchestrator, gate: Gate, call: string, owner: Owner, send: (message: ToService) => void) {
    this.#orchestrator = orchestrator
    this.#gate = gate
    this.#call = call
    this.#owner = owner
    this.#send = send
  }

  tools(): readonly Tool[] {
    const builtIn = Object.values(BUILT_IN_TOOLS).map(({ tool }): Tool => tool)
    const usable = builtIn.filter((tool) => isUsable(tool, (capability) => this.#gate.allows(this.#asOwner(tool.name, [capability]))))
    const installed = this.#gate.tools(this.#owner).filter((tool) => this.#gate.allows(this.requestOf(tool)))
    return [...usable, ...installed.map(({ tool }) => tool)]
  }

  /** For programs of the site. */
  async call(nested: NestedCall): Promise<ToolResult> {
    return await this.#callFor({ desk: this, from: [], chain: [] }, nested)
  }

  /** For the code of an installed tool that the call runs. */
  deskOf({ installed, arguments: args, depth = 0, from = [], chain = [] }: DeskCall): Desk {
    const { limits } = this.#orchestrator
    const { name } = installed.tool
    const check: Check = (capabilities, subject) =>
      this.#gate.check({ ...this.requestOf(installed), capabilities, ...(subject ? { subject } : {}) }, name)
    const desk: ToolDesk = new ToolDesk({
      installed,
      check,
      chain,
      owner: (capabilities) => this.#gate.check(this.#asOwner('', capabilities), name),
      document: (request, signal) => this.#import(name, request, signal),
      ...(this.#owner.kind === 'site' ? { origin: this.#owner.origin } : {}),
      files: workspaceFiles({
        fs: (op) => this.#orchestrator.fs(this.#owner, op),
        root: workspaceFor(installed, args, limits),
        limits,
        check: (capability, path) => check([capability], { path }),
      }),
      find: (asked) => this.#find(asked),
      tools: () => this.tools(),
      call: (nested, all) => this.#callFor({ desk: programsOf(desk), from: [...from, name], chain: all }, nested),
      depth,
      most: limits.toolDepth,
    })
    return desk
  }

  /** What a call of the installed tool needs. */
  requestOf(installed: InstalledTool): Request {
    const { manifest, tool } = installed
    const principal = toolPrincipal(this.#owner, installed)
    return { principal, manifest, builtIn: false, call: this.#call, capabilities: tool.capabilities }
  }

  /** What the service worker answers. */
  settle(ask: number, answer: Answered | Error): void {
    if (answer instanceof Error) this.#asked.get(ask)?.reject(answer)
    else this.#asked.get(ask)?.resolve(answer)
  }

  #find(name: string): { readonly tool: Tool; readonly builtIn: boolean } | undefined {
    const row = builtInTool(name)
    if (row) return { tool: row.tool, builtIn: true }
    const installed = this.#installed(name)
    return installed && { tool: installed.tool, builtIn: false }
  }

  #installed(name: string): InstalledTool | undefined {
    return this.#gate.tools(this.#owner).find(({ tool }) => tool.name === name)
  }

  async #callFor(asker: Asker, nested: NestedCall): Promise<ToolResult> {
    this.#orchestrator.admitNested(this.#owner)
    const { tool, arguments: args, signal } = nested
    const ask = ++this.#asks
    const answer = await this.#ask({ t: 'ask', call: this.#call, ask, tool, arguments: args, from: asker.from }, tool, signal)
    if (answer !== 'allowed') return resultIn(answer)
    let outcome = 'INTERNAL_ERROR'
    try {
      const result = await this.#inCell(asker, nested)
      outcome = result.isError ? 'failed' : 'ok'
      return result
    } catch (error) {
      if (error instanceof BtcpError) outcome = error.data.btcpCode
      throw error
    } finally {
      this.#send({ t: 'asked', call: this.#call, ask, outcome })
    }
  }

  async #import(tool: string, request: ImportRequest, signal: CancelSignal): Promise<JsonValue> {
    const ask = ++this.#asks
    const answer = await this.#ask({ t: 'import', call: this.#call, ask, tool, request }, request.import, signal)
    if (answer !== 'allowed' && 'value' in answer) return answer.value
    throw new BtcpError('INTERNAL_ERROR', `Cannot import "${request.import}": the answer is that of a call`, { effects: 'unknown' })
  }

  async #ask(message: Extract<ToService, { ask: number; t: 'ask' | 'import' }>, what: string, signal: CancelSignal): Promise<Answered> {
    const { ask } = message
    const asked = Promise.withResolvers<Answered>()
    const abort = (): void =>
      asked.reject(new BtcpError('CANCELLED', `Cannot finish "${what}": who asked for it has ended`, { effects: 'unknown' }))
    this.#asked.set(ask, asked)
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    else this.#send(message)
    try {
      return await asked.promise
    } finally {
      this.#asked.delete(ask)
      signal.removeEventListener('abort', abort)
    }
  }

  async #inCell(asker: Asker, nested: NestedCall): Promise<ToolResult> {
    const { tool, arguments: args, signal } = nested
    const controller = new AbortController()
    const abort = (): void => controller.abort()
    signal.addEventListener('abort', abort, { once: true })
    const installed = builtInTool(tool) ? undefined : this.#installed(tool)
    const row = builtInTool(tool)
    const request = installed ? this.requestOf(installed) : this.#asOwner(tool, row ? capabilitiesOf(row.tool, args) : [])
    try {
      return await this.#gate.run(request, tool, controller, () =>
        installed ? this.#runInstalled(installed, asker, nested, controller.signal) : this.#runBuiltIn(asker, nested, controller.signal),
      )
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  async #runBuiltIn({ desk }: Asker, { tool, arguments: args, depth }: NestedCall, signal: AbortSignal): Promise<ToolResult> {
    const call = crypto.randomUUID()
    return await callTool(this.#orchestrator, { call, principal: this.#owner, tool, arguments: args, signal, desk, depth })
  }

  async #runInstalled(
    installed: InstalledTool,
    { from, chain }: Asker,
    { arguments: args, depth }: NestedCall,
    signal: AbortSignal,
  ): Promise<ToolResult> {
    const desk = this.deskOf({ installed, arguments: args, depth, from, chain })
    const call = crypto.randomUUID()
    return await callInstalled(this.#orchestrator, { call, owner: this.#owner, installed, arguments: args, signal, desk, depth })
  }

  #asOwner(tool: string, capabilities: readonly Capability[]): Request {
    return { principal: this.#owner, manifest: manifestOf(tool)?.name ?? '*', builtIn: true, call: this.#call, capabilities }
  }
}

/** What the programs of a built-in tool may that a tool has called: no more than the tool, and import nothing. */
const programsOf = (desk: Desk): Desk => ({ tools: () => desk.tools(), call: (nested) => desk.call(nested) })

function resultIn(answer: Exclude<Answered, 'allowed'>): ToolResult {
  if ('result' in answer) return answer.result
  throw new BtcpError('INTERNAL_ERROR', 'Cannot finish the call: the answer is that of an import', { effects: 'unknown' })
}
