/**
 * The forms that a script may have (protocol/js-wire.ts): how its text is made ready, what it finds besides the usual, and what is done when
 * its module is through. The life around it is the runtime's.
 */
import type { ScriptStart } from '../../protocol/js-wire.ts'
import type { Activity } from './activity.ts'
import type { Files } from './files.ts'
import type { Input } from './input.ts'
import type { JsHost } from './js-host.ts'
import { type PreparedSource, prepareSource } from './source.ts'
import type { Tools } from './tools.ts'

/** What a form has of the runtime. */
export interface Running {
  readonly start: ScriptStart
  readonly host: JsHost
  readonly activity: Activity
  readonly input: Input
  readonly files: Files
  readonly tools: Tools
  readonly write: (fd: 1 | 2, data: string | Uint8Array) => void
  /** Resolves when the cell has taken what was written. */
  readonly drained: (fd: 1 | 2) => Promise<void>
  /** Runs code of the script as a task of its own. */
  readonly call: (task: () => unknown) => void
  /** Ends the script. */
  readonly finish: (status: number) => void
  /** Ends the script; what it throws only stops what runs now. */
  readonly exit: (status: unknown) => never
}

export interface Form {
  /** where the console logs to */
  readonly logsTo: 1 | 2
  /** Throws ScriptSyntaxError. */
  prepare(code: string, hook: string): PreparedSource | Promise<PreparedSource>
  /** What has to be there before the script's first line. */
  ready?(): Promise<void>
  /** globals besides, or instead of, the usual ones */
  readonly globals?: Readonly<Record<string, unknown>>
  /** what the prepared text uses of the hook */
  readonly hook?: object
  /** The module is through: it is what it exports. */
  through?(exports: Readonly<Record<string, unknown>>): Promise<void>
  /** of a script that ends because nothing is left */
  status?(): number
}

export const SCRIPT_FORM: Form = { logsTo: 1, prepare: prepareSource }
