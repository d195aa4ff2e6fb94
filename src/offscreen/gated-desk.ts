/**
 * The desk of a call that came over the link: what its programs ask for is decided by the service worker, which also runs the tools of the
 * page; a tool of the cell passes the gate here and runs under the grants of the call.
 */
import { BUILT_IN_TOOLS, builtInTool, capabilitiesOf, isUsable } from '../protocol/built-in-tools.ts'
import { BtcpError } from '../protocol/error.ts'
import type { ToService } from '../protocol/link.ts'
import { manifestOf } from '../protocol/manifest.ts'
import type { Principal } from '../protocol/principal.ts'
import type { Tool, ToolResult } from '../protocol/tool.ts'
import { callTool } from '../orchestrator/catalog.ts'
import type { Desk, NestedCall } from '../orchestrator/desk.ts'
import type { Gate } from '../orchestrator/gate.ts'
import type { Orchestrator } from '../orchestrator/orchestrator.ts'

export class GatedDesk implements Desk {
  readonly #orchestrator: Orchestrator
  readonly #gate: Gate
  readonly #call: string
  readonly #principal: Principal
  readonly #send: (message: ToService) => void
  readonly #asked = new Map<number, PromiseWithResolvers<ToolResult | 'allowed'>>()
  #asks = 0

  /** `call` is the call that the page made. */
  constructor(orchestrator: Orchestrator, gate: Gate, call: string, principal: Principal, send: (message: ToService) => void) {
    this.#orchestrator = orchestrator
    this.#gate = gate
    this.#call = call
    this.#principal = principal
    this.#send = send
  }

  tools(): readonly Tool[] {
    const tools = Object.values(BUILT_IN_TOOLS).map(({ tool }): Tool => tool)
    return tools.filter((tool) => isUsable(tool, (capability) => this.#gate.allows(this.#request(tool.name, [capability]))))
  }

  async call(nested: NestedCall): Promise<ToolResult> {
    this.#orchestrator.admitNested(this.#principal)
    const ask = ++this.#asks
    const answer = await this.#ask(ask, nested)
    if (answer !== 'allowed') return answer
    let outcome = 'INTERNAL_ERROR'
    try {
      const result = await this.#inCell(nested)
      outcome = result.isError ? 'failed' : 'ok'
      return result
    } catch (error) {
      if (error instanceof BtcpError) outcome = error.data.btcpCode
      throw error
    } finally {
      this.#send({ t: 'asked', call: this.#call, ask, outcome })
    }
  }

  /** What the service worker answers. */
  settle(ask: number, answer: ToolResult | 'allowed' | Error): void {
    if (answer instanceof Error) this.#asked.get(ask)?.reject(answer)
    else this.#asked.get(ask)?.resolve(answer)
  }

  async #ask(ask: number, { tool, arguments: args, signal }: NestedCall): Promise<ToolResult | 'allowed'> {
    const asked = Promise.withResolvers<ToolResult | 'allowed'>()
    const abort = (): void =>
      asked.reject(new BtcpError('CANCELLED', `Cannot finish "${tool}": who asked for it has ended`, { effects: 'unknown' }))
    this.#asked.set(ask, asked)
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    else this.#send({ t: 'ask', call: this.#call, ask, tool, arguments: args })
    try {
      return await asked.promise
    } finally {
      this.#asked.delete(ask)
      signal.removeEventListener('abort', abort)
    }
  }

  async #inCell({ tool, arguments: args, depth, signal }: NestedCall): Promise<ToolResult> {
    const call = crypto.randomUUID()
    const controller = new AbortController()
    const abort = (): void => controller.abort()
    signal.addEventListener('abort', abort, { once: true })
    const row = builtInTool(tool)
    const request = this.#request(tool, row ? capabilitiesOf(row.tool, args) : [])
    try {
      return await this.#gate.run(request, tool, controller, () =>
        callTool(this.#orchestrator, {
          call,
          principal: this.#principal,
          tool,
          arguments: args,
          signal: controller.signal,
          desk: this,
          depth,
        }),
      )
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  #request(tool: string, capabilities: readonly Tool['capabilities'][number][]) {
    return { principal: this.#principal, manifest: manifestOf(tool)?.name ?? '', builtIn: true, call: this.#call, capabilities }
  }
}
