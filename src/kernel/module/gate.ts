/**
 * The gate before compilation: everything that a foreign module could ask of an engine that a cell does not give is refused here, in words
 * for its author that say what and where. What passes is rewritten, so that its memory and the moment of its start are the kernel's.
 */
import type { WasmAbi } from '../../protocol/installed-tool.ts'
import type { LimitName, Limits } from '../../protocol/limits.ts'
import { PAGE } from '../wasi/webassembly.ts'
import { checkContent } from './content.ts'
import { type DeclaredTable, Declarations } from './declarations.ts'
import { gateExports } from './export-rules.ts'
import { FunctionNames } from './function-names.ts'
import type { GatedExport, GatedModule } from './gated-module.ts'
import { gateImport } from './import-rules.ts'
import { Malformed } from './reader.ts'
import { rewrite } from './rewrite.ts'
import { readSections } from './sections.ts'

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

/** More than a limit allows. */
class Excess extends Malformed {
  readonly limit: LimitName

  constructor(reason: string, limit: LimitName) {
    super(reason)
    this.limit = limit
  }
}

const MOST_PAGES = 0x1_0000_0000 / PAGE

/** Throws GateError and nothing else, whatever the bytes are. */
export function gateModule(bytes: Uint8Array, settings: GateSettings): GatedModule {
  try {
    return gate(bytes, settings)
  } catch (error) {
    if (!(error instanceof Malformed)) throw error
    throw new GateError(settings.name, error.message, error instanceof Excess ? error.limit : undefined)
  }
}

function gate(bytes: Uint8Array, { abi, limits, size = 'toolModuleBytes' }: GateSettings): GatedModule {
  const most = limits[size]
  if (bytes.length > most) throw new Excess(`it has ${bytes.length} bytes, at most ${most} are allowed`, size)
  const sections = readSections(bytes)
  const declared = new Declarations(sections)
  const names = new FunctionNames(sections)
  const functionName = (index: number): string | undefined => names.get(index) ?? linkedName(declared, index)
  checkContent(sections, declared, limits.toolTableElements, (index) => titleOf(index, functionName(index)))
  const memory = memoryOf(declared, limits)
  const imports = declared.imports.map((entry) => gateImport(entry, abi))
  const exports = exportsOf(declared)
  const hasStart = declared.start !== undefined
  const rewritten = rewrite(sections, {
    imports: declared.imports.map(({ entry }) => entry),
    pages: memory.least,
    tables: boundedTables(declared.tables, limits.toolTableElements),
    start: declared.start,
  })
  return {
    ...rewritten,
    pages: memory.least,
    maximumPages: memory.most,
    importsMemory: memory.imported,
    imports,
    exports,
    abi: gateExports(exports, abi, { hasOwnMemory: !memory.imported, hasStart }),
    hasStart,
    functionName,
  }
}

const titleOf = (index: number, name: string | undefined): string =>
  name === undefined ? `its function ${index}` : `its function ${index} (${name})`

/** What an import or an export calls a function that has no name of its own. */
function linkedName(declared: Declarations, index: number): string | undefined {
  const imported = declared.imports[index]
  if (imported) return `${imported.module}.${imported.name}`
  return declared.exports.find((entry) => entry.kind === 'function' && entry.index === index)?.name
}

function exportsOf(declared: Declarations): GatedExport[] {
  return declared.exports.map(({ name, kind, index }) =>
    kind === 'function' ? { name, kind, signature: declared.signature(index) } : { name, kind },
  )
}

function memoryOf({ memory }: Declarations, limits: Limits): NonNullable<Declarations['memory']> {
  if (!memory) throw new Malformed('it has no memory')
  if (memory.least > MOST_PAGES || (memory.most ?? 0) > MOST_PAGES) throw new Malformed('its memory is larger than 4 GiB')
  const most = Math.floor(limits.processMemoryBytes / PAGE)
  if (memory.least <= most) return memory
  throw new Excess(`its memory has ${memory.least} pages at first, at most ${most} are allowed`, 'processMemoryBytes')
}

/** The tables with what they may grow to: all of them together to `most` elements. */
function boundedTables(tables: readonly DeclaredTable[], most: number): DeclaredTable[] {
  let room = most - tables.reduce((sum, { least }) => sum + least, 0)
  if (room < 0) throw new Excess(`its tables have ${most - room} elements at first, at most ${most} are allowed`, 'toolTableElements')
  return tables.map((table) => {
    const bound = Math.min(table.most ?? Infinity, table.least + room)
    room -= bound - table.least
    return { ...table, most: bound }
  })
}
