/**
 * The desk of a tool's running call: what its code asks for outside is found in the table of imports, asked of whoever knows the grants, and
 * carried out by whom the composition root names. Invariants: nothing is carried out before `check` has let it; what the tool has not
 * declared is denied, whatever is granted; a tool that it calls acts only where everyone in the chain may.
 */
import { capabilitiesOf } from '../protocol/built-in-tools.ts'
import { type Capability, capabilityRow } from '../protocol/capability.ts'
import { BtcpError } from '../protocol/error.ts'
import { importSubject, type Subject } from '../protocol/import-subject.ts'
import type { InstalledTool } from '../protocol/installed-tool.ts'
import { isRecord, type JsonObject, type JsonValue } from '../protocol/parse.ts'
import type { Tool, ToolResult } from '../protocol/tool.ts'
import { type ImportRequest, TOOL_IMPORTS, type ToolImport } from '../protocol/tool-imports.ts'
import type { Desk, NestedCall } from './desk.ts'
import type { CancelSignal } from './platform.ts'

/** Throws CAPABILITY_DENIED unless the principal may now. */
export type Check = (capabilities: readonly Capability[], subject?: Subject) => void

/** Carries out an import that has been allowed. Throws BtcpError. */
export type ImportHandler = (request: ImportRequest, signal: CancelSignal) => Promise<JsonValue>

/** The files that a tool reaches by its imports: those of its owner below a root (workspace-files.ts). */
export interface ToolFiles {
  /** The absolute path that the request means, for the check. Throws INVALID_PARAMS where it leaves the root. */
  pathOf(request: ImportRequest): string
  run: ImportHandler
}

export interface ToolDeskParts {
  readonly installed: InstalledTool
  /** the tool's own grants */
  readonly check: Check
  /** those of the tools that wait for this call, outermost first */
  readonly chain?: readonly Check[]
  /** those of the owner, as whom a built-in tool acts; without it the owner may everything (a sandbox of one's own) */
  readonly owner?: Check
  readonly document: ImportHandler
  /** of the document, where it is known */
  readonly origin?: string
  /** without it there are no files */
  readonly files?: ToolFiles
  /** a tool that this one may name; undefined where there is none of the name */
  readonly find: (name: string) => { readonly tool: Tool; readonly builtIn: boolean } | undefined
  readonly tools: () => readonly Tool[]
  /** Calls a tool for which the chain is in order; `chain` is what an installed tool's desk gets. */
  readonly call: (nested: NestedCall, chain: readonly Check[]) => Promise<ToolResult>
  /** how many calls this one is inside of */
  readonly depth?: number
  /** so many calls may be inside each other (limit toolDepth) */
  readonly most: number
}

export class ToolDesk implements Desk {
  readonly #parts: ToolDeskParts

  constructor(parts: ToolDeskParts) {
    this.#parts = parts
  }

  /** What it may call now. */
  tools(): readonly Tool[] {
    return this.#parts.tools().filter((tool) => this.#mayCall(tool))
  }

  async call(nested: NestedCall): Promise<ToolResult> {
    const { call, find, chain = [], check } = this.#parts
    const found = find(nested.tool)
    if (!found) throw new BtcpError('TOOL_NOT_FOUND', `Cannot call "${nested.tool}": no such tool`, { effects: 'none' })
    this.#checkChain(found, nested.arguments)
    if (found.builtIn && nested.arguments['session'] !== undefined) throw ownersSession(nested.tool)
    return await call(nested, [...chain, check])
  }

  async import(request: ImportRequest, signal: CancelSignal): Promise<JsonValue> {
    const { document, origin, files } = this.#parts
    const row: ToolImport = TOOL_IMPORTS[request.import]
    switch (row.place) {
      case 'document':
        this.#need(row, importSubject(request, origin))
        return await document(request, signal)
      case 'files': {
        if (!files) throw new BtcpError('UNSUPPORTED', `Cannot import "${request.import}": there are no files here`, { effects: 'none' })
        this.#need(row, { path: files.pathOf(request) })
        return await files.run(request, signal)
      }
      case 'tool':
        return await this.#callTool(request, signal)
    }
  }

  #need({ needs }: ToolImport, subject: Subject): void {
    if (needs === undefined) return
    requireDeclared(this.#parts.installed, needs)
    this.#parts.check([needs], subject)
  }

  /** An import that is a call: its failures are those of the tool that it names. */
  async #callTool(request: ImportRequest, signal: CancelSignal): Promise<JsonValue> {
    const { depth = 0, most } = this.#parts
    const named = namedTool(request)
    if (depth >= most)
      throw new BtcpError('BUSY', `Cannot call "${named.tool}": calls are ${most} deep inside each other (limit toolDepth)`, {
        effects: 'none',
        limit: 'toolDepth',
      })
    const { structuredContent, isError, content } = await this.call({ ...named, depth: depth + 1, signal })
    if (!isError) return JSON.stringify(structuredContent ?? null)
    const text = content.find((block) => block.type === 'text')?.text ?? 'it failed'
    throw new BtcpError('INVALID_PARAMS', `Cannot call "${named.tool}": ${text}`, { effects: 'unknown' })
  }

  #checkChain({ tool, builtIn }: { readonly tool: Tool; readonly builtIn: boolean }, args: JsonObject): void {
    const { check, chain = [], owner, installed } = this.#parts
    const needed = builtIn ? capabilitiesOf(tool, args) : tool.capabilities
    for (const capability of needed) requireDeclared(installed, capability)
    for (const one of [...chain, check]) one(needed)
    if (builtIn) owner?.(needed)
  }

  #mayCall(tool: Tool): boolean {
    const found = this.#parts.find(tool.name)
    if (!found) return false
    try {
      this.#checkChain(found, {})
      return true
    } catch {
      return false
    }
  }
}

/** What a tool leaves in an interpreter would run later with all that the owner may, and the tool may not. */
const ownersSession = (tool: string): BtcpError =>
  new BtcpError('INVALID_PARAMS', `Cannot call "${tool}": a session is its owner's alone, leave "session" out`, {
    errors: [{ instancePath: '/session', message: "is the owner's alone" }],
    effects: 'none',
  })

/** Holding a capability is holding what it implies, and so is declaring it. */
function requireDeclared({ tool }: InstalledTool, capability: Capability): void {
  const declared = tool.capabilities.some((one) => one === capability || capabilityRow(one).implies?.includes(capability))
  if (declared) return
  throw new BtcpError('CAPABILITY_DENIED', `Cannot use "${capability}": "${tool.name}" does not declare it`, {
    missing: [capability],
    effects: 'none',
  })
}

function namedTool({ arguments: { request } }: ImportRequest): { readonly tool: string; readonly arguments: JsonObject } {
  const bad = (reason: string): BtcpError => new BtcpError('INVALID_PARAMS', `Cannot call a tool: ${reason}`, { effects: 'none' })
  let asked: unknown
  try {
    asked = JSON.parse(typeof request === 'string' ? request : '')
  } catch {
    throw bad('the request is no JSON')
  }
  if (!isRecord(asked) || typeof asked['name'] !== 'string') throw bad('the request has no "name"')
  const args = Object.hasOwn(asked, 'arguments') ? asked['arguments'] : {}
  if (!isRecord(args)) throw bad('"arguments" is no object')
  return { tool: asked['name'], arguments: args as JsonObject }
}
