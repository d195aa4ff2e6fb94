/** Which exports an ABI needs, which it may have, and in which forms. */
import type { WasmAbi } from '../../protocol/installed-tool.ts'
import { type AbiExports, type GatedExport, type Signature, START, type TextForm } from './gated-module.ts'
import { Malformed } from './reader.ts'
import { sameSignature, signatureOf, signatureText } from './value-types.ts'

type Forms<F extends string> = Readonly<Record<F, Signature>>

const NOTHING = { plain: signatureOf(':') }
const POINTER = { plain: signatureOf('i:i') }
const DEALLOC = { pointer: signatureOf('i:'), sized: signatureOf('ii:') }
const LIBRARY = { packed: signatureOf('ii:I'), pair: signatureOf('ii:ii'), returned: signatureOf('iii:') }
const METADATA: Forms<TextForm> = {
  pointer: signatureOf(':i'),
  packed: signatureOf(':I'),
  pair: signatureOf(':ii'),
  returned: signatureOf('i:'),
}

export function gateExports(
  exports: readonly GatedExport[],
  abi: WasmAbi,
  { hasOwnMemory, hasStart }: { readonly hasOwnMemory: boolean; readonly hasStart: boolean },
): AbiExports {
  const table = new ExportTable(exports)
  if (exports.some(({ name, kind }) => name === START && (hasStart || kind === 'function')))
    throw new Malformed(`it exports "${START}", a name that is not the module's to give`)
  if (hasOwnMemory) table.needMemory()
  if (abi === 'stdio') {
    table.need('_start', NOTHING)
    return { initialize: false }
  }
  return abi === 'btcp' ? btcpExports(table) : libraryExports(table)
}

function btcpExports(table: ExportTable): AbiExports {
  table.need('alloc', POINTER)
  table.need('execute', POINTER)
  return { initialize: hasInitialize(table), alloc: 'alloc', ...deallocOf(table, ['dealloc']) }
}

function libraryExports(table: ExportTable): AbiExports {
  const alloc = table.has('alloc') || !table.has('allocate') ? 'alloc' : 'allocate'
  table.need(alloc, POINTER)
  const libraryCall = table.may('library_call', LIBRARY)
  const libraryCheck = table.may('library_check', LIBRARY)
  const metadata = table.may('get_metadata', METADATA)
  if (!libraryCall && !libraryCheck)
    throw new Malformed('it exports neither "library_call" nor "library_check", a library needs one of them')
  return {
    initialize: hasInitialize(table),
    alloc,
    ...deallocOf(table, ['dealloc', 'deallocate']),
    ...(libraryCall ? { libraryCall } : {}),
    ...(libraryCheck ? { libraryCheck } : {}),
    ...(metadata ? { metadata } : {}),
  }
}

const hasInitialize = (table: ExportTable): boolean => table.may('_initialize', NOTHING) !== undefined

function deallocOf(table: ExportTable, names: readonly string[]): Pick<AbiExports, 'dealloc'> {
  const name = names.find((known) => table.has(known))
  const form = name === undefined ? undefined : table.may(name, DEALLOC)
  return name !== undefined && form ? { dealloc: { name, form } } : {}
}

class ExportTable {
  readonly #byName: ReadonlyMap<string, GatedExport>

  constructor(exports: readonly GatedExport[]) {
    this.#byName = new Map(exports.map((entry) => [entry.name, entry]))
  }

  has(name: string): boolean {
    return this.#byName.has(name)
  }

  needMemory(): void {
    const found = this.#byName.get('memory')
    if (!found) throw new Malformed('it does not export its memory as "memory"')
    if (found.kind !== 'memory') throw new Malformed(`its export "memory" is a ${found.kind}, a memory is needed`)
  }

  /** In which of the forms the function is there; undefined where there is no such export. */
  may<F extends string>(name: string, forms: Forms<F>): F | undefined {
    const found = this.#byName.get(name)
    if (!found) return undefined
    const { kind, signature } = found
    if (!signature) throw new Malformed(`its export "${name}" is a ${kind}, a function is needed`)
    const form = (Object.keys(forms) as F[]).find((known) => sameSignature(forms[known], signature))
    if (!form) throw new Malformed(`its export "${name}" is ${signatureText(signature)}, needed is ${neededText(forms)}`)
    return form
  }

  need<F extends string>(name: string, forms: Forms<F>): F {
    const form = this.may(name, forms)
    if (!form) throw new Malformed(`it exports no function "${name}", needed is ${neededText(forms)}`)
    return form
  }
}

const neededText = (forms: Forms<string>): string => Object.values(forms).map(signatureText).join(' or ')
