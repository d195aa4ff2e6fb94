/**
 * The gate before compilation: everything that a foreign module could ask of an engine that a cell does not give is refused here, in words
 * for its author that say what and where. What passes is rewritten, so that its memory and the moment of its start are the kernel's.
 */
import type { WasmAbi } from '../../protocol/installed-tool.ts'
import type { LimitName, Limits } from '../../protocol/limits.ts'
import type { GatedModule } from './gated-module.ts'

export interface GateSettings {
  /** the file, as messages name it */
  readonly name: string
  readonly abi: WasmAbi
  readonly limits: Limits
  /** the row that bounds its length; `toolModuleBytes` unless it says otherwise */
  readonly size?: 'toolModuleBytes' | 'programBytes'
}

/** `Cannot load "NAME": REASON`. */
export class GateError extends Error {
  /** the row of limits that it is about */
  readonly limit: LimitName | undefined

  constructor(file: string, reason: string, limit?: LimitName) {
    super(`Cannot load "${file}": ${reason}`)
    this.name = 'GateError'
    this.limit = limit
  }
}

export function gateModule(bytes: Uint8Array, settings: GateSettings): GatedModule {
  throw new GateError(settings.name, `its ${bytes.length} bytes are not read yet`)
}
