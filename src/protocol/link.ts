/**
 * The link between the service worker and the offscreen document: one runtime Port inside the extension. The service worker
 * has decided and named the principal; the offscreen document runs the call. Both are our own code of the same build; results
 * hold what a cell printed, which is data for both.
 * Invariant: messages keep their order, so a snapshot that is sent before a call is known when the call begins.
 */
import type { WireError } from './message.ts'
import type { Grant } from './capability.ts'
import type { InstalledTool, PackageManifest } from './installed-tool.ts'
import type { ImportRequest } from './tool-imports.ts'
import type { PackageFault } from './tool-package.ts'
import type { JsonObject, JsonValue } from './parse.ts'
import type { Owner, Principal, ToolPrincipal } from './principal.ts'
import type { ToolResult } from './tool.ts'
import type { Wheel, WheelOp } from './wheel.ts'

/** The name of the Port, and the word that asks the offscreen document to open it. */
export const LINK_PORT = 'offscreen'
export const LINK_WANTED = 'offscreen: connect'

export type ToOffscreen =
  /** What the site and its tools hold from now on, and which tools it has. It is acknowledged when no operation goes on under the former
   *  epoch. */
  | {
      readonly t: 'grants'
      readonly principal: Owner
      readonly epoch: number
      readonly grants: readonly Grant[]
      readonly tools: readonly InstalledTool[]
    }
  | {
      readonly t: 'call'
      readonly call: string
      readonly principal: Principal
      readonly tool: string
      readonly arguments: JsonObject
      readonly timeoutMs?: number
      /** send output while it comes */
      readonly progress: boolean
    }
  | { readonly t: 'cancel'; readonly call: string }
  /** What a program of the call asked for: it may run in the cell; it has run in the page; it has failed or may not. */
  | { readonly t: 'allowed'; readonly call: string; readonly ask: number }
  | { readonly t: 'answered'; readonly call: string; readonly ask: number; readonly result: ToolResult }
  /** What the document has answered to an import. */
  | { readonly t: 'imported'; readonly call: string; readonly ask: number; readonly value: JsonValue }
  | { readonly t: 'refused'; readonly call: string; readonly ask: number; readonly error: WireError }
  /** The person's own, and no call of the site: it needs no grant and gives none. */
  | { readonly t: 'wheels'; readonly request: number; readonly principal: Principal; readonly op: WheelOp }
  | { readonly t: 'package'; readonly request: number; readonly principal: Owner; readonly op: PackageOp }

export type ToService =
  | { readonly t: 'acknowledged'; readonly principal: Principal; readonly epoch: number }
  | { readonly t: 'progress'; readonly call: string; readonly progress: JsonValue }
  | { readonly t: 'result'; readonly call: string; readonly result: ToolResult }
  | { readonly t: 'failed'; readonly call: string; readonly error: WireError }
  /** A program of the call asks for a tool. `from`: the installed tools that wait for it, outermost first. */
  | {
      readonly t: 'ask'
      readonly call: string
      readonly ask: number
      readonly tool: string
      readonly arguments: JsonObject
      readonly from: readonly string[]
    }
  /** The module of the tool `tool`, which the call runs, asks for something of the document. */
  | { readonly t: 'import'; readonly call: string; readonly ask: number; readonly tool: string; readonly request: ImportRequest }
  /** How a tool ended that was allowed. */
  | { readonly t: 'asked'; readonly call: string; readonly ask: number; readonly outcome: string }
  /** What became of `wheels`: the wheels that are there now, or why it was not done. */
  | { readonly t: 'wheelsAre'; readonly request: number; readonly wheels: readonly Wheel[] }
  | { readonly t: 'wheelsRefused'; readonly request: number; readonly reason: string }
  /** What became of `package`. */
  | { readonly t: 'packageIs'; readonly request: number; readonly answer: PackageAnswer }
  | { readonly t: 'packageRefused'; readonly request: number; readonly reason: string }
  /** sent while a call runs: a service worker that hears nothing for 30 s is stopped */
  | { readonly t: 'beat' }

/** What the service worker has the offscreen document do with packages, which lie there by their hash. */
export type PackageOp =
  | { readonly op: 'put'; readonly upload: string; readonly path: string; readonly offset: number; readonly bytes: string }
  | { readonly op: 'read'; readonly upload: string }
  /** what was put becomes a package that is kept */
  | { readonly op: 'keep'; readonly upload: string }
  | { readonly op: 'discard'; readonly upload: string }
  /** The tools' cells are ended and their directories removed; the packages, too, which nobody has any more. */
  | { readonly op: 'forget'; readonly tools: readonly ToolPrincipal[]; readonly packages: readonly string[] }

export type PackageAnswer =
  | { readonly ok: true; readonly manifest: PackageManifest; readonly sha256: string; readonly bytes: number }
  | { readonly ok: false; readonly faults: readonly PackageFault[] }
  | { readonly ok: true }
