/**
 * What the extension's own pages (popup, consent window, audit page) and the service worker say to each other. Both are our own
 * code; what a page of a site said (`reason`) is carried as untrusted text and shown as such.
 */
import type { Capability, Duration, Risk } from './capability.ts'
import type { InstalledTool, PackageManifest } from './installed-tool.ts'
import type { PackageFault } from './tool-package.ts'
import type { Origin } from './principal.ts'
import type { Wheel, WheelOp } from './wheel.ts'

/** The answer of a person to one capability. */
export type Choice = 'deny' | Duration

export interface CapabilityState {
  readonly capability: Capability
  readonly sentence: string
  readonly risk: Risk
  readonly offer: readonly (Duration | 'site')[]
  /** what stands now */
  readonly choice: Choice
  /** milliseconds since the epoch */
  readonly lastUsed?: number
}

export interface SiteState {
  readonly origin: Origin
  readonly on: boolean
  /** the browser's permission that the switch needs */
  readonly hostPattern: string
  readonly capabilities: readonly CapabilityState[]
  /** the site was denied so often that it may not ask again until the browser closes */
  readonly silenced: boolean
  /** how many tools of others it has */
  readonly tools: number
}

/** popup, activity page, pages of wheels and of tools → service worker, answered by `runtime.sendMessage` */
export type PanelRequest =
  | { readonly t: 'site'; readonly origin: string }
  | { readonly t: 'switch'; readonly origin: string; readonly on: boolean }
  | { readonly t: 'choose'; readonly origin: string; readonly capability: string; readonly choice: Choice }
  | { readonly t: 'audit' }
  | { readonly t: 'wheels'; readonly origin: string; readonly op: WheelOp }
  | { readonly t: 'tools'; readonly origin: string; readonly op: ToolOp }

/** What a person wants of a site's tools. */
export type ToolOp =
  /** answered with ToolsState, as are `install`, `remove`, `choose` and `configure` */
  | { readonly op: 'list' }
  /** One part of a file in base64, of at most `fsWriteBytes` bytes; parts come in order. `upload` is a name that the page made up. Answered
   *  with `{}`. */
  | { readonly op: 'put'; readonly upload: string; readonly path: string; readonly offset: number; readonly bytes: string }
  /** What was put is read as a package. Answered with ToolPreview; nothing is installed by it. */
  | { readonly op: 'preview'; readonly upload: string }
  /** Installs what was put. A tool of the same name is replaced; with another hash it has none of the former's grants. */
  | {
      readonly op: 'install'
      readonly upload: string
      /** environment variables: secrets, and variables that differ from their defaults */
      readonly env: Readonly<Record<string, string>>
      readonly choices: Readonly<Record<string, Choice>>
    }
  | { readonly op: 'discard'; readonly upload: string }
  | { readonly op: 'choose'; readonly tool: string; readonly capability: string; readonly choice: Choice }
  | { readonly op: 'configure'; readonly tool: string; readonly env: Readonly<Record<string, string>> }
  /** Nothing is left of it: package, directory, grants, secrets. */
  | { readonly op: 'remove'; readonly tool: string }

export type ToolPreview =
  | {
      readonly ok: true
      readonly manifest: PackageManifest
      readonly sha256: string
      readonly bytes: number
      readonly capabilities: readonly CapabilityState[]
      /** tools of the same names that are there now, by name: the hash that they have */
      readonly replaces: Readonly<Record<string, string>>
    }
  | { readonly ok: false; readonly faults: readonly PackageFault[] }

/** An installed tool as its user sees it: names of secrets, and no values. */
export interface ToolState extends Omit<InstalledTool, 'env'> {
  readonly capabilities: readonly CapabilityState[]
  /** the variables that have a value */
  readonly set: readonly string[]
  /** the values of those that are no secrets */
  readonly values: Readonly<Record<string, string>>
}
export interface ToolsState {
  readonly tools: readonly ToolState[]
}

/** The answer to `wheels`: what is in the site's folder of wheels now. */
export interface WheelsState {
  readonly wheels: readonly Wheel[]
}

/** One request for capabilities, as the consent window shows it. */
export interface ConsentQuestion {
  readonly origin: Origin
  /** the tool that waits for it, where one does */
  readonly tool?: string
  /** where it is an installed one, its package: what is chosen is given to that tool and not to the site */
  readonly package?: { readonly name: string; readonly version: string; readonly sha256: string }
  readonly reason?: string
  readonly capabilities: readonly CapabilityState[]
}

/** Consent window → service worker, over its own Port. `beat` keeps the worker from being stopped while a person thinks. */
export type FromConsent =
  { readonly t: 'shown' } | { readonly t: 'beat' } | { readonly t: 'answer'; readonly choices: Readonly<Record<string, Choice>> }
/** Service worker → consent window. */
export type ToConsent = { readonly t: 'question'; readonly question: ConsentQuestion } | { readonly t: 'over' }

export const CONSENT_PORT = 'consent'

/** One row of the audit. */
export interface AuditRow {
  /** counts up; given by the table */
  readonly seq: number
  /** milliseconds since the epoch */
  readonly time: number
  readonly origin: string
  readonly call: string
  readonly tool: string
  readonly capabilities: readonly string[]
  /** SHA-256 of the arguments' JSON, in hexadecimal */
  readonly digest: string
  readonly argumentBytes: number
  readonly decision: 'allowed' | 'denied'
  /** `ok`, `failed` or a BTCP code; `running` also for a call whose end nobody saw */
  readonly outcome: string
  readonly resultBytes?: number
  readonly durationMs?: number
  /** how often its installed tools have asked something of the page */
  readonly imports?: number
}
